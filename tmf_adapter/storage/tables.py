"""Every table on one page.

Instants are Unix seconds (UTC), except those shown on the wire, which are RFC 3339 text. ``tenant`` leads every unique
key. Bodies are JSON text, kept as they will be sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

TENANT = "default"
"""The one tenant there is until access control lands."""

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})

_Serial = BigInteger().with_variant(Integer, "sqlite")


def _tenant() -> Column[str]:
    return Column("tenant", String, nullable=False, server_default=TENANT, default=TENANT)


def _where(name: str, condition: str, *columns: str) -> Index:
    """An index of the rows for which ``condition`` holds."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


@dataclass(frozen=True, slots=True)
class References:
    """Where a resource's document refers to something that it is looked for by (``storage/references.py``).

    ``ids`` lead to identifiers; ``characteristics`` to objects with a ``name`` and a ``value``.
    """

    ids: tuple[tuple[str, ...], ...] = ()
    characteristics: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def to(cls, *ids: str, characteristics: Iterable[str] = ()) -> "References":
        """Paths as they are written in a query."""
        return cls(*(tuple(tuple(path.split(".")) for path in paths) for paths in (ids, characteristics)))


def _resource(
    name: str, status: str = "status", dated: str = "creationDate", references: References | None = None
) -> Table:
    """A versioned TMF resource: its document, and the members we look for by index.

    ``status`` and ``dated`` are the members of the document that the columns ``status`` and ``creation_date`` repeat.
    A place added to ``references`` wants a migration that fills ``reference`` anew.
    """
    return Table(
        name,
        metadata,
        _tenant(),
        Column("id", String, nullable=False),
        Column("version", Integer, nullable=False),
        Column("episode", Integer, nullable=False),
        Column("status", String, nullable=False),
        Column("creation_date", String, nullable=False),
        Column("body", Text, nullable=False),
        PrimaryKeyConstraint("tenant", "id"),
        Index(None, "tenant", "creation_date", "id"),
        Index(None, "tenant", "status", "creation_date"),
        info={
            "columns": {"id": "id", status: "status", dated: "creation_date"},
            "references": references or References(),
        },
    )


def columns_of(resource: Table) -> dict[str, str]:
    """The members of a resource's document that have a column, and which."""
    columns: dict[str, str] = resource.info["columns"]
    return columns


def references_of(resource: Table) -> References:
    """What resources of this kind are looked for by besides their columns."""
    references: References = resource.info["references"]
    return references


ticket = _resource(
    "ticket",
    references=References.to(
        "externalIdentifier.id",
        "relatedEntity.entity.id",
        "relatedParty.partyOrPartyRole.id",
        "troubleTicketRelationship.id",
        "troubleTicketSpecification.id",
        characteristics=["troubleTicketCharacteristic"],
    ),
)
ticket_specification = _resource("ticket_specification", status="lifecycleStatus")
problem = _resource(
    "problem",
    references=References.to(
        "affectedResource.id",
        "affectedService.id",
        "externalIdentifier.id",
        "originatorParty.partyOrPartyRole.id",
        "parentProblem.id",
        "relatedEntity.entity.id",
        "relatedParty.partyOrPartyRole.id",
        "responsibleParty.partyOrPartyRole.id",
        "troubleTicket.id",
        "underlyingProblem.id",
        characteristics=["characteristic"],
    ),
)
problem_acknowledgement = _resource("problem_acknowledgement", status="state")
problem_unacknowledgement = _resource("problem_unacknowledgement", status="state")
problem_group = _resource("problem_group", status="state")
problem_ungroup = _resource("problem_ungroup", status="state")
event_record = _resource("event_record", status="eventType", dated="recordTime")

reference = Table(
    "reference",
    metadata,
    _tenant(),
    Column("resource", String, nullable=False, comment="the table of the resource"),
    Column("key", BigInteger, nullable=False, comment="a number for a place in the document and the value there"),
    Column("resource_id", String, nullable=False),
    PrimaryKeyConstraint("tenant", "resource", "key", "resource_id"),
    sqlite_with_rowid=False,
)
"""What tickets and problems refer to, to find them by; it is written with them (``storage/references.py``)."""

creation = Table(
    "creation",
    metadata,
    _tenant(),
    Column("resource", String, nullable=False, comment="the kind of resource, such as troubleTicket"),
    Column("key", Text, nullable=False, comment="what it was created under: the client's key, or an identifier"),
    Column("resource_id", String, nullable=False),
    Column("digest", String, comment="of the body, where another body under the same key is a mistake"),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "resource", "key"),
    Index(None, "tenant", "resource", "resource_id"),
    Index(None, "created_at"),
)
"""So that a repeated create finds what the first one made."""

event = Table(
    "event",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("type", String, nullable=False),
    Column("resource", String, nullable=False),
    Column("resource_id", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("body", Text, nullable=False, comment="the v5 notification, byte for byte"),
    Column("author", String, comment="who made the change: client or adapter; null where that was not noted"),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "resource_id"),
)

subscription = Table(
    "subscription",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("api", String, nullable=False, comment="the document it was registered with, such as tmf621-v5"),
    Column("callback", Text, nullable=False),
    Column("query", Text),
    Column("body", Text, nullable=False, comment="the Hub resource as it is answered"),
    Column("owner", String, comment="the process that drains it"),
    Column("lease_until", Double, nullable=False, server_default="0"),
    Column("created_at", Double, nullable=False),
    Column("terms", Text, nullable=False, server_default="{}", comment="how the listener wants to be called"),
    Column("state", String, nullable=False, server_default="enabled", comment="enabled, paused, disabled or gone"),
    Column("attend_at", Double, nullable=False, server_default="0", comment="nothing is posted to it before"),
    Column("health", Text, nullable=False, server_default="{}", comment="breaker, last success, and why it stands so"),
    PrimaryKeyConstraint("tenant", "id"),
)

revision = Table(
    "revision",
    metadata,
    _tenant(),
    Column("name", String, nullable=False, comment="what is counted: subscription"),
    Column("value", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "name"),
)
"""Counts changes to what processes keep in memory, so that a stale copy is noticed inside the writing transaction;
``grouping`` counts changes to the order of service problems, so that no two of them together make a circle."""


def _delivery_index(name: str, where: str, *columns: str) -> Index:
    """Deliveries that have ended, nearly all of them, are in none of these."""
    keys = ("tenant", "subscription_id", *columns)
    return Index(f"ix_delivery_{name}", *keys, sqlite_where=text(where), postgresql_where=text(where))


delivery = Table(
    "delivery",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _tenant(),
    Column("subscription_id", String, nullable=False),
    Column("event_id", String, nullable=False),
    Column("resource_id", String, nullable=False, comment="deliveries about one resource keep their order"),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("reason", String, comment="why it is parked or dead, in a word"),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("latency_ms", Double, comment="of the last attempt"),
    Column("first_at", Double, comment="the first attempt, from which the budget runs; null: never tried"),
    Column("rejections", Integer, nullable=False, server_default="0", comment="answers that said: not like this"),
    Column("replay_no", Integer, nullable=False, server_default="0", comment="how often it was sent again on purpose"),
    Index(None, "tenant", "event_id"),
    _delivery_index("pending", "state = 'pending'", "next_at", "id"),
    _delivery_index("lane", "state = 'pending'", "resource_id", "next_at"),
    _delivery_index("dead", "state = 'dead'", "id"),
)
"""``next_at`` is 0 for a delivery that is due at once, whatever the clocks of other processes say."""

attempt = Table(
    "attempt",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _tenant(),
    Column("delivery_id", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("status", Integer),
    Column("latency_ms", Double),
    Column("error", Text),
    Column("answer", Text, comment="the start of the answer"),
    Index(None, "tenant", "delivery_id"),
)
"""What was tried. An attempt that was accepted without a word stands in the delivery's own row only."""

fanout = Table(
    "fanout",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _tenant(),
    Column("resource_id", String, nullable=False),
    Column("owed", Text, nullable=False, comment="pairs of subscription and event, in order"),
    Column("done", Integer, nullable=False, comment="how many of them have their delivery"),
    Column("created_at", Double, nullable=False),
    Index(None, "tenant", "resource_id"),
)
"""Deliveries owed to so many subscriptions that their rows are written after the change."""

recovery = Table(
    "recovery",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("mapping_id", String, nullable=False),
    Column("ticket_id", String, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("group_id", String, comment="the storm it is part of"),
    Column("state", String, nullable=False),
    Column("plan", Text, nullable=False, comment="the mapping and the view it was started with"),
    Column("interim", String, comment="the status it gave the ticket while it waits"),
    Column("ending", Text, comment="how it will end once everything is undone"),
    Column("parked", Text, comment="why its next call is held back: somebody switched it off"),
    Column("outcome", String),
    Column("reason", Text, comment="why it ended so, for a person"),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("expires_at", Double, comment="when the work-around that it reported is over"),
    PrimaryKeyConstraint("tenant", "id"),
    Index("uq_recovery_episode", "tenant", "mapping_id", "ticket_id", "episode", unique=True),
    Index(None, "tenant", "ticket_id"),
    Index(None, "tenant", "created_at"),
    _where("ix_recovery_group", "group_id IS NOT NULL", "tenant", "group_id"),
    _where("ix_recovery_parked", "parked IS NOT NULL", "tenant", "mapping_id"),
)

recovery_group = Table(
    "recovery_group",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("mapping_id", String, nullable=False),
    Column("key", String, nullable=False, comment="what its tickets have in common"),
    Column("number", Integer, nullable=False, comment="the n-th group of this mapping and key"),
    Column("state", String, nullable=False, comment="open: tickets may still join; closed"),
    Column("members", Integer, nullable=False, server_default="0"),
    Column("opened_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    Index("uq_recovery_group_number", "tenant", "mapping_id", "key", "number", unique=True),
)
"""The unique key decides between processes that see the first two tickets of a storm at once."""

operation = Table(
    "operation",
    metadata,
    _tenant(),
    Column("id", String, nullable=False, comment="Idempotency-Key and externalIdentifier at the downstream"),
    Column("recovery_id", String, nullable=False),
    Column("step_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("call", String, nullable=False),
    Column("resource", String, nullable=False),
    Column("target", String, comment="the id of the resource that is patched or deleted"),
    Column("remote_id", String),
    Column("request", Text),
    Column("response", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("owner", String, comment="the process that may be calling just now"),
    Column("verdict", String),
    Column("lapsed", Integer, nullable=False, server_default="0", comment="1: it was the deadline that ended it"),
    Column("reason", Text),
    Column("created_at", Double, nullable=False),
    Column("due_at", Double, comment="until when its result is awaited; none while the customer is asked"),
    Column("ended_at", Double),
    PrimaryKeyConstraint("tenant", "id"),
    Index("uq_operation_step", "tenant", "recovery_id", "step_id", unique=True),
    Index(None, "tenant", "resource", "remote_id"),
    _where("ix_operation_remote", "remote_id IS NOT NULL", "tenant", "remote_id"),
)
"""``recovery_id`` is a recovery, or the group whose members share the operation; ``step_id`` is a step of the mapping,
``<step>.undo`` for what takes it back, or ``<step>.tell:<question>`` for what hands the answer to a question on.
"""

awaited = Table(
    "awaited",
    metadata,
    _tenant(),
    Column("key", String, nullable=False, comment="an identifier of what its events are about"),
    Column("operation_id", String, nullable=False),
    PrimaryKeyConstraint("tenant", "key", "operation_id"),
    Index(None, "tenant", "operation_id"),
)
"""Whose events an operation waits for, where that is not the resource it made: its target, or an earlier step's."""

question = Table(
    "question",
    metadata,
    _tenant(),
    Column("id", String, nullable=False),
    Column("recovery_id", String, nullable=False),
    Column("name", String, nullable=False, comment="approval, ask, or the operation and the event that made it ask"),
    Column("ticket_id", String, nullable=False),
    Column("kind", String, nullable=False, comment="approval: a person decides; information: the customer answers"),
    Column("state", String, nullable=False),
    Column("asked", Text, nullable=False, comment="JSON: of whom, what, and what would answer it"),
    Column("answered_by", String),
    Column("answer", Text),
    Column("created_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("ended_at", Double),
    PrimaryKeyConstraint("tenant", "id"),
    Index("uq_question_name", "tenant", "recovery_id", "name", unique=True),
    _where("ix_question_open", "state = 'open'", "tenant", "kind", "ticket_id"),
)
"""What a recovery asks a person, and the answer: why it was decided so, or as JSON what it added to the ticket."""

trail = Table(
    "trail",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _tenant(),
    Column("recovery_id", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", Text, nullable=False, comment="JSON, secrets and personal data masked"),
    Index(None, "tenant", "recovery_id", "id"),
)
"""What happened in each recovery, in order; rows are only ever added."""

switch = Table(
    "switch",
    metadata,
    _tenant(),
    Column("name", String, nullable=False, comment="the mapping that is switched off; * for all"),
    Column("by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "name"),
)
"""The kill switch: a row is there while nothing may be called."""

open_ticket = Table(
    "open_ticket",
    metadata,
    _tenant(),
    Column("role", String, nullable=False),
    Column("entity_id", String, nullable=False),
    Column("ticket_id", String, nullable=False),
    PrimaryKeyConstraint("tenant", "role", "entity_id", "ticket_id"),
    Index(None, "tenant", "ticket_id"),
)
"""Open tickets by what they are about; only for roles whose tickets some mapping counts."""

counted_role = Table(
    "counted_role",
    metadata,
    _tenant(),
    Column("role", String, nullable=False),
    PrimaryKeyConstraint("tenant", "role"),
)
"""The roles for which ``open_ticket`` is complete."""

inbound_event = Table(
    "inbound_event",
    metadata,
    _tenant(),
    Column("id", String, nullable=False, comment="the sender's eventId"),
    Column("type", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
)

inbound_key = Table(
    "inbound_key",
    metadata,
    _tenant(),
    Column("event_id", String, nullable=False),
    Column("key", String, nullable=False, comment="an identifier the event names: of the resource, or ours"),
    PrimaryKeyConstraint("tenant", "event_id", "key"),
    Index(None, "tenant", "key"),
)
"""So that an event that came before the downstream's answer is found when the answer is stored."""

inbound_reading = Table(
    "inbound_reading",
    metadata,
    _tenant(),
    Column("operation_id", String, nullable=False),
    Column("event_id", String, nullable=False),
    PrimaryKeyConstraint("tenant", "operation_id", "event_id"),
)
"""Which events an operation was already judged by; in a storm one event speaks to many."""

executor = Table(
    "executor",
    metadata,
    Column("id", String, primary_key=True, comment="one process run of the durable engine"),
    Column("heartbeat", Double, nullable=False),
)

registration = Table(
    "registration",
    metadata,
    _tenant(),
    Column("target", String, nullable=False, comment="base URL of the downstream API"),
    Column("callback", String, nullable=False),
    Column("remote_id", String),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "target", "callback"),
)
"""Where we are registered as a listener ourselves."""

signing_key = Table(
    "signing_key",
    metadata,
    _tenant(),
    Column("generation", Integer, nullable=False, comment="1 is made at the first start, a rotation makes the next"),
    Column("kid", String, nullable=False, comment="the thumbprint of its public half (RFC 7638)"),
    Column("private", Text, nullable=False, comment="32 bytes in base64, sealed if there is a key to seal with"),
    Column("created_at", Double, nullable=False),
    Column("signs_until", Double, comment="null: the newest"),
    PrimaryKeyConstraint("tenant", "generation"),
)
"""What notifications are signed with, by every process on this database."""

audit = Table(
    "audit",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _tenant(),
    Column("at", Double, nullable=False),
    Column("who", String, nullable=False),
    Column("action", String, nullable=False),
    Column("target", String, nullable=False, comment="such as subscription/4711"),
    Column("before", Text, nullable=False, comment="JSON; no secret is in it"),
    Column("after", Text, nullable=False, comment="JSON; no secret is in it"),
    Index(None, "tenant", "target"),
)
"""What operators changed. Triggers refuse to change or delete a row."""
