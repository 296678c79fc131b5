"""The keys under which resources were created."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "creation",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("resource", sa.String(), nullable=False, comment="the kind of resource, such as troubleTicket"),
        sa.Column(
            "key", sa.Text(), nullable=False, comment="what it was created under: the client's key, or an identifier"
        ),
        sa.Column("resource_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), comment="of the body, where another body under the same key is a mistake"),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "resource", "key", name=op.f("pk_creation")),
    )
    op.create_index(op.f("ix_creation_created_at"), "creation", ["created_at"])
    op.create_index(op.f("ix_creation_tenant_resource_resource_id"), "creation", ["tenant", "resource", "resource_id"])
