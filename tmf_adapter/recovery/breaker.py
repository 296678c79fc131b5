"""When a downstream is spared: after failures in a row, and for as long as it asks; pure."""

from dataclasses import dataclass, field

LONGEST = 600.0
"""Seconds that a downstream is spared at the most because it fails; what it asks for itself may be longer."""
ASKED_LIMIT = 3_600.0
"""Seconds of a ``Retry-After`` that are honoured."""


@dataclass(slots=True)
class Breaker:
    """Opens after ``failures`` in a row for ``pause`` seconds, doubling with each failure that follows.

    Moments are seconds of one clock, whichever it is. While it is open nobody calls; when its time is over the next who
    comes tries, and his success closes it. In memory: after a restart every downstream is given a new chance.
    """

    failures: int
    pause: float
    _failed: int = 0
    _until: float = 0.0
    _asked: float = field(default=0.0)

    def open_until(self, now: float) -> float | None:
        """The end of the time in which nobody calls; None when it may be called."""
        until = max(self._until, self._asked)
        return until if until > now else None

    def succeeded(self) -> None:
        """It answered as it should."""
        self._failed, self._until = 0, 0.0

    def failed(self, now: float) -> None:
        """It could not be reached, or answered that it cannot serve."""
        self._failed += 1
        if self._failed >= self.failures:
            self._until = now + min(self.pause * 2 ** min(self._failed - self.failures, 16), LONGEST)

    def asked(self, now: float, seconds: float) -> None:
        """It asked to be left alone for so long (``Retry-After``)."""
        self._asked = max(self._asked, now + min(seconds, ASKED_LIMIT))
