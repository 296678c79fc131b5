"""A hub over a real database, and a desk whose changes owe notifications."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from tests.hub.sinks import Sink
from tmf_adapter.hub import Hub
from tmf_adapter.hub.breaker import Pauses
from tmf_adapter.hub.health import Health
from tmf_adapter.hub.limits import Limits
from tmf_adapter.hub.terms import Terms
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.desk import Desk
from tmf_adapter.storage.ledger import Ledger
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tickets.ticket import RULES
from tmf_adapter.tmf.events import Author, Change, Doc
from tmf_adapter.tmf.time import utc_now

API = "tmf621-v5"
LOOPBACK = ("127.0.0.0/8",)
MANY = Limits(subscriptions=10_000, per_minute=1_000_000)
MERGE = "application/merge-patch+json"

OpenSink = Callable[..., Awaitable[Sink]]


@dataclass
class Room:
    """A database with everything that is needed to owe notifications; hubs are started on it by the test."""

    database: Database
    stack: AsyncExitStack

    async def hub(self, *, started: bool = True, **settings: Any) -> Hub:
        quick = {
            "backoff": (0.05,),
            "insistence": (0.05,) * 200,
            "pauses": Pauses(0.05, 0.2),
            "timeout": 5.0,
            "limits": MANY,
        }
        defaults = {"public_url": "http://adapter.test", "allowed": LOOPBACK, **quick}
        hub = Hub(self.database, **{**defaults, **settings})
        if started:
            await hub.start()
            self.stack.push_async_callback(hub.close)
        return hub

    def desk(self, hub: Hub) -> Desk:
        ledger = Ledger(self.database, [hub.owe])
        return Desk(ledger, ticket_store(self.database), RULES, "http://adapter.test/troubleTicket", lambda doc: doc)

    async def deliveries(self) -> list[Row[Any]]:
        return await self.database.read(lambda tx: list(tx.execute(text("SELECT * FROM delivery ORDER BY id"))))

    async def states(self) -> dict[str, int]:
        """How many deliveries stand where."""
        found: dict[str, int] = {}
        for row in await self.deliveries():
            found[row.state] = found.get(row.state, 0) + 1
        return found

    async def health_of(self, id: str, holds: Callable[[Health], object], seconds: float = 90.0) -> Health:
        """The health of a subscription, once it is so."""
        statement = text("SELECT state, health FROM subscription WHERE id = :id")
        async with asyncio.timeout(seconds):
            while True:
                row = await self.database.read(lambda tx: tx.execute(statement, {"id": id}).one())
                if holds(health := Health.read(row.state, row.health)):
                    return health
                await asyncio.sleep(0.02)

    async def settled(self, seconds: float = 90.0, **states: int) -> None:
        """Return once the deliveries stand exactly so."""
        try:
            async with asyncio.timeout(seconds):
                while await self.states() != states:  # noqa: ASYNC110 - a table tells nobody
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"not {states}: {await self.deliveries()}") from None


async def subscribe(hub: Hub, sink: Sink, query: str | None = None, path: str = "") -> str:
    """Register the sink for tickets; the id."""
    body: Doc = {"callback": sink.url + path} | ({"query": query} if query else {})
    return str((await hub.subscriptions.register(API, body))["id"])


async def agree(room: Room, id_: str, terms: Terms) -> None:
    """Set the terms of a subscription that nobody drains yet."""
    statement = text("UPDATE subscription SET terms = :terms WHERE id = :id")
    await room.database.write(lambda tx: tx.execute(statement, {"id": id_, "terms": terms.written()}))


def a_ticket(**members: Any) -> Doc:
    required = {"@type": "TroubleTicket", "description": "No dial tone", "severity": "Urgent", "ticketType": "fault"}
    return {**required, **members}


def a_change() -> Change:
    """A ticket that was opened, with its event."""
    return RULES.open(a_ticket(), "http://adapter.test/troubleTicket", utc_now(), Author.CLIENT, lambda doc: doc)
