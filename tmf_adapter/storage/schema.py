"""Brings the tables to the newest migration; safe to call at every start, from several processes."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from tmf_adapter.storage.database import Database, reachable

_LOCK = 6_210_656
"""The PostgreSQL advisory lock under which one process at a time migrates."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Apply the migrations that are missing, all in one transaction. Raises ``Overloaded``."""
    with reachable(), database.engine.begin() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver would run DDL outside of any transaction
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not is_current(connection):
            command.upgrade(_config(connection), "head")


def is_current(connection: Connection) -> bool:
    """Whether the database is on the newest migration. Cheap enough for a health check."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [_head()]


@cache
def _head() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "there is at least one migration"
    return head
