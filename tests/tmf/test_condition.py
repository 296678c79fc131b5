"""What conditions mean: paths, patterns and orders, in plain Python. All the rest is held against two databases."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmf_adapter.tmf.condition import Sort, at, fits, sort_key

A = Sort(("a",))


@pytest.mark.parametrize(
    ("document", "path", "found"),
    [
        ({"a": 1}, "a", [1]),
        ({"a": {"b": 1}}, "a.b", [1]),
        ({"a": [{"b": 1}, {"b": 2}, {}, 3]}, "a.b", [1, 2]),  # each element of an array on the way
        ({"a": [1, [2]]}, "a", [1, [2]]),  # at the end as well, but one level of it
        ({"a": [[{"b": 1}]]}, "a.b", []),
        ({"a": {"b": [{"c": [1, 2]}, {"c": 3}]}}, "a.b.c", [1, 2, 3]),
        ({"a": []}, "a", []),
        ({"a": None}, "a", [None]),
        ({}, "a", []),
        ([], "a", []),
        ("a", "a", []),
    ],
)
def test_a_path_looks_through_arrays(document: Any, path: str, found: list[Any]) -> None:
    assert list(at(document, tuple(path.split(".")))) == found


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8))
def test_a_star_is_any_text(pattern: str, text: str) -> None:
    regex = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert fits(pattern, text) == bool(re.fullmatch(regex, text, re.DOTALL))


def test_numbers_sort_before_dates_before_other_text_and_what_is_absent_comes_last_either_way() -> None:
    values: list[Any] = [-1, 2.5, 10, "2026-03-11T10:00:00+02:00", "2026-03-11T09:00:00Z", "B", "a", False, True]
    keys = [sort_key({"a": value}, A) for value in values]
    assert sorted(keys) == [keys[index] for index in (0, 1, 2, 3, 4, 5, 6, 7, 8)]
    absent: list[Any] = [{}, {"a": None}, {"a": {}}, {"a": []}, {"a": [[]]}]
    assert all(sort_key(document, A) > max(keys) for document in absent)
    assert all(sort_key(document, Sort(("a",), True)) < min(keys) for document in absent)
