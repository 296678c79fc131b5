"""What makes a create repeatable: the keys under which resources were created, and which resource that was."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, CursorResult, Row, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, creation
from tmf_adapter.tmf.errors import AdapterError
from tmf_adapter.tmf.events import Doc

log = logging.getLogger(__name__)

LONGEST = 300
"""Characters of a name that are kept as they are."""
KEPT = 7 * 86_400.0
"""Seconds for which an ``Idempotency-Key`` is remembered."""

_C = creation.c
_RELEASE = delete(creation).where(
    _C.tenant == TENANT, _C.resource == bindparam("of"), _C.resource_id == bindparam("gone"), _C.digest.is_(None)
)


@dataclass(frozen=True, slots=True)
class Key:
    """A name that one resource may be created under.

    With a ``digest`` it is the client's for one request with that body, and free again after ``KEPT``; without one it
    is the resource's, and free again when that is deleted.
    """

    name: str
    digest: str | None = None


class Repeated(Exception):
    """A resource was created under ``key`` before: the one with ``resource_id``, from a body with ``digest``."""

    def __init__(self, key: Key, resource_id: str, digest: str | None) -> None:
        super().__init__(key.name)
        self.key, self.resource_id, self.digest = key, resource_id, digest


def sent_key(header: str, body: Doc) -> Key:
    """The client's ``Idempotency-Key``, for this body."""
    return Key(f"key:{header}", sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest())


def external_keys(body: Doc) -> Iterator[Key]:
    """One for each external identifier (TMF621 v5, schema ExternalIdentifier): its owner, its type and its id."""
    listed = body.get("externalIdentifier")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("id"):
            said: list[Any] = [one.get(name) for name in ("owner", "externalIdentifierType", "id")]
            yield Key(_short(f"external:{orjson.dumps(said).decode()}"))


def _short(name: str) -> str:
    """The name, or what stands for one that is too long for an index."""
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}:{sha256(name.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Claim:
    """Takes the names for a new resource, in its own transaction; a ``Duty`` (storage/ledger.py)."""

    resource: str
    keys: Sequence[Key]
    resource_id: str

    def write(self, tx: Connection) -> None:
        """Raises ``Repeated``."""
        insert = sqlite_insert if tx.dialect.name == "sqlite" else postgresql_insert
        for key in _in_order(self.keys):
            row = {"tenant": TENANT, "resource": self.resource, "key": key.name, "resource_id": self.resource_id}
            said = {"digest": key.digest, "created_at": time.time()}
            taken = insert(creation).values(**row, **said).on_conflict_do_nothing().returning(_C.tenant)
            if tx.execute(taken).first() is None:
                raise _repeated(key, _made(tx, self.resource, key).one())

    def committed(self) -> None:
        """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Release:
    """Frees the external identifiers of a resource that is deleted, in the same transaction; a ``Duty``."""

    resource: str
    resource_id: str

    def write(self, tx: Connection) -> None:
        tx.execute(_RELEASE, {"of": self.resource, "gone": self.resource_id})

    def committed(self) -> None:
        """Nobody waits for it."""


async def refuse_repeated(database: Database, resource: str, keys: Sequence[Key]) -> None:
    """Raises ``Repeated`` for a create that was made before, so that nothing is asked of it a second time.

    Nothing is claimed: of several that come here at once, ``Claim`` lets one through.
    """

    def look(connection: Connection) -> None:
        for key in _in_order(keys):
            if row := _made(connection, resource, key).first():
                raise _repeated(key, row)

    if keys:
        await database.read(look)


def _in_order(keys: Sequence[Key]) -> list[Key]:
    """One order, so that nobody waits in a circle; the client's own key first."""
    return sorted(set(keys), key=lambda key: (key.digest is None, key.name))


def _made(connection: Connection, resource: str, key: Key) -> CursorResult[Any]:
    named = (_C.tenant == TENANT) & (_C.resource == resource) & (_C.key == key.name)
    return connection.execute(select(_C.resource_id, _C.digest).where(named))


def _repeated(key: Key, row: Row[Any]) -> Repeated:
    return Repeated(key, row.resource_id, row.digest)


async def forget_old_hourly(database: Database) -> None:
    """Free the names that have expired, for ever; a failure is said and tried again an hour later."""
    while True:
        try:
            await forget_old(database)
        except AdapterError as error:
            log.warning("expired idempotency keys could not be removed: %s", error.reason)
        await asyncio.sleep(3_600)


async def forget_old(database: Database) -> None:
    """Free the names that have expired."""
    old = _C.digest.is_not(None) & (_C.created_at < time.time() - KEPT)
    await database.write(lambda tx: tx.execute(delete(creation).where(old)))
