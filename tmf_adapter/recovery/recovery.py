"""A recovery, its operations and its questions, as they are remembered: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from tmf_adapter.mapping.asking import answer_view
from tmf_adapter.mapping.parts import Mapping, Outcome, Step, Verdict
from tmf_adapter.mapping.plan import bind
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.mask import hidden

UNDO = ".undo"
"""What follows the id of a step in the id of the operation that takes it back; no step has a dot in its id."""


TELL = ".tell:"
"""What stands between the id of a step and that of a question in the id of the operation that hands on its answer."""


UNTOLD = "the customer's answer could not be handed on: "
"""Why a step has failed whose downstream waits for an answer in vain; the cause follows."""


class State(StrEnum):
    """Where a recovery stands. The first three go on by themselves, the others are final.

    ``undoing``: how it ends is known, and what it did is taken back first; ``watching``: it has reported a work-around
    and looks out for the permanent restoration; ``reported``: its outcome stands on the ticket; ``stopped``: the ticket
    needed it no more; ``answered``: the customer answered what it asked; ``skipped``: nobody approved it; ``shadow``:
    it was only recorded.
    """

    RUNNING = "running"
    UNDOING = "undoing"
    WATCHING = "watching"
    REPORTED = "reported"
    STOPPED = "stopped"
    ANSWERED = "answered"
    SKIPPED = "skipped"
    SHADOW = "shadow"


OPEN = (State.RUNNING, State.UNDOING, State.WATCHING)
"""The states of a recovery that has not ended."""


IN_VAIN = (State.STOPPED, State.ANSWERED, State.SKIPPED)
"""The states of one that has ended without an outcome."""


class Stage(StrEnum):
    """Where an operation stands.

    ``minted``: its id is written, so the downstream may or may not know it; ``waiting``: the downstream's answer is
    written; ``ended``: it has its verdict, or nobody waits for one any more.
    """

    MINTED = "minted"
    WAITING = "waiting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Operation:
    """One call to a downstream. ``request`` is as it was first sent, ``response`` the resource as last answered.

    ``recovery_id`` is the group's for an operation that its members share. ``due_at`` is when the next attempt is made
    (``minted``), or until when a result is awaited (``waiting``; None while the customer is asked). ``lapsed``: it was
    its deadline that ended it.
    """

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
    target: str | None = None
    lapsed: bool = False
    due_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def was_taken_on(self) -> bool:
        """Whether the downstream did what was asked, and has not said since that it came to nothing."""
        return self.remote_id is not None and (self.verdict is not Verdict.FAIL or self.lapsed)


class Kind(StrEnum):
    """Whom a question is put to: a person of ours decides, or the customer answers."""

    APPROVAL = "approval"
    INFORMATION = "information"


class Reply(StrEnum):
    """What became of a question."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    ANSWERED = "answered"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


APPROVAL, ASK = "approval", "ask"
"""Names of the questions that a mapping asks by itself; one that a step asks is called ``<step>:<event>``."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a recovery asks a person. ``asked`` is JSON: ``by``, ``note`` and ``need``, what there is of them."""

    id: str
    recovery_id: str
    name: str
    ticket_id: str
    kind: Kind
    reply: Reply
    asked: dict[str, Any]
    due_at: datetime
    answered_by: str | None = None
    answer: str | None = None
    said: Doc | None = None
    """What the customer's answer added to the ticket, as TMF621 has it; see ``asking.said_since``."""

    @property
    def step_id(self) -> str:
        """The step that asks."""
        return self.name.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Recovery:
    """One run of a mapping for one episode of a ticket, with the copy of all it was started with.

    ``ending`` is how it will end once everything is undone (``next.Finish`` as JSON).
    """

    id: str
    mapping: Mapping
    ticket_id: str
    episode: int
    scope: dict[str, Any]
    state: State = State.RUNNING
    group_id: str | None = None
    interim: str | None = None
    parked: str | None = None
    ending: dict[str, Any] | None = None
    outcome: Outcome | None = None
    expires_at: datetime | None = None
    plan: str | None = None
    """Of a new one, mapping and scope as JSON, where that was made ready before the transaction."""
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out from mapping and scope, for as long as those are kept in memory."""

    @property
    def asks(self) -> bool:
        """Whether it may ask somebody something."""
        mapping = self.mapping
        return bool(mapping.ask or mapping.approve) or any(step.asks for step in mapping.every_step)

    @property
    def bound(self) -> "Recovery":
        """With the values of ``let`` in its scope. Raises ``RenderError``."""
        mapping, scope, bound = self.memo.get("bound", (None, None, None))
        if mapping is not self.mapping or scope is not self.scope:  # once for all steps
            bound = bind(self.mapping, self.scope)
            self.memo["bound"] = self.mapping, self.scope, bound
        return replace(self, scope=bound)


@dataclass(frozen=True, slots=True)
class Run:
    """A recovery with all that was done for it, oldest first; ``alone``: nobody else of its group has not ended."""

    recovery: Recovery
    operations: Sequence[Operation] = ()
    questions: Sequence[Question] = ()
    alone: bool = True

    def operation(self, step_id: str) -> Operation | None:
        """The operation of a step, of ``<step>.undo``, or of ``<step>.tell:<question>``."""
        return next((operation for operation in self.operations if operation.step_id == step_id), None)

    def question(self, name: str) -> Question | None:
        """What was asked under this name."""
        return next((question for question in self.questions if question.name == name), None)

    def is_asked(self, step_id: str) -> bool:
        """Whether the customer is being asked something for a step."""
        return any(one.step_id == step_id and one.reply is Reply.OPEN for one in self.questions)

    def last_asked(self, step_id: str) -> Question | None:
        """The newest question of a step."""
        return next((one for one in reversed(self.questions) if one.step_id == step_id), None)

    def waiting_for(self, telling: str) -> Operation | None:
        """The operation that still waits for the answer which the operation of ``telling`` hands on."""
        step_id, tells, _ = telling.partition(TELL)
        asker = self.operation(step_id) if tells else None
        return asker if asker and asker.stage is Stage.WAITING else None

    @property
    def scope(self) -> dict[str, Any]:
        """What a step's expressions read: the copied view, and the answers of earlier steps and of the customer."""
        answers = {one.step_id: one.response for one in self.operations if one.response is not None}
        said = {one.step_id: answer_view(one.said) for one in self.questions if one.said is not None}
        return {**self.recovery.scope, "step": answers, "answer": said}


def shown_body(operation: Operation, body: Doc | None) -> Any:
    """What the trail shows of a request or an answer: what hands on a customer's words has them in any member."""
    return hidden(body) if TELL in operation.step_id else body


def owner_of(run: Run, step: Step) -> str:
    """Whose operation a step's is: the recovery's, or for ``once: group`` the group's."""
    return run.recovery.group_id or run.recovery.id if step.once else run.recovery.id
