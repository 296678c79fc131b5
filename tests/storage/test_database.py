"""Reading and writing: each function one transaction, whoever else writes, whatever fails."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.storage.fakes import SECONDS, Gate, put, raising, rows, turns
from tmf_adapter.storage import database as database_module
from tmf_adapter.storage.database import Database, database_url
from tmf_adapter.storage.failures import is_duplicate
from tmf_adapter.storage.schema import upgrade
from tmf_adapter.storage.tables import executor
from tmf_adapter.tmf.errors import Overloaded, TooLarge


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    return tmp_path / "only.db"


@pytest.fixture
def sqlite(sqlite_file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{sqlite_file}")
    upgrade(database)
    yield database
    database.close()


# --- one transaction --------------------------------------------------------------------------------------------------


async def test_what_was_written_is_read(database: Database) -> None:
    assert await database.write(lambda tx: put(tx, "a") or "answer") == "answer"
    assert await rows(database) == {"a"}


async def test_what_raised_is_undone_and_the_caller_told_why(database: Database) -> None:
    error = LookupError("not today")
    with pytest.raises(LookupError) as told:
        await database.write(raising(error, lambda tx: put(tx, "a")))
    assert told.value is error
    assert await rows(database) == set()
    await database.write(lambda tx: put(tx, "b"))
    assert await rows(database) == {"b"}


async def test_a_refused_row_undoes_all_of_its_transaction(database: Database) -> None:
    await database.write(lambda tx: put(tx, "a"))

    def twice(tx: Connection) -> None:
        put(tx, "b")
        put(tx, "a")

    with pytest.raises(IntegrityError) as refused:
        await database.write(twice)
    assert is_duplicate(refused.value)
    assert await rows(database) == {"a"}


async def test_another_refusal_is_no_duplicate(database: Database) -> None:
    with pytest.raises(DBAPIError) as refused:
        await database.write(lambda tx: tx.execute(text("INSERT INTO executor (id, heartbeat) VALUES ('a', NULL)")))
    assert not is_duplicate(refused.value)


async def test_a_reader_does_not_see_what_is_not_committed(database: Database) -> None:
    gate = Gate()
    writing = asyncio.create_task(database.write(lambda tx: put(tx, "a") or gate.work(tx)))
    await gate.entered()
    assert await rows(database) == set()
    gate.open()
    await writing
    assert await rows(database) == {"a"}


async def test_reads_do_not_wait_for_a_write_nor_for_each_other(database: Database) -> None:
    gate = Gate()
    writing = asyncio.create_task(database.write(gate.work))
    await gate.entered()
    async with asyncio.timeout(SECONDS):
        assert await asyncio.gather(*(rows(database) for _ in range(50))) == [set()] * 50
    gate.open()
    await writing


async def test_neither_reading_nor_writing_holds_up_the_event_loop(database: Database) -> None:
    gate = Gate()
    waiting = [asyncio.create_task(database.write(gate.work)), asyncio.create_task(database.read(gate.work))]
    await gate.entered()
    await turns()
    assert not any(task.done() for task in waiting)
    gate.open()
    await asyncio.gather(*waiting)


# --- many writers -----------------------------------------------------------------------------------------------------


async def test_a_failing_neighbour_takes_nobody_with_it(database: Database) -> None:
    """On SQLite all of these wait behind the gate and are committed together."""
    gate = Gate()
    first = asyncio.create_task(database.write(gate.work))
    await gate.entered()
    others = [
        asyncio.create_task(
            database.write(
                raising(ValueError(str(number)), lambda tx, number=number: put(tx, f"{number}"))
                if number % 3 == 0
                else lambda tx, number=number: put(tx, f"{number}") or number
            )
        )
        for number in range(40)
    ]
    await turns()
    gate.open()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    assert [str(result) for result in results[1:]] == [str(number) for number in range(40)]
    assert [isinstance(result, ValueError) for result in results[1:]] == [number % 3 == 0 for number in range(40)]
    assert await rows(database) == {f"{number}" for number in range(40) if number % 3}


async def test_a_neighbour_whom_the_database_refuses_takes_nobody_with_it(database: Database) -> None:
    gate = Gate()
    first = asyncio.create_task(database.write(gate.work))
    await gate.entered()
    keys = ["a", "b", "b", "c", "a", "d"]
    others = [asyncio.create_task(database.write(lambda tx, key=key: put(tx, key))) for key in keys]
    await turns()
    gate.open()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    assert sum(isinstance(result, IntegrityError) for result in results) == 2
    assert await rows(database) == {"a", "b", "c", "d"}


async def test_hundreds_of_writers_all_write(database: Database) -> None:
    await database.write(lambda tx: put(tx, "count"))
    count_up = update(executor).values(heartbeat=executor.c.heartbeat + 1).where(executor.c.id == "count")

    def work(tx: Connection) -> float:
        tx.execute(count_up)
        return float(tx.execute(select(executor.c.heartbeat)).scalar_one())

    seen = await asyncio.gather(*(database.write(work) for _ in range(300)))
    assert sorted(seen) == [float(number) for number in range(1, 301)]
    assert await database.read(lambda tx: tx.execute(select(executor.c.heartbeat)).scalar_one()) == 300


async def test_those_who_wait_together_are_committed_together(sqlite: Database) -> None:
    commits = 0
    gate = Gate()
    first = asyncio.create_task(sqlite.write(gate.work))
    await gate.entered()
    others = [asyncio.create_task(sqlite.write(lambda tx, key=key: put(tx, key))) for key in "abcdefgh"]
    await turns()

    @event.listens_for(sqlite.engine, "commit")
    def count(_connection: object) -> None:
        nonlocal commits
        commits += 1

    gate.open()
    await asyncio.gather(first, *others)
    assert commits == 2


async def test_nobody_is_told_that_it_is_written_when_the_commit_fails(database: Database) -> None:
    def fail(_connection: Connection) -> None:
        raise OSError("the disk is gone")

    event.listen(database.engine, "commit", fail)
    gate = Gate()
    first = asyncio.create_task(database.write(gate.work))
    await gate.entered()
    others = [asyncio.create_task(database.write(lambda tx, key=key: put(tx, key))) for key in "abc"]
    await turns()
    gate.open()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    event.remove(database.engine, "commit", fail)
    assert [type(result) for result in results] == [OSError] * 4
    assert await rows(database) == set()
    await database.write(lambda tx: put(tx, "d"))
    assert await rows(database) == {"d"}


async def test_whoever_stops_waiting_disturbs_nobody(database: Database) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    gate = Gate()
    first = asyncio.create_task(database.write(gate.work))
    await gate.entered()
    leaving = [
        asyncio.create_task(database.write(lambda tx: put(tx, "left"))),
        asyncio.create_task(database.write(raising(ValueError("left")))),
    ]
    staying = [asyncio.create_task(database.write(lambda tx, key=key: put(tx, key))) for key in "abc"]
    await turns()
    for task in (first, *leaving):
        task.cancel()
    await asyncio.gather(first, *leaving, return_exceptions=True)
    gate.open()
    await asyncio.gather(*staying)
    await database.write(lambda tx: put(tx, "d"))
    assert {"a", "b", "c", "d"} <= await rows(database)
    assert complaints == []


async def test_writers_on_several_event_loops_are_all_answered(database: Database) -> None:
    def elsewhere(key: str) -> None:
        async def write() -> None:
            async with asyncio.timeout(SECONDS):
                await asyncio.gather(*(database.write(lambda tx, n=n: put(tx, f"{key}{n}")) for n in range(10)))

        asyncio.run(write())

    await asyncio.gather(*(asyncio.to_thread(elsewhere, key) for key in "xyz"))
    assert len(await rows(database)) == 30


async def test_a_loop_that_is_gone_disturbs_nobody(database: Database) -> None:
    gate = Gate()

    def elsewhere() -> None:
        async def leave() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
            waiting = asyncio.ensure_future(database.write(lambda tx: put(tx, "abandoned")))
            await turns()
            waiting.cancel()

        asyncio.run(leave())

    first = asyncio.create_task(database.write(gate.work))
    await gate.entered()
    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join, SECONDS)
    gate.open()
    async with asyncio.timeout(SECONDS):
        await first
        await database.write(lambda tx: put(tx, "a"))
    assert "a" in await rows(database)


# --- the end ----------------------------------------------------------------------------------------------------------


async def test_closing_finishes_what_was_begun(database_url: str) -> None:
    database = Database(database_url)
    gate = Gate()
    waiting = [asyncio.create_task(database.write(gate.work))]
    await gate.entered()
    waiting += [asyncio.create_task(database.write(lambda tx, key=key: put(tx, key))) for key in "abc"]
    await turns()
    closing = asyncio.create_task(asyncio.to_thread(database.close))
    gate.open()
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(closing, *waiting)
    again = Database(database_url)
    assert await rows(again) == {"a", "b", "c"}
    again.close()


async def test_closing_twice_is_closing(database_url: str) -> None:
    database = Database(database_url)
    await asyncio.to_thread(database.close)
    await asyncio.wait_for(asyncio.to_thread(database.close), SECONDS)


async def test_a_write_or_read_after_the_end_is_refused_at_once(database_url: str) -> None:
    database = Database(database_url)
    database.close()
    for ask in (database.write, database.read):
        with pytest.raises(Overloaded):
            await asyncio.wait_for(ask(lambda tx: put(tx, "late")), 2)


# --- a database that is away ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody@127.0.0.1:1/nothing",  # nobody listens there
        "sqlite:////nowhere/at/all/adapter.db",  # no such directory
    ],
)
async def test_a_database_that_cannot_be_reached_is_an_overload_and_nobody_waits_for_ever(url: str) -> None:
    database = Database(url)
    for ask in (database.read, database.write):
        with pytest.raises(Overloaded) as refused:
            await asyncio.wait_for(ask(lambda tx: tx.execute(text("SELECT 1"))), 5)
        assert refused.value.status == 503
        assert "nobody" not in str(refused.value.document())
    await asyncio.wait_for(asyncio.to_thread(database.close), 5)


async def test_a_locked_file_is_an_overload_and_is_used_again_when_it_is_free(
    sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_MILLISECONDS", 50)
    database = Database(f"sqlite:///{sqlite_file}")
    upgrade(database)
    other = sqlite3.connect(sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    results = await asyncio.gather(
        *(database.write(lambda tx, key=key: put(tx, key)) for key in "abc"), return_exceptions=True
    )
    assert [type(result) for result in results] == [Overloaded] * 3
    other.execute("ROLLBACK")
    other.close()
    await database.write(lambda tx: put(tx, "d"))
    assert await rows(database) == {"d"}
    database.close()


def _fill(tx: Connection) -> None:
    """As if the disk were full a few pages on."""
    pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
    tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 10}")


def _make_room(tx: Connection) -> None:
    tx.exec_driver_sql("PRAGMA max_page_count = 1000000")


async def test_a_full_disk_is_an_overload_for_one_who_writes_alone(sqlite: Database) -> None:
    await sqlite.write(_fill)
    with pytest.raises(Overloaded):
        await sqlite.write(lambda tx: put(tx, "x" * 1_000_000))
    await sqlite.write(_make_room)
    await sqlite.write(lambda tx: put(tx, "a"))
    assert await rows(sqlite) == {"a"}


async def test_on_a_full_disk_whoever_is_told_it_is_written_has_it_written(sqlite: Database) -> None:
    """SQLite may undo a whole transaction by itself: nobody of the batch may then be told otherwise."""
    await sqlite.write(_fill)
    gate = Gate()
    first = asyncio.create_task(sqlite.write(gate.work))
    await gate.entered()
    keys = ["a", "b", "x" * 1_000_000, "c", "y" * 1_000_000, "d"]
    others = [asyncio.create_task(sqlite.write(lambda tx, key=key: put(tx, key))) for key in keys]
    await turns()
    gate.open()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    there = await rows(sqlite)
    told = {key for key, result in zip(keys, results[1:], strict=True) if not isinstance(result, BaseException)}
    assert there == told
    assert all(isinstance(result, Overloaded) for result in results[1:] if isinstance(result, BaseException))
    await sqlite.write(_make_room)
    await sqlite.write(lambda tx: put(tx, "again"))
    assert "again" in await rows(sqlite)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_server_that_drops_its_connections_is_an_overload_and_then_used_again(
    postgresql_server: str, database_url: str
) -> None:
    database = Database(database_url)
    gate = Gate()
    writing = asyncio.create_task(database.write(lambda tx: put(tx, "a") or gate.work(tx)))
    await gate.entered()
    with psycopg.connect(postgresql_server, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [database.url.database],
        )
    gate.open()
    with pytest.raises(Overloaded):
        await writing
    began = time.monotonic()
    while True:
        try:
            await database.write(lambda tx: put(tx, "b"))
            break
        except Overloaded:
            assert time.monotonic() - began < SECONDS
    assert await rows(database) == {"b"}
    database.close()


# --- its address ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text_", "driver", "rendered"),
    [
        ("sqlite:///adapter.db", "sqlite", "sqlite:///adapter.db"),
        ("sqlite:////var/lib/adapter.db", "sqlite", "sqlite:////var/lib/adapter.db"),
        ("postgresql://u:p%40ss@db:5432/tmf", "postgresql+psycopg", "postgresql+psycopg://u:p%40ss@db:5432/tmf"),
        # as Heroku and others still write it
        ("postgres://u@db/tmf", "postgresql+psycopg", "postgresql+psycopg://u@db/tmf"),
        # whatever driver was named, we ship this one
        ("postgresql+psycopg2://u@db/tmf", "postgresql+psycopg", "postgresql+psycopg://u@db/tmf"),
        ("postgresql://db/tmf?sslmode=require", "postgresql+psycopg", "postgresql+psycopg://db/tmf?sslmode=require"),
    ],
)
def test_what_operators_write_is_understood(text_: str, driver: str, rendered: str) -> None:
    url = database_url(text_)
    assert url.drivername == driver
    assert url.render_as_string(hide_password=False) == rendered


@pytest.mark.parametrize("text_", ["mysql://u@db/tmf", "oracle://db", "nonsense", "", "http://db/tmf", "adapter.db"])
def test_what_is_neither_sqlite_nor_postgresql_is_refused(text_: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        database_url(text_)


@pytest.mark.parametrize("text_", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused_for_every_connection_would_have_its_own(text_: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        database_url(text_)


async def test_sqlite_is_in_wal_mode_and_as_synchronous_as_it_was_told(tmp_path: Path) -> None:
    for synchronous, number in (("NORMAL", 1), ("FULL", 2)):
        database = Database(f"sqlite:///{tmp_path / synchronous}.db", synchronous)
        for ask in (database.read, database.write):
            assert await ask(lambda tx: tx.exec_driver_sql("PRAGMA journal_mode").scalar_one()) == "wal"
            assert await ask(lambda tx: tx.exec_driver_sql("PRAGMA synchronous").scalar_one()) == number
        database.close()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)  # the indexes of SQLite take anything
async def test_what_postgresql_will_never_take_is_too_large_and_no_overload(database: Database) -> None:
    long = "".join(sha256(bytes([each % 256, each // 256])).hexdigest() for each in range(1_000))
    with pytest.raises(TooLarge):
        await database.write(lambda tx: put(tx, long))
    await database.write(lambda tx: put(tx, "short"))
    assert await rows(database) == {"short"}
