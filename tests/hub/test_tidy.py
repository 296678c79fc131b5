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
from tmf_adapter.storage.tables import attempt, delivery

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
