"""Fakes for the rooms above storage, and shorthands to look into the tables."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import event, executor
from tmf_adapter.tmf.condition import Compare, Condition, Operator, Value
from tmf_adapter.tmf.events import Author, Change, Event, Stored, raise_event
from tmf_adapter.tmf.events import Kind as EventKind

NOW = datetime(2026, 3, 11, 6, 41, 12, 345_000, tzinfo=UTC)
SECONDS = 20
"""Whoever waits longer than this waits for ever."""


def equal(name: str, *values: str) -> Condition:
    """The condition of ``name=value`` in a query string, with dots in the name."""
    return Compare(tuple(name.split(".")), Operator.EQ, tuple(map(Value.literal, values)))


def put(tx: Connection, key: str) -> None:
    """One row in a table that nobody else uses in these tests."""
    tx.execute(insert(executor).values(id=key, heartbeat=0))


async def rows(database: Database) -> set[str]:
    """The keys of all rows that are committed."""
    return set(await database.read(lambda tx: tx.execute(select(executor.c.id)).scalars().all()))


async def events(database: Database) -> list[dict[str, Any]]:
    """Every event's envelope, in the order in which they were committed."""
    found = await database.read(lambda tx: tx.execute(select(event).order_by(event.c.created_at, event.c.id)).all())
    return [orjson.loads(row.body) for row in found]


def opening(id_: str, **members: Any) -> Change:
    """A new resource, as plain as one can be."""
    document = {"id": id_, "status": "acknowledged", "creationDate": "2026-03-11T06:00:00.000Z", **members}
    born = raise_event(EventKind.CREATE, "troubleTicket", document, NOW)
    return Change("troubleTicket", None, Stored(document), (born,), Author.CLIENT)


def changing(before: Stored, **members: Any) -> Change:
    """The resource with other members, and the event that says so."""
    after = Stored({**before.document, **members}, before.version + 1, before.episode)
    told: tuple[Event, ...] = (raise_event(EventKind.ATTRIBUTE, "troubleTicket", after.document, NOW, tuple(members)),)
    return Change("troubleTicket", before, after, told, Author.CLIENT)


def deleting(before: Stored) -> Change:
    """The end of the resource."""
    gone = raise_event(EventKind.DELETE, "troubleTicket", before.document, NOW)
    return Change("troubleTicket", before, None, (gone,), Author.CLIENT)


class Owed:
    """A duty that writes one row, and can be told to fail."""

    def __init__(self, key: str, error: Exception | None = None) -> None:
        self.key = key
        self.error = error
        self.woken = 0

    def write(self, tx: Connection) -> None:
        put(tx, self.key)
        if self.error is not None:
            raise self.error

    def committed(self) -> None:
        self.woken += 1


class Gate:
    """Holds up a transaction until it is opened."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._open = threading.Event()

    def work(self, _tx: object) -> None:
        self._entered.set()
        assert self._open.wait(SECONDS), "nobody opened the gate"

    async def entered(self) -> None:
        """Somebody stands at the gate."""
        assert await asyncio.to_thread(self._entered.wait, SECONDS)

    def open(self) -> None:
        self._open.set()


async def turns(times: int = 5) -> None:
    """Let whatever can run on this event loop run."""
    for _ in range(times):
        await asyncio.sleep(0)


def raising(error: Exception, after: Callable[[Connection], None] = lambda _tx: None) -> Callable[[Connection], None]:
    """Work that does something and then fails."""

    def work(tx: Connection) -> None:
        after(tx)
        raise error

    return work
