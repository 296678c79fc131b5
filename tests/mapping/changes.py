"""Tickets and changes to ask mappings about."""

from datetime import UTC, datetime
from typing import Any

from tmf_adapter.tmf.events import Author, Change, Doc, Kind, Stored, raise_event

NOW = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)


def ticket(**members: Any) -> Doc:
    """A fault in progress, with ``members`` on top."""
    fault = {"@type": "TroubleTicket", "id": "t-1", "href": "/t-1", "description": "No internet", "severity": "major"}
    return {**fault, "ticketType": "fault", "status": "inProgress", **members}


def characteristic(name: str, value: Any) -> Doc:
    return {"@type": "StringCharacteristic", "name": name, "value": value}


def entity(role: str | None, kind: str | None, id: str) -> Doc:
    inner = {"@type": "EntityRef", "id": id, **({"@referredType": kind} if kind else {})}
    return {"@type": "RelatedEntity", "entity": inner, **({"role": role} if role else {})}


def change(after: Doc | None, before: Doc | None = None, *kinds: Kind, by: Author = Author.CLIENT) -> Change:
    """A change with events of these ``kinds``; without any, those that its statuses call for."""
    subject = after or before or {}
    told = kinds or ((Kind.CREATE,) if before is None else (Kind.DELETE,) if after is None else (Kind.STATUS,))
    events = tuple(raise_event(kind, "troubleTicket", subject, NOW) for kind in told)
    return Change("troubleTicket", Stored(before) if before else None, Stored(after) if after else None, events, by)
