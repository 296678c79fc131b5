"""One database, two ways in: ``read`` and ``write``, each a function of a connection, each one transaction.

SQLite has one writer thread that commits for everybody who waits (each in a savepoint of its own) beside a pool of
readers; PostgreSQL has a bounded pool. Neither blocks the event loop.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tmf_adapter.storage.sqlite import register
from tmf_adapter.tmf.errors import Overloaded, TooLarge

T = TypeVar("T")
Work = Callable[[Connection], T]

READERS = 4
SCANNERS = 2
"""Threads for reads that may have to look at every row, so that those who look up one row need not wait for them."""
SCANS = 16
"""Reads of that kind that are under way or wait; the last of them waits, at the worst, for 35 seconds."""
READ_SECONDS = 5.0
"""What reads longer is given up."""
POSTGRESQL_CONNECTIONS = 12
BATCH = 64
COALESCE_SECONDS = 0.001
"""While several write at once, a commit waits this long for more of them; a lone writer never waits."""
BUSY_MILLISECONDS = 30_000
STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 20_000

_NARROWER = (
    "Ask for fewer resources: by id, status, creationDate, or an identifier that has an index, such as that of a"
    " related party, a related entity or a characteristic."
)
_BEYOND_LIMITS = "54"
"""The class of PostgreSQL's errors about limits of its own, such as the size of a row in an index."""


def database_url(text: str) -> URL:
    """Accept what operators write (``postgresql://``, ``sqlite:///file.db``) and name the driver we ship.

    Raises ``ValueError`` for anything that is neither.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError("is no database URL; use sqlite:///file.db or postgresql://...") from None
    match url.get_backend_name():
        case "sqlite" if not url.database or url.database == ":memory:":
            raise ValueError("a database in memory would be another one for every connection; use sqlite:///file.db")
        case "sqlite":
            return url.set(drivername="sqlite")
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise ValueError(f"database {other!r} is not supported; use sqlite:///file.db or postgresql://...")


class Database:
    """``synchronous`` (SQLite): NORMAL survives kill -9, FULL a power loss as well, at the price of a sync a commit."""

    def __init__(self, url: str, synchronous: str = "NORMAL") -> None:
        self.url = database_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(self.url, synchronous) if self.is_sqlite else _postgresql(self.url)
        self._local = threading.local()
        self._kept: list[Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._scanners = ThreadPoolExecutor(SCANNERS, thread_name_prefix="scan")
        self._scans = 0
        self._writer: _GroupCommit | _PooledWriter
        self._writer = _GroupCommit(self.engine) if self.is_sqlite else _PooledWriter(self.engine)

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` in a reader thread; what it reads is committed, each statement's at its own moment.

        Raises ``Overloaded`` when it takes longer than ``READ_SECONDS``.
        """
        return await _submitted(self._readers, self._read, work)

    async def scan(self, work: Work[T]) -> T:
        """As ``read``, for work that may take its time: it waits for others of its kind, and nobody else for it.

        Raises ``Overloaded`` at once when ``SCANS`` are there already.
        """
        if self._scans >= SCANS:
            raise Overloaded(
                "Too many lists that no index answers are being read at the moment.", _NARROWER, READ_SECONDS
            )
        self._scans += 1
        try:
            return await _submitted(self._scanners, self._read, work)
        finally:
            self._scans -= 1

    def _read(self, work: Work[T]) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        self._local.end = time.monotonic() + READ_SECONDS
        try:
            with reachable():
                if connection is None:
                    connection = self._local.connection = self._reading()
                return work(connection)
        except BaseException:
            self._local.connection = None  # whatever state it was left in, the next look begins with another
            if connection is not None:
                self._kept.remove(connection)
                connection.invalidate()
                connection.close()
            raise

    def _reading(self) -> Connection:
        """A reader thread keeps its connection; each of its statements is a transaction of its own."""
        connection = self.engine.connect()
        self._kept.append(connection)
        if self.is_sqlite:
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(self._is_overdue, STEPS_BETWEEN_LOOKS_AT_THE_CLOCK)
            return connection
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(f"SET statement_timeout = {int(READ_SECONDS * 1_000)}")
        return connection

    def _is_overdue(self) -> bool:
        """Asked by SQLite every now and then, in the thread that reads."""
        end: float = self._local.end
        return time.monotonic() > end

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction; it is committed when this returns, and undone when ``work`` raised.

        ``work`` holds the write lock: it must neither wait nor evaluate anything. It may run again on a retry of ours
        only when nothing of it was committed.
        """
        return await self._writer.write(work)

    def close(self) -> None:
        """Finish what was begun, then let go of every connection."""
        self._writer.close()
        self._readers.shutdown()
        self._scanners.shutdown()
        for connection in self._kept:
            connection.close()
        self.engine.dispose()


@contextmanager
def reachable() -> Iterator[None]:
    """Raises ``Overloaded``: a database that is away is the client's cue to come back, not an internal error.

    Raises ``TooLarge`` for what PostgreSQL will never take, however often it is sent.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        if isinstance(error, OperationalError) and _is_given_up(error):
            raise Overloaded(f"This takes longer than {READ_SECONDS:g} seconds.", _NARROWER) from error
        if isinstance(error, OperationalError) and _sqlstate(error).startswith(_BEYOND_LIMITS):
            raise TooLarge("A value is too long to be kept where it stands.", "Nothing was written.") from error
        raise Overloaded("The database cannot be reached or is too busy.") from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise
        raise Overloaded("The database is damaged, or is none.") from error  # SQLite has no narrower word for it


def _is_given_up(error: OperationalError) -> bool:
    """Whether the statement was ended because it took too long."""
    return _sqlstate(error) == "57014" or str(error.orig) == "interrupted"


def _sqlstate(error: OperationalError) -> str:
    """PostgreSQL's code for it; empty with SQLite, and where there was no answer."""
    return getattr(error.orig, "sqlstate", None) or ""


async def _submitted(threads: ThreadPoolExecutor, function: Callable[[Work[T]], T], work: Work[T]) -> T:
    """Run it in a thread. Raises ``Overloaded`` once the threads are shut down."""
    try:
        waiting = asyncio.get_running_loop().run_in_executor(threads, function, work)
    except RuntimeError:
        raise _closed() from None
    return await waiting


def _closed() -> Overloaded:
    return Overloaded("The adapter is shutting down.")


def _sqlite(url: URL, synchronous: str) -> Engine:
    engine = create_engine(url, pool_size=READERS + SCANNERS + 24, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        register(connection)
        for pragma in (f"busy_timeout={BUSY_MILLISECONDS}", "foreign_keys=ON", f"synchronous={synchronous}"):
            connection.execute(f"PRAGMA {pragma}")
        _switch_to_wal(connection)

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Of several that switch a new file at once all but one are refused without waiting, whatever the busy timeout."""
    end = time.monotonic() + BUSY_MILLISECONDS / 1_000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        pool_size=POSTGRESQL_CONNECTIONS,
        max_overflow=24,  # the durable engine's threads draw on the same pool
        connect_args={"options": "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC"},
    )


class _PooledWriter:
    """PostgreSQL: as many transactions at once as there are writer threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(POSTGRESQL_CONNECTIONS - READERS, thread_name_prefix="write")

    async def write(self, work: Work[T]) -> T:
        return await _submitted(self._threads, self._transaction, work)

    def _transaction(self, work: Work[T]) -> T:
        with reachable(), self._engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        self._threads.shutdown()


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


class _GroupCommit:
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
                raise _closed()
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


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a unique key refused the row."""
    return "unique" in str(error.orig).lower()
