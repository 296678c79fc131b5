"""What tickets and problems refer to, to find them by; what is there already is read once."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from tmf_adapter.storage.references import ReferenceRows
from tmf_adapter.storage.tables import problem, ticket

revision = "0007"
down_revision = "0006"

BATCH = 1_000


def upgrade() -> None:
    op.create_table(
        "reference",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("resource", sa.String(), nullable=False, comment="the table of the resource"),
        sa.Column(
            "key", sa.BigInteger(), nullable=False, comment="a number for a place in the document and the value there"
        ),
        sa.Column("resource_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "resource", "key", "resource_id", name=op.f("pk_reference")),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    for table in (ticket, problem):
        rows = ReferenceRows(table, connection.dialect.name)
        for batch in _bodies(connection, table.name):
            for row in batch:
                rows.save(connection, row.id, None, orjson.loads(row.body))


def _bodies(connection: sa.Connection, table: str) -> Iterator[Sequence[sa.Row[Any]]]:
    """A batch at a time, so that not all of them are in memory."""
    after = ""
    mine = "tenant = 'default' AND id > :after"
    following = sa.text(f"SELECT id, body FROM {table} WHERE {mine} ORDER BY id LIMIT {BATCH}")
    while rows := connection.execute(following, {"after": after}).all():
        yield rows
        after = rows[-1].id
