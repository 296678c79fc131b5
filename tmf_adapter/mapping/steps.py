"""What a recovery does, one part after the other: frozen, complete, every default filled in.

Each has a ``document()``, the JSON that ``document.parse`` turns back into it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from tmf_adapter.mapping.duration import duration_text
from tmf_adapter.mapping.expression import Expression, Names, Scope
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.reports import ReportRule
from tmf_adapter.mapping.scan import Reads, reads_of
from tmf_adapter.mapping.words import VERDICT_ORDER, Outcome, Verdict
from tmf_adapter.tmf.operations import OPERATIONS, Operation, Operations


@dataclass(frozen=True)
class _Deed:
    """An operation that belongs to a step beside the step's own, with an operation id, and so a key, of its own.

    It has the timeout and the retries of its step, and is done once it is accepted. It may read ``step``, the answer to
    its own step included.
    """

    call: str
    target: Template | None = None
    body: Template = field(default_factory=lambda: Template({}))

    @property
    def operation(self) -> Operation:
        """The row of the operation that it calls. Raises ``KeyError``, but not for a mapping of ``load_checked``."""
        return OPERATIONS[self.call]

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        target = {"target": self.target.source} if self.target else {}
        return {"call": self.call, **target, "body": self.body.source}


class Undo(_Deed):
    """The operation that takes a step back.

    **When**: the recovery ends unsuccessful, the ticket is cancelled or deleted, or a work-around's ``Expiry`` says so.
    **What**: every operation that its downstream took on, except those of which it said itself that they failed; so
    one whose deadline has passed is undone as well. **How**: in the reverse order of their steps, one after the other,
    before the report is written; an undo that fails is recorded and noted on the ticket, and holds up neither the
    others nor the report. Nothing is awaited.
    """


class Tell(_Deed):
    """The operation that hands the customer's answer on to the downstream that waits for it, once for each answer.

    It reads the answer as ``answer.<step>``. The wait goes on when it is accepted; when it is not, the step has failed,
    and is undone like one whose deadline has passed.
    """


@dataclass(frozen=True)
class Ask:
    """A question to the customer (TMF621 *information required*).

    **Asking**: in one commit the ticket goes to ``pending`` with ``reason``, ``note`` is added, and one
    TroubleTicketInformationRequiredEvent is raised for each operation of ``need`` (without ``need`` one event that
    names none). **Answered** is it when somebody else moves the ticket back to ``inProgress``, or changes it so that
    ``asking.answered`` says so; in the latter case the adapter moves it to ``inProgress``. **Unanswered** after
    ``within``: ``then`` is written on the ticket, and the recovery is over.

    As a mapping of its own (``Mapping.ask``) the recovery ends with the answer, without a report, and the mappings are
    asked about the ticket as it is then, as for a client's change from ``pending`` to ``inProgress``; this one is not
    started a second time in the same episode. Within ``await`` (``Await.asking``) the operation goes on waiting: its
    ``within`` stands still while the question is open and begins anew with the answer, and it may be judged by further
    events meanwhile, of which ``ask`` asks nothing as long as the question is open. What the customer said is
    ``answer.<step>`` from then on, and ``tell`` hands it on before the next event is read. Unanswered, the recovery
    ends unsuccessful, its steps are undone, and ``then`` is written in place of ``report.unsuccessful``.
    """

    reason: Template
    note: Template
    within: timedelta
    then: ReportRule
    need: Template = field(default_factory=lambda: Template([]))
    """Renders to a list of RFC 6902 operations on the ticket, each with ``op`` and ``path``."""
    tell: Tell | None = None
    """How the answer is handed on to the downstream that needs it; only within ``await``."""

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        written = {"reason": self.reason.source, "note": self.note.source, "within": duration_text(self.within)}
        need = {"need": self.need.source} if self.need.source else {}
        tell = {"tell": self.tell.document()} if self.tell else {}
        return {**written, **need, **tell, "then": self.then.document()}


@dataclass(frozen=True)
class Await:
    """What a step waits for: the event, how to read it, and for how long."""

    event: str
    """``eventType`` as it stands on the wire."""
    within: timedelta
    match: Expression | None = None
    workaround: Expression | None = None
    restored: Expression | None = None
    ok: Expression | None = None
    ask: Expression | None = None
    fail: Expression | None = None
    asking: Ask | None = None
    """What is asked when ``ask`` holds; there if and only if ``ask`` is."""
    late: Verdict | None = None
    """What a missed deadline is; None: what ``report.timeout`` says."""

    def condition(self, verdict: Verdict) -> Expression | None:
        """The condition that gives ``verdict``."""
        found: Expression | None = getattr(self, verdict.value)
        return found

    @cached_property
    def _reads(self) -> Reads:
        conditions = (self.match, *map(self.condition, VERDICT_ORDER))
        return reads_of(path for condition in conditions if condition for path in condition.paths)

    def judge(self, scope: Scope | Names) -> Verdict | None:
        """What the event ``ev`` in ``scope`` says, in ``VERDICT_ORDER``; None: nothing yet, or not ours by ``match``.

        A condition that reads something missing is false.
        """
        prepared = Scope.of(scope, self._reads)
        if self.match is not None and not self.match.is_true(prepared):
            return None
        tested = ((verdict, self.condition(verdict)) for verdict in VERDICT_ORDER)
        return next((verdict for verdict, condition in tested if condition and condition.is_true(prepared)), None)

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        conditions = {name: getattr(self, name) for name in ("match", *VERDICT_ORDER)}
        written: dict[str, Any] = {str(name): one.source for name, one in conditions.items() if one is not None}
        if self.ask and self.asking:
            written["ask"] = {"when": self.ask.source, **self.asking.document()}
        late = {"late": self.late.value} if self.late else {}
        return {"event": self.event, "within": duration_text(self.within), **written, **late}


@dataclass(frozen=True)
class Retry:
    """When an attempt is repeated: at most ``attempts`` in all, ``backoff`` apart and doubling.

    ``when`` holds ``timeout``, ``connect``, ``nonsense`` and HTTP status codes as text, such as ``503``.
    """

    attempts: int
    backoff: timedelta
    when: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        return {"attempts": self.attempts, "backoff": duration_text(self.backoff), "when": list(self.when)}


@dataclass(frozen=True)
class Interim:
    """The ticket's status while a step or a parallel block waits (``while``): ``held`` or ``pending``.

    Written when the wait begins, if the ticket is ``inProgress``. When the wait is over and the recovery goes on, the
    ticket goes back to ``inProgress``; when it ends, the report walks the legal path. A status that somebody else set
    meanwhile is left alone.
    """

    status: str
    reason: Template | None = None
    note: Template | None = None

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        reason = {"reason": self.reason.source} if self.reason else {}
        return {"status": self.status, **reason, **({"note": self.note.source} if self.note else {})}


@dataclass(frozen=True)
class Step:
    """One operation of a recovery."""

    id: str
    call: str
    timeout: timedelta
    """For one HTTP attempt."""
    retry: Retry
    if_: Expression | None = None
    """When it is not true, the step is left out, and ``step.<id>`` does not exist."""
    target: Template | None = None
    body: Template = field(default_factory=lambda: Template({}))
    await_: Await | None = None
    while_: Interim | None = None
    undo: Undo | None = None
    finish: Outcome | None = None
    """Once the step is ok, the recovery ends with this outcome instead of going on."""
    once: bool = False
    """``once: group``: the operation is the group's. See ``parts.Group``."""

    @property
    def operation(self) -> Operation:
        """The row of the operation that it calls. Raises ``KeyError``, but not for a mapping of ``load_checked``."""
        return OPERATIONS[self.call]

    @property
    def steps(self) -> tuple["Step", ...]:
        """Itself: a part with one step, see ``Parallel.steps``."""
        return (self,)

    @property
    def matched(self) -> frozenset[str]:
        """The other steps that the ``match`` of its wait names: their events may bring its result."""
        match = self.await_.match if self.await_ else None
        paths = [path.steps for path in match.paths] if match else []
        return frozenset(str(steps[1]) for steps in paths if steps[0] == "step" and len(steps) > 1) - {self.id}

    @property
    def tell(self) -> Tell | None:
        """What hands on the answers to its questions."""
        return self.await_.asking.tell if self.await_ and self.await_.asking else None

    @property
    def asks(self) -> bool:
        """Whether the customer may be asked something while it waits."""
        return self.await_ is not None and self.await_.asking is not None

    def ending(self, verdict: Verdict) -> Outcome | None:
        """The outcome that ends the recovery when the step has this verdict; None: it goes on."""
        return self.finish if verdict is Verdict.OK else verdict.outcome

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        written: dict[str, Any] = {"id": self.id, "call": self.call}
        written |= {"if": self.if_.source} if self.if_ else {}
        written |= {"target": self.target.source} if self.target else {}
        written |= {"body": self.body.source}
        written |= {"await": self.await_.document()} if self.await_ else {}
        written |= {"while": self.while_.document()} if self.while_ else {}
        written |= {"undo": self.undo.document()} if self.undo else {}
        written |= {"finish": self.finish.value} if self.finish else {}
        written |= {"once": "group"} if self.once else {}
        return {**written, "timeout": duration_text(self.timeout), "retry": self.retry.document()}


@dataclass(frozen=True)
class Parallel:
    """Steps that are done at once.

    All are called before any result is read, in the order in which they stand; each waits by its own ``await``. The
    block is ok when every step that its ``if`` did not leave out is. **The first ending verdict decides**: the recovery
    ends with it at once, without waiting for the others. When it ends restored or with a work-around, the operations
    of the block that still wait are undone (those without ``undo`` are let be) and those that are ok stay; when it ends
    unsuccessful, ``Undo`` holds for all. No step of the block may read the answer of another one of it.
    """

    steps: tuple[Step, ...]
    while_: Interim | None = None
    """Of the whole block: from the first wait in it until its end. Its steps have none of their own."""

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        waiting = {"while": self.while_.document()} if self.while_ else {}
        return {"parallel": [step.document() for step in self.steps], **waiting}


Part = Step | Parallel


def flat(parts: tuple[Part, ...]) -> Iterator[Step]:
    """Every step in the order in which it stands."""
    return (step for part in parts for step in part.steps)


def awaited(step: Step, every: Iterable[Step], operations: Operations = OPERATIONS) -> Step:
    """Of ``every`` step the one whose event ``step`` waits for: itself, or one that its ``match`` names."""
    event = step.await_.event if step.await_ else ""
    candidates = (step, *(one for one in every if one.id in step.matched))
    told = (one for one in candidates if (row := operations.get(one.call)) and event in row.results)
    return next(told, step)
