"""Act: have one operation done by its downstream, once, whatever dies or fails in between."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine
from tmf_adapter.mapping.expression import RenderError
from tmf_adapter.mapping.parts import Step, Verdict
from tmf_adapter.mapping.render import render
from tmf_adapter.recovery import mailbox, store
from tmf_adapter.recovery.kinds import ADVANCE, DEADLINE, POLL, RALLY
from tmf_adapter.recovery.recovery import UNTOLD, Operation, Run, Stage, owner_of, shown_body
from tmf_adapter.recovery.rows import AlreadyEnded
from tmf_adapter.recovery.switches import Switches, still_off
from tmf_adapter.recovery.target import Answer, Found, Target, with_identity
from tmf_adapter.recovery.trail import Entry, Trail
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.ids import moment_of, new_id
from tmf_adapter.tmf.operations import Operation as Facts
from tmf_adapter.tmf.operations import api_of
from tmf_adapter.tmf.time import utc_now

log = logging.getLogger(__name__)

PATIENCE = timedelta(hours=1)
"""How long an operation waits for a downstream that is spared before its attempts are spent all the same."""


UNASKED = "it could not be asked what became of the operation"


@dataclass(frozen=True, slots=True)
class Acting:
    """``targets`` are the downstreams by API, such as ``tmf656``.

    Every method returns whether the recovery may go on at once; if not, somebody has promised to come back to it.
    """

    database: Database
    engine: Engine
    targets: Mapping[str, Target]
    trail: Trail
    switches: Switches

    def target(self, step: Step) -> Target:
        """The downstream of a step. Raises ``RenderError`` when there is none any more."""
        api = api_of(step.call)
        if api not in self.targets:
            raise RenderError(step.call, f"no downstream is configured for {api}")
        return self.targets[api]

    def facts(self, step: Step) -> Facts:
        """What the step asks for, in the version that its downstream speaks."""
        return self.target(step).operations[step.call]

    async def begin(self, run: Run, step: Step) -> bool:
        """Mint the operation id, commit it, then call. Raises ``RenderError``."""
        if await self._is_held_back(run):
            return False
        facts, id_, scope = self.facts(step), new_id(), run.scope
        target = str(render(step.target, scope)) if step.target else None
        minted = Operation(
            id=id_,
            recovery_id=owner_of(run, step),
            step_id=step.id,
            stage=Stage.MINTED,
            call=step.call,
            resource=facts.resource,
            request=with_identity(render(step.body, scope), id_, facts),
            owner=self.engine.run_id,
            target=target,
        )
        if not await self.database.write(lambda tx: store.insert_operation(tx, minted)):
            return True  # another process was first: look at what it minted
        crash_point(CrashPoint.OPERATION_MINTED)
        return await self._call(run, step, minted)

    async def resume(self, run: Run, step: Step, operation: Operation) -> bool:
        """An attempt was made and nobody wrote down how it went: ask the downstream before anything is repeated."""
        if not await self._claimed(run, operation):
            return False
        found = await self._look(step, operation)
        if found is Found.UNREACHABLE:
            answer = Answer(error=UNASKED, again="connect")
            return await self._take(run, step, operation, answer, 0.0)
        if found is Found.NOTHING:
            return await self._call(run, step, operation)
        return await self._take(run, step, operation, Answer(document=found), 0.0)

    async def look(self, run: Run, step: Step, operation: Operation) -> bool:
        """It is to be taken back, and nobody knows whether it was done: find out, and do not call."""
        if not await self._claimed(run, operation):
            return False
        found = await self._look(step, operation)
        try:
            if not isinstance(found, Found):
                await self.database.write(lambda tx: self._found(tx, operation, found))
            elif found is Found.UNREACHABLE and operation.attempts + 1 < step.retry.attempts:
                return await self._try_later(run, step, operation, "it could not be asked what became of it")
            else:
                reason = "it never arrived" if found is Found.NOTHING else "nobody knows whether it was done"
                await self._end(operation, Verdict.FAIL, reason)
        except AlreadyEnded:
            return True
        return True

    async def _claimed(self, run: Run, operation: Operation) -> bool:
        """Whether this process is the one that goes on with an operation, now."""
        if (due := operation.due_at) and utc_now() < due:
            key = f"{run.recovery.id}/{operation.id}/{due.timestamp()}"  # promised once more, should a clock be fast
            await self.database.write(lambda tx: self.engine.start(tx, ADVANCE, key, due))
            return False
        if operation.owner and operation.owner != self.engine.run_id and await self.engine.is_alive(operation.owner):
            return False  # the process that is at it goes on
        if await self._is_held_back(run):
            return False
        try:
            await self.database.write(lambda tx: store.claim_operation(tx, operation, self.engine.run_id))
        except AlreadyEnded:
            return False
        return True

    async def _call(self, run: Run, step: Step, operation: Operation) -> bool:
        target = self.target(step)
        if target.held_until and (until := min(target.held_until, _patience(operation))) > utc_now():
            return await self._hold(run, operation, until)
        began = time.perf_counter()
        answer = await target.create(
            self.facts(step), operation.id, operation.request, step.timeout.total_seconds(), operation.target
        )
        return await self._take(run, step, operation, answer, time.perf_counter() - began)

    async def _look(self, step: Step, operation: Operation) -> Doc | Found:
        return await self.target(step).look(self.facts(step), operation.id, step.timeout.total_seconds())

    async def _take(self, run: Run, step: Step, operation: Operation, answer: Answer, seconds: float) -> bool:
        """Write down what the downstream said, or try again later, or give the operation up."""
        crash_point(CrashPoint.DOWNSTREAM_ANSWERED)
        said, why = _said(operation, answer, seconds), _why(operation, answer)
        try:
            if answer.document is not None:
                return await self._write_answer(run, step, operation, answer.document, said)
            if answer.again in step.retry.when and operation.attempts + 1 < step.retry.attempts:
                return await self._try_later(run, step, operation, why, said)
            if answer.again is not None and not isinstance(found := await self._look(step, operation), Found):
                return await self._write_answer(run, step, operation, found, said)
            return await self._write_failure(run, step, operation, why, said)
        except AlreadyEnded:
            return False  # the recovery was stopped meanwhile

    async def _write_answer(self, run: Run, step: Step, operation: Operation, document: Doc, said: Doc) -> bool:
        due = utc_now() + step.await_.within if step.await_ else None
        remote_id = str(document.get("id") or operation.target)
        also = _others(run, step, operation) if step.await_ else set()

        def work(tx: Connection) -> None:
            mailbox.in_line(tx, {operation.id, remote_id} | also)
            store.answer_operation(tx, operation.id, remote_id, document, due)
            self.trail.write(tx, run.recovery.id, Entry.CALLED, **said, remoteId=remote_id)
            if step.await_ is None:
                store.end_operation(tx, operation.id, Stage.WAITING, Verdict.OK, f"{operation.resource} was accepted")
            else:
                self._await(tx, step, operation, due, also)
            self._rally(tx, operation, run)

        await self.database.write(work)
        crash_point(CrashPoint.OPERATION_WAITING)
        return True

    def _await(self, tx: Connection, step: Step, operation: Operation, due: datetime | None, also: set[str]) -> None:
        """Promise the end of the wait, and that the events of what it waits for find it."""
        self.engine.start(tx, DEADLINE, operation.id, due)
        mailbox.await_also(tx, operation.id, also)
        if pause := self.target(step).poll:
            self.engine.start(tx, POLL, f"{operation.id}/{new_id()}", utc_now() + pause)

    async def _hold(self, run: Run, operation: Operation, until: datetime) -> bool:
        """The downstream is spared for a while: wait, and burn no attempt."""

        def work(tx: Connection) -> None:
            why = operation.reason or "its downstream is spared for a while"
            store.count_attempt(tx, operation.id, operation.attempts, why, until)
            self.engine.start(tx, ADVANCE, f"{run.recovery.id}/{new_id()}", until)

        try:
            await self.database.write(work)
        except AlreadyEnded:
            return True
        return False

    async def _try_later(
        self, run: Run, step: Step, operation: Operation, reason: str, said: dict[str, Any] | None = None
    ) -> bool:
        attempts = operation.attempts + 1
        at = utc_now() + step.retry.backoff * 2 ** (attempts - 1)

        def work(tx: Connection) -> None:
            store.count_attempt(tx, operation.id, attempts, reason, at)
            self.engine.start(tx, ADVANCE, f"{run.recovery.id}/{new_id()}", at)
            if said:
                self.trail.write(tx, run.recovery.id, Entry.CALLED, **said)

        await self.database.write(work)
        log.info("operation %s: %s; attempt %d follows", operation.id, reason, attempts + 1)
        return False

    async def _write_failure(self, run: Run, step: Step, operation: Operation, error: str, said: Doc) -> bool:
        tries = operation.attempts + 1
        reason = f"{step.call} was not done: {error}" + (f" ({tries} attempts)" if tries > 1 else "")

        def work(tx: Connection) -> None:
            store.end_operation(tx, operation.id, Stage.MINTED, Verdict.FAIL, reason)
            self.trail.write(tx, run.recovery.id, Entry.CALLED, **said)
            if asker := run.waiting_for(operation.step_id):
                store.end_operation(tx, asker.id, Stage.WAITING, Verdict.FAIL, UNTOLD + reason, lapsed=True)
            self._rally(tx, operation, run)

        await self.database.write(work)
        return True

    def _found(self, tx: Connection, operation: Operation, document: Doc) -> None:
        store.answer_operation(tx, operation.id, str(document.get("id") or operation.target), document, None)
        store.end_operation(tx, operation.id, Stage.WAITING, None, "its recovery is over")

    async def _end(self, operation: Operation, verdict: Verdict, reason: str) -> None:
        await self.database.write(lambda tx: store.end_operation(tx, operation.id, Stage.MINTED, verdict, reason))

    def _rally(self, tx: Connection, operation: Operation, run: Run) -> None:
        if operation.recovery_id != run.recovery.id:
            self.engine.start(tx, RALLY, f"{operation.recovery_id}/{new_id()}")

    async def _is_held_back(self, run: Run) -> bool:
        """Whether the mapping is switched off; it is parked then. Another process's switch is known a second later."""
        if not await self.switches.off():
            return False
        why = await self.switches.why_off(run.recovery.mapping.id)
        return why is not None and await self._park(run, why)

    async def _park(self, run: Run, why: str) -> bool:
        """Hold the next call back; whether it is still to be held back."""
        if run.recovery.parked:
            return True

        def work(tx: Connection) -> bool:
            if not still_off(tx, run.recovery.mapping.id):
                return False
            store.change_recovery(tx, run.recovery.id, run.recovery.state, parked=why)
            self.trail.write(tx, run.recovery.id, Entry.PARKED, reason=why)
            return True

        try:
            return await self.database.write(work)
        except AlreadyEnded:
            return True


def _patience(operation: Operation) -> datetime:
    """The end of the time for which an operation waits for a downstream that is spared."""
    return moment_of(operation.id) + PATIENCE


def matched(run: Run, step: Step) -> list[Operation]:
    """The operations of other steps whose events this one waits for: those that its ``match`` names."""
    return [one for one in run.operations if one.step_id in step.matched]


def _others(run: Run, step: Step, operation: Operation) -> set[str]:
    """What else its events may be about: what it changes, and the resources of the steps that its ``match`` names."""
    others = {one.remote_id or one.id for one in matched(run, step)}
    return others | {operation.target} if operation.target else others


def _why(operation: Operation, answer: Answer) -> str:
    """Why an attempt failed; where nothing could even be asked, what went wrong before that tells more."""
    return (operation.reason if answer.error == UNASKED else None) or answer.error or ""


def _said(operation: Operation, answer: Answer, seconds: float) -> dict[str, Any]:
    """An attempt as it stands in the trail; the request with its first one."""
    return {
        "step": operation.step_id,
        "call": operation.call,
        "key": operation.id,
        "attempt": operation.attempts + 1,
        "status": answer.status,
        "ms": round(seconds * 1_000, 1) if seconds else None,
        "target": operation.target,
        "request": shown_body(operation, operation.request) if not operation.attempts else None,
        "error": answer.error,
        "found": True if answer.document is not None and answer.status is None and not seconds else None,
    }
