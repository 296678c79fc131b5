"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("subscription_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("resource_id", sa.String(), nullable=False, comment="deliveries about one resource keep their order"),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True, comment="why it is parked or dead, in a word"),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index(
        "ix_delivery_parked",
        "delivery",
        ["tenant", "subscription_id"],
        unique=False,
        sqlite_where=sa.text("state = 'parked'"),
        postgresql_where=sa.text("state = 'parked'"),
    )
    op.create_index(
        "ix_delivery_pending",
        "delivery",
        ["tenant", "subscription_id", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["tenant", "subscription_id", "resource_id", "id"],
        unique=False,
        sqlite_where=sa.text("next_at > 0 AND ended_at IS NULL"),
        postgresql_where=sa.text("next_at > 0 AND ended_at IS NULL"),
    )
    op.create_table(
        "event",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("resource_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="the v5 notification, byte for byte"),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_tenant_resource_id"), "event", ["tenant", "resource_id"], unique=False)
    op.create_table(
        "executor",
        sa.Column("id", sa.String(), nullable=False, comment="one process run of the durable engine"),
        sa.Column("heartbeat", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executor")),
    )
    op.create_table(
        "inbound_event",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("id", sa.String(), nullable=False, comment="the sender's eventId"),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=True, comment="the operation it was found to speak of"),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_inbound_event")),
    )
    op.create_table(
        "inbound_key",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column(
            "key", sa.String(), nullable=False, comment="an identifier the event names: of the resource, or ours"
        ),
        sa.PrimaryKeyConstraint("tenant", "event_id", "key", name=op.f("pk_inbound_key")),
    )
    op.create_index(op.f("ix_inbound_key_tenant_key"), "inbound_key", ["tenant", "key"], unique=False)
    op.create_table(
        "operation",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column(
            "id", sa.String(), nullable=False, comment="Idempotency-Key and externalIdentifier at the downstream"
        ),
        sa.Column("recovery_id", sa.String(), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("call", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.String(), nullable=True, comment="the process that may be calling just now"),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_operation")),
    )
    op.create_index(
        op.f("ix_operation_tenant_resource_remote_id"), "operation", ["tenant", "resource", "remote_id"], unique=False
    )
    op.create_index("uq_operation_step", "operation", ["tenant", "recovery_id", "step_id"], unique=True)
    op.create_table(
        "problem",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("creation_date", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_problem")),
    )
    op.create_index(
        op.f("ix_problem_tenant_creation_date_id"), "problem", ["tenant", "creation_date", "id"], unique=False
    )
    op.create_index(
        op.f("ix_problem_tenant_status_creation_date"), "problem", ["tenant", "status", "creation_date"], unique=False
    )
    op.create_table(
        "recovery",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("mapping_id", sa.String(), nullable=False),
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False, comment="the mapping and the view it was started with"),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it ended so, for a person"),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_recovery")),
    )
    op.create_index(op.f("ix_recovery_tenant_ticket_id"), "recovery", ["tenant", "ticket_id"], unique=False)
    op.create_index("uq_recovery_episode", "recovery", ["tenant", "mapping_id", "ticket_id", "episode"], unique=True)
    op.create_table(
        "registration",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("target", sa.String(), nullable=False, comment="base URL of the downstream API"),
        sa.Column("callback", sa.String(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "target", "callback", name=op.f("pk_registration")),
    )
    op.create_table(
        "revision",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="what is counted: subscription"),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_revision")),
    )
    op.create_table(
        "subscription",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("api", sa.String(), nullable=False, comment="the document it was registered with, such as tmf621-v5"),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False, comment="the Hub resource as it is answered"),
        sa.Column("owner", sa.String(), nullable=True, comment="the process that drains it"),
        sa.Column("lease_until", sa.Double(), server_default="0", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_subscription")),
    )
    op.create_table(
        "ticket",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("creation_date", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_ticket")),
    )
    op.create_index(
        op.f("ix_ticket_tenant_creation_date_id"), "ticket", ["tenant", "creation_date", "id"], unique=False
    )
    op.create_index(
        op.f("ix_ticket_tenant_status_creation_date"), "ticket", ["tenant", "status", "creation_date"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_ticket_tenant_status_creation_date"), table_name="ticket")
    op.drop_index(op.f("ix_ticket_tenant_creation_date_id"), table_name="ticket")
    op.drop_table("ticket")
    op.drop_table("subscription")
    op.drop_table("revision")
    op.drop_table("registration")
    op.drop_index("uq_recovery_episode", table_name="recovery")
    op.drop_index(op.f("ix_recovery_tenant_ticket_id"), table_name="recovery")
    op.drop_table("recovery")
    op.drop_index(op.f("ix_problem_tenant_status_creation_date"), table_name="problem")
    op.drop_index(op.f("ix_problem_tenant_creation_date_id"), table_name="problem")
    op.drop_table("problem")
    op.drop_index("uq_operation_step", table_name="operation")
    op.drop_index(op.f("ix_operation_tenant_resource_remote_id"), table_name="operation")
    op.drop_table("operation")
    op.drop_index(op.f("ix_inbound_key_tenant_key"), table_name="inbound_key")
    op.drop_table("inbound_key")
    op.drop_table("inbound_event")
    op.drop_table("executor")
    op.drop_index(op.f("ix_event_tenant_resource_id"), table_name="event")
    op.drop_table("event")
    op.drop_index(
        "ix_delivery_waiting",
        table_name="delivery",
        sqlite_where=sa.text("next_at > 0 AND ended_at IS NULL"),
        postgresql_where=sa.text("next_at > 0 AND ended_at IS NULL"),
    )
    op.drop_index(
        "ix_delivery_pending",
        table_name="delivery",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index(
        "ix_delivery_parked",
        table_name="delivery",
        sqlite_where=sa.text("state = 'parked'"),
        postgresql_where=sa.text("state = 'parked'"),
    )
    op.drop_table("delivery")
