"""Lists by what tickets and problems refer to: which are looked up, and that the index is kept with the rows."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from sqlalchemy import Connection, delete, func, insert, select

from tests.storage.fakes import changing, deleting, equal, opening
from tmf_adapter.api.attributes import attributes
from tmf_adapter.api.server import load
from tmf_adapter.storage import listing
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.listing import Listing
from tmf_adapter.storage.references import ALTERNATIVES, MOST, numbers
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.storage.schema import migrate
from tmf_adapter.storage.tables import TENANT, problem, reference, references_of, ticket
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tmf.events import Stored
from tmf_adapter.tmf.query import Collection, Query, parse
from tmf_adapter.tmf.versions import V4

OPENAPI = Path(__file__).parents[2] / "openapi"
TICKETS = Collection("troubleTicket", attributes(load(OPENAPI / "tmf621-v5.yaml"), "TroubleTicket_RES"))
TICKETS_V4 = Collection(
    "troubleTicket", attributes(load(OPENAPI / "tmf621-v4.yaml"), "TroubleTicket"), V4["troubleTicket"].path
)
PROBLEMS = Collection("serviceProblem", attributes(load(OPENAPI / "tmf656-v5.yaml"), "ServiceProblem"))
PROBLEMS_V4 = Collection(
    "serviceProblem", attributes(load(OPENAPI / "tmf656-v4.yaml"), "ServiceProblem"), V4["serviceProblem"].path
)

LINE = {"relatedEntity": [{"role": "service", "entity": {"id": "line-1"}}]}
REFERRING: dict[str, Any] = {
    **LINE,
    "relatedParty": [{"role": "customer", "partyOrPartyRole": {"id": "cust-1"}}],
    "externalIdentifier": [{"owner": "crm", "id": "C-1"}],
    "troubleTicketCharacteristic": [{"name": "faultCode", "value": "LOS"}, {"name": "frames", "value": [1482, 7]}],
}


@pytest.fixture
def store(database: Database) -> ResourceStore:
    return ticket_store(database)


async def found(store: ResourceStore, name: str, value: str, *more: tuple[str, str]) -> list[str]:
    """The ids of the tickets that the query finds, by id."""
    page = await store.page(parse([(name, value), *more], TICKETS))
    assert page.total == len(page.items)
    return sorted(orjson.loads(item)["id"] for item in page.items)


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(reference)).scalar_one()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("collection", "query"),
    [
        (TICKETS, "relatedParty.partyOrPartyRole.id=cust-1"),
        (TICKETS, "relatedParty.partyOrPartyRole.id=cust-1,cust-2&severity=Major"),
        (TICKETS, "relatedEntity.entity.id=line-1;externalIdentifier.id=C-1"),
        (TICKETS, "troubleTicketRelationship.id=t2"),
        (TICKETS, "troubleTicketSpecification.id=s1"),
        (TICKETS, "troubleTicketCharacteristic.frames=1482"),
        (TICKETS, "troubleTicketCharacteristic.since=2026-03-11T06:00:00Z"),
        (TICKETS, "filter=relatedEntity[?(@.role=='service' %26%26 @.entity.id=='line-1')]"),
        (TICKETS, "filter=troubleTicketCharacteristic[?(@.name=='faultCode' %26%26 @.value=='LOS')]"),
        (TICKETS_V4, "relatedParty.id=cust-1"),
        (TICKETS_V4, "relatedEntity.id=line-1"),
        (TICKETS_V4, "externalId=C-1"),
        (PROBLEMS, "affectedService.id=s1"),
        (PROBLEMS, "characteristic.region=north"),
        (PROBLEMS_V4, "relatedParty.id=cust-1"),
        (PROBLEMS_V4, "originatorParty.id=cust-1"),
    ],
)
def test_what_teams_ask_for_all_day_is_looked_up(dialect: str, collection: Collection, query: str) -> None:
    table = problem if collection.name == "serviceProblem" else ticket
    assert Listing(dialect, table, parse(parse_qsl(query), collection)).is_narrowed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("note.author", "hotline"),
        ("severity", "Major"),
        ("relatedEntity.role", "service"),
        ("relatedEntity.entity.id", "line-*"),
        ("relatedEntity.entity.id.ne", "line-1"),
        ("relatedEntity.entity.id.gt", "line-1"),
        ("relatedEntity.entity.id.regex", "^line"),
        ("relatedEntity.entity.id", "line-1;severity=Major"),
        ("troubleTicketCharacteristic.faultCode.ne", "LOS"),
        ("troubleTicketCharacteristic.value", "LOS"),
        ("filter", "relatedEntity[?(@.entity.id==null)]"),
        ("filter", "relatedEntity[?(@.entity.id=='line-1' || @.role=='service')]"),
    ],
)
def test_what_can_be_true_of_others_too_is_not(name: str, value: str) -> None:
    for dialect in ("sqlite", "postgresql"):
        query = parse([(name, value)], TICKETS)
        assert Listing(dialect, ticket, query).reads_bodies
        assert not Listing(dialect, ticket, query).is_narrowed


async def test_the_index_says_where_to_look(database: Database, store: ResourceStore) -> None:
    """Without its rows nothing is found any more: no other body is looked into."""
    await database.write(lambda tx: [store.add(tx, Stored(opening(id_, **REFERRING).subject.document)) for id_ in "ab"])
    assert await found(store, "relatedEntity.entity.id", "line-1") == ["a", "b"]
    await database.write(lambda tx: tx.execute(delete(reference).where(reference.c.resource_id == "a")))
    assert await found(store, "relatedEntity.entity.id", "line-1") == ["b"]
    assert await found(store, "relatedEntity.entity.id", "line-*") == ["a", "b"]


async def test_the_index_follows_every_change(database: Database, store: ResourceStore) -> None:
    opened = opening("a", **REFERRING)
    await database.write(lambda tx: store.save(tx, opened))
    moved = changing(opened.subject, relatedEntity=[{"entity": {"id": "line-2"}}], externalIdentifier=[])
    await database.write(lambda tx: store.save(tx, moved))
    assert await found(store, "relatedEntity.entity.id", "line-1") == []
    assert await found(store, "relatedEntity.entity.id", "line-2") == ["a"]
    assert await found(store, "externalIdentifier.id", "C-1") == []
    assert await found(store, "troubleTicketCharacteristic.frames", "7") == ["a"]
    assert await database.read(count) == len(numbers(references_of(ticket), moved.subject.document))
    await database.write(lambda tx: store.save(tx, deleting(moved.subject)))
    assert await database.read(count) == 0


async def test_a_change_to_nothing_that_is_looked_for_writes_no_row(database: Database, store: ResourceStore) -> None:
    opened = opening("a", **REFERRING)
    await database.write(lambda tx: store.save(tx, opened))
    await database.write(lambda tx: tx.execute(delete(reference)))
    await database.write(lambda tx: store.save(tx, changing(opened.subject, name="x")))
    assert await database.read(count) == 0


async def test_what_refers_to_very_much_has_one_row_and_is_looked_at_every_time(
    database: Database, store: ResourceStore
) -> None:
    many = opening("many", relatedEntity=[{"entity": {"id": f"line-{n}"}} for n in range(MOST + 1)])
    await database.write(lambda tx: [store.save(tx, change) for change in (many, opening("few", **LINE))])
    assert await database.read(count) == 2
    assert await found(store, "relatedEntity.entity.id", "line-1") == ["few", "many"]
    assert await found(store, "relatedEntity.entity.id", f"line-{MOST}") == ["many"]
    assert await found(store, "externalIdentifier.id", "C-1") == []


async def test_tickets_that_are_too_many_to_look_into_are_found_all_the_same(
    database: Database, store: ResourceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FEW", 1)
    await database.write(lambda tx: [store.save(tx, opening(id_, **LINE)) for id_ in "ab"])
    listed = Listing(database.engine.dialect.name, ticket, Query(equal("relatedEntity.entity.id", "line-1")))
    assert await database.read(listed.page_of_few) is None
    assert await found(store, "relatedEntity.entity.id", "line-1") == ["a", "b"]


async def test_every_condition_counts_beside_the_index(database: Database, store: ResourceStore) -> None:
    changes = [opening("a", **REFERRING), opening("b", **LINE), opening("c", **REFERRING, severity="Minor")]
    await database.write(lambda tx: [store.save(tx, change) for change in changes])
    assert await found(store, "relatedEntity.entity.id", "line-1", ("externalIdentifier.id", "C-1")) == ["a", "c"]
    assert await found(store, "relatedEntity.entity.id", "line-1", ("severity", "Minor")) == ["c"]
    assert await found(store, "relatedEntity.entity.id", "line-1", ("id.ne", "c")) == ["a", "b"]


async def test_a_thousand_alternatives_are_looked_up_and_more_are_not(database: Database, store: ResourceStore) -> None:
    await database.write(lambda tx: store.save(tx, opening("a", **LINE)))
    for number in (ALTERNATIVES, ALTERNATIVES + 1):
        condition = equal("relatedEntity.entity.id", *(f"line-{n}" for n in range(number)))
        listed = Listing(database.engine.dialect.name, ticket, Query(condition))
        assert listed.is_narrowed == (number == ALTERNATIVES)
        assert (await store.page(Query(condition))).total == 1


def test_what_is_there_already_is_found_after_the_migration(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    rows = [{**opening(f"{n:05}", **LINE).subject.document} for n in range(2_345)]
    with database.engine.begin() as connection:
        migrate(connection, "0006")
        connection.execute(
            insert(ticket),
            [
                {
                    **{"tenant": TENANT, "id": row["id"], "version": 1, "episode": 1, "status": row["status"]},
                    **{"creation_date": row["creationDate"], "body": orjson.dumps(row).decode()},
                }
                for row in rows
            ],
        )
        migrate(connection)
        assert count(connection) == len(rows)
        assert Listing(connection.dialect.name, ticket, Query(equal("relatedEntity.entity.id", "line-1"))).page(
            connection
        ).total == len(rows)
    database.close()
