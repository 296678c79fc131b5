"""Deliveries over real HTTP: in order, at least once, nobody delayed by another's listener, nothing lost."""

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from tests.hub.room import API, MERGE, OpenSink, Room, a_ticket, subscribe
from tests.hub.sinks import (
    Received,
    Sink,
    Temper,
    accepts,
    answers,
    babbles,
    drips,
    fails,
    floods,
    hangs,
    in_turn,
    resets,
    until,
)
from tmf_adapter.hub import drain
from tmf_adapter.hub.breaker import Pauses
from tmf_adapter.hub.pressure import FIRST
from tmf_adapter.hub.store import Ask, Store
from tmf_adapter.storage.desk import Desk


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "POLL", 0.03)


async def change_names(desk: Desk, tickets: int, times: int) -> list[str]:
    """Open tickets and rename each a few times, in turn; their ids."""
    ids = [(await desk.open(a_ticket())).id for _ in range(tickets)]
    for number in range(times):
        for id_ in ids:
            await desk.patch(id_, {"name": f"n{number}"}, MERGE)
    return ids


async def owed_by_resource(room: Room) -> dict[str, list[str]]:
    owed = defaultdict(list)
    for row in await room.deliveries():
        owed[row.resource_id].append(row.event_id)
    return owed


async def test_a_notification_is_the_stored_event_byte_for_byte(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub()
    await subscribe(hub, sink)
    ticket = await room.desk(hub).open(a_ticket(name="naïve ütf-8"))
    await room.settled(delivered=1)
    (received,) = sink.received
    stored = await room.database.read(lambda tx: tx.execute(text("SELECT id, body FROM event")).one())
    assert received.body == stored.body.encode()
    assert received.event_id == stored.id == received.event["eventId"]
    assert received.event["eventType"] == "TroubleTicketCreateEvent"
    assert received.event["event"]["troubleTicket"]["id"] == ticket.id
    (row,) = await room.deliveries()
    assert (row.attempts, row.last_status, row.last_error, row.reason) == (1, 204, None, None)
    assert row.ended_at >= row.created_at


async def test_each_attempt_carries_the_same_id_and_bytes_until_one_is_accepted(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(in_turn(fails, resets, babbles, answers(302), accepts)), await room.hub()
    await subscribe(hub, sink)
    await room.desk(hub).open(a_ticket())
    await room.settled(delivered=1)
    assert len(sink.received) == 5
    assert len(set(sink.event_ids)) == 1
    assert len({received.body for received in sink.received}) == 1
    (row,) = await room.deliveries()
    assert (row.attempts, row.last_status, row.last_error) == (5, 204, None)


async def test_what_went_wrong_is_on_record_while_it_waits(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(answers(503, b"come back later")), await room.hub(backoff=(60.0,))
    await subscribe(hub, sink)
    before = time.time()
    await room.desk(hub).open(a_ticket())
    await until(lambda: sink.received)
    async with asyncio.timeout(60):
        while not (row := (await room.deliveries())[0]).attempts:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (row.state, row.last_status, row.last_error) == ("pending", 503, "answered 503: come back later")
    assert before + 60 <= row.next_at <= time.time() + 72


@pytest.mark.parametrize("window", [4, 256])
async def test_order_is_kept_for_each_resource_whatever_fails(
    room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    """Also when only a part of what waits fits into memory, and while more of it comes in."""
    monkeypatch.setattr(drain, "WINDOW", window)
    chance = random.Random(621)
    done: dict[str, list[str]] = defaultdict(list)

    async def moody(received: Received, writer: asyncio.StreamWriter) -> bool:
        if chance.random() < 0.3:
            return await chance.choice([fails, resets, answers(429)])(received, writer)
        done[received.event["event"]["troubleTicket"]["id"]].append(received.event_id)
        return await accepts(received, writer)

    sink, hub = await sink_of(moody), await room.hub(backoff=(0.01, 0.05))
    await subscribe(hub, sink)
    desk = room.desk(hub)
    ids = await change_names(desk, tickets=8, times=5)
    for number in range(4):
        await asyncio.sleep(0.05)
        for id_ in ids:
            await desk.patch(id_, {"name": f"later {number}"}, MERGE)
    await room.settled(delivered=80)
    owed = await owed_by_resource(room)
    assert set(owed) == set(ids)
    assert done == owed
    for id_ in ids:  # nothing was even tried before what came before it was accepted
        tried = [one.event_id for one in sink.received if one.event["event"]["troubleTicket"]["id"] == id_]
        assert sorted(tried, key=owed[id_].index) == tried


async def test_a_failed_head_holds_its_own_resource_only(room: Room, sink_of: OpenSink) -> None:
    refused = "none yet"

    async def picky(received: Received, writer: asyncio.StreamWriter) -> bool:
        about = received.event["event"]["troubleTicket"]["id"]
        return await (fails if about == refused else accepts)(received, writer)

    sink, hub = await sink_of(picky), await room.hub(backoff=(0.2,))
    desk = room.desk(hub)
    refused = (await desk.open(a_ticket())).id
    await subscribe(hub, sink)
    for number in range(5):
        await desk.patch(refused, {"name": f"n{number}"}, MERGE)
    others = await change_names(desk, tickets=5, times=3)
    await room.settled(pending=5, delivered=20)
    owed = await owed_by_resource(room)
    assert {one.event_id for one in sink.received} == {owed[refused][0]} | {id_ for o in others for id_ in owed[o]}
    await desk.patch(refused, {"name": "late"}, MERGE)  # one that comes while the head waits, waits too
    await until(lambda: sink.event_ids.count(owed[refused][0]) >= 4)
    sink.temper = accepts
    await room.settled(delivered=26)
    tail = [id_ for id_ in sink.event_ids if id_ in (await owed_by_resource(room))[refused]]
    assert list(dict.fromkeys(tail)) == (await owed_by_resource(room))[refused]


async def test_what_is_read_just_as_its_head_fails_waits_with_it(
    room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read began before the failure could be written down, so the row says nothing of it."""

    async def fails_late(received: Received, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.2)
        return await fails(received, writer)

    read_due = Store._read_due

    def slow(self: Store, tx: Any, asks: Sequence[Ask]) -> Any:
        found = read_due(self, tx, asks)
        if any(found.values()) and asks[0].known:
            time.sleep(0.5)
        return found

    monkeypatch.setattr(Store, "_read_due", slow)
    sink, hub = await sink_of(fails_late), await room.hub(backoff=(60.0,))
    await subscribe(hub, sink)
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await until(lambda: sink.open)
    await desk.patch(ticket.id, {"name": "second"}, MERGE)
    async with asyncio.timeout(60):
        while not all(row.next_at for row in await room.deliveries()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    first, second = await room.deliveries()
    assert first.next_at == second.next_at
    assert (first.attempts, second.attempts) == (1, 0)
    assert sink.event_ids == [first.event_id]


async def test_what_waits_costs_no_statement_but_the_sweep(room: Room, sink_of: OpenSink) -> None:
    """Followers of a waiting head are not read again and again."""
    sink, hub = await sink_of(fails), await room.hub(backoff=(60.0,))
    desk = room.desk(hub)
    await subscribe(hub, sink)
    ids = await change_names(desk, tickets=2, times=4)
    await until(lambda: len(sink.received) == 2)
    async with asyncio.timeout(60):
        while hub._drains or not all(row.next_at > time.time() for row in await room.deliveries()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await hub._store.ready() == []
    assert len(sink.received) == len(ids)


async def test_resources_are_brought_side_by_side_up_to_the_cap(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(hangs), await room.hub(started=False)
    await subscribe(hub, sink)
    ids = await change_names(room.desk(hub), tickets=40, times=1)
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await until(lambda: sink.open == FIRST)
    await asyncio.sleep(0.1)
    assert sink.most_open == FIRST == 4
    about = [one.event["event"]["troubleTicket"]["id"] for one in sink.received]
    assert len(set(about)) == FIRST < len(ids), "one under way for each resource"


@pytest.mark.parametrize(
    "temper", [hangs, drips, floods, resets, babbles, fails, answers(301)], ids=lambda temper: temper.__name__
)
async def test_a_bad_listener_delays_nobody_else_and_loses_nothing(
    room: Room, sink_of: OpenSink, temper: Temper
) -> None:
    bad, good, hub = await sink_of(temper), await sink_of(), await room.hub(timeout=2.5, backoff=(0.1,))
    await subscribe(hub, bad)
    await subscribe(hub, good)
    desk, slowest = room.desk(hub), 0.0
    for _ in range(20):
        began = time.monotonic()
        event_id = (await desk.open(a_ticket())).id
        await until(lambda: len(good.received) and good.received[-1].event["event"]["troubleTicket"]["id"] == event_id)  # noqa: B023
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 1.5, "well below the deadline of the other"
    assert len(good.received) == 20
    await until(lambda: bad.received)
    bad.temper = accepts
    await room.settled(delivered=40)


async def test_a_listener_that_was_away_gets_everything(room: Room, sink_of: OpenSink) -> None:
    gone = await Sink().start()
    await gone.stop()
    hub = await room.hub(backoff=(0.05,))
    await subscribe(hub, gone)
    ids = await change_names(room.desk(hub), tickets=3, times=3)
    await room.settled(pending=12)
    back = await sink_of(accepts, gone.port)
    await room.settled(delivered=12)
    assert len(back.received) == 12
    for id_ in ids:
        assert [one for one in back.event_ids if one in (await owed_by_resource(room))[id_]] == (
            await owed_by_resource(room)
        )[id_]


async def test_when_the_budget_is_over_a_delivery_is_dead_with_its_reason(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(fails), await room.hub(backoff=(0.05,), budget=0.6)
    await subscribe(hub, sink)
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await desk.patch(ticket.id, {"name": "second"}, MERGE)
    await room.settled(dead=2)
    first, second = await room.deliveries()
    assert (first.reason, first.last_status) == ("expired", 500)
    assert (second.reason, second.last_status) == ("expired", 500)
    assert first.ended_at <= second.ended_at
    assert first.attempts >= 2
    sink.temper = accepts
    await desk.patch(ticket.id, {"name": "third"}, MERGE)
    await room.settled(dead=2, delivered=1)


async def test_a_blocked_callback_parks_and_a_wider_allow_list_brings_it_at_the_next_start(
    room: Room, sink_of: OpenSink
) -> None:
    sink, hub = await sink_of(), await room.hub(allowed=(), pauses=Pauses(60.0))
    id_ = await subscribe(hub, sink)
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await room.health_of(id_, lambda health: health.blocked)
    await desk.patch(ticket.id, {"name": "second"}, MERGE)
    await desk.open(a_ticket())
    await until(lambda: not hub._drains)
    await room.settled(pending=3)
    assert sink.connections == 0
    first, second, third = await room.deliveries()
    assert (first.reason, first.attempts) == ("blocked", 1)
    assert "127.0.0.1 is not a public address" in first.last_error
    assert second.attempts == third.attempts == 0, "they are parked and were not even tried"
    await hub.close()
    again = await room.hub()
    await room.settled(delivered=3)
    assert sink.event_ids[0] == first.event_id
    await room.desk(again).patch(ticket.id, {"name": "third"}, MERGE)
    await room.settled(delivered=4)


async def test_what_is_owed_while_the_hub_is_closed_is_brought_at_the_next_start(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub(started=False)
    await subscribe(hub, sink)
    await change_names(room.desk(hub), tickets=30, times=19)
    await room.hub()
    await room.settled(delivered=600)
    assert len(sink.received) == len(set(sink.event_ids)) == 600
    owed = await owed_by_resource(room)
    for id_ in owed:
        assert [one for one in sink.event_ids if one in set(owed[id_])] == owed[id_]


async def test_closing_lets_a_post_under_way_end_and_writes_it_down(room: Room, sink_of: OpenSink) -> None:
    async def slow(received: Received, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.3)
        return await accepts(received, writer)

    sink, hub = await sink_of(slow), await room.hub()
    await subscribe(hub, sink)
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await desk.patch(ticket.id, {"name": "second"}, MERGE)
    await until(lambda: sink.open)
    await hub.close()
    await room.settled(delivered=1, pending=1)
    assert len(sink.received) == 1


async def test_closing_does_not_wait_for_a_listener_that_hangs(
    room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tmf_adapter.hub.hub.GRACE", 0.1)
    sink, hub = await sink_of(hangs), await room.hub(timeout=30.0)
    await subscribe(hub, sink)
    await room.desk(hub).open(a_ticket())
    await until(lambda: sink.open)
    began = time.monotonic()
    await hub.close()
    assert time.monotonic() - began < 2
    await until(lambda: not sink.open)
    await room.settled(pending=1)
    owner = await room.database.read(lambda tx: tx.execute(text("SELECT owner FROM subscription")).scalar())
    assert owner is None


async def test_a_query_is_followed_on_the_wire(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub()
    await subscribe(hub, sink, "eventType=TroubleTicketCreateEvent&event.troubleTicket.severity=Urgent")
    desk = room.desk(hub)
    await desk.open(a_ticket(severity="Low"))
    ticket = await desk.open(a_ticket())
    await desk.patch(ticket.id, {"name": "x"}, MERGE)
    await room.settled(delivered=1)
    assert [json.loads(one.body)["event"]["troubleTicket"]["id"] for one in sink.received] == [ticket.id]


async def test_one_that_registers_again_gets_what_comes_afterwards(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub()
    desk = room.desk(hub)
    for _ in range(3):
        id_ = await subscribe(hub, sink)
        await desk.open(a_ticket())
        await until(lambda: not hub._drains or sink.received)
        await room.settled(delivered=len(await room.deliveries()))
        await hub.subscriptions.remove(API, id_)
        await desk.open(a_ticket())
    await room.settled(delivered=3)
    assert len(sink.received) == 3
