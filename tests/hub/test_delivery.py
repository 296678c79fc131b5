"""The states of a delivery and its schedule: tables."""

from dataclasses import replace

import pytest

from tmf_adapter.hub.delivery import (
    BACKOFF,
    BUDGET,
    Answer,
    Attempt,
    Due,
    Policy,
    Reason,
    State,
    hold,
    is_late,
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
    ("attempt", "kind", "state", "reason"),
    [
        (Attempt(200), Answer.ACCEPTED, State.DELIVERED, None),
        (Attempt(201), Answer.ACCEPTED, State.DELIVERED, None),  # listeners of v4
        (Attempt(204), Answer.ACCEPTED, State.DELIVERED, None),  # listeners of v5
        (Attempt(299), Answer.ACCEPTED, State.DELIVERED, None),
        (Attempt(301), Answer.REJECTED, State.PENDING, None),  # never followed
        (Attempt(308), Answer.REJECTED, State.PENDING, None),
        *((Attempt(status), Answer.REJECTED, State.PENDING, None) for status in (400, 404, 405, 406, 413, 415, 422)),
        (Attempt(401), Answer.TRANSIENT, State.PENDING, None),  # a token may be renewed, a right be given
        (Attempt(403), Answer.TRANSIENT, State.PENDING, None),
        (Attempt(408), Answer.TRANSIENT, State.PENDING, None),
        (Attempt(409), Answer.TRANSIENT, State.PENDING, None),  # what is not known to be permanent is not
        (Attempt(425), Answer.TRANSIENT, State.PENDING, None),
        (Attempt(410), Answer.GONE, State.PENDING, Reason.GONE),
        (Attempt(429), Answer.TRANSIENT, State.PENDING, None),
        (Attempt(429, retry_after="3"), Answer.PEACE, State.PENDING, None),
        (Attempt(503), Answer.TRANSIENT, State.PENDING, None),
        (Attempt(503, retry_after="3"), Answer.PEACE, State.PENDING, None),
        (Attempt(500, retry_after="3"), Answer.TRANSIENT, State.PENDING, None),
        (Attempt(error="no answer within 15 s"), Answer.TRANSIENT, State.PENDING, None),
        (Attempt(error="10.0.0.1 is not public", blocked=True), Answer.BLOCKED, State.PENDING, Reason.BLOCKED),
    ],
)
def test_what_becomes_of_a_delivery(attempt: Attempt, kind: Answer, state: State, reason: Reason | None) -> None:
    assert attempt.kind is kind
    entry = judge(due(), attempt, OWED, POLICY, 0.0)
    assert (entry.id, entry.state, entry.reason, entry.attempts) == (7, state, reason, 1)
    assert entry.holds_the_rest is (state is State.PENDING)
    assert entry.first_at == OWED


@pytest.mark.parametrize(
    ("retry_after", "until"),
    [
        ("0", OWED),
        ("120", OWED + 120),
        (" 7 ", OWED + 7),
        ("86400", OWED + 86_400),
        ("999999999999", OWED + 86_400),  # a day at once is the most
        ("Thu, 01 Jan 1970 03:00:00 GMT", OWED + 800),  # RFC 9110, 5.6.7
        ("Thu, 01 Jan 1970 00:00:10 GMT", OWED),  # over already
        ("Fri, 01 Jan 2100 00:00:00 GMT", OWED + 86_400),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u0663", None),  # a digit, but none of RFC 9110
    ],
)
def test_for_how_long_a_listener_asks_for_peace(retry_after: str, until: float | None) -> None:
    assert Attempt(429, retry_after=retry_after).peace_until(OWED) == until


def test_a_refusal_is_insisted_on_three_times_and_then_the_delivery_is_dead() -> None:
    refused, waits, entry = due(), [], None
    for _ in range(4):
        entry = judge(refused, Attempt(404), OWED, Policy(), 0.0)
        waits.append(entry.next_at - OWED)
        refused = replace(refused, attempts=entry.attempts, rejections=entry.rejections)
    assert entry
    assert waits[:3] == [5.0, 300.0, 3_600.0]
    assert (entry.state, entry.reason, entry.attempts, entry.rejections) == (State.DEAD, Reason.REJECTED, 4, 4)


def test_refusals_are_counted_apart_from_other_failures() -> None:
    entry = judge(replace(due(attempts=9), rejections=1), Attempt(404), OWED, Policy(), 0.0)
    assert (entry.state, entry.next_at, entry.rejections) == (State.PENDING, OWED + 300, 2)


def test_when_the_budget_is_over_it_is_dead_with_its_reason_and_holds_nobody() -> None:
    tried = replace(due(attempts=12), first_at=OWED)
    entry = judge(tried, Attempt(503, answer=b"later\0 "), OWED + 1000, POLICY, 0.0)
    assert (entry.state, entry.reason, entry.status) == (State.DEAD, Reason.EXPIRED, 503)
    assert entry.error == "answered 503: later"
    assert not entry.holds_the_rest
    blocked = judge(tried, Attempt(error="not public", blocked=True), OWED + 1000, POLICY, 0.0)
    assert (blocked.state, blocked.reason) == (State.DEAD, Reason.BLOCKED)


def test_the_budget_runs_from_the_first_attempt_however_long_it_was_parked_before() -> None:
    entry = judge(due(), Attempt(503), OWED + 100_000, POLICY, 0.0)
    assert (entry.state, entry.first_at) == (State.PENDING, OWED + 100_000)


def test_a_redirection_is_on_record_with_its_target() -> None:
    assert Attempt(302, location="https://elsewhere.test/").failure == (
        "answered 302 to https://elsewhere.test/, which is not followed"
    )


def test_what_is_held_burns_no_attempt() -> None:
    held = hold(due(2), 99.0)
    assert (held.state, held.attempts, held.next_at, held.attempt) == (State.PENDING, 2, 99.0, None)


def test_a_delivery_holds_what_follows_for_a_limited_time_and_is_late_afterwards() -> None:
    entry = judge(due(), Attempt(503), OWED, Policy(backoff=(3600.0,)), 0.0)
    assert entry.holds_until(900.0) == OWED + 900
    assert entry.holds_until(7200.0) == entry.next_at == OWED + 3600
    tried = replace(due(1), first_at=OWED)
    assert not is_late(tried, OWED + 900, 900.0)
    assert is_late(tried, OWED + 901, 900.0)
    assert not is_late(due(), OWED + 9999, 900.0), "it was never tried, so nothing was held for it"
