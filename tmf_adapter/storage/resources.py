"""Rows of a versioned TMF resource: read in batches, written by compare-and-swap on the version."""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

import orjson
from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.listing import Listing
from tmf_adapter.storage.references import ReferenceRows
from tmf_adapter.storage.tables import TENANT, columns_of
from tmf_adapter.tmf.errors import NotFound, TooLarge
from tmf_adapter.tmf.events import Change, Stored, Text
from tmf_adapter.tmf.query import Page, Query

DOCUMENT_LIMIT = 4 << 20
"""Bytes that a document may grow to, patch by patch; the limit of one request is the api room's."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class StaleVersion(Exception):
    """The resource has another version than the change was decided on; nothing was written."""


class Batch(Generic[K, V]):
    """Look-ups by key that share a statement: whoever asks while one is under way is part of the next."""

    def __init__(self, database: Database, fetch: Callable[[Connection, Sequence[K]], Mapping[K, V]]) -> None:
        self._database = database
        self._fetch = fetch
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """The value as it was committed when the statement began, which is never before this call."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(future)

    async def _read(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # whoever is about to ask joins
                waiting, self._waiting = self._waiting, {}
                await self._answer(waiting)
        finally:
            self._reading = None

    async def _answer(self, waiting: dict[K, asyncio.Future[V | None]]) -> None:
        keys = list(waiting)
        try:
            found = await self._database.read(lambda connection: self._fetch(connection, keys))
        except Exception as error:  # whoever waits is told, whatever it was
            for future in waiting.values():
                future.set_exception(error)
            return
        for key, future in waiting.items():
            future.set_result(found.get(key))


class ResourceStore:
    """The rows of one table made by ``tables._resource``."""

    def __init__(self, database: Database, table: Table, name: str) -> None:
        self._database = database
        self._table = table
        self._name = name
        self._columns = tuple(columns_of(table).items())
        self._references = ReferenceRows(table, database.engine.dialect.name)
        self._by_id: Batch[str, Text] = Batch(database, self._fetch)
        mine = (table.c.tenant == TENANT) & (table.c.id == bindparam("key"))
        swap = mine & (table.c.version == bindparam("expected"))
        # Statements are built once: building one costs as much as running it.
        self._insert, self._update, self._delete = insert(table), update(table).where(swap), delete(table).where(swap)
        self._select = select(table.c.id, table.c.version, table.c.episode, table.c.body).where(
            table.c.tenant == TENANT, table.c.id.in_(bindparam("keys", expanding=True))
        )

    def _fetch(self, connection: Connection, keys: Sequence[str]) -> dict[str, Text]:
        rows = connection.execute(self._select, {"keys": keys})
        return {row.id: Text(row.body.encode(), row.version, row.episode) for row in rows}

    async def text(self, resource_id: str) -> Text:
        """The stored JSON, byte for byte. Raises ``NotFound``."""
        row = await self._by_id.get(resource_id) if "\0" not in resource_id else None
        if row is None:
            raise NotFound(f"There is no {self._name} with this id.", f"id: {resource_id[:80]}")
        return row

    async def load(self, resource_id: str) -> Stored:
        """The stored resource. Raises ``NotFound``."""
        row = await self.text(resource_id)
        return Stored(orjson.loads(row.body), row.version, row.episode, len(row.body))

    def save(self, tx: Connection, change: Change) -> None:
        """Insert, replace or delete, as the change says. Raises ``StaleVersion`` when the row has moved on."""
        match change.before, change.after:
            case None, Stored() as new:
                self.add(tx, new)
            case Stored() as old, None:
                _must_hit(tx.execute(self._delete, _key(old)).rowcount)
                self._references.save(tx, old.id, old.document, None)
            case Stored() as old, Stored() as new:
                _must_hit(tx.execute(self._update, {**_key(old), **self._values(new)}).rowcount)
                self._references.save(tx, new.id, old.document, new.document)

    def add(self, tx: Connection, new: Stored) -> None:
        """Insert it."""
        tx.execute(self._insert, self._values(new))
        self._references.save(tx, new.id, None, new.document)

    def _values(self, stored: Stored) -> dict[str, object]:
        document = stored.document
        body = orjson.dumps(document)
        if len(body) > DOCUMENT_LIMIT:
            raise TooLarge(f"The {self._name} would grow beyond {DOCUMENT_LIMIT >> 20} MiB.", "Nothing was written.")
        return {
            "tenant": TENANT,
            "version": stored.version,
            "episode": stored.episode,
            "body": body.decode(),
            **{column: document[member] for member, column in self._columns},
        }

    async def page(self, query: Query) -> Page:
        """The resources that match, in the order asked for, and how many there are in all."""
        listing = Listing(self._database.engine.dialect.name, self._table, query)
        if not listing.reads_bodies:
            return await self._database.read(listing.page)
        if listing.is_narrowed and (page := await self._database.read(listing.page_of_few)):
            return page
        return await self._database.scan(listing.page)


def _key(stored: Stored) -> dict[str, object]:
    return {"key": stored.id, "expected": stored.version}


def _must_hit(rows: int) -> None:
    if rows != 1:
        raise StaleVersion
