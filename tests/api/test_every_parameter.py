"""Each parameter that one of the four documents declares does what it says, at each operation that has it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.shelf import client_of
from tests.tmf.documents import OURS, document, resolved
from tmf_adapter.app import Adapter
from tmf_adapter.settings import Settings
from tmf_adapter.tmf.events import Doc

BASES = {"tmf621": "/tmf-api/troubleTicket", "tmf656": "/tmf-api/serviceProblemManagement"}
TICKET = {"ticketType": "fault", "severity": "Major", "description": "No signal"}
PROBLEM = {
    **{"category": "serviceProvider.declared", "priority": 2, "description": "No signal", "reason": "unknown"},
    "originatorParty": {"id": "1", "role": "originator", "@referredType": "Organization"},
}
ALWAYS = {"id", "href", "@type"}
"""What an answer has, whatever is selected."""


def declared() -> Iterator[Any]:
    """Each operation that has parameters besides the parts of its path, with their names."""
    for api, version in sorted(OURS):
        spec = document(api, version)
        for path, item in spec["paths"].items():
            for method in item.keys() - {"parameters"}:
                parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                found = [
                    one["name"] for one in map(lambda each: resolved(spec, each), parameters) if one["in"] != "path"
                ]
                if found:
                    at = (f"{BASES[api]}/{version}", method, path, found)
                    yield pytest.param(*at, id=f"{api}-{version} {method} {path}")


class There:
    """The adapter with two or more of whatever a path leads to."""

    def __init__(self, client: httpx.AsyncClient, base: str, method: str, path: str) -> None:
        self.client, self.base, self.method = client, base, method
        self.collection = path.removesuffix("/{id}")
        self.is_one = path != self.collection
        self.ids: list[str] = []

    async def begin(self) -> "There":
        for _ in range(2):
            assert (await self.add()).is_success
        listed = await self.client.get(self.base + self.collection)
        self.ids = sorted(one["id"] for one in listed.json()) if listed.is_success else []  # v4 lists no tasks
        return self

    async def add(self) -> httpx.Response:
        """One more, and what was answered."""
        if self.collection == "/serviceProblemEventRecord":
            listener = f"{self.base}/listener/serviceProblemStateChangeEvent"
            event = {"@type": "ServiceProblemStateChangeEvent", "event": {"serviceProblem": {**PROBLEM, "id": "1"}}}
            return await self.client.post(listener, json={**event, "eventId": str(await self.count())})
        return await self.client.post(self.base + self.collection, json=await self.body())

    async def count(self) -> int:
        return int((await self.client.get(self.base + self.collection)).headers["X-Total-Count"])

    async def body(self) -> Doc:
        """What creates another one."""
        match self.collection:
            case "/troubleTicket":
                return TICKET
            case "/troubleTicketSpecification":
                return {"name": "Fault", "description": "No signal"}
            case "/serviceProblem":
                return PROBLEM
        first, second = [await self.problem(), await self.problem()]
        if self.collection.endswith("cknowledgement"):
            return {"problem": [first]}
        if self.collection == "/problemUngroup":
            await self.client.post(f"{self.base}/problemGroup", json={"parentProblem": first, "childProblem": [second]})
        return {"parentProblem": first, "childProblem": [second]}

    async def problem(self) -> Doc:
        made = await self.client.post(f"{self.base}/serviceProblem", json=PROBLEM)
        return {"id": made.json()["id"]}

    async def ask(self, query: str = "", headers: dict[str, str] | None = None) -> httpx.Response:
        """The operation itself: of the first one, where it is about one."""
        path = f"{self.collection}/{self.ids[0]}" if self.is_one else self.collection
        body = await self.body() if self.method == "post" else {"description": "Another"}
        sent = {} if self.method in ("get", "delete") else {"json": body}
        return await self.client.request(self.method, f"{self.base}{path}{query}", headers=headers, **sent)


async def _selects(there: There) -> None:
    answer = (await there.ask("?fields=href")).json()
    for one in answer if isinstance(answer, list) else [answer]:
        assert set(one) <= ALWAYS
    whole = (await there.ask()).json()
    assert not set(whole[0] if isinstance(whole, list) else whole) <= ALWAYS


async def _skips(there: There) -> None:
    answer = await there.ask("?offset=1")
    assert len(answer.json()) == int(answer.headers["X-Total-Count"]) - 1 == len(there.ids) - 1


async def _limits(there: There) -> None:
    answer = await there.ask("?limit=1")
    assert (len(answer.json()), answer.headers["X-Total-Count"]) == (1, str(len(there.ids)))


async def _sorts(there: There) -> None:
    found = [[one["id"] for one in (await there.ask(f"?sort={way}id")).json()] for way in ("", "-")]
    assert found == [there.ids, there.ids[::-1]]


async def _filters(there: There) -> None:
    answer = await there.ask(f"?filter=$[?(@.id=='{there.ids[1]}')]")
    assert [one["id"] for one in answer.json()] == [there.ids[1]]


async def _turns(there: There) -> None:
    first = await there.ask("?sort=id&limit=1")
    second = await there.client.get(first.links["next"]["url"])
    assert "after=" in first.links["next"]["url"]
    assert [one["id"] for one in second.json()] == [there.ids[1]]
    back = await there.client.get(second.links["prev"]["url"])
    assert "before=" in second.links["prev"]["url"]
    assert [one["id"] for one in back.json()] == [there.ids[0]]


async def _repeats(there: There) -> None:
    before = await there.count()
    made = [await there.ask(headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert made[0].json()["id"] == made[1].json()["id"]
    assert await there.count() == before + 1


async def _knows(there: There) -> None:
    first = await there.ask()
    assert (await there.ask(headers={"If-None-Match": first.headers["etag"]})).status_code == 304
    assert (await there.ask(headers={"If-None-Match": '"0"'})).status_code == 200


async def _expects(there: There) -> None:
    assert (await there.ask(headers={"If-Match": '"0"'})).status_code == 412
    etag = (await there.client.get(f"{there.base}{there.collection}/{there.ids[0]}")).headers["etag"]
    assert (await there.ask(headers={"If-Match": etag})).is_success


CASES: dict[str, Callable[[There], Awaitable[None]]] = {
    **{"fields": _selects, "offset": _skips, "limit": _limits, "sort": _sorts, "filter": _filters},
    **{"before": _turns, "after": _turns},
    **{"Idempotency-Key": _repeats, "If-None-Match": _knows, "If-Match": _expects},
}


@pytest.fixture
async def client(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    file = tmp_path / "adapter.db"
    shutil.copy(sqlite_template, file)
    adapter = Adapter(Settings(database=f"sqlite:///{file}", public_url="http://adapter", validate_responses=True))
    async with client_of(adapter.asgi(), "") as client:
        yield client
    await adapter.close()


@pytest.mark.parametrize(("base", "method", "path", "parameters"), sorted(declared(), key=lambda one: str(one.id)))
async def test_what_is_declared_is_done(
    client: httpx.AsyncClient, base: str, method: str, path: str, parameters: list[str]
) -> None:
    there = await There(client, base, method, path).begin()
    for parameter in parameters:
        await CASES[parameter](there)
