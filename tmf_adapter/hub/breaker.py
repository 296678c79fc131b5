"""When to leave a listener alone that does not answer, and when to look whether it is back. Pure: instants come in.

While the breaker is open, what is owed is parked: it stays owed, and nothing is tried. When the pause is over, the
oldest delivery is brought alone; after a few that arrived, all is as before.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

SUCCESSES = 3
"""Deliveries that must arrive, one after the other, before an open breaker is closed."""
IN_A_ROW = 5
"""Failures, one after the other, that open it."""
WINDOW, LEAST, SHARE = 60.0, 20, 0.5
"""It opens, too, when of at least so many attempts within so many seconds, from a failure on, this share failed."""
JITTER = 0.2
"""The largest part of a pause that is added to it."""


class State(StrEnum):
    """Of a breaker."""

    CLOSED = "closed"
    OPEN = "open"  # nothing is tried before ``until``
    HALF_OPEN = "half-open"  # one delivery at a time is


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds of the first pause; each further one in a row is twice as long, up to ``longest``."""

    first: float = 5.0
    longest: float = 300.0

    def after(self, opened: int, spread: float) -> float:
        """The pause when it opens for the ``opened``-th time in a row; ``spread`` in 0..1 is the share of jitter."""
        return float(min(self.first * 2.0 ** min(opened - 1, 30), self.longest)) * (1 + JITTER * spread)


@dataclass(frozen=True, slots=True)
class Breaker:
    """``opened``: how often in a row it opened; ``failures`` and ``successes`` are those in a row."""

    state: State = State.CLOSED
    until: float = 0.0
    opened: int = 0
    failures: int = 0
    successes: int = 0
    since: float = field(default=0.0, compare=False)  # of the window, and what was counted in it
    total: int = field(default=0, compare=False)
    failed: int = field(default=0, compare=False)

    @property
    def is_probing(self) -> bool:
        """Whether what is tried now is tried alone."""
        return self.state is not State.CLOSED

    def succeeded(self, now: float) -> "Breaker":
        """A listener answered."""
        if self.state is State.CLOSED:
            return self if not self.failed and not self.failures else self._counted(now, failed=0, failures=0)
        if now < self.until:  # one of those that were under way when it opened
            return self
        if self.successes + 1 >= SUCCESSES:
            return Breaker()
        return replace(self, state=State.HALF_OPEN, successes=self.successes + 1, failures=0)

    def failed_at(self, now: float, pauses: Pauses, spread: float, *, at_once: bool = False) -> "Breaker":
        """It did not answer, or that it cannot. ``at_once``: it will not be otherwise for the next one."""
        if self.state is State.OPEN and now < self.until:
            return self
        if self.state is not State.CLOSED:
            return self._open(now, pauses, spread)
        seen = self._counted(now, failed=1, failures=self.failures + 1)
        often = seen.total >= LEAST and seen.failed >= SHARE * seen.total
        return seen._open(now, pauses, spread) if at_once or often or seen.failures >= IN_A_ROW else seen

    def _open(self, now: float, pauses: Pauses, spread: float) -> "Breaker":
        until = now + pauses.after(self.opened + 1, spread)
        return Breaker(State.OPEN, until, self.opened + 1, self.failures)

    def _counted(self, now: float, failed: int, failures: int) -> "Breaker":
        if now - self.since > WINDOW:
            return replace(self, since=now, total=1, failed=failed, failures=failures)
        return replace(self, total=self.total + 1, failed=self.failed + failed, failures=failures)
