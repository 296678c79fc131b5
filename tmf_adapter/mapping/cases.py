"""Cases of a mapping: given a ticket and what happens, what must be called and reported.

They stand under ``tests`` in the mapping's own file, or in a file beside it that ends in ``.cases.yaml``.
"""

from collections import abc
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from tmf_adapter.mapping.fields import Choice, Count, Flag, Inner, Plain, Several, free, needed, refuse_type
from tmf_adapter.mapping.keys import Keys
from tmf_adapter.mapping.parts import KINDS, Outcome
from tmf_adapter.mapping.sample import SAMPLE
from tmf_adapter.tmf.events import Author, Change, Doc, Kind, Stored, raise_event

CASES_ENDING = ".cases.yaml"


class Happens(StrEnum):
    """What can happen to a recovery: the key of an item of ``happens``."""

    EVENT = "event"
    LATE = "late"
    REFUSED = "refused"
    APPROVED = "approved"
    DENIED = "denied"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Happening:
    """One thing that happens: ``subject`` is the step, or the person; ``members`` are what an event has.

    ``resource`` is the event's, where it is not the step's own.
    """

    kind: Happens
    subject: str
    members: abc.Mapping[str, Any] = field(default_factory=dict)
    resource: str = ""


@dataclass(frozen=True)
class Call:
    """A call that is expected: what is None is not looked at, ``body`` must be contained in the real one."""

    step: str | None = None
    call: str | None = None
    target: str | None = None
    body: Any = None


@dataclass(frozen=True)
class Expected:
    """What must come of it; None is not looked at. ``report`` is the last one that is written on the ticket."""

    starts: bool = True
    calls: tuple[Call, ...] | None = None
    outcome: Outcome | None = None
    report: abc.Mapping[str, Any] | None = None
    asks: str | None = None
    waits: bool = False


@dataclass(frozen=True)
class Given:
    """The ticket that changes. ``was`` are the members that were different before; None: it is created."""

    ticket: Doc
    was: Doc | None = None
    events: tuple[Kind, ...] = ()
    episode: int = 1
    open: abc.Mapping[str, abc.Mapping[str, int]] = field(default_factory=dict)

    def change(self, now: datetime) -> Change:
        """The change that the mappings are asked about."""
        before = {**self.ticket, **self.was} if self.was is not None else None
        told = self.events or (_told(before, self.ticket),)
        events = tuple(raise_event(kind, "troubleTicket", self.ticket, now) for kind in told)
        was = Stored(before, 1, self.episode) if before is not None else None
        return Change("troubleTicket", was, Stored(self.ticket, 1, self.episode), events, Author.CLIENT)


def _told(before: Doc | None, after: Doc) -> Kind:
    if before is None:
        return Kind.CREATE
    return Kind.STATUS if before["status"] != after["status"] else Kind.ATTRIBUTE


@dataclass(frozen=True)
class Case:
    """One case of the mapping ``mapping``."""

    name: str
    given: Given
    happens: tuple[Happening, ...] = ()
    expect: Expected = field(default_factory=Expected)


class Members(fields.Field[dict[str, Any]]):
    """Keys and values as they stand."""

    def _deserialize(self, value: Any, *_args: Any, **_: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise refuse_type("keys and values", value)
        return value


class _Given(Keys):
    ticket = Members(**free(dict))
    char = Members(**free(dict))
    rel = Members(**free(dict))
    party = Members(**free(dict))
    was = Members(**free())
    events = Several(Choice(Kind, KINDS), **free(list))
    episode = Count(1, 1000, **free(1))
    open = Members(**free(dict))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Given:
        ticket = {**_BARE, **data["ticket"]}
        for member, name, make in _SHORT:
            if data[name]:
                ticket[member] = [*ticket.get(member, ()), *(one for pair in data[name].items() for one in make(*pair))]
        was, events = data["was"], tuple(data["events"])
        return Given(ticket, was, events, data["episode"], data["open"])


_BARE = {name: SAMPLE[name] for name in ("@type", "id", "href", "description", "ticketType", "severity", "status")}


def _characteristic(name: str, value: Any) -> list[Doc]:
    return [{"@type": "Characteristic", "name": name, "value": value}]


def _entities(role: str, ids: Any) -> list[Doc]:
    several = ids if isinstance(ids, list) else [ids]
    return [{"@type": "RelatedEntity", "role": role, "entity": {"@type": "EntityRef", "id": id_}} for id_ in several]


def _party(role: str, id_: Any) -> list[Doc]:
    party = {"@type": "PartyRef", "id": id_, "@referredType": "Individual"}
    return [{"@type": "RelatedPartyRefOrPartyRoleRef", "role": role, "partyOrPartyRole": party}]


_SHORT: tuple[tuple[str, str, Any], ...] = (
    ("troubleTicketCharacteristic", "char", _characteristic),
    ("relatedEntity", "rel", _entities),
    ("relatedParty", "party", _party),
)
"""What short forms of a case become in the ticket."""


class _Happening(Keys):
    event = Plain(**free())
    late = Plain(**free())
    refused = Plain(**free())
    approved = Plain(**free())
    denied = Plain(**free())
    answered = Flag(**free())
    unanswered = Flag(**free())
    expired = Flag(**free())
    with_ = Members(data_key="with", **free(dict))
    resource = Plain(**free())

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_thing(self, _data: Any, original: Any, **_: Any) -> None:
        said = [kind for kind in Happens if isinstance(original, dict) and kind.value in original]
        if len(said) != 1:
            raise ValidationError(f"must say one thing that happens: {', '.join(Happens)}")

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Happening:
        kind = next(kind for kind in Happens if data[kind.value] is not None)
        subject = data[kind.value] if isinstance(data[kind.value], str) else ""
        return Happening(kind, subject, data["with_"], data["resource"] or "")


class CallField(fields.Field[Call]):
    """A call: its name, or its step, call, target and body."""

    def _deserialize(self, value: Any, *_args: Any, **_: Any) -> Call:
        if isinstance(value, str):
            return Call(call=value) if "." in value else Call(step=value)
        known = {"step", "call", "target", "body"}
        if not isinstance(value, dict) or not value.keys() <= known:
            raise ValidationError("must be a call such as tmf656.createServiceProblem, or step, call, target and body")
        return Call(**value)


class _Expected(Keys):
    makes = Expected
    starts = Flag(**free(True))
    calls = fields.List(CallField(), **free())
    outcome = Choice(Outcome, **free())
    report = Members(**free())
    asks = Plain(**free())
    waits = Flag(**free(False))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Expected:
        calls = None if data["calls"] is None else tuple(data["calls"])
        return Expected(**{**data, "calls": calls})


class CaseKeys(Keys):
    """One item of ``tests``. Loads to ``Case``."""

    name = Plain(**needed("what the case shows, in a few words"))
    given = Inner(_Given, **free(lambda: Given(dict(_BARE))))
    happens = Several(Inner(_Happening), **free(list))
    expect = Inner(_Expected, **needed("what must come of it"))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Case:
        return Case(data["name"], data["given"], tuple(data["happens"]), data["expect"])


class CasesSchema(Keys):
    """A file that ends in ``.cases.yaml``. Loads to the mapping's id and its cases."""

    mapping = Plain(**needed("the id of the mapping that the cases are of"))
    tests = Several(Inner(CaseKeys), **needed("the cases"))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> tuple[str, tuple[Case, ...]]:
        return data["mapping"], tuple(data["tests"])
