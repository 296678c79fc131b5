"""How many subscriptions there may be, and how fast they come."""

import pytest

from tests.hub.room import API, Room
from tmf_adapter.hub.limits import Limits, Registrations
from tmf_adapter.tmf.errors import Conflict, TooManyRequests


async def test_there_are_only_so_many_subscriptions(room: Room) -> None:
    hub = await room.hub(started=False, limits=Limits(subscriptions=2))
    first = await hub.subscriptions.register(API, {"callback": "http://a.test/1"})
    await hub.subscriptions.register(API, {"callback": "http://a.test/2"})
    with pytest.raises(Conflict) as refused:
        await hub.subscriptions.register(API, {"callback": "http://a.test/3"})
    assert "TMF_ADAPTER_SUBSCRIPTIONS" in str(refused.value.message)
    await hub.subscriptions.remove(API, first["id"])
    await hub.subscriptions.register(API, {"callback": "http://a.test/3"})


async def test_registrations_that_come_too_fast_are_told_when_to_come_back(room: Room) -> None:
    hub = await room.hub(started=False, limits=Limits(per_minute=2))
    for number in range(2):
        await hub.subscriptions.register(API, {"callback": f"http://a.test/{number}"})
    with pytest.raises(TooManyRequests) as refused:
        await hub.subscriptions.register(API, {"callback": "http://a.test/3"})
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 30


def test_the_bucket_fills_evenly() -> None:
    now = [0.0]
    bucket = Registrations(Limits(per_minute=60), lambda: now[0])
    for _ in range(60):
        bucket.take()
    with pytest.raises(TooManyRequests):
        bucket.take()
    now[0] = 2.0
    bucket.take()
    bucket.take()
    with pytest.raises(TooManyRequests):
        bucket.take()
    now[0] = 1_000.0
    for _ in range(60):
        bucket.take()
    with pytest.raises(TooManyRequests):
        bucket.take()
