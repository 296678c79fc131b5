"""The tasks on service problems, the records of events about them, and the specifications of tickets."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = (
    "problem_acknowledgement",
    "problem_unacknowledgement",
    "problem_group",
    "problem_ungroup",
    "event_record",
    "ticket_specification",
)


def upgrade() -> None:
    for name in TABLES:
        op.create_table(
            name,
            sa.Column("tenant", sa.String(), server_default="default", nullable=False),
            sa.Column("id", sa.String(), nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            sa.Column("episode", sa.Integer(), nullable=False),
            sa.Column("status", sa.String(), nullable=False),
            sa.Column("creation_date", sa.String(), nullable=False),
            sa.Column("body", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("tenant", "id", name=op.f(f"pk_{name}")),
        )
        op.create_index(op.f(f"ix_{name}_tenant_creation_date_id"), name, ["tenant", "creation_date", "id"])
        op.create_index(op.f(f"ix_{name}_tenant_status_creation_date"), name, ["tenant", "status", "creation_date"])
    op.execute("INSERT INTO revision (tenant, name, value) VALUES ('default', 'grouping', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM revision WHERE name = 'grouping'")
    for name in reversed(TABLES):
        op.drop_index(op.f(f"ix_{name}_tenant_status_creation_date"), table_name=name)
        op.drop_index(op.f(f"ix_{name}_tenant_creation_date_id"), table_name=name)
        op.drop_table(name)
