"""Rows of inbound events: by what they are found, and which operation was judged by which of them."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import BindParameter, Connection, and_, bindparam, exists, insert, or_, select, text

from tmf_adapter.recovery.recovery import Operation
from tmf_adapter.recovery.rows import insert_once, json_text
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, awaited, inbound_event, inbound_key, inbound_reading, operation, recovery
from tmf_adapter.tmf.events import Doc

_IN_LINE = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 6210658))")
_KEYS: BindParameter[str] = bindparam("keys", expanding=True)
_BY_NAME = and_(operation.c.tenant == TENANT, or_(operation.c.id.in_(_KEYS), operation.c.remote_id.in_(_KEYS)))
_IS_GROUPS = ~exists().where(recovery.c.tenant == TENANT, recovery.c.id == operation.c.recovery_id)
_AWAITING = (
    select(operation.c.id, operation.c.recovery_id, _IS_GROUPS.label("is_groups"))
    .join(awaited, and_(awaited.c.tenant == operation.c.tenant, awaited.c.operation_id == operation.c.id))
    .where(awaited.c.tenant == TENANT, awaited.c.key.in_(_KEYS))
)
_CONCERNED = (
    select(operation.c.id, operation.c.recovery_id, _IS_GROUPS.label("is_groups")).where(_BY_NAME).union(_AWAITING)
)
_KEYS_OF_EVENT = select(inbound_key.c.key).where(
    inbound_key.c.tenant == TENANT, inbound_key.c.event_id == bindparam("key")
)
_KEYS_OF_OPERATION = select(awaited.c.key).where(
    awaited.c.tenant == TENANT, awaited.c.operation_id == bindparam("operation")
)
_UNREAD = (
    select(inbound_event.c.id, inbound_event.c.body)
    .join(
        inbound_key,
        and_(inbound_key.c.tenant == inbound_event.c.tenant, inbound_key.c.event_id == inbound_event.c.id),
    )
    .where(
        inbound_event.c.tenant == TENANT,
        inbound_key.c.key.in_(_KEYS),
        ~exists().where(
            inbound_reading.c.tenant == TENANT,
            inbound_reading.c.operation_id == bindparam("operation"),
            inbound_reading.c.event_id == inbound_event.c.id,
        ),
    )
    .order_by(inbound_event.c.received_at)
)


@dataclass(frozen=True, slots=True)
class Concerned:
    """An operation that an event speaks of; ``run_id`` is its recovery's, or its group's if it ``is_groups``."""

    operation_id: str
    run_id: str
    is_groups: bool


def in_line(tx: Connection, keys: Iterable[str]) -> None:
    """Whoever writes about one of these identifiers waits for others who do, until their commit.

    An event is stored and finds no operation; an operation is answered and finds no event: on PostgreSQL both can be
    true when each looks before the other commits, and then nobody would judge it. SQLite has one writer.
    """
    if tx.dialect.name == "postgresql":
        for key in sorted(set(keys)):
            tx.execute(_IN_LINE, {"key": key})


def insert_event(tx: Connection, id_: str, type_: str, body: Doc, keys: Iterable[str]) -> bool:
    """Whether the event is new; it is kept with the identifiers it names."""
    row = {"id": id_, "type": type_, "body": json_text(body), "received_at": time.time()}
    if not insert_once(tx, inbound_event, row):
        return False
    rows = [{"tenant": TENANT, "event_id": id_, "key": key} for key in sorted(set(keys))]
    if rows:
        tx.execute(insert(inbound_key), rows)
    return True


def read_event(tx: Connection, event_id: str, operation_id: str) -> None:
    """The operation was judged by the event, and is not again."""
    insert_once(tx, inbound_reading, {"event_id": event_id, "operation_id": operation_id})


def await_also(tx: Connection, operation_id: str, keys: Iterable[str]) -> None:
    """The operation is told of events about these as well, besides those about itself."""
    for key in sorted(set(keys)):
        insert_once(tx, awaited, {"operation_id": operation_id, "key": key})


def concerns_us(tx: Connection, keys: Sequence[str]) -> bool:
    """Whether an operation goes by one of these identifiers, ours or the downstream's, or waits for their events."""
    return tx.execute(_CONCERNED, {"keys": list(keys)}).first() is not None


class Mailbox:
    """What came in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def concerned(self, event_id: str) -> list[Concerned]:
        """The operations that an inbound event speaks of."""

        def work(connection: Connection) -> list[Concerned]:
            keys = connection.execute(_KEYS_OF_EVENT, {"key": event_id}).scalars().all()
            found = connection.execute(_CONCERNED, {"keys": list(keys)}) if keys else ()
            return [Concerned(row.id, row.recovery_id, bool(row.is_groups)) for row in found]

        return await self._database.read(work)

    async def unread(self, operation: Operation) -> dict[str, Doc]:
        """Events about what an operation waits for, by which it was not judged yet, oldest first."""

        def work(connection: Connection) -> dict[str, Doc]:
            also = connection.execute(_KEYS_OF_OPERATION, {"operation": operation.id}).scalars()
            keys = [operation.id, operation.remote_id or operation.id, *also]
            rows = connection.execute(_UNREAD, {"keys": keys, "operation": operation.id})
            return {row.id: orjson.loads(row.body) for row in rows}  # one event may name several of them

        return await self._database.read(work)
