"""What a specification demands of the characteristics of a ticket, and what is wrong with a ticket that names it.

Of TMF621's CharacteristicSpecification these are held to: ``minCardinality`` and ``maxCardinality`` (0 or absent: any
number, as in the standard's own example), ``valueType``, ``regex``, ``validFor``, ``extensible``, and of its
``characteristicValueSpecification`` the values, ranges, expressions and ``validFor``, of which one must fit. Not held
to are ``isUnique``, ``configurable``, ``charSpecRelationship`` and ``@valueSchemaLocation``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tmf_adapter.tmf.errors import Fault, Invalid
from tmf_adapter.tmf.events import Doc, same
from tmf_adapter.tmf.time import instant, stamp

Matches = Callable[[str], bool]
Compile = Callable[[str], Matches]
"""Makes a regular expression into a test of a whole text, in time linear in it; ``ValueError`` says what is wrong."""

MEMBER = "troubleTicketCharacteristic"
REFERENCE = "troubleTicketSpecification"
NOT_USED = frozenset({"rejected", "retired", "obsolete"})
"""No ticket may begin to name a specification with one of these statuses."""

INTERVALS = ("closed", "open", "closedBottom", "closedTop")
"""Which ends of a range belong to it; the first goes without saying."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of value, by what it is called in a sentence."""

    noun: str
    fits_one: Callable[[Any], bool]
    is_ordered: bool = False
    is_list: bool = False

    def fits(self, value: Any) -> bool:
        """Whether the value, as it stands under ``value``, is of the kind; a list may hold several."""
        if isinstance(value, list):
            return all(map(self.fits_one, value))
        return not self.is_list and self.fits_one(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()


def _is_instant(value: Any) -> bool:
    return isinstance(value, str) and instant(value) is not None


_TEXT = Kind("a text", lambda value: isinstance(value, str))
_INTEGER = Kind("an integer", _is_integer, is_ordered=True)
_NUMBER = Kind("a number", _is_number, is_ordered=True)
_BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))
_OBJECT = Kind("an object", lambda value: isinstance(value, dict))
_DATE = Kind("a date", lambda value: _is_instant(value) and len(value) == 10)
_INSTANT = Kind("a date and time", lambda value: _is_instant(value) and len(value) > 10)

_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("string", "text"), _TEXT),
    **dict.fromkeys(("integer", "int", "long"), _INTEGER),
    **dict.fromkeys(("number", "numeric", "float", "double", "decimal"), _NUMBER),
    **dict.fromkeys(("boolean", "bool"), _BOOLEAN),
    **dict.fromkeys(("object", "map"), _OBJECT),
    "date": _DATE,
    **dict.fromkeys(("datetime", "timestamp"), _INSTANT),
}


def kind_of(value_type: Any) -> Kind | None:
    """What ``valueType`` means, a free text in the standard; None where that is not known and nothing can be held."""
    if not isinstance(value_type, str):
        return None
    word = value_type.lower().replace("-", "").replace("_", "").replace("[]", "array").strip()
    if not word.endswith("array"):
        return _KINDS.get(word)
    one = _KINDS.get(word.removesuffix("array"))
    return one and Kind(f"a list, each {one.noun}", one.fits_one, one.is_ordered, is_list=True)


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when, in microseconds since 1970; None for an open end."""

    start: int | None
    end: int | None

    @classmethod
    def of(cls, holder: Doc) -> "Period":
        said = holder.get("validFor", {})
        return cls(instant(said.get("startDateTime", "")), instant(said.get("endDateTime", "")))

    def holds(self, now: int) -> bool:
        return (self.start is None or self.start <= now) and (self.end is None or now <= self.end)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One form that a value may have: a ``characteristicValueSpecification``."""

    document: Doc
    matches: Matches | None
    period: Period

    @classmethod
    def of(cls, document: Doc, compile: Compile) -> "Allowed":
        return cls(document, _matcher(document, compile), Period.of(document))

    def fits(self, value: Any) -> bool:
        """Whether the value is the one named, lies in the range and matches the expression, as far as there are any."""
        said = self.document
        if "value" in said and not any(same(value, one) for one in _each(said["value"])):
            return False
        if ("valueFrom" in said or "valueTo" in said) and not (_is_number(value) and self._is_within(value)):
            return False
        return _is_match(self.matches, value)

    def _is_within(self, value: float) -> bool:
        interval = self.document.get("rangeInterval", INTERVALS[0])
        low, high = self.document.get("valueFrom", value), self.document.get("valueTo", value)
        above = value > low if interval in ("open", "closedTop") and "valueFrom" in self.document else value >= low
        below = value < high if interval in ("open", "closedBottom") and "valueTo" in self.document else value <= high
        return bool(above and below)

    def __str__(self) -> str:
        said = self.document
        words = [repr(said["value"])] if "value" in said else []
        if "valueFrom" in said or "valueTo" in said:
            words.append(f"{said.get('valueFrom', '...')} to {said.get('valueTo', '...')}")
        return ", ".join([*words, *([f"matching {said['regex']}"] if "regex" in said else [])])


@dataclass(frozen=True, slots=True)
class Found:
    """A value on a ticket, and where."""

    pointer: str
    value: Any


@dataclass(frozen=True, slots=True)
class Rule:
    """What is demanded of one characteristic. ``maximum`` 0 is any number."""

    name: str
    minimum: int
    maximum: int
    kind: Kind | None
    regex: str | None
    matches: Matches | None
    period: Period
    allowed: Sequence[Allowed]

    @classmethod
    def of(cls, document: Doc, compile: Compile) -> "Rule":
        forms = () if document.get("extensible") else document.get("characteristicValueSpecification", ())
        return cls(
            str(document.get("name")),
            document.get("minCardinality", 0),
            document.get("maxCardinality", 0),
            kind_of(document.get("valueType")),
            document.get("regex"),
            _matcher(document, compile),
            Period.of(document),
            [Allowed.of(form, compile) for form in forms if form.keys() & {"value", "valueFrom", "valueTo", "regex"}],
        )

    def faults(self, values: Sequence[Found], now: int) -> Iterator[Fault]:
        """What is wrong with the values that a ticket has for it."""
        if len(values) < self.minimum:
            there = f"{len(values)} of {self.minimum} values" if values else "no value"
            yield Fault(f"/{MEMBER}", f"has {there} for {self.name}, which the specification makes mandatory")
        for extra in values[self.maximum :] if self.maximum else ():
            yield Fault(extra.pointer, f"is one too many; {self.name} has at most {self.maximum}")
        forms = [form for form in self.allowed if form.period.holds(now)]
        for found in values:
            if fault := self._fault(found.value, forms):
                yield Fault(found.pointer, fault)

    def _fault(self, value: Any, forms: Sequence[Allowed]) -> str | None:
        if self.kind is not None and not self.kind.fits_one(value):
            return f"must be {self.kind.noun}, as the specification says of {self.name}"
        if not _is_match(self.matches, value):
            return f"must match {self.regex}, as the specification says of {self.name}"
        if forms and not any(form.fits(value) for form in forms):
            return f"is none of the values that the specification allows: {'; '.join(map(str, forms))[:300]}"
        return None


@dataclass(frozen=True, slots=True)
class Specification:
    """A specification, ready to hold tickets to. ``is_open``: characteristics that it does not know are allowed."""

    name: str
    version: str | None
    status: str
    period: Period
    rules: Mapping[str, Rule]
    is_open: bool

    @classmethod
    def of(cls, document: Doc, compile: Compile) -> "Specification":
        rules = [Rule.of(one, compile) for one in document.get("specCharacteristic", ())]
        return cls(
            str(document["name"]),
            document.get("version"),
            str(document["lifecycleStatus"]),
            Period.of(document),
            {rule.name: rule for rule in rules},
            document.get("extensible") is not False,
        )

    def why_not(self, reference: Doc, now: datetime) -> Fault | None:
        """Why no ticket may begin to name it."""
        if self.status in NOT_USED:
            return Fault(f"/{REFERENCE}/id", f"names {self.name!r}, which is {self.status}")
        if not self.period.holds(_microseconds(now)):
            return Fault(f"/{REFERENCE}/id", f"names {self.name!r}, which is not valid at this time")
        wanted = reference.get("version", self.version)
        if self.version is not None and wanted != self.version:
            return Fault(f"/{REFERENCE}/version", f"is not the specification's, {self.version!r}")
        return None

    def faults(self, ticket: Doc, before: Doc | None, now: datetime) -> Iterator[Fault]:
        """What is wrong with the characteristics of the ticket, as it is to be."""
        entries = ticket.get(MEMBER, ())
        moment = _microseconds(now)
        for rule in self.rules.values():
            if rule.period.holds(moment):
                yield from rule.faults(list(_values(entries, rule)), moment)
        if self.is_open:
            return
        known = self.rules.keys() | {entry.get("name") for entry in (before or {}).get(MEMBER, ())}
        for number, entry in enumerate(entries):
            if entry.get("name") not in known:
                names = ", ".join(self.rules) or "none"
                yield Fault(f"/{MEMBER}/{number}/name", f"is no characteristic of {self.name!r}, which has: {names}")


Known = Mapping[str, Specification | None]
"""Specifications by id; None for one that there is not."""


class Unread(Exception):
    """The specification of this id has to be read first."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


def hold(before: Doc | None, after: Doc, known: Known, now: datetime) -> None:
    """Hold a ticket to the specification that it names, if any.

    A change that touches neither the name of the specification nor the characteristics is nobody's business here, so
    that a ticket can go on whatever becomes of its specification. Raises ``Invalid``, and ``Unread`` for a
    specification that is not ``known`` yet.
    """
    reference = after.get(REFERENCE)
    if reference is None:
        return
    earlier = before or {}
    is_new = earlier.get(REFERENCE) != reference
    if not is_new and same(earlier.get(MEMBER), after.get(MEMBER)):
        return
    id_ = str(reference.get("id"))
    if id_ not in known:
        raise Unread(id_)
    if faults := list(_faults(known[id_], reference, before, after, now, is_new=is_new)):
        raise Invalid("The ticket does not fit its specification.", faults=faults)


def _faults(
    specification: Specification | None, reference: Doc, before: Doc | None, after: Doc, now: datetime, *, is_new: bool
) -> Iterator[Fault]:
    if specification is None:
        if is_new:
            yield Fault(f"/{REFERENCE}/id", "names no specification that there is")
    elif is_new and (fault := specification.why_not(reference, now)):
        yield fault
    else:
        yield from specification.faults(after, before, now)


def _values(entries: Sequence[Doc], rule: Rule) -> Iterator[Found]:
    """Each value of the characteristic: those of several entries with its name, and those of a list."""
    for number, entry in enumerate(entries):
        if entry.get("name") != rule.name or entry.get("value") is None:
            continue
        pointer, value = f"/{MEMBER}/{number}/value", entry["value"]
        for place, one in enumerate(_each(value)):
            yield Found(f"{pointer}/{place}" if one is not value else pointer, one)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _matcher(holder: Doc, compile: Compile) -> Matches | None:
    return compile(holder["regex"]) if "regex" in holder else None


def _is_match(matches: Matches | None, value: Any) -> bool:
    return matches is None or (isinstance(value, str) and matches(value))


def _microseconds(now: datetime) -> int:
    moment = instant(stamp(now))
    assert moment is not None, "a stamp is an instant"
    return moment
