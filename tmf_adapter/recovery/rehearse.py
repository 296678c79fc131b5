"""A whole recovery without a database, a network or a clock: given what happens, what is called, asked and reported.

It asks ``next_move`` like a real run does, so that a rehearsal and the recovery it stands for decide alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tmf_adapter.mapping.cases import Happening, Happens
from tmf_adapter.mapping.expression import RenderError, Scope
from tmf_adapter.mapping.parts import Expired, Interim, Outcome, Step, Verdict, awaited
from tmf_adapter.mapping.plan import Planned
from tmf_adapter.mapping.render import render
from tmf_adapter.recovery.next import Act, Finish, How, Look, Put, Resume, Stand, Taken, Wait, Withdraw, next_move
from tmf_adapter.recovery.recovery import (
    APPROVAL,
    ASK,
    UNTOLD,
    Kind,
    Operation,
    Question,
    Recovery,
    Reply,
    Run,
    Stage,
    State,
)
from tmf_adapter.recovery.report import interim_of, report_of
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.operations import OPERATIONS

TURNS_LIMIT = 1000


@dataclass(frozen=True)
class Called:
    """A call as it would be made. ``step`` ends with ``.undo`` for one that takes it back, ``.tell`` for an answer."""

    step: str
    call: str
    body: Any
    target: str | None = None


@dataclass
class Rehearsal:
    """What came of it: calls and questions in order, the reports, and what it still waits for at the end.

    ``how`` and ``outcome`` are None as long as it is not over.
    """

    calls: list[Called] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    how: How | None = None
    outcome: Outcome | None = None
    reason: str = ""
    waits: str = ""


def rehearse(planned: Planned, happens: Sequence[Happening], now: datetime) -> Rehearsal:
    """Take a recovery as far as ``happens`` takes it. Never raises for what a mapping contains."""
    recovery = Recovery("rehearsal", planned.mapping, "ticket", planned.scope.get("episode", 1), planned.scope)
    return _Stage(Run(recovery), list(happens), now).play()


class _Stage:
    def __init__(self, run: Run, happens: list[Happening], now: datetime) -> None:
        self.run, self.happens, self.now = run, happens, now
        self.seen = Rehearsal()

    def play(self) -> Rehearsal:
        try:
            self.run = replace(self.run, recovery=self.run.recovery.bound)
            for _ in range(TURNS_LIMIT):
                if not self.turn():
                    break
        except RenderError as error:
            self.end(Finish(Outcome.UNSUCCESSFUL, f"the mapping failed: {error}"))
        return self.seen

    def turn(self) -> bool:
        """Do what is next; whether there is more to do."""
        if self.run.recovery.state is State.WATCHING:
            return self.watch()
        following = next_move(self.run, self.runs)
        moves = following.moves
        acts = [move for move in moves if not isinstance(move, Wait | Stand)]
        if self.run.recovery.interim and following.interim is None and not isinstance(moves[0], Finish | Stand):
            self.run = replace(self.run, recovery=replace(self.run.recovery, interim=None))
        if not acts:
            self.meanwhile(following.interim)
            return self.happen(moves)
        for move in acts:
            match move:
                case Act(step, operation):
                    self.act(step, operation)
                case Put(name):
                    self.put(name)
                case Resume(question) if question.name == ASK:
                    return self.finish(Finish(None, "the customer has answered", How.ANSWERED))
                case Resume(question):
                    self.change(question.step_id, due_at=self.now)
                case Withdraw(question):
                    self.reply(question.name, Reply.WITHDRAWN)
                case Look(step, operation):
                    self.change(operation.id, stage=Stage.ENDED)
                case Finish():
                    return self.finish(move)
        return True

    def meanwhile(self, interim: Interim | None) -> None:
        """The status that the ticket has while nothing more can be done."""
        if interim and self.run.recovery.interim is None:
            self.seen.reports.append(interim_of(self.run, interim))
            self.run = replace(self.run, recovery=replace(self.run.recovery, interim=interim.status))

    def runs(self, step: Step) -> bool:
        return step.if_ is None or step.if_.is_true(Scope.of(self.run.scope))

    # -- calls and results

    def act(self, step: Step, _operation: Operation | None) -> None:
        facts = step.operation
        target = str(render(step.target, self.run.scope)) if step.target else None
        body = render(step.body, self.run.scope)
        name = step.id.partition(":")[0]  # which of its questions it answers is no matter here
        self.seen.calls.append(Called(name, step.call, body, target))
        refused = self.take(Happens.REFUSED, name)
        answer: Doc = {**body, "id": target or f"{step.id}-1"} if isinstance(body, dict) else {"id": f"{step.id}-1"}
        waits = step.await_ is not None and refused is None
        verdict = None if waits else Verdict.FAIL if refused else Verdict.OK
        made = Operation(
            step.id,
            self.run.recovery.id,
            step.id,
            Stage.WAITING if waits else Stage.ENDED,
            step.call,
            facts.resource,
            body,
            remote_id=None if refused else answer["id"],
            response=None if refused else answer,
            verdict=verdict,
            reason=f"{step.call} was not done: refused" if refused else f"{facts.resource} was accepted",
            target=target,
            due_at=self.now if waits else None,
        )
        self.run = replace(self.run, operations=(*self.run.operations, made))
        if refused and (asker := self.run.waiting_for(step.id)):
            reason = UNTOLD + str(made.reason)
            self.change(asker.id, stage=Stage.ENDED, verdict=Verdict.FAIL, reason=reason, lapsed=True)

    def happen(self, moves: Sequence[Any]) -> bool:
        """Let the next thing happen that anybody waits for; False when nothing more does."""
        while self.happens:
            happening = self.happens.pop(0)
            for move in moves:
                if isinstance(move, Wait) and self.tell(move.step, move.operation, happening):
                    return True
                if isinstance(move, Stand) and self.answer(move.question, happening):
                    return True
            asked = next((one for one in self.run.questions if one.reply is Reply.OPEN), None)
            if asked and self.answer(asked, happening):
                return True
        self.seen.waits = ", ".join(_waited(move) for move in moves)
        return False

    def tell(self, step: Step, operation: Operation, happening: Happening) -> bool:
        """Whether it says something of this step."""
        if happening.subject != step.id or step.await_ is None:
            return False
        if happening.kind is Happens.LATE:
            reason = f"no result of {operation.resource} {operation.remote_id} within {step.await_.within}"
            verdict = self.run.recovery.mapping.on_timeout(step)
            self.change(operation.id, stage=Stage.ENDED, verdict=verdict, reason=reason, lapsed=True)
            return True
        if happening.kind is not Happens.EVENT:
            return False
        told = self.run.operation(awaited(step, self.run.recovery.mapping.every_step).id) or operation
        resource = {**(told.response or {}), **happening.members}
        name = happening.resource or told.resource
        verdict_ = step.await_.judge({**self.run.scope, "ev": {name: resource}})
        said = happening.members.get(OPERATIONS[told.call].state_member, "answered")
        reason = f"{told.resource} {told.remote_id} is {said}"
        if verdict_ is None:
            return True
        if not verdict_.ends_wait:
            self.ask(step, reason)
            return True
        answer = resource if told is operation else operation.response
        self.change(operation.id, stage=Stage.ENDED, verdict=verdict_, reason=reason, response=answer)
        return True

    def change(self, id_: str, **members: Any) -> None:
        changed = (replace(one, **members) if one.id == id_ else one for one in self.run.operations)
        self.run = replace(self.run, operations=tuple(changed))

    def take(self, kind: Happens, subject: str) -> Happening | None:
        """The first thing of this kind that happens to the subject, which then has happened."""
        found = next((one for one in self.happens if one.kind is kind and one.subject == subject), None)
        if found:
            self.happens.remove(found)
        return found

    # -- questions

    def put(self, name: str) -> None:
        mapping = self.run.recovery.mapping
        if name == APPROVAL and mapping.approve:
            note = mapping.approve.note
            said = f"{mapping.approve.by}: {render(note, self.run.scope) if note else mapping.title}"
            self.question(name, Kind.APPROVAL, said, {"by": mapping.approve.by})
        elif mapping.ask:
            note_ = render(mapping.ask.note, {**self.run.scope, "summary": mapping.title})
            self.question(name, Kind.INFORMATION, str(note_), {})

    def ask(self, step: Step, summary: str) -> None:
        assert step.await_ is not None
        if step.await_.asking and not self.run.is_asked(step.id):
            note = render(step.await_.asking.note, {**self.run.scope, "summary": summary})
            self.question(f"{step.id}:{len(self.run.questions)}", Kind.INFORMATION, str(note), {})
            self.change(step.id, due_at=None)

    def question(self, name: str, kind: Kind, said: str, asked: Doc) -> None:
        self.seen.questions.append(said)
        made = Question(name, self.run.recovery.id, name, "ticket", kind, Reply.OPEN, asked, self.now)
        self.run = replace(self.run, questions=(*self.run.questions, made))

    def answer(self, question: Question, happening: Happening) -> bool:
        reply = _REPLIES.get((question.kind, happening.kind))
        if reply is None:
            return False
        said = dict(happening.members) if reply is Reply.ANSWERED else None
        self.reply(question.name, reply, happening.subject, said)
        step = question.step_id if question.name not in (APPROVAL,) else ""
        if reply is Reply.EXPIRED and self.run.operation(step):
            self.change(step, stage=Stage.ENDED, verdict=Verdict.FAIL, reason=_SILENT, lapsed=True)
        return True

    def reply(self, name: str, reply: Reply, by: str = "", said: Doc | None = None) -> None:
        asked = self.run.questions
        changed = (replace(q, reply=reply, answered_by=by or None, said=said) if q.name == name else q for q in asked)
        self.run = replace(self.run, questions=tuple(changed))

    # -- ends

    def finish(self, finish: Finish) -> bool:
        """Undo first if that is called for, then report; whether it goes on."""
        if finish.undo is not Taken.NOTHING:
            ending = replace(self.run.recovery, state=State.UNDOING, ending=finish.document())
            self.run = replace(self.run, recovery=ending)
            return True
        self.end(finish)
        expiry = self.run.recovery.mapping.report.workaround.expiry
        if finish.outcome is Outcome.WORKAROUND and finish.how is How.REPORT and expiry:
            watching = replace(self.run.recovery, state=State.WATCHING, expires_at=self.now + expiry.after)
            self.run = replace(self.run, recovery=watching)
            return True
        return False

    def end(self, finish: Finish) -> None:
        expiry = self.run.recovery.mapping.report.workaround.expiry
        until = self.now + expiry.after if expiry else None
        said = report_of(self.run, finish, until=until)
        self.seen.reports += [said] if said else []
        self.seen.how, self.seen.outcome, self.seen.reason = finish.how, finish.outcome, finish.reason

    def watch(self) -> bool:
        """After a work-around: its permanent restoration, or its end."""
        expiry = self.run.recovery.mapping.report.workaround.expiry
        if expiry is None or not self.happens:
            return False
        happening = self.happens.pop(0)
        undo = Taken.ALL if expiry.undo else Taken.NOTHING
        operation = self.run.operation(happening.subject)
        if happening.kind is Happens.EXPIRED:
            remind = expiry.then is Expired.REMIND
            outcome, how = (Outcome.WORKAROUND, How.REMIND) if remind else (Outcome.UNSUCCESSFUL, How.EXPIRED)
            return self.finish(Finish(outcome, f"the work-around was for {expiry.after}", how, undo))
        if happening.kind is Happens.EVENT and operation and expiry.restored:
            resource = {**(operation.response or {}), **happening.members}
            if expiry.restored.is_true(Scope.of({**self.run.scope, "ev": {operation.resource: resource}})):
                return self.finish(Finish(Outcome.RESTORED, "the permanent restoration has come", undo=undo))
        return True


_SILENT = "the customer did not answer what it needs to know"

_REPLIES = {
    (Kind.APPROVAL, Happens.APPROVED): Reply.APPROVED,
    (Kind.APPROVAL, Happens.DENIED): Reply.DENIED,
    (Kind.APPROVAL, Happens.UNANSWERED): Reply.EXPIRED,
    (Kind.INFORMATION, Happens.ANSWERED): Reply.ANSWERED,
    (Kind.INFORMATION, Happens.UNANSWERED): Reply.EXPIRED,
}


def _waited(move: Any) -> str:
    return f"step {move.step.id}" if isinstance(move, Wait) else f"question {move.question.name}"
