"""A create that is repeated finds what the first one made."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from tests.tickets.test_desk import BODY, COLLECTION, fits
from tmf_adapter.storage import creations
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Ledger
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tickets.ticket import RULES
from tmf_adapter.tmf.errors import Conflict, PreconditionFailed
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.query import Query

Opened = Callable[..., TicketDesk]


@pytest.fixture
def desk(database: Database) -> Opened:
    def make(**settings: Any) -> TicketDesk:
        ledger = Ledger(database, [])
        return TicketDesk(ledger, ticket_store(database), RULES, COLLECTION, fits("TroubleTicket_RES"), **settings)

    return make


def known_as(*ids: str, owner: str = "crm") -> Doc:
    listed = [
        {"@type": "ExternalIdentifier", "owner": owner, "externalIdentifierType": "case", "id": one} for one in ids
    ]
    return {**BODY, "externalIdentifier": listed}


async def count(desk: TicketDesk) -> int:
    return (await desk.list(Query())).total


async def test_the_same_key_with_the_same_body_answers_with_the_first_ticket(desk: Opened) -> None:
    tickets = desk()
    first = await tickets.open(BODY, key="k1")
    again = await tickets.open(dict(reversed(BODY.items())), key="k1")  # the order of members says nothing
    other = await tickets.open(BODY, key="k2")
    assert again.id == first.id != other.id
    assert await count(tickets) == 2


async def test_a_repeated_create_shows_the_ticket_as_it_is_now(desk: Opened) -> None:
    tickets = desk()
    first = await tickets.open(BODY, key="k")
    await tickets.patch(first.id, {"status": "inProgress"}, "application/json")
    again = await tickets.open(BODY, key="k")
    assert (again.status, again.version) == ("inProgress", 2)


async def test_many_at_once_with_one_key_open_one_ticket(desk: Opened) -> None:
    tickets = desk()
    opened = await asyncio.gather(*(tickets.open(BODY, key="k") for _ in range(12)))
    assert len({one.id for one in opened}) == 1
    assert await count(tickets) == 1


async def test_the_same_key_with_another_body_is_a_conflict_and_opens_nothing(desk: Opened) -> None:
    tickets = desk()
    await tickets.open(BODY, key="k")
    with pytest.raises(Conflict, match="another body"):
        await tickets.open({**BODY, "severity": "minor"}, key="k")
    assert await count(tickets) == 1


async def test_the_key_of_a_deleted_ticket_does_not_bring_it_back(desk: Opened) -> None:
    tickets = desk()
    await tickets.delete((await tickets.open(BODY, key="k")).id)
    with pytest.raises(Conflict, match="deleted"):
        await tickets.open(BODY, key="k")


async def test_a_key_that_has_expired_is_free_again(
    desk: Opened, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = desk()
    first = await tickets.open(BODY, key="k")
    await creations.forget_old(database)
    assert (await tickets.open(BODY, key="k")).id == first.id
    monkeypatch.setattr(creations, "KEPT", -1.0)
    await creations.forget_old(database)
    assert (await tickets.open(BODY, key="k")).id != first.id


async def test_external_identifiers_may_repeat_unless_they_are_to_be_unique(desk: Opened) -> None:
    tickets = desk()
    assert (await tickets.open(known_as("7"))).id != (await tickets.open(known_as("7"))).id


async def test_a_ticket_with_a_known_external_identifier_is_the_first_ticket(desk: Opened) -> None:
    tickets = desk(unique=True)
    first = await tickets.open(known_as("7", "8"))
    assert (await tickets.open({**known_as("8"), "severity": "minor"})).id == first.id
    assert (await tickets.open(known_as("8", owner="another"))).id != first.id
    assert (await tickets.open(BODY)).id != (await tickets.open(BODY)).id


async def test_external_identifiers_may_be_long_and_be_said_twice(desk: Opened) -> None:
    tickets, long = desk(unique=True), "".join(sha256(bytes([each])).hexdigest() for each in range(250))
    first = await tickets.open(known_as(long, "7", "7"))
    assert (await tickets.open(known_as(long))).id == first.id
    assert (await tickets.open(known_as(long + "x"))).id != first.id


async def test_identifiers_in_any_order_do_not_wait_for_each_other_for_ever(desk: Opened) -> None:
    tickets = desk(unique=True)
    for round_ in range(5):
        ids = [f"{round_}-{number}" for number in range(10)]
        opened = await asyncio.gather(*(tickets.open(known_as(*(ids if n % 2 else ids[::-1]))) for n in range(8)))
        assert len({ticket.id for ticket in opened}) == 1


async def test_the_external_identifier_of_a_deleted_ticket_is_free_again(desk: Opened, database: Database) -> None:
    tickets = desk(unique=True)
    first = await tickets.open(known_as("7"))
    await creations.forget_old(database)
    await tickets.delete(first.id)
    assert (await tickets.open(known_as("7"))).id != first.id


async def test_only_the_version_that_was_read_is_changed_or_deleted(desk: Opened) -> None:
    tickets = desk()
    opened = await tickets.open(BODY)
    changed = await tickets.patch(opened.id, {"severity": "minor"}, "application/json", versions={opened.version})
    with pytest.raises(PreconditionFailed, match="changed"):
        await tickets.patch(opened.id, {"severity": "major"}, "application/json", versions={opened.version})
    with pytest.raises(PreconditionFailed):
        await tickets.delete(opened.id, versions=set())
    assert (await tickets.load(opened.id)).document["severity"] == "minor"
    await tickets.delete(opened.id, versions={opened.version, changed.version})


async def test_of_two_who_change_what_both_have_read_one_is_told(desk: Opened) -> None:
    tickets = desk()
    opened = await tickets.open(BODY)
    changes = (tickets.patch(opened.id, {"name": name}, "application/json", versions={opened.version}) for name in "ab")
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["PreconditionFailed", "Stored"]
