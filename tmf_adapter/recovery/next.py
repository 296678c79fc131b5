"""What is next in a recovery: pure, from what the mapping says and what was done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tmf_adapter.mapping.parts import Interim, Mapping, Otherwise, Outcome, Part, Step, Tell, Undo, Verdict
from tmf_adapter.recovery.recovery import (
    APPROVAL,
    ASK,
    TELL,
    UNDO,
    Operation,
    Question,
    Reply,
    Run,
    Stage,
    State,
)

Runs = Callable[[Step], bool]
"""Whether a step's ``if`` holds."""


class How(StrEnum):
    """In which words a recovery ends, beside its outcome.

    ``report``: as ``report.<outcome>`` says; ``now``: as ``report.now``; ``unanswered``: as ``then`` of the question;
    ``remind``: as the expiry of a work-around; ``expired``: a work-around that is over is reported unsuccessful;
    ``stop``, ``answered``, ``skip``: without a word.
    """

    REPORT = "report"
    NOW = "now"
    UNANSWERED = "unanswered"
    REMIND = "remind"
    EXPIRED = "expired"
    STOP = "stop"
    ANSWERED = "answered"
    SKIP = "skip"


class Taken(StrEnum):
    """What is undone before the end: nothing, what nobody has a result of yet, or all that was done."""

    NOTHING = "nothing"
    UNFINISHED = "unfinished"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Finish:
    """It is over, with this outcome, for this reason. ``step`` is the one whose question nobody answered."""

    outcome: Outcome | None
    reason: str
    how: How = How.REPORT
    undo: Taken = Taken.NOTHING
    step: str | None = None

    def document(self) -> dict[str, Any]:
        """As JSON, for a recovery that undoes first."""
        return {
            "outcome": self.outcome,
            "reason": self.reason,
            "how": self.how,
            "undo": self.undo,
            "step": self.step,
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Finish":
        """What ``document`` gave."""
        outcome = Outcome(document["outcome"]) if document["outcome"] else None
        return cls(outcome, document["reason"], How(document["how"]), Taken(document["undo"]), document["step"])


@dataclass(frozen=True, slots=True)
class Act:
    """Call the downstream for this step; ``operation`` is there when its id was minted before."""

    step: Step
    operation: Operation | None


@dataclass(frozen=True, slots=True)
class Wait:
    """The result of this step's operation is awaited."""

    step: Step
    operation: Operation


@dataclass(frozen=True, slots=True)
class Look:
    """It is to be undone, and nobody knows whether it was done: ask the downstream, and do not call."""

    step: Step
    operation: Operation


@dataclass(frozen=True, slots=True)
class Put:
    """Put the question that the mapping asks under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Resume:
    """The customer has answered: the ticket goes on."""

    question: Question


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Nobody needs the answer any more: the ticket goes on."""

    question: Question


@dataclass(frozen=True, slots=True)
class Stand:
    """Nothing can be done until somebody answers this question."""

    question: Question


Move = Act | Wait | Look | Put | Resume | Withdraw | Stand | Finish


@dataclass(frozen=True, slots=True)
class Next:
    """What to do now, all of it at once, and the status that the ticket has while nothing more can be done."""

    moves: tuple[Move, ...]
    interim: Interim | None = None


def next_move(run: Run, runs: Runs) -> Next:
    """What to do now in a recovery that has not ended. Steps exhausted means restored."""
    if run.recovery.state is State.UNDOING:
        return Next((_next_undo(run),))
    mapping = run.recovery.mapping
    if mapping.ask is not None:
        return Next((_asking(run),))
    if not mapping.steps:
        return Next((Finish(None, mapping.title, How.NOW),))
    if mapping.approve is not None and (move := _approval(run, mapping, mapping.approve.otherwise)):
        return Next((move,))
    return _steps(run, runs)


# -- questions ---------------------------------------------------------------------------------------------------------


def _asking(run: Run) -> Move:
    question = run.question(ASK)
    if question is None:
        return Put(ASK)
    match question.reply:
        case Reply.OPEN:
            return Stand(question)
        case Reply.ANSWERED:
            return Resume(question)
    return Finish(None, "the customer was asked and has not answered in time", How.UNANSWERED)


def _approval(run: Run, mapping: Mapping, otherwise: Otherwise) -> Move | None:
    """None once it may begin."""
    question = run.question(APPROVAL)
    if question is None:
        return Put(APPROVAL)
    match question.reply:
        case Reply.OPEN:
            return Stand(question)
        case Reply.APPROVED:
            return None
        case Reply.DENIED:
            reason = f"{question.answered_by} has not approved it" + (f": {question.answer}" if question.answer else "")
        case _:
            if otherwise is Otherwise.APPROVE:
                return None
            reason = f"{question.asked.get('by')} has not approved it in time"
    if otherwise is Otherwise.SKIP:
        return Finish(None, reason, How.SKIP)
    return Finish(Outcome.UNSUCCESSFUL, reason)


# -- steps -------------------------------------------------------------------------------------------------------------


def _steps(run: Run, runs: Runs) -> Next:
    reason = "every step was done"
    for part in run.recovery.mapping.steps:
        if finish := _ending(run, part):
            return Next((finish,))
        if idle := _idle_question(run, part):
            return Next((Withdraw(idle),))
        if moves := tuple(_moves(run, part, runs)):
            waits = any(isinstance(move, Wait) for move in moves)
            return Next(moves, part.while_ if waits else None)
        done = [one for step in part.steps if (one := run.operation(step.id))]
        reason = done[-1].reason or reason if done else reason
    return Next((Finish(Outcome.RESTORED, reason),))


def _ending(run: Run, part: Part) -> Finish | None:
    """How the first verdict in a part that ends the recovery ends it."""
    found = [(one, step) for step in part.steps if (one := run.operation(step.id)) and one.stage is Stage.ENDED]
    # One that ended without a verdict was given up when the recovery stopped, and went on when it was replayed.
    found = [(one, step) for one, step in found if one.verdict is not None]
    for operation, step in sorted(found, key=lambda pair: pair[0].ended_at.timestamp() if pair[0].ended_at else 0.0):
        if (unanswered := _unanswered(run, step)) is not None:
            return unanswered
        assert operation.verdict is not None
        if outcome := step.ending(operation.verdict):
            taken = Taken.ALL if outcome is Outcome.UNSUCCESSFUL else Taken.UNFINISHED
            return Finish(outcome, operation.reason or f"{step.id} is {operation.verdict}", undo=taken)
    return None


def _idle_question(run: Run, part: Part) -> Question | None:
    """One that is open although its step has ended."""
    ended = {step.id for step in part.steps if (one := run.operation(step.id)) and one.stage is Stage.ENDED}
    return next((one for one in run.questions if one.reply is Reply.OPEN and one.step_id in ended), None)


def _unanswered(run: Run, step: Step) -> Finish | None:
    if any(question.step_id == step.id and question.reply is Reply.EXPIRED for question in run.questions):
        reason = "the customer was asked and has not answered in time"
        return Finish(Outcome.UNSUCCESSFUL, reason, How.UNANSWERED, Taken.ALL, step.id)
    return None


def _moves(run: Run, part: Part, runs: Runs) -> Iterator[Move]:
    """What is to be done in a part; nothing once it is over. Calls come before results are read."""
    waits = list[Resume | Wait]()
    for step in part.steps:
        operation = run.operation(step.id)
        match operation:
            case None:
                if runs(step):
                    yield Act(step, None)
            case Operation(stage=Stage.MINTED):
                yield Act(step, operation)
            case Operation(stage=Stage.WAITING):
                move = _waiting(run, step, operation)
                if isinstance(move, Act):
                    yield move
                else:
                    waits.append(move)
    yield from waits


def _waiting(run: Run, step: Step, operation: Operation) -> Act | Resume | Wait:
    """What is to be done for an operation whose result is awaited: an answer to its question is handed on first."""
    question = run.last_asked(step.id)
    if question is None or question.reply is not Reply.ANSWERED:
        return Wait(step, operation)
    if operation.due_at is None:
        return Resume(question)
    if step.tell is None:
        return Wait(step, operation)
    telling = telling_of(step, step.tell, question)
    told = run.operation(telling.id)
    return Wait(step, operation) if told and told.stage is Stage.ENDED else Act(telling, told)


def telling_of(step: Step, tell: Tell, question: Question) -> Step:
    """The call that hands the answer to a question on, as a step of its own; it is done once it is accepted."""
    id_ = f"{step.id}{TELL}{question.id}"
    return Step(id_, tell.call, step.timeout, step.retry, target=tell.target, body=tell.body)


# -- undo --------------------------------------------------------------------------------------------------------------


def _next_undo(run: Run) -> Move:
    """Take back the last thing that is still to be taken back; one after the other, in reverse order."""
    assert run.recovery.ending is not None, "what undoes knows how it will end"
    finish = Finish.of(run.recovery.ending)
    for step, operation in to_undo(run, finish.undo):
        back = run.operation(step.id + UNDO)
        if back is None and operation.stage is not Stage.ENDED and operation.remote_id is None:
            return Look(step, operation)
        if back is None or back.stage is not Stage.ENDED:
            return Act(undoing(step), back)
    return replace(finish, undo=Taken.NOTHING, reason=finish.reason + _failed_undos(run))


def to_undo(run: Run, taken: Taken) -> list[tuple[Step, Operation]]:
    """The operations that are taken back, last step first: what a downstream took on, and what it may have."""
    found = []
    for step in reversed(run.recovery.mapping.every_step):
        operation = run.operation(step.id)
        if operation is None or step.undo is None or taken is Taken.NOTHING or (step.once and not run.alone):
            continue
        unknown = operation.stage is Stage.MINTED
        if taken is Taken.UNFINISHED and operation.stage is Stage.ENDED and operation.verdict is not None:
            continue
        if operation.was_taken_on or unknown:
            found.append((step, operation))
    return found


def undoing(step: Step) -> Step:
    """The call that takes a step back, as a step of its own; it is done once it is accepted."""
    assert isinstance(step.undo, Undo)
    undo = step.undo
    return Step(step.id + UNDO, undo.call, step.timeout, step.retry, target=undo.target, body=undo.body, once=step.once)


def _failed_undos(run: Run) -> str:
    failed = [one for one in run.operations if one.step_id.endswith(UNDO) and one.verdict is Verdict.FAIL]
    return "".join(f"; {one.step_id.removesuffix(UNDO)} could not be undone: {one.reason}" for one in failed)
