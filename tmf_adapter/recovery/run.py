"""The durable run of a recovery: decide, act, await, report. Every function here may run again after a crash."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from weakref import WeakValueDictionary

from sqlalchemy import Connection

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine, Task
from tmf_adapter.mapping.expression import RenderError, Scope
from tmf_adapter.mapping.parts import Interim, Outcome, Step
from tmf_adapter.recovery import groups, questions, shadow, store
from tmf_adapter.recovery.act import Acting
from tmf_adapter.recovery.ask import Asking
from tmf_adapter.recovery.finish import Ending
from tmf_adapter.recovery.kinds import ADVANCE, DEADLINE, EXPIRE, JUDGE, POLL, RALLY, UNANSWERED
from tmf_adapter.recovery.mail import Mail
from tmf_adapter.recovery.mailbox import Mailbox
from tmf_adapter.recovery.next import (
    Act,
    Finish,
    Look,
    Move,
    Next,
    Put,
    Resume,
    Stand,
    Taken,
    Wait,
    Withdraw,
    next_move,
)
from tmf_adapter.recovery.recovery import OPEN, UNDO, Operation, Reply, Run, Stage, State, owner_of
from tmf_adapter.recovery.report import interim_of
from tmf_adapter.recovery.rows import AlreadyEnded
from tmf_adapter.recovery.store import RecoveryStore
from tmf_adapter.recovery.switches import Switches
from tmf_adapter.recovery.target import Target
from tmf_adapter.recovery.trail import Entry, Trail
from tmf_adapter.recovery.watch import Watching
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Together
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.errors import NotFound
from tmf_adapter.tmf.mask import Mask
from tmf_adapter.tmf.time import utc_now

log = logging.getLogger(__name__)

AT_ONCE = 16
"""How many recoveries one event takes further by itself; more, in a storm, are promised one by one."""


_Do = Callable[[Run, Operation, Step], Awaitable[None]]


class Runs:
    """Makes the next short step of each recovery happen.

    ``targets`` are the downstreams by API, such as ``tmf656``; ``word`` makes a reason's code the partner's wording.
    """

    def __init__(
        self,
        database: Database,
        engine: Engine,
        tickets: TicketDesk,
        targets: Mapping[str, Target],
        *,
        mask: Mask | None = None,
        word: Callable[[str], str] = str,
    ) -> None:
        self._database = database
        self._engine = engine
        self._tickets = tickets
        self._word = word
        self.trail = Trail(mask or Mask.of())
        self.store = RecoveryStore(database)
        self.switches = Switches(database, engine, self.trail)
        self._mailbox = Mailbox(database)
        self._acting = Acting(database, engine, targets, self.trail, self.switches)
        self._asking = Asking(database, engine, tickets, self.trail, word)
        self._mail = Mail(database, engine, self._mailbox, targets, self._asking, self.trail)
        self._ending = Ending(database, engine, tickets, self.trail, word)
        self._watching = Watching(database, self._mailbox, self._mail, self._ending)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def tasks(self) -> dict[str, Task]:
        """What the engine runs for us."""
        return {
            ADVANCE: Task(self.advance, self._give_up),
            JUDGE: Task(self.judge, _leave_to_deadline),
            DEADLINE: Task(self.deadline, self._give_up_operation),
            POLL: Task(self.poll, _leave_to_deadline),
            RALLY: Task(self.rally, _leave_to_deadline),
            UNANSWERED: Task(self.unanswered, self._give_up_question),
            EXPIRE: Task(self.expire, self._give_up),
        }

    async def advance(self, key: str) -> None:
        """Take a recovery as far as it goes now."""
        recovery_id = key.partition("/")[0]
        crash_point(CrashPoint.RECOVERY_STARTED)
        async with self._lock(recovery_id):
            while await self._step(recovery_id):
                continue

    async def judge(self, event_id: str) -> None:
        """Let the recoveries that an inbound event speaks of read their mail."""
        ids = {one.run_id: one.is_groups for one in await self._mailbox.concerned(event_id)}
        for id_, is_groups in list(ids.items())[:AT_ONCE]:
            await self.advance(await self._member(id_) if is_groups else id_)
        if later := list(ids)[AT_ONCE:]:
            await self._promise(later, event_id)

    async def rally(self, key: str) -> None:
        """Let every member of a group go on: something that they share has changed."""
        group_id, _, why = key.partition("/")
        await self._promise(list(await groups.members(self._database, group_id)), why)

    async def deadline(self, key: str) -> None:
        """The time for a result is over."""
        operation = await self.store.operation(key.partition("/")[0])
        if operation is None or operation.stage is not Stage.WAITING or operation.due_at is None:
            return  # it has its result, or its time stands still
        if utc_now() < (due := operation.due_at):  # its time has begun anew, or another's clock is fast
            again = f"{operation.id}/{due.timestamp()}"
            await self._database.write(lambda tx: self._engine.start(tx, DEADLINE, again, due))
            return
        recovery_id = await self._member(operation.recovery_id)
        async with self._lock(recovery_id), self._lock(operation.recovery_id + " shared"):
            await self._on(recovery_id, operation.id, self._mail.expire)
        await self.advance(recovery_id)

    async def poll(self, key: str) -> None:
        """Look at what sends no events."""
        operation = await self.store.operation(key.partition("/")[0])
        if operation is not None:
            recovery_id = await self._member(operation.recovery_id)
            async with self._lock(recovery_id):
                await self._on(recovery_id, operation.id, self._mail.poll)
            await self.advance(recovery_id)

    async def unanswered(self, question_id: str) -> None:
        """The time for an answer is over."""
        question = await questions.find(self._database, question_id)
        if question is None:
            return
        if question.reply is Reply.OPEN and (run := await self.store.load(question.recovery_id)):
            await self._asking.over(run, question)
        await self.advance(question.recovery_id)

    async def expire(self, key: str) -> None:
        """The time of a work-around is over."""
        recovery_id = key.partition("/")[0]
        async with self._lock(recovery_id):
            run = await self.store.load(recovery_id)
            if run is not None and run.recovery.state is State.WATCHING:
                await self._watching.expire(run)
        await self.advance(recovery_id)

    # -- one step ------------------------------------------------------------------------------------------------------

    def _lock(self, id_: str) -> asyncio.Lock:
        """One step at a time for one recovery in this process; between processes the operation's owner decides."""
        lock = self._locks.get(id_)
        if lock is None:
            lock = self._locks[id_] = asyncio.Lock()
        return lock

    @asynccontextmanager
    async def _shared(self, run: Run, step: Step) -> AsyncIterator[bool]:
        """One member at a time at what its group shares; whether things are still as ``run`` has them."""
        owner = owner_of(run, step)
        if owner == run.recovery.id:
            yield True
            return
        async with self._lock(owner + " shared"):
            now = await self.store.load(run.recovery.id)
            yield now is not None and now.operation(step.id) == run.operation(step.id)

    async def _step(self, recovery_id: str) -> bool:
        """Do what is next; whether there may be more to do at once."""
        run = await self.store.load(recovery_id)
        if run is None or run.recovery.state not in OPEN:
            return await self._in_shadow(run) if run else False
        try:
            bound = _bound(run)
            if run.recovery.state is State.WATCHING:
                return await self._watching.read(bound)
            return await self._go_on(bound, next_move(bound, lambda step: _runs(bound, step)))
        except RenderError as error:
            failed = Finish(Outcome.UNSUCCESSFUL, f"the mapping failed: {error}", undo=Taken.ALL)
            return await self._ending.finish(run, failed)

    async def _go_on(self, run: Run, following: Next) -> bool:
        """Every move, and what the ticket says meanwhile; calls go out together, results are read one by one."""
        if run.recovery.interim and following.interim is None and not isinstance(following.moves[0], Finish | Stand):
            return await self._back_to_work(run)
        acts = [move for move in following.moves if isinstance(move, Act)]
        others = [move for move in following.moves if not isinstance(move, Act)]
        done = await asyncio.gather(*(self._move(run, move) for move in acts), return_exceptions=True)
        for failed in done:
            if isinstance(failed, BaseException):
                raise failed
        if any(done):
            return True
        for move in others:
            if await self._move(run, move):
                return True
        if following.interim and run.recovery.interim is None:
            return await self._meanwhile(run, following.interim)
        return False

    async def _move(self, run: Run, move: Move) -> bool:
        match move:
            case Finish():
                return await self._ending.finish(run, move)
            case Wait(step, operation):
                async with self._shared(run, step) as as_it_was:
                    return not as_it_was or await self._mail.read(run, operation, step)
            case Act(step, operation):
                return await self._act(run, step, operation)
            case Look(step, operation):
                return await self._acting.look(run, step, operation)
            case Put(name):
                await self._asking.put(run, name)
                return False
            case Resume(question):
                await self._asking.resume(run, question)
                return True
            case Withdraw(question):
                await self._asking.withdraw(run, question)
                return True
            case Stand():
                return False

    async def _act(self, run: Run, step: Step, operation: Operation | None) -> bool:
        async with self._shared(run, step) as as_it_was:
            if not as_it_was:
                return True
            if operation is not None:
                return await self._acting.resume(run, step, operation)
            try:
                return await self._acting.begin(run, step)
            except RenderError as error:
                if not step.id.endswith(UNDO):
                    raise
                return await self._ending.undo_failed(run, step, str(error))

    async def _meanwhile(self, run: Run, interim: Interim) -> bool:
        """Give the ticket the status it has while the recovery waits; whether it was given."""
        said = interim_of(run, interim, self._word)

        def write(tx: Connection) -> None:
            store.change_recovery(tx, run.recovery.id, State.RUNNING, interim=interim.status)
            self.trail.write(tx, run.recovery.id, Entry.INTERIM, status=interim.status, reason=said.reason)

        await self._tell(run, said, write)
        crash_point(CrashPoint.INTERIM_WRITTEN)
        return False

    async def _back_to_work(self, run: Run) -> bool:
        """The wait is over: the ticket goes back to ``inProgress``, unless somebody else has moved it."""
        assert run.recovery.interim is not None
        only = frozenset({run.recovery.interim})
        said = Report("inProgress", None, None, only_from=only)

        def write(tx: Connection) -> None:
            store.change_recovery(tx, run.recovery.id, run.recovery.state, interim=None)
            self.trail.write(tx, run.recovery.id, Entry.INTERIM, status="inProgress")

        await self._tell(run, said, write)
        return True

    async def _tell(self, run: Run, said: Report, write: Callable[[Connection], None]) -> None:
        try:
            await self._tickets.report(run.recovery.ticket_id, said, [Together(write)])
        except AlreadyEnded:
            return  # it was stopped meanwhile
        except NotFound:
            with suppress(AlreadyEnded):
                await self._database.write(write)

    async def _in_shadow(self, run: Run) -> bool:
        if run.recovery.state is State.SHADOW:
            await shadow.record(self._database, self.trail, run)
        return False

    # -- whom it concerns ----------------------------------------------------------------------------------------------

    async def _member(self, run_id: str) -> str:
        """The recovery to take further: itself, or for a group the first member that goes on."""
        if await self.store.ticket_of(run_id) is not None:
            return run_id
        return next(iter(await groups.members(self._database, run_id)), run_id)

    async def _promise(self, run_ids: list[str], why: str) -> None:
        def work(tx: Connection) -> None:
            for id_ in run_ids:
                self._engine.start(tx, ADVANCE, f"{id_}/{why}")

        if run_ids:
            await self._database.write(work)

    async def _on(self, recovery_id: str, operation_id: str, do: _Do) -> None:
        """Do something with an operation that still waits, if its recovery still runs."""
        run = await self.store.load(recovery_id)
        if run is None or run.recovery.state is not State.RUNNING:
            return
        for operation in run.operations:
            if operation.id == operation_id and operation.stage is Stage.WAITING:
                bound = replace(run, recovery=run.recovery.bound)
                await do(bound, operation, run.recovery.mapping.step(operation.step_id))

    # -- defects of ours -----------------------------------------------------------------------------------------------

    async def _give_up(self, key: str, reason: str) -> None:
        """It is recorded, and the ticket does not wait for ever."""
        recovery_id = key.partition("/")[0]
        await self._ending.defect(recovery_id, await self.store.ticket_of(recovery_id), reason)

    async def _give_up_operation(self, key: str, reason: str) -> None:
        operation = await self.store.operation(key.partition("/")[0])
        if operation is not None:
            await self._give_up(await self._member(operation.recovery_id), reason)

    async def _give_up_question(self, question_id: str, reason: str) -> None:
        question = await questions.find(self._database, question_id)
        if question is not None:
            await self._give_up(question.recovery_id, reason)


def _bound(run: Run) -> Run:
    """With the values of ``let``; what only takes back may do without. Raises ``RenderError``."""
    try:
        return replace(run, recovery=run.recovery.bound)
    except RenderError:
        if run.recovery.state is State.UNDOING:
            return run
        raise


def _runs(run: Run, step: Step) -> bool:
    return step.if_ is None or step.if_.is_true(Scope.of(run.scope))


async def _leave_to_deadline(key: str, reason: str) -> None:
    log.error("%s could not be worked off (%s); a deadline will look again", key, reason)
