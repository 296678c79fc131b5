"""SIGKILL at each labelled point of a delivery: nothing is lost, what comes twice is the same, the order is kept."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from tests.hub.room import API, MERGE, OpenSink, Room, a_ticket, agree, subscribe
from tests.hub.sinks import Temper, accepts, answers, fails, until
from tmf_adapter.crash import CrashPoint
from tmf_adapter.hub import owe
from tmf_adapter.hub.terms import Order, Terms

TICKETS, EVENTS = 10, 5


@asynccontextmanager
async def draining(url: str, *what: str, crash_at: str = "") -> AsyncIterator[Process]:
    environment = {**os.environ, "TMF_ADAPTER_CRASH_AT": crash_at}
    command = [sys.executable, "-m", "tests.hub.drainer", url, *what]
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize(
    "point", [CrashPoint.DELIVERY_CLAIMED, CrashPoint.DELIVERY_POSTED, CrashPoint.DELIVERY_ACKNOWLEDGED]
)
async def test_a_process_killed_while_it_delivers(
    room: Room, sink_of: OpenSink, database_url: str, point: CrashPoint
) -> None:
    sink, hub = await sink_of(), await room.hub(started=False)
    await subscribe(hub, sink)
    desk = room.desk(hub)
    for _ in range(TICKETS):
        ticket = await desk.open(a_ticket())
        for number in range(EVENTS - 1):
            await desk.patch(ticket.id, {"name": f"n{number}"}, MERGE)
    async with draining(database_url, crash_at=point) as process:
        assert await asyncio.wait_for(process.wait(), 120) == -signal.SIGKILL
    posted, written_down = len(sink.received), (await room.states()).get("delivered", 0)
    assert (posted > 0) is (point is not CrashPoint.DELIVERY_CLAIMED)
    assert (written_down > 0) is (point is CrashPoint.DELIVERY_ACKNOWLEDGED)
    async with draining(database_url):
        await room.settled(delivered=TICKETS * EVENTS)
    await until(lambda: not sink.open)

    owed, came = defaultdict(list), defaultdict(list)
    for row in await room.deliveries():
        owed[row.resource_id].append(row.event_id)
    for received in sink.received:
        came[received.event["event"]["troubleTicket"]["id"]].append(received.event_id)
    assert {id_: list(dict.fromkeys(events)) for id_, events in came.items()} == owed
    assert len(sink.received) - posted == TICKETS * EVENTS - written_down, "twice: only what was not written down"
    assert len({(received.event_id, received.body) for received in sink.received}) == TICKETS * EVENTS


@pytest.mark.parametrize(
    ("temper", "order"),
    [
        pytest.param(fails, Order.RESOURCE, id="breaker"),
        # One at a time: the first answer parks all, and of several those still under way would not be written down.
        pytest.param(answers(429, headers="Retry-After: 1\r\n"), Order.SUBSCRIPTION, id="peace"),
    ],
)
async def test_a_process_killed_just_as_it_parked_what_is_owed(
    room: Room, sink_of: OpenSink, database_url: str, temper: Temper, order: Order
) -> None:
    sink, hub = await sink_of(temper), await room.hub(started=False)
    id_ = await subscribe(hub, sink)
    await agree(room, id_, Terms(order=order))
    desk = room.desk(hub)
    for _ in range(12):
        await desk.open(a_ticket())
    async with draining(database_url, crash_at=CrashPoint.DELIVERY_PARKED) as process:
        assert await asyncio.wait_for(process.wait(), 120) == -signal.SIGKILL
    health = await room.health_of(id_, lambda health: health.attend_at > 0)
    assert health.breaker.is_probing or health.not_before
    assert (await room.states()) == {"pending": 12}
    assert sum(row.attempts for row in await room.deliveries()) == len(sink.received), "each is written down"
    sink.temper = accepts
    async with draining(database_url):
        await room.settled(delivered=12)
    assert len(set(sink.event_ids)) == 12


async def test_a_process_killed_in_the_middle_of_a_fan_out(
    room: Room, sink_of: OpenSink, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owe, "INLINE", 5)
    sink, hub = await sink_of(), await room.hub(started=False)
    for number in range(10):
        await hub.subscriptions.register(API, {"callback": f"{sink.url}/{number}"})
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await desk.patch(ticket.id, {"name": "second"}, MERGE)
    async with draining(database_url, crash_at=CrashPoint.FANOUT_ADVANCED) as process:
        assert await asyncio.wait_for(process.wait(), 120) == -signal.SIGKILL
    assert 0 < len(await room.deliveries()) < 20
    async with draining(database_url):
        await room.settled(delivered=20)
    for number in range(10):
        came = [one.event["eventType"] for one in sink.received if one.line.split()[1].endswith(f"/{number}")]
        assert [kind[13:19] for kind in dict.fromkeys(came)] == ["Create", "Attrib"]
    rows = await room.database.read(
        lambda tx: tx.execute(text("SELECT DISTINCT subscription_id, event_id FROM delivery")).all()
    )
    assert len(rows) == 20, "and none is owed twice"


async def test_a_process_killed_just_as_it_replayed(room: Room, sink_of: OpenSink, database_url: str) -> None:
    sink, hub = await sink_of(), await room.hub(started=False)
    await subscribe(hub, sink)
    desk = room.desk(hub)
    for _ in range(6):
        await desk.open(a_ticket())
    async with draining(database_url):
        await room.settled(delivered=6)
    before = len(sink.received)
    async with draining(database_url, "replay", crash_at=CrashPoint.DELIVERY_REPLAYED) as process:
        assert await asyncio.wait_for(process.wait(), 120) == -signal.SIGKILL
    assert await room.states() == {"pending": 6}
    async with draining(database_url):
        await room.settled(delivered=6)
    again = sink.event_ids[before:]
    assert set(again) == set(sink.event_ids[:before])
    assert len(again) >= 6
