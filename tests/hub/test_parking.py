"""A listener that does not answer, refuses or asks for peace: parked, probed, brought; nothing lost, nothing wasted."""

import asyncio
import time

import pytest
from sqlalchemy import text

from tests.hub.room import API, MERGE, OpenSink, Room, a_ticket, subscribe
from tests.hub.sinks import Received, accepts, answers, fails, in_turn, until
from tmf_adapter.hub.breaker import IN_A_ROW, Pauses
from tmf_adapter.hub.health import Health, Standing
from tmf_adapter.hub.pressure import FIRST


async def open_tickets(room: Room, hub: object, count: int) -> list[str]:
    desk = room.desk(hub)  # type: ignore[arg-type]
    return [(await desk.open(a_ticket())).id for _ in range(count)]


async def test_an_open_breaker_parks_what_is_owed_and_burns_no_attempt(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(fails), await room.hub(backoff=(0.05,), pauses=Pauses(3600.0))
    id_ = await subscribe(hub, sink)
    await open_tickets(room, hub, 20)
    health = await room.health_of(id_, lambda health: health.breaker.is_probing)
    assert health.attend_at > time.time() + 250
    await until(lambda: not hub._drains)
    posted = len(sink.received)
    assert posted < IN_A_ROW + FIRST, "only what was under way when it opened came after the fifth failure"
    await open_tickets(room, hub, 5)
    await asyncio.sleep(0.6)
    assert len(sink.received) == posted
    rows = await room.deliveries()
    assert sum(row.attempts for row in rows) == posted
    assert {row.state for row in rows} == {"pending"}
    assert await hub._store.ready() == [], "and what is parked costs nothing but the sweep"


async def test_an_outage_costs_one_post_a_pause_and_the_oldest_comes_first_when_it_is_over(
    room: Room, sink_of: OpenSink
) -> None:
    sink, hub = await sink_of(fails), await room.hub(backoff=(3600.0,), pauses=Pauses(0.3, 0.3))
    id_ = await subscribe(hub, sink)
    await open_tickets(room, hub, 12)
    await room.health_of(id_, lambda health: health.breaker.opened >= 3)
    first = (await room.deliveries())[0].event_id
    probes = sink.event_ids[-2:]
    assert probes == [first, first], "each probe is the oldest real delivery"
    assert sink.most_open <= FIRST
    before = len(sink.received)
    sink.temper = accepts
    await room.settled(delivered=12)  # those too that were due in an hour
    assert sink.event_ids[before] == first
    assert (await room.health_of(id_, lambda health: not health.breaker.is_probing)).failed == 0


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_holds_for_everything_that_is_owed_to_the_subscriber(
    room: Room, sink_of: OpenSink, status: int
) -> None:
    sink, hub = await sink_of(in_turn(answers(status, headers="Retry-After: 1\r\n"), accepts)), await room.hub()
    await subscribe(hub, sink)
    await open_tickets(room, hub, 1)
    await until(lambda: sink.received)
    await open_tickets(room, hub, 3)
    await room.settled(delivered=4)
    assert sink.received[1].at - sink.received[0].at >= 1.0, "never earlier than it asked for"
    assert max(row.attempts for row in await room.deliveries()) == 2


async def test_a_notification_that_is_refused_is_dead_with_its_reason_after_three_repetitions(
    room: Room, sink_of: OpenSink
) -> None:
    refused: list[str] = []

    async def picky(received: Received, writer: asyncio.StreamWriter) -> bool:
        refused[:] = refused or [received.event_id]
        return await (answers(422, b"no such severity") if received.event_id in refused else accepts)(received, writer)

    sink, hub = await sink_of(picky), await room.hub(insistence=(0.02, 0.02, 0.02))
    await subscribe(hub, sink)
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await desk.patch(ticket.id, {"name": "second"}, MERGE)
    await room.settled(dead=1, delivered=1)
    dead, after = await room.deliveries()
    assert (dead.reason, dead.attempts, dead.last_error) == ("rejected", 4, "answered 422: no such severity")
    assert after.state == "delivered", "what comes after it is not held any longer"
    attempts = await room.database.read(lambda tx: tx.execute(text("SELECT * FROM attempt ORDER BY id")).all())
    assert [(row.delivery_id, row.status, row.answer) for row in attempts] == [(dead.id, 422, "no such severity")] * 4
    assert all(row.latency_ms > 0 and abs(row.at - time.time()) < 60 for row in attempts)


async def test_one_that_answers_410_is_gone_and_keeps_what_it_is_owed(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(answers(410)), await room.hub()
    id_ = await subscribe(hub, sink)
    await open_tickets(room, hub, 1)
    assert (await room.health_of(id_, lambda health: health.standing is Standing.GONE)).reason
    await open_tickets(room, hub, 2)
    await asyncio.sleep(0.5)
    assert len(sink.received) == 1
    assert await room.states() == {"pending": 3}
    await hub.subscriptions.remove(API, id_)
    assert await room.states() == {"cancelled": 3}


async def test_a_disabled_subscriber_is_back_with_the_first_probe_that_arrives(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub(started=False)
    id_ = await subscribe(hub, sink)
    await open_tickets(room, hub, 5)
    disabled = Health(Standing.DISABLED, probe_at=time.time() + 0.3, failed=20)
    stands = {"id": id_, "state": disabled.standing, "at": disabled.attend_at, "health": disabled.written()}
    statement = text("UPDATE subscription SET state = :state, attend_at = :at, health = :health WHERE id = :id")
    await room.database.write(lambda tx: tx.execute(statement, stands))
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await room.settled(delivered=5)
    assert (await room.health_of(id_, lambda health: True)).standing is Standing.ENABLED


async def test_a_success_says_how_long_it_took(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(answers(200, b"thanks")), await room.hub()
    await subscribe(hub, sink)
    await open_tickets(room, hub, 1)
    await room.settled(delivered=1)
    (row,) = await room.deliveries()
    assert row.latency_ms > 0
    assert row.first_at >= row.created_at
    attempts = await room.database.read(lambda tx: tx.execute(text("SELECT status, answer FROM attempt")).all())
    assert [tuple(each) for each in attempts] == [(200, "thanks")]
