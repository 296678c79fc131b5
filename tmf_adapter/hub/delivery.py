"""The duty to bring one event to one listener: its states, when it is tried again, what an attempt makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

NEW, SOON, FOREVER = 0.0, 1.0, 1e18
"""Moments in Unix seconds: of a delivery that nobody has looked at yet; before every other that waits; and never.

Along the deliveries about one resource, in the order they were owed, the moments of those that wait never fall, and
what is new comes last. So whoever takes what is due by moment and then by age keeps the order, however little he takes.
"""

_MINUTE, _HOUR = 60.0, 3_600.0
BACKOFF = (
    *(5.0, 30.0, 2 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 12 * _HOUR, 12 * _HOUR, 24 * _HOUR),
)
"""Seconds from an attempt to the next; the last one repeats."""

BUDGET = 72 * _HOUR
"""How long a delivery is tried, in seconds since it was owed. Time is budgeted, not attempts."""

JITTER = 0.2
"""The largest part of a pause that is added to it, so that listeners that fell together are not tried together."""


class State(StrEnum):
    """Where a delivery stands. That it is under way is a matter of the lease, not of its row."""

    PENDING = "pending"  # owed; tried when it is due
    PARKED = "parked"  # owed, but not tried until an operator has seen to its reason
    DELIVERED = "delivered"  # the listener answered 2xx
    DEAD = "dead"  # given up, for its reason
    CANCELLED = "cancelled"  # the listener unsubscribed


class Reason(StrEnum):
    """Why a delivery is parked or dead."""

    BLOCKED = "blocked"  # the address guard refused the callback
    EXPIRED = "expired"  # the budget is over


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one POST came to. ``status`` is None when no answer came, and then ``error`` says why.

    ``blocked``: the address guard refused to dial. ``answer`` is the start of the answer's body.
    """

    status: int | None = None
    error: str | None = None
    blocked: bool = False
    answer: bytes = b""

    @property
    def accepted(self) -> bool:
        """Any 2xx: listeners of v4 answer 201, of v5 204."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def failure(self) -> str | None:
        """What went wrong, for a person; None when nothing did."""
        if self.status is None or self.accepted:
            return self.error
        said = self.answer[:200].decode(errors="replace").replace("\0", "").strip()
        return f"answered {self.status}" + (f": {said}" if said else "")


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient we are: the pauses between attempts and the time for all of them, in seconds."""

    backoff: Sequence[float] = BACKOFF
    budget: float = BUDGET


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to be tried. ``attempts`` are those made before; instants are Unix seconds.

    ``held_until``: an earlier delivery about the same resource waits until then, and this one behind it.
    """

    id: int
    event_id: str
    resource_id: str
    attempts: int
    created_at: float
    body: str
    held_until: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is written to a delivery's row once it is known."""

    id: int
    state: State
    attempts: int
    next_at: float = NEW
    reason: Reason | None = None
    status: int | None = None
    error: str | None = None

    @property
    def holds_the_rest(self) -> bool:
        """Whether what follows about the same resource has to wait."""
        return self.state in (State.PENDING, State.PARKED)


def judge(due: Due, attempt: Attempt, now: float, policy: Policy, spread: float) -> Entry:
    """What becomes of a delivery after ``attempt``. ``spread`` in 0..1 is the share of the jitter to take."""
    attempts = due.attempts + 1
    if attempt.accepted:
        return Entry(due.id, State.DELIVERED, attempts, status=attempt.status)
    if attempt.blocked:
        return Entry(due.id, State.PARKED, attempts, FOREVER, Reason.BLOCKED, error=attempt.failure)
    when = next_attempt(attempts, now, due.created_at, policy, spread)
    if when is None:
        return Entry(due.id, State.DEAD, attempts, NEW, Reason.EXPIRED, attempt.status, attempt.failure)
    return Entry(due.id, State.PENDING, attempts, when, None, attempt.status, attempt.failure)


def next_attempt(attempts: int, now: float, created_at: float, policy: Policy, spread: float) -> float | None:
    """When to try again after ``attempts`` failures; None when the budget is over. The last try is at its very end."""
    end = created_at + policy.budget
    if now >= end:
        return None
    pause = policy.backoff[min(attempts, len(policy.backoff)) - 1]
    return min(now + pause * (1 + JITTER * spread), end)


def hold(due: Due, until: float) -> Entry:
    """Wait behind an earlier delivery about the same resource: as long as it waits, or parked as it is."""
    if until >= FOREVER:
        error = "waits behind a parked delivery about the same resource"
        return Entry(due.id, State.PARKED, due.attempts, FOREVER, Reason.BLOCKED, error=error)
    return Entry(due.id, State.PENDING, due.attempts, until)
