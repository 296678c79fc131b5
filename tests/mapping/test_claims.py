"""What a line claims, and what follows from it."""

import pytest

from tests.mapping.samples import mapping
from tmf_adapter.mapping.claims import Claim, claims_of, exclusive, facts_of, implies, statuses
from tmf_adapter.mapping.expression import Expression

TYPE, STATUS = ("t", "type"), ("t", "status")


@pytest.mark.parametrize(
    ("line", "claims"),
    [
        ("t.type == 'a'", [Claim(TYPE, frozenset("a"))]),
        ("t.type != 'a'", [Claim(TYPE, frozenset("a"), among=False)]),
        ("t.type in ['a', 'b']", [Claim(TYPE, frozenset("ab"))]),
        ("t.rel.line[0].id == 'a'", [Claim(("t", "rel", "line", 0, "id"), frozenset("a"))]),
        ("t.type == 'a' && t.status == 'b'", [Claim(TYPE, frozenset("a")), Claim(STATUS, frozenset("b"))]),
        ("t.type == 'a' && size(t.id) > 1", [Claim(TYPE, frozenset("a"))]),  # the rest is not understood
        ("t.type == 'a' || t.type == 'b'", [Claim(TYPE, frozenset("ab"))]),
        ("(t.type == 'a' || t.type in ['b'])", [Claim(TYPE, frozenset("ab"))]),
        ("(t.type == 'a') && (t.status == 'b')", [Claim(TYPE, frozenset("a")), Claim(STATUS, frozenset("b"))]),
        # Nothing is claimed where it could be otherwise.
        ("t.type == 'a' || t.status == 'b'", []),
        ("t.type != 'a' || t.type != 'b'", []),
        ("t.type == 'a' ? true : false", []),
        ("!(t.type == 'a')", []),
        ("t.type == t.status", []),
        ("t.type == 'a' + 'b'", []),
        ("t.type in ['a', t.status]", []),
        ("t.list.exists(x, x.type == 'a')", []),
        ("'a' == t.type", []),
        ("t.x == 1", []),
        ("(t.type == 'a' || t.x == 1) && false", []),
    ],
)
def test_a_line_claims_what_must_be_true_for_it_to_hold(line: str, claims: list[Claim]) -> None:
    assert list(claims_of(line)) == claims


def test_facts_are_what_all_lines_leave() -> None:
    lines = ["t.type in ['a', 'b', 'c']", "t.type != 'b'", "t.type in ['b', 'c']"]
    assert facts_of(tuple(map(Expression, lines))) == {TYPE: frozenset("c")}
    assert facts_of((Expression("t.status != 'held'"),))[STATUS] >= {"inProgress", "closed"}
    assert facts_of((Expression("t.type != 'a'"),)) == {}  # it could be anything else


@pytest.mark.parametrize(
    ("events", "when", "expected"),
    [
        (["create"], ["t.status in ['acknowledged', 'inProgress']"], {"acknowledged", "inProgress"}),
        (["status"], ["was.status == 'held'"], {"inProgress"}),
        (["resolved"], ["size(t.id) > 0"], {"resolved"}),
        (["status"], ["was.status == 'acknowledged'", "t.status != 'cancelled'"], {"inProgress", "rejected"}),
        (["attribute"], ["t.status == 'closed'"], {"closed"}),
    ],
)
def test_a_mapping_matches_in_these_statuses(events: list[str], when: list[str], expected: set[str]) -> None:
    assert statuses(mapping(events=events, when=when)) == expected


@pytest.mark.parametrize(
    ("when", "earlier", "follows"),
    [
        (["t.type == 'a'"], ["t.type in ['a', 'b']"], True),
        (["t.type == 'a'"], ["t.type != 'b'"], True),
        (["t.type in ['a', 'b']"], ["t.type == 'a'"], False),
        (["t.type == 'a'"], ["t.type == 'a' && size(t.id) > 1"], False),  # it asks for more
        (["size(t.id) > 1", "t.type == 'a'"], ["size(t.id) > 1"], True),  # word for word
        (["t.type == 'a'"], [], True),
        ([], ["t.type == 'a'"], False),
    ],
)
def test_what_follows_from_what(when: list[str], earlier: list[str], follows: bool) -> None:
    assert implies(mapping(when=when or None), mapping(when=earlier or None)) is follows


def test_two_mappings_exclude_each_other_by_what_they_ask_for() -> None:
    one, other = mapping(when=["t.type == 'a'"]), mapping(when=["t.type in ['b', 'c']"])
    assert exclusive(one, other)
    assert not exclusive(one, mapping(when=["t.status == 'held'"]))
