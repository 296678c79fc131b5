"""Brings the tables to the newest migration; safe to call at every start, from several processes."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from tmf_adapter.storage.database import Database

_LOCK = 6_210_656
"""The PostgreSQL advisory lock under which one process at a time migrates."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Apply the migrations that are missing, all in one transaction."""
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if not is_current(connection):
            command.upgrade(_config(connection), "head")


def is_current(connection: Connection) -> bool:
    """Whether the database is on the newest migration."""
    script = ScriptDirectory.from_config(_config())
    return set(MigrationContext.configure(connection).get_current_heads()) == set(script.get_heads())
