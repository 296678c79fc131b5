"""What the language means at run time, on both databases: parallel steps, undo, interim statuses, reports, shadows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.recovery.room import Obedient, Room, back, mapping, room, sent, step, types
from tmf_adapter.recovery import act
from tmf_adapter.recovery.target import Answer
from tmf_adapter.storage.database import Database

REFUSED = Answer(error="it answered 400: no", status=400)
BUSY = Answer(error="it answered 503: busy", again="503", status=503)


@pytest.fixture
def open_room(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *documents, **options: room(database, monkeypatch, *documents, **options)


BLOCK = mapping(
    steps=[
        {
            "parallel": [step("visit", undo=back("visit")), step("order", undo=back("order"))],
            "while": {"status": "held", "reason": "awaiting-visit", "note": "Somebody comes."},
        },
        step("last", body={"description": "after ${step.visit.id} and ${step.order.id}"}),
    ]
)


async def test_steps_of_a_parallel_block_are_called_at_once_and_all_awaited(open_room: Any) -> None:
    async with open_room(BLOCK) as here:
        ticket = await here.open()
        await here.until_made("visit", "order")
        await here.until_status(ticket, "held")  # while it waits
        assert await here.notes(ticket) == ["Somebody comes."]
        await here.tell("order", "resolved")
        await here.settled()
        assert "last" not in here.downstream.names()
        await here.tell("visit", "resolved")
        await here.until_made("visit", "order", "last")
        await here.until_status(ticket, "inProgress")  # the wait is over
        assert here.downstream.by_name("last")["description"].startswith("after visit-")
        await here.tell("last", "closed")
        await here.until_status(ticket, "resolved")
        walked = [entry["status"] for entry in (await here.ticket(ticket))["statusChangeHistory"]]
        assert walked == ["inProgress", "held", "inProgress", "resolved"]


async def test_one_step_of_a_block_that_fails_takes_the_others_back(open_room: Any) -> None:
    async with open_room(BLOCK) as here:
        ticket = await here.open()
        await here.until_made("visit", "order")
        await here.tell("order", "rejected")  # it said itself that it came to nothing
        await here.until_state(ticket, "reported")
        assert here.downstream.names()[2:] == ["undo visit"]
        assert here.downstream.by_name("undo visit")["description"] == here.downstream.by_name("visit")["id"]
        assert await here.status(ticket) == "inProgress"  # not held any more
        assert await here.chars(ticket) == {"restorationType": "unsuccessful", "attempt": "1"}


async def test_a_restoration_by_one_step_takes_back_what_nobody_waits_for_any_more(open_room: Any) -> None:
    async with open_room(BLOCK) as here:
        ticket = await here.open()
        await here.until_made("visit", "order")
        await here.tell("visit", "closed")
        await here.until_status(ticket, "resolved")
        assert here.downstream.names()[2:] == ["undo order"]
        assert (await here.chars(ticket))["restorationType"] == "permanent"


CHAIN = mapping(
    steps=[
        step("first", undo=back("first")),
        sent("second", undo=back("second")),
        step("third", undo=back("third")),
    ]
)


async def until_third(here: Room) -> None:
    await here.until_made("first")
    await here.tell("first", "resolved")
    await here.until_made("first", "second", "third")


async def test_a_ticket_that_is_cancelled_takes_everything_back_in_reverse_order(open_room: Any) -> None:
    async with open_room(CHAIN) as here:
        ticket = await here.open()
        await until_third(here)
        await here.patch(ticket, status="cancelled")
        await here.until_state(ticket, "stopped")
        assert here.downstream.names()[3:] == ["undo third", "undo second", "undo first"]
        assert await here.notes(ticket) == []
        undone = [one for one in (await here.run(ticket)).operations if one.step_id.endswith(".undo")]
        assert len({one.id for one in undone}) == 3  # each has an id of its own


async def test_a_ticket_that_is_deleted_takes_everything_back(open_room: Any) -> None:
    async with open_room(CHAIN) as here:
        ticket = await here.open()
        await until_third(here)
        await here.tickets.delete(ticket)
        await here.until_state(ticket, "stopped")
        assert here.downstream.names()[3:] == ["undo third", "undo second", "undo first"]


async def test_a_ticket_that_somebody_else_resolved_keeps_what_was_done(open_room: Any) -> None:
    async with open_room(CHAIN) as here:
        ticket = await here.open()
        await until_third(here)
        await here.patch(ticket, status="resolved")
        await here.until_state(ticket, "stopped")
        assert here.downstream.names()[3:] == ["undo third"]  # nobody waits for it any more


async def test_what_cannot_be_taken_back_is_noted_on_the_ticket_and_holds_up_nothing(open_room: Any) -> None:
    async with open_room(CHAIN) as here:
        here.downstream.answers["undo second"] = [REFUSED]
        ticket = await here.open()
        await until_third(here)
        await here.tell("third", "rejected")
        await here.until_state(ticket, "reported")
        assert here.downstream.names()[3:] == ["undo first"]
        [note] = await here.notes(ticket)
        assert "second could not be undone" in note
        assert "400" in note


async def test_a_deadline_takes_back_what_may_still_come(open_room: Any) -> None:
    document = mapping(steps=[step("slow", undo=back("slow"), await_={"within": "PT0.2S"})])
    async with open_room(document) as here:
        ticket = await here.open()
        await here.until_state(ticket, "reported")
        assert here.downstream.names() == ["slow", "undo slow"]
        assert "no result" in (await here.notes(ticket))[0]


async def test_an_attempt_is_repeated_as_often_as_the_mapping_says_and_each_is_on_record(open_room: Any) -> None:
    async with open_room(mapping(steps=[step("first")])) as here:
        here.downstream.answers["first"] = [BUSY, BUSY]
        ticket = await here.open()
        await here.until_made("first")
        await here.tell("first", "closed")
        await here.until_status(ticket, "resolved")
        calls = [entry.body for entry in await here.trail(ticket) if entry.kind == "called"]
        assert [(call["attempt"], call["status"]) for call in calls] == [(1, 503), (2, 503), (3, 201)]
        assert len({call["key"] for call in calls}) == 1


# -- reports -----------------------------------------------------------------------------------------------------------


async def test_a_failure_is_told_by_the_last_answer_and_not_by_the_silence_after_it(
    open_room: Any,
) -> None:
    silent = Obedient(answers={"first": [BUSY]}, unreachable=True)
    async with open_room(mapping(steps=[step("first")]), downstream=silent) as here:
        ticket = await here.open()
        await here.until_state(ticket, "reported")
        assert (await here.notes(ticket))[-1].endswith("was not done: it answered 503: busy (3 attempts)")
        errors = [entry.body["error"] for entry in await here.trail(ticket) if entry.kind == "called"]
        assert errors == [
            "it answered 503: busy",
            act.UNASKED,
            act.UNASKED,
        ]  # the trail says of each attempt what it was


async def test_a_report_at_once_calls_nobody(open_room: Any) -> None:
    now = {"now": {"status": "rejected", "reason": "out-of-scope", "note": "Please ask billing."}}
    document = mapping(report=now, when=["t.status == 'acknowledged'"])
    async with open_room(document, word=lambda code: f"partner says {code}") as here:
        ticket = await here.open("acknowledged")
        await here.until_status(ticket, "rejected")
        assert (await here.ticket(ticket))["statusChangeReason"] == "partner says out-of-scope"
        assert await here.notes(ticket) == ["Please ask billing."]
        assert here.downstream.calls == []


async def test_a_status_that_is_only_proposed_is_left_to_who_tracks_the_ticket(open_room: Any) -> None:
    block = {"parallel": [step("visit")], "while": {"status": "held"}}
    async with open_room(mapping(steps=[block], report={"mode": "propose"})) as here:
        ticket = await here.open()
        await here.until_made("visit")
        await here.tell("visit", "closed")
        await here.until_state(ticket, "reported")
        assert await here.status(ticket) == "inProgress"
        chars = await here.chars(ticket)
        assert (chars["proposedStatus"], chars["proposedReason"]) == ("resolved", "restored")
        assert types(await here.events(ticket)).count("StatusChange") == 0


async def test_a_failure_counts_its_attempts_and_is_not_repeated_in_a_new_episode(open_room: Any) -> None:
    other = mapping("other", order=200, steps=[step("planB")])
    first = mapping("first", order=50, stop=True, steps=[step("planA")])
    async with open_room(first, other) as here:
        ticket = await here.open()
        await here.until_made("planA")
        await here.tell("planA", "rejected")
        await here.until_state(ticket, "reported")
        await here.patch(ticket, status="resolved")  # somebody believes that it works
        await here.patch(ticket, status="inProgress")  # the customer does not
        await here.until_made("planA", "planB")
        await here.tell("planB", "rejected")
        await here.until(lambda: _attempts(here, ticket, "2"), "the second attempt is reported")


async def _attempts(here: Room, ticket: str, count: str) -> bool:
    return (await here.chars(ticket)).get("attempt") == count


async def test_what_may_be_done_again_is_done_again_in_a_new_episode(open_room: Any) -> None:
    async with open_room(mapping(again=True, steps=[step("planA")])) as here:
        ticket = await here.open()
        await here.until_made("planA")
        await here.tell("planA", "rejected")
        await here.until_state(ticket, "reported")
        await here.patch(ticket, status="resolved")
        await here.patch(ticket, status="inProgress")
        await here.until_made("planA", "planA")


# -- work-arounds ------------------------------------------------------------------------------------------------------


def temporary(**expiry: Any) -> Any:
    report = {"workaround": {"status": "held", "expiry": {"after": "PT1H", **expiry}}}
    return mapping(steps=[step("backup", undo=back("backup"))], report=report)


async def until_held(here: Room) -> str:
    ticket = await here.open()
    await here.until_made("backup")
    await here.tell("backup", "held")
    await here.until_state(ticket, "watching")
    assert await here.status(ticket) == "held"
    return ticket


async def until_over(here: Room) -> str:
    ticket = await here.open()
    await here.until_made("backup")
    await here.tell("backup", "held")
    await here.until_state(ticket, "reported")
    return ticket


async def test_the_permanent_restoration_replaces_the_workaround(open_room: Any) -> None:
    async with open_room(temporary(undo=True)) as here:
        ticket = await until_held(here)
        chars = await here.chars(ticket)
        assert chars["restorationType"] == "workaround"
        assert datetime.fromisoformat(chars["workaroundUntil"]) > datetime.now(UTC)
        await here.tell("backup", "closed")
        await here.until_state(ticket, "reported")
        assert here.downstream.names() == ["backup", "undo backup"]  # the backup is taken down
        assert await here.status(ticket) == "resolved"
        assert await here.chars(ticket) == {"restorationType": "permanent"}


async def test_a_workaround_that_is_over_is_recalled_to_those_who_track_the_ticket(open_room: Any) -> None:
    async with open_room(temporary(after="PT0.3S", note="No permanent repair: ${summary}")) as here:
        ticket = await until_over(here)
        assert await here.status(ticket) == "held"
        assert (await here.chars(ticket))["restorationType"] == "workaround-expired"
        assert (await here.notes(ticket))[-1].startswith("No permanent repair: the work-around was for")
        assert here.downstream.names() == ["backup"]


async def test_a_workaround_that_is_over_may_be_a_failure(open_room: Any) -> None:
    async with open_room(temporary(after="PT0.3S", then="unsuccessful", undo=True)) as here:
        ticket = await until_over(here)
        assert await here.status(ticket) == "inProgress"
        chars = await here.chars(ticket)
        assert chars["restorationType"] == "unsuccessful"
        assert "workaroundUntil" not in chars
        assert here.downstream.names() == ["backup", "undo backup"]


@pytest.mark.parametrize("then", ["closed", "deleted"])
async def test_a_workaround_of_a_ticket_that_needs_none_any_more_is_watched_no_longer(
    open_room: Any, then: str
) -> None:
    document = temporary()
    document["report"]["workaround"]["status"] = "resolved"
    async with open_room(document) as here:
        ticket = await here.open()
        await here.until_made("backup")
        await here.tell("backup", "held")
        await here.until_state(ticket, "watching")
        if then == "closed":
            await here.patch(ticket, status="closed")
        else:
            await here.tickets.delete(ticket)
        await here.until_state(ticket, "reported")
        await here.tell("backup", "closed")
        await here.settled()
        if then == "closed":
            assert (await here.chars(ticket))["restorationType"] == "workaround"


async def test_a_reopened_ticket_has_no_workaround_any_more_and_a_new_episode(open_room: Any) -> None:
    document = temporary()
    document["report"]["workaround"]["status"] = "resolved"
    async with open_room(document) as here:
        ticket = await here.open()
        await here.until_made("backup")
        await here.tell("backup", "held")
        await here.until_state(ticket, "watching")
        reopened = await here.patch(ticket, status="inProgress")
        assert reopened["troubleTicketCharacteristic"] == []
        await here.until_made("backup", "backup")
        assert await here.states(ticket) == ["reported", "running"]


# -- shadow and switch -------------------------------------------------------------------------------------------------


async def test_a_shadow_records_what_it_would_call_and_does_nothing(open_room: Any) -> None:
    steps = [step("first"), step("second", body={"description": "after ${step.first.id}"})]
    async with open_room(mapping(mode="shadow", steps=steps)) as here:
        ticket = await here.open()

        async def recorded() -> bool:
            return (await here.kinds(ticket)).count("wouldCall") == 2

        await here.until(recorded)
        would = [entry.body for entry in await here.trail(ticket) if entry.kind == "wouldCall"]
        assert would[0]["request"]["reason"] == f"Customer problem {ticket}"
        assert "step.first is missing" in would[1]["missing"]
        assert here.downstream.calls == []
        assert await here.states(ticket) == ["shadow"]
        assert types(await here.events(ticket)) == ["Create"]


async def test_the_kill_switch_holds_the_next_call_back_until_it_is_on_again(open_room: Any) -> None:
    async with open_room(mapping(steps=[step("first"), step("second")])) as here:
        ticket = await here.open()
        await here.until_made("first")
        await here.runs.switches.switch_off("m", "Ann", "the downstream is being migrated")
        await here.tell("first", "resolved")

        async def parked() -> Any:
            return (await here.run(ticket)).recovery.parked

        assert await here.until(parked) == "the downstream is being migrated"
        assert await here.runs.switches.switch_on("m", "Ann") == 1
        await here.until_made("first", "second")

        async def called() -> bool:
            return (await here.kinds(ticket))[-2:] == ["resumed", "called"]

        await here.until(called)


async def test_while_everything_is_switched_off_nothing_is_started(open_room: Any) -> None:
    async with open_room(mapping(steps=[step("first")])) as here:
        await here.runs.switches.switch_off("*", "Ann", "storm")
        ticket = await here.open()
        assert await here.states(ticket) == []
        await here.runs.switches.switch_on("*", "Ann")
        await here.open()
        await here.until_made("first")


# -- how results come --------------------------------------------------------------------------------------------------


async def test_an_api_that_sends_no_events_is_looked_at_now_and_then(open_room: Any) -> None:
    downstream = Obedient(poll=timedelta(seconds=0.1))
    async with open_room(mapping(steps=[step("first")]), downstream=downstream) as here:
        ticket = await here.open()
        await here.until_made("first")
        downstream.by_name("first")["status"] = "closed"  # without a word
        await here.until_status(ticket, "resolved")


async def test_an_event_about_an_earlier_steps_resource_can_be_the_result(open_room: Any) -> None:
    """As with TMF656 problemGroup: what is awaited is the parent problem, not the grouping."""
    waits = step("join", await_={"match": "ev.serviceProblem.id == step.parent.id"})
    async with open_room(mapping(steps=[sent("parent"), waits])) as here:
        ticket = await here.open()
        await here.until_made("parent", "join")
        await here.tell("join", "closed")  # not what is awaited
        await here.settled()
        assert await here.status(ticket) == "inProgress"
        await here.tell("parent", "closed")
        await here.until_status(ticket, "resolved")


async def test_nobody_is_asked_about_an_event_that_is_not_awaited(open_room: Any) -> None:
    async with open_room(mapping(steps=[step("first")])) as here:
        ticket = await here.open()
        await here.until_made("first")
        await here.settled()
        await here.tell("first", "resolved", event_type="ServiceProblemAttributeValueChangeEvent")
        await here.settled()
        assert here.downstream.fetched == []
        assert await here.status(ticket) == "inProgress"
        await here.tell("first", "closed")
        await here.until_status(ticket, "resolved")
        assert here.downstream.fetched == [here.downstream.by_name("first")["id"]]


async def test_what_a_recovery_was_started_with_is_read_once_for_all_steps(open_room: Any) -> None:
    lines = {"lines": "t.rel.affectedService.map(r, r.id)"}
    async with open_room(mapping(let=lines, steps=[step("first")])) as here:
        related = {"role": "affectedService", "entity": {"id": "line-1", "@referredType": "Service"}}
        ticket = await here.open(relatedEntity=[related])
        await here.until_made("first")
        one, other = (await here.run(ticket)).recovery, (await here.run(ticket)).recovery
        assert one.bound.scope is other.bound.scope
        assert one.bound.scope["lines"] == ["line-1"]


async def test_the_trail_tells_the_whole_story_in_order_and_masked(open_room: Any) -> None:
    document = mapping(steps=[step("first", body={"description": "ring ${t.description}"})])
    async with open_room(document) as here:
        ticket = await here.open(description="0664 123 45 67", note=[{"@type": "Note", "text": "at home"}])
        await here.until_made("first")
        await here.tell("first", "closed")
        await here.until_status(ticket, "resolved")
        planned, called, judged, reported = await here.trail(ticket)
        assert [entry.kind for entry in (planned, called, judged, reported)] == [
            "planned",
            "called",
            "judged",
            "reported",
        ]
        assert planned.body["when"] == [{"line": "t.status == 'inProgress'", "read": {"t.status": "inProgress"}}]
        assert len(planned.body["hash"]) == 64
        assert called.body["request"]["description"] == "ring ***"
        assert called.body["ms"] >= 0
        assert judged.body["verdict"] == "restored"
        assert reported.body["ticket"]["status"] == "resolved"


async def test_an_operation_waits_for_a_downstream_that_is_spared_and_burns_no_attempt(open_room: Any) -> None:
    downstream = Obedient(held_until=datetime.now(UTC) + timedelta(seconds=0.6))
    async with open_room(mapping(steps=[step("problem")]), downstream=downstream) as here:
        ticket = await here.open()
        await here.until_made("problem")
        assert datetime.now(UTC) >= downstream.held_until
        [operation] = (await here.run(ticket)).operations
        assert (operation.attempts, downstream.calls) == (0, [("problem", None)])


async def test_an_operation_does_not_wait_for_ever(open_room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(act, "PATIENCE", timedelta())
    downstream = Obedient(held_until=datetime.now(UTC) + timedelta(days=1))
    async with open_room(mapping(steps=[step("problem")]), downstream=downstream) as here:
        await here.open()
        await here.until_made("problem")


async def test_a_deadline_that_is_kept_too_early_is_promised_again(open_room: Any) -> None:
    """Processes have clocks of their own, and a wait may have begun anew."""
    async with open_room(mapping(steps=[step("slow", await_={"within": "PT2S"})])) as here:
        ticket = await here.open()

        async def waits() -> bool:
            return [one.stage.value for one in (await here.run(ticket)).operations] == ["waiting"]

        await here.until(waits)
        [operation] = (await here.run(ticket)).operations
        await here.engine.forget("deadline", operation.id)
        await here.runs.deadline(operation.id)
        assert await here.states(ticket) == ["running"]
        await here.until_state(ticket, "reported")
        assert "no result" in (await here.notes(ticket))[0]
