"""Who made the change that an event tells of."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    noted = "who made the change: client or adapter; null where that was not noted"
    op.add_column("event", sa.Column("author", sa.String(), comment=noted))
