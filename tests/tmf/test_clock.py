"""The service-level clock: when it runs, when it stands still, and how near the agreed time is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tmf_adapter.tmf.clock import Jeopardy, clock_of

START = datetime(2026, 11, 24, 8, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def ticket(*history: tuple[str, float], agreed: float | None = None) -> dict[str, Any]:
    """A ticket whose statuses began so many minutes after it was opened."""
    entries = [{"status": status, "statusChangeDate": at(minutes).isoformat()} for status, minutes in history]
    requested = {"requestedResolutionDate": at(agreed).isoformat()} if agreed is not None else {}
    return {"creationDate": START.isoformat(), "status": history[-1][0], "statusChangeHistory": entries, **requested}


@pytest.mark.parametrize(
    ("history", "running", "elapsed", "paused"),
    [
        ([("acknowledged", 0)], True, 60, 0),  # it runs from the beginning
        ([("acknowledged", 0), ("inProgress", 10)], True, 60, 0),
        ([("inProgress", 0), ("held", 10)], True, 60, 0),  # held is our own affair
        ([("inProgress", 0), ("pending", 10)], False, 10, 50),  # the customer is asked
        ([("inProgress", 0), ("pending", 10), ("inProgress", 30)], True, 40, 20),  # and has answered
        ([("inProgress", 0), ("resolved", 15)], False, 15, 0),
        ([("inProgress", 0), ("resolved", 15), ("inProgress", 45)], True, 30, 0),  # reopened: it goes on
        ([("inProgress", 0), ("resolved", 15), ("closed", 20)], False, 15, 0),
        ([("acknowledged", 0), ("cancelled", 5)], False, 5, 0),
        ([("acknowledged", 0), ("rejected", 5)], False, 5, 0),
    ],
)
def test_it_runs_while_somebody_works_and_stops_while_the_customer_is_asked(
    history: list[tuple[str, float]], running: bool, elapsed: float, paused: float
) -> None:
    clock = clock_of(ticket(*history), at(60))
    assert (clock.running, clock.elapsed, clock.paused) == (
        running,
        timedelta(minutes=elapsed),
        timedelta(minutes=paused),
    )


def test_an_agreement_may_let_it_stop_in_held_as_well() -> None:
    clock = clock_of(ticket(("inProgress", 0), ("held", 10)), at(60), {"pending", "held"})
    assert not clock.running
    assert clock.elapsed == timedelta(minutes=10)


def test_a_repair_is_from_in_progress_to_resolved_without_what_was_paused() -> None:
    history = [("acknowledged", 0), ("inProgress", 10), ("pending", 20), ("inProgress", 50), ("resolved", 60)]
    assert clock_of(ticket(*history), at(90)).repairs == (timedelta(minutes=20),)
    reopened = [*history, ("inProgress", 70), ("resolved", 75)]
    assert clock_of(ticket(*reopened), at(90)).repairs == (timedelta(minutes=20), timedelta(minutes=5))


@pytest.mark.parametrize(
    ("minutes", "jeopardy"),
    [
        (69, Jeopardy.NONE),
        (70, Jeopardy.AT_RISK),
        (89, Jeopardy.AT_RISK),
        (90, Jeopardy.CRITICAL),
        (99, Jeopardy.CRITICAL),
        (100, Jeopardy.BREACHED),
        (500, Jeopardy.BREACHED),
    ],
)
def test_the_agreed_time_is_in_jeopardy_from_70_percent_on(minutes: float, jeopardy: Jeopardy) -> None:
    assert clock_of(ticket(("inProgress", 0), agreed=100), at(minutes)).jeopardy is jeopardy


def test_what_the_customer_takes_to_answer_moves_the_due_date() -> None:
    asked = ticket(("inProgress", 0), ("pending", 10), ("inProgress", 60), agreed=100)
    clock = clock_of(asked, at(110))
    assert clock.due == at(150)
    assert clock.used == pytest.approx(0.6)
    assert clock.jeopardy is Jeopardy.NONE


def test_a_due_date_in_the_past_is_breached_at_once() -> None:
    assert clock_of(ticket(("inProgress", 0), agreed=-5), at(1)).jeopardy is Jeopardy.BREACHED


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"status": "inProgress"},
        {"creationDate": "yesterday", "status": "inProgress", "statusChangeHistory": "none"},
        {"statusChangeHistory": [7, {"status": "inProgress"}, {"status": 1, "statusChangeDate": 3}]},
        {"requestedResolutionDate": "soon"},
    ],
)
def test_a_ticket_that_makes_no_sense_has_a_clock_that_stands_at_zero(document: dict[str, Any]) -> None:
    clock = clock_of(document, at(60))
    assert clock.elapsed == timedelta()
    assert clock.jeopardy is Jeopardy.NONE


def test_without_a_history_it_runs_since_the_ticket_was_opened() -> None:
    assert clock_of({"creationDate": START.isoformat(), "status": "held"}, at(5)).elapsed == timedelta(minutes=5)


def test_dates_without_a_zone_are_utc_and_their_order_does_not_matter() -> None:
    document = ticket(("inProgress", 0), ("pending", 10))
    document["statusChangeHistory"].reverse()
    document["statusChangeHistory"][0]["statusChangeDate"] = "2026-11-24T08:10:00"
    assert clock_of(document, at(60)).paused == timedelta(minutes=50)


def test_as_json_it_is_seconds_and_rfc_3339() -> None:
    document = clock_of(ticket(("inProgress", 0), ("resolved", 90), agreed=100), at(200)).document()
    assert document == {
        "running": False,
        "elapsedSeconds": 5400.0,
        "pausedSeconds": 0.0,
        "repairSeconds": [5400.0],
        "jeopardy": "critical",
        "due": at(100).isoformat(),
        "used": 0.9,
    }
