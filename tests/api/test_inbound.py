"""The listeners of every API that a mapping may call."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.rooms import FakeInbox
from tests.api.shelf import OPENAPI, assert_error, client_of
from tmf_adapter.api.inbound import inbound
from tmf_adapter.api.server import Document, build, load
from tmf_adapter.tmf.operations import known_apis, rows, versions_of

RAW = load(OPENAPI / "inbound-v1.yaml")
EVENTS = sorted(path.rpartition("/")[2] for path in RAW["paths"] if path != "/listener")


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


@pytest.fixture
async def client(inbox: FakeInbox) -> AsyncIterator[httpx.AsyncClient]:
    app = build(
        [Document(OPENAPI / "inbound-v1.yaml", "", inbound(RAW, inbox))], {}, strict=True, validate_responses=True
    )
    async with client_of(app, "") as client:
        yield client


def test_there_is_a_listener_for_every_result_of_every_operation() -> None:
    results = {
        event[:1].lower() + event[1:]
        for api in known_apis()
        for version in versions_of(api)
        for row in rows(api, version).values()
        for event in row.results
    }
    assert results <= set(EVENTS)


async def test_every_listener_stores_the_event_under_its_own_name(client: httpx.AsyncClient, inbox: FakeInbox) -> None:
    for name in EVENTS:
        response = await client.post(f"/listener/{name}", json={"eventId": name, "event": {}})
        assert response.status_code in (201, 204), name
    assert [event["eventType"] for event in inbox.kept] == [name[0].upper() + name[1:] for name in EVENTS]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/listener", 204),
        ("/listener/", 204),
        ("/listener/serviceProblemStateChangeEvent", 204),  # version 5
        ("/listener/productOrderStateChangeEvent", 201),  # version 4
    ],
)
async def test_an_event_is_answered_as_its_version_wants_it(
    client: httpx.AsyncClient, inbox: FakeInbox, path: str, status: int
) -> None:
    event = {"eventId": "1", "eventType": "SomethingEvent", "event": {"thing": {"id": "7", "more": [1]}}, "theirs": 1}
    response = await client.post(path, json=event)
    assert (response.status_code, response.content) == (status, b"")
    assert inbox.kept == [event]


async def test_what_is_no_event_is_refused(client: httpx.AsyncClient, inbox: FakeInbox) -> None:
    for body in ([], "x", {"event": 5}, {"event": {"thing": 5}}):
        assert_error(await client.post("/listener", json=body), 400, "invalidBody")
    assert_error(await client.post("/listener/nothing", json={}), 404, "notFound")
    assert not inbox.kept
