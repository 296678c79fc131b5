"""The end of a recovery: what it did is taken back where it must be, and the ticket is told, in one commit."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine
from tmf_adapter.mapping.parts import Outcome, Step, Verdict
from tmf_adapter.recovery import store
from tmf_adapter.recovery.kinds import EXPIRE
from tmf_adapter.recovery.next import Finish, How, Taken, to_undo
from tmf_adapter.recovery.recovery import Operation, Recovery, Run, Stage, State, owner_of
from tmf_adapter.recovery.report import expiry_of, report_of, report_of_defect
from tmf_adapter.recovery.rows import AlreadyEnded
from tmf_adapter.recovery.trail import Entry, Trail
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Together
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.errors import NotFound
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.time import utc_now

log = logging.getLogger(__name__)

_ENDS = {How.STOP: State.STOPPED, How.ANSWERED: State.ANSWERED, How.SKIP: State.SKIPPED}


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends recoveries. ``word`` makes a reason's code the partner's wording."""

    database: Database
    engine: Engine
    tickets: TicketDesk
    trail: Trail
    word: Callable[[str], str]

    async def finish(self, run: Run, finish: Finish) -> bool:
        """End it, or begin to take back what it did; whether it goes on with that."""
        if finish.undo is not Taken.NOTHING and run.recovery.state is not State.UNDOING:
            if _leaves_something(run, finish):
                return await self._begin_undo(run, finish)
            finish = replace(finish, undo=Taken.NOTHING)
        await self._report(run, finish)
        return False

    async def _begin_undo(self, run: Run, finish: Finish) -> bool:
        def work(tx: Connection) -> None:
            store.begin_undo(tx, run.recovery.id, run.recovery.state, finish.document())
            self.trail.write(tx, run.recovery.id, Entry.UNDOING, outcome=finish.outcome, reason=finish.reason)

        try:
            await self.database.write(work)
        except AlreadyEnded:
            return True  # somebody else has moved it on
        crash_point(CrashPoint.UNDO_BEGUN)
        return True

    async def undo_failed(self, run: Run, step: Step, reason: str) -> bool:
        """What should be taken back cannot even be asked for; it stands on record like a call that failed."""
        failed = Operation(
            new_id(), owner_of(run, step), step.id, Stage.MINTED, step.call, step.operation.resource, request={}
        )

        def work(tx: Connection) -> None:
            if store.insert_operation(tx, failed):
                store.end_operation(tx, failed.id, Stage.MINTED, Verdict.FAIL, reason)
                self.trail.write(tx, run.recovery.id, Entry.CALLED, step=step.id, call=step.call, error=reason)

        await self.database.write(work)
        return True

    async def _report(self, run: Run, finish: Finish) -> None:
        recovery, expiry = run.recovery, expiry_of(run)
        is_new = finish.outcome is Outcome.WORKAROUND and recovery.expires_at is None
        until = utc_now() + expiry.after if expiry and is_new else None
        state = State.WATCHING if until else _ENDS.get(finish.how, State.REPORTED)
        said = report_of(run, finish, self.word, until)

        def write(tx: Connection) -> None:
            self._write(tx, recovery, finish, state, until)
            if said is None:
                self.trail.write(tx, recovery.id, Entry.ENDED, state=state.value, reason=finish.reason)
            else:
                self.trail.write(tx, recovery.id, Entry.REPORTED, **_shown(finish, said))

        await self._commit(recovery, said, write)

    def _write(self, tx: Connection, recovery: Recovery, finish: Finish, state: State, until: datetime | None) -> None:
        store.end_recovery(tx, recovery, state, finish.outcome, finish.reason, until)
        if state is State.WATCHING:
            self.engine.start(tx, EXPIRE, f"{recovery.id}/{new_id()}", until)

    async def _commit(self, recovery: Recovery, said: Report | None, write: Callable[[Connection], None]) -> None:
        try:
            if said is None:
                await self.database.write(write)
            else:
                await self.tickets.report(recovery.ticket_id, said, [Together(write)])
        except AlreadyEnded:
            return
        except NotFound:
            await self._gone(recovery)
        log.info("recovery %s of ticket %s has ended", recovery.id, recovery.ticket_id)
        crash_point(CrashPoint.REPORT_WRITTEN)

    async def _gone(self, recovery: Recovery) -> None:
        def work(tx: Connection) -> None:
            reason = "the ticket is gone"
            store.end_recovery(tx, recovery, State.STOPPED, None, reason)
            self.trail.write(tx, recovery.id, Entry.ENDED, state=State.STOPPED.value, reason=reason)

        with suppress(AlreadyEnded):
            await self.database.write(work)

    async def defect(self, recovery_id: str, ticket_id: str | None, reason: str) -> None:
        """It failed inside the adapter, every time: recorded with its cause, and the ticket is told that it failed."""
        if ticket_id is None:
            return

        def write(tx: Connection) -> None:
            store.end_by_defect(tx, recovery_id, reason)
            self.trail.write(tx, recovery_id, Entry.REPORTED, outcome=Outcome.UNSUCCESSFUL.value, defect=reason)

        try:
            await self.tickets.report(ticket_id, report_of_defect(recovery_id), [Together(write)])
        except AlreadyEnded:
            return
        except NotFound:
            await self.database.write(lambda tx: store.end_by_defect(tx, recovery_id, reason))


def _leaves_something(run: Run, finish: Finish) -> bool:
    """Whether anything is to be taken back: what has its result, waits for one, or may have been done."""
    given_up = [replace(one, stage=Stage.ENDED) if one.stage is Stage.WAITING else one for one in run.operations]
    return bool(to_undo(replace(run, operations=given_up), finish.undo))


def _shown(finish: Finish, said: Report) -> dict[str, object]:
    return {
        "outcome": finish.outcome,
        "how": finish.how,
        "reason": finish.reason,
        "ticket": {
            "status": said.status,
            "statusChangeReason": said.reason,
            "note": said.note,
            "characteristics": said.characteristics or None,
        },
    }
