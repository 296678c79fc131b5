"""What has ended long ago is deleted; what nobody will take is given up with its reason."""

import logging
import time
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import text

from tests.hub.room import OpenSink, Room, a_ticket, subscribe
from tests.hub.sinks import Sink
from tmf_adapter.hub import tidy
from tmf_adapter.hub.health import DAY, Health, Standing
from tmf_adapter.hub.tidy import Retention, Tidy
from tmf_adapter.storage.tables import attempt, delivery, event, fanout

NOW = time.time()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidy, "BATCH", 3)


async def put(room: Room, *rows: tuple[str, float, float | None]) -> None:
    """Deliveries: state, owed so many days ago, ended so many days ago."""
    values: list[dict[str, Any]] = [
        {
            **{"subscription_id": "s", "event_id": f"e{number}", "resource_id": f"r{number}", "state": state},
            **{
                "next_at": 0.0,
                "created_at": NOW - owed * DAY,
                "ended_at": None if ended is None else NOW - ended * DAY,
            },
        }
        for number, (state, owed, ended) in enumerate(rows)
    ]
    await room.database.write(lambda tx: tx.execute(sa.insert(delivery), values))


async def test_what_ended_is_kept_for_as_long_as_somebody_may_ask_for_it(room: Room) -> None:
    await put(
        room,
        ("pending", 90, None),
        ("dead", 60, 31),
        ("dead", 60, 29),
        ("delivered", 50, 6),  # it was delivered, or replayed, of late
        *[("delivered", 40 - number, 20) for number in range(20)],
        ("cancelled", 9, 8),
        ("delivered", 8, 7.1),
        ("delivered", 7.5, 6.9),
        ("delivered", 1, 1),
    )
    await Tidy(room.database, Retention()).round(NOW)
    left = [(row.state, round((NOW - row.created_at) / DAY, 1)) for row in await room.deliveries()]
    assert left == [("pending", 90), ("dead", 60), ("delivered", 50), ("delivered", 7.5), ("delivered", 1)]


async def test_attempts_are_kept_for_two_weeks(room: Room) -> None:
    rows = [{"delivery_id": number, "at": NOW - days * DAY} for number, days in enumerate([20] * 8 + [15, 13, 1])]
    await room.database.write(lambda tx: tx.execute(sa.insert(attempt), rows))
    await Tidy(room.database, Retention()).round(NOW)
    left = await room.database.read(lambda tx: tx.execute(text("SELECT at FROM attempt ORDER BY at")).scalars().all())
    assert [round((NOW - at) / DAY) for at in left] == [13, 1]


async def put_events(room: Room, *ages: float) -> list[str]:
    """Events about resources of their own, the n-th so many days old; their ids, which rise with time."""
    ids = [f"{1_000 - age:07.2f}-{number:03}" for number, age in enumerate(ages)]
    rows = [
        {
            **{"id": id_, "type": "TroubleTicketCreateEvent", "resource": "troubleTicket", "body": "{}"},
            **{"resource_id": f"of-{id_}", "created_at": NOW - age * DAY},
        }
        for id_, age in zip(ids, ages, strict=True)
    ]
    await room.database.write(lambda tx: tx.execute(sa.insert(event), rows))
    return ids


async def events_left(room: Room) -> list[str]:
    return await room.database.read(lambda tx: list(tx.execute(sa.select(event.c.id).order_by(event.c.id)).scalars()))


async def test_events_are_kept_for_a_while_and_as_long_as_a_notification_of_them_is_on_record(room: Room) -> None:
    ids = await put_events(room, *[50.0 - number / 100 for number in range(20)], 31, 29, 3, 0)
    wanted = {"subscription_id": "s", "next_at": 0.0, "created_at": NOW - 50 * DAY}
    owed = [
        {**wanted, "event_id": ids[2], "resource_id": "r2", "state": "pending", "ended_at": None},
        {**wanted, "event_id": ids[9], "resource_id": "r9", "state": "dead", "ended_at": NOW - 5 * DAY},
        {**wanted, "event_id": ids[11], "resource_id": "r11", "state": "dead", "ended_at": NOW - 31 * DAY},
    ]
    await room.database.write(lambda tx: tx.execute(sa.insert(delivery), owed))
    wide = {"resource_id": f"of-{ids[5]}", "owed": "[]", "done": 0, "created_at": NOW}
    await room.database.write(lambda tx: tx.execute(sa.insert(fanout), wide))
    await Tidy(room.database, Retention()).round(NOW)
    assert await events_left(room) == [ids[2], ids[5], ids[9], *ids[-3:]]
    await Tidy(room.database, Retention(events=2 * DAY)).round(NOW)
    assert await events_left(room) == [ids[2], ids[5], ids[9], ids[-1]]


async def test_whoever_writes_waits_for_one_batch_of_old_events_at_most(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_events(room, *[50.0 - number / 100 for number in range(20)])
    forgotten: list[int] = []
    write = room.database.write

    async def counting(work: Any) -> Any:
        def counted(tx: Any) -> Any:
            result = work(tx)
            forgotten.append(getattr(result, "rowcount", 0))
            return result

        return await write(counted)

    monkeypatch.setattr(room.database, "write", counting)
    await Tidy(room.database, Retention()).round(NOW)
    assert [number for number in forgotten if number] == [tidy.BATCH] * 6 + [2]


async def test_above_the_limit_the_oldest_are_given_up_visibly(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    await put(room, *[("pending", 5, None)] * 25, ("delivered", 5, 5))
    with caplog.at_level(logging.WARNING):
        await Tidy(room.database, Retention(undelivered=28)).round(NOW)
    assert "above 28 the oldest are given up" in caplog.text
    with caplog.at_level(logging.ERROR):
        await Tidy(room.database, Retention(undelivered=15)).round(NOW)
    assert "the oldest 10 of 25 deliveries were given up" in caplog.text
    rows = await room.deliveries()
    assert [row.reason for row in rows if row.state == "dead"] == ["overflow"] * 10
    assert max(row.id for row in rows if row.state == "dead") < min(row.id for row in rows if row.state == "pending")


@pytest.mark.parametrize(("days", "states"), [(6.9, {"pending": 7}), (7.1, {"dead": 7})])
async def test_one_that_is_gone_may_come_back_for_a_week(
    room: Room, sink_of: OpenSink, days: float, states: dict[str, int]
) -> None:
    hub = await room.hub(started=False)
    id_ = await subscribe(hub, Sink(port=1))
    for _ in range(7):
        await room.desk(hub).open(a_ticket())
    gone = Health(Standing.GONE, since=NOW - days * DAY)
    statement = text("UPDATE subscription SET state = :state, health = :health WHERE id = :id")
    stands = {"id": id_, "state": gone.standing, "health": gone.written()}
    await room.database.write(lambda tx: tx.execute(statement, stands))
    await Tidy(room.database, Retention()).round(NOW)
    assert await room.states() == states
    if "dead" in states:
        assert {row.reason for row in await room.deliveries()} == {"gone"}
