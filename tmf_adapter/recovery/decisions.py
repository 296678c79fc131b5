"""What operators decide: approve or deny, stop, replay with the same keys, switch off and on; each with who and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, update

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine
from tmf_adapter.mapping.parts import Outcome, Verdict
from tmf_adapter.recovery import questions, store
from tmf_adapter.recovery.kinds import ADVANCE, DEADLINE
from tmf_adapter.recovery.next import Finish, How, Taken
from tmf_adapter.recovery.recovery import TELL, UNDO, Kind, Operation, Question, Reply, Run, Stage, State
from tmf_adapter.recovery.rows import AlreadyEnded
from tmf_adapter.recovery.run import Runs
from tmf_adapter.recovery.trail import Entry
from tmf_adapter.storage import audit
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, operation
from tmf_adapter.tmf.errors import Conflict, NotFound
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.time import stamp, utc_now

_AGAIN = update(operation).where(
    operation.c.tenant == TENANT, operation.c.id == bindparam("key"), operation.c.state == Stage.ENDED
)


@dataclass(frozen=True, slots=True)
class Decisions:
    """Every method says who decides and why, which the trail keeps beside the audit of operators' actions."""

    database: Database
    engine: Engine
    runs: Runs

    async def approvals(self) -> Sequence[Question]:
        """What waits for a person's decision, oldest first."""
        return await questions.approvals(self.database)

    async def decide(self, question_id: str, *, approved: bool, by: str, reason: str) -> Question:
        """Approve or deny. Raises ``NotFound``, and ``Conflict`` when it was decided before or is not to be."""
        question = await questions.find(self.database, question_id)
        if question is None or question.kind is not Kind.APPROVAL:
            raise NotFound("There is no approval with this id.", f"id: {question_id[:80]}")
        reply = Reply.APPROVED if approved else Reply.DENIED

        def work(tx: Connection) -> None:
            questions.reply(tx, question.id, reply, by, reason)
            said = {"reply": reply.value, "by": by, "reason": reason}
            self.runs.trail.write(tx, question.recovery_id, Entry.REPLIED, question=question.id, **said)
            audit.record(tx, by, f"approval.{reply.value}", f"recovery/{question.recovery_id}", {}, {"reason": reason})
            self.engine.start(tx, ADVANCE, f"{question.recovery_id}/{question.id}")

        try:
            await self.database.write(work)
        except AlreadyEnded:
            raise Conflict("It has been decided already, or its time is over.", "Read the recovery.") from None
        crash_point(CrashPoint.QUESTION_REPLIED)
        found = await questions.find(self.database, question_id)
        assert found is not None
        return found

    async def stop(self, recovery_id: str, by: str, reason: str) -> None:
        """End a recovery without a word on its ticket; what it did is taken back. Raises ``NotFound``, ``Conflict``."""
        run = await self._run(recovery_id)
        finish = Finish(None, f"{by} stopped it: {reason}", How.STOP, Taken.ALL)
        if run.recovery.state not in (State.RUNNING, State.WATCHING):
            raise Conflict(f"The recovery is {run.recovery.state}.", "Only one that goes on can be stopped.")

        def work(tx: Connection) -> None:
            store.begin_undo(tx, recovery_id, run.recovery.state, finish.document())
            self.runs.trail.write(tx, recovery_id, Entry.UNDOING, by=by, reason=reason)
            before = {"state": run.recovery.state.value}
            audit.record(tx, by, "recovery.stop", f"recovery/{recovery_id}", before, {"reason": reason})
            self.engine.start(tx, ADVANCE, f"{recovery_id}/{new_id()}")

        await self._decided(work)

    async def replay(self, recovery_id: str, by: str, reason: str) -> int:
        """Have what failed done again under the same keys, so that nothing is done twice; how many operations.

        A call that failed is made again, after asking the downstream whether it arrived after all; one whose result was
        bad or late is looked at again and awaited anew. Raises ``NotFound``, and ``Conflict`` where there is nothing to
        repeat: for a recovery that goes on, that restored, or that has taken back what it did.
        """
        run = await self._run(recovery_id)
        failed = _failed(run)

        def work(tx: Connection) -> None:
            values = {"state": State.RUNNING, "outcome": None, "reason": None, "ended_at": None, "ending": None}
            store.change_recovery(tx, recovery_id, run.recovery.state, **values)
            for one in failed:
                self._again(tx, run, one)
            self.runs.trail.write(
                tx, recovery_id, Entry.REPLAYED, by=by, reason=reason, keys=[one.id for one in failed]
            )
            before = {"state": run.recovery.state.value, "outcome": run.recovery.outcome}
            audit.record(tx, by, "recovery.replay", f"recovery/{recovery_id}", before, {"reason": reason})
            self.engine.start(tx, ADVANCE, f"{recovery_id}/{new_id()}")

        await self._decided(work)
        return len(failed)

    def _again(self, tx: Connection, run: Run, one: Operation) -> None:
        anew = {"verdict": None, "reason": None, "ended_at": None, "lapsed": 0, "attempts": 0, "owner": None}
        awaited = None if TELL in one.step_id else run.recovery.mapping.step(one.step_id).await_
        if one.remote_id is None or awaited is None:
            tx.execute(_AGAIN, {"key": one.id, **anew, "state": Stage.MINTED, "due_at": None})
            return
        due = utc_now() + awaited.within
        tx.execute(_AGAIN, {"key": one.id, **anew, "state": Stage.WAITING, "due_at": due.timestamp()})
        self.engine.start(tx, DEADLINE, f"{one.id}/{new_id()}", due)

    async def switch_off(self, name: str, by: str, reason: str) -> None:
        """The mapping, or ``*`` for all, calls nothing from now on; what runs is parked at its next call."""
        await self.runs.switches.switch_off(name, by, reason)
        await self.database.write(
            lambda tx: audit.record(tx, by, "mapping.off", f"mapping/{name}", {}, {"reason": reason})
        )

    async def switch_on(self, name: str, by: str) -> int:
        """It may call again; how many recoveries go on with that."""
        resumed = await self.runs.switches.switch_on(name, by)
        await self.database.write(lambda tx: audit.record(tx, by, "mapping.on", f"mapping/{name}", {}, {}))
        return resumed

    async def _run(self, recovery_id: str) -> Run:
        run = await self.runs.store.load(recovery_id)
        if run is None:
            raise NotFound("There is no recovery with this id.", f"id: {recovery_id[:80]}")
        return run

    async def _decided(self, work: Callable[[Connection], None]) -> None:
        try:
            await self.database.write(work)
        except AlreadyEnded:
            raise Conflict("The recovery has moved on meanwhile.", "Read it again.") from None


def _failed(run: Run) -> list[Operation]:
    """The operations that a replay repeats. Raises ``Conflict``."""
    remedy = "What ended unsuccessful can be replayed, unless it has taken back what it did."
    if run.recovery.state is not State.REPORTED or run.recovery.outcome is not Outcome.UNSUCCESSFUL:
        raise Conflict(f"The recovery is {run.recovery.state}, its outcome {run.recovery.outcome}.", remedy)
    if any(one.step_id.endswith(UNDO) for one in run.operations):
        raise Conflict("The recovery has taken back what it did.", remedy)
    return [one for one in run.operations if one.verdict is Verdict.FAIL]


def shown_question(question: Question) -> Doc:
    """A question as it is shown to people: what was asked of whom, and what came of it."""
    members = {
        "id": question.id,
        "recoveryId": question.recovery_id,
        "ticketId": question.ticket_id,
        "kind": question.kind.value,
        "reply": question.reply.value,
        "by": question.asked.get("by"),
        "question": question.asked.get("note"),
        "need": question.asked.get("need") or None,
        "until": stamp(question.due_at),
        "answeredBy": question.answered_by,
        "answer": question.answer,
        "said": question.said or None,
    }
    return {name: value for name, value in members.items() if value is not None}
