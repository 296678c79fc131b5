"""The TMF630 query string, as far as it goes today."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.query import PAGE, Query, parse, parse_fields, select

ATTRIBUTES = frozenset({"id", "href", "@type", "name", "severity", "status", "description", "note"})


def filters(*pairs: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    return dict(parse(pairs, ATTRIBUTES).filters)


def test_an_empty_query_asks_for_everything_from_the_start() -> None:
    assert parse([], ATTRIBUTES) == Query((), None, 0, PAGE)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        # one attribute, one value
        ([("severity", "major")], {"severity": ("major",)}),
        # different attributes are all to hold
        ([("severity", "major"), ("status", "held")], {"severity": ("major",), "status": ("held",)}),
        # the same one again, or a comma: any of them
        ([("status", "held"), ("status", "pending")], {"status": ("held", "pending")}),
        ([("status", "held,pending")], {"status": ("held", "pending")}),
        ([("status", "held,pending"), ("status", "closed")], {"status": ("held", "pending", "closed")}),
        # a pair of quotes is dropped, as two kits send them
        ([("severity", "'major'")], {"severity": ("major",)}),
        ([("severity", '"major"')], {"severity": ("major",)}),
        ([("status", "'held','pending'")], {"status": ("held", "pending")}),
        # only a pair, and only one
        ([("name", "'tis")], {"name": ("'tis",)}),
        ([("name", "'x\"")], {"name": ("'x\"",)}),
        ([("name", "''x''")], {"name": ("'x'",)}),
        ([("name", "'")], {"name": ("'",)}),
        # nothing at all is a value too
        ([("name", "")], {"name": ("",)}),
        ([("name", "''")], {"name": ("",)}),
        # what looks like an operator inside a value is text
        ([("name", ">5")], {"name": (">5",)}),
        ([("name", "a=b")], {"name": ("a=b",)}),
        # an attribute with an @, and text of any alphabet
        ([("@type", "TroubleTicket")], {"@type": ("TroubleTicket",)}),
        ([("name", "größer 日本")], {"name": ("größer 日本",)}),
    ],
)
def test_an_attribute_is_filtered_by_its_values(
    pairs: list[tuple[str, str]], expected: dict[str, tuple[str, ...]]
) -> None:
    """A value with a comma may stand beside its parts, so that a text can be found as it was echoed."""
    found = {name: tuple(part for part in values if "," not in part) for name, values in filters(*pairs).items()}
    assert found == expected


def test_a_comma_inside_quotes_belongs_to_the_value() -> None:
    assert filters(("description", '"No light, no sound"')) == {"description": ("No light, no sound",)}


def test_a_text_with_a_comma_can_be_found_by_its_value_as_echoed() -> None:
    """A kit filters every mandatory attribute by what it was answered, unquoted; an empty list fails it."""
    assert "No light, no sound" in filters(("description", "No light, no sound"))["description"]


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("nmae", "x", "nmae"),  # misspelt
        ("Severity", "x", "Severity"),  # names have a case
        ("", "x", "''"),  # no name
        ("severity.gt", "x", "severity.gt"),  # an operator we do not have
        ("severity.eq", "x", "severity.eq"),
        ("note.text", "x", "note.text"),  # a path
        ("severity>", "x", "severity>"),  # a URI operator
        ("severity*", "x", "severity*"),
        ("sort", "name", "sort"),  # declared elsewhere, nothing here knows it
    ],
)
def test_an_unknown_attribute_or_operator_is_refused_by_name(name: str, value: str, named: str) -> None:
    with pytest.raises(BadQuery) as refused:
        parse([(name, value)], ATTRIBUTES)
    assert refused.value.status == 400
    assert named in refused.value.reason
    assert refused.value.message


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
    assert parse([("limit", value)], ATTRIBUTES).limit == limit
    assert parse([("offset", value)], ATTRIBUTES).offset == offset


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
        "--99999999999999999999999999",
        "²²²²²²²²²²²²²²²²²²²²²²²²",
        "9" * 30 + "x",
    ],
)
@pytest.mark.parametrize("name", ["limit", "offset"])
def test_a_limit_or_offset_that_is_no_integer_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadQuery) as refused:
        parse([(name, value)], ATTRIBUTES)
    assert name in refused.value.reason
    assert len(refused.value.reason) < 200


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("fields", "name")], {"name"}),
        ([("fields", "name,severity")], {"name", "severity"}),
        ([("fields", "name"), ("fields", "severity")], {"name", "severity"}),  # repeated: both
        ([("fields", " name , severity ")], {"name", "severity"}),
        ([("fields", "none")], set()),  # only what identifies
        ([("fields", "")], set()),
        ([("fields", "name,,")], {"name"}),
        ([], None),  # everything
    ],
)
def test_fields_are_the_members_asked_for(pairs: list[tuple[str, str]], expected: set[str] | None) -> None:
    fields = parse(pairs, ATTRIBUTES).fields
    assert fields == (frozenset(expected) if expected is not None else None)


@pytest.mark.parametrize("value", ["nmae", "name,nmae", "note.text", "@referredType"])
def test_an_unknown_field_is_refused_by_name(value: str) -> None:
    with pytest.raises(BadQuery):
        parse_fields(value, ATTRIBUTES)


DOCUMENT = {"@type": "T", "@baseType": "B", "id": "1", "href": "/1", "name": "x", "severity": "major", "note": []}


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (None, set(DOCUMENT)),
        # v5: TroubleTicket_RES requires id and href, Extensible requires @type
        (frozenset(), {"@type", "id", "href"}),
        (frozenset({"name"}), {"@type", "id", "href", "name"}),
        (frozenset({"@baseType"}), {"@type", "id", "href", "@baseType"}),
        # known, but this resource has none
        (frozenset({"description"}), {"@type", "id", "href"}),
    ],
)
def test_a_selection_always_has_id_href_and_type(fields: frozenset[str] | None, names: set[str]) -> None:
    before = dict(DOCUMENT)
    selected = select(DOCUMENT, fields)
    assert set(selected) == names
    assert all(selected[name] == DOCUMENT[name] for name in names)
    assert before == DOCUMENT


_NAMES = st.sampled_from([*sorted(ATTRIBUTES), "limit", "offset", "fields"]) | st.text()


@given(st.lists(st.tuples(_NAMES, st.text())))
def test_any_query_string_is_understood_or_refused(pairs: Any) -> None:
    try:
        query = parse(pairs, ATTRIBUTES)
    except BadQuery:
        return
    assert 0 <= query.limit <= PAGE
    assert 0 <= query.offset <= 2**62
    assert {name for name, _ in query.filters} <= ATTRIBUTES
