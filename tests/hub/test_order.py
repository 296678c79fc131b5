"""What has to wait for what, as the terms of a subscription say."""

import asyncio

from tests.hub.room import MERGE, OpenSink, Room, a_ticket, agree, subscribe
from tests.hub.sinks import Received, Temper, accepts, fails, hangs, until
from tmf_adapter.hub.delivery import Due
from tmf_adapter.hub.lanes import Lanes
from tmf_adapter.hub.terms import Order, Terms


def fails_first(times: int) -> Temper:
    """The first event is refused so many times, whatever else comes."""
    first: list[str] = []
    left = [times]

    async def temper(received: Received, writer: asyncio.StreamWriter) -> bool:
        first[:] = first or [received.event_id]
        if received.event_id == first[0] and left[0]:
            left[0] -= 1
            return await fails(received, writer)
        return await accepts(received, writer)

    return temper


async def test_in_the_order_of_the_subscription_everything_waits_for_what_failed(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(fails_first(3)), await room.hub(started=False, backoff=(0.1,))
    await agree(room, await subscribe(hub, sink), Terms(order=Order.SUBSCRIPTION))
    desk = room.desk(hub)
    for _ in range(6):
        await desk.open(a_ticket())
    await hub.start()
    room.stack.push_async_callback(hub.close)
    for _ in range(6):
        await desk.open(a_ticket())
    await room.settled(delivered=12)
    owed = [row.event_id for row in await room.deliveries()]
    assert sink.event_ids == [owed[0]] * 3 + owed
    assert sink.most_open == 1


async def test_with_no_order_what_is_about_one_resource_goes_side_by_side(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(hangs), await room.hub(started=False)
    await agree(room, await subscribe(hub, sink), Terms(order=Order.NONE))
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    for number in range(3):
        await desk.patch(ticket.id, {"name": f"n{number}"}, MERGE)
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await until(lambda: sink.open == 4)


async def test_one_that_failed_holds_what_follows_for_a_limited_time_and_says_that_it_is_late(
    room: Room, sink_of: OpenSink
) -> None:
    sink, hub = await sink_of(fails_first(1)), await room.hub(started=False, backoff=(2.5,))
    await agree(room, await subscribe(hub, sink), Terms(hold=0.6))
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    for number in range(3):
        await desk.patch(ticket.id, {"name": f"n{number}"}, MERGE)
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await until(lambda: len(sink.received) == 4)
    await desk.patch(ticket.id, {"name": "after the hold"}, MERGE)
    await room.settled(delivered=5)
    owed = [row.event_id for row in await room.deliveries()]
    assert sink.event_ids == [owed[0], *owed[1:], owed[0]], "the rest kept its own order, and the late one came last"
    assert sink.received[1].at - sink.received[0].at >= 0.55
    assert [one.headers.get("tmf-late") for one in sink.received] == [None] * 5 + ["true"]


async def test_a_callback_may_have_the_path_of_the_event_appended(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub(started=False)
    await agree(room, await subscribe(hub, sink, path="/?key=1"), Terms(append_listener=True))
    await room.desk(hub).open(a_ticket())
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await room.settled(delivered=1)
    assert sink.received[0].line == "POST /listener/listener/troubleTicketCreateEvent?key=1 HTTP/1.1"


async def test_an_attempt_may_have_its_own_deadline(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(hangs), await room.hub(started=False, timeout=60.0, backoff=(60.0,))
    await agree(room, await subscribe(hub, sink), Terms(timeout=0.3))
    await room.desk(hub).open(a_ticket())
    await hub.start()
    room.stack.push_async_callback(hub.close)
    async with asyncio.timeout(60):
        while not (row := (await room.deliveries())[0]).attempts:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert row.last_error == "no answer within 0.3 s"


def due(number: int, resource: str) -> Due:
    return Due(number, f"e{number}", resource, 0, 0.0, "{}")


def test_of_each_lane_one_is_under_way_and_the_rest_follow_in_turn() -> None:
    lanes = Lanes(Order.RESOURCE)
    for number, resource in enumerate("aabba"):
        lanes.add(due(number, resource))
    first, second = lanes.next(), lanes.next()
    assert first
    assert second
    assert (first.id, second.id) == (0, 2)
    assert lanes.next() is None
    lanes.done(first)
    third = lanes.next()
    assert third
    assert third.id == 1
    assert [each.id for each in lanes.behind(third)] == [4]
    lanes.done(third)
    lanes.done(second)
    last = lanes.next()
    assert last
    assert last.id == 3
    lanes.done(last)
    assert not lanes
