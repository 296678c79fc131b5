"""The states of a delivery and its schedule: tables."""

import pytest

from tmf_adapter.hub.delivery import (
    BACKOFF,
    BUDGET,
    FOREVER,
    Attempt,
    Due,
    Policy,
    Reason,
    State,
    hold,
    judge,
    next_attempt,
)

POLICY = Policy((5.0, 30.0, 120.0), budget=1000.0)
OWED = 10_000.0


def due(attempts: int = 0) -> Due:
    return Due(7, "e7", "t1", attempts, OWED, "{}")


@pytest.mark.parametrize(
    ("attempts", "now", "spread", "when"),
    [
        (1, OWED, 0.0, OWED + 5),  # the first pause
        (2, OWED + 10, 0.0, OWED + 40),
        (3, OWED + 50, 0.0, OWED + 170),
        (9, OWED + 500, 0.0, OWED + 620),  # the last pause repeats
        (1, OWED, 1.0, OWED + 6),  # a fifth more, never less
        (1, OWED, 0.5, OWED + 5.5),
        (3, OWED + 950, 0.0, OWED + 1000),  # the last try is at the end of the budget
        (4, OWED + 1000, 0.0, None),  # and after it there is none
        (1, OWED + 5000, 0.0, None),  # owed while we were away for longer than that
    ],
)
def test_the_next_attempt(attempts: int, now: float, spread: float, when: float | None) -> None:
    assert next_attempt(attempts, now, OWED, POLICY, spread) == when


def test_the_schedule_is_followed_for_72_hours() -> None:
    now, attempts = OWED, 0
    while (when := next_attempt(attempts + 1, now, OWED, Policy(), 0.0)) is not None:
        assert when > now
        now, attempts = when, attempts + 1
    assert now == OWED + BUDGET == OWED + 259_200
    assert attempts == len(BACKOFF) + 1


@pytest.mark.parametrize(
    ("attempt", "state", "reason"),
    [
        (Attempt(200), State.DELIVERED, None),
        (Attempt(201), State.DELIVERED, None),  # listeners of v4
        (Attempt(204), State.DELIVERED, None),  # listeners of v5
        (Attempt(299), State.DELIVERED, None),
        (Attempt(302), State.PENDING, None),  # never followed
        (Attempt(400), State.PENDING, None),
        (Attempt(404), State.PENDING, None),
        (Attempt(410), State.PENDING, None),
        (Attempt(429), State.PENDING, None),
        (Attempt(503), State.PENDING, None),
        (Attempt(error="no answer within 15 s"), State.PENDING, None),
        (Attempt(error="10.0.0.1 is not a public address", blocked=True), State.PARKED, Reason.BLOCKED),
    ],
)
def test_what_becomes_of_a_delivery(attempt: Attempt, state: State, reason: Reason | None) -> None:
    entry = judge(due(), attempt, OWED, POLICY, 0.0)
    assert (entry.id, entry.state, entry.reason, entry.attempts) == (7, state, reason, 1)
    assert entry.holds_the_rest is (state in (State.PENDING, State.PARKED))


def test_when_the_budget_is_over_it_is_dead_with_its_reason_and_holds_nobody() -> None:
    entry = judge(due(attempts=12), Attempt(503, answer=b"later\0 "), OWED + 1000, POLICY, 0.0)
    assert (entry.state, entry.reason, entry.status) == (State.DEAD, Reason.EXPIRED, 503)
    assert entry.error == "answered 503: later"
    assert not entry.holds_the_rest


def test_what_is_held_burns_no_attempt() -> None:
    assert (hold(due(2), 99.0).state, hold(due(2), 99.0).attempts, hold(due(2), 99.0).next_at) == (State.PENDING, 2, 99)
    assert (hold(due(2), FOREVER).state, hold(due(2), FOREVER).reason) == (State.PARKED, Reason.BLOCKED)
