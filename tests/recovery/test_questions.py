"""Questions to the customer and to our own people, on both databases."""

from typing import Any

import pytest

from tests.recovery.room import Obedient, Room, back, entity, mapping, room, step, types
from tmf_adapter.recovery import questions
from tmf_adapter.recovery.decisions import Decisions
from tmf_adapter.recovery.target import Answer
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.errors import Conflict, NotFound

NEED = [{"op": "add", "path": "/relatedEntity/-", "value": {"role": "affectedService"}}]


@pytest.fixture
def open_room(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *documents, **options: room(database, monkeypatch, *documents, **options)


def asking(**members: Any) -> dict[str, Any]:
    ask = {"reason": "information-required", "note": "Which line?", "need": NEED, "within": "PT1H", **members}
    return mapping(
        "ask", order=10, stop=True, when=["t.status == 'inProgress'", "!('affectedService' in t.rel)"], ask=ask
    )


WORK = mapping("work", when=["t.status == 'inProgress'", "'affectedService' in t.rel"], steps=[step("first")])


async def until_pending(here: Room) -> str:
    ticket = await here.open()
    await here.until_status(ticket, "pending")
    return ticket


async def test_what_is_missing_is_asked_of_the_customer_on_the_ticket(open_room: Any) -> None:
    async with open_room(asking(), WORK) as here:
        ticket = await until_pending(here)
        assert (await here.ticket(ticket))["statusChangeReason"] == "information-required"
        assert await here.notes(ticket) == ["Which line?"]
        events = await here.events(ticket)
        assert sorted(types(events)) == ["AttributeValueChange", "Create", "InformationRequired", "StatusChange"]
        [required] = [one for one in events if one["eventType"] == "TroubleTicketInformationRequiredEvent"]
        assert required["event"]["informationRequired"] == NEED[0]
        assert required["event"]["troubleTicket"]["id"] == ticket
        assert here.downstream.calls == []


async def test_the_answer_takes_the_ticket_back_to_work_and_the_mappings_are_asked_again(open_room: Any) -> None:
    async with open_room(asking(), WORK) as here:
        ticket = await until_pending(here)
        await here.patch(ticket, description="I do not know")  # is no answer
        await here.settled()
        assert await here.status(ticket) == "pending"
        await here.patch(ticket, relatedEntity=[entity("affectedService", "line-1")])
        await here.until_status(ticket, "inProgress")
        await here.until_made("first")
        assert sorted(await here.states(ticket)) == ["answered", "running"]


async def test_who_moves_the_ticket_back_to_work_has_answered(open_room: Any) -> None:
    async with open_room(asking(), WORK) as here:
        ticket = await until_pending(here)
        await here.patch(ticket, relatedEntity=[entity("affectedService", "line-1")], status="inProgress")
        await here.until_made("first")
        await here.until(lambda: _states(here, ticket, ["answered", "running"]))


async def _states(here: Room, ticket: str, expected: list[str]) -> bool:
    return sorted(await here.states(ticket)) == expected


async def test_without_an_answer_in_time_the_mapping_says_what_becomes_of_the_ticket(open_room: Any) -> None:
    then = {"status": "cancelled", "reason": "information-not-provided"}
    async with open_room(asking(within="PT0.3S", then=then)) as here:
        ticket = await here.open()
        await here.until_status(ticket, "cancelled")
        assert (await here.ticket(ticket))["statusChangeReason"] == "information-not-provided"
        await here.until_state(ticket, "reported")


async def test_an_answer_after_the_ticket_was_cancelled_asks_for_nothing_more(open_room: Any) -> None:
    async with open_room(asking()) as here:
        ticket = await until_pending(here)
        await here.patch(ticket, status="cancelled")
        await here.until_state(ticket, "stopped")
        assert await questions.open_of_ticket(here.database, ticket) == []


# -- what a downstream asks --------------------------------------------------------------------------------------------

RELAY = mapping(
    steps=[
        step(
            "order",
            undo=back("order"),
            await_={
                "within": "PT0.5S",
                "ask": {
                    "when": "ev.serviceProblem.status == 'pending'",
                    "note": "They ask: ${summary}",
                    "within": "PT1H",
                },
            },
        )
    ]
)


async def until_relayed(here: Room) -> str:
    ticket = await here.open()
    await here.until_made("order")
    await here.tell("order", "pending", statusChangeReason="which floor?")
    await here.until_status(ticket, "pending")
    return ticket


async def test_what_a_downstream_needs_to_know_is_relayed_and_its_time_stands_still(open_room: Any) -> None:
    async with open_room(RELAY) as here:
        ticket = await until_relayed(here)
        [note] = await here.notes(ticket)
        assert note.endswith("is pending: which floor?")
        [order] = (await here.run(ticket)).operations
        assert order.due_at is None
        await here.patch(ticket, description="the third")
        # and runs again, from its beginning, with the answer
        await here.until_state(ticket, "reported")
        statuses = [one["status"] for one in (await here.ticket(ticket))["statusChangeHistory"]]
        assert statuses[statuses.index("pending") :][:2] == ["pending", "inProgress"]
        assert "no result" in (await here.notes(ticket))[-1]
        assert here.downstream.names() == ["order", "undo order"]


def telling(**members: Any) -> dict[str, Any]:
    """The relay, which hands the answer on by a problem named "tell"."""
    [order] = RELAY["steps"]
    told = {**back("order")["body"], "name": "tell", "description": "${answer.order.note[0].text}"}
    ask = {**order["await"]["ask"], "need": NOTE, "tell": {"call": order["call"], "body": told}}
    step_ = {**order, "await": {**order["await"], "within": "PT1H", "ask": ask}, **members}
    return {**RELAY, "steps": [{name: value for name, value in step_.items() if value is not None}]}


NOTE = [{"op": "add", "path": "/note/-"}]


async def add_note(here: Room, ticket: str, text: str) -> None:
    """The customer writes something, and leaves what is there."""
    there = (await here.ticket(ticket)).get("note", [])
    await here.patch(ticket, note=[*there, {"@type": "Note", "author": "customer", "text": text}])


async def test_each_answer_is_handed_on_once_and_the_wait_goes_on(open_room: Any) -> None:
    async with open_room(telling()) as here:
        ticket = await until_relayed(here)
        await add_note(here, ticket, "the third")
        await here.until_made("order", "tell")
        await here.until_status(ticket, "inProgress")
        await here.tell("order", "pending", statusChangeReason="which door?")  # and it needs to know more
        await here.until_status(ticket, "pending")
        await here.settled()
        assert await here.status(ticket) == "pending"  # the first answer is none to the second question
        await add_note(here, ticket, "the left one")
        await here.until_made("order", "tell", "tell")
        told = [one["description"] for one in here.downstream.made if one["name"] == "tell"]
        assert told == ["the third", "the left one"]
        await here.tell("order", "closed")
        await here.until_status(ticket, "resolved")
        made = (await here.run(ticket)).operations
        assert len({one.id for one in made}) == 3
        related = [one["entity"]["id"] for one in (await here.ticket(ticket))["relatedEntity"]]
        assert related == [made[0].remote_id]  # the order alone was done for the customer


async def test_our_own_question_is_no_answer_to_it(open_room: Any) -> None:
    async with open_room(telling()) as here:
        ticket = await until_relayed(here)
        await here.patch(ticket, severity="minor")
        await here.settled()
        assert await here.status(ticket) == "pending"
        assert here.downstream.names() == ["order"]


async def test_an_answer_stands_masked_in_the_trail(open_room: Any) -> None:
    async with open_room(telling()) as here:
        ticket = await until_relayed(here)
        await add_note(here, ticket, "the third")
        await here.until_made("order", "tell")
        replied = [entry.body for entry in await here.trail(ticket) if entry.kind == "replied"]
        assert [(one["reply"], list(one["said"])) for one in replied] == [("answered", ["note"])]
        assert "the third" not in str(await here.trail(ticket))  # nor in what was sent


async def test_a_downstream_that_refuses_the_answer_has_failed_and_a_replay_tells_it_again(open_room: Any) -> None:
    refusing = Obedient(answers={"tell": [Answer(error="400", status=400)]})
    async with open_room(telling(undo=None), downstream=refusing) as here:
        ticket = await until_relayed(here)
        await add_note(here, ticket, "the third")
        await here.until_state(ticket, "reported")
        assert "the customer's answer could not be handed on" in (await here.notes(ticket))[-1]
        told = [one.id for one in (await here.run(ticket)).operations]
        await decisions(here).replay(await here.recovery_id(ticket), "Ann", "they take it now")
        await here.until_made("order", "tell")
        await here.tell("order", "closed")
        await here.until_status(ticket, "resolved")
        assert [one.id for one in (await here.run(ticket)).operations] == told


async def test_what_waits_for_an_answer_that_was_refused_is_taken_back(open_room: Any) -> None:
    refusing = Obedient(answers={"tell": [Answer(error="400", status=400)]})
    async with open_room(telling(), downstream=refusing) as here:
        ticket = await until_relayed(here)
        await add_note(here, ticket, "the third")
        await here.until_state(ticket, "reported")
        assert here.downstream.names() == ["order", "undo order"]


async def test_a_downstream_that_goes_on_without_the_answer_is_not_held_up(open_room: Any) -> None:
    async with open_room(RELAY) as here:
        ticket = await until_relayed(here)
        await here.tell("order", "closed")
        await here.until_status(ticket, "resolved")
        assert await questions.open_of_ticket(here.database, ticket) == []


async def test_what_a_downstream_asks_and_nobody_answers_is_a_failure_in_the_questions_words(open_room: Any) -> None:
    relay = mapping(steps=RELAY["steps"])
    awaited = {**RELAY["steps"][0]["await"], "within": "PT1H"}
    ask = {**awaited["ask"], "within": "PT0.3S", "then": {"status": "cancelled", "reason": "no-answer"}}
    relay["steps"] = [{**RELAY["steps"][0], "await": {**awaited, "ask": ask}}]
    async with open_room(relay) as here:
        ticket = await here.open()
        await here.until_made("order")
        await here.tell("order", "pending")
        await here.until_status(ticket, "cancelled")
        assert (await here.ticket(ticket))["statusChangeReason"] == "no-answer"
        assert here.downstream.names() == ["order", "undo order"]


# -- approvals ---------------------------------------------------------------------------------------------------------


def approving(**members: Any) -> dict[str, Any]:
    return mapping(
        approve={"by": "retention-desk", "within": "PT1H", "note": "Fibre for ${t.id}?", **members},
        steps=[step("first")],
    )


async def waiting_for(here: Room) -> Any:
    async def asked() -> Any:
        return await questions.approvals(here.database)

    [question] = await here.until(asked)
    return question


def decisions(here: Room) -> Decisions:
    return Decisions(here.database, here.engine, here.runs)


async def test_nothing_is_called_before_a_person_has_approved(open_room: Any) -> None:
    async with open_room(approving()) as here:
        ticket = await here.open()
        question = await waiting_for(here)
        assert question.asked == {"by": "retention-desk", "note": f"Fibre for {ticket}?"}
        await here.settled()
        assert here.downstream.calls == []
        assert types(await here.events(ticket)) == ["Create"]  # not a word on the ticket
        await decisions(here).decide(question.id, approved=True, by="Ann", reason="good customer")
        await here.until_made("first")
        replied = next(entry.body for entry in await here.trail(ticket) if entry.kind == "replied")
        assert (replied["reply"], replied["by"], replied["reason"]) == ("approved", "Ann", "good customer")


async def test_a_decision_is_made_once(open_room: Any) -> None:
    async with open_room(approving()) as here:
        await here.open()
        question = await waiting_for(here)
        await decisions(here).decide(question.id, approved=False, by="Ann", reason="too dear")
        with pytest.raises(Conflict):
            await decisions(here).decide(question.id, approved=True, by="Bob", reason="not at all")
        with pytest.raises(NotFound):
            await decisions(here).decide("nobody", approved=True, by="Bob", reason="why not")


@pytest.mark.parametrize(
    ("otherwise", "state", "note"),
    [
        ("skip", "skipped", []),
        ("reject", "reported", ["Restoration attempt failed: Ann has not approved it: too dear"]),
    ],
)
async def test_what_is_denied_is_not_done(open_room: Any, otherwise: str, state: str, note: list[str]) -> None:
    async with open_room(approving(otherwise=otherwise)) as here:
        ticket = await here.open()
        question = await waiting_for(here)
        await decisions(here).decide(question.id, approved=False, by="Ann", reason="too dear")
        await here.until_state(ticket, state)
        assert await here.notes(ticket) == note
        assert here.downstream.calls == []


@pytest.mark.parametrize(("otherwise", "made"), [("skip", []), ("approve", ["first"])])
async def test_silence_is_what_the_mapping_says(open_room: Any, otherwise: str, made: list[str]) -> None:
    async with open_room(approving(within="PT0.3S", otherwise=otherwise)) as here:
        ticket = await here.open()
        if made:
            await here.until_made(*made)
        else:
            await here.until_state(ticket, "skipped")
        assert here.downstream.names() == made
