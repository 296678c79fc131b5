"""Await: read the result events of an operation, or notice that its time is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine
from tmf_adapter.mapping.parts import Await, Step, Verdict
from tmf_adapter.recovery import store
from tmf_adapter.recovery.kinds import ADVANCE, DEADLINE
from tmf_adapter.recovery.recovery import Operation, Recovery, Stage, step_scope
from tmf_adapter.recovery.store import AlreadyEnded, RecoveryStore
from tmf_adapter.recovery.target import Found, Target
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.operations import OPERATIONS
from tmf_adapter.tmf.time import utc_now

LOOK_AGAIN = timedelta(seconds=5)
"""A downstream that sent its event and cannot be looked at is looked at again after this."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on an operation, for a reason, with the resource it was read from."""

    verdict: Verdict
    reason: str
    resource: Doc


@dataclass(frozen=True, slots=True)
class Mail:
    """Reads what came in for an operation that waits."""

    database: Database
    engine: Engine
    store: RecoveryStore
    targets: Mapping[str, Target]

    async def read(self, recovery: Recovery, operations: Sequence[Operation], operation: Operation, step: Step) -> bool:
        """Judge every event that speaks of the operation and was not judged yet; whether it has its verdict now."""
        events = await self.store.kept_events([operation.id, operation.remote_id or operation.id])
        if not events:
            return False
        found = await self._fetch(operation, step)
        if found is Found.UNREACHABLE:
            await self._look_again(operation)
            return False
        known = operation.response or {} if isinstance(found, Found) else found
        for event_id, event in events.items():
            # Events may carry only what changed, so each is read on top of the resource as it stands.
            resource = {**known, **_payload(event, operation.resource)}
            judgement = _judge_event(recovery, operations, operation, step, event, resource)
            if await self._conclude(operation, judgement, event_id):
                return True
        return False

    async def expire(
        self, recovery: Recovery, operations: Sequence[Operation], operation: Operation, step: Step
    ) -> None:
        """The time is over. An event may have been lost, so the resource is looked at once more."""
        assert step.await_ is not None
        found = await self._fetch(operation, step)
        judgement = None
        if not isinstance(found, Found):
            judgement = _judge(recovery, operations, operation, step.await_, found)
        late = f"no result of {operation.resource} {operation.remote_id} within {step.await_.within}"
        await self._conclude(operation, judgement or Judgement(recovery.mapping.on_timeout, late, {}), None)

    async def _fetch(self, operation: Operation, step: Step) -> Doc | Found:
        facts = OPERATIONS[operation.call]
        remote_id = operation.remote_id or operation.id
        return await self.targets[facts.api].fetch(facts, remote_id, step.timeout.total_seconds())

    async def _look_again(self, operation: Operation) -> None:
        key = f"{operation.recovery_id}/{new_id()}"
        at = utc_now() + LOOK_AGAIN
        await self.database.write(lambda tx: self.engine.start(tx, ADVANCE, key, at))

    async def _conclude(self, operation: Operation, judgement: Judgement | None, event_id: str | None) -> bool:
        """Write the verdict, if there is one; the guard on the row decides between an event and the deadline."""

        def work(tx: Connection) -> None:
            if judgement is not None:
                reason, resource = judgement.reason, judgement.resource or None
                store.end_operation(tx, operation.id, Stage.WAITING, judgement.verdict, reason, resource)
            if event_id is not None:
                store.attribute_event(tx, event_id, operation.id)

        try:
            await self.database.write(work)
        except AlreadyEnded:
            return True
        if judgement is None:
            return False
        crash_point(CrashPoint.EVENT_JUDGED)
        if event_id is not None:
            await self.engine.forget(DEADLINE, operation.id)
        return True


def _payload(event: Doc, resource: str) -> Doc:
    payload = event.get("event")
    found = payload.get(resource) if isinstance(payload, dict) else None
    return found if isinstance(found, dict) else {}


def _judge_event(
    recovery: Recovery, operations: Sequence[Operation], operation: Operation, step: Step, event: Doc, resource: Doc
) -> Judgement | None:
    """What an event says of the operation, None when that is nothing yet."""
    assert step.await_ is not None
    type_ = str(event.get("eventType") or event.get("@type")).lower()
    if type_ == f"{operation.resource}DeleteEvent".lower():
        return Judgement(Verdict.FAIL, f"{operation.resource} {operation.remote_id} was deleted", resource)
    if type_ != step.await_.event.lower():
        return None
    return _judge(recovery, operations, operation, step.await_, resource)


def _judge(
    recovery: Recovery, operations: Sequence[Operation], operation: Operation, await_: Await, resource: Doc
) -> Judgement | None:
    scope = {**step_scope(recovery, operations), "ev": {operation.resource: resource}}
    verdict = await_.judge(scope)
    if verdict is None:
        return None
    said = resource.get(OPERATIONS[operation.call].state_member) or "answered"
    why = resource.get("statusChangeReason")
    reason = f"{operation.resource} {operation.remote_id} is {said}" + (f": {why}" if why else "")
    return Judgement(verdict, reason, resource)
