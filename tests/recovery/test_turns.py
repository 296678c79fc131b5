"""Whose turn it is: a mapping with stop keeps its ticket while it works on it, and is passed over once it failed."""

from typing import Any

import pytest

from tests.recovery.room import Room, mapping, room, step
from tmf_adapter.recovery.history import changes_of
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.events import Author, Doc

EVENTS = {"events": ["create", "status", "attribute"]}
FIRST = mapping("first", order=10, stop=True, steps=[step("first")], **EVENTS)
SECOND = mapping("second", order=20, steps=[step("second")], **EVENTS)


@pytest.fixture
def open_room(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *documents, **options: room(database, monkeypatch, *documents, **options)


async def test_while_the_first_goes_on_nobody_after_it_is_asked(open_room: Any) -> None:
    async with open_room(FIRST, SECOND) as here:
        ticket = await here.open()
        await here.until_made("first")
        await here.patch(ticket, description="Still no light")
        await here.settled()
        assert await here.states(ticket) == ["running"]


async def test_once_the_first_has_failed_the_next_change_asks_those_after_it(open_room: Any) -> None:
    async with open_room(FIRST, SECOND) as here:
        ticket = await here.open()
        await here.until_made("first")
        await here.tell("first", "rejected")
        await here.until_state(ticket, "reported")
        await here.settled()
        assert await here.states(ticket) == ["reported"]  # its report is a change of the adapter's own
        await here.patch(ticket, description="Still no light")
        await here.until_made("first", "second")
        assert await here.states(ticket) == ["reported", "running"]


async def test_one_that_has_restored_what_is_only_proposed_still_holds_the_others_off(open_room: Any) -> None:
    async with open_room({**FIRST, "report": {"mode": "propose"}}, SECOND) as here:
        ticket = await here.open()
        await here.until_made("first")
        await here.tell("first", "closed")
        await here.until_state(ticket, "reported")
        assert await here.status(ticket) == "inProgress"
        await here.patch(ticket, description="Is it done?")
        await here.settled()
        assert await here.states(ticket) == ["reported"]


@pytest.mark.parametrize(
    ("late", "state", "outcome"),
    [
        ("restored", "reported", "restored"),
        ("workaround", "reported", "workaround"),
        ("fail", "reported", "unsuccessful"),
    ],
)
async def test_a_step_says_itself_what_a_missed_deadline_is(
    open_room: Any, late: str, state: str, outcome: str
) -> None:
    slow = step("first", await_={"within": "PT0.2S", "late": late})
    async with open_room({**FIRST, "steps": [slow, step("second")], "report": {"timeout": "unsuccessful"}}) as here:
        ticket = await here.open()
        await here.until_state(ticket, state)
        assert (await here.run(ticket)).recovery.outcome == outcome
        assert here.downstream.names() == ["first"]


async def test_after_a_missed_deadline_that_is_ok_the_next_step_may_know_what_it_has_not_heard(open_room: Any) -> None:
    slow = step("first", await_={"within": "PT0.2S", "late": "ok"})
    urge = step("second", **{"if": "step.first.status != 'closed'"})
    async with open_room({**FIRST, "steps": [slow, urge]}) as here:
        ticket = await here.open()
        await here.until_made("first", "second")
        await here.tell("second", "closed")
        await here.until_status(ticket, "resolved")


async def test_history_knows_what_the_adapter_changed_itself(open_room: Any) -> None:
    waiting: Doc = {"while": {"status": "held", "note": "Somebody looks."}}
    async with open_room({**FIRST, "steps": [step("first", **waiting)]}) as here:
        ticket = await here.open()
        await here.until_status(ticket, "held")
        await here.patch(ticket, description="Still no light")
        assert await _authors(here, ticket) == [Author.CLIENT, Author.ADAPTER, Author.CLIENT]


async def _authors(here: Room, ticket: str) -> list[Author]:
    told = await here.database.read(lambda connection: list(changes_of(connection, ticket)))
    return [change.by for _, change in told]
