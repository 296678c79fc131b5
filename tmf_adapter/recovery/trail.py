"""The trail of a recovery: what happened in each recovery, in order, masked; rows are only ever added."""

import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, select

from tmf_adapter.recovery.rows import json_text, moment
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, trail
from tmf_adapter.tmf.mask import Mask

_INSERT = insert(trail)
_OF_RECOVERY = (
    select(trail.c.at, trail.c.kind, trail.c.body)
    .where(trail.c.tenant == TENANT, trail.c.recovery_id == bindparam("key"))
    .order_by(trail.c.id)
)


class Entry(StrEnum):
    """What can happen to a recovery."""

    PLANNED = "planned"  # which mapping, by which lines
    JOINED = "joined"  # the storm it became part of
    CALLED = "called"  # one attempt, and how it went
    JUDGED = "judged"  # what an event, a look or a deadline said of an operation
    ASKED = "asked"  # a question was put
    REPLIED = "replied"  # and answered, approved, denied, or not
    INTERIM = "interim"  # the status of the ticket while it waits
    UNDOING = "undoing"  # it takes back what it did
    REPORTED = "reported"  # what the ticket was told
    ENDED = "ended"  # without a word on the ticket
    PARKED = "parked"  # a call was held back
    RESUMED = "resumed"
    REPLAYED = "replayed"  # somebody had it done again, with the same keys
    WOULD_CALL = "wouldCall"  # in shadow mode


@dataclass(frozen=True, slots=True)
class Written:
    """One entry as it is shown."""

    at: datetime
    kind: Entry
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trail:
    """Where entries are written, inside the transaction that makes them true."""

    mask: Mask

    def write(self, tx: Connection, recovery_id: str, kind: Entry, **body: Any) -> None:
        """Add an entry; what is None is left out of it."""
        self.add(tx, recovery_id, kind, self.text(**body))

    def text(self, **body: Any) -> str:
        """The body of an entry, for ``add``: where many are written, it is made ready before the transaction."""
        return json_text(self.mask({name: value for name, value in body.items() if value is not None}))

    def add(self, tx: Connection, recovery_id: str, kind: Entry, text: str) -> None:
        """Add an entry whose body is ready."""
        row = {"tenant": TENANT, "recovery_id": recovery_id, "at": time.time(), "kind": kind.value, "body": text}
        tx.execute(_INSERT, row)


async def entries_of(database: Database, recovery_id: str) -> list[Written]:
    """The trail of a recovery, oldest first."""

    def work(connection: Connection) -> list[Written]:
        rows = connection.execute(_OF_RECOVERY, {"key": recovery_id}).all()
        return [Written(_at(row.at), Entry(row.kind), orjson.loads(row.body)) for row in rows]

    return await database.read(work)


def _at(seconds: float) -> datetime:
    found = moment(seconds)
    assert found is not None
    return found
