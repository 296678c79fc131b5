"""SQLite has one writer: a thread that commits for everybody who waits, each in a savepoint of its own if need be."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from tmf_adapter.storage.failures import closed, reachable

T = TypeVar("T")
Work = Callable[[Connection], T]

BATCH = 64
COALESCE_SECONDS = 0.001
"""While several write at once, a commit waits this long for more of them; a lone writer never waits."""


@dataclass(slots=True)
class _Waiting:
    """One caller's work, and where its result is awaited."""

    work: Work[Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        """Keep the result or the error; the caller sees neither before the commit."""
        try:
            with reachable():
                self.result = self.work(connection)
        except Exception as error:
            self.error = error

    def settle(self) -> None:
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class GroupCommit:
    """SQLite: one thread writes for all. Whoever waits when a commit begins is part of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._is_closed = False
        self._is_busy = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def write(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._gate:
            if self._is_closed:
                raise closed()
            self._queue.put(_Waiting(work, future, loop))
        return await future

    def close(self) -> None:
        with self._gate:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        connection: Connection | None = None
        while (batch := self._next()) is not None:
            try:
                with reachable():
                    connection = connection or self._engine.connect()
            except Exception as error:  # the writer must live; it connects again for the next who asks
                for waiting in batch:
                    waiting.error = error
            else:
                self._commit(connection, batch)
            _settle(batch)
        if connection is not None:
            connection.close()

    def _next(self) -> list[_Waiting] | None:
        """Everybody who waits, at least one; None when the database closes."""
        first = self._queue.get()
        if first is None:
            return None
        batch = [first]
        if self._is_busy:
            time.sleep(COALESCE_SECONDS)
        while len(batch) < BATCH:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                self._queue.put(None)
                break
            batch.append(following)
        self._is_busy = len(batch) > 1
        return batch

    def _commit(self, connection: Connection, batch: Sequence[_Waiting]) -> None:
        try:
            with reachable():
                if not _run_all(connection, batch):
                    _run_each(connection, batch)
                connection.commit()
        except Exception as error:  # the writer must live; everyone who waited is told
            connection.rollback()
            connection.connection.rollback()  # a commit that failed leaves SQLAlchemy with nothing to roll back
            for waiting in batch:
                waiting.error = waiting.error or error


def _run_all(connection: Connection, batch: Sequence[_Waiting]) -> bool:
    """The hopeful way: nobody fails, so nobody needs a savepoint. If somebody does, nothing is written."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    for waiting in batch:
        waiting.run(connection)
        if waiting.error is not None:
            connection.rollback()
            return False
    return True


def _run_each(connection: Connection, batch: Sequence[_Waiting]) -> None:
    """Each in a savepoint, so that those who fail are undone alone."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    for waiting in batch:
        waiting.error = None
        connection.exec_driver_sql("SAVEPOINT w")
        waiting.run(connection)
        if waiting.error is not None:
            connection.exec_driver_sql("ROLLBACK TO w")
        connection.exec_driver_sql("RELEASE w")


def _settle(batch: Sequence[_Waiting]) -> None:
    """Wake each event loop once, however many of its callers waited."""
    for loop in {waiting.loop for waiting in batch}:
        mine = [waiting for waiting in batch if waiting.loop is loop]
        try:
            loop.call_soon_threadsafe(_settle_here, mine)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _settle_here(mine: Sequence[_Waiting]) -> None:
    for waiting in mine:
        waiting.settle()
