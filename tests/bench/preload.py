"""A database in which much is owed already: subscriptions and, for each of them, deliveries that are due."""

import asyncio
import time

import orjson
import sqlalchemy as sa

from tmf_adapter.hub.limits import Limits
from tmf_adapter.hub.subscriptions import Subscriptions
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.schema import upgrade
from tmf_adapter.storage.tables import TENANT, delivery, event
from tmf_adapter.tmf.ids import new_id

BATCH = 1_000


def owe(url: str, callbacks: list[str], events: int) -> list[str]:
    """Each of the callbacks is owed the same ``events`` events, each about a resource of its own; their ids."""
    return asyncio.run(_owe(url, callbacks, events))


async def _owe(url: str, callbacks: list[str], events: int) -> list[str]:
    database = Database(url)
    upgrade(database)
    subscriptions = Subscriptions(database, "http://adapter.test", limits=Limits(10_000, 1_000_000))
    hubs = [(await subscriptions.register("tmf621-v5", {"callback": callback}))["id"] for callback in callbacks]
    ids = [new_id() for _ in range(events)]
    await database.write(lambda tx: tx.execute(sa.insert(event), [_event(id_) for id_ in ids]))
    rows = [_delivery(hub, id_) for id_ in ids for hub in hubs]
    for at in range(0, len(rows), BATCH):
        await database.write(lambda tx, at=at: tx.execute(sa.insert(delivery), rows[at : at + BATCH]))  # type: ignore[misc]
    database.close()
    return ids


def _delivery(hub: str, id_: str) -> dict[str, object]:
    keys = {"tenant": TENANT, "subscription_id": hub, "event_id": id_, "resource_id": f"t-{id_}"}
    return {**keys, "state": "pending", "next_at": 0.0, "created_at": time.time()}


def _event(id_: str) -> dict[str, object]:
    moment = "2026-01-01T00:00:00.000Z"
    ticket = {"@type": "TroubleTicket", "id": f"t-{id_}", "description": "x" * 1_000, "status": "acknowledged"}
    body = {
        **{"@type": "TroubleTicketCreateEvent", "eventId": id_, "eventType": "TroubleTicketCreateEvent"},
        **{"eventTime": moment, "timeOccurred": moment, "event": {"troubleTicket": ticket}},
    }
    kind = {"tenant": TENANT, "id": id_, "type": "TroubleTicketCreateEvent", "resource": "troubleTicket"}
    return {**kind, "resource_id": f"t-{id_}", "created_at": time.time(), "body": orjson.dumps(body).decode()}
