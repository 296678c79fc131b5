"""Points in time on the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmf_adapter.tmf.time import at, instant, stamp, utc_now


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        # milliseconds are always written, so that text sorts as time does
        (datetime(2026, 3, 11, 6, 41, 12, tzinfo=UTC), "2026-03-11T06:41:12.000Z"),
        (datetime(2026, 3, 11, 6, 41, 12, 345_000, tzinfo=UTC), "2026-03-11T06:41:12.345Z"),
        # what is finer is cut off, never rounded into the future
        (datetime(2026, 3, 11, 6, 41, 12, 999_999, tzinfo=UTC), "2026-03-11T06:41:12.999Z"),
        # another offset is the same instant
        (datetime(2026, 3, 11, 6, 41, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-03-11T01:11:00.000Z"),
        (datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2025-12-31T23:30:00.000Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_a_z(moment: datetime, text: str) -> None:
    assert stamp(moment) == text


def test_stamps_sort_as_their_instants_do() -> None:
    start = datetime(2025, 12, 31, 23, 59, 59, 990_000, tzinfo=UTC)
    stamps = [stamp(start + timedelta(milliseconds=step)) for step in range(0, 5_000, 7)]
    assert stamps == sorted(stamps)
    assert len(set(stamps)) == len(stamps)


def test_the_present_is_aware() -> None:
    assert utc_now().tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-03-11T06:00:00Z", "2026-03-11T06:00:00.000Z"),
        ("2026-03-11T08:00:00+02:00", "2026-03-11T06:00:00Z"),
        ("2026-03-11t06:00:00z", "2026-03-11T06:00:00Z"),
        ("2026-03-11 06:00:00", "2026-03-11T06:00:00Z"),  # no offset: UTC
        ("2026-03-11", "2026-03-11T00:00:00Z"),
        ("2026-03-11T06:00:00.123456789Z", "2026-03-11T06:00:00.123456Z"),
        ("2026-03-11T06:00:00.1Z", "2026-03-11T06:00:00.100Z"),
    ],
)
def test_an_instant_has_many_spellings(text: str, same: str) -> None:
    assert instant(text) == instant(same) is not None


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-13-01", "2026-02-29", "2100-02-29", "2026-04-31", "0000-01-01", "2026-3-1", "20260311"),
        *("2026-03-11T24:00:00Z", "2026-03-11T06:60:00Z", "2026-03-11T06:00:60Z", "2026-03-11T06:00Z"),
        *("2026-03-11T06:00:00+2", "2026-03-11T06:00:00+15:00", "2026-03-11T06:00:00Z ", "2026-03-11T06:00:00Z\n"),
        *("٢٠٢٦-03-11", "2026-03-11Z"),
    ],
)
def test_what_is_no_date_is_no_instant(text: str) -> None:
    assert instant(text) is None


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["Z", "+14:00", "-12:30"]))
def test_every_date_there_is_has_an_instant(moment: datetime, offset: str) -> None:
    microseconds = instant(moment.replace(tzinfo=None).isoformat() + offset)
    assert microseconds is not None
    if offset == "Z":
        assert at(microseconds) == moment


@given(st.text("0123456789-T:Z.+ ", max_size=30))
def test_any_text_is_an_instant_or_none(text: str) -> None:
    instant(text)
