"""The TMF630 query string: conditions, order, selection, the part of the list."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tmf.things import ATTRIBUTES, asked, finds
from tmf_adapter.tmf.condition import ANYTHING, Sort
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.fields import fields_of, select
from tmf_adapter.tmf.query import CONDITIONS, NEWEST_FIRST, PAGE, VALUES, Collection, Query, parse

DOCUMENT = {
    "id": "7",
    "name": "größer 日本",
    "severity": "Major",
    "status": "held",
    "priority": 5,
    "a": True,
    "description": "No light, no sound; call back * soon",
    "creationDate": "2026-03-11T06:00:00.000Z",
    "note": [
        {"id": "n1", "author": "hotline", "text": "first", "date": "2026-03-11T10:00:00+02:00"},
        {"id": "n2", "author": "field", "text": "second"},
    ],
    "relatedEntity": [{"role": "service", "entity": {"id": "line-4711"}}],
    "characteristic": [
        {"name": "rootCause", "value": "access"},
        {"name": "hops", "value": 12},
        {"name": "site", "value": {"room": ["4", "5"]}},
    ],
}


def sent(text: str) -> list[tuple[str, str]]:
    """A query string as the api room decodes it."""
    return parse_qsl(text, keep_blank_values=True)


def test_an_empty_query_asks_for_everything_newest_first() -> None:
    assert asked() == Query(ANYTHING, None, NEWEST_FIRST, 0, PAGE, None, None)


FOUND = [
    # equality, as written in JSON
    *("severity=Major", "priority=5", "priority=5.0", "a=true", "name=größer 日本", "name=gr%C3%B6%C3%9Fer+日本"),
    # different attributes: all of them; the same one again: any
    *("severity=Major&status=held", "status=held&status=x", "status=x&status=held"),
    # values: any of them
    *("status=held,x", "status=x,held", "status=x;held", "status='x','held'", 'status="held"'),
    # a text is found as it is echoed, commas, semicolons and all, or quoted
    "description=No light, no sound; call back * soon",
    "description='No light, no sound; call back * soon'",
    'description="No light, no sound; call back * soon"',
    # ; between conditions: one of them, & binds tighter
    *("status=x;severity=Major", "status=held;severity=x", "a=x&b=y;severity=Major&status=held", "status=x;priority>4"),
    # operators: suffixes, signs, encoded signs
    *("priority.gt=4", "priority.gte=5", "priority.lt=6", "priority.lte=5", "priority.eq=5", "priority.ne=4"),
    *("priority>4", "priority>=5", "priority<6", "priority<=5", "priority!=4"),
    *("priority%3E4", "priority%3E%3D5", "priority%3C6", "priority%3C%3D5", "priority%3C%3d5"),
    *("priority.gt=9,4", "status.ne=x,y", "name.ne=x"),
    # an absent attribute is not equal to anything
    "b.ne=x",
    # numbers compare as numbers, text by code points, dates as instants
    *("priority.lt=10", "severity>Bajor", "creationDate=2026-03-11T07:00:00%2B01:00", "creationDate.gte=2026-03-11"),
    *("creationDate.lt=2026-03-11T08:00:00.001+02:00", "note.date=2026-03-11T08:00:00Z"),
    # a + that was decoded to a space
    "note.date=2026-03-11T10:00:00+02:00",
    # stars, in text
    *("severity=M*", "severity=*jo*", "severity=*", "description=*call*,x", "note=*"),
    # regular expressions; a comma in one is a comma
    *("severity.regex=^M.j", "severity*=or$", "severity=~^Maj", "severity%3D~^Maj", "description.regex=t, n"),
    # through objects and arrays, each condition for itself
    *("note.text=second", "relatedEntity.entity.id=line-4711", "note.author=hotline&note.text=second"),
    # the short form for characteristics, which know their own value only
    *("characteristic.rootCause=access", "characteristic.hops>9", "characteristic.site.room=5"),
    *("characteristic.rootCause.ne=core", "characteristic.none.ne=x", "characteristic.rootCause.regex=^acc"),
    "characteristic.name=hops",
]


@pytest.mark.parametrize("query", FOUND)
def test_the_document_is_found(query: str) -> None:
    assert finds(DOCUMENT, *sent(query))


NOT_FOUND = [
    *("severity=major", "severity=", "b=x", "priority=50", "a=1", "severity=Major&status=x", "status=x,y"),
    *("status='held,x'", "a=x&severity=Major;b=y", "status=x;severity=y"),
    *("priority.gt=5", "priority<5", "priority!=5", "status.ne=held,x", "severity.ne=M*"),
    *("severity.gt=Major", "priority.gt=a", "b.gt=0", "b.lt=0", "a.gt=0"),
    # in quotes a star is a star, and a number is text
    *("severity='M*'", "priority='5'"),
    *("severity.regex=^j", "severity.regex=m", "priority.regex=5"),
    *("note.text=third", "note.text.ne=first"),
    *("characteristic.rootCause=12", "characteristic.hops=access", "characteristic.none=x"),
]


@pytest.mark.parametrize("query", NOT_FOUND)
def test_the_document_is_not_found(query: str) -> None:
    assert not finds(DOCUMENT, *sent(query))


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("nmae=x", "nmae"),  # misspelt
        ("Severity=x", "Severity"),  # names have a case
        ("=x", "''"),  # no name
        ("severity.like=x", "severity.like"),  # no such operator
        ("severity.gt.gt=x", "severity.gt"),
        ("note.txet=x", "note.txet"),
        ("note..text=x", "note..text"),
        ("note.=x", "note."),
        ("severity.text=x", "severity.text"),
        ("relatedEntity.entity.nmae>=x", "relatedEntity.entity.nmae"),
        ("status=x;colour=red", "colour"),
        ("colour>5", "colour"),
        ("severity~x", "severity~x"),
    ],
)
def test_an_unknown_attribute_or_operator_is_refused_by_name(query: str, named: str) -> None:
    with pytest.raises(BadQuery) as refused:
        asked(*sent(query))
    assert refused.value.status == 400
    assert named in refused.value.reason
    assert refused.value.message


def test_the_nearest_attribute_is_proposed() -> None:
    with pytest.raises(BadQuery) as refused:
        asked(("note.txet", "x"))
    assert "'note.text'" in str(refused.value.message)


@pytest.mark.parametrize(
    "query",
    [
        "name.regex=(a)",
        "name.regex=a**",
        "name.regex=[",
        "name.regex=" + "a" * 101,
        "name.regex=",
        "sort=colour",
        "sort=",
        "sort=--name",
        "sort=name,,status",
        "sort=characteristic.x",
        "after=x&before=y",
        "fields=colour",
        "fields=note.colour",
        "fields=characteristic.hops",
        "filter=$[",
        "a.gt=" + ",".join(map(str, range(VALUES + 1))),
        ";".join(["a=1"] * (CONDITIONS + 1)),
        "sort=id,name,status,severity,a,b",
        "characteristic.value.a" + ".b" * 20 + "=1",
        'characteristic.value.a"=1',
        "characteristic.value..a=1",
        "fields=" + ",".join(f"characteristic.value.a{number}" for number in range(201)),
    ],
)
def test_what_cannot_be_done_is_refused(query: str) -> None:
    with pytest.raises(BadQuery) as refused:
        asked(*sent(query))
    assert len(refused.value.reason) < 400


@pytest.mark.parametrize(
    ("value", "limit", "offset"),
    [
        ("0", 0, 0),  # just the counts
        ("20", 20, 20),
        ("007", 7, 7),
        ("1000", PAGE, 1_000),
        ("1001", PAGE, 1_001),  # a page is never longer
        ("-1", 0, 0),  # out of range: clamped
        ("-0", 0, 0),
        ("99999999999999999999999999", PAGE, 2**62),  # more than any database counts
        ("-99999999999999999999999999", 0, 0),
        ("9223372036854775808", PAGE, 2**62),
    ],
)
def test_a_limit_or_offset_out_of_range_is_clamped(value: str, limit: int, offset: int) -> None:
    assert asked(("limit", value)).limit == limit
    assert asked(("offset", value)).offset == offset


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ten",
        "1.0",  # not an integer, whatever its value
        "1e3",
        "0x10",
        "1,2",
        "--5",
        "+-5",
        "null",
        "NaN",
        "1_000",  # Python's own spelling is not JSON's
        "٣",  # nor is every digit of Unicode
        "²",
        "9" * 30 + "x",
    ],
)
@pytest.mark.parametrize("name", ["limit", "offset"])
def test_a_limit_or_offset_that_is_no_integer_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadQuery) as refused:
        asked((name, value))
    assert name in refused.value.reason
    assert len(refused.value.reason) < 200


@pytest.mark.parametrize(
    ("value", "sort"),
    [
        ("name", [Sort(("name",))]),
        ("-name", [Sort(("name",), True)]),
        ("+name", [Sort(("name",))]),
        (" name", [Sort(("name",))]),  # a + in a query string is a space
        ("-name,note.date", [Sort(("name",), True), Sort(("note", "date"))]),
        ("name,-name", [Sort(("name",))]),  # what is ordered is ordered
        ("characteristic.value.x", [Sort(("characteristic", "value", "x"))]),
    ],
)
def test_a_list_is_sorted_by_its_keys(value: str, sort: list[Sort]) -> None:
    assert asked(("sort", value)).sort == tuple(sort)


def test_a_version_asks_under_its_own_names() -> None:
    """What v4 calls note.text is stored, say, as b; only what is asked of the store is renamed."""
    renamed = Collection("thing", ATTRIBUTES, stored=lambda path: ("b",) if path == ("note", "text") else path)
    query = parse([("note.text", "x"), ("sort", "note.text"), ("fields", "note.text")], renamed)
    assert query.condition == asked(("b", "x")).condition
    assert query.sort == (Sort(("b",)),)
    assert query.fields is not None
    assert "note" in query.fields


# --- fields -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "selected"),
    [
        (["name"], {"name": "größer 日本"}),
        (["name,severity"], {"name": "größer 日本", "severity": "Major"}),
        (["name", "severity"], {"name": "größer 日本", "severity": "Major"}),
        ([" name , severity "], {"name": "größer 日本", "severity": "Major"}),
        (["none"], {}),
        ([""], {}),
        (["name,,"], {"name": "größer 日本"}),
        (["b"], {}),  # known, but this resource has none
        # at depth: what identifies a part, and what the schema requires of it, stays
        (
            ["note.text"],
            {
                "note": [
                    {"id": "n1", "author": "hotline", "text": "first"},
                    {"id": "n2", "author": "field", "text": "second"},
                ]
            },
        ),
        (["relatedEntity.entity.name"], {"relatedEntity": [{"entity": {"id": "line-4711"}}]}),
        (["note.text,note"], {"note": DOCUMENT["note"]}),
        (["note,note.text"], {"note": DOCUMENT["note"]}),
    ],
)
def test_fields_are_the_members_asked_for(texts: list[str], selected: dict[str, Any]) -> None:
    assert select(DOCUMENT, fields_of(texts, ATTRIBUTES)) == {"id": "7", **selected}


def test_without_fields_everything_is_selected() -> None:
    assert fields_of([], ATTRIBUTES) is None
    assert select(DOCUMENT, None) is DOCUMENT


def test_a_version_may_keep_other_members_or_none() -> None:
    assert select(DOCUMENT, fields_of(["name"], ATTRIBUTES), frozenset()) == {"name": "größer 日本"}


# --- anything at all --------------------------------------------------------------------------------------------------

_NAMES = st.sampled_from(
    [
        *sorted(ATTRIBUTES.members),
        "note.text",
        "characteristic.x",
        "limit",
        "offset",
        "fields",
        "sort",
        "after",
        "filter",
    ]
)
_OPERATORS = st.sampled_from(["", ".gt", ".ne", ".regex", ">", "<", "!", "*", ";a=1", "%"])
_TEXTS = st.text() | st.text("abc0159.,;'\"*=<>&|()[]?@$~-+ ", max_size=12)


@given(st.lists(st.tuples(st.builds(str.__add__, _NAMES, _OPERATORS) | st.text(), _TEXTS)))
def test_any_query_string_is_understood_or_refused(pairs: Any) -> None:
    try:
        query = asked(*pairs)
    except BadQuery:
        return
    assert 0 <= query.limit <= PAGE
    assert 0 <= query.offset <= 2**62
    finds(DOCUMENT, *pairs)


@given(st.dictionaries(st.sampled_from(["name", "b", "c"]), st.text(min_size=1).filter(str.strip), min_size=1))
def test_every_text_finds_its_resource_as_it_is_echoed(document: dict[str, str]) -> None:
    """A kit filters every mandatory attribute by what it was answered; an empty list fails it."""
    for name, value in document.items():
        if not value.startswith("~"):  # which is the sign of a regular expression
            try:
                assert finds(document, (name, value))
            except BadQuery:  # unless it reads like another condition
                assert ";" in value


def test_quotes_that_close_nowhere_are_each_looked_at_once() -> None:
    value = "," + ",".join(["'x"] * 20_000)  # of 60 kB; its square would take minutes
    with pytest.raises(BadQuery, match="values"):
        asked(("name", value))
