"""YAML as mapping files have it: what it looks like is what it means."""

from typing import Any

import pytest

from tmf_adapter.mapping.source import read_source


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("on", "on"),  # YAML 1.1 has booleans here
        ("yes", "yes"),
        ("No", "No"),
        ("True", "True"),
        ("12", 12),
        ("-3", -3),
        ("010", "010"),  # YAML 1.1 has eight here
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),  # and 45000 here
        ("2026-03-02", "2026-03-02"),  # and a date here
        ("99999999999999999999", "99999999999999999999"),  # an identifier rather than a number
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("E0", "E0"),
        (".", "."),
        ("+", "+"),
        ("1e999", "1e999"),  # not finite
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("P3D", "P3D"),
        ("${t.id}", "${t.id}"),
    ],
)
def test_a_plain_value_is_what_it_looks_like(text: str, value: Any) -> None:
    source = read_source("f", f"key: {text}".encode())
    assert source.value == {"key": value}
    assert type(source.value["key"]) is type(value)
    assert source.faults == []


def test_keys_are_text_whatever_they_look_like() -> None:
    source = read_source("f", b"on: 1\n2: 2\ntrue: 3\n~: 4\n")
    assert source.value == {"on": 1, "2": 2, "true": 3, "~": 4}


def test_every_key_and_item_has_its_place() -> None:
    source = read_source("f", b"# first\na: 1\nb:\n  - c: 2\n    d: [x, y]\n")
    assert source.at(("a",)) == (2, 1)
    assert source.at(("b", 0)) == (4, 5)
    assert source.at(("b", 0, "d", 1)) == (5, 12)
    assert source.at(("b", 0, "missing", 3)) == (4, 5)  # the nearest around it
    assert source.at(()) == (2, 1)


def test_an_alias_stands_for_what_it_names() -> None:
    source = read_source("f", b"a: &x {b: [1, 2]}\nc: *x\n")
    assert source.value == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}


def test_a_byte_order_mark_is_no_fault() -> None:
    assert read_source("f", b"\xef\xbb\xbfa: 1").value == {"a": 1}


def test_texts_over_several_lines_stay_texts() -> None:
    assert read_source("f", b"a: |\n  1\n  2\nb: >-\n  x &&\n  y\n").value == {"a": "1\n2\n", "b": "x && y"}


def test_a_duplicate_key_keeps_the_first_so_that_other_faults_are_told_as_well() -> None:
    source = read_source("f", b"a: 1\na: {b: 2, b: 3}\n")
    assert source.value == {"a": 1}
    assert [fault.key for fault in source.faults] == ["a", "a.b"]
