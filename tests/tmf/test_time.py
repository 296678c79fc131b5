"""Points in time on the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tmf_adapter.tmf.time import stamp, utc_now


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
