"""ISO 8601 durations."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmf_adapter.mapping.duration import LONGEST, duration_of, duration_text


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT10S", timedelta(seconds=10)),
        ("PT0.5S", timedelta(milliseconds=500)),
        ("PT90M", timedelta(hours=1, minutes=30)),
        ("P3D", timedelta(days=3)),
        ("P2W", timedelta(weeks=2)),
        ("P1DT12H30M5S", timedelta(days=1, hours=12, minutes=30, seconds=5)),
        ("P366D", LONGEST),
    ],
)
def test_a_duration_has_its_length(text: str, length: timedelta) -> None:
    assert duration_of(text) == length


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no duration"),
        ("P", "is no duration"),
        ("PT", "is no duration"),
        ("P1DT", "is no duration"),
        ("10S", "is no duration"),
        ("pt10s", "is no duration"),
        ("-PT1S", "is no duration"),
        ("PT1H30", "is no duration"),
        ("P1Y", "has no fixed length"),
        ("P1M", "has no fixed length"),
        ("P1M2D", "has no fixed length"),
        ("PT0S", "is not between"),
        ("P367D", "is not between"),
        ("P9999W", "is not between"),
        ("P" + "9" * 5000 + "D", "is no duration"),
    ],
)
def test_anything_else_is_refused_with_the_remedy(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        duration_of(text)
    assert "write an ISO 8601 duration such as PT30S, PT8H or P3D" in str(raised.value)


@settings(deadline=None)  # a busy machine is no fault
@given(st.timedeltas(min_value=timedelta(microseconds=1), max_value=LONGEST))
def test_a_length_survives_being_written(length: timedelta) -> None:
    assert duration_of(duration_text(length)) == length


def test_nothing_is_written_as_no_seconds() -> None:
    assert duration_text(timedelta()) == "PT0S"
