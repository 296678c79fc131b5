"""The durable run of a recovery: decide, act, await, report. Every function here may run again after a crash."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from sqlalchemy import Connection

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine, Task
from tmf_adapter.mapping.expression import RenderError, Scope
from tmf_adapter.mapping.parts import Outcome, Step
from tmf_adapter.mapping.plan import bind
from tmf_adapter.recovery import store
from tmf_adapter.recovery.act import Acting
from tmf_adapter.recovery.kinds import ADVANCE, DEADLINE, JUDGE
from tmf_adapter.recovery.mail import Mail
from tmf_adapter.recovery.recovery import (
    Act,
    Finish,
    Operation,
    Recovery,
    Stage,
    State,
    Wait,
    next_move,
    step_scope,
)
from tmf_adapter.recovery.report import report_of, report_of_defect
from tmf_adapter.recovery.store import AlreadyEnded, RecoveryStore
from tmf_adapter.recovery.target import Target
from tmf_adapter.storage.database import Database
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.errors import NotFound

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ended:
    """The recovery is over, in the commit that reports it; nothing is reported when it was over before."""

    recovery_id: str
    state: State
    outcome: Outcome | None
    reason: str

    def write(self, tx: Connection) -> None:
        store.end_recovery(tx, self.recovery_id, self.state, self.outcome, self.reason)

    def committed(self) -> None:
        log.info("recovery %s %s: %s", self.recovery_id, self.outcome or self.state, self.reason)


class Runs:
    """Makes the next short step of each recovery happen. ``targets`` are the downstreams by API, such as ``tmf656``."""

    def __init__(self, database: Database, engine: Engine, tickets: TicketDesk, targets: Mapping[str, Target]) -> None:
        self._database = database
        self._tickets = tickets
        self._store = RecoveryStore(database)
        self._acting = Acting(database, engine, targets)
        self._mail = Mail(database, engine, self._store, targets)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def tasks(self) -> dict[str, Task]:
        """What the engine runs for us."""
        return {
            ADVANCE: Task(self.advance, self._give_up),
            JUDGE: Task(self.judge, _leave_to_deadline),
            DEADLINE: Task(self.deadline, self._give_up_operation),
        }

    async def advance(self, key: str) -> None:
        """Take a recovery as far as it goes now."""
        recovery_id = key.partition("/")[0]
        crash_point(CrashPoint.RECOVERY_STARTED)
        async with self._lock(recovery_id):
            while await self._step(recovery_id):
                continue

    async def judge(self, event_id: str) -> None:
        """Let the recovery that an inbound event speaks of read its mail."""
        recovery_id = await self._store.recovery_of(event_id)
        if recovery_id is not None:
            await self.advance(recovery_id)

    async def deadline(self, operation_id: str) -> None:
        """The time for a result is over."""
        operation = await self._store.operation(operation_id)
        if operation is None:
            return
        async with self._lock(operation.recovery_id):
            await self._expire(operation.recovery_id, operation_id)
        await self.advance(operation.recovery_id)

    def _lock(self, recovery_id: str) -> asyncio.Lock:
        """One step at a time for one recovery in this process; between processes the operation's owner decides."""
        lock = self._locks.get(recovery_id)
        if lock is None:
            lock = self._locks[recovery_id] = asyncio.Lock()
        return lock

    async def _step(self, recovery_id: str) -> bool:
        """Do what is next; whether there may be more to do at once."""
        found = await self._store.load(recovery_id)
        if found is None or found[0].state is not State.RUNNING:
            return False
        recovery, operations = found
        try:
            bound = replace(recovery, scope=bind(recovery.mapping, recovery.scope))
            return await self._move(bound, operations)
        except RenderError as error:
            return await self._finish(
                recovery, operations, Finish(Outcome.UNSUCCESSFUL, f"the mapping failed: {error}")
            )

    async def _move(self, recovery: Recovery, operations: Sequence[Operation]) -> bool:
        def runs(step: Step) -> bool:
            return step.if_ is None or step.if_.is_true(Scope.of(step_scope(recovery, operations)))

        move = next_move(recovery, operations, runs)
        match move:
            case Finish():
                return await self._finish(recovery, operations, move)
            case Wait(step, operation):
                return await self._mail.read(recovery, operations, operation, step)
            case Act(step, operation):
                if operation is None:
                    return await self._acting.begin(recovery, operations, step)
                return await self._acting.resume(step, operation)

    async def _expire(self, recovery_id: str, operation_id: str) -> None:
        found = await self._store.load(recovery_id)
        recovery, operations = found or (None, [])
        for operation in operations:
            if recovery and operation.id == operation_id and operation.stage is Stage.WAITING:
                bound = replace(recovery, scope=bind(recovery.mapping, recovery.scope))
                await self._mail.expire(bound, operations, operation, recovery.mapping.step(operation.step_id))

    async def _finish(self, recovery: Recovery, operations: Sequence[Operation], finish: Finish) -> bool:
        ended = _Ended(recovery.id, State.REPORTED, finish.outcome, finish.reason)
        await self._report(recovery.ticket_id, report_of(recovery, operations, finish), ended)
        return False

    async def _report(self, ticket_id: str, said: Report, ended: _Ended) -> None:
        try:
            await self._tickets.report(ticket_id, said, [ended])
        except AlreadyEnded:
            return
        except NotFound:
            gone = replace(ended, state=State.STOPPED, reason="the ticket is gone")
            await self._database.write(gone.write)
        crash_point(CrashPoint.REPORT_WRITTEN)

    async def _give_up(self, key: str, reason: str) -> None:
        """A defect of ours: it is recorded, and the ticket does not wait for ever."""
        recovery_id = key.partition("/")[0]
        ticket_id = await self._store.ticket_of(recovery_id)
        if ticket_id is not None:
            ended = _Ended(recovery_id, State.REPORTED, Outcome.UNSUCCESSFUL, reason)
            await self._report(ticket_id, report_of_defect(recovery_id), ended)

    async def _give_up_operation(self, operation_id: str, reason: str) -> None:
        operation = await self._store.operation(operation_id)
        if operation is not None:
            await self._give_up(operation.recovery_id, reason)


async def _leave_to_deadline(event_id: str, reason: str) -> None:
    log.error("event %s could not be judged (%s); the deadline of its operation will look again", event_id, reason)
