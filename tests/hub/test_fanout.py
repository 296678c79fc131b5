"""A change that very many want: its deliveries are written after it, all of them, and in its order."""

import asyncio

import pytest

from tests.hub.room import API, MERGE, OpenSink, Room, a_ticket
from tmf_adapter.hub import Hub, owe


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owe, "INLINE", 5)
    monkeypatch.setattr(owe, "CHUNK", 4)


async def register(hub: Hub, url: str, count: int, query: str | None = None, start: int = 0) -> list[str]:
    bodies = [{"callback": f"{url}/{start + number}", **({"query": query} if query else {})} for number in range(count)]
    return [str((await hub.subscriptions.register(API, body))["id"]) for body in bodies]


async def test_each_listener_gets_each_event_once_and_in_order(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub()
    await register(hub, sink.url, 13)
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    for number in range(3):
        await desk.patch(ticket.id, {"name": f"n{number}"}, MERGE)
    await room.settled(delivered=52)
    events = list(dict.fromkeys(row.event_id for row in await room.deliveries()))
    for number in range(13):
        came = [one.event_id for one in sink.received if one.line.split()[1].endswith(f"/{number}")]
        assert came == events


async def test_an_event_that_few_want_does_not_overtake_one_that_many_want(room: Room, sink_of: OpenSink) -> None:
    """Nobody works off fan-outs here: what follows about the same resource must wait in the same line."""
    sink, hub = await sink_of(), await room.hub(started=False)
    await register(hub, sink.url, 8, "eventType=TroubleTicketCreateEvent")
    await register(hub, sink.url, 1, start=8)
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await desk.patch(ticket.id, {"name": "second"}, MERGE)
    await desk.open(a_ticket())
    assert await room.deliveries() == []
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await room.settled(delivered=9 + 1 + 9)
    last = [one.event["eventType"] for one in sink.received if one.line.split()[1].endswith("/8")]
    assert last[0] == "TroubleTicketCreateEvent"
    assert "TroubleTicketAttributeValueChangeEvent" in last[1:]


async def test_one_that_unregisters_meanwhile_is_owed_nothing(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub(started=False)
    ids = await register(hub, sink.url, 7)
    await room.desk(hub).open(a_ticket())
    await hub.subscriptions.remove(API, ids[3])
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await room.settled(delivered=6)


async def test_two_processes_share_the_work_without_doing_it_twice(room: Room, sink_of: OpenSink) -> None:
    sink = await sink_of()
    one, other = await room.hub(), await room.hub()
    await register(one, sink.url, 20)
    desks = [room.desk(one), room.desk(other)]
    await asyncio.gather(*(desks[number % 2].open(a_ticket()) for number in range(6)))
    one.fanned_out()
    other.fanned_out()
    await room.settled(delivered=120)
    assert len(sink.received) == 120
