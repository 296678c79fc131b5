"""A change and everything it owes, written in one commit: the resource, its events, and the duties of other rooms."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakValueDictionary

import orjson
from sqlalchemy import Connection, insert

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.resources import ResourceStore, StaleVersion
from tmf_adapter.storage.tables import TENANT, event
from tmf_adapter.tmf.errors import LostRace
from tmf_adapter.tmf.events import Change, Event, Stored

TRIES = 8
LARGE = 1 << 16
"""Bytes of a resource, or of what is made of it, from which that is decided in a thread: it takes tens of milliseconds,
and up to seconds, for which everybody else would wait."""

_INSERT_EVENTS = insert(event)


class Duty(Protocol):
    """What a change owes to another room."""

    def write(self, tx: Connection) -> None:
        """Insert the rows. Runs under the write lock: no waiting, no evaluating. May raise ``Outdated``."""

    def committed(self) -> None:
        """The rows are there: wake whoever works them off. Runs on the event loop, must not fail."""


@dataclass(frozen=True, slots=True)
class Together:
    """What is written in the commit of a change without having been worked out from it."""

    rows: Callable[[Connection], None]

    def write(self, tx: Connection) -> None:
        self.rows(tx)

    def committed(self) -> None:
        """Nobody waits for it."""


Consequence = Callable[[Change], Awaitable[Duty | None]]
"""Works out, before the transaction, what a change owes."""

Decide = Callable[[Stored | None], Change | None]
"""From the resource as it is (None: there is none) to a change, None when nothing changes. Raises the rules' errors."""

Write = tuple[ResourceStore, Change]
"""A change, and the rows it is a change to."""


class Outdated(Exception):
    """A duty was worked out from what is no longer so: work it out again."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where every room writes its changes."""

    database: Database
    consequences: Sequence[Consequence]
    _lines: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def change(
        self,
        store: ResourceStore,
        resource_id: str | None,
        decide: Decide,
        also: Sequence[Duty] = (),
        size: int = 0,
    ) -> Stored | None:
        """Decide on the resource as it is, then write the change with all it owes and ``also``, or nothing.

        ``size`` is that of what is decided about besides, in bytes; something large is decided in a thread.
        ``resource_id`` is None for a resource that does not exist yet. Within this process the changes of one resource
        stand in line. When another process was faster, the change is decided again on what that one left;
        ``LostRace`` when that happens too often. Returns the resource as it is afterwards, None when it was deleted.
        """
        if resource_id is None:
            return await self._change(store, None, decide, also, size)
        line = self._lines.setdefault(resource_id, asyncio.Lock())
        async with line:
            return await self._change(store, resource_id, decide, also, size)

    async def _change(
        self, store: ResourceStore, resource_id: str | None, decide: Decide, also: Sequence[Duty], size: int
    ) -> Stored | None:
        for attempt in range(TRIES):
            before = await store.load(resource_id) if resource_id is not None else None
            is_large = size + (before.size if before else 0) > LARGE
            change = await asyncio.to_thread(decide, before) if is_large else decide(before)
            if change is None and not also:
                return before
            writes = [(store, change)] if change else []
            # A create that was made before is known by what is ``also`` written; only a new one owes anything.
            duties = [*also, *(await self._duties(change))] if change else list(also)
            try:
                await self._commit(writes, duties)
            except (StaleVersion, Outdated):
                await asyncio.sleep(0.002 * attempt)
                continue
            return change.after if change else before
        raise LostRace("Others kept changing this resource.", "Nothing was written; read it and try again.")

    async def change_together(
        self, ids: Iterable[str], decide: Callable[[], Awaitable[tuple[Sequence[Write], Sequence[Duty]]]]
    ) -> Sequence[Change]:
        """Write several changes and duties in one commit, or nothing. ``ids`` are the resources that they are about.

        ``decide`` reads what it needs and says what to write, anew when another process was faster. ``LostRace`` when
        that happens too often.
        """
        async with AsyncExitStack() as lines:
            for id_ in sorted(set(ids)):  # in one order, so that nobody waits in a circle
                await lines.enter_async_context(self._lines.setdefault(id_, asyncio.Lock()))
            for attempt in range(TRIES):
                writes, duties = await decide()
                owed = [duty for _, change in writes for duty in await self._duties(change)]
                try:
                    await self._commit(writes, [*owed, *duties])
                except (StaleVersion, Outdated):
                    await asyncio.sleep(0.002 * attempt)
                    continue
                return [change for _, change in writes]
        raise LostRace("Others kept changing these resources.", "Nothing was written; try again.")

    async def _duties(self, change: Change) -> list[Duty]:
        owed = [await consequence(change) for consequence in self.consequences]
        return [duty for duty in owed if duty is not None]

    async def _commit(self, writes: Sequence[Write], duties: Sequence[Duty]) -> None:
        rows = [row for _, change in writes for row in _event_rows(change)]

        def work(tx: Connection) -> None:
            for store, change in writes:
                store.save(tx, change)  # first: the row's lock orders the deliveries of one resource
            if rows:
                tx.execute(_INSERT_EVENTS, rows)
            for duty in duties:
                duty.write(tx)

        crash_point(CrashPoint.BEFORE_COMMIT)
        await self.database.write(work)
        crash_point(CrashPoint.AFTER_COMMIT)
        for duty in duties:
            duty.committed()


def body_of(event: Event) -> str:
    """The notification as it is stored, and sent."""
    return orjson.dumps(event.envelope()).decode()


def _event_rows(change: Change) -> list[dict[str, object]]:
    return [
        {
            "tenant": TENANT,
            "id": event.id,
            "type": event.type,
            "resource": event.resource,
            "resource_id": event.resource_id,
            "created_at": event.time.timestamp(),
            "body": body_of(event),
            "author": change.by.value,
        }
        for event in change.events
    ]
