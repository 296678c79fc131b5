"""What an operator sees of recoveries: which there are, what each waits for, all that happened in it. Reads only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tmf_adapter.mapping.live import LiveMappings
from tmf_adapter.recovery import questions
from tmf_adapter.recovery.decisions import shown_question
from tmf_adapter.recovery.recovery import OPEN, TELL, UNDO, Kind, Operation, Reply, Run, Stage, State, shown_body
from tmf_adapter.recovery.rows import moment
from tmf_adapter.recovery.store import RecoveryStore
from tmf_adapter.recovery.switches import Switches
from tmf_adapter.recovery.trail import entries_of
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, operation, recovery
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tmf.clock import clock_of
from tmf_adapter.tmf.errors import NotFound
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.mask import Mask
from tmf_adapter.tmf.time import stamp, utc_now

_R = recovery.c
_COLUMNS = (
    _R.id,
    _R.mapping_id,
    _R.ticket_id,
    _R.episode,
    _R.group_id,
    _R.state,
    _R.interim,
    _R.parked,
    _R.outcome,
    _R.reason,
    _R.created_at,
    _R.ended_at,
    _R.expires_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which recoveries; what is None does not narrow. Instants are Unix seconds."""

    state: State | None = None
    ticket_id: str | None = None
    mapping_id: str | None = None
    outcome: str | None = None
    open_only: bool = False
    since: float | None = None
    until: float | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """To be joined by and."""
        pairs = (
            (_R.state, self.state),
            (_R.ticket_id, self.ticket_id),
            (_R.mapping_id, self.mapping_id),
            (_R.outcome, self.outcome),
        )
        found = [_R.tenant == TENANT, *(column == value for column, value in pairs if value is not None)]
        found += [_R.state.in_(OPEN)] if self.open_only else []
        found += [_R.created_at >= self.since] if self.since is not None else []
        found += [_R.created_at < self.until] if self.until is not None else []
        return found


@dataclass(frozen=True, slots=True)
class Overview:
    """``stops_in`` are the ticket statuses in which the service-level clock stands still."""

    database: Database
    tickets: TicketDesk
    mappings: LiveMappings
    switches: Switches
    mask: Mask
    stops_in: Collection[str]

    async def recoveries(self, wanted: Wanted, offset: int, limit: int) -> tuple[list[Doc], int]:
        """A page of them, newest first, and how many there are."""

        def work(connection: sa.Connection) -> tuple[list[Doc], int]:
            conditions = wanted.conditions()
            total = connection.execute(sa.select(sa.func.count()).select_from(recovery).where(*conditions)).scalar_one()
            order = (_R.created_at.desc(), _R.id)
            rows = connection.execute(
                sa.select(*_COLUMNS).where(*conditions).order_by(*order).offset(offset).limit(limit)
            ).all()
            waiting = _waits(connection, [row.id for row in rows if row.state in OPEN])
            return [_shown(row, waiting.get(row.id)) for row in rows], int(total)

        return await self.database.read(work)

    async def recovery(self, id_: str) -> Doc:
        """One with its operations, questions, trail and its ticket's clock. Raises ``NotFound``."""
        run = await RecoveryStore(self.database).load(id_)
        if run is None:
            raise NotFound("There is no recovery with this id.", f"id: {id_[:80]}")
        [shown], _ = await self.database.read(
            lambda connection: (
                [connection.execute(sa.select(*_COLUMNS).where(_R.tenant == TENANT, _R.id == id_)).one()],
                0,
            )
        )
        trail = await entries_of(self.database, id_)
        return {
            **_shown(shown, _waiting_for(run)),
            "mappingHash": run.recovery.mapping.hash,
            "title": run.recovery.mapping.title,
            "operationList": [self.mask(_operation(one)) for one in run.operations],
            "questionList": [self.mask(shown_question(one)) for one in run.questions],
            "trail": [{"at": stamp(one.at), "entry": one.kind.value, **one.body} for one in trail],
            **await self._clock_of(run.recovery.ticket_id),
        }

    async def clock(self, ticket_id: str) -> Doc:
        """The service-level clock of a ticket. Raises ``NotFound``."""
        ticket = (await self.tickets.load(ticket_id)).document
        return {"ticketId": ticket_id, **clock_of(ticket, utc_now(), self.stops_in).document()}

    async def _clock_of(self, ticket_id: str) -> Doc:
        try:
            return {"clock": await self.clock(ticket_id)}
        except NotFound:
            return {}  # it was deleted

    async def approvals(self) -> list[Doc]:
        """What waits for a person's decision, oldest first."""
        return [self.mask(shown_question(one)) for one in await questions.approvals(self.database)]

    async def switched_off(self) -> list[Doc]:
        """What may call nothing just now."""
        return [
            {"name": one.name, "by": one.by, "reason": one.reason, "since": stamp(one.since)}
            for one in await self.switches.list()
        ]

    def mapping_set(self) -> Doc:
        """The mappings that hold, in the order in which they are asked, and what keeps newer files from holding."""
        held = self.mappings.held
        mappings = [
            {
                "id": one.id,
                "title": one.title,
                "hash": one.hash,
                "mode": one.mode.value,
                "order": one.order,
                "stop": one.stop,
                "file": one.file.rpartition("/")[2],
            }
            for one in held.mappings
        ]
        faults = [str(fault) for fault in self.mappings.faults]
        return {"since": stamp(held.since), "hash": held.mappings.hash, "mapping": mappings, "fault": faults}


def _waits(connection: sa.Connection, ids: list[str]) -> dict[str, Doc]:
    """What each of these waits for, as far as that is an operation."""
    statement = (
        sa.select(operation.c.recovery_id, operation.c.step_id, operation.c.state, operation.c.due_at)
        .where(operation.c.tenant == TENANT, operation.c.recovery_id.in_(ids), operation.c.state != Stage.ENDED)
        .order_by(operation.c.due_at.desc())
    )
    return {
        row.recovery_id: _wait(row.step_id, Stage(row.state), moment(row.due_at))
        for row in connection.execute(statement)
    }


def _wait(step: str, stage: Stage, until: datetime | None) -> Doc:
    what = "the next attempt" if stage is Stage.MINTED else "a result"
    return {"what": what, "step": step, **({"until": _stamp(until)} if _stamp(until) else {})}


def _stamp(due: datetime | None) -> str | None:
    """None as well for what was waiting before deadlines were kept: its row says that it is long over."""
    return stamp(due) if due and due.timestamp() > 0 else None


def _waiting_for(run: Run) -> Doc | None:
    """What a recovery waits for, and until when."""
    if run.recovery.state not in OPEN:
        return None
    for question in run.questions:
        if question.reply is Reply.OPEN:
            what = "an approval" if question.kind is Kind.APPROVAL else "the customer's answer"
            return {"what": what, "step": question.name, "until": stamp(question.due_at)}
    going = [one for one in run.operations if one.stage is not Stage.ENDED]
    return _wait(going[-1].step_id, going[-1].stage, going[-1].due_at) if going else None


def _shown(row: Any, waiting: Doc | None) -> Doc:
    instants = {"createdAt": row.created_at, "endedAt": row.ended_at, "workaroundUntil": row.expires_at}
    members = {
        "id": row.id,
        "mappingId": row.mapping_id,
        "ticketId": row.ticket_id,
        "episode": row.episode,
        "groupId": row.group_id,
        "state": row.state,
        "interimStatus": row.interim,
        "parked": row.parked,
        "outcome": row.outcome,
        "reason": row.reason,
        **{name: stamp(at) if (at := moment(value)) else None for name, value in instants.items()},
        "waitingFor": waiting,
    }
    return {name: value for name, value in members.items() if value is not None}


def _operation(one: Operation) -> Doc:
    members = {
        "id": one.id,
        "step": one.step_id.partition(".")[0],
        "undo": one.step_id.endswith(UNDO) or None,
        "tell": TELL in one.step_id or None,
        "call": one.call,
        "stage": one.stage.value,
        "target": one.target,
        "remoteId": one.remote_id,
        "attempts": one.attempts + 1,
        "verdict": one.verdict.value if one.verdict else None,
        "lapsed": one.lapsed or None,
        "reason": one.reason,
        "dueAt": _stamp(one.due_at) if one.stage is not Stage.ENDED else None,
        "endedAt": stamp(one.ended_at) if one.ended_at else None,
        "request": shown_body(one, one.request),
        "response": shown_body(one, one.response),
    }
    return {name: value for name, value in members.items() if value is not None}
