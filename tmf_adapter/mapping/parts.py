"""The parts of a mapping as they are used: frozen, complete, every default filled in.

Each has a ``document()``, the JSON that ``document.parse`` turns back into it.
"""

import hashlib
import json
from collections import abc
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from tmf_adapter.mapping.duration import duration_text
from tmf_adapter.mapping.expression import Expression, Names, Scope
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.scan import Reads, reads_of
from tmf_adapter.tmf.events import Kind
from tmf_adapter.tmf.operations import OPERATIONS, Operation

KINDS = (Kind.CREATE, Kind.STATUS, Kind.RESOLVED, Kind.ATTRIBUTE, Kind.DELETE)
"""The events of a ticket that a mapping may listen to."""


class Activity(StrEnum):
    """The four kinds of work that eTOM 1.3.7.6 hands on: the value of a mapping's key ``outcome``."""

    EDUCATION = "education"
    REASSESS = "reassess"
    CRM = "crm"
    SERVICE = "service"


class Outcome(StrEnum):
    """How a recovery ends: the three results that eTOM 1.3.7.6 reports."""

    RESTORED = "restored"
    WORKAROUND = "workaround"
    UNSUCCESSFUL = "unsuccessful"


class Verdict(StrEnum):
    """What an awaited event says of a step: go on, or end the recovery."""

    OK = "ok"
    RESTORED = "restored"
    WORKAROUND = "workaround"
    FAIL = "fail"

    @property
    def outcome(self) -> Outcome | None:
        """The outcome that it ends the recovery with; None for ``ok``, which goes on to the next step."""
        return _ENDS.get(self)


_ENDS = {
    Verdict.RESTORED: Outcome.RESTORED,
    Verdict.WORKAROUND: Outcome.WORKAROUND,
    Verdict.FAIL: Outcome.UNSUCCESSFUL,
}

VERDICT_ORDER = (Verdict.WORKAROUND, Verdict.RESTORED, Verdict.OK, Verdict.FAIL)
"""The order in which an awaited event is tested; the first that holds is the verdict.

A work-around comes before ``restored`` since it is the narrower case of the same status, and ``fail`` comes last so
that it may be written as broadly as one likes.
"""


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
    fail: Expression | None = None

    def condition(self, verdict: Verdict) -> Expression | None:
        """The condition that gives ``verdict``."""
        found: Expression | None = getattr(self, verdict.value)
        return found

    @cached_property
    def _reads(self) -> Reads:
        conditions = (self.match, self.workaround, self.restored, self.ok, self.fail)
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
        written = {str(name): condition.source for name, condition in conditions.items() if condition is not None}
        return {"event": self.event, "within": duration_text(self.within), **written}


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
class Step:
    """One operation of a recovery."""

    id: str
    call: str
    timeout: timedelta
    """For one HTTP attempt."""
    retry: Retry
    if_: Expression | None = None
    target: Template | None = None
    body: Template = field(default_factory=lambda: Template({}))
    await_: Await | None = None

    @property
    def operation(self) -> Operation:
        """The row of the operation that it calls. Raises ``KeyError``, but not for a mapping of ``load_checked``."""
        return OPERATIONS[self.call]

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        written: dict[str, Any] = {"id": self.id, "call": self.call}
        written |= {"if": self.if_.source} if self.if_ else {}
        written |= {"target": self.target.source} if self.target else {}
        written |= {"body": self.body.source}
        written |= {"await": self.await_.document()} if self.await_ else {}
        return {**written, "timeout": duration_text(self.timeout), "retry": self.retry.document()}


@dataclass(frozen=True)
class ReportRule:
    """What an outcome writes on the ticket; None or nothing leaves that part of the ticket alone."""

    status: str | None = None
    reason: Template | None = None
    note: Template | None = None
    char: abc.Mapping[str, Template] = field(default_factory=dict)
    """Characteristics to set. These templates may read ``summary`` besides the names of the run."""

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping, with null for what is left alone."""
        reason, note = (text.source if text else None for text in (self.reason, self.note))
        chars = {name: value.source for name, value in self.char.items()}
        return {"status": self.status, "reason": reason, "note": note, "char": chars}


@dataclass(frozen=True)
class Report:
    """What each outcome writes on the ticket, and which outcome a missed deadline is."""

    restored: ReportRule
    workaround: ReportRule
    unsuccessful: ReportRule
    timeout: Outcome

    def __getitem__(self, outcome: str) -> ReportRule:
        """The rule for ``outcome``. Raises ``KeyError`` for what is none."""
        rules = {"restored": self.restored, "workaround": self.workaround, "unsuccessful": self.unsuccessful}
        return rules[outcome]

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        return {**{outcome.value: self[outcome].document() for outcome in Outcome}, "timeout": self.timeout.value}


@dataclass(frozen=True)
class Mapping:
    """When these lines hold, do these calls, report so. Equal when its document is, whichever file it came from."""

    id: str
    title: str
    events: tuple[Kind, ...]
    steps: tuple[Step, ...]
    report: Report
    when: tuple[Expression, ...] = ()
    let: abc.Mapping[str, Expression] = field(default_factory=dict)
    """In an order in which each reads only those before it, however they were written."""
    outcome: Activity | None = None
    order: int = 100
    stop: bool = False
    file: str = field(default="", compare=False)

    @property
    def on_timeout(self) -> Verdict:
        """The verdict on a step whose deadline passed."""
        return {outcome: verdict for verdict, outcome in _ENDS.items()}[self.report.timeout]

    def step(self, id: str) -> Step:
        """The step called ``id``. Raises ``KeyError``."""
        return {step.id: step for step in self.steps}[id]

    def to_document(self) -> dict[str, Any]:
        """The whole mapping as JSON, defaults included: a recovery keeps it, and ``parse`` gives an equal mapping."""
        return {
            "id": self.id,
            "title": self.title,
            **({"outcome": str(self.outcome)} if self.outcome else {}),
            "order": self.order,
            "stop": self.stop,
            "events": [str(kind) for kind in self.events],
            **({"when": [line.source for line in self.when]} if self.when else {}),
            "let": {name: value.source for name, value in self.let.items()},
            "steps": [step.document() for step in self.steps],
            "report": self.report.document(),
        }

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hexadecimal) of the document in canonical JSON: tells versions of a mapping apart.

        The order of ``let`` and of a body's members does not count in it, that of ``when`` and ``steps`` does.
        """
        canonical = json.dumps(self.to_document(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
