"""One database, two ways in: ``read`` and ``write``, each a function of a connection, each one transaction.

SQLite has one writer thread that commits for everybody who waits (each in a savepoint of its own) beside a pool of
readers; PostgreSQL has a bounded pool. Neither blocks the event loop.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tmf_adapter.storage import failures
from tmf_adapter.storage.failures import NARROWER, closed, reachable
from tmf_adapter.storage.group_commit import GroupCommit
from tmf_adapter.storage.sqlite import register
from tmf_adapter.tmf.errors import Overloaded

T = TypeVar("T")
Work = Callable[[Connection], T]

READERS = 4
SCANNERS = 2
"""Threads for reads that may have to look at every row, so that those who look up one row need not wait for them."""
SCANS = 16
"""Reads of that kind that are under way or wait; the last of them waits, at the worst, for 35 seconds."""
POSTGRESQL_CONNECTIONS = 12
BUSY_MILLISECONDS = 30_000
STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 20_000


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
        self._writer: GroupCommit | _PooledWriter
        self._writer = GroupCommit(self.engine) if self.is_sqlite else _PooledWriter(self.engine)

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
                "Too many lists that no index answers are being read at the moment.", NARROWER, failures.READ_SECONDS
            )
        self._scans += 1
        try:
            return await _submitted(self._scanners, self._read, work)
        finally:
            self._scans -= 1

    def _read(self, work: Work[T]) -> T:
        connection: Connection | None = getattr(self._local, "connection", None)
        self._local.end = time.monotonic() + failures.READ_SECONDS
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
        connection.exec_driver_sql(f"SET statement_timeout = {int(failures.READ_SECONDS * 1_000)}")
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


async def _submitted(threads: ThreadPoolExecutor, function: Callable[[Work[T]], T], work: Work[T]) -> T:
    """Run it in a thread. Raises ``Overloaded`` once the threads are shut down."""
    try:
        waiting = asyncio.get_running_loop().run_in_executor(threads, function, work)
    except RuntimeError:
        raise closed() from None
    return await waiting


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
