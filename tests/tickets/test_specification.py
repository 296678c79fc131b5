"""Ticket specifications: which ones contradict themselves, and what they make of tickets; tables."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmf_adapter.api.schemas import pattern
from tmf_adapter.tickets.demands import Specification, Unread, hold
from tmf_adapter.tickets.specification import check
from tmf_adapter.tickets.values import kind_of
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Doc

NOW = datetime(2026, 3, 11, 6, 41, 12, tzinfo=UTC)
PAST, FUTURE = {"endDateTime": "2025-12-31T00:00:00Z"}, {"startDateTime": "2027-01-01T00:00:00+01:00"}


def specified(*characteristics: Doc, **members: Any) -> Doc:
    return {"name": "line fault", "lifecycleStatus": "active", "specCharacteristic": list(characteristics), **members}


def line(**members: Any) -> Doc:
    """One characteristic, with whatever is demanded of it."""
    return {"name": "line", "valueType": "string", **members}


def form(**members: Any) -> Doc:
    """One form that its values may have."""
    return {"characteristicValueSpecification": [members]}


def forms(*members: Doc) -> Doc:
    return {"characteristicValueSpecification": list(members)}


# --- specifications that contradict themselves

C = "/specCharacteristic/0"
V = f"{C}/characteristicValueSpecification/0"
CONTRADICTIONS: list[tuple[Doc, list[str]]] = [
    (specified(line(minCardinality=2, maxCardinality=1)), [f"{C}/maxCardinality"]),
    (specified(line(minCardinality=1, maxCardinality=0)), []),  # the standard's own example: 0 is any number
    (specified(line(minCardinality=-1, maxCardinality=-1)), [f"{C}/minCardinality", f"{C}/maxCardinality"]),
    (specified(line(), line()), ["/specCharacteristic/1/name"]),
    (specified(line(regex="[a-z")), [f"{C}/regex"]),
    (specified(line(regex="a)|(b")), [f"{C}/regex"]),  # not even when brackets around it would close it
    (specified(line(regex=r"(a)\1")), [f"{C}/regex"]),  # needs more than a finite automaton
    (specified(line(regex=r"[A-Z]{3}|\d+")), []),
    (specified(line(regex="a" * 1_001)), [f"{C}/regex"]),
    (specified(line(valueType="number", **form(valueFrom=5, valueTo=4))), [f"{V}/valueTo"]),
    (specified(line(valueType="number", **form(valueFrom=4, valueTo=4))), []),
    (specified(line(**form(valueFrom=1))), [f"{V}/valueFrom"]),  # texts have no range
    (specified(line(valueType="kilometres", **form(valueFrom=1))), []),  # nobody knows what that is
    (specified(line(valueType="number", **form(valueFrom=1, rangeInterval="ajar"))), [f"{V}/rangeInterval"]),
    (specified(line(valueType="integer", **form(value="many", isDefault=True))), [f"{V}/value"]),
    (specified(line(valueType="integer", **form(value=True))), [f"{V}/value"]),
    (specified(line(**form(value=3, valueType="integer"))), []),  # the form has a type of its own
    (specified(line(**form(regex="("))), [f"{V}/regex"]),
    (
        specified(
            line(maxCardinality=1, **forms({"value": "a", "isDefault": True}, {"value": "b", "isDefault": True}))
        ),
        [f"{C}/characteristicValueSpecification/1/isDefault"],
    ),
    (specified(validFor=PAST | FUTURE), ["/validFor/endDateTime"]),
    (specified(line(validFor=PAST | FUTURE)), [f"{C}/validFor/endDateTime"]),
    (specified(line(**form(value="a", validFor=PAST | FUTURE))), [f"{V}/validFor/endDateTime"]),
    (specified(), []),
]


@pytest.mark.parametrize(("document", "pointers"), CONTRADICTIONS)
def test_a_contradiction_is_pointed_at(document: Doc, pointers: list[str]) -> None:
    found: list[str] = []
    try:
        check(document, pattern)
    except Invalid as refused:
        found = [fault.pointer for fault in refused.faults]
    assert found == pointers


def test_an_expression_takes_no_time_whatever_it_is_given() -> None:
    assert not pattern("(a+)+b")("a" * 50_000)


@pytest.mark.parametrize(
    ("value_type", "fitting", "other"),
    [
        ("string", "x", 1),
        ("Text", "x", None),
        ("integer", 3, 3.5),
        ("int", 3.0, True),
        ("number", 3.5, "3.5"),
        ("Numeric", 3, False),
        ("boolean", True, 1),
        ("object", {"a": 1}, "a"),
        ("date", "2026-03-11", "2026-13-11"),
        ("date-time", "2026-03-11T06:00:00Z", "2026-03-11"),
        ("stringArray", ["a", "b"], ["a", 1]),
        ("integer[]", [1, 2], 1),
    ],
)
def test_a_value_type_is_a_word_with_a_meaning(value_type: str, fitting: Any, other: Any) -> None:
    kind = kind_of(value_type)
    assert kind is not None
    assert kind.fits(fitting)
    assert not kind.fits(other)


def test_a_word_without_a_meaning_demands_nothing() -> None:
    assert kind_of("kilometres") is kind_of(None) is kind_of("kilometresArray") is None


# --- tickets


def ticket(*values: Any, name: str = "line") -> Doc:
    """A ticket with a characteristic for each value."""
    entries = [{"@type": "Characteristic", "name": name, "value": value} for value in values]
    return {"troubleTicketSpecification": {"id": "s1"}, "troubleTicketCharacteristic": entries}


def refused(document: Doc, after: Doc, before: Doc | None = None) -> list[str]:
    known = {"s1": Specification.of(document, pattern)}
    try:
        hold(before, after, known, NOW)
    except Invalid as error:
        return [fault.pointer for fault in error.faults]
    return []


T = "/troubleTicketCharacteristic"
TICKETS: list[tuple[Doc, tuple[Any, ...], list[str]]] = [
    # what is demanded, the values there are, where that is wrong
    (line(minCardinality=1), (), [T]),
    (line(minCardinality=1), ("a",), []),
    (line(minCardinality=1), (None,), [T]),  # null is no value
    (line(minCardinality=2), ("a",), [T]),
    (line(minCardinality=2), (["a", "b"],), []),  # a list has several
    (line(maxCardinality=1), ("a", "b", "c"), [f"{T}/1/value", f"{T}/2/value"]),
    (line(maxCardinality=1), (["a", "b"],), [f"{T}/0/value/1"]),
    (line(maxCardinality=0), ("a", "b"), []),
    (line(valueType="integer"), ("1", 2, True, 2.5), [f"{T}/0/value", f"{T}/2/value", f"{T}/3/value"]),
    (line(valueType="kilometres"), ("1", 2), []),
    (line(regex="[a-z]+-[0-9]+"), ("dsl-1", "dsl-", "xdsl-1x", 7), [f"{T}/1/value", f"{T}/2/value", f"{T}/3/value"]),
    (line(**forms({"value": "copper"}, {"value": "fibre"})), ("fibre", "tin"), [f"{T}/1/value"]),
    (line(**forms({"value": "copper"}), extensible=True), ("tin",), []),
    (line(valueType="integer", **forms({"value": "x"}), extensible=True), ("tin",), [f"{T}/0/value"]),
    (line(**forms({"isDefault": True, "unitOfMeasure": "dB"})), ("tin",), []),  # demands nothing
    (line(valueType="any", **forms({"value": 1})), (1, True), [f"{T}/1/value"]),  # true is not 1
    (line(valueType="number", **form(valueFrom=1, valueTo=2)), (0.9, 1, 2, 2.1), [f"{T}/0/value", f"{T}/3/value"]),
    (
        line(valueType="number", **form(valueFrom=1, valueTo=2, rangeInterval="open")),
        (1, 1.5, 2),
        [f"{T}/0/value", f"{T}/2/value"],
    ),
    (line(valueType="number", **form(valueFrom=1, valueTo=2, rangeInterval="closedBottom")), (1, 2), [f"{T}/1/value"]),
    (line(valueType="number", **form(valueFrom=1, valueTo=2, rangeInterval="closedTop")), (1, 2), [f"{T}/0/value"]),
    (line(valueType="number", **form(valueFrom=1)), (0, 1e9), [f"{T}/0/value"]),
    (line(valueType="number", **form(valueTo=1, rangeInterval="open")), (-1e9, 1), [f"{T}/1/value"]),
    (line(valueType="number", **forms({"valueTo": 1}, {"value": 7})), (0, 7, 8), [f"{T}/2/value"]),
    (line(**form(regex="a+")), ("aa", "ab"), [f"{T}/1/value"]),
    (line(**forms({"value": "old", "validFor": PAST}, {"value": "new"})), ("new", "old"), [f"{T}/1/value"]),
    (line(**forms({"value": "new", "validFor": FUTURE})), ("whatever",), []),  # nothing is demanded yet
    (line(minCardinality=1, validFor=PAST), (), []),
    # what nobody may configure is what the specification says by default
    (
        line(configurable=False, **forms({"value": "a", "isDefault": True}, {"value": "b"})),
        ("a", "b"),
        [f"{T}/1/value"],
    ),
    (line(configurable=True, **forms({"value": "a", "isDefault": True}, {"value": "b"})), ("a", "b"), []),
    (line(configurable=False, **forms({"value": "a"}, {"value": "b"})), ("b", "c"), [f"{T}/1/value"]),  # no default
    (line(configurable=False, extensible=True, **forms({"value": "a", "isDefault": True})), ("x",), [f"{T}/0/value"]),
    (line(configurable=False), ("x",), []),
]


@pytest.mark.parametrize(("characteristic", "values", "pointers"), TICKETS)
def test_a_ticket_is_held_to_the_characteristics_of_its_specification(
    characteristic: Doc, values: tuple[Any, ...], pointers: list[str]
) -> None:
    assert refused(specified(characteristic), ticket(*values)) == pointers


def test_what_a_specification_does_not_know_is_refused_where_it_is_not_extensible() -> None:
    unknown = ticket("x", name="colour")
    assert refused(specified(line()), unknown) == []
    assert refused(specified(line(), extensible=True), unknown) == []
    assert refused(specified(line(), extensible=False), unknown) == [f"{T}/0/name"]
    # what the ticket has already, such as a recovery's report, does not get in the way of a change
    both = ticket("x", "y", name="colour")
    assert refused(specified(line(), extensible=False), both, unknown) == []


def related(kind: str, **target: Any) -> Doc:
    """A line that stands in this relationship to a port."""
    return line(charSpecRelationship=[{"relationshipType": kind, **(target or {"name": "port"})}])


PORT: Doc = {"id": "c2", "name": "port"}


@pytest.mark.parametrize(
    ("characteristic", "line_alone", "both"),
    [
        (related("dependency"), [f"{T}/0/value"], []),
        (related("Dependency", characteristicSpecificationId="c2"), [f"{T}/0/value"], []),
        (related("dependency", name="port", parentSpecificationId="s1"), [f"{T}/0/value"], []),
        (related("dependency", name="port", parentSpecificationId="s2"), [], []),  # another specification's
        (related("dependency", characteristicSpecificationId="c9"), [], []),  # nobody knows what that is
        (related("dependency", name="port", validFor=PAST), [], []),
        (related("exclusivity"), [], [f"{T}/0/value"]),
        (related("exclusivity", name="port", validFor=FUTURE), [], []),
        (related("substitution"), [], []),  # says how specifications belong together, not what a ticket is like
        (related("aggregation"), [], []),
        (related("migration"), [], []),
    ],
)
def test_a_characteristic_may_need_or_exclude_another(
    characteristic: Doc, line_alone: list[str], both: list[str]
) -> None:
    document = specified(characteristic, PORT, id="s1")
    port = ticket("p", name="port")
    assert refused(document, ticket("x")) == line_alone
    together = {**port, T[1:]: [*ticket("x")[T[1:]], *port[T[1:]]]}
    assert refused(document, together) == both
    assert refused(document, port) == []


R = "/troubleTicketSpecification"


@pytest.mark.parametrize(
    ("members", "reference", "pointers"),
    [
        ({"lifecycleStatus": "inDesign"}, {}, []),  # so that it can be tried
        ({"lifecycleStatus": "retired"}, {}, [f"{R}/id"]),
        ({"lifecycleStatus": "rejected"}, {}, [f"{R}/id"]),
        ({"lifecycleStatus": "launched"}, {}, []),  # a word of their own
        ({"validFor": PAST}, {}, [f"{R}/id"]),
        ({"validFor": FUTURE}, {}, [f"{R}/id"]),
        ({"version": "2"}, {"version": "1"}, [f"{R}/version"]),
        ({"version": "2"}, {"version": "2"}, []),
        ({"version": "2"}, {}, []),
        ({}, {"version": "1"}, []),
    ],
)
def test_a_ticket_begins_to_name_only_a_specification_that_is_in_use(
    members: Doc, reference: Doc, pointers: list[str]
) -> None:
    named = {"id": "s1", **reference}
    assert refused(specified(**members), {R[1:]: named}) == pointers
    # one that names it already may change
    before = {R[1:]: named}
    assert refused(specified(**members), {**before, T[1:]: [{"name": "line", "value": "x"}]}, before) == []


def test_a_specification_that_is_not_there_is_tolerated_only_where_it_was_named_before() -> None:
    after = ticket("x")
    with pytest.raises(Invalid) as error:
        hold(None, after, {"s1": None}, NOW)
    assert [fault.pointer for fault in error.value.faults] == [f"{R}/id"]
    hold(ticket("y"), after, {"s1": None}, NOW)


def test_a_change_that_touches_neither_is_not_even_looked_up() -> None:
    broken = ticket()
    hold(broken, {**broken, "name": "x", "status": "held"}, {}, NOW)
    hold(None, {"name": "x"}, {}, NOW)
    with pytest.raises(Unread):
        hold(broken, ticket("x"), {}, NOW)
    with pytest.raises(Unread):
        hold({}, broken, {}, NOW)


# --- whatever there may be

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(["a", "2026-03-11", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
_PERIOD = st.fixed_dictionaries(
    {}, optional={"startDateTime": st.sampled_from(["2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"])}
)
_TYPES = st.sampled_from(
    ["string", "integer", "number", "boolean", "object", "date", "dateTime", "string[]", "other", ""]
)
_REGEX = st.sampled_from(["a*", "[a-z]", "(", "^a|b$", "", r"\d{2,3}"])
_FORM = st.fixed_dictionaries(
    {},
    optional={
        "value": _JSON,
        "valueFrom": st.integers(-3, 3),
        "valueTo": st.integers(-3, 3),
        "rangeInterval": st.sampled_from(["open", "closed", "closedTop", "closedBottom", "x"]),
        "regex": _REGEX,
        "isDefault": st.booleans(),
        "valueType": _TYPES,
        "validFor": _PERIOD,
    },
)
_CHARACTERISTIC = st.fixed_dictionaries(
    {"name": st.sampled_from("ab")},
    optional={
        "valueType": _TYPES,
        "minCardinality": st.integers(-1, 2),
        "maxCardinality": st.integers(-1, 2),
        "regex": _REGEX,
        "extensible": st.booleans(),
        "validFor": _PERIOD,
        "characteristicValueSpecification": st.lists(_FORM, max_size=3),
    },
)
_ENTRY = st.fixed_dictionaries({"name": st.sampled_from("abc")}, optional={"value": _JSON})


@given(st.lists(_CHARACTERISTIC, max_size=3), st.booleans(), st.lists(_ENTRY, max_size=4))
def test_a_specification_is_refused_or_can_be_followed(
    characteristics: list[Doc], extensible: bool, entries: list[Doc]
) -> None:
    """Whatever a client writes: one of the two refuses it, or all is well."""
    document = specified(*characteristics, extensible=extensible)
    with suppress(Invalid):
        check(document, pattern)
        hold(None, {R[1:]: {"id": "s1"}, T[1:]: entries}, {"s1": Specification.of(document, pattern)}, NOW)
