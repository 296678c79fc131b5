"""Brings the tables to the newest migration; safe to call at every start, from several processes."""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.failures import reachable

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 6_210_656
"""The PostgreSQL advisory lock under which one process at a time migrates."""


def upgrade(database: Database) -> None:
    """Apply the migrations that are missing, all in one transaction. Raises ``Overloaded``."""
    with reachable(), database.engine.begin() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver would run DDL outside of any transaction
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not is_current(connection):
            migrate(connection)


def is_current(connection: Connection) -> bool:
    """Whether the database is on the newest migration. Cheap enough for a health check."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [_head()]


def migrate(connection: Connection, to: str = "head") -> None:
    """Apply the migrations up to ``to``, in the connection's transaction."""
    from alembic import command  # only here: most starts find the tables as they should be
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)


@cache
def _head() -> str:
    """The newest migration: their files begin with their numbers."""
    return max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
