"""One drain for each subscription at a time, across all processes; another takes over when one dies."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import text

from tests.hub.room import API, MERGE, OpenSink, Room, a_ticket, subscribe
from tests.hub.sinks import Received, accepts, hangs, in_turn, until
from tmf_adapter.hub import Hub, drain
from tmf_adapter.hub.health import Health
from tmf_adapter.hub.store import Store
from tmf_adapter.hub.terms import Terms
from tmf_adapter.tmf.errors import Overloaded

WELL = Health()
POSTGRESQL = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


async def lease_of(room: Room) -> tuple[str | None, float]:
    row = await room.database.read(lambda tx: tx.execute(text("SELECT owner, lease_until FROM subscription")).one())
    return row.owner, row.lease_until


async def give_lease_to(room: Room, owner: str, seconds: float) -> None:
    values = {"owner": owner, "until": time.time() + seconds}
    await room.database.write(
        lambda tx: tx.execute(text("UPDATE subscription SET owner = :owner, lease_until = :until"), values)
    )


async def test_the_lease_goes_by_the_clock_of_the_database(room: Room) -> None:
    hub = await room.hub(started=False)
    id_ = str((await hub.subscriptions.register(API, {"callback": "http://a.test"}))["id"])
    one, other = Store(room.database, "one", 0.3), Store(room.database, "other", 0.3)
    claimed = await one.claim(id_)
    assert claimed
    assert claimed.listener.callback == "http://a.test"
    owner, until_ = await lease_of(room)
    assert owner == "one"
    assert abs(until_ - time.time() - 0.3) < 0.2
    assert await other.claim(id_) is None
    assert await one.claim(id_), "by the same owner, again"
    assert await one.renew([id_]) == {id_: ("enabled", Terms())}
    assert await other.renew([id_]) == {}
    await asyncio.sleep(0.35)
    assert await other.claim(id_)
    assert await one.renew([id_]) == {}
    await one.release(id_, WELL, WELL)
    assert (await lease_of(room))[0] == "other"
    await other.release(id_, WELL, WELL)
    assert await lease_of(room) == (None, 0.0)
    assert await other.claim("no-such-id") is None


@POSTGRESQL
async def test_when_its_owner_died_another_takes_over_once_the_lease_is_over(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub(lease=0.6)
    await subscribe(hub, sink)
    await give_lease_to(room, "a process that died", 0.6)
    began = time.monotonic()
    await room.desk(hub).open(a_ticket())
    await room.settled(delivered=1)
    assert 0.5 < sink.received[0].at - began < 5


@SQLITE
async def test_on_sqlite_the_lease_of_the_process_before_is_void_at_the_start(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(), await room.hub(started=False)
    await subscribe(hub, sink)
    await room.desk(hub).open(a_ticket())
    await give_lease_to(room, "a process that died", 3600)
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await room.settled(seconds=2, delivered=1)


async def test_a_lease_is_renewed_as_long_as_there_is_work(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(hangs), await room.hub(lease=1.5, timeout=30.0)
    await subscribe(hub, sink)
    await room.desk(hub).open(a_ticket())
    await until(lambda: sink.open)
    owner, before = await lease_of(room)
    await asyncio.sleep(2.2)
    assert sink.open == 1, "the same POST is still under way"
    assert len(sink.received) == 1
    now_owner, after = await lease_of(room)
    assert now_owner == owner
    assert after > before + 1


async def test_an_idle_drain_gives_its_lease_back(
    room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "LINGER", 0.1)
    monkeypatch.setattr(drain, "POLL", 0.03)
    sink, hub = await sink_of(), await room.hub()
    await subscribe(hub, sink)
    for number in range(3):
        await room.desk(hub).open(a_ticket())
        await room.settled(delivered=number + 1)
        await until(lambda: not hub._drains)
        assert await lease_of(room) == (None, 0.0)


async def test_what_is_owed_just_as_the_lease_is_given_back_does_not_wait_for_the_sweep(
    room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "LINGER", 0.05)
    monkeypatch.setattr(drain, "POLL", 0.02)
    monkeypatch.setattr("tmf_adapter.hub.hub.SWEEP", 3600)
    sink, hub = await sink_of(), await room.hub()
    await subscribe(hub, sink)
    desk, release = room.desk(hub), hub._store.release

    async def late(id: str, was: Health, health: Health) -> None:
        await release(id, was, health)
        if len(sink.received) == 1:
            await desk.open(a_ticket())

    monkeypatch.setattr(hub._store, "release", late)
    await desk.open(a_ticket())
    await room.settled(delivered=2)


@POSTGRESQL
async def test_two_hubs_never_post_to_one_listener_about_one_resource_at_the_same_time(
    room: Room, sink_of: OpenSink
) -> None:
    async def slow(received: Received, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(0.01)
        return await accepts(received, writer)

    sink = await sink_of(slow)
    one, other = await room.hub(lease=1.0), await room.hub(lease=1.0)
    await subscribe(one, sink)
    desks = [room.desk(one), room.desk(other)]
    ticket = await desks[0].open(a_ticket())
    for number in range(40):
        await desks[number % 2].patch(ticket.id, {"name": f"n{number}"}, MERGE)
    await room.settled(delivered=41)
    assert sink.most_open == 1
    assert sink.event_ids == [row.event_id for row in await room.deliveries()], "in order, and each of them once"


@POSTGRESQL
async def test_what_another_process_owes_is_found_by_whoever_has_the_lease(room: Room, sink_of: OpenSink) -> None:
    sink = await sink_of()
    one, other = await room.hub(), await room.hub()
    await subscribe(one, sink)
    await room.desk(one).open(a_ticket())
    await room.settled(delivered=1)
    began = time.monotonic()
    await room.desk(other).open(a_ticket())
    await until(lambda: len(sink.received) == 2)
    assert time.monotonic() - began < 1.5


async def test_one_that_lost_its_lease_breaks_off_and_writes_nothing(room: Room, sink_of: OpenSink) -> None:
    sink, hub = await sink_of(hangs), await room.hub(lease=0.45, timeout=30.0)
    await subscribe(hub, sink)
    await room.desk(hub).open(a_ticket())
    await until(lambda: sink.open)
    await give_lease_to(room, "another", 60)
    await until(lambda: not sink.open)
    await until(lambda: not hub._drains)
    (row,) = await room.deliveries()
    assert (row.state, row.attempts) == ("pending", 0)
    assert (await lease_of(room))[0] == "another"


async def test_an_acknowledgement_is_fenced(room: Room, sink_of: OpenSink) -> None:
    """The lease went to another while the POST was under way: what came of it is not ours to write."""
    sink, hub = await sink_of(hangs), await room.hub(timeout=0.5)
    await subscribe(hub, sink)
    await room.desk(hub).open(a_ticket())
    await until(lambda: sink.open)
    await give_lease_to(room, "another", 60)
    await until(lambda: not hub._drains, seconds=2)
    (row,) = await room.deliveries()
    assert (row.state, row.attempts, row.last_error) == ("pending", 0, None)
    assert len(sink.received) == 1, "and it is not ours to post again"


async def test_no_post_goes_on_after_a_lease_that_could_not_be_renewed(
    room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, hub = await sink_of(hangs), await room.hub(lease=0.6, timeout=30.0)
    await subscribe(hub, sink)
    began = time.monotonic()
    await room.desk(hub).open(a_ticket())
    await until(lambda: sink.open)

    async def away(*_: object) -> set[str]:
        raise Overloaded("The database cannot be reached.")

    monkeypatch.setattr(hub._store, "renew", away)
    await until(lambda: not sink.open)
    assert time.monotonic() - began < 2.0


async def test_no_post_goes_on_after_its_lease_even_when_the_database_never_answers(
    room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, hub = await sink_of(in_turn(accepts, hangs)), await room.hub(lease=1.5, timeout=30.0)

    async def silent(*_: object) -> bool:
        await asyncio.Event().wait()
        return False

    monkeypatch.setattr(hub._entries, "write", silent)
    monkeypatch.setattr(hub._store, "renew", silent)
    await subscribe(hub, sink)
    await asyncio.gather(room.desk(hub).open(a_ticket()), room.desk(hub).open(a_ticket()))
    await until(lambda: len(sink.received) == 2)
    await until(lambda: sink.open == 1)
    await until(lambda: not sink.open, seconds=5)
    monkeypatch.setattr("tmf_adapter.hub.hub.GRACE", 0.05)
    await hub.close()


async def test_when_the_database_is_away_what_was_posted_is_written_down_later(
    room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, hub = await sink_of(), await room.hub()
    await subscribe(hub, sink)
    enter, failed = hub._store.enter, list[int]()

    def away_twice(*args: Any) -> set[str]:
        if len(failed) < 2:
            failed.append(1)
            raise Overloaded("The database cannot be reached.")
        return enter(*args)

    monkeypatch.setattr(hub._store, "enter", away_twice)
    await room.desk(hub).open(a_ticket())
    await room.settled(delivered=1)
    assert len(failed) == 2
    assert len(sink.received) == 1, "and not posted again"


async def test_a_sweep_that_fails_goes_on(room: Room, sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch) -> None:
    sink, hub = await sink_of(), await room.hub(started=False)
    await subscribe(hub, sink)
    await room.desk(hub).open(a_ticket())
    ready, calls = hub._store.ready, list[int]()

    async def once_away() -> list[str]:
        calls.append(1)
        if len(calls) == 1:
            raise Overloaded("The database cannot be reached.")
        return await ready()

    monkeypatch.setattr(hub._store, "ready", once_away)
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await room.settled(delivered=1)


async def test_a_thousand_idle_subscriptions_have_no_drain(room: Room, sink_of: OpenSink) -> None:
    hub: Hub = await room.hub()
    for number in range(0, 1000, 50):
        bodies = [{"callback": f"http://a.test/{number + more}"} for more in range(50)]
        await asyncio.gather(*(hub.subscriptions.register(API, body) for body in bodies))
    await asyncio.sleep(0.3)
    assert hub._drains == {}
    began = time.process_time()
    for _ in range(10):
        assert await hub._store.ready() == []
    assert (time.process_time() - began) / 10 < 0.02
