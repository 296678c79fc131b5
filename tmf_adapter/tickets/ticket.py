"""The trouble ticket: TMF621's rules for a tracked resource, and the report of a recovery on it."""

from dataclasses import dataclass, field
from datetime import datetime

from tmf_adapter.tmf.events import Author, Change, Doc, Stored
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.lifecycle import REOPENING, TICKET
from tmf_adapter.tmf.time import stamp
from tmf_adapter.tmf.tracked import Tracked

RULES = Tracked(
    resource="troubleTicket",
    type="TroubleTicket",
    lifecycle=TICKET,
    server_set=frozenset({"id", "href", "creationDate", "lastUpdate", "statusChangeDate", "statusChangeHistory"}),
    mandatory=frozenset({"@type", "description", "severity", "ticketType"}),
    history=True,
    resolved_event=True,
    lists=frozenset(
        {
            "attachment",
            "externalIdentifier",
            "note",
            "relatedEntity",
            "relatedParty",
            "troubleTicketCharacteristic",
            "troubleTicketRelationship",
        }
    ),
)

AUTHOR = "tmf_adapter"


@dataclass(frozen=True, slots=True)
class Report:
    """What a recovery says of a ticket: eTOM's *restored*, *restored by work-around* or *unsuccessful*.

    ``status`` is None where Track & Manage decides; ``characteristics`` are text values by name; ``related`` points at
    what was done: id, href (or None), ``@referredType`` and role.
    """

    status: str | None
    reason: str | None
    note: str | None
    characteristics: dict[str, str] = field(default_factory=dict)
    related: tuple[Doc, ...] = ()


def report(before: Stored, said: Report, now: datetime) -> Change:
    """Write the report on the ticket, walking the legal path to its status.

    A status that cannot be reached from where the ticket stands is left as it is; what was done is noted all the same.
    """
    document = dict(before.document)
    way = (RULES.lifecycle.path(before.status, said.status) if said.status else ()) or ()
    if (before.status, *way)[:2] == REOPENING:
        way = ()  # a reopening is the customer's, never a recovery's
    if way:
        document["statusChangeReason"] = said.reason
    if said.note:
        document["note"] = [*document.get("note", ()), _note(said.note, now)]
    if said.characteristics:
        document["troubleTicketCharacteristic"] = _characteristics(document, said.characteristics)
    if said.related:
        document["relatedEntity"] = [*document.get("relatedEntity", ()), *map(_related, said.related)]
    return RULES.settle(before, document, way, now, Author.ADAPTER)


def _note(text: str, now: datetime) -> Doc:
    return {"@type": "Note", "id": new_id(), "author": AUTHOR, "date": stamp(now), "text": text}


def _characteristics(document: Doc, values: dict[str, str]) -> list[Doc]:
    """The ticket's characteristics with ours set; of those with the same name, ours stands in place of the first."""
    ours = {
        name: {"@type": "StringCharacteristic", "name": name, "valueType": "string", "value": value}
        for name, value in values.items()
    }
    placed: set[str] = set()
    kept = []
    for entry in document.get("troubleTicketCharacteristic", ()):
        name = entry.get("name")
        if name not in ours:
            kept.append(entry)
        elif name not in placed:
            placed.add(name)
            kept.append(ours[name])
    return [*kept, *(entry for name, entry in ours.items() if name not in placed)]


def _related(entity: Doc) -> Doc:
    role = entity["role"]
    reference = {name: value for name, value in entity.items() if name != "role" and value is not None}
    return {"@type": "RelatedEntity", "role": role, "entity": {"@type": "EntityRef", **reference}}
