"""Identifiers: UUIDs of version 7 that sort by the millisecond in which they were made."""

import time
import uuid

import pytest

from tmf_adapter.tmf.ids import new_id


def test_an_id_is_a_uuid_of_version_7_and_the_rfc_variant() -> None:
    for _ in range(1_000):
        made = uuid.UUID(new_id())
        assert made.version == 7
        assert made.variant == uuid.RFC_4122


def test_an_id_is_written_in_lower_case_without_dots_or_spaces() -> None:
    text = new_id()
    assert text == str(uuid.UUID(text))
    assert set(text) <= set("0123456789abcdef-")


def test_an_id_begins_with_the_unix_time_in_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id()).int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_ids_of_later_milliseconds_sort_later_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [0, 1, 999, 1_000, 1_741_675_200_000, 1_741_675_200_001, 2**41, 2**48 - 1]
    made = []
    for moment in moments:
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment * 1_000_000)
        made.append(new_id())
    monkeypatch.undo()
    assert made == sorted(made)
    assert [uuid.UUID(text).int >> 80 for text in made] == moments


def test_ids_do_not_repeat() -> None:
    assert len({new_id() for _ in range(20_000)}) == 20_000
