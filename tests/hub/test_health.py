"""How a subscription's health goes on with each attempt."""

from dataclasses import replace

import pytest

from tmf_adapter.hub.breaker import Breaker, Pauses
from tmf_adapter.hub.breaker import State as BreakerState
from tmf_adapter.hub.delivery import FOREVER, Answer, Attempt, Due
from tmf_adapter.hub.health import DAY, Health, Standing

PAUSES = Pauses(5.0, 300.0)
NOW = 10_000_000.0
DUE = Due(7, "e7", "t1", 0, NOW, "{}")


def after(attempt: Attempt, health: Health = Health(), due: Due = DUE, now: float = NOW) -> Health:  # noqa: B008
    return health.seen(attempt, due, now, PAUSES, 0.0)


def test_one_that_is_well_is_attended_to_at_once() -> None:
    assert Health().attend_at == 0.0
    assert not Health().is_probing


def test_a_success_is_noted_every_few_seconds() -> None:
    first = after(Attempt(204))
    assert first.last_success == NOW
    assert after(Attempt(204), first, now=NOW + 1) == first, "so that it is not written again and again"
    assert after(Attempt(204), first, now=NOW + 6).last_success == NOW + 6


def test_retry_after_holds_for_the_whole_subscriber_and_is_nobodys_failure() -> None:
    asked = after(Attempt(429, retry_after="120"))
    assert asked.attend_at == NOW + 120
    assert (asked.failed, asked.breaker) == (0, Breaker())
    assert after(Attempt(503, retry_after="60"), asked).attend_at == NOW + 120, "never earlier than it asked for"
    assert after(Attempt(204), asked).attend_at == NOW + 120
    assert asked.rested(NOW + 60) == asked
    assert asked.rested(NOW + 121).attend_at == 0.0


def test_a_retry_after_that_cannot_be_read_is_a_failure() -> None:
    assert after(Attempt(429, retry_after="soon")).failed == 1


def test_the_breaker_is_fed_with_what_did_not_answer() -> None:
    health = Health()
    for _ in range(5):
        health = after(Attempt(error="no answer"), health)
    assert health.breaker.state is BreakerState.OPEN
    assert health.attend_at == NOW + 5
    assert health.is_probing


def test_a_refused_notification_feeds_the_breaker_only_after_ten_different_ones() -> None:
    health = Health()
    for number in range(9):
        health = after(Attempt(404), health, replace(DUE, id=number))
    for _ in range(20):
        health = after(Attempt(404), health, replace(DUE, rejections=1))
    assert (health.rejected, health.breaker.state) == (9, BreakerState.CLOSED)
    for number in range(5):
        health = after(Attempt(404), health, replace(DUE, id=20 + number))
    assert health.breaker.state is BreakerState.OPEN


def test_a_blocked_address_opens_the_breaker_at_once() -> None:
    health = after(Attempt(error="10.0.0.1 is not public", blocked=True))
    assert (health.blocked, health.breaker.state) == (True, BreakerState.OPEN)
    assert not after(Attempt(204), health, now=NOW + 5).blocked


def test_one_that_answers_410_is_gone() -> None:
    gone = after(Attempt(410))
    assert (gone.standing, gone.attend_at, gone.since) == (Standing.GONE, FOREVER, NOW)


def failing(days: float, attempts: int, last_success: float | None) -> Health:
    health = Health(last_success=last_success)
    for number in range(attempts):
        at = NOW + number * days * DAY / max(1, attempts - 1)
        health = replace(after(Attempt(500), health, now=at), breaker=Breaker())
    return health


@pytest.mark.parametrize(
    ("days", "attempts", "last_success", "standing"),
    [
        (5.0, 20, None, Standing.DISABLED),
        (5.0, 19, None, Standing.ENABLED),  # too few attempts to tell
        (4.9, 200, None, Standing.ENABLED),
        (4.9, 200, NOW - 1.0 * DAY, Standing.DISABLED),
        (0.9, 200, NOW - 9.0 * DAY, Standing.ENABLED),  # it had nothing to get for a week, and a bad day now
    ],
)
def test_when_a_subscriber_is_disabled(
    days: float, attempts: int, last_success: float | None, standing: Standing
) -> None:
    assert failing(days, attempts, last_success).standing is standing


def test_a_disabled_one_is_tried_once_a_day_and_is_back_with_the_first_that_arrives() -> None:
    disabled = failing(5.0, 20, None)
    at = NOW + 5 * DAY
    assert disabled.attend_at == at + DAY
    assert disabled.is_probing
    again = after(Attempt(500), disabled, now=at + DAY)
    assert again.attend_at == at + 2 * DAY
    back = after(Attempt(204), again, now=at + 2 * DAY)
    assert (back.standing, back.failed, back.attend_at) == (Standing.ENABLED, 0, 0.0)


def test_an_operator_pauses_probes_and_resumes() -> None:
    paused = after(Attempt(500)).paused(NOW, "maintenance")
    assert (paused.standing, paused.attend_at, paused.reason) == (Standing.PAUSED, FOREVER, "maintenance")
    probed = paused.probed(NOW)
    assert (probed.attend_at, probed.is_probing) == (NOW, True)
    for attempt in (Attempt(204), Attempt(500)):
        assert after(attempt, probed).attend_at == FOREVER, "one is tried, and it is still paused"
    assert probed.resumed(NOW).attend_at == 0.0


def test_a_probe_does_not_wait_for_the_breaker_nor_for_a_retry_after() -> None:
    asked = after(Attempt(429, retry_after="500"), after(Attempt(error="x", blocked=True)))
    assert asked.probed(NOW + 1).attend_at <= NOW + 1
    assert asked.probed(NOW + 1).is_probing


@pytest.mark.parametrize(
    "health",
    [
        Health(),
        failing(5.0, 20, None),
        after(Attempt(error="x", blocked=True)),
        Health().paused(NOW, "x").probed(NOW),
        after(Attempt(204), Health(Standing.GONE)),
    ],
)
def test_it_is_kept_in_the_row(health: Health) -> None:
    assert Health.read(health.standing, health.written()) == health


def test_what_is_well_is_kept_as_nothing_and_what_a_newer_version_wrote_is_left_out() -> None:
    assert Health().written() == "{}"
    assert Health.read("enabled", '{"colour": 1, "breaker": {"state": "open", "until": 5.0, "x": 1}}') == Health(
        breaker=Breaker(BreakerState.OPEN, 5.0)
    )


def test_every_kind_of_answer_is_known() -> None:
    for kind in Answer:
        if kind is not Answer.PEACE:
            Health().after(kind, NOW, PAUSES, 0.0)
