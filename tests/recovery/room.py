"""The whole recovery room on a database, in this process: a BSS in front of it, a downstream that obeys behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from tmf_adapter import engine as engine_module
from tmf_adapter.engine import Engine
from tmf_adapter.mapping.document import DEFAULTS, Mappings, parse
from tmf_adapter.recovery import counts
from tmf_adapter.recovery.inbox import Inbox
from tmf_adapter.recovery.recovery import Run
from tmf_adapter.recovery.run import Runs
from tmf_adapter.recovery.start import Starts
from tmf_adapter.recovery.target import Answer, Found, external_ids
from tmf_adapter.recovery.trail import Written, entries_of
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Consequence, Ledger
from tmf_adapter.storage.tables import event, recovery
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tickets.ticket import RULES
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.operations import OPERATIONS, Operation, Operations

CALL = "tmf656.createServiceProblem"
MERGE = "application/merge-patch+json"
PATIENCE = 30.0
BODY = {
    "@type": "ServiceProblem",
    "category": "serviceProvider.originated",
    "priority": 3,
    "description": "${t.description}",
    "reason": "Customer problem ${t.id}",
    "originatorParty": {"@type": "RelatedPartyRefOrPartyRoleRef", "role": "originator"},
}
AWAIT = {
    "event": "ServiceProblemStateChangeEvent",
    "workaround": "ev.serviceProblem.status == 'held'",
    "restored": "ev.serviceProblem.status == 'closed'",
    "ok": "ev.serviceProblem.status == 'resolved'",
    "fail": "ev.serviceProblem.status in ['rejected', 'cancelled']",
    "within": "PT1H",
}


def step(id_: str, **members: Any) -> Doc:
    """A step that opens a problem named after it and waits for it."""
    awaited = {**AWAIT, **members.pop("await_", {})}
    body = {**BODY, "name": id_, **members.pop("body", {})}
    quick = {"retry": {"attempts": 3, "backoff": "PT0.05S", "when": ["timeout", "connect", "503"]}}
    return {"id": id_, "call": CALL, "body": body, "await": awaited, **quick, **members}


def sent(id_: str, **members: Any) -> Doc:
    """A step that is done once it is accepted."""
    return {name: value for name, value in step(id_, **members).items() if name != "await"}


def back(id_: str) -> Doc:
    """An ``undo`` that opens a problem which says what it takes back."""
    return {"call": CALL, "body": {**BODY, "name": f"undo {id_}", "description": "${step." + id_ + ".id}"}}


def mapping(id_: str = "m", **members: Any) -> Doc:
    """A mapping for every ticket that comes under work."""
    when = ["t.status == 'inProgress'"]
    return {"id": id_, "title": f"The mapping {id_}", "events": ["create", "status"], "when": when, **members}


@dataclass
class Obedient:
    """A TMF656 server that does what it is told: ``answers`` are given, by the name of the problem, before it obeys."""

    poll: timedelta | None = None
    operations: Operations = field(default_factory=lambda: OPERATIONS)
    held_until: datetime | None = None
    made: list[Doc] = field(default_factory=list)
    calls: list[tuple[str, str | None]] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    unreachable: bool = False
    fetched: list[str] = field(default_factory=list)

    async def create(
        self, operation: Operation, operation_id: str, body: Doc, timeout: float, target: str | None = None
    ) -> Answer:
        name = str(body.get("name"))
        self.calls.append((name, target))
        if gate := self.gates.get(name):
            await gate.wait()
        if planned := self.answers.get(name):
            return planned.pop(0)
        document = {**body, "id": f"{name}-{len(self.made)}", "status": "acknowledged", "operation": operation_id}
        self.made.append(document)
        return Answer(document=dict(document), status=201)

    async def look(self, operation: Operation, operation_id: str, timeout: float) -> Doc | Found:
        if self.unreachable:
            return Found.UNREACHABLE
        return next((dict(one) for one in self.made if operation_id in external_ids(one)), Found.NOTHING)

    async def fetch(self, operation: Operation, remote_id: str, timeout: float) -> Doc | Found:
        self.fetched.append(remote_id)
        if self.unreachable:
            return Found.UNREACHABLE
        return next((dict(one) for one in self.made if one["id"] == remote_id), Found.NOTHING)

    def names(self) -> list[str]:
        """What was made, in order."""
        return [one["name"] for one in self.made]

    def by_name(self, name: str) -> Doc:
        """The newest problem of this name."""
        return [one for one in self.made if one["name"] == name][-1]


@dataclass
class Room:
    """Everything, running."""

    database: Database
    engine: Engine
    tickets: TicketDesk
    runs: Runs
    inbox: Inbox
    downstream: Obedient

    # -- the BSS -------------------------------------------------------------------------------------------------------

    async def open(self, status: str = "inProgress", **members: Any) -> str:
        """A ticket; its id."""
        body = {"@type": "TroubleTicket", "description": "No light", "severity": "major", "ticketType": "fault"}
        return (await self.tickets.open({**body, "status": status, **members})).id

    async def patch(self, ticket_id: str, **members: Any) -> Doc:
        """The ticket as a client has changed it."""
        return (await self.tickets.patch(ticket_id, members, MERGE)).document

    async def ticket(self, ticket_id: str) -> Doc:
        return (await self.tickets.load(ticket_id)).document

    async def status(self, ticket_id: str) -> str:
        return str((await self.ticket(ticket_id))["status"])

    async def chars(self, ticket_id: str) -> dict[str, Any]:
        """Its characteristics by name."""
        found = (await self.ticket(ticket_id)).get("troubleTicketCharacteristic", ())
        return {entry["name"]: entry["value"] for entry in found}

    async def notes(self, ticket_id: str) -> list[str]:
        return [note["text"] for note in (await self.ticket(ticket_id)).get("note", ())]

    async def events(self, ticket_id: str) -> list[Doc]:
        """What subscribers would be told of it, in order."""
        mine = event.select().where(event.c.resource_id == ticket_id).order_by(event.c.created_at, event.c.id)
        rows = await self.database.read(lambda connection: connection.execute(mine).all())
        return [orjson.loads(row.body) for row in rows]

    # -- the downstream ------------------------------------------------------------------------------------------------

    async def tell(
        self,
        name: str,
        status: str,
        event_id: str | None = None,
        event_type: str = "ServiceProblemStateChangeEvent",
        **members: Any,
    ) -> None:
        """The downstream gives its newest problem of this name a status, and says so."""
        problem = self.downstream.by_name(name)
        problem.update(status=status, **members)
        await self.inbox.receive(
            {
                "eventId": event_id or new_id(),
                "eventType": event_type,
                "event": {"serviceProblem": {"id": problem["id"], "status": status}},
            }
        )

    async def until_made(self, *names: str) -> None:
        """The downstream has exactly these problems, whatever the order."""
        await self.until(lambda: _at_once(sorted(self.downstream.names()) == sorted(names)), f"made {names}")

    # -- the recoveries ------------------------------------------------------------------------------------------------

    async def states(self, ticket_id: str | None = None) -> list[str]:
        """The states of the recoveries, of one ticket or all."""
        chosen = recovery.select().order_by(recovery.c.created_at)
        if ticket_id is not None:
            chosen = chosen.where(recovery.c.ticket_id == ticket_id)
        rows = await self.database.read(lambda connection: connection.execute(chosen).all())
        return [row.state for row in rows]

    async def recovery_id(self, ticket_id: str) -> str:
        chosen = recovery.select().where(recovery.c.ticket_id == ticket_id).order_by(recovery.c.created_at.desc())
        row = await self.database.read(lambda connection: connection.execute(chosen).first())
        assert row is not None, "it has no recovery"
        return str(row.id)

    async def run(self, ticket_id: str) -> Run:
        """The ticket's newest recovery with all that was done for it."""
        found = await self.runs.store.load(await self.recovery_id(ticket_id))
        assert found is not None
        return found

    async def trail(self, ticket_id: str) -> list[Written]:
        return await entries_of(self.database, await self.recovery_id(ticket_id))

    async def kinds(self, ticket_id: str) -> list[str]:
        """What its trail says, in order."""
        return [entry.kind.value for entry in await self.trail(ticket_id)]

    async def until_state(self, ticket_id: str, state: str) -> None:
        """Its newest recovery has come to this state."""

        async def there() -> bool:
            return (await self.states(ticket_id))[-1:] == [state]

        await self.until(there, f"the recovery is {state}")

    async def until_status(self, ticket_id: str, status: str) -> None:
        async def there() -> bool:
            return await self.status(ticket_id) == status

        await self.until(there, f"the ticket is {status}")

    async def until(self, condition: Callable[[], Awaitable[Any]], what: str = "it comes true") -> Any:
        """The first truth that ``condition`` gives."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := await condition()):  # noqa: ASYNC110 - it is a table that comes to say so
                    await asyncio.sleep(0.02)
                return found
        except TimeoutError:
            raise AssertionError(f"waited in vain: {what}; {self.downstream.names()}") from None

    async def settled(self) -> None:
        """Whatever was promised for now has been done: a recovery that comes later has ended."""
        marker = await self.open("inProgress", ticketType="marker")
        await self.until_state(marker, "reported")


async def _at_once(truth: bool) -> bool:
    return truth


MARKER = {
    "id": "marker",
    "title": "Ends at once",
    "order": 1,
    "stop": True,
    "events": ["create"],
    "when": ["t.type == 'marker'"],
    "report": {"now": {"note": "Seen."}},
}


@asynccontextmanager
async def room(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    *documents: Doc,
    downstream: Obedient | None = None,
    word: Callable[[str], str] = str,
) -> AsyncIterator[Room]:
    """The room with these mappings; an earlier room on the same database has left what it left."""
    monkeypatch.setattr(engine_module, "POLL_SECONDS", 0.02)
    mappings = Mappings([parse(document, DEFAULTS) for document in (*documents, MARKER)])
    engine, target = Engine(database, heartbeat=0.2, dead_after=1.0), downstream or Obedient()
    consequences: list[Consequence] = []
    tickets = TicketDesk(
        Ledger(database, consequences),
        ticket_store(database),
        RULES,
        "http://here/troubleTicket",
        lambda document: document,
    )
    runs = Runs(database, engine, tickets, {"tmf656": target}, word=word)
    consequences.append(Starts(lambda: mappings, database, engine, runs.trail, runs.switches).owe)
    await counts.complete(database, mappings)
    await engine.launch(runs.tasks())
    try:
        yield Room(database, engine, tickets, runs, Inbox(database, engine), target)
    finally:
        await engine.close()


def entity(role: str, id_: str) -> Doc:
    """A related entity."""
    return {"@type": "RelatedEntity", "role": role, "entity": {"@type": "EntityRef", "id": id_, "@referredType": "X"}}


def types(events: Sequence[Doc]) -> list[str]:
    """What kinds of events these are, without the resource's name."""
    return [one["eventType"].removeprefix("TroubleTicket").removesuffix("Event") for one in events]
