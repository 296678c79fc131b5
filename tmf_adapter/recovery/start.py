"""Which recoveries a change starts, stops or lets go on: the consequence of a change that this room owes."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from tmf_adapter.engine import Engine
from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.mapping.plan import Planned, plan
from tmf_adapter.recovery import store
from tmf_adapter.recovery.inbox import keep
from tmf_adapter.recovery.kinds import ADVANCE
from tmf_adapter.recovery.recovery import Recovery
from tmf_adapter.recovery.target import external_ids, is_ours
from tmf_adapter.storage.ledger import Duty
from tmf_adapter.tmf.events import Author, Change, Event
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.time import utc_now

STOPPING = frozenset({"cancelled", "rejected", "resolved", "closed"})
"""A ticket that somebody else brought here needs no recovery any more."""


@dataclass(frozen=True, slots=True)
class Starts:
    """The room's consequence: give ``owe`` to the ledger."""

    mappings: Sequence[Mapping]
    engine: Engine

    async def owe(self, change: Change) -> Duty | None:
        """What the change of a ticket, or of a problem that a recovery waits for, owes. Never raises for a mapping."""
        if change.by is Author.ADAPTER:
            return None
        if change.resource == "serviceProblem":
            return _Told(self.engine, change.events) if is_ours(change.subject.document) else None
        planned = plan(self.mappings, change, utc_now())
        stop = _why_stop(change)
        return (
            _Planned(self.engine, change.subject.id, change.subject.episode, planned, stop) if planned or stop else None
        )


def _why_stop(change: Change) -> str | None:
    if change.after is None:
        return "the ticket was deleted"
    moved = change.before is not None and change.before.status != change.after.status
    return f"the ticket is {change.after.status}" if moved and change.after.status in STOPPING else None


@dataclass(frozen=True, slots=True)
class _Planned:
    """Recoveries to start, each with its first step promised, and those to stop."""

    engine: Engine
    ticket_id: str
    episode: int
    planned: Sequence[Planned]
    stop: str | None

    def write(self, tx: Connection) -> None:
        if self.stop:
            store.stop_recoveries(tx, self.ticket_id, self.stop)
        for planned in self.planned:
            new = Recovery(new_id(), planned.mapping, self.ticket_id, self.episode, planned.scope)
            if store.insert_recovery(tx, new):
                self.engine.start(tx, ADVANCE, new.id)

    def committed(self) -> None:
        """The engine finds it by itself."""


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
