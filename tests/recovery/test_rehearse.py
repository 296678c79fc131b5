"""A whole recovery, rehearsed: what happens, and what is called, asked and reported."""

from typing import Any

import pytest

from tests.mapping.changes import NOW, change, characteristic, ticket
from tests.mapping.recoveries import ASK, CALL, NEED, NOT_OURS, awaiting, step
from tmf_adapter.mapping.cases import Happening, Happens
from tmf_adapter.mapping.document import DEFAULTS, parse
from tmf_adapter.mapping.parts import Outcome
from tmf_adapter.mapping.plan import plan
from tmf_adapter.recovery.next import How
from tmf_adapter.recovery.rehearse import Rehearsal, rehearse

MOVED = change(ticket(), ticket(status="acknowledged"))
RESOLVED = {"status": "resolved"}


def _play(document: dict[str, Any], *happens: Happening, event: Any = MOVED) -> Rehearsal:
    whole = {"id": "m", "title": "A mapping", "events": ["create", "status"], **document}
    [planned] = plan([parse(whole, DEFAULTS)], event, NOW)
    return rehearse(planned, happens, NOW)


def _event(subject: str, **members: Any) -> Happening:
    return Happening(Happens.EVENT, subject, members)


def _steps(seen: Rehearsal) -> list[str]:
    return [call.step for call in seen.calls]


def test_steps_are_done_one_after_the_other_and_the_end_is_reported() -> None:
    two = {"steps": [step("one"), {**step("two"), "body": {"reason": "after ${step.one.id}"}}]}
    seen = _play(two, _event("one", **RESOLVED), _event("two", **RESOLVED))
    assert [(call.step, call.call) for call in seen.calls] == [("one", CALL), ("two", CALL)]
    assert seen.calls[1].body == {"reason": "after one-1"}
    assert (seen.outcome, [said.status for said in seen.reports]) == (Outcome.RESTORED, ["resolved"])


def test_what_has_not_happened_yet_is_waited_for() -> None:
    seen = _play({"steps": [step("one")]}, _event("one", status="inProgress"))
    assert (seen.how, seen.waits, seen.reports) == (None, "step one", [])


@pytest.mark.parametrize(
    "happening", [_event("two", status="rejected"), Happening(Happens.LATE, "two"), Happening(Happens.REFUSED, "two")]
)
def test_what_was_done_is_undone_in_reverse_when_it_fails(happening: Happening) -> None:
    undo = {"call": CALL, "body": {"reason": "no more ${step.one.id}"}}
    seen = _play({"steps": [step("one", undo=undo), step("two")]}, _event("one", **RESOLVED), happening)
    assert _steps(seen) == ["one", "two", "one.undo"]
    assert seen.calls[2].body == {"reason": "no more one-1"}
    assert seen.outcome is Outcome.UNSUCCESSFUL


def test_a_parallel_block_calls_all_and_is_over_when_all_are() -> None:
    block = {"steps": [{"parallel": [step("one"), step("two")]}, step("three")]}
    first = _play(block, _event("two", **RESOLVED))
    assert (_steps(first), first.waits) == (["one", "two"], "step one")
    both = _play(block, _event("two", **RESOLVED), _event("one", **RESOLVED))
    assert _steps(both) == ["one", "two", "three"]


def test_the_first_ending_verdict_of_a_block_decides() -> None:
    block = {"steps": [{"parallel": [step("one"), step("two", finish="restored")]}]}
    seen = _play(block, _event("two", **RESOLVED))
    assert seen.outcome is Outcome.RESTORED


def test_a_question_waits_for_its_answer() -> None:
    bare = {**ASK, "when": ["t.status == 'inProgress'"]}
    assert _play(bare).questions == ["Which line is affected?"]
    answered = _play(bare, Happening(Happens.ANSWERED, ""))
    assert (answered.how, answered.reports) == (How.ANSWERED, [])
    silent = _play(bare, Happening(Happens.UNANSWERED, ""))
    assert [said.status for said in silent.reports] == ["cancelled"]


def test_a_step_may_ask_while_it_waits() -> None:
    asks = {"when": "ev.serviceProblem.status == 'pending'", "note": "Which line? ${summary}", "need": NEED}
    asking = {"steps": [step("one", **{"await": awaiting(ask=asks)})]}
    seen = _play(asking, _event("one", status="pending"), Happening(Happens.ANSWERED, ""), _event("one", **RESOLVED))
    assert seen.questions == ["Which line? serviceProblem one-1 is pending"]
    assert seen.outcome is Outcome.RESTORED
    silent = _play(asking, _event("one", status="pending"), Happening(Happens.UNANSWERED, ""))
    assert (silent.outcome, silent.reports[-1].status) == (Outcome.UNSUCCESSFUL, "cancelled")


@pytest.mark.parametrize(
    ("otherwise", "happens", "calls", "how"),
    [
        ("skip", Happens.APPROVED, 1, None),
        ("skip", Happens.DENIED, 0, How.SKIP),
        ("reject", Happens.DENIED, 0, How.REPORT),
        ("approve", Happens.UNANSWERED, 1, None),
    ],
)
def test_a_person_decides(otherwise: str, happens: Happens, calls: int, how: How | None) -> None:
    approve = {"by": "desk", "within": "PT1H", "otherwise": otherwise}
    seen = _play({"approve": approve, "steps": [step("one")]}, Happening(happens, "anna"))
    assert (len(seen.calls), seen.how) == (calls, how)
    assert seen.questions == ["desk: A mapping"]


def test_a_workaround_is_watched_until_it_is_over_or_mended() -> None:
    expiry = {"after": "P7D", "then": "unsuccessful", "restored": "ev.serviceProblem.status == 'closed'", "undo": True}
    undo = {"call": CALL, "body": {}}
    mended = {
        "steps": [step("one", finish="workaround", undo=undo)],
        "report": {"workaround": {"status": "held", "expiry": expiry}},
    }
    good = _play(mended, _event("one", **RESOLVED), _event("one", status="closed"))
    assert [(said.status, said.reason) for said in good.reports] == [
        ("held", "restored-workaround"),
        ("resolved", "restored"),
    ]
    assert _steps(good) == ["one", "one.undo"]
    over = _play(mended, _event("one", **RESOLVED), Happening(Happens.EXPIRED, ""))
    assert over.outcome is Outcome.UNSUCCESSFUL


def test_what_is_not_ours_is_reported_at_once() -> None:
    seen = _play(NOT_OURS, event=change(ticket(ticketType="Bill Dispute", status="acknowledged")))
    assert [(said.status, said.note) for said in seen.reports] == [("rejected", "Please ask billing (billDispute).")]


def test_a_body_that_cannot_be_rendered_ends_it() -> None:
    seen = _play({"steps": [step("one", body={"reason": "${t.char.cause}"})]})
    assert (seen.calls, seen.outcome) == ([], Outcome.UNSUCCESSFUL)
    assert "t.char.cause is missing" in seen.reason
    event = change(ticket(troubleTicketCharacteristic=[characteristic("cause", "x")]), ticket(status="acknowledged"))
    assert _play({"steps": [step("one", body={"reason": "${t.char.cause}"})]}, event=event).waits == "step one"


def test_what_the_ticket_is_told_while_a_step_waits_is_seen_and_taken_back() -> None:
    held = {"steps": [step("one", **{"while": {"status": "held", "reason": "in-repair"}})]}
    assert [(said.status, said.reason) for said in _play(held).reports] == [("held", "in-repair")]
    failed = _play(held, _event("one", status="rejected"))
    assert failed.reports[-1].status == "inProgress"


def test_the_event_of_the_step_that_match_names_is_laid_over_what_that_step_made() -> None:
    match = "ev.serviceProblem.id == step.parent.id && ev.serviceProblem.name == 'outage'"
    parent = {"id": "parent", "call": CALL, "body": {"name": "outage"}}
    join = {"id": "join", "call": "tmf656.createProblemGroup", "await": awaiting(match=match)}
    seen = _play({"steps": [parent, join]}, _event("join", **RESOLVED))
    assert (seen.outcome, seen.reason) == (Outcome.RESTORED, "serviceProblem parent-1 is resolved")


def test_a_question_that_nobody_answers_takes_back_the_step_that_asked() -> None:
    undo = {"call": CALL, "body": {"reason": "no more ${step.one.id}"}}
    asking = {"when": "ev.serviceProblem.status == 'pending'", "note": "Which?", "within": "P1D"}
    one = step("one", undo=undo, **{"await": awaiting(ask=asking)})
    seen = _play({"steps": [one]}, _event("one", status="pending"), Happening(Happens.UNANSWERED, ""))
    assert _steps(seen) == ["one", "one.undo"]


@pytest.mark.parametrize("said", [{"note": [{"text": "the third"}]}, {}])
def test_an_answer_is_handed_on_before_the_wait_goes_on(said: dict[str, Any]) -> None:
    body = {"reason": "${has(answer.one.note) ? answer.one.note[0].text : 'nothing'}"}
    asks = {**ASK["ask"], "when": "ev.serviceProblem.status == 'pending'", "tell": {"call": CALL, "body": body}}
    answered = Happening(Happens.ANSWERED, "", said)
    one = {"steps": [step("one", **{"await": awaiting(ask=asks)})]}
    seen = _play(one, _event("one", status="pending"), answered, _event("one", **RESOLVED))
    assert _steps(seen) == ["one", "one.tell"]
    assert seen.calls[1].body == {"reason": "the third" if said else "nothing"}
    assert seen.outcome is Outcome.RESTORED
