"""What is written on the ticket, and when a work-around ends: frozen, complete, every default filled in.

Each has a ``document()``, the JSON that ``document.parse`` turns back into it.
"""

from collections import abc
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tmf_adapter.mapping.duration import duration_text
from tmf_adapter.mapping.expression import Expression
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.words import Expired, Outcome, ReportMode


@dataclass(frozen=True)
class Expiry:
    """The end of a work-around, counted from the moment at which it was reported.

    The report sets the characteristic ``workaroundUntil`` (RFC 3339) to that moment plus ``after``, and the recovery
    goes on watching the operation that gave the verdict ``workaround``. Whatever of these comes first ends the watch:

    1. an event of that operation for which ``restored`` is true: the permanent restoration, reported like any other;
    2. somebody else moves the ticket to a status in which it needs no recovery, or deletes it: nothing is written;
    3. ``after`` is over: ``then`` says what is written.

    With ``undo``, the steps that were done are undone in reverse order in cases 1 and 3 (the backup line is taken
    down), before the report is written. A ticket that is ``closed`` is left alone.
    """

    after: timedelta
    then: Expired = Expired.REMIND
    restored: Expression | None = None
    """Reads ``ev`` like the conditions of ``await``."""
    undo: bool = False
    note: Template | None = None
    """For ``remind``; may read ``summary``."""

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        written: dict[str, Any] = {"after": duration_text(self.after), "then": self.then.value, "undo": self.undo}
        written |= {"restored": self.restored.source} if self.restored else {}
        return written | ({"note": self.note.source} if self.note else {})


@dataclass(frozen=True)
class ReportRule:
    """What an outcome writes on the ticket; None or nothing leaves that part of the ticket alone."""

    status: str | None = None
    reason: Template | None = None
    """A code of ``reasons.yaml``; it becomes the partner's wording when the report is written."""
    note: Template | None = None
    char: abc.Mapping[str, Template] = field(default_factory=dict)
    """Characteristics to set. These templates may read ``summary`` besides the names of the run."""
    expiry: Expiry | None = None
    """Of a work-around only; None: it has no end that the adapter watches."""

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping, with null for what is left alone."""
        reason, note = (text.source if text else None for text in (self.reason, self.note))
        chars = {name: value.source for name, value in self.char.items()}
        written = {"status": self.status, "reason": reason, "note": note, "char": chars}
        return {**written, "expiry": self.expiry.document()} if self.expiry else written


@dataclass(frozen=True)
class Report:
    """What each outcome writes on the ticket, which outcome a missed deadline is, and whether statuses are set.

    ``now`` is for a mapping without steps: it is written as soon as the recovery starts, which is then over, without
    an outcome ("not ours: rejected"); ``summary`` is the mapping's title.
    """

    restored: ReportRule
    workaround: ReportRule
    unsuccessful: ReportRule
    timeout: Outcome
    mode: ReportMode = ReportMode.SET
    now: ReportRule | None = None

    def __getitem__(self, outcome: str) -> ReportRule:
        """The rule for ``outcome``. Raises ``KeyError`` for what is none."""
        rules = {"restored": self.restored, "workaround": self.workaround, "unsuccessful": self.unsuccessful}
        return rules[outcome]

    def document(self) -> dict[str, Any]:
        """As it is written in a mapping."""
        written = {outcome.value: self[outcome].document() for outcome in Outcome}
        now = {"now": self.now.document()} if self.now else {}
        return {**written, "timeout": self.timeout.value, "mode": self.mode.value, **now}
