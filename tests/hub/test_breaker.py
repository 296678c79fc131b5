"""The breaker: when it opens, for how long, and how it is closed again."""

import pytest

from tmf_adapter.hub.breaker import Breaker, Pauses, State

PAUSES = Pauses(5.0, 300.0)
NOW = 10_000.0


def after(results: str, breaker: Breaker = Breaker(), step: float = 0.1, now: float = NOW) -> Breaker:  # noqa: B008
    """``+`` an answer, ``-`` none, one every ``step`` seconds."""
    for number, result in enumerate(results):
        at = now + number * step
        breaker = breaker.succeeded(at) if result == "+" else breaker.failed_at(at, PAUSES, 0.0)
    return breaker


@pytest.mark.parametrize(
    ("results", "step", "state"),
    [
        ("", 0.1, State.CLOSED),
        ("----", 0.1, State.CLOSED),
        ("-----", 0.1, State.OPEN),  # five in a row
        ("----+----", 0.1, State.CLOSED),
        ("--+" * 6 + "-", 0.1, State.CLOSED),  # 19 attempts say nothing yet
        ("--+" * 6 + "--", 0.1, State.OPEN),  # 14 of 20
        ("-+" * 9 + "-+", 0.1, State.CLOSED),  # it opens with a failure, not with an answer
        ("-+" * 10 + "-", 0.1, State.OPEN),  # 11 of 21
        ("+-++" * 20, 0.1, State.CLOSED),  # a quarter
        ("--+" * 20, 3.5, State.CLOSED),  # the same share as above, but never 20 within a minute
    ],
)
def test_when_it_opens(results: str, step: float, state: State) -> None:
    assert after(results, step=step).state is state


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_the_longest() -> None:
    breaker, now, pauses = after("-----", step=0.0), NOW, []
    for _ in range(9):
        pauses.append(breaker.until - now)
        now = breaker.until
        breaker = breaker.failed_at(now, PAUSES, 0.0)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_pause_is_spread_by_up_to_a_fifth() -> None:
    assert PAUSES.after(1, 1.0) == 6.0
    assert PAUSES.after(1_000_000, 1.0) == 360.0


def test_what_was_under_way_when_it_opened_changes_nothing() -> None:
    opened = after("-----", step=0.0)
    assert after("---", opened, step=0.0) == opened
    assert after("+++", opened, step=0.0) == opened


def test_three_probes_that_arrive_close_it() -> None:
    opened = after("-----", step=0.0)
    half = opened.succeeded(opened.until)
    assert (half.state, half.is_probing) == (State.HALF_OPEN, True)
    assert after("++", half, now=opened.until) == Breaker()


def test_a_probe_that_fails_opens_it_for_longer() -> None:
    opened = after("-----", step=0.0)
    again = after("++-", opened, step=0.0, now=opened.until)
    assert (again.state, again.opened, again.until) == (State.OPEN, 2, opened.until + 10)


def test_a_fault_that_concerns_every_delivery_opens_it_at_once() -> None:
    assert Breaker().failed_at(NOW, PAUSES, 0.0, at_once=True).state is State.OPEN
