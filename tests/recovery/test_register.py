"""We stay on a downstream's hub, also when it forgets us."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from tests.recovery.sinks import Sink, answer, sink
from tmf_adapter.recovery import register
from tmf_adapter.recovery.downstream import Downstream
from tmf_adapter.recovery.register import keep_registered
from tmf_adapter.recovery.registry import Entry
from tmf_adapter.storage.database import Database

CALLBACK = "http://adapter.test/listener"


class TheirHub:
    """Registrations by id; ``can_be_asked``: whether it has GET /hub/{id}, which version 4 does not declare."""

    def __init__(self, *, can_be_asked: bool = True) -> None:
        self.kept: dict[str, bytes] = {}
        self.made = 0
        self.can_be_asked = can_be_asked
        self.is_up = True
        self.asked = asyncio.Event()
        self.told = asyncio.Condition()

    async def __call__(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        method, path, _ = request.split(b"\r\n", 1)[0].decode().split(" ")
        id_ = path.rpartition("/")[2]
        async with self.told:
            status, body = self._answer(method, id_, request)
            self.told.notify_all()
        await answer(status, body)(request, writer)
        if method != "POST":
            self.asked.set()

    def _answer(self, method: str, id_: str, request: bytes) -> tuple[int, bytes]:
        if not self.is_up:
            return 503, b"{}"
        if method == "POST":
            self.made += 1
            self.kept[f"h{self.made}"] = request
            return 201, orjson.dumps({"id": f"h{self.made}", "callback": CALLBACK})
        if method == "GET" and not self.can_be_asked:
            return 404, b"{}"
        if id_ not in self.kept:
            return 404, b"{}"
        if method == "DELETE":
            del self.kept[id_]
            return 204, b""
        return 200, b"{}"


@asynccontextmanager
async def registered(database: Database, hub: TheirHub, version: str = "v5") -> AsyncIterator[Sink]:
    async with sink(hub) as here:
        downstream = Downstream(Entry("tmf656", here.url, version))
        keeping = asyncio.create_task(keep_registered(database, downstream, CALLBACK, check=0.02))
        try:
            yield here
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            downstream.close()


async def until(hub: TheirHub, made: int) -> None:
    async with asyncio.timeout(20), hub.told:
        await hub.told.wait_for(lambda: hub.made >= made)


async def asked(hub: TheirHub, times: int) -> None:
    async with asyncio.timeout(20):
        for _ in range(times):
            hub.asked.clear()
            await hub.asked.wait()


async def test_we_register_once_and_again_only_when_we_are_forgotten(database: Database) -> None:
    hub = TheirHub()
    async with registered(database, hub):
        await until(hub, 1)
        await asked(hub, 3)
        assert hub.made == 1
        hub.kept.clear()
        await until(hub, 2)
        await asked(hub, 2)
    assert (hub.made, list(hub.kept)) == (2, ["h2"])


async def test_after_a_restart_the_registration_that_is_there_is_kept(database: Database) -> None:
    hub = TheirHub()
    async with sink(hub) as here:
        for _ in range(2):
            downstream = Downstream(Entry("tmf656", here.url, "v5"))
            keeping = asyncio.create_task(keep_registered(database, downstream, CALLBACK, check=0.02))
            await until(hub, 1)
            await asked(hub, 2)
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            downstream.close()
    assert hub.made == 1


async def test_a_hub_that_is_away_is_not_taken_for_one_that_forgot(database: Database) -> None:
    hub = TheirHub()
    async with registered(database, hub):
        await until(hub, 1)
        hub.is_up = False
        await asked(hub, 3)
        hub.is_up = True
        await asked(hub, 2)
    assert hub.made == 1


async def test_a_hub_that_cannot_be_asked_never_has_us_twice(database: Database) -> None:
    """Its 404 may mean that it has no such operation: what it says it does not have is taken off it first."""
    hub = TheirHub(can_be_asked=False)
    async with registered(database, hub, "v4"):
        await until(hub, 3)
        assert len(hub.kept) <= 1


async def test_what_we_send_is_what_the_version_wants(database: Database) -> None:
    for version, typed in (("v5", True), ("v4", False)):
        hub = TheirHub()
        async with registered(database, hub, version):
            await until(hub, 1)
        body = orjson.loads(hub.kept["h1"].partition(b"\r\n\r\n")[2])
        assert body == {**({"@type": "Hub"} if typed else {}), "callback": CALLBACK}


async def test_an_old_registration_is_renewed_where_the_hub_gives_no_id(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "RENEW", 0.0)
    posts = 0
    enough = asyncio.Event()

    async def without_id(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal posts
        posts += request.startswith(b"POST")
        if posts == 3:
            enough.set()
        await answer(201, b"{}")(request, writer)

    async with sink(without_id) as here:
        downstream = Downstream(Entry("tmf622", here.url, "v4"))
        keeping = asyncio.create_task(keep_registered(database, downstream, CALLBACK, check=0.01))
        await asyncio.wait_for(enough.wait(), 20)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        downstream.close()
