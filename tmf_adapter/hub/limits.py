"""How many subscriptions a tenant may have, and how fast they may be registered."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from tmf_adapter.tmf.errors import Conflict, TooManyRequests

SUBSCRIPTIONS = 1_000
PER_MINUTE = 600


@dataclass(frozen=True, slots=True)
class Limits:
    """``per_minute``: registrations at one process; so many may come at once after a quiet minute."""

    subscriptions: int = SUBSCRIPTIONS
    per_minute: int = PER_MINUTE


class Registrations:
    """A bucket that fills evenly: each registration takes one out of it."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._left = float(limits.per_minute)
        self._at = clock()

    def take(self) -> None:
        """Raises ``TooManyRequests`` when there were too many of late."""
        now, most = self._clock(), self._limits.per_minute
        self._left = min(most, self._left + (now - self._at) * most / 60.0)
        self._at = now
        if self._left < 1.0:
            seconds = (1.0 - self._left) * 60.0 / most
            raise TooManyRequests(
                "Too many subscriptions are being registered.", f"At most {most} a minute; come back later.", seconds
            )
        self._left -= 1.0

    def check(self, registered: int) -> None:
        """Raises ``Conflict`` when there are as many as there may be."""
        if registered >= self._limits.subscriptions:
            remedy = "Delete those that are not needed, or raise TMF_ADAPTER_SUBSCRIPTIONS."
            raise Conflict(f"There are {registered} subscriptions already, as many as are allowed.", remedy)
