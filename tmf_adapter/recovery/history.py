"""The changes of stored tickets, told again from their events."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select

from tmf_adapter.storage.tables import TENANT, event, ticket
from tmf_adapter.tmf.events import Author, Change, Doc, Event, Kind, Stored
from tmf_adapter.tmf.lifecycle import REOPENING

_TICKET = select(ticket.c.body, ticket.c.episode).where(ticket.c.tenant == TENANT, ticket.c.id == bindparam("key"))
_OF_TICKET = (
    select(event.c.id, event.c.type, event.c.created_at, event.c.body, event.c.author)
    .where(event.c.tenant == TENANT, event.c.resource == "troubleTicket", event.c.resource_id == bindparam("key"))
    .order_by(event.c.created_at, event.c.id)
)
_CHANGED = (
    select(event.c.resource_id)
    .where(event.c.tenant == TENANT, event.c.resource == "troubleTicket", event.c.created_at >= bindparam("since"))
    .distinct()
    .order_by(event.c.resource_id)
)
_KINDS = {
    "TroubleTicketCreateEvent": Kind.CREATE,
    "TroubleTicketStatusChangeEvent": Kind.STATUS,
    "TroubleTicketResolvedEvent": Kind.RESOLVED,
    "TroubleTicketAttributeValueChangeEvent": Kind.ATTRIBUTE,
    "TroubleTicketDeleteEvent": Kind.DELETE,
}


def changed_since(connection: Connection, since: datetime) -> Sequence[str]:
    """The ids of tickets that changed since then."""
    return list(connection.execute(_CHANGED, {"since": since.timestamp()}).scalars())


def stored_ticket(connection: Connection, id_: str) -> Stored | None:
    """The ticket as it stands."""
    row = connection.execute(_TICKET, {"key": id_}).first()
    return Stored(orjson.loads(row.body), 1, row.episode) if row else None


def changes_of(connection: Connection, id_: str) -> Iterator[tuple[datetime, Change]]:
    """Each change of a ticket in order, from its events: when it was, and what it was before and after.

    An event has what changed, so the ticket is built up from its creation; of one whose creation is no longer kept,
    members that never changed since are taken from the ticket as it stands. One of which nobody noted who made it is
    told as a client's.
    """
    rows = [(row, orjson.loads(row.body)) for row in connection.execute(_OF_TICKET, {"key": id_})]
    known = [(row, body, _KINDS[row.type]) for row, body in rows if row.type in _KINDS]
    now = stored_ticket(connection, id_)
    document = {"id": id_, **_beginning([body for _, body, _ in known], now)}
    episode = 1
    for moment, several in groupby(known, key=lambda one: one[1].get("eventTime")):
        told = list(several)
        born = any(kind is Kind.CREATE for _, _, kind in told)
        before = None if born else Stored(document, 1, episode)
        after = {**document, **_merged([_payload(body) for _, body, _ in told])}
        if before and (before.document.get("status"), after.get("status")) == REOPENING:
            episode += 1
        gone = any(kind is Kind.DELETE for _, _, kind in told)
        events = tuple(_event(row.id, kind, id_, body, moment) for row, body, kind in told)
        stored = None if gone else Stored(after, 1, episode)
        author = Author(told[0][0].author or Author.CLIENT)
        yield events[0].time, Change("troubleTicket", before, stored, events, author)
        document = after


def _beginning(bodies: Sequence[Doc], now: Stored | None) -> Doc:
    """The members that no event changes; whatever an event changes it tells itself."""
    told = set(_merged([_payload(body) for body in bodies]))
    kept = now.document if now else {}
    return {name: value for name, value in kept.items() if name not in told} | {"status": "acknowledged"}


def _merged(payloads: Sequence[Doc]) -> Doc:
    merged: dict[str, Any] = {}
    for payload in payloads:
        merged |= payload
    return merged


def _payload(body: Doc) -> Doc:
    found: Any = (body.get("event") or {}).get("troubleTicket")
    return found if isinstance(found, dict) else {}


def _event(id_: str, kind: Kind, ticket_id: str, body: Doc, moment: Any) -> Event:
    time = datetime.fromisoformat(str(moment))
    return Event(id_, kind, "troubleTicket", ticket_id, time, _payload(body))
