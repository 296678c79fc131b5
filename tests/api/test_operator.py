"""The operator's side of deliveries, over real tables and through the document."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.api.shelf import OPENAPI, assert_error
from tests.hub.conftest import room, sink_of
from tests.hub.room import OpenSink, Room, a_ticket, subscribe
from tests.hub.sinks import answers, in_turn
from tmf_adapter.api.access import Access
from tmf_adapter.api.operator import Operator
from tmf_adapter.api.server import Document, build
from tmf_adapter.hub import Hub
from tmf_adapter.hub.overview import Overview
from tmf_adapter.storage.database import Database

__all__ = ["room", "sink_of"]

BASE = "/operator/v1"


@pytest.fixture
async def hub(room: Room) -> Hub:
    return await room.hub()


@pytest.fixture
async def operator(database: Database, hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    """A client on this machine; every answer is held against the document."""
    operations = Operator(Overview(database), hub.agreements, hub.keys).operations()
    document = Document(OPENAPI / "operator-v1.yaml", BASE, operations, access=Access(), strict=True)
    app = build([document], {}, strict=False, validate_responses=True)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1{BASE}") as client:
        yield client


async def found(operator: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answered = await operator.get(path, params=query)
    assert answered.status_code == 200, answered.text
    return answered.json()


async def test_a_subscription_is_shown_with_how_it_fares(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    sink = await sink_of()
    id = await subscribe(hub, sink, "eventType=TroubleTicketCreateEvent")
    await room.desk(hub).open(a_ticket())
    await room.settled(delivered=1)
    shown = await found(operator, f"/subscription/{id}")
    assert shown.pop("createdAt").endswith("Z")
    assert {name: shown[name] for name in ("id", "api", "callback", "query", "state", "pending", "parked", "dead")} == {
        "id": id,
        "api": "tmf621-v5",
        "callback": sink.url,
        "query": "eventType=TroubleTicketCreateEvent",
        "state": "enabled",
        "pending": 0,
        "parked": 0,
        "dead": 0,
    }
    assert shown["terms"]["order"] == "resource"


async def test_subscriptions_are_listed_newest_first_in_pages(
    operator: httpx.AsyncClient, hub: Hub, sink_of: OpenSink
) -> None:
    ids = [await subscribe(hub, await sink_of()) for _ in range(3)]
    first = await operator.get("/subscription", params={"limit": 2})
    assert [each["id"] for each in first.json()] == [ids[2], ids[1]]
    assert (first.headers["x-total-count"], first.headers["x-result-count"]) == ("3", "2")
    assert [each["id"] for each in await found(operator, "/subscription", offset=2)] == [ids[0]]
    assert await found(operator, "/subscription", api="tmf656-v5") == []
    assert len(await found(operator, "/subscription", state="enabled")) == 3


async def test_deliveries_are_found_by_what_they_are_about(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    good, bad = await subscribe(hub, await sink_of()), await subscribe(hub, await sink_of(answers(500, b"no")))
    desk = room.desk(hub)
    ticket = (await desk.open(a_ticket())).document["id"]
    await desk.open(a_ticket())
    await room.settled(delivered=2, pending=2)

    assert len(await found(operator, "/delivery")) == 4
    assert {each["state"] for each in await found(operator, "/delivery", subscriptionId=good)} == {"delivered"}
    assert {each["subscriptionId"] for each in await found(operator, "/delivery", state="pending")} == {bad}
    about = await found(operator, "/delivery", resourceId=ticket)
    assert {each["subscriptionId"] for each in about} == {good, bad}
    assert len({each["eventId"] for each in about}) == 1
    assert len(await found(operator, "/delivery", eventId=about[0]["eventId"])) == 2
    assert len(await found(operator, "/delivery", eventType="TroubleTicketCreateEvent")) == 4
    assert await found(operator, "/delivery", eventType="TroubleTicketDeleteEvent") == []
    assert len(await found(operator, "/delivery", since="2020-01-01T00:00:00Z", until="2100-01-01T00:00:00Z")) == 4
    assert await found(operator, "/delivery", since="2100-01-01T00:00:00+01:00") == []
    page = await operator.get("/delivery", params={"limit": 1, "offset": 1})
    assert (page.headers["x-total-count"], page.headers["x-result-count"]) == ("4", "1")


async def test_a_delivery_says_what_the_listener_answered(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    await subscribe(hub, await sink_of(in_turn(answers(503, b"maintenance until six"), answers(204))))
    await room.desk(hub).open(a_ticket())
    await room.settled(delivered=1)
    [listed] = await found(operator, "/delivery")
    shown = await found(operator, f"/delivery/{listed['id']}")
    assert (shown["state"], shown["attempts"], shown["lastStatus"]) == ("delivered", 2, 204)


@pytest.mark.parametrize("id", ["1", "0", "-1", "x", "9" * 40, "%00", "1' or '1'='1"])
async def test_what_is_not_there_is_not_found(operator: httpx.AsyncClient, id: str) -> None:
    for path in (f"/delivery/{id}", f"/subscription/{id}"):
        assert_error(await operator.get(path), 404, "notFound")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/delivery?state=lost", "state"),
        ("/delivery?since=yesterday", "2026-11-24T06:00:00Z"),
        ("/delivery?until=2026-11-24", "2026-11-24T06:00:00Z"),  # a day is no instant
        ("/delivery?until=2026-11-24T06:00:00", "2026-11-24T06:00:00Z"),  # nor is an hour of an unknown zone
        ("/delivery?colour=red", "colour"),
        ("/delivery?state=dead&state=pending", "once"),
        ("/subscription?limit=many", "limit"),
    ],
)
async def test_a_query_that_nobody_could_mean_is_refused(operator: httpx.AsyncClient, path: str, said: str) -> None:
    document = assert_error(await operator.get(path), 400, "invalidQuery")
    assert said in str(document)


@pytest.mark.parametrize("query", ["limit=-5", "limit=0", "offset=-1", "offset=" + "9" * 30, "limit=" + "9" * 30])
async def test_a_page_out_of_range_is_brought_into_it(operator: httpx.AsyncClient, query: str) -> None:
    assert (await operator.get(f"/delivery?{query}")).status_code == 200


# --- The record -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
async def test_the_record_can_only_grow(database: Database, statement: str) -> None:
    from tmf_adapter.storage import audit

    await database.write(lambda tx: audit.record(tx, "ada at 127.0.0.1", "pause", "subscription/1", {}, {"a": 1}))
    with pytest.raises(Exception, match="append-only"):
        await database.write(lambda tx: tx.execute(text(statement)))
    rows, total = await database.read(lambda tx: audit.entries(tx, "subscription/1", "pause", 0, 10))
    assert (total, rows[0].who, rows[0].after) == (1, "ada at 127.0.0.1", '{"a":1}')
