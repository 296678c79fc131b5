"""The duty to bring one event to one listener: its states, when it is tried again, what an attempt makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
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

INSISTENCE = (5.0, 5 * _MINUTE, _HOUR)
"""Seconds to wait after the first, second, ... answer that refuses the notification itself; then it is given up."""

BUDGET = 72 * _HOUR
"""How long a delivery is tried, in seconds since the first attempt. Time is budgeted, not attempts."""

JITTER = 0.2
"""The largest part of a pause that is added to it, so that listeners that fell together are not tried together."""

LONGEST_WAIT = 24 * _HOUR
"""A listener may ask for peace for so many seconds at once."""


class State(StrEnum):
    """Where a delivery stands. That it is under way is a matter of the lease, and that it is parked one of its
    subscription's health: its row says neither."""

    PENDING = "pending"  # owed; tried when it is due
    DELIVERED = "delivered"  # the listener answered 2xx
    DEAD = "dead"  # given up, for its reason
    CANCELLED = "cancelled"  # the listener unsubscribed, or an operator did not want it brought any more


class Reason(StrEnum):
    """Why a delivery is dead or was cancelled, or why it is not brought."""

    BLOCKED = "blocked"  # the address guard refused the callback
    EXPIRED = "expired"  # the budget is over
    REJECTED = "rejected"  # the listener does not take this notification
    GONE = "gone"  # the listener said that it is gone, and did not come back
    OVERFLOW = "overflow"  # too much was owed to the subscription
    SUPERSEDED = "superseded"  # an operator wanted the newest for each resource only
    DISCARDED = "discarded"  # an operator wanted none of what was owed


class Answer(StrEnum):
    """What an attempt came to, as far as it matters for what is done next."""

    ACCEPTED = "accepted"  # any 2xx: listeners of v4 answer 201, of v5 204
    PEACE = "peace"  # come back later, and not before a certain moment
    TRANSIENT = "transient"
    REJECTED = "rejected"
    GONE = "gone"
    BLOCKED = "blocked"


_REFUSALS = frozenset((400, 404, 405, 406, 413, 415, 422))
"""Whoever answers so would do it again; whatever is not listed may be otherwise the next time. So is a redirection,
which is never followed."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one POST came to. ``status`` is None when no answer came, and then ``error`` says why.

    ``blocked``: the address guard refused to dial. ``answer`` is the start of the answer's body. ``at`` is when it
    began, in Unix seconds; ``latency_ms`` what it took. ``retry_after`` and ``location`` are headers of the answer.
    """

    status: int | None = None
    error: str | None = None
    blocked: bool = False
    answer: bytes = b""
    at: float = 0.0
    latency_ms: float = 0.0
    retry_after: str | None = None
    location: str | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def kind(self) -> Answer:
        if self.blocked:
            return Answer.BLOCKED
        status = self.status or 0
        if self.accepted:
            return Answer.ACCEPTED
        if status == 410:
            return Answer.GONE
        if status in _REFUSALS or 300 <= status < 400:
            return Answer.REJECTED
        return Answer.PEACE if status in (429, 503) and self.retry_after else Answer.TRANSIENT

    @property
    def pressed(self) -> bool:
        """Whether the listener seems to have too much to do."""
        return self.status is None or self.status == 429 or self.status >= 500

    @property
    def failure(self) -> str | None:
        """What went wrong, for a person; None when nothing did."""
        if self.status is None or self.accepted:
            return self.error
        to = f" to {self.location[:200]}, which is not followed" if self.location and 300 <= self.status < 400 else ""
        said = self.text[:200].strip()
        return f"answered {self.status}{to}" + (f": {said}" if said else "")

    @property
    def text(self) -> str:
        """The start of the answer, as a text that any database takes."""
        return self.answer.decode(errors="replace").replace("\0", "")

    def peace_until(self, now: float) -> float | None:
        """When its Retry-After ends (RFC 9110, 10.2.3: seconds or a date); None when it cannot be read."""
        asked = (self.retry_after or "").strip()
        if asked.isascii() and asked.isdigit():
            return now + min(float(asked), LONGEST_WAIT)
        try:
            return min(max(parsedate_to_datetime(asked).timestamp(), now), now + LONGEST_WAIT)
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient we are: the pauses between attempts and the time for all of them, in seconds."""

    backoff: Sequence[float] = BACKOFF
    budget: float = BUDGET
    insistence: Sequence[float] = INSISTENCE


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to be tried. ``attempts`` and ``rejections`` are those before; instants are Unix seconds.

    ``held_until``: an earlier delivery about the same resource waits until then, and this one behind it.
    ``first_at``: the first attempt, None when there was none.
    """

    id: int
    event_id: str
    resource_id: str
    attempts: int
    created_at: float
    body: str
    held_until: float | None = None
    first_at: float | None = None
    rejections: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """What is written to a delivery's row once it is known, and to its log: the ``attempt``, if there was one."""

    id: int
    state: State
    attempts: int
    next_at: float = NEW
    reason: Reason | None = None
    first_at: float | None = None
    rejections: int = 0
    attempt: Attempt | None = None

    @property
    def status(self) -> int | None:
        return self.attempt.status if self.attempt else None

    @property
    def error(self) -> str | None:
        return self.attempt.failure if self.attempt else None

    @property
    def holds_the_rest(self) -> bool:
        """Whether what follows about the same resource has to wait."""
        return self.state is State.PENDING

    def holds_until(self, hold: float) -> float:
        """How long what follows has to wait, if nothing is held for more than ``hold`` seconds."""
        return min(self.next_at, (self.first_at or 0.0) + hold)


def judge(due: Due, attempt: Attempt, now: float, policy: Policy, spread: float) -> Entry:
    """What becomes of a delivery after ``attempt``. ``spread`` in 0..1 is the share of the jitter to take."""
    attempts, first_at = due.attempts + 1, now if due.first_at is None else due.first_at
    rejections = due.rejections + (attempt.kind is Answer.REJECTED)

    def entry(state: State, next_at: float = NEW, reason: Reason | None = None) -> Entry:
        return Entry(due.id, state, attempts, next_at, reason, first_at, rejections, attempt)

    match attempt.kind:
        case Answer.ACCEPTED:
            return entry(State.DELIVERED)
        case Answer.GONE:
            return entry(State.PENDING, SOON, Reason.GONE)  # for whoever comes back
        case Answer.REJECTED:
            if rejections > len(policy.insistence):
                return entry(State.DEAD, NEW, Reason.REJECTED)
            return entry(State.PENDING, now + policy.insistence[rejections - 1] * (1 + JITTER * spread))
    blocked = Reason.BLOCKED if attempt.blocked else None
    when = next_attempt(attempts, now, first_at, policy, spread)
    if when is None:
        return entry(State.DEAD, NEW, blocked or Reason.EXPIRED)
    return entry(State.PENDING, when, blocked)


def next_attempt(attempts: int, now: float, first_at: float, policy: Policy, spread: float) -> float | None:
    """When to try again after ``attempts`` failures; None when the budget is over. The last try is at its very end."""
    end = first_at + policy.budget
    if now >= end:
        return None
    pause = policy.backoff[min(attempts, len(policy.backoff)) - 1]
    return min(now + pause * (1 + JITTER * spread), end)


def hold(due: Due, until: float) -> Entry:
    """Wait behind an earlier delivery about the same resource; no attempt is burned."""
    return Entry(due.id, State.PENDING, due.attempts, until, None, due.first_at, due.rejections)


def is_late(due: Due, now: float, hold: float) -> bool:
    """Whether what came after it may have arrived before it: it held the rest for as long as it may."""
    return due.first_at is not None and now > due.first_at + hold
