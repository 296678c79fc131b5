"""Which recoveries a change starts, stops or lets go on: the consequence of a change that this room owes."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from tmf_adapter.engine import Engine
from tmf_adapter.mapping.document import Mappings
from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.mapping.plan import Planned, plan
from tmf_adapter.recovery import counts, groups, questions, store
from tmf_adapter.recovery.ask import Answered, answers
from tmf_adapter.recovery.facts import facts_of, tried
from tmf_adapter.recovery.inbox import keep
from tmf_adapter.recovery.kinds import ADVANCE
from tmf_adapter.recovery.next import Finish, How, Taken
from tmf_adapter.recovery.plans import plan_of
from tmf_adapter.recovery.recovery import Recovery, State
from tmf_adapter.recovery.switches import Switches
from tmf_adapter.recovery.target import external_ids, is_ours
from tmf_adapter.recovery.trail import Entry, Trail
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Duty
from tmf_adapter.tmf.events import Author, Change, Doc, Event
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.lifecycle import REOPENING
from tmf_adapter.tmf.mask import MASKED
from tmf_adapter.tmf.time import utc_now

STOPPING = frozenset({"cancelled", "rejected", "resolved", "closed"})
"""A ticket that somebody else brought here needs no recovery any more."""

DONE = frozenset({"resolved", "closed"})
"""Of these, where what was done is left as it is, and only what is under way is taken back."""


@dataclass(frozen=True, slots=True)
class Starts:
    """The room's consequence: give ``owe`` to the ledger. ``mappings`` gives those that hold now.

    ``reachable`` are the APIs that there is a downstream for, None for all of them.
    """

    mappings: Callable[[], Mappings]
    database: Database
    engine: Engine
    trail: Trail
    switches: Switches
    reachable: Set[str] | None = None

    async def owe(self, change: Change) -> Duty | None:
        """What the change of a ticket, or of a problem that a recovery waits for, owes. Never raises for a mapping."""
        mappings = self.mappings()
        if change.resource == "serviceProblem":
            ours = change.by is not Author.ADAPTER and is_ours(change.subject.document)
            return _Told(self.engine, change.events) if ours else None
        if change.resource != "troubleTicket":
            return None
        duties: list[Duty | None] = [counts.tally(mappings, change)]
        if change.by is not Author.ADAPTER:
            duties += [await self._answered(change), self._stopped(change), await self._planned(mappings, change)]
        owed = [duty for duty in duties if duty is not None]
        return _All(owed) if len(owed) > 1 else next(iter(owed), None)

    async def _answered(self, change: Change) -> Duty | None:
        """What the customer says may be what he was asked; only a ticket that asks is looked at."""
        if change.before is None or change.after is None or not _asks(change.before.document):
            return None
        asked = await questions.open_of_ticket(self.database, change.after.id)
        found = answers(asked, change.before.document, change.after.document)
        return Answered(self.engine, self.trail, found) if found else None

    def _stopped(self, change: Change) -> Duty | None:
        stop = _why_stop(change)
        return _Stopped(self.engine, self.trail, change.subject.id, stop) if stop else None

    async def _planned(self, mappings: Mappings, change: Change) -> Duty | None:
        if not len(mappings):
            return None
        facts = await facts_of(self.database, mappings, change, await self.switches.off())
        facts = replace(facts, reachable=self.reachable)
        planned = plan(mappings, change, utc_now(), facts)
        if not planned:
            return None
        had_their_turn = await tried(self.database, change)  # asked only here: most changes match nothing
        if not had_their_turn.isdisjoint(one.mapping.id for one in planned):
            planned = plan(mappings, change, utc_now(), replace(facts, tried=had_their_turn))
        return _Planned(self.engine, self.trail, [self._ready(one, change) for one in planned])

    def _ready(self, planned: Planned, change: Change) -> "_Ready":
        """Everything that its rows hold, made before the write lock is taken."""
        subject = change.subject
        state = State.SHADOW if planned.shadow else State.RUNNING
        plan_ = plan_of(planned.mapping, planned.scope)
        new = Recovery(new_id(), planned.mapping, subject.id, subject.episode, planned.scope, state, plan=plan_)
        return _Ready(new, self.trail.text(**_decision(planned, self.trail)), planned.group)


def _asks(ticket: Doc) -> bool:
    """Whether the customer may have been asked: the ticket is pending, or it was proposed that it be."""
    if ticket.get("status") == "pending":
        return True
    proposed = (
        entry for entry in ticket.get("troubleTicketCharacteristic", ()) if entry.get("name") == "proposedStatus"
    )
    return any(entry.get("value") == "pending" for entry in proposed)


def _why_stop(change: Change) -> Finish | None:
    """How recoveries of the ticket end because of the change; None when they go on."""
    if change.after is None:
        return Finish(None, "the ticket was deleted", How.STOP, Taken.ALL)
    if change.before is None or change.before.status == change.after.status:
        return None
    if (change.before.status, change.after.status) == REOPENING:
        return Finish(None, "the ticket was reopened", How.STOP, Taken.UNFINISHED)
    if change.after.status not in STOPPING:
        return None
    taken = Taken.UNFINISHED if change.after.status in DONE else Taken.ALL
    return Finish(None, f"the ticket is {change.after.status}", How.STOP, taken)


@dataclass(frozen=True, slots=True)
class _All:
    """Several duties, in order."""

    duties: Sequence[Duty]

    def write(self, tx: Connection) -> None:
        for duty in self.duties:
            duty.write(tx)

    def committed(self) -> None:
        for duty in self.duties:
            duty.committed()


@dataclass(frozen=True, slots=True)
class _Stopped:
    """The ticket's recoveries are to end; what they did is taken back, durably, before they do."""

    engine: Engine
    trail: Trail
    ticket_id: str
    finish: Finish

    def write(self, tx: Connection) -> None:
        for id_, state in store.open_of_ticket(tx, self.ticket_id):
            if state is State.UNDOING:
                continue  # it ends anyway
            if state is State.WATCHING:
                store.change_recovery(tx, id_, state, state=State.REPORTED, expires_at=None)
                self.trail.write(tx, id_, Entry.ENDED, state=State.REPORTED.value, reason=self.finish.reason)
                continue
            store.begin_undo(tx, id_, state, self.finish.document())
            self.trail.write(tx, id_, Entry.UNDOING, reason=self.finish.reason)
            self.engine.start(tx, ADVANCE, f"{id_}/{new_id()}")

    def committed(self) -> None:
        """The engine finds it by itself."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A recovery to start, why (JSON for its trail), and the key of the group that it joins or opens."""

    new: Recovery
    decision: str
    group: str | None


@dataclass(frozen=True, slots=True)
class _Planned:
    """Recoveries to start, each with its first step promised."""

    engine: Engine
    trail: Trail
    ready: Sequence[_Ready]

    def write(self, tx: Connection) -> None:
        for ready in self.ready:
            new = ready.new
            if not store.insert_recovery(tx, new):
                continue
            self.trail.add(tx, new.id, Entry.PLANNED, ready.decision)
            if ready.group is not None and new.mapping.group and new.state is State.RUNNING:
                self._join(tx, new, ready.group, new.mapping.group.window)
            self.engine.start(tx, ADVANCE, new.id)

    def _join(self, tx: Connection, new: Recovery, key: str, window: timedelta) -> None:
        group_id = groups.join(tx, new.id, new.mapping.id, key, window)
        self.trail.write(tx, new.id, Entry.JOINED, group=group_id, key=key)

    def committed(self) -> None:
        """The engine finds it by itself."""


def _decision(planned: Planned, trail: Trail) -> dict[str, Any]:
    """Why it was started: the mapping, and each of its lines, all of which held, with what it read."""
    mapping = planned.mapping
    lines = [
        {"line": line.source, "read": _read(mapping, planned, index, trail)} for index, line in enumerate(mapping.when)
    ]
    return {"mapping": mapping.id, "hash": mapping.hash, "mode": mapping.mode.value, "when": lines}


def _read(mapping: Mapping, planned: Planned, index: int, trail: Trail) -> dict[str, Any]:
    read = {}
    for path in mapping.when[index].paths:
        value: Any = planned.scope
        for step in path.steps:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                value = None
                break
        hidden = any(trail.mask.hides(str(step)) for step in path.steps)
        read[str(path)] = MASKED if hidden and value is not None else value
    return read


@dataclass(frozen=True, slots=True)
class _Told:
    """A client changed a problem that a recovery opened here: its events are result events."""

    engine: Engine
    events: Sequence[Event]

    def write(self, tx: Connection) -> None:
        for event in self.events:
            keys = sorted({event.resource_id} | external_ids(event.payload))
            keep(tx, self.engine, event.id, event.type, event.envelope(), keys)

    def committed(self) -> None:
        """The engine finds it by itself."""
