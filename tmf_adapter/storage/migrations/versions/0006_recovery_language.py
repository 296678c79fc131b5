"""What the whole recovery language remembers: groups, questions, the trail, switches, what is counted and awaited."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

REFUSED = "the trail is append-only"


def _tenant() -> "sa.Column[str]":
    return sa.Column("tenant", sa.String(), server_default="default", nullable=False)


def _where(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    _recovery()
    _operation()
    _inbound()
    _question()
    _counts()
    op.create_table(
        "trail",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        _tenant(),
        sa.Column("recovery_id", sa.String(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON, secrets and personal data masked"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trail")),
    )
    op.create_index(op.f("ix_trail_tenant_recovery_id_id"), "trail", ["tenant", "recovery_id", "id"], unique=False)
    _append_only()
    op.create_table(
        "switch",
        _tenant(),
        sa.Column("name", sa.String(), nullable=False, comment="the mapping that is switched off; * for all"),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_switch")),
    )


def _append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER trail_no_{verb.lower()} BEFORE {verb} ON trail "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION trail_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER trail_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trail "
            "FOR EACH STATEMENT EXECUTE FUNCTION trail_append_only()"
        )


def _recovery() -> None:
    columns = [
        sa.Column("group_id", sa.String(), nullable=True, comment="the storm it is part of"),
        sa.Column("interim", sa.String(), nullable=True, comment="the status it gave the ticket while it waits"),
        sa.Column("ending", sa.Text(), nullable=True, comment="how it will end once everything is undone"),
        sa.Column(
            "parked", sa.Text(), nullable=True, comment="why its next call is held back: somebody switched it off"
        ),
        sa.Column("expires_at", sa.Double(), nullable=True, comment="when the work-around that it reported is over"),
    ]
    for column in columns:
        op.add_column("recovery", column)
    op.create_index(op.f("ix_recovery_tenant_created_at"), "recovery", ["tenant", "created_at"], unique=False)
    _where("ix_recovery_group", "recovery", ["tenant", "group_id"], "group_id IS NOT NULL")
    _where("ix_recovery_parked", "recovery", ["tenant", "mapping_id"], "parked IS NOT NULL")
    op.create_table(
        "recovery_group",
        _tenant(),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("mapping_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False, comment="what its tickets have in common"),
        sa.Column("number", sa.Integer(), nullable=False, comment="the n-th group of this mapping and key"),
        sa.Column("state", sa.String(), nullable=False, comment="open: tickets may still join; closed"),
        sa.Column("members", sa.Integer(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_recovery_group")),
    )
    op.create_index(
        "uq_recovery_group_number", "recovery_group", ["tenant", "mapping_id", "key", "number"], unique=True
    )


def _operation() -> None:
    columns: list[sa.Column[Any]] = [
        sa.Column("target", sa.String(), nullable=True, comment="the id of the resource that is patched or deleted"),
        sa.Column(
            "lapsed", sa.Integer(), server_default="0", nullable=False, comment="1: it was the deadline that ended it"
        ),
        sa.Column(
            "due_at",
            sa.Double(),
            nullable=True,
            comment="until when its result is awaited; none while the customer is asked",
        ),
    ]
    for column in columns:
        op.add_column("operation", column)
    _where("ix_operation_remote", "operation", ["tenant", "remote_id"], "remote_id IS NOT NULL")
    # The promises that end these waits stand already; none of them may find that it came too soon.
    op.execute("UPDATE operation SET due_at = 0 WHERE state = 'waiting'")
    op.create_table(
        "awaited",
        _tenant(),
        sa.Column("key", sa.String(), nullable=False, comment="an identifier of what its events are about"),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", "operation_id", name=op.f("pk_awaited")),
    )
    op.create_index(op.f("ix_awaited_tenant_operation_id"), "awaited", ["tenant", "operation_id"], unique=False)


def _inbound() -> None:
    op.create_table(
        "inbound_reading",
        _tenant(),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "operation_id", "event_id", name=op.f("pk_inbound_reading")),
    )
    op.execute(
        "INSERT INTO inbound_reading (tenant, operation_id, event_id) "
        "SELECT tenant, operation_id, id FROM inbound_event WHERE operation_id IS NOT NULL"
    )
    op.drop_column("inbound_event", "operation_id")


def _question() -> None:
    op.create_table(
        "question",
        _tenant(),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("recovery_id", sa.String(), nullable=False),
        sa.Column(
            "name",
            sa.String(),
            nullable=False,
            comment="approval, ask, or the operation and the event that made it ask",
        ),
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.String(),
            nullable=False,
            comment="approval: a person decides; information: the customer answers",
        ),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False, comment="JSON: of whom, what, and what would answer it"),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_question")),
    )
    op.create_index("uq_question_name", "question", ["tenant", "recovery_id", "name"], unique=True)
    _where("ix_question_open", "question", ["tenant", "kind", "ticket_id"], "state = 'open'")


def _counts() -> None:
    op.create_table(
        "open_ticket",
        _tenant(),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("entity_id", sa.String(), nullable=False),
        sa.Column("ticket_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "role", "entity_id", "ticket_id", name=op.f("pk_open_ticket")),
    )
    op.create_index(op.f("ix_open_ticket_tenant_ticket_id"), "open_ticket", ["tenant", "ticket_id"], unique=False)
    op.create_table(
        "counted_role",
        _tenant(),
        sa.Column("role", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "role", name=op.f("pk_counted_role")),
    )
