"""Rows of recoveries, operations and inbound events. Functions that take a transaction write, the others read."""

import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    Connection,
    Insert,
    Row,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tmf_adapter.mapping.document import parse
from tmf_adapter.mapping.parts import Outcome, Verdict
from tmf_adapter.recovery.recovery import Operation, Recovery, Stage, State
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, inbound_event, inbound_key, operation, recovery, registration
from tmf_adapter.tmf.events import Doc


class AlreadyEnded(Exception):
    """The row has moved on: somebody else was first, and nothing is to be done."""


def _json(document: Any) -> str:
    return orjson.dumps(document).decode()


# Statements are built once: building one costs as much as running it.


@cache
def _insert_new(dialect: str, table: Table) -> Insert:
    make = sqlite_insert if dialect == "sqlite" else postgresql_insert
    return make(table).on_conflict_do_nothing().returning(table.c.tenant)


def _insert_once(tx: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert unless a unique key is taken; whether it was inserted."""
    statement = _insert_new(tx.dialect.name, table)
    return tx.execute(statement, {"tenant": TENANT, **row}).first() is not None


_RECOVERY = select(recovery).where(recovery.c.tenant == TENANT, recovery.c.id == bindparam("key"))
_TICKET_OF = select(recovery.c.ticket_id).where(recovery.c.tenant == TENANT, recovery.c.id == bindparam("key"))
_END_RECOVERY = update(recovery).where(
    recovery.c.tenant == TENANT, recovery.c.id == bindparam("key"), recovery.c.state == State.RUNNING
)
_OPERATION = select(operation).where(operation.c.tenant == TENANT, operation.c.id == bindparam("key"))
_OPERATIONS = (
    select(operation)
    .where(operation.c.tenant == TENANT, operation.c.recovery_id == bindparam("key"))
    .order_by(operation.c.created_at)
)
_MOVE_OPERATION = update(operation).where(
    operation.c.tenant == TENANT, operation.c.id == bindparam("key"), operation.c.state == bindparam("from_stage")
)
_CLAIM_OPERATION = _MOVE_OPERATION.where(operation.c.owner.is_not_distinct_from(bindparam("known_owner")))
_NAMED = and_(
    operation.c.tenant == TENANT,
    or_(
        operation.c.id.in_(bindparam("keys", expanding=True)),
        operation.c.remote_id.in_(bindparam("keys", expanding=True)),
    ),
)
_CONCERNED = select(operation.c.id).where(_NAMED).limit(1)
_RECOVERY_OF_EVENT = (
    select(operation.c.recovery_id)
    .join(inbound_key, or_(inbound_key.c.key == operation.c.id, inbound_key.c.key == operation.c.remote_id))
    .where(operation.c.tenant == TENANT, inbound_key.c.tenant == TENANT, inbound_key.c.event_id == bindparam("key"))
    .limit(1)
)
_ATTRIBUTE_EVENT = update(inbound_event).where(
    inbound_event.c.tenant == TENANT, inbound_event.c.id == bindparam("event")
)
_KEPT_EVENTS = (
    select(inbound_event.c.id, inbound_event.c.body)
    .join(
        inbound_key,
        and_(inbound_key.c.tenant == inbound_event.c.tenant, inbound_key.c.event_id == inbound_event.c.id),
    )
    .where(
        inbound_event.c.tenant == TENANT,
        inbound_key.c.key.in_(bindparam("keys", expanding=True)),
        inbound_event.c.operation_id.is_(None),
    )
    .order_by(inbound_event.c.received_at)
)
_REGISTERED = select(registration.c.target).where(
    registration.c.tenant == TENANT,
    registration.c.target == bindparam("at"),
    registration.c.callback == bindparam("told"),
)


# -- recoveries --------------------------------------------------------------------------------------------------------


def insert_recovery(tx: Connection, new: Recovery) -> bool:
    """Whether this is the first recovery of the mapping for this ticket and episode; it is inserted only then."""
    plan = {"mapping": new.mapping.to_document(), "scope": new.scope}
    row = {
        "id": new.id,
        "mapping_id": new.mapping.id,
        "ticket_id": new.ticket_id,
        "episode": new.episode,
        "state": new.state,
        "plan": _json(plan),
        "created_at": time.time(),
    }
    return _insert_once(tx, recovery, row)


def _recovery(row: Row[Any]) -> Recovery:
    plan = orjson.loads(row.plan)
    return Recovery(row.id, parse(plan["mapping"]), row.ticket_id, row.episode, plan["scope"], State(row.state))


def end_recovery(tx: Connection, id_: str, state: State, outcome: Outcome | None, reason: str) -> None:
    """The running recovery is over. Raises ``AlreadyEnded``."""
    values = {"state": state, "outcome": outcome, "reason": reason, "ended_at": time.time()}
    if tx.execute(_END_RECOVERY, {"key": id_, **values}).rowcount != 1:
        raise AlreadyEnded


def stop_recoveries(tx: Connection, ticket_id: str, reason: str) -> None:
    """Every running recovery of the ticket is over, and so is what it waits for."""
    running = and_(recovery.c.tenant == TENANT, recovery.c.ticket_id == ticket_id, recovery.c.state == State.RUNNING)
    ids = tx.execute(select(recovery.c.id).where(running)).scalars().all()
    if not ids:
        return
    now = time.time()
    tx.execute(update(recovery).where(running).values(state=State.STOPPED, reason=reason, ended_at=now))
    open_ = and_(operation.c.tenant == TENANT, operation.c.recovery_id.in_(ids), operation.c.state != Stage.ENDED)
    tx.execute(update(operation).where(open_).values(state=Stage.ENDED, reason=reason, ended_at=now))


# -- operations --------------------------------------------------------------------------------------------------------


def insert_operation(tx: Connection, new: Operation) -> bool:
    """Whether the step had no operation yet; it has one now."""
    row = {
        "id": new.id,
        "recovery_id": new.recovery_id,
        "step_id": new.step_id,
        "state": new.stage,
        "call": new.call,
        "resource": new.resource,
        "request": _json(new.request),
        "owner": new.owner,
        "created_at": time.time(),
    }
    return _insert_once(tx, operation, row)


def _operation(row: Row[Any]) -> Operation:
    return Operation(
        id=row.id,
        recovery_id=row.recovery_id,
        step_id=row.step_id,
        stage=Stage(row.state),
        call=row.call,
        resource=row.resource,
        request=orjson.loads(row.request),
        attempts=row.attempts,
        owner=row.owner,
        remote_id=row.remote_id,
        response=orjson.loads(row.response) if row.response else None,
        verdict=Verdict(row.verdict) if row.verdict else None,
        reason=row.reason,
    )


def _move_operation(
    tx: Connection, id_: str, stage: Stage, values: dict[str, Any], statement: Update = _MOVE_OPERATION
) -> None:
    """Change an operation that is in this stage. Raises ``AlreadyEnded`` when it is not."""
    if tx.execute(statement, {"key": id_, "from_stage": stage, **values}).rowcount != 1:
        raise AlreadyEnded


def claim_operation(tx: Connection, known: Operation, owner: str) -> None:
    """This process, and no other, calls the downstream for it. Raises ``AlreadyEnded``."""
    values = {"known_owner": known.owner, "owner": owner}
    _move_operation(tx, known.id, Stage.MINTED, values, _CLAIM_OPERATION)


def count_attempt(tx: Connection, id_: str, attempts: int, reason: str) -> None:
    """An attempt failed and another will be made, by whichever process comes to it."""
    _move_operation(tx, id_, Stage.MINTED, {"attempts": attempts, "reason": reason, "owner": None})


def answer_operation(tx: Connection, id_: str, remote_id: str, response: Doc) -> None:
    """The downstream has done it; its result is awaited."""
    values = {"state": Stage.WAITING, "remote_id": remote_id, "response": _json(response), "reason": None}
    _move_operation(tx, id_, Stage.MINTED, values)


def end_operation(
    tx: Connection, id_: str, stage: Stage, verdict: Verdict, reason: str | None, response: Doc | None = None
) -> None:
    """It has its verdict. Raises ``AlreadyEnded`` unless it was in ``stage``."""
    values: dict[str, Any] = {"state": Stage.ENDED, "verdict": verdict, "reason": reason, "ended_at": time.time()}
    if response is not None:
        values["response"] = _json(response)
    _move_operation(tx, id_, stage, values)


# -- inbound events ----------------------------------------------------------------------------------------------------


def insert_event(tx: Connection, id_: str, type_: str, body: Doc, keys: Iterable[str]) -> bool:
    """Whether the event is new; it is kept with the identifiers it names."""
    row = {"id": id_, "type": type_, "body": _json(body), "received_at": time.time()}
    if not _insert_once(tx, inbound_event, row):
        return False
    rows = [{"tenant": TENANT, "event_id": id_, "key": key} for key in sorted(set(keys))]
    if rows:
        tx.execute(insert(inbound_key), rows)
    return True


def attribute_event(tx: Connection, event_id: str, operation_id: str) -> None:
    """The event was found to speak of this operation."""
    tx.execute(_ATTRIBUTE_EVENT, {"event": event_id, "operation_id": operation_id})


def concerns_us(tx: Connection, keys: Sequence[str]) -> bool:
    """Whether an operation goes by one of these identifiers, ours or the downstream's."""
    return tx.execute(_CONCERNED, {"keys": list(keys)}).first() is not None


class RecoveryStore:
    """What the durable runs read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, recovery_id: str) -> tuple[Recovery, list[Operation]] | None:
        """The recovery with its copy of the mapping, and its operations so far, oldest first."""

        def work(connection: Connection) -> tuple[Recovery, list[Operation]] | None:
            row = connection.execute(_RECOVERY, {"key": recovery_id}).first()
            if row is None:
                return None
            return _recovery(row), [_operation(each) for each in connection.execute(_OPERATIONS, {"key": recovery_id})]

        return await self._database.read(work)

    async def ticket_of(self, recovery_id: str) -> str | None:
        """The ticket it is for, whatever else of it can be read."""
        rows = await self._rows(_TICKET_OF, key=recovery_id)
        return rows[0].ticket_id if rows else None

    async def operation(self, id_: str) -> Operation | None:
        """The operation with this id of ours."""
        rows = await self._rows(_OPERATION, key=id_)
        return _operation(rows[0]) if rows else None

    async def recovery_of(self, event_id: str) -> str | None:
        """The recovery that an inbound event speaks of."""
        rows = await self._rows(_RECOVERY_OF_EVENT, key=event_id)
        return rows[0].recovery_id if rows else None

    async def kept_events(self, keys: Sequence[str]) -> dict[str, Doc]:
        """Events that name one of these identifiers and were not yet found to speak of an operation, oldest first."""
        rows = await self._rows(_KEPT_EVENTS, keys=list(keys))
        return {row.id: orjson.loads(row.body) for row in rows}  # one event may name several of them

    async def is_registered(self, target: str, callback: str) -> bool:
        """Whether we have put this callback on the target's hub."""
        return bool(await self._rows(_REGISTERED, at=target, told=callback))

    async def registered(self, target: str, callback: str, remote_id: str | None) -> None:
        """Remember it."""
        row = {"target": target, "callback": callback, "remote_id": remote_id, "created_at": time.time()}
        await self._database.write(lambda tx: _insert_once(tx, registration, row))

    async def _rows(self, statement: Select[Any], **values: Any) -> Sequence[Row[Any]]:
        return await self._database.read(lambda connection: connection.execute(statement, values).all())
