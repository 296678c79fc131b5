"""The service-level clock of a ticket, worked out from its status history: nothing has to be counted while it runs.

It runs in ``acknowledged``, ``inProgress`` and ``held``, and stops in ``pending``, while the customer is asked: what he
takes to answer is not ours. Which statuses stop it is the agreement's to say. In every other status it is over, until a
reopening lets it go on.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tmf_adapter.tmf.events import Doc

OPEN = frozenset({"acknowledged", "inProgress", "held", "pending"})
"""Statuses in which somebody waits for a restoration."""

STOPPED_IN = frozenset({"pending"})


class Jeopardy(StrEnum):
    """How much of the agreed time is used up: from 70 % on, from 90 % on, all of it."""

    NONE = "none"
    AT_RISK = "atRisk"
    CRITICAL = "critical"
    BREACHED = "breached"


_FROM = ((1.0, Jeopardy.BREACHED), (0.9, Jeopardy.CRITICAL), (0.7, Jeopardy.AT_RISK))


@dataclass(frozen=True, slots=True)
class Clock:
    """``elapsed`` is the time for which it ran, ``paused`` that for which it stood still in an open ticket.

    ``repairs`` has for each resolution the time from ``inProgress`` to ``resolved`` without what was paused; their mean
    over many tickets is the MTTR. ``due`` is ``requestedResolutionDate`` moved on by ``paused``; ``used`` is the part
    of the agreed time that has passed, 1.0 being all of it. Both are None where nothing was agreed.
    """

    running: bool
    elapsed: timedelta
    paused: timedelta
    repairs: tuple[timedelta, ...]
    due: datetime | None
    used: float | None

    @property
    def jeopardy(self) -> Jeopardy:
        """How near the agreed time is."""
        used = self.used or 0.0
        return next((jeopardy for least, jeopardy in _FROM if used >= least), Jeopardy.NONE)

    def document(self) -> Doc:
        """As JSON: durations in seconds, instants in RFC 3339."""
        agreed = (
            {"due": self.due.isoformat(), "used": round(self.used, 4)} if self.due and self.used is not None else {}
        )
        return {
            "running": self.running,
            "elapsedSeconds": round(self.elapsed.total_seconds(), 3),
            "pausedSeconds": round(self.paused.total_seconds(), 3),
            "repairSeconds": [round(repair.total_seconds(), 3) for repair in self.repairs],
            "jeopardy": self.jeopardy.value,
            **agreed,
        }


def clock_of(ticket: Doc, now: datetime, stopped_in: Collection[str] = STOPPED_IN) -> Clock:
    """The clock of a v5 ``ticket`` at ``now``. Never raises for what a ticket contains."""
    elapsed = paused = timedelta()
    repairs, repair, status = list[timedelta](), None, ""
    for status, began, ended in _spans(ticket, now):
        runs = status in OPEN and status not in stopped_in
        elapsed += ended - began if runs else timedelta()
        paused += ended - began if status in OPEN and not runs else timedelta()
        if status == "inProgress" and repair is None:
            repair = timedelta()
        if repair is not None and runs:
            repair += ended - began
        if status == "resolved" and repair is not None:
            repairs.append(repair)
        repair = repair if status in OPEN else None
    running = status in OPEN and status not in stopped_in
    opened, agreed = _moment(ticket.get("creationDate")), _moment(ticket.get("requestedResolutionDate"))
    due = agreed + paused if agreed else None
    used = elapsed / (agreed - opened) if agreed and opened and agreed > opened else None
    return Clock(running, elapsed, paused, tuple(repairs), due, 1.0 if due and used is None else used)


def _spans(ticket: Doc, now: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """Each status with when it began and ended, in the order of time."""
    history = ticket.get("statusChangeHistory")
    entries = [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
    entries = entries or [{"status": ticket.get("status"), "statusChangeDate": ticket.get("creationDate")}]
    dated = [
        (moment, str(entry.get("status"))) for entry in entries if (moment := _moment(entry.get("statusChangeDate")))
    ]
    dated.sort(key=lambda one: one[0])
    ends = [*(moment for moment, _ in dated[1:]), now]
    return ((status, began, max(began, ended)) for (began, status), ended in zip(dated, ends, strict=False))


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
