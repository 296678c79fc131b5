"""Rows of recoveries and operations. Functions that take a transaction write, the others read."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, Update, and_, bindparam, delete, or_, select, update

from tmf_adapter.mapping.parts import Outcome, Verdict
from tmf_adapter.recovery import groups, questions
from tmf_adapter.recovery.plans import plan_of, planned
from tmf_adapter.recovery.recovery import IN_VAIN, OPEN, Operation, Recovery, Run, Stage, State
from tmf_adapter.recovery.rows import AlreadyEnded, insert_once, json_text, moment
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, operation, recovery, registration
from tmf_adapter.tmf.events import Doc

# Statements are built once: building one costs as much as running it.

_RECOVERY = select(recovery).where(recovery.c.tenant == TENANT, recovery.c.id == bindparam("key"))
_MOVE_RECOVERY = update(recovery).where(
    recovery.c.tenant == TENANT, recovery.c.id == bindparam("key"), recovery.c.state == bindparam("from_state")
)
_END_ANY = update(recovery).where(
    recovery.c.tenant == TENANT, recovery.c.id == bindparam("key"), recovery.c.state.in_(OPEN)
)
_OPERATION = select(operation).where(operation.c.tenant == TENANT, operation.c.id == bindparam("key"))
_OPERATIONS = (
    select(operation)
    .where(operation.c.tenant == TENANT, operation.c.recovery_id.in_(bindparam("keys", expanding=True)))
    .order_by(operation.c.created_at)
)
_MOVE_OPERATION = update(operation).where(
    operation.c.tenant == TENANT, operation.c.id == bindparam("key"), operation.c.state == bindparam("from_stage")
)
_CLAIM_OPERATION = _MOVE_OPERATION.where(operation.c.owner.is_not_distinct_from(bindparam("known_owner")))
_GIVE_UP_WAITING = update(operation).where(
    operation.c.tenant == TENANT, operation.c.recovery_id == bindparam("key"), operation.c.state == Stage.WAITING
)
_OPEN_OF_TICKET = select(recovery.c.id, recovery.c.state).where(
    recovery.c.tenant == TENANT, recovery.c.ticket_id == bindparam("ticket"), recovery.c.state.in_(OPEN)
)
_FAILED = select(recovery.c.mapping_id).where(
    recovery.c.tenant == TENANT,
    recovery.c.ticket_id == bindparam("ticket"),
    recovery.c.episode < bindparam("episode"),
    recovery.c.outcome == Outcome.UNSUCCESSFUL,
)
_TRIED = select(recovery.c.mapping_id).where(
    recovery.c.tenant == TENANT,
    recovery.c.ticket_id == bindparam("ticket"),
    recovery.c.episode == bindparam("episode"),
    or_(
        and_(recovery.c.state == State.SHADOW, recovery.c.created_at < bindparam("moment")),
        and_(
            or_(recovery.c.state.in_(IN_VAIN), recovery.c.outcome == Outcome.UNSUCCESSFUL),
            recovery.c.ended_at < bindparam("moment"),
        ),
    ),
)
_REGISTERED = select(registration.c.remote_id, registration.c.created_at).where(
    registration.c.tenant == TENANT,
    registration.c.target == bindparam("at"),
    registration.c.callback == bindparam("told"),
)


@dataclass(frozen=True, slots=True)
class Registration:
    """Where we are on a hub: the id that it gave us, if any, and since when, in Unix seconds."""

    remote_id: str | None
    since: float


# -- recoveries --------------------------------------------------------------------------------------------------------


def insert_recovery(tx: Connection, new: Recovery) -> bool:
    """Whether this is the first recovery of the mapping for this ticket and episode; it is inserted only then."""
    row = {
        "id": new.id,
        "mapping_id": new.mapping.id,
        "ticket_id": new.ticket_id,
        "episode": new.episode,
        "state": new.state,
        "plan": new.plan or plan_of(new.mapping, new.scope),
        "created_at": time.time(),
    }
    return insert_once(tx, recovery, row)


def recovery_of(row: Row[Any]) -> Recovery:
    """A row as what it stands for."""
    plan = planned(row.id, row.plan)
    return Recovery(
        id=row.id,
        mapping=plan.mapping,
        ticket_id=row.ticket_id,
        episode=row.episode,
        scope=plan.scope,
        memo=plan.memo,
        state=State(row.state),
        group_id=row.group_id,
        interim=row.interim,
        parked=row.parked,
        ending=orjson.loads(row.ending) if row.ending else None,
        outcome=Outcome(row.outcome) if row.outcome else None,
        expires_at=moment(row.expires_at),
    )


def change_recovery(tx: Connection, id_: str, known: State, **values: Any) -> None:
    """Change a recovery that is in this state. Raises ``AlreadyEnded`` when it is not."""
    if tx.execute(_MOVE_RECOVERY, {"key": id_, "from_state": known, **values}).rowcount != 1:
        raise AlreadyEnded


def end_recovery(
    tx: Connection, known: Recovery, state: State, outcome: Outcome | None, reason: str, expires: datetime | None = None
) -> None:
    """It is over, or watches its work-around from now on; nobody joins its group any more. Raises ``AlreadyEnded``."""
    values = {
        "state": state,
        "outcome": outcome,
        "reason": reason,
        "ended_at": time.time(),
        "interim": None,
        "parked": None,
        "expires_at": expires.timestamp() if expires else None,
    }
    change_recovery(tx, known.id, known.state, **values)
    if known.asks:
        questions.withdraw(tx, known.id)
    if known.group_id:
        groups.close(tx, known.group_id)


def end_by_defect(tx: Connection, id_: str, reason: str) -> None:
    """It failed inside the adapter, whatever of it can be read. Raises ``AlreadyEnded``."""
    values = {"state": State.REPORTED, "outcome": Outcome.UNSUCCESSFUL, "reason": reason, "ended_at": time.time()}
    if tx.execute(_END_ANY, {"key": id_, **values}).rowcount != 1:
        raise AlreadyEnded
    questions.withdraw(tx, id_)


def begin_undo(tx: Connection, id_: str, state: State, ending: dict[str, Any]) -> None:
    """How it ends is known; what it waits for is given up, to be taken back first. Raises ``AlreadyEnded``."""
    change_recovery(tx, id_, state, state=State.UNDOING, ending=json_text(ending))
    tx.execute(
        _GIVE_UP_WAITING, {"key": id_, "state": Stage.ENDED, "reason": ending["reason"], "ended_at": time.time()}
    )
    questions.withdraw(tx, id_)


def open_of_ticket(tx: Connection, ticket_id: str) -> list[tuple[str, State]]:
    """The ticket's recoveries that have not ended."""
    return [(row.id, State(row.state)) for row in tx.execute(_OPEN_OF_TICKET, {"ticket": ticket_id})]


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
        "target": new.target,
        "request": json_text(new.request),
        "owner": new.owner,
        "created_at": time.time(),
    }
    return insert_once(tx, operation, row)


def operation_of(row: Row[Any]) -> Operation:
    """A row as what it stands for."""
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
        target=row.target,
        lapsed=bool(row.lapsed),
        due_at=moment(row.due_at),
        ended_at=moment(row.ended_at),
    )


def change_operation(
    tx: Connection, id_: str, stage: Stage, values: dict[str, Any], statement: Update = _MOVE_OPERATION
) -> None:
    """Change an operation that is in this stage. Raises ``AlreadyEnded`` when it is not."""
    if tx.execute(statement, {"key": id_, "from_stage": stage, **values}).rowcount != 1:
        raise AlreadyEnded


def claim_operation(tx: Connection, known: Operation, owner: str) -> None:
    """This process, and no other, calls the downstream for it. Raises ``AlreadyEnded``."""
    values = {"known_owner": known.owner, "owner": owner, "due_at": None}
    change_operation(tx, known.id, Stage.MINTED, values, _CLAIM_OPERATION)


def count_attempt(tx: Connection, id_: str, attempts: int, reason: str, at: datetime) -> None:
    """An attempt failed and another will be made at ``at``, by whichever process comes to it."""
    values = {"attempts": attempts, "reason": reason, "owner": None, "due_at": at.timestamp()}
    change_operation(tx, id_, Stage.MINTED, values)


def answer_operation(tx: Connection, id_: str, remote_id: str, response: Doc, due: datetime | None) -> None:
    """The downstream has done it; its result is awaited until ``due``."""
    values = {
        "state": Stage.WAITING,
        "remote_id": remote_id,
        "response": json_text(response),
        "reason": None,
        "due_at": due.timestamp() if due else None,
    }
    change_operation(tx, id_, Stage.MINTED, values)


def set_due(tx: Connection, id_: str, due: datetime | None) -> None:
    """Its result is awaited until ``due``; None lets its time stand still. Raises ``AlreadyEnded``."""
    change_operation(tx, id_, Stage.WAITING, {"due_at": due.timestamp() if due else None})


def end_operation(
    tx: Connection,
    id_: str,
    stage: Stage,
    verdict: Verdict | None,
    reason: str | None,
    response: Doc | None = None,
    *,
    lapsed: bool = False,
) -> None:
    """It has its verdict. Raises ``AlreadyEnded`` unless it was in ``stage``."""
    values: dict[str, Any] = {"state": Stage.ENDED, "verdict": verdict, "reason": reason, "ended_at": time.time()}
    values |= {"lapsed": int(lapsed)} | ({"response": json_text(response)} if response is not None else {})
    change_operation(tx, id_, stage, values)


class RecoveryStore:
    """What the durable runs read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, recovery_id: str) -> Run | None:
        """The recovery with its copy of the mapping, its operations and its group's, and its questions."""

        def work(connection: Connection) -> Run | None:
            row = connection.execute(_RECOVERY, {"key": recovery_id}).first()
            if row is None:
                return None
            found = recovery_of(row)
            owners = [recovery_id, found.group_id] if found.group_id else [recovery_id]
            operations = [operation_of(each) for each in connection.execute(_OPERATIONS, {"keys": owners})]
            asked = questions.of_recovery(connection, recovery_id) if found.asks else []
            alone = groups.is_alone(connection, found.group_id, recovery_id) if found.group_id else True
            return Run(found, operations, asked, alone)

        return await self._database.read(work)

    async def ticket_of(self, recovery_id: str) -> str | None:
        """The ticket it is for, whatever else of it can be read."""
        rows = await self._rows(select(recovery.c.ticket_id).where(and_(*_is(recovery_id))))
        return rows[0].ticket_id if rows else None

    async def operation(self, id_: str) -> Operation | None:
        """The operation with this id of ours."""
        rows = await self._rows(_OPERATION, key=id_)
        return operation_of(rows[0]) if rows else None

    async def failed(self, ticket_id: str, episode: int) -> frozenset[str]:
        """The mappings whose recovery in an earlier episode of the ticket ended unsuccessful."""
        rows = await self._rows(_FAILED, ticket=ticket_id, episode=episode)
        return frozenset(row.mapping_id for row in rows)

    async def tried(self, ticket_id: str, episode: int, before: datetime) -> frozenset[str]:
        """The mappings whose recovery in this episode had ended by then without restoring anything."""
        rows = await self._rows(_TRIED, ticket=ticket_id, episode=episode, moment=before.timestamp())
        return frozenset(row.mapping_id for row in rows)

    async def registration(self, target: str, callback: str) -> Registration | None:
        """Our registration of this callback at the target's hub, as far as we know."""
        rows = await self._rows(_REGISTERED, at=target, told=callback)
        return Registration(rows[0].remote_id, rows[0].created_at) if rows else None

    async def registered(self, target: str, callback: str, remote_id: str | None) -> None:
        """Remember it, in place of an earlier one."""
        row = {"target": target, "callback": callback, "remote_id": remote_id, "created_at": time.time()}
        mine = (registration.c.tenant == TENANT, registration.c.target == target, registration.c.callback == callback)

        def work(tx: Connection) -> None:
            tx.execute(delete(registration).where(*mine))
            insert_once(tx, registration, row)

        await self._database.write(work)

    async def _rows(self, statement: Select[Any], **values: Any) -> Sequence[Row[Any]]:
        return await self._database.read(lambda connection: connection.execute(statement, values).all())


def _is(recovery_id: str) -> tuple[Any, Any]:
    return recovery.c.tenant == TENANT, recovery.c.id == recovery_id
