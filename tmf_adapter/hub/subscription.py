"""What a listener wants: the events of its API's resources, narrowed by the query it registered with."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson

from tmf_adapter.hub.terms import Terms
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Doc, Event, Resource, event_types, payload_name
from tmf_adapter.tmf.notifications import in_v4, v4_event_types, v4_sees


@dataclass(frozen=True, slots=True)
class Api:
    """One of our documents: the resources whose events it raises, and the path that its operations start with."""

    resources: tuple[Resource, ...]
    path: str
    is_v4: bool = False

    @property
    def event_types(self) -> frozenset[str]:
        """Every event type that a listener of this API may hear of."""
        return frozenset[str]().union(*map(v4_event_types if self.is_v4 else event_types, self.resources))

    def tells(self, event: Event) -> bool:
        """Whether the event is one of this API, and, in v4, there is anything in it that v4 has."""
        if event.resource not in self.resources:
            return False
        return not self.is_v4 or (
            event.type in v4_event_types(event.resource) and v4_sees(event.resource, event.kind, event.payload)
        )


APIS = {
    "tmf621-v5": Api(("troubleTicket", "troubleTicketSpecification"), "/tmf-api/troubleTicket/v5"),
    "tmf656-v5": Api(
        ("serviceProblem", "problemAcknowledgement", "problemUnacknowledgement", "problemGroup", "problemUngroup"),
        "/tmf-api/serviceProblemManagement/v5",
    ),
    "tmf621-v4": Api(("troubleTicket",), "/tmf-api/troubleTicket/v4", is_v4=True),
    "tmf656-v4": Api(("serviceProblem",), "/tmf-api/serviceProblemManagement/v4", is_v4=True),
}
"""Every API a listener can register with, by the name it is stored under."""

_ENVELOPE = {
    *("@type", "@baseType", "eventId", "eventType", "eventTime", "timeOccurred"),
    *("correlationId", "domain", "title", "description", "priority"),
}
_NAME = re.compile(r"[\w@.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """The value at ``path`` in the envelope is one of ``values``; in an array any element will do."""

    path: tuple[str, ...]
    values: frozenset[str]

    def holds(self, envelope: Doc) -> bool:
        return any(_text(value) in self.values for value in _at(envelope, self.path))


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed query: ``types`` in lower case, None for all of them; ``conditions`` must all hold."""

    types: frozenset[str] | None = None
    conditions: tuple[Condition, ...] = ()

    def passes(self, event: Event) -> bool:
        """Whether the event is one of those asked for."""
        if self.types is not None and event.type.lower() not in self.types:
            return False
        return not self.conditions or self._hold(event.envelope())

    def _hold(self, envelope: Doc) -> bool:
        return all(condition.holds(envelope) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A registered listener. ``api`` is a key of ``APIS``; ``query`` is kept as it was sent."""

    id: str
    api: str
    callback: str
    query: str | None
    filter: Filter
    terms: Terms

    @classmethod
    def of(cls, id: str, api: str, callback: str, query: str | None, terms: str = "{}") -> "Subscription":
        """``terms`` as its row has them. Raises ``Invalid`` for a query that cannot be followed."""
        return cls(id, api, callback, query, parse(query, api), Terms.read(terms))

    def wants(self, event: Event) -> bool:
        """An API is told of its own resources only, and a listener of what its query lets through."""
        return APIS[self.api].tells(event) and self.filter.passes(event)

    def notification(self, stored: str) -> bytes:
        """What this listener is sent of an event whose v5 notification is kept as ``stored``: always the same bytes."""
        if not APIS[self.api].is_v4:
            return stored.encode()
        return orjson.dumps(in_v4(orjson.loads(stored)))

    def address(self, notification: bytes) -> str:
        """Where a notification goes: to the callback exactly, unless the terms ask for the path of its event."""
        if not self.terms.append_listener:
            return self.callback
        kind = orjson.loads(notification)["eventType"]
        callback, question, query = self.callback.partition("?")
        return f"{callback.rstrip('/')}/listener/{kind[0].lower()}{kind[1:]}{question}{query}"


def parse(query: str | None, api: str) -> Filter:
    """Read a Hub's ``query``: ``name=value`` parts joined by ``&``, which must all be true.

    ``eventType=A,B`` names event types, in any case; ``event.<resource>.<path>=value`` and members of the envelope
    compare for equality, in an array with any element. Values of one name, comma-separated or repeated, are
    alternatives. A text without any ``=`` asks for nothing in particular and lets everything through: the standard's
    own example registers with ``query: data``. Raises ``Invalid`` at ``/query``, naming the part that is wrong.
    """
    types: set[str] = set()
    values: dict[tuple[str, ...], set[str]] = {}
    for name, alternatives in _parts(query or ""):
        if name == "eventType":
            types.update(_event_type(value, api) for value in alternatives)
        else:
            values.setdefault(_path(name, api), set()).update(alternatives)
    conditions = tuple(Condition(path, frozenset(wanted)) for path, wanted in values.items())
    return Filter(frozenset(types) or None, conditions)


def _parts(query: str) -> Iterator[tuple[str, list[str]]]:
    if "=" not in query:
        return
    for part in query.removeprefix("?").split("&"):
        name, equals, text = part.partition("=")
        name = unquote(name).strip()
        if not equals or not _NAME.fullmatch(name) or text.startswith("="):
            raise _refused(part, "is not of the form name=value; only equality is possible")
        values = [_unquoted(unquote(value).strip()) for value in text.split(",")]
        if "" in values:
            raise _refused(part, "names no value")
        yield ("eventType" if name.lower() == "eventtype" else name), values


def _event_type(value: str, api: str) -> str:
    known = APIS[api].event_types
    if value.lower() not in {name.lower() for name in known}:
        raise _refused(value, f"is no event type of this API; there are: {', '.join(sorted(known))}")
    return value.lower()


def _path(name: str, api: str) -> tuple[str, ...]:
    resources = [payload_name(resource) for resource in APIS[api].resources]
    first, *rest = path = tuple(name.split("."))
    if "" in path:
        raise _refused(name, "has an empty step")
    if first == "event" and rest and rest[0] in resources:
        return path
    if first in _ENVELOPE and not rest:
        return path
    raise _refused(name, f"is not known; use eventType, event.{resources[0]}.<member> or a member of the envelope")


def _refused(part: str, why: str) -> Invalid:
    return Invalid.at("/query", f"{part.strip()[:80]!r} {why}")


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Every value that ``path`` leads to, arrays being passed through."""
    if isinstance(value, list):
        for element in value:
            yield from _at(element, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _text(value: Any) -> str | None:
    """A scalar as JSON writes it, a string without its quotes; None for what no text equals."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
    return None


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value
