"""Rows of resources: found by id in shared statements, listed newest first, swapped by version."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from tests.storage.fakes import SECONDS, Gate, changing, deleting, equal, opening, turns
from tmf_adapter.problems.store import problem_store
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.resources import Batch, ResourceStore, StaleVersion
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tmf.errors import NotFound
from tmf_adapter.tmf.events import Change, Stored
from tmf_adapter.tmf.query import Query


@pytest.fixture
def store(database: Database) -> ResourceStore:
    return ticket_store(database)


async def save(database: Database, store: ResourceStore, *changes: Change) -> None:
    await database.write(lambda tx: [store.save(tx, change) for change in changes] and None)


# --- rows -------------------------------------------------------------------------------------------------------------


async def test_a_document_comes_back_as_it_was_saved(database: Database, store: ResourceStore) -> None:
    members = {
        "text": "größe 日本 \U0001f600 \\ \" ' % \n\t <b>",
        "numbers": [0, -1, 1.5, 1e300, 2**63 - 1, -(2**63), 2**64 - 1, 0.1],
        "nothing": None,
        "truth": [True, False],
        "nested": {"a": {"": [{}]}},
        "": "no name",
        "a.b'\"$": "odd name",
    }
    change = opening("t1", **members)
    await save(database, store, change)
    assert await store.load("t1") == change.after
    assert (await store.text("t1")).body == orjson.dumps(change.subject.document)


async def test_version_and_episode_come_back(database: Database, store: ResourceStore) -> None:
    first = opening("t1")
    await save(database, store, first)
    after = Stored({**first.subject.document, "name": "x"}, 7, 3)
    await save(database, store, Change("troubleTicket", first.after, after, (), first.by))
    assert await store.load("t1") == after


async def test_what_is_not_there_is_not_found(database: Database, store: ResourceStore) -> None:
    await save(database, store, opening("t1"))
    for id_ in ("", "nowhere", "T1", "t1 ", "' OR 1=1 --", "x" * 100_000, "größe", "%", "t_"):
        for ask in (store.load, store.text):
            with pytest.raises(NotFound) as refused:
                await ask(id_)
            assert len(str(refused.value.document())) < 500


async def test_tickets_and_problems_do_not_know_each_other(database: Database, store: ResourceStore) -> None:
    problems = problem_store(database)
    await save(database, store, opening("same", name="ticket"))
    await save(database, problems, opening("same", name="problem"))
    assert (await store.load("same")).document["name"] == "ticket"
    assert (await problems.load("same")).document["name"] == "problem"
    await save(database, store, deleting(await store.load("same")))
    assert (await problems.page(Query())).total == 1


async def test_only_the_version_that_was_read_can_be_replaced_or_deleted(
    database: Database, store: ResourceStore
) -> None:
    first = opening("t1")
    second = changing(first.subject, name="x")
    await save(database, store, first, second)
    for stale in (changing(first.subject, name="y"), deleting(first.subject)):
        with pytest.raises(StaleVersion):
            await save(database, store, stale)
    assert await store.load("t1") == second.after
    await save(database, store, deleting(second.subject))
    for gone in (changing(second.subject, name="z"), deleting(second.subject)):
        with pytest.raises(StaleVersion):
            await save(database, store, gone)


async def test_a_new_status_is_found_by_it(database: Database, store: ResourceStore) -> None:
    first = opening("t1")
    await save(database, store, first, changing(first.subject, status="held"))
    assert (await store.page(Query(equal("status", "acknowledged")))).total == 0
    assert (await store.page(Query(equal("status", "held")))).total == 1


# --- pages ------------------------------------------------------------------------------------------------------------

DATES = ["2026-03-11T06:00:00.000Z", "2026-03-11T06:00:00.001Z", "2026-03-10T23:59:59.999Z", "2025-12-31T00:00:00.000Z"]


@pytest.fixture
async def forty(database: Database, store: ResourceStore) -> list[str]:
    """Forty tickets; their ids in the order of a list."""
    numbers = [(7 * number) % 40 for number in range(40)]
    changes = [opening(f"id-{n:02}", creationDate=DATES[n % 4], name=f"n{n % 3}") for n in numbers]
    await save(database, store, *changes)
    newest_first = sorted(DATES, reverse=True)
    return [f"id-{n:02}" for date in newest_first for n in range(40) if DATES[n % 4] == date]


def ids(items: Sequence[bytes]) -> list[str]:
    return [orjson.loads(item)["id"] for item in items]


async def test_a_list_is_newest_first_and_by_id_where_that_is_equal(store: ResourceStore, forty: list[str]) -> None:
    page = await store.page(Query())
    assert ids(page.items) == forty
    assert page.total == 40


PAGES = [
    (0, 10, slice(0, 10)),
    (10, 10, slice(10, 20)),
    (35, 10, slice(35, 40)),  # the last page is shorter
    (40, 10, slice(40, 40)),  # past the end: nothing, and still the total
    (2**62, 10, slice(40, 40)),
    (0, 0, slice(0, 0)),  # only the total
    (39, 1, slice(39, 40)),
]


async def test_a_page_is_a_part_of_the_list(store: ResourceStore, forty: list[str]) -> None:
    for offset, limit, there in PAGES:
        page = await store.page(Query(offset=offset, limit=limit))
        assert ids(page.items) == forty[there]
        assert page.total == 40


async def test_pages_one_after_the_other_are_the_list(store: ResourceStore, forty: list[str]) -> None:
    pages = [await store.page(Query(equal("name", "n1", "n2"), offset=offset, limit=4)) for offset in range(0, 40, 4)]
    assert [id_ for page in pages for id_ in ids(page.items)] == [id_ for id_ in forty if int(id_[3:]) % 3]
    assert {page.total for page in pages} == {26}


async def test_an_empty_table_is_an_empty_list(store: ResourceStore) -> None:
    page = await store.page(Query())
    assert (page.items, page.total) == ([], 0)


# --- shared look-ups --------------------------------------------------------------------------------------------------


class Fetched:
    """Finds every key that begins with an "a"; remembers what it was asked, and can be held up or fail."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.gates: list[Gate] = []
        self.error: Exception | None = None

    def __call__(self, connection: Connection, keys: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(list(keys))
        if self.gates:
            self.gates.pop(0).work(connection)
        if self.error is not None:
            raise self.error
        return {key: key.upper() for key in keys if key.startswith("a")}


@pytest.fixture
def fetched() -> Fetched:
    return Fetched()


@pytest.fixture
def batch(database: Database, fetched: Fetched) -> Batch[str, str]:
    return Batch(database, fetched)


async def test_whoever_asks_at_the_same_time_shares_a_statement(batch: Batch[str, str], fetched: Fetched) -> None:
    keys = [f"a{number}" for number in range(100)]
    assert await asyncio.gather(*(batch.get(key) for key in keys)) == [key.upper() for key in keys]
    assert fetched.asked == [keys]


async def test_whoever_asks_while_a_statement_is_under_way_is_part_of_the_next(
    batch: Batch[str, str], fetched: Fetched
) -> None:
    gate = Gate()
    fetched.gates.append(gate)
    first = asyncio.create_task(batch.get("a"))
    await gate.entered()
    later = [asyncio.create_task(batch.get(key)) for key in ("a1", "b", "a1", "a2")]
    await turns()
    gate.open()
    assert await asyncio.gather(first, *later) == ["A", "A1", None, "A1", "A2"]
    assert fetched.asked == [["a"], ["a1", "b", "a2"]]


async def test_a_key_that_is_being_read_is_read_again_for_whoever_asks_later(
    batch: Batch[str, str], fetched: Fetched
) -> None:
    """The statement under way may not see what was written since it began."""
    gate = Gate()
    fetched.gates.append(gate)
    first = asyncio.create_task(batch.get("a"))
    await gate.entered()
    later = asyncio.create_task(batch.get("a"))
    await turns()
    gate.open()
    assert await asyncio.gather(first, later) == ["A", "A"]
    assert fetched.asked == [["a"], ["a"]]


async def test_a_failure_is_told_to_all_who_asked_and_to_nobody_after(batch: Batch[str, str], fetched: Fetched) -> None:
    fetched.error = ValueError("not today")
    results = await asyncio.gather(*(batch.get(key) for key in "abc"), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3
    fetched.error = None
    assert await batch.get("a") == "A"


async def test_whoever_stops_asking_disturbs_nobody(batch: Batch[str, str], fetched: Fetched) -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    gate = Gate()
    fetched.gates.append(gate)
    leaving, staying = asyncio.create_task(batch.get("a")), asyncio.create_task(batch.get("a"))
    await gate.entered()
    waiting = [asyncio.create_task(batch.get(key)) for key in ("a1", "a2")]
    await turns()
    leaving.cancel()
    waiting[0].cancel()
    gate.open()
    async with asyncio.timeout(SECONDS):
        assert await staying == "A"
        assert await waiting[1] == "A2"
    assert complaints == []


async def test_everybody_reads_what_they_have_written(database: Database, store: ResourceStore) -> None:
    """While others read the same row all the time."""
    current = opening("t1", count=0).subject
    await save(database, store, opening("t1", count=0))
    done = False

    async def read() -> int:
        highest = 0
        while not done:
            version = (await store.load("t1")).version
            assert version >= highest, "a row never goes back"
            highest = version
        return highest

    readers = [asyncio.create_task(read()) for _ in range(10)]
    for number in range(1, 41):
        change = changing(current, count=number)
        await save(database, store, change)
        loaded = await store.load("t1")
        assert loaded.document["count"] == number
        current = loaded
    done = True
    await asyncio.gather(*readers)


async def test_an_id_that_no_database_takes_spoils_nobody_elses_look_up(
    database: Database, store: ResourceStore
) -> None:
    """``GET /troubleTicket/%00`` among others: PostgreSQL knows no text with a NUL in it."""
    await save(database, store, opening("t1"), opening("t2"))
    results: list[Any] = await asyncio.gather(
        store.load("t1"), store.load("\x00"), store.load("t\x001"), store.load("t2"), return_exceptions=True
    )
    assert [type(result) for result in results] == [Stored, NotFound, NotFound, Stored]
