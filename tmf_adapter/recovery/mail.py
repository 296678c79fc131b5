"""Await: read the result events of an operation, or notice that its time is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine
from tmf_adapter.mapping.parts import Step, Verdict
from tmf_adapter.recovery import mailbox, store
from tmf_adapter.recovery.act import matched
from tmf_adapter.recovery.ask import Asking
from tmf_adapter.recovery.kinds import ADVANCE, DEADLINE, POLL, RALLY
from tmf_adapter.recovery.mailbox import Mailbox
from tmf_adapter.recovery.recovery import Operation, Run, Stage
from tmf_adapter.recovery.rows import AlreadyEnded
from tmf_adapter.recovery.target import Found, Target
from tmf_adapter.recovery.trail import Entry, Trail
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.operations import OPERATIONS, api_of
from tmf_adapter.tmf.time import utc_now

LOOK_AGAIN = timedelta(seconds=5)
"""A downstream that sent its event and cannot be looked at is looked at again after this."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on an operation, for a reason, with the resource it was read from."""

    verdict: Verdict
    reason: str
    resource: Doc
    lapsed: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """Reads what came in for an operation that waits."""

    database: Database
    engine: Engine
    mailbox: Mailbox
    targets: Mapping[str, Target]
    asking: Asking
    trail: Trail

    async def read(self, run: Run, operation: Operation, step: Step) -> bool:
        """Judge every event that speaks of the operation and was not judged yet; whether the recovery goes on."""
        events, looked = await self.mailbox.unread(operation), dict[str, Doc | Found]()
        for event_id, event in events.items():
            judgement = None
            if _may_decide(step, event):
                resource = await self.resource(run, operation, step, event, looked)
                if resource is None:
                    await self._look_again(run)
                    return False
                judgement = _judge_event(run, operation, step, event, resource)
            if await self._conclude(run, operation, step, judgement, event_id):
                return True
        return False

    async def resource(
        self, run: Run, operation: Operation, step: Step, event: Doc, looked: dict[str, Doc | Found]
    ) -> Doc | None:
        """What the event is about as it stands now; None while that cannot be asked.

        Events may carry only what changed, so each is read on top of the whole resource. ``looked`` is what was asked
        for just now, by operation: of several events about one resource it is asked for once.
        """
        name, payload = payload_of(event)
        subject = _subject(run, operation, step, name, payload.get("id"))
        if subject is None:
            return payload
        if subject.id not in looked:
            looked[subject.id] = await self._fetch(subject, step)
        found = looked[subject.id]
        if found is Found.UNREACHABLE:
            return None
        known = subject.response or {} if isinstance(found, Found) else found
        return {**known, **payload}

    async def poll(self, run: Run, operation: Operation, step: Step) -> None:
        """Look at what sends no events, and promise the next look unless it has its verdict."""
        if (pause := self._pause(operation)) is None:
            return
        judgement = await self._look(run, operation, step)
        if judgement and judgement.verdict is Verdict.ASK and _was_asked(run, step, judgement.reason):
            judgement = None
        if judgement is None or not await self._conclude(run, operation, step, judgement, None):
            key = f"{operation.id}/{new_id()}"
            await self.database.write(lambda tx: self.engine.start(tx, POLL, key, utc_now() + pause))

    async def expire(self, run: Run, operation: Operation, step: Step) -> None:
        """The time is over. An event may have been lost, so the resource is looked at once more."""
        assert step.await_ is not None
        seen = await self._look(run, operation, step)
        if seen is not None and seen.verdict is Verdict.ASK:
            seen = None  # it had all the time that it was given, answer included
        late = f"no result of {operation.resource} {operation.remote_id} within {step.await_.within}"
        lapsed = Judgement(run.recovery.mapping.on_timeout(step), late, {}, lapsed=True)
        await self._conclude(run, operation, step, seen or lapsed, None)

    def _pause(self, operation: Operation) -> timedelta | None:
        target = self.targets.get(api_of(operation.call))
        return target.poll if target else None

    async def _look(self, run: Run, operation: Operation, step: Step) -> Judgement | None:
        """What the resource says of the operation as it stands."""
        assert step.await_ is not None
        for name in (operation.resource, *(one.resource for one in matched(run, step))):
            if not step.await_.event.lower().startswith(name.lower()):
                continue
            subject = _subject(run, operation, step, name)
            found = await self._fetch(subject, step) if subject else Found.NOTHING
            if not isinstance(found, Found):
                return _judge(run, operation, step, name, found)
        return None

    async def _fetch(self, subject: Operation, step: Step) -> Doc | Found:
        target = self.targets.get(api_of(subject.call))
        if target is None:
            return Found.NOTHING
        remote_id = subject.remote_id or subject.id
        return await target.fetch(target.operations[subject.call], remote_id, step.timeout.total_seconds())

    async def _look_again(self, run: Run) -> None:
        key = f"{run.recovery.id}/{new_id()}"
        at = utc_now() + LOOK_AGAIN
        await self.database.write(lambda tx: self.engine.start(tx, ADVANCE, key, at))

    async def _conclude(
        self, run: Run, operation: Operation, step: Step, judgement: Judgement | None, event_id: str | None
    ) -> bool:
        """Write the verdict, if there is one; the guard on the row decides between an event and the deadline."""
        if judgement is not None and not judgement.verdict.ends_wait:
            await self.asking.of_step(run, operation, step, judgement.reason, event_id)
            return True

        def work(tx: Connection) -> None:
            if judgement is not None:
                self._write(tx, run, operation, judgement, event_id)
            if event_id is not None:
                mailbox.read_event(tx, event_id, operation.id)

        try:
            await self.database.write(work)
        except AlreadyEnded:
            return True
        if judgement is None:
            return False
        crash_point(CrashPoint.EVENT_JUDGED)
        if not judgement.lapsed:
            await self.engine.forget(DEADLINE, operation.id)
        return True

    def _write(
        self, tx: Connection, run: Run, operation: Operation, judgement: Judgement, event_id: str | None
    ) -> None:
        verdict, reason, resource = judgement.verdict, judgement.reason, judgement.resource or None
        store.end_operation(tx, operation.id, Stage.WAITING, verdict, reason, resource, lapsed=judgement.lapsed)
        said = {"step": operation.step_id, "verdict": verdict.value, "reason": reason, "event": event_id}
        self.trail.write(tx, run.recovery.id, Entry.JUDGED, **said, lapsed=judgement.lapsed or None)
        if operation.recovery_id != run.recovery.id:
            self.engine.start(tx, RALLY, f"{operation.recovery_id}/{new_id()}")


def payload_of(event: Doc) -> tuple[str, Doc]:
    """The resource that an event is about: its name, and what the event has of it."""
    payload = event.get("event")
    for name, found in payload.items() if isinstance(payload, dict) else ():
        if isinstance(found, dict):
            return str(name), found
    return "", {}


def _was_asked(run: Run, step: Step, summary: str) -> bool:
    """Whether that was asked before: who looks sees the same again and again, and has no event to tell it by."""
    return any(one.step_id == step.id and one.asked.get("summary") == summary for one in run.questions)


def _subject(run: Run, operation: Operation, step: Step, resource: str, id_: object = None) -> Operation | None:
    """Whose resource an event is about: the operation's own, or that of a step that its ``match`` names."""
    known = [one for one in (operation, *matched(run, step)) if one.resource == resource and one.remote_id]
    return next((one for one in known if one.remote_id == id_), known[0] if known else None)


def _may_decide(step: Step, event: Doc) -> bool:
    """Whether it is of a type that is ever judged; nobody is asked about the resource of any other."""
    assert step.await_ is not None
    type_ = _type_of(event)
    return type_ == step.await_.event.lower() or type_.endswith("deleteevent")


def _type_of(event: Doc) -> str:
    return str(event.get("eventType") or event.get("@type")).lower()


def _judge_event(run: Run, operation: Operation, step: Step, event: Doc, resource: Doc) -> Judgement | None:
    """What an event says of the operation, None when that is nothing yet."""
    assert step.await_ is not None
    type_ = _type_of(event)
    name, _ = payload_of(event)
    is_own = _subject(run, operation, step, name, resource.get("id")) is operation
    if is_own and type_ == f"{operation.resource}DeleteEvent".lower():
        return Judgement(Verdict.FAIL, f"{operation.resource} {operation.remote_id} was deleted", resource)
    if type_ != step.await_.event.lower():
        return None
    return _judge(run, operation, step, name or operation.resource, resource)


def _judge(run: Run, operation: Operation, step: Step, name: str, resource: Doc) -> Judgement | None:
    assert step.await_ is not None
    verdict = step.await_.judge({**run.scope, "ev": {name: resource}})
    if verdict is None or (verdict is Verdict.ASK and run.is_asked(step.id)):
        return None  # as long as one question is open, no other is asked
    subject = _subject(run, operation, step, name, resource.get("id"))
    said = resource.get(OPERATIONS[(subject or operation).call].state_member) or "answered"
    why = resource.get("statusChangeReason")
    reason = f"{name} {resource.get('id', operation.remote_id)} is {said}" + (f": {why}" if why else "")
    return Judgement(verdict, reason, resource if subject is operation else {})
