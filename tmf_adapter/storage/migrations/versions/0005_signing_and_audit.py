"""The keys that sign notifications, and a record of what operators changed that can only grow."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

REFUSED = "the audit is append-only"


def upgrade() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "signing_key",
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column(
            "generation",
            sa.Integer(),
            nullable=False,
            comment="1 is made at the first start, a rotation makes the next",
        ),
        sa.Column("kid", sa.String(), nullable=False, comment="the thumbprint of its public half (RFC 7638)"),
        sa.Column(
            "private", sa.Text(), nullable=False, comment="32 bytes in base64, sealed if there is a key to seal with"
        ),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("signs_until", sa.Double(), nullable=True, comment="null: the newest"),
        sa.PrimaryKeyConstraint("tenant", "generation", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "audit",
        sa.Column("id", serial, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(), server_default="default", nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False, comment="such as subscription/4711"),
        sa.Column("before", sa.Text(), nullable=False, comment="JSON; no secret is in it"),
        sa.Column("after", sa.Text(), nullable=False, comment="JSON; no secret is in it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_tenant_target"), "audit", ["tenant", "target"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
        )


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_tenant_target"), table_name="audit")
    op.drop_table("audit")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_append_only()")
    op.drop_table("signing_key")
