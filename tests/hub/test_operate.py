"""What operators do to subscriptions and deliveries, and what they are told."""

import asyncio

import pytest
from sqlalchemy import text

from tests.hub.room import API, MERGE, OpenSink, Room, a_ticket, subscribe
from tests.hub.sinks import Sink, accepts, answers, fails, hangs, in_turn, until
from tmf_adapter.hub import Hub
from tmf_adapter.hub.breaker import Pauses
from tmf_adapter.hub.delivery import State
from tmf_adapter.hub.health import Standing
from tmf_adapter.hub.operate import Recover, Replayed
from tmf_adapter.hub.overview import Wanted
from tmf_adapter.tmf.errors import Conflict, NotFound

WHO = "ops"


async def owe(room: Room, hub: Hub, tickets: int = 1, changes: int = 0) -> list[str]:
    desk = room.desk(hub)
    ids = [(await desk.open(a_ticket())).id for _ in range(tickets)]
    for number in range(changes):
        for id_ in ids:
            await desk.patch(id_, {"name": f"n{number}"}, MERGE)
    return ids


async def test_what_happens_while_a_subscription_is_paused_is_kept_and_brought_when_it_is_resumed(
    room: Room, sink_of: OpenSink
) -> None:
    sink, hub = await sink_of(), await room.hub()
    id_ = await subscribe(hub, sink)
    await owe(room, hub)
    await room.settled(delivered=1)
    await hub.operate.pause(id_, WHO, "maintenance")
    await owe(room, hub, tickets=2, changes=1)
    await asyncio.sleep(0.6)
    assert await room.states() == {"delivered": 1, "pending": 4}
    assert (await room.health_of(id_, lambda health: True)).reason == "maintenance"
    await hub.operate.resume(id_, WHO)
    await room.settled(delivered=5)
    assert {row.attempts for row in await room.deliveries()} == {1}, "parked, no attempt was burned"
    with pytest.raises(Conflict):
        await hub.operate.resume(id_, WHO)


async def test_a_pause_lets_posts_under_way_end(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(hangs), await room.hub(timeout=0.6, backoff=(0.05,))
    id_ = await subscribe(hub, sink)
    await owe(room, hub, tickets=2)
    await until(lambda: sink.open == 2)
    await hub.operate.pause(id_, WHO)
    await until(lambda: not hub._drains)
    assert [row.attempts for row in await room.deliveries()] == [1, 1], "they ended and were written down"


async def test_a_pause_at_one_process_stops_the_drain_of_another(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub(lease=0.6)
    id_ = await subscribe(hub, sink)
    await owe(room, hub)
    await room.settled(delivered=1)
    elsewhere = await room.hub(started=False)
    await elsewhere.operate.pause(id_, WHO)
    await until(lambda: not hub._drains)
    await owe(room, hub)
    await asyncio.sleep(0.4)
    assert await room.states() == {"delivered": 1, "pending": 1}


@pytest.mark.parametrize(
    ("recover", "released", "dropped", "states"),
    [
        (Recover.ALL, 6, 0, {"delivered": 6}),
        (Recover.NEWEST, 2, 4, {"delivered": 2, "cancelled": 4}),
        (Recover.NONE, 0, 6, {"cancelled": 6}),
    ],
)
async def test_enabling_brings_all_or_the_newest_of_each_resource_or_nothing(
    room: Room, sink_of: OpenSink, recover: Recover, released: int, dropped: int, states: dict[str, int]
) -> None:
    sink, hub = await sink_of(), await room.hub()
    id_ = await subscribe(hub, sink)
    await hub.operate.disable(id_, WHO, "it was asked for")
    await owe(room, hub, tickets=2, changes=2)
    done = await hub.operate.enable(id_, WHO, recover)
    assert (done.released, done.dropped) == (released, dropped)
    await room.settled(**states)
    if recover is Recover.NEWEST:
        rows = await room.deliveries()
        newest = [max(row.id for row in rows if row.resource_id == each) for each in {row.resource_id for row in rows}]
        assert sorted(row.id for row in rows if row.state == "delivered") == sorted(newest)
        assert {row.reason for row in rows if row.state == "cancelled"} == {"superseded"}
    await owe(room, hub)
    await until(lambda: len(sink.received) == released + 1)
    with pytest.raises(Conflict):
        await hub.operate.enable(id_, WHO, recover)


async def test_a_probe_tries_the_oldest_delivery_alone_and_changes_nothing_else(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub()
    id_ = await subscribe(hub, sink)
    with pytest.raises(Conflict, match="Nothing is owed"):
        await hub.operate.probe(id_, WHO)
    await hub.operate.pause(id_, WHO)
    await owe(room, hub, tickets=3)
    oldest = await hub.operate.probe(id_, WHO)
    await room.settled(delivered=1, pending=2)
    await asyncio.sleep(0.5)
    first = (await room.deliveries())[0]
    assert (first.id, first.state) == (oldest, "delivered")
    assert sink.event_ids == [first.event_id]
    assert (await room.health_of(id_, lambda health: health.probe_at is None)).standing is Standing.PAUSED


async def test_a_probe_does_not_wait_for_the_breaker(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(fails), await room.hub(pauses=Pauses(3600.0), backoff=(3600.0,))
    id_ = await subscribe(hub, sink)
    await owe(room, hub, tickets=8)
    await room.health_of(id_, lambda health: health.breaker.is_probing)
    sink.temper = accepts
    await hub.operate.probe(id_, WHO)
    await until(lambda: len({row for row in sink.event_ids}) == 8)
    assert not (await room.health_of(id_, lambda health: not health.breaker.is_probing)).is_probing


async def test_a_replay_sends_again_under_the_same_id_as_often_as_it_is_asked_for(
    room: Room, sink_of: OpenSink
) -> None:
    sink, hub = await sink_of(), await room.hub()
    id_ = await subscribe(hub, sink)
    await owe(room, hub, tickets=3)
    await room.settled(delivered=3)
    wanted = Wanted(subscription_id=id_)
    assert await hub.operate.replay(wanted, WHO, dry_run=True) == Replayed(3, 0)
    await asyncio.sleep(0.1)
    assert len(sink.received) == 3, "a dry run sends nothing"
    for time_ in (1, 2):
        assert await hub.operate.replay(wanted, WHO) == Replayed(3, 3)
        await until(lambda: len(sink.received) == 3 * (time_ + 1))  # noqa: B023
        await room.settled(delivered=3)
    rows = await room.deliveries()
    assert [row.replay_no for row in rows] == [2, 2, 2]
    assert {id_: sink.event_ids.count(id_) for id_ in sink.event_ids} == {row.event_id: 3 for row in rows}
    assert len({(one.event_id, one.body) for one in sink.received}) == 3
    logged = await room.database.read(lambda tx: tx.execute(text("SELECT status FROM attempt")).scalars().all())
    assert logged == [204] * 6, "the attempts before are on record"


async def test_a_replay_brings_what_was_given_up_and_takes_only_what_fits(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(answers(404)), await room.hub(insistence=(0.02,))
    id_ = await subscribe(hub, sink)
    ids = await owe(room, hub, tickets=2)
    await room.settled(dead=2)
    sink.temper = accepts
    assert await hub.operate.replay(Wanted(states=(State.DELIVERED,)), WHO) == Replayed(0, 0)
    assert await hub.operate.replay(Wanted(resource_id=ids[0], reason="rejected"), WHO) == Replayed(1, 1)
    await room.settled(dead=1, delivered=1)
    assert await hub.operate.replay(Wanted(subscription_id=id_, states=(State.DEAD,)), WHO) == Replayed(1, 1)
    await room.settled(delivered=2)


async def test_what_is_replayed_holds_nothing_that_happens_meanwhile(
    room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, hub = await sink_of(), await room.hub()
    await subscribe(hub, sink)
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await room.settled(delivered=1)
    monkeypatch.setattr("tmf_adapter.hub.operate.RATE", 1 / 3600)
    await hub.operate.replay(Wanted(resource_id=ticket.id), WHO)
    await desk.patch(ticket.id, {"name": "meanwhile"}, MERGE)
    await room.settled(delivered=1, pending=1)
    assert len(sink.received) == 2


async def test_what_operators_do_is_on_record(room: Room) -> None:
    hub = await room.hub(started=False)
    id_ = await subscribe(hub, Sink(port=1))
    await hub.operate.pause(id_, WHO, "why")
    await hub.operate.resume(id_, WHO)
    rows = await room.database.read(
        lambda tx: tx.execute(text('SELECT who, action, target, "before", "after" FROM audit ORDER BY id')).all()
    )
    assert [(row.who, row.action, row.target) for row in rows] == [
        (WHO, "pause", f"subscription/{id_}"),
        (WHO, "resume", f"subscription/{id_}"),
    ]
    assert rows[0].after == '{"state":"paused","reason":"why"}'


async def test_nobody_operates_on_what_is_not_there(room: Room) -> None:
    hub = await room.hub(started=False)
    for doing in (
        hub.operate.pause("nobody", WHO),
        hub.operate.resume("nobody", WHO),
        hub.operate.disable("nobody", WHO),
        hub.operate.enable("nobody", WHO, Recover.ALL),
        hub.operate.probe("nobody", WHO),
        hub.operate.explain(4711),
    ):
        with pytest.raises(NotFound):
            await doing


async def test_why_a_delivery_has_not_arrived(room: Room, sink_of: OpenSink) -> None:
    async def why(number: int) -> list[str]:
        ids = [row.id for row in await room.deliveries()]
        return [cause.cause for cause in await hub.operate.explain(ids[number])]

    sink, hub = await sink_of(in_turn(accepts, fails)), await room.hub(backoff=(3600.0,), pauses=Pauses(3600.0))
    id_ = await subscribe(hub, sink)
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await room.settled(delivered=1)
    assert await why(0) == ["delivered"]
    for number in range(2):
        await desk.patch(ticket.id, {"name": f"n{number}"}, MERGE)
    async with asyncio.timeout(60):
        while not all(row.next_at for row in (await room.deliveries())[1:]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await why(1) == ["backoff", "budget"]
    assert await why(2) == ["behind"]
    await owe(room, hub, tickets=4)
    await room.health_of(id_, lambda health: health.breaker.is_probing)
    await owe(room, hub)
    assert (await why(7))[0] == "breaker"
    await hub.operate.pause(id_, WHO)
    assert (await why(7))[0] == "paused"
    await hub.subscriptions.remove(API, id_)
    assert await why(7) == ["cancelled"]
