"""How a subscriber is: whether it is attended to, since when it has not answered, and when it is tried next. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import orjson

from tmf_adapter.hub.breaker import Breaker, Pauses
from tmf_adapter.hub.breaker import State as BreakerState
from tmf_adapter.hub.delivery import FOREVER, Answer, Attempt, Due

DAY = 86_400.0
REJECTED = 10
"""So many different events refused in a row are the listener's fault, not the events'."""
SILENT, LEAST, SPAN = 5 * DAY, 20, DAY
"""A subscriber is disabled when for so long nothing arrived, after so many attempts over at least this span."""
NOTED = 5.0
"""Seconds after which a further success is worth writing down."""


class Standing(StrEnum):
    """Of a subscription. Unless it is enabled, what it is owed is parked: kept, and not tried."""

    ENABLED = "enabled"
    PAUSED = "paused"  # by an operator
    DISABLED = "disabled"  # nothing arrived for days; tried once a day
    GONE = "gone"  # the listener answered 410


@dataclass(frozen=True, slots=True)
class Health:
    """In the subscription's row: ``standing`` as its state, the rest as JSON. Instants are Unix seconds.

    ``not_before``: the listener asked for peace until then. ``held_until``: what must come first waits until then,
    where everything keeps its order. ``failing_since`` and ``failed``: attempts since one was last accepted, when the
    first of them was and how many they are; ``rejected``: events refused in a row. ``reason`` and ``since`` are of the
    standing. ``probe_at``: when one delivery is tried although it is not enabled.
    """

    standing: Standing = Standing.ENABLED
    breaker: Breaker = Breaker()  # noqa: RUF009 - it is frozen
    not_before: float = 0.0
    held_until: float = 0.0
    last_success: float | None = None
    last_failure: float | None = None
    failing_since: float | None = None
    failed: int = 0
    rejected: int = 0
    blocked: bool = False
    reason: str | None = None
    since: float | None = None
    probe_at: float | None = None

    @property
    def attend_at(self) -> float:
        """Nothing is posted before this moment."""
        if self.standing is not Standing.ENABLED:
            return FOREVER if self.probe_at is None else self.probe_at
        pause = self.breaker.until if self.breaker.state is BreakerState.OPEN else 0.0
        return max(pause, self.not_before, self.held_until)

    @property
    def is_probing(self) -> bool:
        """Whether the oldest delivery is to be tried, alone."""
        return self.standing is not Standing.ENABLED or self.breaker.is_probing

    def seen(self, attempt: Attempt, due: Due, now: float, pauses: Pauses, spread: float) -> "Health":
        """After an attempt to bring ``due``."""
        if attempt.kind is not Answer.PEACE:
            return self.after(attempt.kind, now, pauses, spread, anew=not due.rejections)
        until = attempt.peace_until(now)
        return self.after(Answer.TRANSIENT, now, pauses, spread) if until is None else self.asked_for_peace(until)

    def held(self, until: float) -> "Health":
        """What must come first failed, and everything waits for it."""
        return replace(self, held_until=until)

    def rested(self, now: float) -> "Health":
        """Without moments that are over."""
        peace, held = (moment if moment > now else 0.0 for moment in (self.not_before, self.held_until))
        return replace(self, not_before=peace, held_until=held)

    def after(self, answer: Answer, now: float, pauses: Pauses, spread: float, *, anew: bool = True) -> "Health":
        """``anew``: this event was not refused before."""
        match answer:
            case Answer.ACCEPTED:
                return self._accepted(now)
            case Answer.GONE:
                return self._stands(Standing.GONE, now, "the listener answered 410")
            case Answer.REJECTED:
                return self._rejected(now, pauses, spread, anew=anew)
        blocked = answer is Answer.BLOCKED
        breaker = self.breaker.failed_at(now, pauses, spread, at_once=blocked)
        return replace(self._failed(now), breaker=breaker, blocked=blocked)

    def asked_for_peace(self, until: float) -> "Health":
        """The answer had a Retry-After: it holds for everything, and is nobody's failure."""
        return replace(self, not_before=max(self.not_before, until), probe_at=self._next_probe(until))

    def _accepted(self, now: float) -> "Health":
        breaker = self.breaker.succeeded(now)
        noted = self.last_success if self._is_well and now - (self.last_success or 0) < NOTED else now
        if breaker is self.breaker and noted == self.last_success and self.probe_at is None and not self.rejected:
            return self  # nearly always
        well = replace(self, breaker=breaker, last_success=noted, blocked=False)
        well = replace(well, failing_since=None, failed=0, rejected=0, held_until=0.0)
        if self.standing is Standing.DISABLED:
            return well._stands(Standing.ENABLED, now, "a probe arrived")
        return replace(well, probe_at=None)

    @property
    def _is_well(self) -> bool:
        return not (self.failed or self.blocked or self.held_until or self.breaker.is_probing)

    def _rejected(self, now: float, pauses: Pauses, spread: float, *, anew: bool) -> "Health":
        seen = replace(self._failed(now), rejected=self.rejected + anew, blocked=False)
        if seen.rejected >= REJECTED:
            return replace(seen, breaker=self.breaker.failed_at(now, pauses, spread))
        return replace(seen, breaker=self.breaker.succeeded(now))

    def _failed(self, now: float) -> "Health":
        since = now if self.failing_since is None else self.failing_since
        seen = replace(self, failing_since=since, failed=self.failed + 1, last_failure=now)
        if seen._is_silent(now) and self.standing is Standing.ENABLED:
            seen = seen._stands(Standing.DISABLED, now, f"nothing arrived, {seen.failed} attempts failed")
        return replace(seen, probe_at=seen._next_probe(now + DAY))

    def _is_silent(self, now: float) -> bool:
        since = self.failing_since if self.failing_since is not None else now
        last = self.last_success if self.last_success is not None else since
        return now - last >= SILENT and self.failed >= LEAST and now - since >= SPAN

    def _next_probe(self, at: float) -> float | None:
        return at if self.standing is Standing.DISABLED else None

    def _stands(self, standing: Standing, now: float, reason: str | None) -> "Health":
        return replace(self, standing=standing, since=now, reason=reason, probe_at=None)

    def paused(self, now: float, reason: str | None = None) -> "Health":
        """An operator wants nothing to be posted."""
        return self._stands(Standing.PAUSED, now, reason)

    def disabled(self, now: float, reason: str | None = None) -> "Health":
        """An operator does not want it to be posted to, not even once a day, before it is enabled."""
        return self._stands(Standing.DISABLED, now, reason)

    def resumed(self, now: float, reason: str | None = None) -> "Health":
        """An operator wants all to be posted as if nothing had been wrong; what the listener asked for holds."""
        fresh = Health(last_success=self.last_success, last_failure=self.last_failure, not_before=self.not_before)
        return fresh._stands(Standing.ENABLED, now, reason)

    def probed(self, now: float) -> "Health":
        """An operator wants to see what becomes of the oldest delivery, now; nothing else changes."""
        if self.standing is not Standing.ENABLED:
            return replace(self, probe_at=now)
        until = min(self.breaker.until, now)
        return replace(self, breaker=replace(self.breaker, until=until), not_before=0.0, held_until=0.0)

    def written(self) -> str:
        """For a row, all but the standing: an object of what is not as at the beginning."""
        usual, mine = asdict(Health()), asdict(self)
        del mine["standing"]
        return orjson.dumps({name: value for name, value in mine.items() if value != usual[name]}).decode()

    @classmethod
    def read(cls, standing: str, text: str) -> "Health":
        """From a row. A member that a newer version of the adapter wrote there is left out."""
        values: Mapping[str, Any] = orjson.loads(text)
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        if "breaker" in known:
            breaker = {name: value for name, value in known["breaker"].items() if name in Breaker.__dataclass_fields__}
            known["breaker"] = Breaker(**{**breaker, "state": BreakerState(breaker.get("state", BreakerState.CLOSED))})
        return cls(Standing(standing), **known)
