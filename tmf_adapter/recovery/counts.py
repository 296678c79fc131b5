"""How many open tickets there are about one thing: kept only for the roles that some mapping counts."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection, Row, and_, bindparam, delete, func, insert, select

from tmf_adapter.mapping.document import Mappings
from tmf_adapter.mapping.plan import Counted
from tmf_adapter.mapping.view import counter_of, view_of
from tmf_adapter.recovery.rows import insert_once
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, counted_role, open_ticket, ticket
from tmf_adapter.tmf.events import Change, Doc
from tmf_adapter.tmf.lifecycle import TICKET

_FINAL = frozenset(status for status in TICKET.edges if TICKET.is_final(status))
BATCH = 500

_COUNT = select(func.count()).where(
    open_ticket.c.tenant == TENANT,
    open_ticket.c.role == bindparam("role"),
    open_ticket.c.entity_id == bindparam("entity"),
    open_ticket.c.ticket_id != bindparam("ticket"),
)
_FORGET = delete(open_ticket).where(open_ticket.c.tenant == TENANT, open_ticket.c.ticket_id == bindparam("ticket"))
_COUNTED = select(counted_role.c.role).where(counted_role.c.tenant == TENANT)
_PAGE = (
    select(ticket.c.id, ticket.c.body)
    .where(and_(ticket.c.tenant == TENANT, ticket.c.id > bindparam("after"), ticket.c.status.not_in(_FINAL)))
    .order_by(ticket.c.id)
    .limit(BATCH)
)


@dataclass(frozen=True, slots=True)
class Tally:
    """The duty of a change: the ticket stands where it is open, and nowhere else."""

    ticket_id: str
    entries: frozenset[Counted]

    def write(self, tx: Connection) -> None:
        tx.execute(_FORGET, {"ticket": self.ticket_id})
        if self.entries:
            tx.execute(insert(open_ticket), _rows(self.ticket_id, self.entries))

    def committed(self) -> None:
        """Nobody waits for it."""


def tally(mappings: Mappings, change: Change) -> Tally | None:
    """What a change of a ticket does to the counts; None for nothing."""
    if not mappings.counters or change.resource != "troubleTicket":
        return None
    was = _entries(change.before.document, mappings.counters) if change.before else frozenset()
    now = _entries(change.after.document, mappings.counters) if change.after else frozenset()
    return Tally(change.subject.id, now) if was != now else None


async def count(database: Database, wanted: Set[Counted], change: Change) -> dict[Counted, int]:
    """How many open tickets there are for each of ``wanted``, that of the change among them as it is now."""
    if not wanted:
        return {}
    own = change.subject.id
    is_open = change.after is not None and change.after.status not in _FINAL

    def work(connection: Connection) -> dict[Counted, int]:
        return {
            (role, entity): connection.execute(_COUNT, {"role": role, "entity": entity, "ticket": own}).scalar_one()
            + is_open
            for role, entity in wanted
        }

    return await database.read(work)


async def complete(database: Database, mappings: Mappings) -> None:
    """Count what was there before a mapping began to count it. Safe to call at every start, and when it is repeated.

    From the start of this on, every change keeps the counts (``tally``), so that only older tickets are missing.
    """
    known = set(await database.read(lambda connection: connection.execute(_COUNTED).scalars().all()))
    new = mappings.counters - known
    after = ""
    while new and (rows := await database.read(partial(_page, after=after))):
        after = rows[-1].id
        await database.write(partial(_count_in, rows=rows, counters=new))
    if new:
        await database.write(lambda tx: [insert_once(tx, counted_role, {"role": role}) for role in sorted(new)])
    if gone := known - mappings.counters:
        await database.write(lambda tx: _stop_counting(tx, gone))


def _page(connection: Connection, after: str) -> Sequence[Row[Any, Any]]:
    return connection.execute(_PAGE, {"after": after}).all()


def _count_in(tx: Connection, rows: Sequence[Row[Any, Any]], counters: Set[str]) -> None:
    for row in rows:
        for entry in _rows(row.id, _entries(orjson.loads(row.body), counters)):
            insert_once(tx, open_ticket, entry)


def _stop_counting(tx: Connection, counters: Set[str]) -> None:
    """What nobody keeps any more must not be trusted later."""
    tx.execute(delete(counted_role).where(counted_role.c.tenant == TENANT, counted_role.c.role.in_(counters)))
    roles = tx.execute(select(open_ticket.c.role).where(open_ticket.c.tenant == TENANT).distinct()).scalars()
    stale = [role for role in roles if counter_of(role) in counters]
    if stale:
        tx.execute(delete(open_ticket).where(open_ticket.c.tenant == TENANT, open_ticket.c.role.in_(stale)))


def _entries(document: Doc, counters: Set[str]) -> frozenset[Counted]:
    if document.get("status") in _FINAL:
        return frozenset()
    return frozenset(_related(document, counters))


def _related(document: Doc, counters: Set[str]) -> Iterator[Counted]:
    for role, entities in view_of(document, ("rel",))["rel"].items():
        if counter_of(role) in counters:
            yield from ((role, id_) for entity in entities if isinstance(id_ := entity.get("id"), str))


def _rows(ticket_id: str, entries: Set[Counted]) -> list[dict[str, str]]:
    found = sorted(entries)
    return [{"tenant": TENANT, "role": role, "entity_id": id_, "ticket_id": ticket_id} for role, id_ in found]
