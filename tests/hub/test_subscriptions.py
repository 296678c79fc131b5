"""Registering, finding, removing; and that no change is written against subscriptions that are no longer so."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import event as sql_event

from tests.hub.room import API, MERGE, OpenSink, Room, a_change, a_ticket, subscribe
from tests.hub.sinks import Sink, hangs, until
from tmf_adapter.storage.ledger import Outdated
from tmf_adapter.tmf.errors import Conflict, Invalid, NotFound
from tmf_adapter.tmf.events import Change

CALLBACK = "https://listener.test/tmf"


async def test_a_registration_is_answered_as_a_hub_resource(room: Room) -> None:
    hub = await room.hub(public_url="https://adapter.test/base/", started=False)
    body = {"@type": "Hub", "callback": CALLBACK, "query": "eventType=TroubleTicketCreateEvent", "x-owner": {"a": 1}}
    document = await hub.subscriptions.register(API, {**body, "id": "mine", "href": "mine"})
    id_ = document["id"]
    assert len(id_) == 36
    assert document == {
        **body,
        "id": id_,
        "href": f"https://adapter.test/base/tmf-api/troubleTicket/v5/hub/{id_}",
    }
    assert await hub.subscriptions.find(API, id_) == document


async def test_the_problem_api_has_its_own_address_and_type_is_supplied(room: Room) -> None:
    hub = await room.hub(started=False)
    document = await hub.subscriptions.register("tmf656-v5", {"callback": CALLBACK})
    assert document["href"].startswith("http://adapter.test/tmf-api/serviceProblemManagement/v5/hub/")
    assert document["@type"] == "Hub"
    assert "query" not in document
    for other in (hub.subscriptions.find, hub.subscriptions.remove):
        with pytest.raises(NotFound):
            await other(API, document["id"])
    await hub.subscriptions.remove("tmf656-v5", document["id"])
    with pytest.raises(NotFound):
        await hub.subscriptions.find("tmf656-v5", document["id"])
    with pytest.raises(NotFound):
        await hub.subscriptions.remove("tmf656-v5", document["id"])


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "callback",
    [
        None,
        7,
        "",
        "listener",
        "/listener",
        "//host/path",
        "ftp://host/x",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://:80/",
        "http://host:0/",
        "http://host:99999/",
        "http://host:port/",
        "http://[::1/",
        "http://host/a b",
        "http://host/\r\nX-Injected: yes",
        "http://ho\tst/",
        " http://host/",
    ],
)
async def test_a_callback_must_be_an_absolute_url(room: Room, callback: object) -> None:
    hub = await room.hub(started=False)
    with pytest.raises(Invalid) as refused:
        await hub.subscriptions.register(API, {"callback": callback})
    assert refused.value.faults[0].pointer == "/callback"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("query", [7, [], "severity=x"])
async def test_a_query_is_judged_at_registration(room: Room, query: object) -> None:
    hub = await room.hub(started=False)
    with pytest.raises(Invalid) as refused:
        await hub.subscriptions.register(API, {"callback": CALLBACK, "query": query})
    assert refused.value.faults[0].pointer == "/query"


async def test_only_an_identical_registration_is_a_conflict(room: Room) -> None:
    hub = await room.hub(started=False)
    first = await hub.subscriptions.register(API, {"callback": CALLBACK})
    await hub.subscriptions.register(API, {"callback": CALLBACK, "query": "eventType=TroubleTicketCreateEvent"})
    await hub.subscriptions.register("tmf656-v5", {"callback": CALLBACK})
    for query in (None, ""):
        with pytest.raises(Conflict) as refused:
            await hub.subscriptions.register(API, {"callback": CALLBACK, "query": query})
        assert first["id"] in str(refused.value.message)
    await hub.subscriptions.remove(API, first["id"])
    await hub.subscriptions.register(API, {"callback": CALLBACK})


async def test_of_identical_registrations_at_the_same_time_one_wins(room: Room) -> None:
    hub = await room.hub(started=False)
    answers = await asyncio.gather(
        *(hub.subscriptions.register(API, {"callback": CALLBACK}) for _ in range(8)), return_exceptions=True
    )
    assert sorted(isinstance(answer, Conflict) for answer in answers) == [False, *[True] * 7]


async def test_registering_sends_nothing_to_the_callback(room: Room, sink_of: OpenSink) -> None:
    sink = await sink_of()
    hub = await room.hub()
    await subscribe(hub, sink)
    await asyncio.sleep(0.3)
    assert sink.connections == 0


async def test_a_change_owes_one_delivery_for_each_event_and_listener_that_wants_it(room: Room) -> None:
    hub = await room.hub(started=False)
    everything = await subscribe(hub, Sink(port=1), path="/all")
    resolved = await subscribe(hub, Sink(port=1), "eventType=TroubleTicketResolvedEvent")
    await hub.subscriptions.register("tmf656-v5", {"callback": CALLBACK})
    desk = room.desk(hub)
    ticket = await desk.open(a_ticket())
    await desk.patch(ticket.id, {"status": "inProgress"}, MERGE)
    await desk.patch(ticket.id, {"status": "resolved", "severity": "Low"}, MERGE)
    rows = await room.deliveries()
    assert [row.subscription_id for row in rows] == [
        everything,
        everything,
        everything,
        everything,
        resolved,
        everything,
    ]
    assert {(row.resource_id, row.state, row.attempts) for row in rows} == {(ticket.id, "pending", 0)}


async def test_a_duty_worked_out_from_an_old_copy_is_outdated(room: Room) -> None:
    """A registration or removal that commits between working a duty out and writing it."""
    hub = await room.hub(started=False)
    change = a_change()
    duty = await hub.owe(change)
    assert duty
    id_ = await subscribe(hub, Sink(port=1))
    with pytest.raises(Outdated):
        await room.database.write(duty.write)
    duty = await hub.owe(change)
    assert duty
    await room.database.write(duty.write)
    assert await room.states() == {"pending": 1}
    duty = await hub.owe(change)
    assert duty
    await hub.subscriptions.remove(API, id_)
    with pytest.raises(Outdated):
        await room.database.write(duty.write)
    assert await room.states() == {"cancelled": 1}


async def test_the_ledger_works_it_out_again(room: Room) -> None:
    """A ticket opened while listeners come and go: each that was there before and after is told."""
    hub = await room.hub(started=False)
    desk = room.desk(hub)
    await desk.open(a_ticket())
    late: list[str] = []

    async def owe_late(change: Change) -> object:
        duty = await hub.owe(change)
        if not late:
            late.append(await subscribe(hub, Sink(port=1)))
        return duty

    object.__setattr__(desk.ledger, "consequences", [owe_late])
    await desk.open(a_ticket())
    assert [row.subscription_id for row in await room.deliveries()] == late


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_another_process_is_noticed(room: Room) -> None:
    ours, theirs = await room.hub(started=False), await room.hub(started=False)
    desk = room.desk(ours)
    await desk.open(a_ticket())
    id_ = await subscribe(theirs, Sink(port=1))
    await desk.open(a_ticket())
    await theirs.subscriptions.remove(API, id_)
    await desk.open(a_ticket())
    assert [(row.subscription_id, row.state) for row in await room.deliveries()] == [(id_, "cancelled")]


async def test_a_change_that_is_rolled_back_changes_nothing(room: Room) -> None:
    """The writer saw a revision that was never committed; the next duty finds the truth."""
    hub = await room.hub(started=False)
    desk = room.desk(hub)
    await subscribe(hub, Sink(port=1))
    await desk.open(a_ticket())
    with pytest.MonkeyPatch.context() as patch:
        saw = hub.subscriptions._saw

        def fail(revision: int) -> None:
            saw(revision)
            raise RuntimeError("disk full")

        patch.setattr(hub.subscriptions, "_saw", fail)
        with pytest.raises(RuntimeError):
            await subscribe(hub, Sink(port=1), path="/other")
    await desk.open(a_ticket())
    assert await room.states() == {"pending": 2}


async def test_without_listeners_a_change_costs_sqlite_no_statement_and_postgresql_one(
    room: Room, database_kind: str
) -> None:
    hub = await room.hub(started=False)
    change = a_change()
    for _ in range(2):
        duty = await hub.owe(change)
        assert duty
        await room.database.write(duty.write)
    statements: list[str] = []
    sql_event.listen(room.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    duty = await hub.owe(change)
    assert duty
    await room.database.write(duty.write)
    statements = [statement for statement in statements if not statement.startswith("BEGIN")]
    assert len(statements) == (0 if database_kind == "sqlite" else 1)


async def test_removal_cancels_what_is_owed_and_breaks_off_what_is_under_way(room: Room, sink_of: OpenSink) -> None:
    hub = await room.hub(timeout=30.0)
    sink, other = await sink_of(hangs), await sink_of()
    id_ = await subscribe(hub, sink)
    await subscribe(hub, other)
    desk = room.desk(hub)
    for _ in range(3):
        await desk.open(a_ticket())
    await until(lambda: sink.open == 3)
    await hub.subscriptions.remove(API, id_)
    await until(lambda: sink.open == 0, seconds=1)
    await room.settled(cancelled=3, delivered=3)
    await desk.open(a_ticket())
    await room.settled(cancelled=3, delivered=4)
    assert len(sink.received) == 3


async def test_a_delivery_whose_subscription_vanished_is_cancelled(room: Room) -> None:
    hub = await room.hub(started=False)
    id_ = await subscribe(hub, Sink(port=1))
    duty = await hub.owe(a_change())
    assert duty
    await hub.subscriptions.remove(API, id_)
    await room.database.write(replace(duty, confirm=lambda tx: None).write)
    await hub.start()
    room.stack.push_async_callback(hub.close)
    await room.settled(cancelled=1)
