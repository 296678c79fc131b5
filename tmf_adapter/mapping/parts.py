"""The parts of a mapping as they are used: frozen, complete, every default filled in.

Each has a ``document()``, the JSON that ``document.parse`` turns back into it. Steps stand in steps.py, reports in
reports.py, words in words.py; all of them can be had from here.
"""

import hashlib
import json
from collections import abc
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from tmf_adapter.mapping.duration import duration_text
from tmf_adapter.mapping.expression import Expression
from tmf_adapter.mapping.faults import Place
from tmf_adapter.mapping.forms import Form, form_of, has_form
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.reports import Expiry, Report, ReportRule
from tmf_adapter.mapping.steps import Ask, Await, Interim, Parallel, Part, Retry, Step, Tell, Undo, awaited, flat
from tmf_adapter.mapping.words import (
    VERDICT_OF,
    VERDICT_ORDER,
    Activity,
    Expired,
    Mode,
    Otherwise,
    Outcome,
    ReportMode,
    Verdict,
)
from tmf_adapter.tmf.events import Kind
from tmf_adapter.tmf.operations import api_of

__all__ = [
    "KINDS",
    "VERDICT_ORDER",
    "Activity",
    "Approve",
    "Ask",
    "Await",
    "Expired",
    "Expiry",
    "Group",
    "Interim",
    "Mapping",
    "Mode",
    "Otherwise",
    "Outcome",
    "Parallel",
    "Part",
    "Report",
    "ReportMode",
    "ReportRule",
    "Retry",
    "Step",
    "Tell",
    "Undo",
    "Verdict",
    "awaited",
]

KINDS = (Kind.CREATE, Kind.STATUS, Kind.RESOLVED, Kind.ATTRIBUTE, Kind.DELETE)
"""The events of a ticket that a mapping may listen to."""


@dataclass(frozen=True)
class Group:
    """Many tickets, one cause (a storm): recoveries of one mapping that share the steps marked ``once: group``.

    **The key** is the value of ``by`` as text, worked out when the recovery is planned; ``group.key`` reads it. When
    it cannot be worked out the mapping does not match. **The group**: the first recovery of a (mapping, key) opens it;
    a later one joins the open group as long as it was opened at most ``window`` ago and none of its recoveries has
    ended, else it opens a new one. Each ticket keeps a recovery of its own, with its own report.

    **Shared steps**: the first member that comes to one does it, once for the group; every member reads the answer as
    ``step.<id>`` as soon as it is there, and waits until it is. The operation's events and its deadline reach every
    member: each judges by its own ``await``. A shared step is undone once, when the last member that has not ended is
    to undo it. **What is visible**: a shared step may read ``group``, ``mapping``, ``now``, ``open`` and the answers
    of earlier shared steps, and nothing of any one ticket, so that no ticket's data reaches another's (lint holds it).
    """

    by: Expression
    window: timedelta

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        return {"by": self.by.source, "window": duration_text(self.window)}


@dataclass(frozen=True)
class Approve:
    """A person decides before the first step: ``by`` names the desk or the role, in the operator's own words.

    The recovery waits, without a word on the ticket, until somebody approves or denies it, or ``within`` is over;
    ``otherwise`` says what happens if it is not approved. ``note`` tells the person what it is about, by default the
    title of the mapping; it reads what the body of the first step reads.
    """

    by: str
    within: timedelta
    otherwise: Otherwise = Otherwise.SKIP
    note: Template | None = None

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        written = {"by": self.by, "within": duration_text(self.within), "otherwise": self.otherwise.value}
        return {**written, "note": self.note.source} if self.note else written


@dataclass(frozen=True)
class Mapping:
    """When these lines hold, do these calls, report so. Equal when its document is, whichever file it came from.

    It has exactly one of ``steps``, ``ask`` and ``report.now``. With steps: ``approve`` if it is there, then one part
    after the other; when all are done the recovery is restored.
    """

    id: str
    title: str
    events: tuple[Kind, ...]
    steps: tuple[Part, ...]
    report: Report
    when: tuple[Expression, ...] = ()
    let: abc.Mapping[str, Expression] = field(default_factory=dict)
    """In an order in which each reads only those before it, however they were written."""
    outcome: Activity | None = None
    order: int = 100
    stop: bool = False
    mode: Mode = Mode.LIVE
    again: bool = False
    """Whether it is started in a new episode although its recovery in an earlier one ended unsuccessful."""
    group: Group | None = None
    approve: Approve | None = None
    ask: Ask | None = None
    file: str = field(default="", compare=False)
    tests: tuple[Any, ...] = field(default=(), compare=False)
    """Its ``cases.Case``; no part of what a recovery keeps."""

    @cached_property
    def form(self) -> Form | None:
        """Those of its lines that Python can test, together; None without any."""
        lines = [line.source for line in self.when if has_form(line.source)]
        return form_of(lines) if lines else None

    @cached_property
    def formless(self) -> tuple[Expression, ...]:
        """The other lines."""
        return tuple(line for line in self.when if not has_form(line.source))

    def on_timeout(self, step: Step) -> Verdict:
        """The verdict on a step whose deadline passed."""
        late = step.await_.late if step.await_ else None
        return late or VERDICT_OF[self.report.timeout]

    @cached_property
    def every_step(self) -> tuple[Step, ...]:
        """The steps in the order in which they stand, those of parallel blocks among them."""
        return tuple(flat(self.steps))

    @cached_property
    def apis(self) -> frozenset[str]:
        """The APIs that its steps, what takes them back and what hands answers on call, such as ``tmf622``."""
        beside = (deed.call for step in self.every_step for deed in (step.undo, step.tell) if deed)
        return frozenset(map(api_of, (*(step.call for step in self.every_step), *beside)))

    @property
    def placed_steps(self) -> Iterator[tuple[Place, Step]]:
        """Each of ``every_step`` with its place in the document."""
        for index, part in enumerate(self.steps):
            if isinstance(part, Step):
                yield ("steps", index), part
            else:
                yield from ((("steps", index, "parallel", at), step) for at, step in enumerate(part.steps))

    def step(self, id: str) -> Step:
        """The step called ``id``. Raises ``KeyError``."""
        return {step.id: step for step in self.every_step}[id]

    def to_document(self) -> dict[str, Any]:
        """The whole mapping as JSON, defaults included: a recovery keeps it, and ``parse`` gives an equal mapping."""
        parts = {"group": self.group, "approve": self.approve, "ask": self.ask}
        return {
            "id": self.id,
            "title": self.title,
            **({"outcome": str(self.outcome)} if self.outcome else {}),
            "order": self.order,
            "stop": self.stop,
            "mode": self.mode.value,
            "again": self.again,
            "events": [str(kind) for kind in self.events],
            **({"when": [line.source for line in self.when]} if self.when else {}),
            "let": {name: value.source for name, value in self.let.items()},
            **{name: part.document() for name, part in parts.items() if part},
            **({"steps": [step.document() for step in self.steps]} if self.steps else {}),
            "report": self.report.document(),
        }

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hexadecimal) of the document in canonical JSON: tells versions of a mapping apart.

        The order of ``let`` and of a body's members does not count in it, that of ``when`` and ``steps`` does.
        """
        canonical = json.dumps(self.to_document(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
