"""Rows of questions: what recoveries ask persons, and the answers."""

import time
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, select, update

from tmf_adapter.recovery.recovery import Kind, Question, Reply
from tmf_adapter.recovery.rows import AlreadyEnded, insert_once, json_text, moment
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, question

_MINE = question.c.tenant == TENANT
_IS_OPEN = question.c.state == Reply.OPEN
_QUESTION = select(question).where(_MINE, question.c.id == bindparam("key"))
_OF_RECOVERY = select(question).where(_MINE, question.c.recovery_id == bindparam("key")).order_by(question.c.created_at)
_OF_TICKET = select(question).where(
    _MINE, _IS_OPEN, question.c.kind == Kind.INFORMATION, question.c.ticket_id == bindparam("ticket")
)
_APPROVALS = select(question).where(_MINE, _IS_OPEN, question.c.kind == Kind.APPROVAL).order_by(question.c.created_at)
_REPLY = update(question).where(_MINE, _IS_OPEN, question.c.id == bindparam("key"))
_WITHDRAW = update(question).where(_MINE, _IS_OPEN, question.c.recovery_id == bindparam("key"))


def put(tx: Connection, new: Question) -> bool:
    """Whether it was not asked before under its name; it is now."""
    row = {
        "id": new.id,
        "recovery_id": new.recovery_id,
        "name": new.name,
        "ticket_id": new.ticket_id,
        "kind": new.kind,
        "state": new.reply,
        "asked": json_text(new.asked),
        "created_at": time.time(),
        "due_at": new.due_at.timestamp(),
    }
    return insert_once(tx, question, row)


def reply(tx: Connection, id_: str, said: Reply, by: str | None = None, answer: str | None = None) -> None:
    """The open question has its reply. Raises ``AlreadyEnded``."""
    values = {"state": said, "answered_by": by, "answer": answer, "ended_at": time.time()}
    if tx.execute(_REPLY, {"key": id_, **values}).rowcount != 1:
        raise AlreadyEnded


def withdraw(tx: Connection, recovery_id: str) -> None:
    """Nobody needs to answer what the recovery asks any more."""
    tx.execute(_WITHDRAW, {"key": recovery_id, "state": Reply.WITHDRAWN, "ended_at": time.time()})


def of_recovery(connection: Connection, recovery_id: str) -> list[Question]:
    """All that a recovery has asked, oldest first."""
    return [_question(row) for row in connection.execute(_OF_RECOVERY, {"key": recovery_id})]


async def open_of_ticket(database: Database, ticket_id: str) -> list[Question]:
    """What the customer is being asked about a ticket."""
    return await database.read(lambda tx: [_question(row) for row in tx.execute(_OF_TICKET, {"ticket": ticket_id})])


async def approvals(database: Database) -> Sequence[Question]:
    """What waits for a person's decision, oldest first."""
    return await database.read(lambda tx: [_question(row) for row in tx.execute(_APPROVALS)])


async def find(database: Database, id_: str) -> Question | None:
    """The question with this id."""
    row = await database.read(lambda connection: connection.execute(_QUESTION, {"key": id_}).first())
    return _question(row) if row else None


def _question(row: Row[Any]) -> Question:
    due, kind = moment(row.due_at), Kind(row.kind)
    assert due is not None
    is_said = kind is Kind.INFORMATION and row.answer is not None
    return Question(
        id=row.id,
        recovery_id=row.recovery_id,
        name=row.name,
        ticket_id=row.ticket_id,
        kind=kind,
        reply=Reply(row.state),
        asked=orjson.loads(row.asked),
        due_at=due,
        answered_by=row.answered_by,
        answer=None if is_said else row.answer,
        said=orjson.loads(row.answer) if is_said else None,
    )
