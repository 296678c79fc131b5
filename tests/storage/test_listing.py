"""Pages: cursors that miss nothing while resources come and go, counts, and the end of what takes too long."""

import asyncio

import orjson
import pytest
from sqlalchemy import Connection, text

from tests.storage.fakes import SECONDS, Gate, deleting, equal, opening, turns
from tmf_adapter.storage import database as room
from tmf_adapter.storage import failures, listing
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.listing import Listing
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.storage.tables import ticket
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tmf.condition import Sort
from tmf_adapter.tmf.cursor import Cursor
from tmf_adapter.tmf.errors import Overloaded
from tmf_adapter.tmf.query import Page, Query

BY_NAME = (Sort(("name",)),)


class Shelf:
    """Tickets by name, and the pages of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store: ResourceStore = ticket_store(database)

    async def add(self, *names: str) -> None:
        for name in names:
            change = opening(f"id-{name}", name=name)
            await self.database.write(lambda tx, change=change: self.store.save(tx, change))

    async def remove(self, name: str) -> None:
        stored = await self.store.load(f"id-{name}")
        await self.database.write(lambda tx: self.store.save(tx, deleting(stored)))

    async def page(self, query: Query) -> Page:
        return await self.store.page(query)


def names(page: Page) -> str:
    return "".join(orjson.loads(item)["name"] for item in page.items)


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    shelf = Shelf(database)
    await shelf.add(*"bdfhj")
    return shelf


async def test_a_cursor_goes_on_where_it_was_whatever_is_added_or_removed(shelf: Shelf) -> None:
    page = await shelf.page(Query(sort=BY_NAME, limit=2))
    assert (names(page), page.total) == ("bd", 5)
    await shelf.add("a", "e")
    await shelf.remove("d")
    page = await shelf.page(Query(sort=BY_NAME, limit=2, after=page.last))
    assert names(page) == "ef"
    back = await shelf.page(Query(sort=BY_NAME, limit=2, before=page.first))
    assert names(back) == "ab"
    assert back.first is None


async def test_the_ends_of_a_list_have_nothing_beyond(shelf: Shelf) -> None:
    whole = await shelf.page(Query(sort=BY_NAME))
    assert (names(whole), whole.first, whole.last) == ("bdfhj", None, None)
    page = await shelf.page(Query(sort=BY_NAME, limit=3))
    last = await shelf.page(Query(sort=BY_NAME, limit=2, after=page.last))
    assert (names(last), last.last) == ("hj", None)
    assert last.first is not None
    before = await shelf.page(Query(sort=BY_NAME, limit=3, before=last.first))
    assert (names(before), before.first) == ("bdf", None)
    assert before.last is not None


async def test_the_total_counts_all_that_match_wherever_the_page_is(shelf: Shelf) -> None:
    condition = equal("name", "b", "f", "j")
    for query in (
        Query(condition, sort=BY_NAME, limit=1),
        Query(condition, sort=BY_NAME, offset=2),
        Query(condition, sort=BY_NAME, offset=7),  # past the end: an empty page, the same count
        Query(condition, sort=BY_NAME, limit=0),
    ):
        assert (await shelf.page(query)).total == 3


@pytest.mark.parametrize(("most", "first"), [(1, "b"), (150, "bd"), (1 << 20, "bdfhj")])
async def test_a_page_ends_where_it_becomes_too_large_and_the_next_goes_on_there(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, most: int, first: str
) -> None:
    monkeypatch.setattr(listing, "PAGE_BYTES", most)
    page = await shelf.page(Query(sort=BY_NAME))
    assert (names(page), page.total) == (first, 5)
    seen = names(page)
    while page.last is not None:
        page = await shelf.page(Query(sort=BY_NAME, after=page.last))
        seen += names(page)
    assert seen == "bdfhj"
    page = await shelf.page(Query(sort=BY_NAME, offset=5 - len(first)))
    while page.first is not None:
        page = await shelf.page(Query(sort=BY_NAME, before=page.first))
        seen = names(page) + seen
    assert seen.endswith("bdfhj")
    assert seen.startswith("b")


async def test_nothing_is_kept_of_the_statements_that_clients_think_up(shelf: Shelf, database: Database) -> None:
    kept = database.engine._compiled_cache
    assert kept is not None
    await shelf.page(Query(equal("name", "b")))
    before = len(kept)
    for number in range(20):
        await shelf.page(Query(equal(f"name{number}", "b")))
    assert len(kept) == before


async def test_what_matches_nothing_is_an_empty_page(shelf: Shelf) -> None:
    assert await shelf.page(Query(equal("name", "x"))) == Page([], 0)


ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"


def count_for_ever(connection: Connection) -> object:
    return connection.execute(text(ENDLESS)).scalar_one()


async def test_what_reads_too_long_is_given_up_and_the_next_one_is_answered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "READ_SECONDS", 0.2)
    for _ in range(2):
        with pytest.raises(Overloaded) as refused:
            await asyncio.wait_for(database.scan(count_for_ever), SECONDS)
        assert "0.2 seconds" in refused.value.reason
        assert refused.value.message
    assert await database.scan(lambda connection: connection.execute(text("SELECT 1")).scalar_one()) == 1


async def test_whoever_looks_up_one_row_does_not_wait_for_those_who_look_at_all(shelf: Shelf) -> None:
    gate = Gate()
    scans = [asyncio.create_task(shelf.database.scan(gate.work)) for _ in range(8)]
    await gate.entered()
    async with asyncio.timeout(SECONDS):
        assert (await shelf.store.load("id-b")).id == "id-b"
    gate.open()
    await asyncio.gather(*scans)


async def test_lists_by_an_index_are_answered_while_scans_run_and_scans_beyond_those_that_wait_are_refused(
    shelf: Shelf,
) -> None:
    party = {"relatedParty": [{"partyOrPartyRole": {"id": "cust-1"}}]}
    await shelf.database.write(lambda tx: shelf.store.save(tx, opening("id-x", name="x", **party)))
    gate = Gate()
    scans = [asyncio.create_task(shelf.database.scan(gate.work)) for _ in range(room.SCANS)]
    await gate.entered()
    async with asyncio.timeout(SECONDS):
        for _ in range(3):
            with pytest.raises(Overloaded) as refused:
                await shelf.page(Query(equal("note.author", "hotline")))
            assert "Too many lists" in refused.value.reason
            assert refused.value.message is not None
            assert refused.value.headers == {"Retry-After": "5"}
        customers = [Query(equal("relatedParty.partyOrPartyRole.id", "cust-1")), Query(equal("status", "acknowledged"))]
        pages = await asyncio.gather(*(shelf.page(query) for query in 20 * customers))
        assert [names(page) for page in pages[:2]] == ["x", "bdfhjx"]
    gate.open()
    await asyncio.gather(*scans)
    assert (await shelf.page(Query(equal("name", "x")))).total == 1


async def test_a_scan_that_nobody_waits_for_any_more_makes_room_for_another(shelf: Shelf) -> None:
    gate = Gate()
    scans = [asyncio.create_task(shelf.database.scan(gate.work)) for _ in range(room.SCANS)]
    await gate.entered()
    scans.pop().cancel()
    await turns()
    last = asyncio.create_task(shelf.page(Query(equal("name", "b"))))
    await turns()
    gate.open()
    assert names(await last) == "b"
    await asyncio.gather(*scans)


@pytest.mark.parametrize(
    ("query", "reads_bodies"),
    [
        (Query(), False),
        (Query(equal("status", "held")), False),
        (Query(sort=(Sort(("id",)),)), False),
        (Query(equal("name", "x")), True),
        (Query(sort=BY_NAME), True),
    ],
)
def test_a_list_by_columns_alone_reads_no_bodies(query: Query, reads_bodies: bool) -> None:
    for dialect in ("sqlite", "postgresql"):
        assert Listing(dialect, ticket, query).reads_bodies == reads_bodies


def test_the_default_order_and_its_cursors_use_the_index_of_the_date() -> None:
    """PostgreSQL's indexes are in the database's own collation; asked for another one it sorts the whole table."""
    place = Cursor(((1, 0.0, ""),), "1")
    for query in (Query(), Query(after=place), Query(before=place)):
        assert "COLLATE" not in Listing("postgresql", ticket, query)._page
