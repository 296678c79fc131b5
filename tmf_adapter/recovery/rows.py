"""What all rows of this room have in common: JSON, instants, and insertion unless a unique key is taken."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tmf_adapter.storage.tables import TENANT


class AlreadyEnded(Exception):
    """The row has moved on: somebody else was first, and nothing is to be done."""


def json_text(document: Any) -> str:
    """A document as it is kept."""
    return orjson.dumps(document).decode()


def moment(seconds: float | None) -> datetime | None:
    """An instant from Unix seconds."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@cache
def _insert_new(dialect: str, table: Table) -> Insert:
    make = sqlite_insert if dialect == "sqlite" else postgresql_insert
    return make(table).on_conflict_do_nothing().returning(table.c.tenant)


def insert_once(tx: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert unless a unique key is taken; whether it was inserted."""
    statement = _insert_new(tx.dialect.name, table)
    return tx.execute(statement, {"tenant": TENANT, **row}).first() is not None
