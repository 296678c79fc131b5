"""A downstream that fails is spared."""

from tmf_adapter.recovery.breaker import ASKED_LIMIT, LONGEST, Breaker


def test_failures_in_a_row_open_it_and_a_success_in_between_does_not_count_them() -> None:
    breaker = Breaker(3, 5.0)
    for _ in range(2):
        breaker.failed(100.0)
    breaker.succeeded()
    for _ in range(2):
        breaker.failed(100.0)
    assert breaker.open_until(100.0) is None
    breaker.failed(100.0)
    assert breaker.open_until(100.0) == 105.0
    assert breaker.open_until(104.9) == 105.0
    assert breaker.open_until(105.0) is None


def test_each_failure_after_that_doubles_the_pause_up_to_a_limit() -> None:
    breaker = Breaker(1, 5.0)
    pauses = []
    for _ in range(12):
        breaker.failed(0.0)
        pauses.append(breaker.open_until(0.0))
    assert pauses[:4] == [5.0, 10.0, 20.0, 40.0]
    assert pauses[-1] == LONGEST
    breaker.succeeded()
    breaker.failed(0.0)
    assert breaker.open_until(0.0) == 5.0


def test_what_it_asks_for_is_honoured_whatever_else_it_does() -> None:
    breaker = Breaker(5, 5.0)
    breaker.asked(100.0, 30.0)
    breaker.succeeded()
    assert breaker.open_until(100.0) == 130.0
    breaker.asked(100.0, 10.0)
    assert breaker.open_until(100.0) == 130.0
    breaker.asked(100.0, 1e9)
    assert breaker.open_until(100.0) == 100.0 + ASKED_LIMIT
