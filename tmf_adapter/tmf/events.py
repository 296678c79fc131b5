"""What a change to a resource is, and which events it raises (TMF621 v5.0.1, TMF656 v5.0.0: their listeners)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.time import stamp

Doc = dict[str, Any]
"""A raw TMF document: the JSON object as it stands on the wire."""

Resource = Literal[
    "troubleTicket",
    "troubleTicketSpecification",
    "serviceProblem",
    "problemAcknowledgement",
    "problemUnacknowledgement",
    "problemGroup",
    "problemUngroup",
]
"""Whatever raises events, by the name that its collection has."""


OUR_NAME = "tmf_adapter"
"""The ``author`` of the notes that the adapter writes."""


class Author(StrEnum):
    """Who changed a resource. What the adapter itself changed never starts a recovery."""

    CLIENT = "client"
    ADAPTER = "adapter"


class Kind(StrEnum):
    """What an event says, apart from the resource it says it of."""

    CREATE = "create"
    STATUS = "status"
    RESOLVED = "resolved"
    ATTRIBUTE = "attribute"
    INFORMATION_REQUIRED = "informationRequired"
    DELETE = "delete"


_TICKET = {
    Kind.CREATE: "CreateEvent",
    Kind.STATUS: "StatusChangeEvent",
    Kind.RESOLVED: "ResolvedEvent",
    Kind.ATTRIBUTE: "AttributeValueChangeEvent",
    Kind.INFORMATION_REQUIRED: "InformationRequiredEvent",
    Kind.DELETE: "DeleteEvent",
}
_SPECIFICATION = {kind: _TICKET[kind] for kind in (Kind.CREATE, Kind.STATUS, Kind.ATTRIBUTE, Kind.DELETE)}
_TASK = {Kind.CREATE: "CreateEvent", Kind.STATUS: "StateChangeEvent", Kind.DELETE: "DeleteEvent"}
_PROBLEM = {**_TICKET, **_TASK}
del _PROBLEM[Kind.RESOLVED]

_ENDINGS: dict[Resource, dict[Kind, str]] = {
    "troubleTicket": _TICKET,
    "troubleTicketSpecification": _SPECIFICATION,
    "serviceProblem": _PROBLEM,
    "problemAcknowledgement": _TASK,
    "problemUnacknowledgement": _TASK,
    "problemGroup": _TASK,
    "problemUngroup": _TASK,
}
_NAMES: dict[Resource, dict[Kind, str]] = {
    resource: {kind: resource[0].upper() + resource[1:] + ending for kind, ending in endings.items()}
    for resource, endings in _ENDINGS.items()
}
"""TMF621 says StatusChange where TMF656 says StateChange, and only tickets are Resolved."""


def payload_name(resource: Resource) -> str:
    """The member of ``event`` that holds the resource; TMF656 has an ungrouping travel as ``problemGroup``."""
    return "problemGroup" if resource == "problemUngroup" else resource


def event_types(resource: Resource) -> frozenset[str]:
    """Every event type that ``resource`` can raise."""
    return frozenset(_NAMES[resource].values())


def event_type(resource: Resource, kind: Kind) -> str:
    """The standard's name, such as ``TroubleTicketStatusChangeEvent``."""
    return _NAMES[resource][kind]


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about one resource. ``id`` stays the same for every attempt to deliver it."""

    id: str
    kind: Kind
    resource: Resource
    resource_id: str
    time: datetime
    payload: Doc
    """The resource, whole or in part, as it stands under ``event.<payload_name(resource)>``."""
    beside: Doc = field(default_factory=dict)
    """What stands in ``event`` beside the resource, such as ``informationRequired``."""

    @property
    def type(self) -> str:
        """The standard's name, such as ``TroubleTicketStatusChangeEvent``."""
        return event_type(self.resource, self.kind)

    def envelope(self) -> Doc:
        """The v5 notification: envelope and payload (schema ``Event``; ``timeOccurred`` with two r)."""
        moment = stamp(self.time)
        return {
            "@type": self.type,
            "@baseType": "Event",
            "eventId": self.id,
            "eventType": self.type,
            "eventTime": moment,
            "timeOccurred": moment,
            "title": self.type,
            "domain": "serviceAssurance",
            "event": {payload_name(self.resource): self.payload, **self.beside},
        }


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as it is kept: its v5 document, the version that a writer must still find, and the episode.

    ``episode`` counts how often the resource has needed work: it starts at 1 and rises on a reopening only.
    ``size``: the bytes that it was read from, 0 for what has not been stored yet.
    """

    document: Doc
    version: int = 1
    episode: int = 1
    size: int = field(default=0, compare=False)

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def status(self) -> str:
        return str(self.document["status"])


@dataclass(frozen=True, slots=True)
class Text:
    """A resource as it is kept, its JSON unparsed."""

    body: bytes
    version: int
    episode: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one resource: what it was, what it is, the events that are true of it, and who did it."""

    resource: Resource
    before: Stored | None
    after: Stored | None
    events: tuple[Event, ...]
    by: Author

    @property
    def subject(self) -> Stored:
        """The resource as it is, or as it was when the change deleted it."""
        subject = self.after or self.before
        assert subject is not None, "a change is about something"
        return subject

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the first-level members that differ, sorted."""
        before = self.before.document if self.before else {}
        after = self.after.document if self.after else {}
        return changed_members(before, after)


def changed_members(before: Doc, after: Doc) -> tuple[str, ...]:
    """The first-level members that were added, removed or given another value, sorted by name."""
    return tuple(
        sorted(
            name
            for name in before.keys() | after.keys()
            if not (name in before and name in after and same(before[name], after[name]))
        )
    )


def same(one: Any, other: Any) -> bool:
    """Equal as JSON is: ``true`` is not 1. Without recursion: what clients send may be nested deeply."""
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        if left is right:
            continue
        if isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys():
                return False
            pairs += [(value, right[name]) for name, value in left.items()]
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            pairs += zip(left, right, strict=True)
        elif left != right or isinstance(left, bool) != isinstance(right, bool):
            return False
    return True


ALWAYS = ("@type", "@baseType", "@schemaLocation", "id", "href")
"""Members that identify a resource in every payload (TMF user guide IG1353 on event payloads)."""


def extract(document: Doc, names: Iterable[str]) -> Doc:
    """The identifying members of ``document`` and those in ``names``, in the document's own order."""
    wanted = frozenset((*ALWAYS, *names))  # a client may change tens of thousands of members at once
    return {name: value for name, value in document.items() if name in wanted}


def require_information(resource: Resource, document: Doc, now: datetime, wanted: Doc | None) -> Event:
    """A new event that asks for one thing: ``wanted`` is an RFC 6902 operation, None when a note says what it is.

    TMF621 wants one operation there, TMF656 a list of them.
    """
    names = ("status", "statusChangeReason", "statusChangeDate", "note", "lastUpdate")
    beside = {} if wanted is None else {"informationRequired": [wanted] if resource == "serviceProblem" else wanted}
    payload = extract(document, names)
    return Event(new_id(), Kind.INFORMATION_REQUIRED, resource, str(document["id"]), now, payload, beside)


def raise_event(kind: Kind, resource: Resource, document: Doc, now: datetime, names: tuple[str, ...] = ()) -> Event:
    """A new event about ``document``: Create carries all of it, others the identifying members and ``names``."""
    payload = document if kind is Kind.CREATE else extract(document, names)
    return Event(new_id(), kind, resource, str(document["id"]), now, payload)
