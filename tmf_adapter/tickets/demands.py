"""What a specification demands of the characteristics of a ticket, and what is wrong with a ticket that names it.

Of TMF621's CharacteristicSpecification these are held to: ``minCardinality`` and ``maxCardinality`` (0 or absent: any
number, as in the standard's own example), ``valueType``, ``regex``, ``validFor``, ``extensible``, ``configurable``, of
``charSpecRelationship`` dependency and exclusivity, and of its ``characteristicValueSpecification`` the values, ranges,
expressions and ``validFor``, of which one must fit. ``isUnique`` is a matter of all tickets (``tickets/unique.py``).
``@valueSchemaLocation`` is a link for people; nothing is fetched.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tmf_adapter.tickets.values import Allowed, Compile, Kind, Matches, Period, each, is_match, kind_of, matcher
from tmf_adapter.tmf.errors import Fault, Invalid
from tmf_adapter.tmf.events import Doc, same
from tmf_adapter.tmf.time import instant, stamp

MEMBER = "troubleTicketCharacteristic"
REFERENCE = "troubleTicketSpecification"
NOT_USED = frozenset({"rejected", "retired", "obsolete"})
"""No ticket may begin to name a specification with one of these statuses."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value on a ticket, and where."""

    pointer: str
    value: Any


@dataclass(frozen=True, slots=True)
class Relation:
    """What a characteristic demands of another of the same specification: that it is there too, or that it is not."""

    target: str
    is_dependency: bool
    period: Period

    def fault(self, name: str, pointer: str, values: "Mapping[str, Sequence[Found]]") -> Fault | None:
        """What is wrong when a ticket has ``name`` (at ``pointer``) beside its other ``values``."""
        if self.is_dependency and not values.get(self.target):
            return Fault(pointer, f"is given without {self.target}, on which {name} depends")
        if not self.is_dependency and values.get(self.target):
            return Fault(pointer, f"is given together with {self.target}, which {name} excludes")
        return None


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
    relations: Sequence[Relation]
    is_unique: bool

    @classmethod
    def of(cls, document: Doc, compile: Compile, relations: Sequence[Relation]) -> "Rule":
        return cls(
            str(document.get("name")),
            document.get("minCardinality", 0),
            document.get("maxCardinality", 0),
            kind_of(document.get("valueType")),
            document.get("regex"),
            matcher(document, compile),
            Period.of(document),
            [Allowed.of(form, compile) for form in _forms(document)],
            relations,
            document.get("isUnique") is True,
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
        if not is_match(self.matches, value):
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
        rules = [
            Rule.of(one, compile, list(_relations(one, document))) for one in document.get("specCharacteristic", ())
        ]
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

    def unique(self, ticket: Doc, now: datetime) -> Mapping[str, Sequence[Found]]:
        """The values of the ticket that no other ticket of this specification may have, by their characteristic."""
        values = values_of(ticket.get(MEMBER, ()))
        rules = (rule for rule in self._rules_at(_microseconds(now)) if rule.is_unique)
        return {rule.name: values[rule.name] for rule in rules if rule.name in values}

    def _rules_at(self, moment: int) -> Iterator[Rule]:
        return (rule for rule in self.rules.values() if rule.period.holds(moment))

    def faults(self, ticket: Doc, before: Doc | None, now: datetime) -> Iterator[Fault]:
        """What is wrong with the characteristics of the ticket, as it is to be."""
        entries = ticket.get(MEMBER, ())
        moment = _microseconds(now)
        values = values_of(entries)
        for rule in self._rules_at(moment):
            found = values.get(rule.name, ())
            yield from rule.faults(found, moment)
            for relation in rule.relations if found else ():
                if relation.period.holds(moment) and (fault := relation.fault(rule.name, found[0].pointer, values)):
                    yield fault
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


def values_of(entries: Sequence[Doc]) -> Mapping[str, Sequence[Found]]:
    """The values of each characteristic: those of several entries with its name, and those of a list."""
    values: dict[str, list[Found]] = {}
    for number, entry in enumerate(entries):
        name, value = entry.get("name"), entry.get("value")
        if not isinstance(name, str) or value is None:
            continue
        pointer = f"/{MEMBER}/{number}/value"
        for place, one in enumerate(each(value)):
            found = Found(f"{pointer}/{place}" if one is not value else pointer, one)
            values.setdefault(name, []).append(found)
    return values


def _forms(document: Doc) -> Sequence[Doc]:
    """The forms that demand something. Of what nobody may configure, only the defaults, where there are any."""
    forms = document.get("characteristicValueSpecification", ())
    defaults = [form for form in forms if form.get("isDefault")] if document.get("configurable") is False else []
    if document.get("extensible") and not defaults:
        return []
    return [form for form in defaults or forms if form.keys() & {"value", "valueFrom", "valueTo", "regex"}]


def _relations(document: Doc, specification: Doc) -> Iterator[Relation]:
    """Those that a ticket can be held to: to a characteristic of the same specification, by its name or its id."""
    names = {one["id"]: one.get("name") for one in specification.get("specCharacteristic", ()) if "id" in one}
    for said in document.get("charSpecRelationship", ()):
        kind = str(said.get("relationshipType")).lower()
        target = said.get("name") or names.get(said.get("characteristicSpecificationId"))
        is_within = said.get("parentSpecificationId") in (None, specification.get("id"))
        if kind in ("dependency", "exclusivity") and target and is_within:
            yield Relation(target, kind == "dependency", Period.of(said))


def _microseconds(now: datetime) -> int:
    moment = instant(stamp(now))
    assert moment is not None, "a stamp is an instant"
    return moment
