"""A recovery, its operations, and what is next: pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tmf_adapter.mapping.parts import Mapping, Outcome, Step, Verdict
from tmf_adapter.tmf.events import Doc


class State(StrEnum):
    """Where a recovery stands. ``reported`` and ``stopped`` are final."""

    RUNNING = "running"
    REPORTED = "reported"
    STOPPED = "stopped"


class Stage(StrEnum):
    """Where an operation stands.

    ``minted``: its id is written, so the downstream may or may not know it; ``waiting``: the downstream's answer is
    written; ``ended``: it has its verdict.
    """

    MINTED = "minted"
    WAITING = "waiting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Operation:
    """One call to a downstream. ``request`` is as it was first sent, ``response`` the resource as last answered."""

    id: str
    recovery_id: str
    step_id: str
    stage: Stage
    call: str
    resource: str
    request: Doc
    attempts: int = 0
    owner: str | None = None
    remote_id: str | None = None
    response: Doc | None = None
    verdict: Verdict | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """One run of a mapping for one episode of a ticket, with the copy of all it was started with."""

    id: str
    mapping: Mapping
    ticket_id: str
    episode: int
    scope: dict[str, Any]
    state: State = State.RUNNING


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
class Finish:
    """It is over, with this outcome, for this reason."""

    outcome: Outcome
    reason: str


Move = Act | Wait | Finish


def next_move(recovery: Recovery, operations: Sequence[Operation], runs: Callable[[Step], bool]) -> Move:
    """What to do now. ``runs`` says whether a step's ``if`` holds; steps exhausted means restored."""
    by_step = {operation.step_id: operation for operation in operations}
    reason = "every step was done"
    for step in recovery.mapping.every_step:
        operation = by_step.get(step.id)
        if operation is None:
            if runs(step):
                return Act(step, None)
            continue
        if operation.stage is Stage.MINTED:
            return Act(step, operation)
        if operation.stage is Stage.WAITING:
            return Wait(step, operation)
        assert operation.verdict is not None, "an ended operation has a verdict"
        reason = operation.reason or reason
        if outcome := operation.verdict.outcome:
            return Finish(outcome, reason)
    return Finish(Outcome.RESTORED, reason)


def step_scope(recovery: Recovery, operations: Sequence[Operation]) -> dict[str, Any]:
    """What a step's expressions read: the copied view, and the answers of the steps before it."""
    answers = {operation.step_id: operation.response for operation in operations if operation.response is not None}
    return {**recovery.scope, "step": answers}
