"""Terms and health of a subscription, attempts of a delivery, wide fan-outs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

PENDING, PARKED, DEAD = "state = 'pending'", "state = 'parked'", "state = 'dead'"
WAITING = "next_at > 0 AND ended_at IS NULL"


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column(
        "subscription",
        sa.Column(
            "terms", sa.Text(), server_default="{}", nullable=False, comment="how the listener wants to be called"
        ),
    )
    op.add_column(
        "subscription",
        sa.Column(
            "state",
            sa.String(),
            server_default="enabled",
            nullable=False,
            comment="enabled, paused, disabled or gone",
        ),
    )
    op.add_column(
        "subscription",
        sa.Column(
            "attend_at", sa.Double(), server_default="0", nullable=False, comment="nothing is posted to it before"
        ),
    )
    op.add_column(
        "subscription",
        sa.Column(
            "health",
            sa.Text(),
            server_default="{}",
            nullable=False,
            comment="breaker, last success, and why it stands so",
        ),
    )
    op.add_column("delivery", sa.Column("latency_ms", sa.Double(), nullable=True, comment="of the last attempt"))
    op.add_column(
        "delivery",
        sa.Column(
            "first_at",
            sa.Double(),
            nullable=True,
            comment="the first attempt, from which the budget runs; null: never tried",
        ),
    )
    op.add_column(
        "delivery",
        sa.Column(
            "rejections", sa.Integer(), server_default="0", nullable=False, comment="answers that said: not like this"
        ),
    )
    op.add_column(
        "delivery",
        sa.Column(
            "replay_no",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="how often it was sent again on purpose",
        ),
    )
    op.execute("UPDATE delivery SET first_at = created_at WHERE attempts > 0")
    op.execute("UPDATE delivery SET state = 'pending', next_at = 1, reason = NULL WHERE state = 'parked'")
    op.drop_index("ix_delivery_parked", "delivery")
    op.drop_index("ix_delivery_waiting", "delivery")
    op.create_index(op.f("ix_delivery_tenant_event_id"), "delivery", ["tenant", "event_id"], unique=False)
    op.create_index(
        "ix_delivery_lane",
        "delivery",
        ["tenant", "subscription_id", "resource_id", "next_at"],
        unique=False,
        sqlite_where=sa.text(PENDING),
        postgresql_where=sa.text(PENDING),
    )
    op.create_index(
        "ix_delivery_dead",
        "delivery",
        ["tenant", "subscription_id", "id"],
        unique=False,
        sqlite_where=sa.text(DEAD),
        postgresql_where=sa.text(DEAD),
    )
    op.create_table(
        "attempt",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True, comment="the start of the answer"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_tenant_delivery_id"), "attempt", ["tenant", "delivery_id"], unique=False)
    op.create_table(
        "fanout",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("resource_id", sa.String(), nullable=False),
        sa.Column("owed", sa.Text(), nullable=False, comment="pairs of subscription and event, in order"),
        sa.Column("done", sa.Integer(), nullable=False, comment="how many of them have their delivery"),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fanout")),
    )
    op.create_index(op.f("ix_fanout_tenant_resource_id"), "fanout", ["tenant", "resource_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_fanout_tenant_resource_id"), table_name="fanout")
    op.drop_table("fanout")
    op.drop_index(op.f("ix_attempt_tenant_delivery_id"), table_name="attempt")
    op.drop_table("attempt")
    op.drop_index("ix_delivery_dead", table_name="delivery")
    op.drop_index("ix_delivery_lane", table_name="delivery")
    op.drop_index(op.f("ix_delivery_tenant_event_id"), table_name="delivery")
    keys = ["tenant", "subscription_id"]
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        [*keys, "resource_id", "id"],
        unique=False,
        sqlite_where=sa.text(WAITING),
        postgresql_where=sa.text(WAITING),
    )
    op.create_index(
        "ix_delivery_parked",
        "delivery",
        keys,
        unique=False,
        sqlite_where=sa.text(PARKED),
        postgresql_where=sa.text(PARKED),
    )
    for name in ("replay_no", "rejections", "first_at", "latency_ms"):
        op.drop_column("delivery", name)
    for name in ("health", "attend_at", "state", "terms"):
        op.drop_column("subscription", name)
