"""The ticket specification (TMF621 v5): its rules as a resource, and what makes one impossible to follow."""

from collections.abc import Iterator
from typing import Any

from tmf_adapter.tickets.values import INTERVALS, Compile, kind_of
from tmf_adapter.tmf.errors import Fault, Invalid
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.lifecycle import SPECIFICATION
from tmf_adapter.tmf.time import instant
from tmf_adapter.tmf.tracked import Tracked

RULES = Tracked(
    resource="troubleTicketSpecification",
    type="TroubleTicketSpecification",
    lifecycle=SPECIFICATION,
    server_set=frozenset({"id", "href", "creationDate", "lastUpdate"}),
    mandatory=frozenset({"@type", "name"}),
    history=False,
    resolved_event=False,
    lists=frozenset({"specCharacteristic", "relatedParty"}),
    status="lifecycleStatus",
    first_status="inDesign",
    dates_status=False,
)


def check(document: Doc, compile: Compile) -> None:
    """Raise ``Invalid`` for a specification that no ticket could be held to, with a pointer to each contradiction."""
    if faults := list(_faults(document, compile)):
        raise Invalid("The specification contradicts itself.", faults=faults)


def _faults(document: Doc, compile: Compile) -> Iterator[Fault]:
    yield from _period_faults("", document)
    names = set[str]()
    for number, one in enumerate(document.get("specCharacteristic", ())):
        pointer = f"/specCharacteristic/{number}"
        if one.get("name") in names:
            yield Fault(f"{pointer}/name", "is the name of an earlier characteristic too")
        names.add(one.get("name", ""))
        yield from _characteristic_faults(pointer, one, compile)


def _characteristic_faults(pointer: str, one: Doc, compile: Compile) -> Iterator[Fault]:
    low, high = one.get("minCardinality", 0), one.get("maxCardinality", 0)
    for name, value in (("minCardinality", low), ("maxCardinality", high)):
        if value < 0:
            yield Fault(f"{pointer}/{name}", "must not be negative")
    if 0 < high < low:
        yield Fault(f"{pointer}/maxCardinality", f"is less than minCardinality, {low}; 0 means any number")
    yield from _regex_faults(pointer, one, compile)
    yield from _period_faults(pointer, one)
    values = one.get("characteristicValueSpecification", ())
    for number, value in enumerate(values):
        here = f"{pointer}/characteristicValueSpecification/{number}"
        yield from _value_faults(here, value, one.get("valueType"), compile)
    defaults = [number for number, value in enumerate(values) if value.get("isDefault")]
    for number in defaults[1:] if 0 < high < len(defaults) else ():
        here = f"{pointer}/characteristicValueSpecification/{number}/isDefault"
        yield Fault(here, f"makes {len(defaults)} defaults, where maxCardinality is {high}")


def _value_faults(pointer: str, value: Doc, characteristic_type: Any, compile: Compile) -> Iterator[Fault]:
    kind = kind_of(value.get("valueType", characteristic_type))
    if "value" in value and kind is not None and not kind.fits(value["value"]):
        yield Fault(f"{pointer}/value", f"must be {kind.noun}, as the value type says")
    bounds = [name for name in ("valueFrom", "valueTo") if name in value]
    if bounds and kind is not None and not kind.is_ordered:
        yield Fault(f"{pointer}/{bounds[0]}", f"makes a range, which {kind.noun} has not")
    if len(bounds) == 2 and value["valueFrom"] > value["valueTo"]:
        yield Fault(f"{pointer}/valueTo", f"is less than valueFrom, {value['valueFrom']}")
    if value.get("rangeInterval", INTERVALS[0]) not in INTERVALS:
        yield Fault(f"{pointer}/rangeInterval", f"must be one of {', '.join(INTERVALS)}")
    yield from _regex_faults(pointer, value, compile)
    yield from _period_faults(pointer, value)


def _regex_faults(pointer: str, holder: Doc, compile: Compile) -> Iterator[Fault]:
    try:
        if "regex" in holder:
            compile(holder["regex"])
    except ValueError as error:
        yield Fault(f"{pointer}/regex", str(error))


def _period_faults(pointer: str, holder: Doc) -> Iterator[Fault]:
    period = holder.get("validFor", {})
    start, end = (instant(period.get(name, "")) for name in ("startDateTime", "endDateTime"))
    if start is not None and end is not None and start > end:
        yield Fault(f"{pointer}/validFor/endDateTime", "is before startDateTime")
