"""The trouble ticket: TMF621's rules for a tracked resource, and the report of a recovery on it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from tmf_adapter.tickets.characteristics import counted, retract, set_characteristics
from tmf_adapter.tmf.events import OUR_NAME, Author, Change, Doc, Stored, require_information
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
    reopened=retract,
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


@dataclass(frozen=True, slots=True)
class Report:
    """What a recovery says of a ticket: eTOM's *restored*, *restored by work-around* or *unsuccessful*, or a question.

    ``status`` is None where Track & Manage decides; ``only_from`` are the statuses in which it is set, None for all.
    ``characteristics`` are text values by name, None takes one away; ``related`` points at what was done: id, href (or
    None), ``@referredType`` and role. ``asks`` are RFC 6902 operations that would answer a question, each raised in an
    information-required event of its own; a None among them asks for what the note says.
    """

    status: str | None
    reason: str | None
    note: str | None
    characteristics: dict[str, str | None] = field(default_factory=dict)
    related: tuple[Doc, ...] = ()
    asks: tuple[Doc | None, ...] = ()
    only_from: frozenset[str] | None = None


def report(before: Stored, said: Report, now: datetime, by: Author = Author.ADAPTER) -> Change | None:
    """Write the report on the ticket, walking the legal path to its status; None when that changes nothing.

    A status that cannot be reached from where the ticket stands is left as it is; what was done is noted all the same.
    """
    document = dict(before.document)
    way = _way(before, said)
    if way:
        document["statusChangeReason"] = said.reason
    if said.note:
        document["note"] = [*document.get("note", ()), _note(said.note, now)]
    if said.characteristics:
        set_characteristics(document, counted(document, said.characteristics))
    if said.related:
        document["relatedEntity"] = _with_related(document, said.related)
    if not way and not said.asks and document == before.document:
        return None
    change = RULES.settle(before, document, way, now, by)
    if not said.asks:
        return change
    asking = [require_information("troubleTicket", change.subject.document, now, wanted) for wanted in said.asks]
    return replace(change, events=(*change.events, *asking))


def _way(before: Stored, said: Report) -> tuple[str, ...]:
    if said.status is None or (said.only_from is not None and before.status not in said.only_from):
        return ()
    way = RULES.lifecycle.path(before.status, said.status) or ()
    if (before.status, *way)[:2] == REOPENING:
        return ()  # a reopening is the customer's, never a recovery's
    return way


def _note(text: str, now: datetime) -> Doc:
    return {"@type": "Note", "id": new_id(), "author": OUR_NAME, "date": stamp(now), "text": text}


def _with_related(document: Doc, related: tuple[Doc, ...]) -> list[Doc]:
    """What the ticket points at with ours added; what a second report points at again stands there once."""
    there: list[Doc] = list(document.get("relatedEntity", ()))
    known = {(entry.get("role"), (entry.get("entity") or {}).get("id")) for entry in there}
    return [*there, *(_related(entity) for entity in related if (entity["role"], entity["id"]) not in known)]


def _related(entity: Doc) -> Doc:
    role = entity["role"]
    reference = {name: value for name, value in entity.items() if name != "role" and value is not None}
    return {"@type": "RelatedEntity", "role": role, "entity": {"@type": "EntityRef", **reference}}
