"""Why a delivery has not arrived: everything that keeps it from being tried now, the decisive one first. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from tmf_adapter.hub.breaker import State as BreakerState
from tmf_adapter.hub.delivery import State
from tmf_adapter.hub.health import Health, Standing


@dataclass(frozen=True, slots=True)
class Known:
    """What is in the rows. ``earlier``: the oldest delivery about the same resource that is still owed, if this one
    has to wait for it. ``owner``: the process that works the subscription off. ``expires_at``: when it is given up."""

    state: State
    reason: str | None
    attempts: int
    next_at: float
    ended_at: float | None
    last_error: str | None
    health: Health
    earlier: int | None = None
    owner: str | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """``cause`` in a word, ``detail`` for a person; ``until``: when it ends by itself; ``remedy``: what helps."""

    cause: str
    detail: str
    until: float | None = None
    remedy: str | None = None


_REMEDIES = {
    Standing.PAUSED: "Resume the subscription.",
    Standing.DISABLED: "Mend the subscriber, then enable the subscription; or probe it.",
    Standing.GONE: "Ask the subscriber why it answered 410, then enable the subscription.",
}
_BLOCKED = "Allow its network with TMF_ADAPTER_CALLBACK_ALLOW, or have its name resolve to public addresses."
_DEAD = "Mend what went wrong, then replay it."


def causes(known: Known, now: float) -> list[Cause]:
    """At least one."""
    if known.state is not State.PENDING:
        return [_ended(known)]
    return [*_of_the_subscription(known.health, now), *_of_the_delivery(known, now)] or [_under_way(known)]


def _ended(known: Known) -> Cause:
    if known.state is State.DELIVERED:
        return Cause("delivered", "The subscriber accepted it.", remedy="If it is not there, replay it.")
    why = f": {known.reason}" if known.reason else ""
    if known.state is State.CANCELLED:
        return Cause("cancelled", f"It is not owed any more{why}.")
    said = f"; the last attempt: {known.last_error}" if known.last_error else ""
    return Cause("dead", f"It was given up after {known.attempts} attempts{why}{said}.", remedy=_DEAD)


def _of_the_subscription(health: Health, now: float) -> Iterator[Cause]:
    if health.standing is not Standing.ENABLED:
        why = f": {health.reason}" if health.reason else ""
        detail = f"The subscription is {health.standing}{why}."
        yield Cause(health.standing.value, detail, health.probe_at, _REMEDIES[health.standing])
    if health.blocked:
        yield Cause("blocked", "The address of the callback may not be dialled.", health.breaker.until, _BLOCKED)
    elif health.breaker.state is BreakerState.OPEN:
        detail = f"The subscriber has not answered {health.failed} attempts; the oldest delivery is tried next."
        yield Cause("breaker", detail, health.breaker.until, "Mend the subscriber; or probe the subscription.")
    elif health.breaker.state is BreakerState.HALF_OPEN:
        yield Cause("breaker", "The subscriber is back; deliveries are tried one at a time, the oldest first.")
    if health.not_before > now:
        detail = "The subscriber asked for peace with Retry-After."
        yield Cause("notBefore", detail, health.not_before, "Probe the subscription.")
    if health.held_until > now:
        yield Cause("behind", "Everything waits for one that failed, to keep its order.", health.held_until)


def _of_the_delivery(known: Known, now: float) -> Iterator[Cause]:
    if known.earlier is not None:
        detail = f"Delivery {known.earlier} about the same resource must arrive first."
        yield Cause("behind", detail, known.next_at if known.next_at > now else None, f"Look at {known.earlier}.")
    elif known.next_at > now and known.attempts:
        yield Cause("backoff", _failed(known), known.next_at, "Probe the subscription.")
    elif known.next_at > now:
        yield Cause("scheduled", "It is sent again on purpose, some at a time.", known.next_at)
    if known.attempts and known.expires_at is not None:
        yield Cause("budget", "If it cannot be delivered, it is given up.", known.expires_at)


def _failed(known: Known) -> str:
    return f"{known.attempts} attempts failed; the last one: {known.last_error or 'unknown'}."


def _under_way(known: Known) -> Cause:
    so_far = f" {_failed(known)}" if known.attempts else ""
    if known.owner:
        return Cause("underWay", f"It is being tried, or next in line, at process {known.owner}.{so_far}")
    return Cause("due", f"It is due, and will be tried as soon as a process takes it up.{so_far}")


def summary(found: list[Cause]) -> str:
    """The answer in one sentence."""
    return found[0].detail
