"""Regular expressions in the subset: what they find, what is refused, and that they are quick whatever they are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.regex import LONGEST, compiled

_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c]", "\\.", "\\d", "\\w", "\\s", "é", "-"])
_QUANTIFIED = st.builds(str.__add__, _ATOMS, st.sampled_from(["", "", "*", "+", "?"]))
_BRANCHES = st.builds(
    lambda start, atoms, end: f"{start}{''.join(atoms)}{end}",
    st.sampled_from(["", "^"]),
    st.lists(_QUANTIFIED, min_size=1, max_size=5),
    st.sampled_from(["", "$"]),
)
_PATTERNS = st.lists(_BRANCHES, min_size=1, max_size=3).map("|".join)
_TEXTS = st.text("abcé.-\n 1", max_size=8)


@given(_PATTERNS, _TEXTS)
def test_what_is_found_is_what_python_finds(pattern: str, text: str) -> None:
    pythons = re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern), re.DOTALL | re.ASCII)
    assert compiled(pattern).search(text) == bool(pythons.search(text))


@given(_PATTERNS, _TEXTS)
def test_the_literal_of_a_pattern_is_part_of_whatever_it_is_found_in(pattern: str, text: str) -> None:
    if compiled(pattern).search(text):
        assert compiled(pattern).literal() in text


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("nothing.*more", "nothing"),
        ("^ab$", "ab"),
        ("a|b", ""),
        ("ab?cd", "cd"),
        ("[a]b", "ab"),
        (".*", ""),
        ("\\.x", ".x"),
    ],
)
def test_the_longest_literal(pattern: str, literal: str) -> None:
    assert compiled(pattern).literal() == literal


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "(a)",
        "(?i)a",
        "a{2}",
        "a**",
        "a+?",
        "*a",
        "+",
        "^*",
        "a^b",
        "a$b",
        "a||b",
        "|a",
        "a|",
        "[",
        "[]",
        "[a",
        "[b-a]",
        "[[:alpha:]]",
        "\\1",
        "\\b",
        "\\",
        "a)",
        "a}",
        "a" * (LONGEST + 1),
    ],
)
def test_what_is_outside_the_subset_is_refused(pattern: str) -> None:
    with pytest.raises(BadQuery):
        compiled(pattern)


def test_a_refusal_names_the_place() -> None:
    with pytest.raises(BadQuery) as refused:
        compiled("ab(c)")
    assert "'('" in refused.value.reason
    assert "ab(c)" in refused.value.reason


@given(st.text("ab.*+?^$|[]\\-dx()", max_size=12))
def test_anything_else_is_read_or_refused(pattern: str) -> None:
    try:
        regex = compiled(pattern)
    except BadQuery:
        return
    regex.search("abab-xx")


@pytest.mark.parametrize(
    "pattern", ["a*a*a*a*a*a*a*a*a*a*b", "[ab]*a[ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab]$", ".*" * 50]
)
def test_no_pattern_takes_more_than_time_in_proportion_to_the_text(pattern: str) -> None:
    """A backtracking engine would not come back from these; one whose states are all kept would fill the memory."""
    regex = compiled(pattern)
    regex.search("ab" * 50_000 + "aab" * 1_000)
    assert len(regex._steps) <= 1_001
