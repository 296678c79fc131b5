"""The JSONPath of ``filter``: what it finds, held against a library that knows all of it, and what it refuses."""

from typing import Any

import jsonpath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tmf.things import ATTRIBUTES, asked, finds
from tmf_adapter.tmf.condition import matches
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.jsonpath import parse

DOCUMENT = {
    "id": "7",
    "@type": "Thing",
    "severity": "Major",
    "priority": 5,
    "a": True,
    "b": None,
    "attachment": [{"id": "x", "size": 300}, {"id": "y", "size": 20, "name": "it's"}],
    "note": [{"author": "hotline", "text": "first"}, {"author": "field", "text": "second", "@type": "Note"}],
    "relatedEntity": [{"role": "service", "entity": {"id": "line-4711"}}],
    "characteristic": [{"name": "hops", "value": 12}],
}

FOUND = [
    # the roots that are in use: a member, $ and a member, the resource itself
    *("attachment[?(@.size==300)]", "$.attachment[?(@.size==300)]", "$[?(@.severity=='Major')]"),
    *("$['attachment'][?(@['size']==300)]", "$.attachment[*]", "attachment", "$.note[*].text"),
    # TMF630's own spelling, without the dot, and RFC 9535's, without the parentheses
    *("attachment[?(@size==300)]", "attachment[?(size==300)]", "attachment[?@.size==300]", "note[?(@type=='Note')]"),
    # operators, on either side
    *("$[?(@.priority>4)]", "$[?(@.priority>=5)]", "$[?(@.priority<6)]", "$[?(@.priority<=5)]", "$[?(4<@.priority)]"),
    *("$[?(@.priority!=4)]", "$[?(@.severity!='x')]", "$[?(@.severity>'L')]", "$[?(@.priority == 5.0)]"),
    *("$[?(@.a==true)]", "$[?(@.b==null)]", "$[?(@.a!=false)]", '$[?(@.severity=="Major")]'),
    *("$[?(@.severity=~/^Ma/)]", "$[?(@.severity =~ 'jor$')]", "note[?(@.text=~/^s.c/)]"),
    # and, or, not, parentheses
    *("$[?(@.priority==5 && @.severity=='Major')]", "$[?(@.priority==4 || @.severity=='Major')]"),
    *("$[?(!(@.priority==4))]", "$[?(!@.c)]", "$[?(@.priority==5 && (@.a==false || @.id=='7'))]", "$[?(!!@.a)]"),
    "$[?(@.id=='x' && @.a==false || @.priority==5)]",
    # what is there
    *("$[?(@.a)]", "$[?(@.relatedEntity.entity)]", "note[?(@.author)]", "$[?(@)]"),
    # the same element
    "note[?(@.author=='field' && @.text=='second')]",
    # a path behind a condition, conditions within conditions
    *("note[?(@.author=='field')].text", "relatedEntity[?(@.role=='service')].entity[?(@.id=='line-4711')]"),
    *("$[?(@.note[?(@.author=='field')])]", "$[?(@.relatedEntity.entity.id=='line-4711')]"),
    # both quotes, and escapes
    *("attachment[?(@.name=='it\\'s')]", 'attachment[?(@.name=="it\'s")]', "attachment[?(@.name=='it\\u0027s')]"),
    "characteristic[?(@.name=='hops' && @.value>10)]",
]


@pytest.mark.parametrize("expression", FOUND)
def test_the_document_is_found(expression: str) -> None:
    assert finds(DOCUMENT, ("filter", expression))


@pytest.mark.parametrize(
    "expression",
    [
        "attachment[?(@.size==301)]",
        "attachment[?(@.size=='300')]",  # text is no number
        "$[?(@.severity==5)]",
        "note[?(@.author=='hotline' && @.text=='second')]",  # not the same element
        "note[?(@.author=='hotline')].date",
        "$[?(@.c)]",
        "$[?(@.c==null)]",
        "$[?(@.c>0)]",
        "$[?(@.b)]",
        "$[?(!@.a)]",
        "$.description",
        "$[?(@.severity=='M*')]",  # a star is a star
        "$[?(@.id=='7' && (@.a==false || @.priority==4))]",
    ],
)
def test_the_document_is_not_found(expression: str) -> None:
    assert not finds(DOCUMENT, ("filter", expression))


def test_several_filters_and_other_conditions_all_hold() -> None:
    assert finds(DOCUMENT, ("filter", "$[?(@.priority==5)]"), ("filter", "note[?(@.author=='field')]"), ("id", "7"))
    assert not finds(DOCUMENT, ("filter", "$[?(@.priority==5)]"), ("id", "8"))


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("", "column 1"),
        ("$", "column 2"),
        ("$.", "column 3"),
        ("$[?(@.a==1)", "column 12"),
        ("$[?(@.a==)]", "column 10"),
        ("$[?(@.a=1)]", "column 8"),
        ("$[?(@.a==1 &&)]", "column 14"),
        ("$[?(@.a==1 & @.b==2)]", "column 12"),
        ("$[?('x')]", "column 8"),
        ("$[?(@.a==@.b)]", "column 13"),
        ("$[?(@.a=~/(b)/)]", "(b)"),
        ("$[?(@.a=~/b/i)]", "'i'"),
        ("$[?(@.a==/b/)]", "column 10"),
        ("$[?(@.colour==1)]", "colour"),
        ("colour[?(@.x==1)]", "colour"),
        ("note[?(@.colour==1)]", "note.colour"),
        ("characteristic.hops", "characteristic.hops"),
        # JSONPath that cannot be asked of a database
        ("$..author", "'..'"),
        ("$.note[0]", "'0'"),
        ("$.note[0:2]", "'0'"),
        ("$.*", "'*'"),
        ("$[?(length(@.note)>1)]", "length"),
        ("$[?(@.a==1)] extra", "column 14"),
        ("$[?(@.a=='x)]", "column 10"),
        ("$[?(@.a=='\\ud800')]", "half a character"),
        ("x" * 2_001, "2001"),
        ("$[?(" + "(" * 30 + "@.a" + ")" * 30 + ")]", "nested"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_place_or_name(expression: str, named: str) -> None:
    with pytest.raises(BadQuery) as refused:
        asked(("filter", expression))
    assert named in refused.value.reason + (refused.value.message or "")


def test_a_version_asks_under_its_own_names_inside_an_element_too() -> None:
    """v4's flat related entity, whose id is stored one step deeper."""

    def stored(path: tuple[str, ...]) -> tuple[str, ...]:
        return ("relatedEntity", "entity", "id") if path == ("note", "id") else ("relatedEntity", *path[1:])

    condition = parse("note[?(@.id=='line-4711')]", ATTRIBUTES, stored)
    assert matches(condition, DOCUMENT)


# --- an outside judge -------------------------------------------------------------------------------------------------

_VALUES = st.integers(0, 2) | st.sampled_from(["a", "b"])
_NOTES = st.lists(
    st.dictionaries(st.sampled_from(["author", "text", "id"]), _VALUES, max_size=3), min_size=1, max_size=3
)
_MEMBERS = st.sampled_from(["@.author", "@.text", "@.id"])
_LITERALS = st.sampled_from(["0", "1", "2", "'a'", '"b"'])
_COMPARISONS = st.builds("{}{}{}".format, _MEMBERS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), _LITERALS)
_LOGIC = st.recursive(
    _COMPARISONS | _MEMBERS,
    lambda inner: (
        st.builds("({} && {})".format, inner, inner)
        | st.builds("({} || {})".format, inner, inner)
        | st.builds("!({})".format, inner)
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(_NOTES, _LOGIC)
def test_a_library_that_knows_all_of_jsonpath_finds_the_same(notes: list[dict[str, Any]], logic: str) -> None:
    """Without booleans, which it takes for numbers, and arrays, through which we look."""
    expression = f"$.note[?{logic}]"
    assert finds({"note": notes}, ("filter", expression)) == bool(jsonpath.findall(expression, {"note": notes}))


@given(st.text("$@.[]?()'\"=!<>&|~/*anote 01\\", max_size=30) | st.text(max_size=20))
def test_anything_else_is_read_or_refused(expression: str) -> None:
    try:
        asked(("filter", expression))
    except BadQuery:
        return
