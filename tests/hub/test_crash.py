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

from tests.hub.room import MERGE, OpenSink, Room, a_ticket, subscribe
from tests.hub.sinks import until
from tmf_adapter.crash import CrashPoint

TICKETS, EVENTS = 10, 5


@asynccontextmanager
async def draining(url: str, crash_at: str = "") -> AsyncIterator[Process]:
    environment = {**os.environ, "TMF_ADAPTER_CRASH_AT": crash_at}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.hub.drainer", url, env=environment)
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
    async with draining(database_url, point) as process:
        assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
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
