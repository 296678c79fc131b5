"""The tickets' desk, end to end over the ledger, with a fake consequence; documents held against our own schema."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.storage.fakes import Owed, equal, events, rows
from tmf_adapter.api.schemas import Schemas
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Consequence, Duty, Ledger
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tickets.ticket import RULES, Report
from tmf_adapter.tmf.errors import Conflict, IllegalTransition, Invalid, LostRace, NotFound
from tmf_adapter.tmf.events import Author, Change, Stored
from tmf_adapter.tmf.patch import JSON_PATCH
from tmf_adapter.tmf.query import Query

MERGE = "application/merge-patch+json"
COLLECTION = "https://bss.example/tmf-api/troubleTicket/v5/troubleTicket"
BODY: dict[str, Any] = {
    "@type": "TroubleTicket",
    "description": "No light.",
    "severity": "major",
    "ticketType": "fault",
}
RESTORED = Report(
    "resolved",
    "restored",
    "Port replaced.",
    {"restorationType": "permanent"},
    ({"role": "serviceProblem", "id": "sp-1", "href": None, "@referredType": "ServiceProblem"},),
)


@cache
def schemas() -> Schemas:
    text = (Path(__file__).parents[2] / "openapi" / "tmf621-v5.yaml").read_text()
    return Schemas(yaml.load(text, yaml.CSafeLoader), "urn:tests:tmf621")


def fits(name: str) -> Callable[[Any], None]:
    return lambda document: schemas().check(f"#/components/schemas/{name}", document)


class Clock:
    """A second later every time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 11, 6, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class Listening:
    """A room above: remembers every change, and owes a row for each."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.duties: list[Owed] = []
        self.error: Exception | None = None

    async def __call__(self, change: Change) -> Duty | None:
        self.changes.append(change)
        after = change.after.version if change.after else "gone"
        duty = Owed(f"{change.subject.id}:{after}:{len(self.duties)}", self.error)
        self.duties.append(duty)
        return duty


async def told_at_once(database: Database) -> list[set[str]]:
    """The types of events, those of one instant together, in the order of the instants."""
    told = [(event["eventTime"], event["eventType"].removeprefix("TroubleTicket")) for event in await events(database)]
    return [{kind for _, kind in group} for _, group in groupby(told, key=lambda pair: pair[0])]


@pytest.fixture
def listening() -> Listening:
    return Listening()


def desk_of(database: Database, *consequences: Consequence) -> TicketDesk:
    ledger = Ledger(database, consequences)
    return TicketDesk(ledger, ticket_store(database), RULES, COLLECTION, fits("TroubleTicket_RES"), Clock())


@pytest.fixture
def desk(database: Database, listening: Listening) -> TicketDesk:
    return desk_of(database, listening)


async def test_a_ticket_lives_from_its_opening_to_its_deletion(
    database: Database, desk: TicketDesk, listening: Listening
) -> None:
    opened = await desk.open({**BODY, "id": "mine", "note": [], "x-vendor": {"a": [1]}})
    assert opened.document["href"] == f"{COLLECTION}/{opened.id}"
    assert opened.id != "mine"
    assert orjson.loads((await desk.fetch(opened.id)).body) == opened.document
    assert await desk.load(opened.id) == opened

    began = await desk.patch(opened.id, {"@type": "TroubleTicket", "status": "inProgress"}, MERGE)
    assert (began.status, began.version) == ("inProgress", 2)
    note = {"op": "add", "path": "/note", "value": {"@type": "Note", "text": "Line tested."}}
    noted = await desk.patch(opened.id, [note], JSON_PATCH)
    assert noted.document["note"] == [{"@type": "Note", "text": "Line tested."}]

    restored = await desk.report(opened.id, RESTORED)
    assert (restored.status, restored.version) == ("resolved", 4)
    assert len(restored.document["note"]) == 2
    assert restored.document["x-vendor"] == {"a": [1]}

    refused = await desk.patch(opened.id, {"status": "inProgress"}, MERGE)
    assert (refused.episode, refused.version) == (2, 5)
    assert await desk.load(opened.id) == refused

    await desk.delete(opened.id)
    for ask in (desk.fetch, desk.load, desk.delete):
        with pytest.raises(NotFound):
            await ask(opened.id)
    with pytest.raises(NotFound):
        await desk.patch(opened.id, {"name": "x"}, MERGE)
    with pytest.raises(NotFound):
        await desk.report(opened.id, RESTORED)

    # what one commit tells is of one instant
    assert await told_at_once(database) == [
        {"CreateEvent"},
        {"StatusChangeEvent"},
        {"AttributeValueChangeEvent"},
        {"StatusChangeEvent", "ResolvedEvent", "AttributeValueChangeEvent"},
        {"StatusChangeEvent"},
        {"DeleteEvent"},
    ]
    assert [change.by for change in listening.changes] == [Author.CLIENT] * 3 + [Author.ADAPTER] + [Author.CLIENT] * 2
    assert [change.subject.episode for change in listening.changes] == [1, 1, 1, 1, 2, 2]
    assert await rows(database) == {duty.key for duty in listening.duties}
    assert [duty.woken for duty in listening.duties] == [1] * 6


async def test_every_notification_of_a_tickets_life_fits_the_standards_schema(
    database: Database, desk: TicketDesk
) -> None:
    id_ = (await desk.open({**BODY, "note": [{"@type": "Note", "text": "x"}]})).id
    await desk.patch(id_, {"status": "inProgress", "statusChangeReason": "Work began."}, MERGE)
    await desk.patch(id_, {"status": "held", "priority": "high", "x-vendor": 1}, MERGE)
    await desk.report(id_, RESTORED)
    await desk.patch(id_, {"status": "closed"}, MERGE)
    await desk.delete(id_)
    told = await events(database)
    assert len(told) == 10
    for event in told:
        fits(event["eventType"])(event)
        assert event["event"]["troubleTicket"]["id"] == id_


async def test_the_official_example_adds_a_note_to_a_ticket_with_or_without_notes(desk: TicketDesk) -> None:
    """TMF621 v5.0.1, TroubleTicket_partialupdate_example_application_json_patch: the answer holds an array."""
    note = {"@type": "Note", "id": "77456", "author": "Jack Smith", "text": "This is quite important."}
    example = [
        {"op": "replace", "path": "/severity", "value": "Minor"},
        {"op": "add", "path": "/note", "value": note},
    ]
    before: list[dict[str, Any]] = [{"note": []}, {"note": [{"@type": "Note", "text": "Before."}]}, {}]
    for notes in before:
        id_ = (await desk.open({**BODY, **notes})).id
        patched = await desk.patch(id_, example, JSON_PATCH)
        assert patched.document["severity"] == "Minor"
        assert patched.document["note"] == [*notes.get("note", []), note]


async def test_a_report_is_one_commit_with_what_belongs_to_it(
    database: Database, desk: TicketDesk, listening: Listening
) -> None:
    """From hold over inProgress to resolved: four events, one version, one duty, and what the run writes of itself."""
    id_ = (await desk.open({**BODY, "status": "held"})).id
    before = len(await events(database))
    also = Owed("the end of the run")
    restored = await desk.report(id_, RESTORED, [also])
    assert restored.version == 2
    assert [event.kind.value for event in listening.changes[-1].events] == [
        "status",
        "status",
        "resolved",
        "attribute",
    ]
    assert len(await events(database)) == before + 4
    assert len(listening.duties) == 2
    assert "the end of the run" in await rows(database)
    assert also.woken == 1


async def test_a_report_whose_company_fails_is_not_made(database: Database, desk: TicketDesk) -> None:
    opened = await desk.open({**BODY, "status": "inProgress"})
    before = await events(database)
    with pytest.raises(ValueError, match="no"):
        await desk.report(opened.id, RESTORED, [Owed("the end of the run", ValueError("no"))])
    assert await desk.load(opened.id) == opened
    assert await events(database) == before
    assert "the end of the run" not in await rows(database)


async def test_a_ticket_whose_consequences_fail_is_not_opened(
    database: Database, desk: TicketDesk, listening: Listening
) -> None:
    listening.error = ValueError("no")
    with pytest.raises(ValueError, match="no"):
        await desk.open(BODY)
    assert (await desk.list(Query())).total == 0
    assert await events(database) == []


REFUSED: list[tuple[Any, str, type[Exception]]] = [
    # by the rules
    ({"status": "resolved"}, MERGE, IllegalTransition),
    ({"id": "mine"}, MERGE, Invalid),
    ({"description": None}, MERGE, Invalid),
    ({"status": None}, MERGE, Invalid),
    ([{"op": "remove", "path": "/status"}], JSON_PATCH, Invalid),
    # by the schema, on the whole ticket
    ({"status": "solved"}, MERGE, Invalid),
    ({"note": "text"}, MERGE, Invalid),
    ([{"op": "replace", "path": "/severity", "value": 5}], JSON_PATCH, Invalid),
    # by the patch
    ([{"op": "test", "path": "/severity", "value": "minor"}], JSON_PATCH, Conflict),
    ([{"op": "remove", "path": "/nothing"}], JSON_PATCH, Invalid),
    # by what can be stored: two hundred small moves make a ticket that no serializer writes
    (
        [
            {"op": "add", "path": "/a", "value": 1},
            *[
                {"op": "add", "path": "/b", "value": {}},
                {"op": "move", "from": "/a", "path": "/b/a"},
                {"op": "move", "from": "/b", "path": "/a"},
            ]
            * 300,
        ],
        JSON_PATCH,
        Invalid,
    ),
]


async def test_a_refused_patch_leaves_no_trace(database: Database, desk: TicketDesk, listening: Listening) -> None:
    opened = await desk.open({**BODY, "status": "held"})
    before = await events(database)
    raised = {}
    for body, media_type, error in REFUSED:
        try:
            await desk.patch(opened.id, body, media_type)
        except Exception as refused:
            raised[str(body)[:60]] = (type(refused), error)
    assert len(raised) == len(REFUSED)
    assert {body: pair for body, pair in raised.items() if pair[0] is not pair[1]} == {}
    assert await desk.load(opened.id) == opened
    assert await events(database) == before
    assert len(listening.changes) == 1


async def test_a_ticket_that_does_not_fit_its_schema_is_not_opened(desk: TicketDesk) -> None:
    for body in ({"severity": 5}, {"status": "solved"}, {"note": {"text": "x"}}, {"status": None}):
        with pytest.raises(Invalid):
            await desk.open({**BODY, **body})
    assert (await desk.list(Query())).total == 0


async def test_a_patch_that_changes_nothing_answers_the_ticket_and_tells_nobody(
    database: Database, desk: TicketDesk, listening: Listening
) -> None:
    opened = await desk.open(BODY)
    assert await desk.patch(opened.id, {"severity": "major"}, MERGE) == opened
    assert await desk.patch(opened.id, opened.document, MERGE) == opened
    assert await desk.load(opened.id) == opened
    assert len(listening.changes) == 1
    assert len(await events(database)) == 1


async def test_tickets_are_listed_newest_first_and_filtered(desk: TicketDesk) -> None:
    made = [await desk.open({**BODY, "name": f"n{number}"}) for number in range(5)]
    page = await desk.list(Query(limit=3))
    assert [orjson.loads(item)["id"] for item in page.items] == [stored.id for stored in reversed(made)][:3]
    assert page.total == 5
    found = await desk.list(Query(equal("name", "n1", "n3")))
    assert [orjson.loads(item)["name"] for item in found.items] == ["n3", "n1"]


async def test_of_two_transitions_that_exclude_each_other_one_is_refused(desk: TicketDesk) -> None:
    for number in range(10):
        id_ = (await desk.open({**BODY, "status": "inProgress", "name": str(number)})).id
        results = await asyncio.gather(
            desk.patch(id_, {"status": "held"}, MERGE),
            desk.patch(id_, {"status": "resolved"}, MERGE),
            return_exceptions=True,
        )
        [won] = [result for result in results if isinstance(result, Stored)]
        assert [type(result) for result in results if not isinstance(result, Stored)] == [IllegalTransition]
        assert (await desk.load(id_)).document == won.document


async def test_notes_appended_at_once_are_all_there(desk: TicketDesk) -> None:
    """A json-patch is applied to the ticket as it is when its turn comes, not as it was when the request came."""
    id_ = (await desk.open(BODY)).id

    async def append(number: int) -> None:
        note = {"op": "add", "path": "/note/-", "value": {"@type": "Note", "text": str(number)}}
        first = {"op": "add", "path": "/note", "value": [note["value"]]}
        while True:
            try:
                await desk.patch(id_, [note] if "note" in (await desk.load(id_)).document else [first], JSON_PATCH)
            except LostRace:
                continue
            return

    await append(0)
    await asyncio.gather(*(append(number) for number in range(1, 20)))
    notes = (await desk.load(id_)).document["note"]
    assert sorted(int(note["text"]) for note in notes) == list(range(20))


async def test_a_report_and_a_patch_at_once_are_both_on_the_ticket(desk: TicketDesk) -> None:
    for number in range(10):
        id_ = (await desk.open({**BODY, "status": "inProgress"})).id
        await asyncio.gather(desk.report(id_, RESTORED), desk.patch(id_, {"name": f"n{number}"}, MERGE))
        left = await desk.load(id_)
        assert (left.document["name"], left.status, left.version) == (f"n{number}", "resolved", 3)
