"""Why a delivery has not arrived: a table."""

import pytest

from tmf_adapter.hub.breaker import Breaker
from tmf_adapter.hub.breaker import State as BreakerState
from tmf_adapter.hub.delivery import State
from tmf_adapter.hub.explain import Known, causes
from tmf_adapter.hub.health import Health

NOW = 1_000.0
OPEN = Breaker(BreakerState.OPEN, NOW + 60, 1)


def known(state: State = State.PENDING, attempts: int = 0, next_at: float = 0.0, **more: object) -> Known:
    values = {"reason": None, "ended_at": None, "last_error": None, "health": Health(), **more}
    return Known(state=state, attempts=attempts, next_at=next_at, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (known(State.DELIVERED), [("delivered", None)]),
        (known(State.DEAD, 4, reason="rejected"), [("dead", None)]),
        (known(State.CANCELLED), [("cancelled", None)]),
        (known(), [("due", None)]),
        (known(owner="host:1"), [("underWay", None)]),
        (known(health=Health().paused(NOW)), [("paused", None)]),
        (known(health=Health().disabled(NOW)), [("disabled", None)]),
        (known(health=Health(breaker=OPEN, failed=5)), [("breaker", NOW + 60)]),
        (known(health=Health(breaker=Breaker(BreakerState.HALF_OPEN))), [("breaker", None)]),
        (known(health=Health(breaker=OPEN, blocked=True)), [("blocked", NOW + 60)]),
        (known(health=Health(not_before=NOW + 9)), [("notBefore", NOW + 9)]),
        (known(health=Health(not_before=NOW - 9)), [("due", None)]),
        (known(health=Health(held_until=NOW + 9)), [("behind", NOW + 9)]),
        (known(attempts=2, next_at=NOW + 5, expires_at=NOW + 99), [("backoff", NOW + 5), ("budget", NOW + 99)]),
        (known(next_at=NOW + 5, earlier=3), [("behind", NOW + 5)]),
        (known(next_at=NOW + 5), [("scheduled", NOW + 5)]),
        (
            known(next_at=NOW + 5, attempts=1, health=Health(breaker=OPEN)),
            [("breaker", NOW + 60), ("backoff", NOW + 5)],
        ),
    ],
)
def test_why_it_has_not_arrived(known: Known, expected: list[tuple[str, float | None]]) -> None:
    found = causes(known, NOW)
    assert [(cause.cause, cause.until) for cause in found] == expected
    assert all(cause.detail.endswith(".") for cause in found)


@pytest.mark.parametrize("owner", [None, "host:1"])
def test_while_it_is_tried_again_what_went_wrong_before_is_said(owner: str | None) -> None:
    again = known(attempts=2, last_error="no answer within 15 s", owner=owner)
    assert causes(again, NOW)[0].detail.endswith(" 2 attempts failed; the last one: no answer within 15 s.")
