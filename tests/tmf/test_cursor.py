"""Cursors: what is written is read again, and nothing else is."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmf_adapter.tmf.condition import Sort
from tmf_adapter.tmf.cursor import Cursor, read
from tmf_adapter.tmf.errors import BadQuery

SORT = (Sort(("name",)), Sort(("priority",), True))
_SCALARS = st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text()


@given(st.text(), st.dictionaries(st.sampled_from(["name", "priority"]), st.integers(-(2**63), 2**64) | st.text()))
def test_a_cursor_is_read_as_it_was_written(id_: str, members: dict[str, Any]) -> None:
    cursor = Cursor.of({"id": id_.replace("\0", ""), **members}, SORT)
    if not any("\0" in str(value) for value in members.values()):
        assert read("after", cursor.written("thing", SORT), "thing", SORT) == cursor


@pytest.mark.parametrize(
    ("collection", "sort"),
    [("other", SORT), ("thing", SORT[:1]), ("thing", (Sort(("name",), True), SORT[1])), ("thing", SORT[::-1])],
)
def test_a_cursor_of_another_list_or_order_is_refused(collection: str, sort: tuple[Sort, ...]) -> None:
    text = Cursor.of({"id": "1", "name": "x"}, SORT).written("thing", SORT)
    with pytest.raises(BadQuery) as refused:
        read("after", text, collection, sort)
    assert "after" in refused.value.reason


def encoded(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


FINGERPRINT = json.loads(base64.urlsafe_b64decode(Cursor.of({"id": "1"}, SORT).written("thing", SORT) + "=="))[0]
KEY = [2, 0.0, "x"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "ä",
        "!!!!",
        "a" * 10_000,
        encoded(None),
        encoded([]),
        encoded({}),
        encoded([FINGERPRINT]),
        encoded([FINGERPRINT, "1"]),
        encoded([FINGERPRINT, 1, KEY, KEY]),
        encoded([FINGERPRINT, "1", KEY]),
        encoded([FINGERPRINT, "1", KEY, KEY, KEY]),
        encoded([FINGERPRINT, "1", KEY, [2, 0.0]]),
        encoded([FINGERPRINT, "1", KEY, [2, 10**400, "x"]]),
        encoded([FINGERPRINT, "1", KEY, [2, float("nan"), "x"]]),
        encoded([FINGERPRINT, "1", KEY, [9, 0.0, "x"]]),
        encoded([FINGERPRINT, "1", KEY, [2, 0.0, "\0"]]),
        encoded([FINGERPRINT, "1\0", KEY, KEY]),
        encoded([FINGERPRINT, "1", KEY, [2, 0.0, "\ud800"]]),
        base64.urlsafe_b64encode(b"[" * 5_000).decode(),
    ],
)
def test_whatever_else_is_no_cursor(text: str) -> None:
    with pytest.raises(BadQuery):
        read("before", text, "thing", SORT)


@given(st.lists(_SCALARS | st.lists(_SCALARS, max_size=3), max_size=4))
def test_anything_is_read_or_refused(content: list[Any]) -> None:
    try:
        read("after", encoded([FINGERPRINT, *content]), "thing", SORT)
    except BadQuery:
        return
