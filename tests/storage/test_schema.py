"""Migrations: they make exactly the tables we have, once, whoever else starts at the same time."""

import subprocess
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, inspect

from tests.storage.fakes import put, rows
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.schema import _MIGRATIONS, _head, is_current, upgrade
from tmf_adapter.storage.tables import metadata
from tmf_adapter.tmf.errors import Overloaded


@pytest.fixture
def empty(empty_database_url: str) -> Any:
    database = Database(empty_database_url)
    yield database
    database.close()


def test_the_newest_migration_is_the_one_that_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [_head()]


def test_a_current_database_is_seen_without_alembic(database_url: str) -> None:
    program = f"""
import sys
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.schema import is_current, upgrade
database = Database({database_url!r})
upgrade(database)
with database.engine.connect() as connection:
    print(is_current(connection), "alembic" in sys.modules)
database.close()
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "True False\n"


def current(database: Database) -> bool:
    with database.engine.connect() as connection:
        return is_current(connection)


def tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def test_an_empty_database_gets_every_table(empty: Database) -> None:
    assert not current(empty)
    upgrade(empty)
    assert current(empty)
    assert tables(empty) == {*metadata.tables, "alembic_version"}


async def test_a_second_upgrade_changes_nothing(empty: Database) -> None:
    upgrade(empty)
    await empty.write(lambda tx: put(tx, "kept"))
    upgrade(empty)
    assert await rows(empty) == {"kept"}
    assert current(empty)


def test_the_migrations_make_the_tables_that_the_code_knows(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []


def test_every_index_that_the_code_knows_is_there(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.connect() as connection:
        there = {index["name"] for table in metadata.tables for index in inspect(connection).get_indexes(table)}
    assert {index.name for table in metadata.tables.values() for index in table.indexes} <= there


def test_the_tenant_leads_every_unique_key() -> None:
    alone = {
        "executor",
        "delivery",
        "attempt",
        "fanout",
        "audit",
        "trail",
    }  # a process, and numbers that the database gives
    for table in metadata.tables.values():
        if table.name in alone:
            continue
        keys = [list(table.primary_key.columns), *(list(index.columns) for index in table.indexes if index.unique)]
        assert {key[0].name for key in keys} == {"tenant"}, table.name


def test_a_migration_that_fails_half_way_leaves_nothing(empty: Database) -> None:
    """All in one transaction: a process that dies in it leaves a database that the next one can begin with."""

    def fail(
        _connection: Connection, _cursor: object, statement: str, _parameters: object, _context: object, _many: bool
    ) -> None:
        if "CREATE TABLE registration" in statement:
            raise RuntimeError("killed")

    event.listen(empty.engine, "before_cursor_execute", fail)
    with pytest.raises(RuntimeError, match="killed"):
        upgrade(empty)
    event.remove(empty.engine, "before_cursor_execute", fail)
    assert tables(empty) - {"alembic_version"} == set()
    upgrade(empty)
    assert current(empty)


STARTING = """
import sys
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.schema import upgrade
database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
upgrade(database)
database.close()
"""


def test_processes_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", STARTING, empty_database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    complaints = [process.communicate(timeout=50)[1][-500:] for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, "\n\n".join(complaints)
    database = Database(empty_database_url)
    assert current(database)
    database.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/nothing", "sqlite:////nowhere/at/all/adapter.db"])
def test_a_database_that_cannot_be_reached_is_said_so(url: str) -> None:
    database = Database(url)
    with pytest.raises(Overloaded):
        upgrade(database)
    database.close()
