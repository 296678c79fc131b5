"""Act: have one operation done by its downstream, once, whatever dies or fails in between."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine
from tmf_adapter.mapping.parts import Step, Verdict
from tmf_adapter.mapping.render import render
from tmf_adapter.recovery import store
from tmf_adapter.recovery.kinds import ADVANCE, DEADLINE
from tmf_adapter.recovery.recovery import Operation, Recovery, Stage, step_scope
from tmf_adapter.recovery.store import AlreadyEnded
from tmf_adapter.recovery.target import Answer, Found, Target, with_identity
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.operations import OPERATIONS
from tmf_adapter.tmf.time import utc_now

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Acting:
    """``targets`` are the downstreams by API, such as ``tmf656``.

    Every method returns whether the recovery may go on at once; if not, somebody has promised to come back to it.
    """

    database: Database
    engine: Engine
    targets: Mapping[str, Target]

    def target(self, step: Step) -> Target:
        """The downstream of a step."""
        return self.targets[OPERATIONS[step.call].api]

    async def begin(self, recovery: Recovery, operations: Sequence[Operation], step: Step) -> bool:
        """Mint the operation id, commit it, then call. Raises ``RenderError``."""
        facts, id_ = OPERATIONS[step.call], new_id()
        body = with_identity(render(step.body, step_scope(recovery, operations)), id_)
        minted = Operation(
            id_, recovery.id, step.id, Stage.MINTED, step.call, facts.resource, body, owner=self.engine.run_id
        )
        if not await self.database.write(lambda tx: store.insert_operation(tx, minted)):
            return True  # another process was first: look at what it minted
        crash_point(CrashPoint.OPERATION_MINTED)
        answer = await self.target(step).create(facts, id_, body, step.timeout.total_seconds())
        return await self._take(step, minted, answer)

    async def resume(self, step: Step, operation: Operation) -> bool:
        """An attempt was made and nobody wrote down how it went: ask the downstream before anything is repeated."""
        if operation.owner and operation.owner != self.engine.run_id and await self.engine.is_alive(operation.owner):
            return False  # the process that is at it goes on
        try:
            await self.database.write(lambda tx: store.claim_operation(tx, operation, self.engine.run_id))
        except AlreadyEnded:
            return False
        found = await self._look(step, operation)
        if found is Found.UNREACHABLE:
            answer = Answer(error="it could not be asked what became of the operation", again="connect")
        elif found is Found.NOTHING:
            timeout = step.timeout.total_seconds()
            answer = await self.target(step).create(OPERATIONS[step.call], operation.id, operation.request, timeout)
        else:
            answer = Answer(document=found)
        return await self._take(step, operation, answer)

    async def _look(self, step: Step, operation: Operation) -> Doc | Found:
        return await self.target(step).look(OPERATIONS[step.call], operation.id, step.timeout.total_seconds())

    async def _take(self, step: Step, operation: Operation, answer: Answer) -> bool:
        """Write down what the downstream said, or try again later, or give the operation up."""
        crash_point(CrashPoint.DOWNSTREAM_ANSWERED)
        try:
            if answer.document is not None:
                return await self._write_answer(step, operation, answer.document)
            if answer.again in step.retry.when and operation.attempts + 1 < step.retry.attempts:
                return await self._try_later(step, operation, answer.error or "")
            if answer.again is not None and not isinstance(found := await self._look(step, operation), Found):
                return await self._write_answer(step, operation, found)
            return await self._write_failure(step, operation, answer.error or "")
        except AlreadyEnded:
            return False  # the recovery was stopped meanwhile

    async def _write_answer(self, step: Step, operation: Operation, document: Doc) -> bool:
        def work(tx: Connection) -> None:
            store.answer_operation(tx, operation.id, document["id"], document)
            if step.await_ is None:
                store.end_operation(tx, operation.id, Stage.WAITING, Verdict.OK, f"{operation.resource} was accepted")
            else:
                self.engine.start(tx, DEADLINE, operation.id, utc_now() + step.await_.within)

        await self.database.write(work)
        crash_point(CrashPoint.OPERATION_WAITING)
        return True

    async def _try_later(self, step: Step, operation: Operation, reason: str) -> bool:
        attempts = operation.attempts + 1
        at = utc_now() + step.retry.backoff * 2 ** (attempts - 1)

        def work(tx: Connection) -> None:
            store.count_attempt(tx, operation.id, attempts, reason)
            self.engine.start(tx, ADVANCE, f"{operation.recovery_id}/{operation.id}/{attempts}", at)

        await self.database.write(work)
        log.info("operation %s: %s; attempt %d follows", operation.id, reason, attempts + 1)
        return False

    async def _write_failure(self, step: Step, operation: Operation, error: str) -> bool:
        tries = operation.attempts + 1
        reason = f"{step.call} was not done: {error}" + (f" ({tries} attempts)" if tries > 1 else "")
        await self.database.write(lambda tx: store.end_operation(tx, operation.id, Stage.MINTED, Verdict.FAIL, reason))
        return True
