"""The subscriber remembers what came, and misbehaves when it is told to."""

import time
from typing import Any

import aiohttp
import pytest

from tmf_adapter.demo.subscriber import MODES


def event(id_: str, status: str | None = None) -> dict[str, Any]:
    resource = {"@type": "TroubleTicket", "id": "tt-1"} | ({"status": status} if status else {})
    return {"eventId": id_, "eventType": "TroubleTicketStatusChangeEvent", "event": {"troubleTicket": resource}}


async def received(client: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with client.get(f"{url}/received") as response:
        document: dict[str, Any] = await response.json()
        return document


async def tell(client: aiohttp.ClientSession, url: str, **what: Any) -> int:
    async with client.post(f"{url}/control", json=what) as response:
        return response.status


async def test_a_notification_is_recorded_with_what_it_is_about(client: aiohttp.ClientSession, subscriber: str) -> None:
    async with client.post(f"{subscriber}/any/path", json=event("e1", "resolved"), headers={"webhook-id": "e1"}) as got:
        assert got.status == 204
    async with client.post(f"{subscriber}/", json=event("e2")):
        pass
    report = await received(client, subscriber)
    assert report["events"] == [
        {
            "order": 1,
            "path": "/any/path",
            "eventId": "e1",
            "eventType": "TroubleTicketStatusChangeEvent",
            "id": "tt-1",
            "status": "resolved",
            "webhook-id": "e1",
        },
        {
            "order": 2,
            "path": "/",
            "eventId": "e2",
            "eventType": "TroubleTicketStatusChangeEvent",
            "id": "tt-1",
            "status": None,
            "webhook-id": None,
        },
    ]
    assert (report["notifications"], report["duplicates"], report["refused"], report["open"]) == (2, 0, 0, 0)


async def test_the_same_event_again_is_a_duplicate(client: aiohttp.ClientSession, subscriber: str) -> None:
    for id_ in ("e1", "e2", "e1", "e1"):
        async with client.post(subscriber, json=event(id_)):
            pass
    report = await received(client, subscriber)
    assert (report["notifications"], report["duplicates"]) == (2, 2)


@pytest.mark.parametrize("content", [b"", b"not json", b"[1]", b'{"event": {"troubleTicket": 3}}', b'{"event": 1}'])
async def test_anything_at_all_is_taken(client: aiohttp.ClientSession, subscriber: str, content: bytes) -> None:
    async with client.post(subscriber, data=content) as response:
        assert response.status == 204
    assert (await received(client, subscriber))["notifications"] == 1


@pytest.mark.parametrize(("mode", "status"), [("error", 500), ("redirect", 307)])
async def test_a_refused_notification_is_not_recorded(
    client: aiohttp.ClientSession, subscriber: str, mode: str, status: int
) -> None:
    assert await tell(client, subscriber, mode=mode, times=1) == 204
    async with client.post(subscriber, json=event("e1"), allow_redirects=False) as response:
        assert response.status == status
    async with client.post(subscriber, json=event("e1")) as response:
        assert response.status == 204
    report = await received(client, subscriber)
    assert (report["notifications"], report["duplicates"], report["refused"]) == (1, 0, 1)


async def test_a_redirection_that_is_followed_shows(client: aiohttp.ClientSession, subscriber: str) -> None:
    await tell(client, subscriber, mode="redirect", times=1)
    async with client.post(subscriber, json=event("e1")):
        pass
    assert [record["path"] for record in (await received(client, subscriber))["events"]] == ["/elsewhere"]


async def test_a_reset_connection_brings_no_answer(client: aiohttp.ClientSession, subscriber: str) -> None:
    await tell(client, subscriber, mode="reset", times=1)
    with pytest.raises(aiohttp.ClientError):
        await client.post(subscriber, json=event("e1"))
    assert (await received(client, subscriber))["notifications"] == 0


async def test_a_hanging_subscriber_has_the_notification_but_does_not_say_so(
    client: aiohttp.ClientSession, subscriber: str
) -> None:
    await tell(client, subscriber, mode="hang", times=1)
    with pytest.raises(TimeoutError):
        await client.post(subscriber, json=event("e1"), timeout=aiohttp.ClientTimeout(total=0.3))
    report = await received(client, subscriber)
    assert (report["notifications"], report["refused"]) == (1, 0)


async def test_hanging_ends_after_the_given_time(client: aiohttp.ClientSession, subscriber: str) -> None:
    await tell(client, subscriber, mode="hang", times=1, seconds=0.1)
    with pytest.raises(aiohttp.ClientError):
        await client.post(subscriber, json=event("e1"))


async def test_a_dripping_answer_comes_byte_by_byte(client: aiohttp.ClientSession, subscriber: str) -> None:
    await tell(client, subscriber, mode="drip", times=1, seconds=0.05)
    async with client.post(subscriber, json=event("e1")) as response:
        began = time.monotonic()
        await response.content.readexactly(5)
        assert response.status == 200
        assert time.monotonic() - began > 0.15
    assert (await received(client, subscriber))["notifications"] == 1


async def test_a_flood_is_more_than_anybody_wants_to_read(client: aiohttp.ClientSession, subscriber: str) -> None:
    await tell(client, subscriber, mode="flood", times=1, seconds=5)
    async with client.post(subscriber, json=event("e1")) as response:
        assert len(await response.content.readexactly(1 << 20)) == 1 << 20
    assert (await received(client, subscriber))["notifications"] == 1


@pytest.mark.parametrize("mode", sorted(set(MODES) - {"ok"}))
async def test_a_fault_ends_after_its_times(client: aiohttp.ClientSession, subscriber: str, mode: str) -> None:
    await tell(client, subscriber, mode=mode, times=0)
    async with client.post(subscriber, json=event("e1")) as response:
        assert response.status == 204


@pytest.mark.parametrize("what", [{}, {"mode": "sulk"}, {"mode": "ok", "times": -1}, {"mode": "hang", "seconds": "x"}])
async def test_a_fault_that_does_not_exist_is_refused(
    client: aiohttp.ClientSession, subscriber: str, what: dict[str, Any]
) -> None:
    assert await tell(client, subscriber, **what) == 400
