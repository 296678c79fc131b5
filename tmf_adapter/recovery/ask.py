"""Ask a person: the customer, through *information required* on the ticket; or one of ours, before anything is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine
from tmf_adapter.mapping.asking import answered, said_since
from tmf_adapter.mapping.expression import RenderError
from tmf_adapter.mapping.parts import Ask, Step, Verdict
from tmf_adapter.mapping.render import Template, render
from tmf_adapter.recovery import mailbox, questions, store
from tmf_adapter.recovery.kinds import ADVANCE, DEADLINE, UNANSWERED
from tmf_adapter.recovery.recovery import APPROVAL, ASK, Kind, Operation, Question, Reply, Run, Stage, State
from tmf_adapter.recovery.report import as_proposed
from tmf_adapter.recovery.rows import AlreadyEnded, json_text
from tmf_adapter.recovery.trail import Entry, Trail
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Together
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.errors import NotFound
from tmf_adapter.tmf.events import Author, Doc
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.time import utc_now


@dataclass(frozen=True, slots=True)
class Asking:
    """Puts questions and takes what came of them. ``word`` makes a reason's code the partner's wording."""

    database: Database
    engine: Engine
    tickets: TicketDesk
    trail: Trail
    word: Callable[[str], str]

    async def put(self, run: Run, name: str) -> None:
        """Put the question that the mapping asks by itself. Raises ``RenderError``."""
        mapping = run.recovery.mapping
        if name == APPROVAL and (approve := mapping.approve):
            note = _text(approve.note, run.scope) if approve.note else mapping.title
            question = _question(run, name, Kind.APPROVAL, {"by": approve.by, "note": note}, approve.within)
            await self.database.write(lambda tx: self._write(tx, run, question))
            crash_point(CrashPoint.QUESTION_PUT)
        elif name == ASK and (ask := mapping.ask):
            await self._ask(run, name, ask, {**run.scope, "summary": mapping.title})

    async def of_step(self, run: Run, operation: Operation, step: Step, summary: str, event_id: str | None) -> None:
        """The downstream needs to know something: relay it, and let the operation's time stand still."""
        assert step.await_ is not None
        assert step.await_.asking is not None, "ask holds only where there is something to ask"

        def also(tx: Connection) -> None:
            store.set_due(tx, operation.id, None)
            if event_id is not None:
                mailbox.read_event(tx, event_id, operation.id)

        name = f"{step.id}:{event_id or new_id()}"
        await self._ask(run, name, step.await_.asking, {**run.scope, "summary": summary}, also)

    async def _ask(
        self, run: Run, name: str, ask: Ask, scope: dict[str, Any], also: Callable[[Connection], None] | None = None
    ) -> None:
        """The question and all that the ticket says of it, in one commit."""
        need: list[Doc] = render(ask.need, scope)
        note, reason = _text(ask.note, scope), _text(ask.reason, scope)
        try:
            before = (await self.tickets.load(run.recovery.ticket_id)).document
        except NotFound:
            return  # its deletion stops the recovery
        asked = {"note": note, "need": need, "before": before, "summary": scope["summary"]}
        question = _question(run, name, Kind.INFORMATION, asked, ask.within)

        def write(tx: Connection) -> None:
            self._write(tx, run, question)
            if also:
                also(tx)

        said = Report("pending", self.word(reason) if reason else None, note, asks=tuple(need) or (None,))
        mode = run.recovery.mapping.report.mode
        try:
            await self.tickets.report(run.recovery.ticket_id, as_proposed(said, mode), [Together(write)])
        except (AlreadyEnded, NotFound):
            return
        crash_point(CrashPoint.QUESTION_PUT)

    def _write(self, tx: Connection, run: Run, question: Question) -> None:
        """Raises ``AlreadyEnded`` when it was asked before."""
        if not questions.put(tx, question):
            raise AlreadyEnded
        self.engine.start(tx, UNANSWERED, question.id, question.due_at)
        shown = {name: value for name, value in question.asked.items() if name != "before"}
        self.trail.write(tx, run.recovery.id, Entry.ASKED, question=question.id, of=question.kind.value, **shown)

    async def resume(self, run: Run, question: Question) -> None:
        """The customer has answered: the ticket goes back to ``inProgress``, as if he had moved it."""
        recovery = run.recovery

        def write(tx: Connection) -> None:
            if question.name == ASK:
                reason = "the customer has answered"
                store.end_recovery(tx, recovery, State.ANSWERED, None, reason)
                self.trail.write(tx, recovery.id, Entry.ENDED, state=State.ANSWERED.value, reason=reason)
            elif (operation := run.operation(question.step_id)) is not None:
                within = recovery.mapping.step(question.step_id).await_
                assert within is not None
                due = utc_now() + within.within
                store.set_due(tx, operation.id, due)
                self.engine.start(tx, DEADLINE, f"{operation.id}/{new_id()}", due)

        await self._back(run, [Together(write)], Author.CLIENT)

    async def withdraw(self, run: Run, question: Question) -> None:
        """The operation has ended without the answer: the ticket does not wait for it any more."""

        def write(tx: Connection) -> None:
            questions.reply(tx, question.id, Reply.WITHDRAWN)
            self.trail.write(tx, run.recovery.id, Entry.REPLIED, question=question.id, reply=Reply.WITHDRAWN.value)

        await self._back(run, [Together(write)], Author.ADAPTER)

    async def _back(self, run: Run, also: Sequence[Together], by: Author) -> None:
        said = Report("inProgress", None, None, only_from=frozenset({"pending"}))
        proposed = as_proposed(said, run.recovery.mapping.report.mode)
        try:
            await self.tickets.report(run.recovery.ticket_id, proposed, also, by)
        except (AlreadyEnded, NotFound):
            return

    async def over(self, run: Run, question: Question) -> None:
        """Nobody has answered in time."""

        def write(tx: Connection) -> None:
            questions.reply(tx, question.id, Reply.EXPIRED)
            self.trail.write(tx, run.recovery.id, Entry.REPLIED, question=question.id, reply=Reply.EXPIRED.value)
            operation = run.operation(question.step_id)
            if operation is not None and operation.stage is Stage.WAITING:
                reason = "the customer did not answer what it needs to know"
                store.end_operation(tx, operation.id, Stage.WAITING, Verdict.FAIL, reason, lapsed=True)

        try:
            await self.database.write(write)
        except AlreadyEnded:
            return
        crash_point(CrashPoint.QUESTION_EXPIRED)


def answers(asked: Sequence[Question], before: Doc, after: Doc) -> list[Question]:
    """The questions that a client's change of the ticket answers, by what it says or by going back to work."""
    moved = after.get("status") == "inProgress" and before.get("status") == "pending"
    return [
        replace(one, said=said_since(_before(one), after))
        for one in asked
        if moved or answered(one.asked.get("need") or [], _before(one), after)
    ]


def _before(question: Question) -> Doc:
    """The ticket as it was when the question was put."""
    return question.asked.get("before") or {}


@dataclass(frozen=True, slots=True)
class Answered:
    """The duty of a change that answers questions: each recovery goes on."""

    engine: Engine
    trail: Trail
    questions: Sequence[Question]

    def write(self, tx: Connection) -> None:
        for question in self.questions:
            try:
                questions.reply(tx, question.id, Reply.ANSWERED, "customer", json_text(question.said))
            except AlreadyEnded:
                continue  # it was too late
            said = {"reply": Reply.ANSWERED.value, "said": question.said or None}
            self.trail.write(tx, question.recovery_id, Entry.REPLIED, question=question.id, **said)
            self.engine.start(tx, ADVANCE, f"{question.recovery_id}/{question.id}")

    def committed(self) -> None:
        """The engine finds it by itself."""


def _question(run: Run, name: str, kind: Kind, asked: dict[str, Any], within: Any) -> Question:
    recovery = run.recovery
    return Question(new_id(), recovery.id, name, recovery.ticket_id, kind, Reply.OPEN, asked, utc_now() + within)


def _text(template: Template, scope: dict[str, Any]) -> str:
    """A text that cannot be filled does not hold the question back: it stands as it was written, with the cause."""
    try:
        return str(render(template, scope))
    except RenderError as error:
        return f"{template} ({error})"
