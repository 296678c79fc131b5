"""What is next in a recovery: tables of what the mapping says, what was done, and what follows from both."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.mapping.samples import BODY
from tmf_adapter.mapping.document import DEFAULTS, parse
from tmf_adapter.mapping.parts import Mapping, Outcome, Verdict
from tmf_adapter.recovery.next import (
    Act,
    Finish,
    How,
    Look,
    Move,
    Next,
    Put,
    Resume,
    Stand,
    Taken,
    Wait,
    Withdraw,
    next_move,
    to_undo,
    undoing,
)
from tmf_adapter.recovery.recovery import (
    APPROVAL,
    ASK,
    Kind,
    Operation,
    Question,
    Recovery,
    Reply,
    Run,
    Stage,
    State,
)

CALL = "tmf656.createServiceProblem"
START = datetime(2026, 11, 24, 8, tzinfo=UTC)
UNDO = {"call": CALL, "body": BODY}
NEED = [{"op": "add", "path": "/relatedEntity/-", "value": {"role": "affectedService"}}]


def step(id_: str, **members: Any) -> dict[str, Any]:
    awaited = {
        "event": "ServiceProblemStateChangeEvent",
        "ok": "ev.serviceProblem.status == 'resolved'",
        "fail": "ev.serviceProblem.status == 'rejected'",
        "within": "PT1H",
        **members.pop("await_", {}),
    }
    return {"id": id_, "call": CALL, "body": BODY, "await": awaited, **members}


def mapping(**members: Any) -> Mapping:
    return parse({"id": "m", "title": "A mapping", "events": ["status"], **members}, DEFAULTS)


def operation(step_id: str, stage: Stage = Stage.ENDED, verdict: Verdict | None = None, **members: Any) -> Operation:
    remote = None if stage is Stage.MINTED else f"remote-{step_id}"
    members = {"remote_id": remote, "reason": f"{step_id} {verdict or stage}", **members}
    return Operation(f"op-{step_id}", "R1", step_id, stage, CALL, "serviceProblem", {}, verdict=verdict, **members)


def minted(step_id: str) -> Operation:
    return operation(step_id, Stage.MINTED)


def waiting(step_id: str, **members: Any) -> Operation:
    return operation(step_id, Stage.WAITING, due_at=START, **members)


def ok(step_id: str) -> Operation:
    return operation(step_id, verdict=Verdict.OK)


def ended(step_id: str, verdict: Verdict | None, after: float = 0, **members: Any) -> Operation:
    return operation(step_id, verdict=verdict, ended_at=START + timedelta(seconds=after), **members)


def question(name: str, reply: Reply, kind: Kind = Kind.INFORMATION, **members: Any) -> Question:
    return Question(f"q-{name}", "R1", name, "T1", kind, reply, {"by": "the-desk"}, START, **members)


def run(of: Mapping, *operations: Operation, questions: tuple[Question, ...] = (), **members: Any) -> Run:
    return Run(Recovery("R1", of, "T1", 1, {"t": {"id": "T1"}}, **members), operations, questions)


def moves(of: Run, leaves_out: tuple[str, ...] = ()) -> tuple[Move, ...]:
    return next_move(of, lambda step: step.id not in leaves_out).moves


SEQUENCE = mapping(steps=[step("first"), step("second")])
FIRST, SECOND = SEQUENCE.every_step


@pytest.mark.parametrize(
    ("operations", "leaves_out", "move"),
    [
        ([], (), Act(FIRST, None)),  # nothing was done
        ([minted("first")], (), Act(FIRST, minted("first"))),  # an id is written: was the call made?
        ([waiting("first")], (), Wait(FIRST, waiting("first"))),  # the answer is there, the result is not
        ([ok("first")], (), Act(SECOND, None)),  # on to the next
        ([ok("first")], ("second",), Finish(Outcome.RESTORED, "first ok")),  # its if does not hold
        ([], ("first", "second"), Finish(Outcome.RESTORED, "every step was done")),
        ([ok("first"), ok("second")], (), Finish(Outcome.RESTORED, "second ok")),
        # A verdict that ends it; what was done is taken back when it ended badly.
        ([ended("first", Verdict.FAIL)], (), Finish(Outcome.UNSUCCESSFUL, "first fail", undo=Taken.ALL)),
        (
            [ended("first", Verdict.WORKAROUND)],
            (),
            Finish(Outcome.WORKAROUND, "first workaround", undo=Taken.UNFINISHED),
        ),
        ([ended("first", Verdict.RESTORED)], (), Finish(Outcome.RESTORED, "first restored", undo=Taken.UNFINISHED)),
    ],
)
def test_steps_are_done_one_after_the_other(
    operations: list[Operation], leaves_out: tuple[str, ...], move: Move
) -> None:
    assert moves(run(SEQUENCE, *operations), leaves_out) == (move,)


FINISHING = mapping(steps=[step("first", finish="workaround"), step("second")])


def test_a_step_that_finishes_ends_the_recovery_once_it_is_ok() -> None:
    [move] = moves(run(FINISHING, ok("first")))
    assert move == Finish(Outcome.WORKAROUND, "first ok", undo=Taken.UNFINISHED)


BLOCK = mapping(
    steps=[
        {"parallel": [step("visit", undo=UNDO), step("order", undo=UNDO), step("note")], "while": {"status": "held"}},
        step("last"),
    ]
)
VISIT, ORDER, NOTE, LAST = BLOCK.every_step


@pytest.mark.parametrize(
    ("operations", "leaves_out", "expected"),
    [
        ([], (), (Act(VISIT, None), Act(ORDER, None), Act(NOTE, None))),  # all are called at once
        ([], ("order",), (Act(VISIT, None), Act(NOTE, None))),
        # Calls come before results, whatever the order of the steps.
        (
            [waiting("visit"), minted("order")],
            (),
            (Act(ORDER, minted("order")), Act(NOTE, None), Wait(VISIT, waiting("visit"))),
        ),
        (
            [waiting("visit"), waiting("order"), ok("note")],
            (),
            (Wait(VISIT, waiting("visit")), Wait(ORDER, waiting("order"))),
        ),
        ([ok("visit"), ok("order"), ok("note")], (), (Act(LAST, None),)),  # the block is ok when all of it is
        ([ok("visit"), ok("order")], ("note",), (Act(LAST, None),)),
        # The first ending verdict decides, and nobody waits for the others.
        (
            [waiting("visit"), ended("order", Verdict.FAIL), waiting("note")],
            (),
            (Finish(Outcome.UNSUCCESSFUL, "order fail", undo=Taken.ALL),),
        ),
        (
            [ended("visit", Verdict.FAIL, after=5), ended("order", Verdict.RESTORED, after=2), waiting("note")],
            (),
            (Finish(Outcome.RESTORED, "order restored", undo=Taken.UNFINISHED),),
        ),
    ],
)
def test_a_parallel_block_is_done_at_once_and_ends_with_the_first_verdict(
    operations: list[Operation], leaves_out: tuple[str, ...], expected: tuple[Move, ...]
) -> None:
    assert moves(run(BLOCK, *operations), leaves_out) == expected


@pytest.mark.parametrize(
    ("operations", "interim"),
    [
        ([], None),  # nothing waits yet
        ([waiting("visit"), minted("order"), minted("note")], "held"),
        ([waiting("visit"), ok("order"), ok("note")], "held"),
        ([ok("visit"), ok("order"), ok("note")], None),
        ([ok("visit"), ok("order"), ok("note"), waiting("last")], None),  # this step has none
    ],
)
def test_the_interim_status_holds_while_something_of_the_part_waits(
    operations: list[Operation], interim: str | None
) -> None:
    following = next_move(run(BLOCK, *operations), lambda _step: True)
    assert (following.interim.status if following.interim else None) == interim


# -- undo --------------------------------------------------------------------------------------------------------------

LAPSED = ended("order", Verdict.FAIL, lapsed=True)


@pytest.mark.parametrize(
    ("operations", "taken", "undone"),
    [
        ([ok("visit"), ok("order")], Taken.ALL, ["order", "visit"]),  # in reverse order
        ([ok("visit"), ended("order", Verdict.FAIL)], Taken.ALL, ["visit"]),  # it said itself that it came to nothing
        ([ok("visit"), LAPSED], Taken.ALL, ["order", "visit"]),  # its time was over, and it may still come
        ([ok("visit"), minted("order")], Taken.ALL, ["order", "visit"]),  # nobody knows whether it was done
        ([ended("note", Verdict.OK)], Taken.ALL, []),  # a message cannot be undone
        ([ok("visit"), ended("order", None)], Taken.UNFINISHED, ["order"]),  # what is ok stays
        ([ok("visit"), ok("order")], Taken.NOTHING, []),
        ([], Taken.ALL, []),
    ],
)
def test_what_a_downstream_took_on_is_taken_back_in_reverse_order(
    operations: list[Operation], taken: Taken, undone: list[str]
) -> None:
    assert [step.id for step, _ in to_undo(run(BLOCK, *operations), taken)] == undone


ENDING = Finish(Outcome.UNSUCCESSFUL, "no luck", undo=Taken.ALL)


def going_back(*operations: Operation, alone: bool = True) -> tuple[Move, ...]:
    undoing_run = run(BLOCK, *operations, state=State.UNDOING, ending=ENDING.document())
    return moves(replace(undoing_run, alone=alone))


def test_undoing_is_one_call_after_the_other_and_then_the_end() -> None:
    done = (ok("visit"), ok("order"))
    assert going_back(*done) == (Act(undoing(ORDER), None),)
    begun = operation("order.undo", Stage.MINTED)
    assert going_back(*done, begun) == (Act(undoing(ORDER), begun),)
    back = ended("order.undo", Verdict.OK)
    assert going_back(*done, back) == (Act(undoing(VISIT), None),)
    assert going_back(*done, back, ended("visit.undo", Verdict.OK)) == (replace(ENDING, undo=Taken.NOTHING),)


def test_an_undo_that_failed_holds_up_neither_the_others_nor_the_end_which_says_so() -> None:
    failed = ended("order.undo", Verdict.FAIL)
    assert going_back(ok("visit"), ok("order"), failed) == (Act(undoing(VISIT), None),)
    [finish] = going_back(ok("visit"), ok("order"), failed, ended("visit.undo", Verdict.OK))
    assert isinstance(finish, Finish)
    assert finish.reason == "no luck; order could not be undone: order.undo fail"


def test_what_may_have_been_done_is_asked_for_before_it_is_taken_back() -> None:
    assert going_back(minted("order")) == (Look(ORDER, minted("order")),)
    assert going_back(ended("order", Verdict.FAIL, remote_id=None)) == (replace(ENDING, undo=Taken.NOTHING),)


def test_how_it_ends_survives_as_json() -> None:
    for how in How:
        finish = Finish(Outcome.RESTORED, "r", how, Taken.UNFINISHED, "step")
        assert Finish.of(finish.document()) == finish
    assert Finish.of(ENDING.document()) == ENDING


STORM = mapping(
    group={"by": "t.id", "window": "PT5M"},
    steps=[step("parent", once="group", undo=UNDO), step("child", undo=UNDO)],
)


@pytest.mark.parametrize(("alone", "undone"), [(True, ["child", "parent"]), (False, ["child"])])
def test_what_a_group_shares_is_taken_back_by_its_last_member(alone: bool, undone: list[str]) -> None:
    last = replace(run(STORM, ok("parent"), ok("child")), alone=alone)
    assert [step.id for step, _ in to_undo(last, Taken.ALL)] == undone


# -- questions ---------------------------------------------------------------------------------------------------------

ASKING = mapping(ask={"note": "Which line?", "need": NEED, "within": "P1D"})
LATE = Finish(None, "the customer was asked and has not answered in time", How.UNANSWERED)


@pytest.mark.parametrize(
    ("reply", "move"),
    [
        (None, Put(ASK)),
        (Reply.OPEN, Stand(question(ASK, Reply.OPEN))),
        (Reply.ANSWERED, Resume(question(ASK, Reply.ANSWERED))),
        (Reply.EXPIRED, LATE),
    ],
)
def test_a_mapping_that_asks_does_nothing_else(reply: Reply | None, move: Move) -> None:
    asked = (question(ASK, reply),) if reply else ()
    assert moves(run(ASKING, questions=asked)) == (move,)


def approving(otherwise: str) -> Mapping:
    return mapping(approve={"by": "the-desk", "within": "PT1H", "otherwise": otherwise}, steps=[step("first")])


DENIED = "Ann has not approved it: too dear"
SILENCE = "the-desk has not approved it in time"


@pytest.mark.parametrize(
    ("otherwise", "reply", "move"),
    [
        ("skip", None, Put),
        ("skip", Reply.OPEN, Stand),
        ("skip", Reply.APPROVED, Act),
        ("skip", Reply.DENIED, Finish(None, DENIED, How.SKIP)),
        ("skip", Reply.EXPIRED, Finish(None, SILENCE, How.SKIP)),
        ("reject", Reply.DENIED, Finish(Outcome.UNSUCCESSFUL, DENIED)),
        ("reject", Reply.EXPIRED, Finish(Outcome.UNSUCCESSFUL, SILENCE)),
        ("approve", Reply.EXPIRED, Act),  # silence is consent
        ("approve", Reply.DENIED, Finish(Outcome.UNSUCCESSFUL, DENIED)),  # a denial is not
    ],
)
def test_nothing_is_called_before_a_person_has_approved(otherwise: str, reply: Reply | None, move: Move | type) -> None:
    said = {"answered_by": "Ann", "answer": "too dear"} if reply is Reply.DENIED else {}
    asked = (question(APPROVAL, reply, Kind.APPROVAL, **said),) if reply else ()
    [found] = moves(run(approving(otherwise), questions=asked))
    assert isinstance(found, move) if isinstance(move, type) else found == move


RELAYING = mapping(
    steps=[
        step(
            "order",
            await_={"ask": {"when": "ev.serviceProblem.status == 'pending'", "note": "Which?", "within": "P1D"}},
        ),
        step("second"),
    ]
)
WAITS = RELAYING.step("order")
STILL = waiting("order")
STANDING = replace(STILL, due_at=None)


@pytest.mark.parametrize(
    ("order", "reply", "move"),
    [
        (STANDING, Reply.OPEN, Wait(WAITS, STANDING)),  # the downstream may go on without the answer
        (STANDING, Reply.ANSWERED, Resume(question("order:e1", Reply.ANSWERED))),
        (STILL, Reply.ANSWERED, Wait(WAITS, STILL)),  # and its time runs again
        (ok("order"), Reply.OPEN, Withdraw(question("order:e1", Reply.OPEN))),  # nobody needs to know any more
        (ok("order"), Reply.WITHDRAWN, Act(RELAYING.step("second"), None)),
        (
            ended("order", Verdict.FAIL, lapsed=True),
            Reply.EXPIRED,
            Finish(Outcome.UNSUCCESSFUL, LATE.reason, How.UNANSWERED, Taken.ALL, "order"),
        ),
    ],
)
def test_what_a_downstream_asks_is_relayed_while_its_operation_waits(
    order: Operation, reply: Reply, move: Move
) -> None:
    assert moves(run(RELAYING, order, questions=(question("order:e1", reply),))) == (move,)


def test_a_report_at_once_needs_nothing_else() -> None:
    now = mapping(report={"now": {"status": "rejected", "reason": "not-ours"}})
    assert next_move(run(now), lambda _step: True) == Next((Finish(None, "A mapping", How.NOW),))
