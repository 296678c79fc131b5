"""TMF621 and TMF656 v5 over their real documents and stand-ins for the rooms: every response is held against them."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
from starlette.types import ASGIApp

from tests.api.rooms import FakeDesk, FakeInbox, FakeSubscriptions
from tests.api.shelf import OPENAPI, assert_error, client_of, pointers
from tmf_adapter.api.attributes import attributes
from tmf_adapter.api.paging import page_headers
from tmf_adapter.api.server import Document, build, load
from tmf_adapter.api.tmf621_v5 import Tmf621V5
from tmf_adapter.api.tmf656_v5 import TASKS, Tmf656V5
from tmf_adapter.tmf.condition import matches
from tmf_adapter.tmf.cursor import Cursor
from tmf_adapter.tmf.query import Page, Query

TICKET = {
    "@type": "TroubleTicket",
    "name": "No internet",
    "description": "Since this morning.",
    "severity": "major",
    "ticketType": "fault",
    "ours": {"stays": [1, None]},
}
PROBLEM = {
    "@type": "ServiceProblem",
    "category": "supplier.originated",
    "description": "A port is dark.",
    "priority": 1,
    "reason": "loss of signal",
    "originatorParty": {
        "@type": "RelatedPartyRefOrPartyRoleRef",
        "role": "originator",
        "partyOrPartyRole": {"@type": "PartyRef", "@referredType": "Organization", "id": "42"},
    },
}


@dataclass
class Api:
    """One of the two APIs, its stand-ins and its names."""

    make: Callable[..., Any]
    file: str
    base: str
    path: str
    body: dict[str, Any]
    name: str
    event: str
    others: dict[str, Any] = field(default_factory=dict)
    desk: FakeDesk = field(init=False)
    subscriptions: FakeSubscriptions = field(default_factory=FakeSubscriptions)
    inbox: FakeInbox = field(default_factory=FakeInbox)

    def __post_init__(self) -> None:
        self.desk = FakeDesk(f"http://adapter{self.base}{self.path}")

    def document(self) -> Document:
        path = OPENAPI / self.file
        operations = self.make(load(path), self.desk, self.subscriptions, self.inbox, **self.others).operations()
        return Document(path, self.base, operations)


def tmf621() -> Api:
    return Api(
        Tmf621V5,
        "tmf621-v5.yaml",
        "/tmf-api/troubleTicket/v5",
        "/troubleTicket",
        TICKET,
        "tmf621-v5",
        "troubleTicketStatusChangeEvent",
        {"specifications": FakeDesk("specifications")},
    )


def tmf656() -> Api:
    return Api(
        Tmf656V5,
        "tmf656-v5.yaml",
        "/tmf-api/serviceProblemManagement/v5",
        "/serviceProblem",
        PROBLEM,
        "tmf656-v5",
        "serviceProblemStateChangeEvent",
        {"tasks": {name: FakeDesk(name) for name in TASKS}, "records": FakeDesk("records")},
    )


@pytest.fixture(scope="module", params=[tmf621, tmf656], ids=["621", "656"])
def built(request: pytest.FixtureRequest) -> tuple[Api, ASGIApp]:
    """One of the APIs and its application, which is built once: reading a document is what takes the time."""
    api: Api = request.param()
    return api, build([api.document()], {}, strict=False, validate_responses=True)


@pytest.fixture
def api(built: tuple[Api, ASGIApp]) -> Api:
    """The API with nothing in its rooms."""
    api, _ = built
    for room in (api.desk, api.subscriptions, api.inbox):
        room.kept.clear()
    return api


@pytest.fixture
async def client(built: tuple[Api, ASGIApp], api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(built[1], api.base) as client:
        yield client


async def opened(client: httpx.AsyncClient, api: Api, **members: Any) -> dict[str, Any]:
    response = await client.post(api.path, json={**api.body, **members})
    assert response.status_code == 201, response.text
    document: dict[str, Any] = response.json()
    return document


# --- create


async def test_create_answers_the_resource_and_where_it_is(client: httpx.AsyncClient, api: Api) -> None:
    response = await client.post(api.path, json=api.body)
    assert response.status_code == 201
    document = response.json()
    assert {**document, **api.body} == document  # every member that was sent comes back equal
    assert response.headers["location"] == document["href"] == f"http://adapter{api.base}{api.path}/1"
    assert (await client.get(response.headers["location"])).json() == document


async def test_create_answers_the_members_that_were_asked_for(client: httpx.AsyncClient, api: Api) -> None:
    response = await client.post(f"{api.path}?fields=status&fields=none", json=api.body)
    assert set(response.json()) == {"@type", "id", "href", "status"}


async def test_nothing_is_opened_for_fields_that_do_not_exist(client: httpx.AsyncClient, api: Api) -> None:
    assert_error(await client.post(f"{api.path}?fields=colour", json=api.body), 400, "invalidQuery")
    assert (await client.get(api.path)).json() == []


async def test_what_is_missing_is_pointed_at(client: httpx.AsyncClient, api: Api) -> None:
    response = await client.post(api.path, json={})
    assert_error(response, 400, "invalidBody")
    required = {"621": {"/description", "/severity", "/ticketType"}}
    expected = required.get(api.name[3:6], {"/category", "/description", "/priority", "/reason", "/originatorParty"})
    assert set(pointers(response)) == expected


async def test_an_unknown_status_is_told_which_are_known(client: httpx.AsyncClient, api: Api) -> None:
    response = await client.post(api.path, json={**api.body, "status": "lost"})
    assert pointers(response) == ["/status"]
    assert "acknowledged" in assert_error(response, 400, "invalidBody")["message"]


async def test_a_create_takes_no_patch(client: httpx.AsyncClient, api: Api) -> None:
    headers = {"content-type": "application/merge-patch+json"}
    assert_error(await client.post(api.path, content=b"{}", headers=headers), 415, "unsupportedMediaType")


# --- read


async def test_get_answers_what_is_stored(client: httpx.AsyncClient, api: Api) -> None:
    document = await opened(client, api)
    response = await client.get(f"{api.path}/1")
    assert response.status_code == 200
    assert response.content == orjson.dumps(document)  # the stored bytes, unchanged


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ("description", {"@type", "id", "href", "description"}),
        ("description,status", {"@type", "id", "href", "description", "status"}),
        ("none", {"@type", "id", "href"}),
        ("id", {"@type", "id", "href"}),
        ("lastUpdate", {"@type", "id", "href"}),  # known, and not there
    ],
)
async def test_fields_select_first_level_members(
    client: httpx.AsyncClient, api: Api, fields: str, names: set[str]
) -> None:
    await opened(client, api)
    one = await client.get(f"{api.path}/1", params={"fields": fields})
    many = await client.get(api.path, params={"fields": fields})
    assert one.status_code == many.status_code == 200
    assert set(one.json()) == names
    assert [set(item) for item in many.json()] == [names]


async def test_fields_that_do_not_exist_are_refused(client: httpx.AsyncClient, api: Api) -> None:
    await opened(client, api)
    assert_error(await client.get(f"{api.path}/1?fields=colour"), 400, "invalidQuery")
    assert_error(await client.get(f"{api.path}?fields=colour"), 400, "invalidQuery")


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, api: Api, method: str) -> None:
    body = {"description": "x"} if method == "PATCH" else None
    assert_error(await client.request(method, f"{api.path}/9", json=body), 404, "notFound")


# --- list


async def test_a_list_is_counted(client: httpx.AsyncClient, api: Api) -> None:
    documents = [await opened(client, api) for _ in range(3)]
    response = await client.get(api.path, params={"offset": 1, "limit": 1})
    assert response.status_code == 200
    assert response.json() == documents[1:2]
    assert (response.headers["x-total-count"], response.headers["x-result-count"]) == ("3", "1")


async def test_an_empty_list_is_a_list(client: httpx.AsyncClient, api: Api) -> None:
    response = await client.get(api.path + "/")
    assert (response.status_code, response.content) == (200, b"[]")
    assert (response.headers["x-total-count"], response.headers["x-result-count"]) == ("0", "0")


async def test_filters_reach_the_desk(client: httpx.AsyncClient, api: Api) -> None:
    await client.get(api.path, params={"status": "held,pending", "note.text": "a b", "offset": "7"})
    assert api.desk.query is not None
    wanted = [({"status": "held", "note": [{"text": "a b"}]}, True), ({"status": "held"}, False)]
    assert [matches(api.desk.query.condition, document) for document, _ in wanted] == [True, False]
    assert api.desk.query.offset == 7


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "limit=x",
        "offset=",
        "status.like=a",
        "relatedParty.nmae=1",
        "sort=colour",
        "filter=$..a",
        "after=x",
    ],
)
async def test_a_query_nobody_could_mean_is_refused(client: httpx.AsyncClient, api: Api, query: str) -> None:
    assert_error(await client.get(f"{api.path}?{query}"), 400, "invalidQuery")


def links(response: httpx.Response) -> dict[str, httpx.QueryParams]:
    """The query of each link, by its relation."""
    found = re.findall(r'<([^>]*)>; rel="(\w+)"', response.headers["link"])
    return {rel: httpx.URL(address).params for address, rel in found}


async def test_links_by_offset_go_on_by_offset_and_keep_the_query(client: httpx.AsyncClient, api: Api) -> None:
    for _ in range(5):
        await opened(client, api)
    response = await client.get(api.path, params={"offset": 2, "limit": 2, "name.ne": "a & b"})
    found = links(response)
    assert {rel: params["offset"] for rel, params in found.items()} == {
        "self": "2",
        "first": "0",
        "prev": "0",
        "next": "4",
        "last": "4",
    }
    assert {params["limit"] for params in found.values()} == {"2"}
    assert {params["name.ne"] for params in found.values()} == {"a & b"}
    assert response.headers["link"].startswith(f"<{api.base}{api.path}?")


def test_a_page_by_offset_that_ended_early_is_followed_by_what_it_left() -> None:
    query = Query(limit=3)
    page = Page([b"{}"], 3, last=Cursor.of({"id": "1", "creationDate": "2026-03-11T06:00:00.000Z"}, query.sort))
    headers = page_headers(page, query, [("offset", "0"), ("limit", "3")], "/thing", "thing")
    assert '</thing?offset=1&limit=3>; rel="next"' in headers["Link"]


async def test_links_without_an_offset_go_on_by_cursor(client: httpx.AsyncClient, api: Api) -> None:
    for _ in range(5):
        await opened(client, api)
    found = links(await client.get(api.path, params={"limit": 2}))
    assert set(found) == {"self", "first", "next", "last"}
    assert set(found["next"]) == {"after", "limit"}
    response = await client.get(api.path, params=found["next"])
    assert response.status_code == 200
    assert api.desk.query is not None
    assert api.desk.query.after is not None
    assert set(links(response)["prev"]) == {"before", "limit"}


def test_the_attributes_are_those_of_the_document(api: Api) -> None:
    document = load(OPENAPI / api.file)

    def members(ref: str) -> set[str]:
        schema = document["components"]["schemas"][ref.rpartition("/")[2]]
        inherited = [members(part["$ref"]) for part in schema.get("allOf", ()) if "$ref" in part]
        return set(schema.get("properties", ())).union(*inherited)

    name = str(api.body["@type"])
    assert attributes(document, name).members.keys() == members(name) | {"id", "href"}


# --- patch


async def test_patch_answers_the_resource_as_it_is_now(client: httpx.AsyncClient, api: Api) -> None:
    await opened(client, api)
    response = await client.patch(f"{api.path}/1", json={"description": "Since noon."})
    assert response.status_code == 200
    assert response.json()["description"] == "Since noon."
    assert (await client.get(f"{api.path}/1")).json() == response.json()


async def test_patch_answers_the_members_that_were_asked_for(client: httpx.AsyncClient, api: Api) -> None:
    await opened(client, api)
    response = await client.patch(f"{api.path}/1?fields=status", json={"description": "Since noon."})
    assert set(response.json()) == {"@type", "id", "href", "status"}


@pytest.mark.parametrize(
    ("media_type", "patch"),
    [
        ("application/json", {"description": "new", "name": None}),
        ("application/merge-patch+json", {"description": "new", "name": None}),
        ("application/json-patch+json", [{"op": "replace", "path": "/description", "value": "new"}]),
    ],
)
async def test_every_kind_of_patch_reaches_the_desk_as_it_came(
    client: httpx.AsyncClient, api: Api, media_type: str, patch: Any
) -> None:
    await opened(client, api)
    response = await client.patch(f"{api.path}/1", content=orjson.dumps(patch), headers={"content-type": media_type})
    assert response.json()["description"] == "new"
    assert api.desk.patched == (patch, media_type)


async def test_what_does_not_fit_the_state_is_a_conflict(client: httpx.AsyncClient, api: Api) -> None:
    await opened(client, api, status="closed")
    assert_error(await client.patch(f"{api.path}/1", json={"description": "x"}), 409, "conflict")


# --- delete


async def test_delete_leaves_nothing(client: httpx.AsyncClient, api: Api) -> None:
    await opened(client, api)
    response = await client.delete(f"{api.path}/1")
    assert (response.status_code, response.content) == (204, b"")
    assert_error(await client.get(f"{api.path}/1"), 404, "notFound")


# --- hub and listeners


async def test_a_subscription_is_registered_under_its_api(client: httpx.AsyncClient, api: Api) -> None:
    response = await client.post("/hub", json={"callback": "http://listener", "query": "eventType=X"})
    assert response.status_code == 201
    assert response.json()["@type"] == "Hub"
    assert response.headers["location"] == response.json()["href"]
    assert api.subscriptions.kept == {(api.name, "1"): response.json()}


async def test_a_subscription_is_removed(client: httpx.AsyncClient, api: Api) -> None:
    await client.post("/hub", json={"callback": "http://listener"})
    assert (await client.delete("/hub/1")).status_code == 204
    assert_error(await client.delete("/hub/1"), 404, "notFound")


async def test_a_subscription_is_read_where_the_document_has_it(client: httpx.AsyncClient, api: Api) -> None:
    registered = await client.post("/hub", json={"callback": "http://listener"})
    response = await client.get("/hub/1")
    if api.name == "tmf621-v5":
        assert response.json() == registered.json()
    else:
        assert_error(response, 405, "methodNotAllowed")


async def test_a_subscription_needs_a_callback(client: httpx.AsyncClient, api: Api) -> None:
    assert pointers(await client.post("/hub", json={})) == ["/callback"]


async def test_every_listener_hands_its_event_to_the_inbox(client: httpx.AsyncClient, api: Api) -> None:
    names = [name for name in api.document().operations if name.endswith("Event")]
    for name in names:
        event = {"@type": name[0].upper() + name[1:], "eventId": name, "eventType": name, "event": {}}
        response = await client.post(f"/listener/{name}", json=event)
        assert (response.status_code, response.content) == (204, b""), response.text
    assert [event["eventId"] for event in api.inbox.kept] == names
    assert len(names) == {"tmf621-v5": 10, "tmf656-v5": 17}[api.name]


async def test_both_documents_live_side_by_side() -> None:
    apis = [tmf621(), tmf656()]
    app = build([api.document() for api in apis], {}, strict=True, validate_responses=True)
    for api in apis:
        async with client_of(app, api.base) as client:
            assert (await opened(client, api))["@type"] == api.body["@type"]
            assert (await client.get(api.path)).headers["x-total-count"] == "1"
            assert (await client.get("/openapi.json")).json()["paths"].keys() >= {api.path, "/hub"}


async def test_a_tolerant_server_supplies_the_type_of_the_body(client: httpx.AsyncClient, api: Api) -> None:
    body = {name: value for name, value in api.body.items() if name != "@type"}
    assert (await client.post(api.path, json=body)).json()["@type"] == api.body["@type"]


# --- versions of a resource


async def test_every_answer_about_one_resource_names_its_version(client: httpx.AsyncClient, api: Api) -> None:
    created = await client.post(api.path, json=api.body)
    read = await client.get(f"{api.path}/1")
    changed = await client.patch(f"{api.path}/1", json={"description": "x"})
    assert [one.headers["etag"] for one in (created, read, changed)] == ['"1"', '"1"', '"2"']


@pytest.mark.parametrize("known", ['"1"', 'W/"1"', "*", '"7", "1"', '"1-gzip"'])
async def test_a_client_that_has_the_version_is_told_so(client: httpx.AsyncClient, api: Api, known: str) -> None:
    await opened(client, api)
    response = await client.get(f"{api.path}/1", headers={"If-None-Match": known})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", '"1"')
    assert (await client.get(f"{api.path}/1", headers={"If-None-Match": '"2"'})).status_code == 200


@pytest.mark.parametrize("read", ['"1"', 'W/"1"', "*", '"7", "1"', '"1-gzip"', "1", '"1'])
async def test_a_change_is_made_to_the_version_that_was_read(client: httpx.AsyncClient, api: Api, read: str) -> None:
    await opened(client, api)
    response = await client.patch(f"{api.path}/1", json={"description": "x"}, headers={"If-Match": read})
    assert (response.status_code, response.headers["etag"]) == (200, '"2"')


@pytest.mark.parametrize("read", ['"1"', '"nonsense"', "", '""', '"-2"', "a\u00e9"])
async def test_a_change_to_a_version_that_is_no_more_is_refused(client: httpx.AsyncClient, api: Api, read: str) -> None:
    await opened(client, api)
    await client.patch(f"{api.path}/1", json={"description": "x"})
    headers = {"If-Match": read.encode("latin-1")}
    patched = await client.patch(f"{api.path}/1", json={"description": "y"}, headers=headers)
    assert_error(patched, 412, "preconditionFailed")
    assert_error(await client.delete(f"{api.path}/1", headers=headers), 412, "preconditionFailed")
    assert (await client.get(f"{api.path}/1")).json()["description"] == "x"


# --- repeated creates


async def test_a_create_that_is_repeated_under_its_key_answers_with_the_first(
    client: httpx.AsyncClient, api: Api
) -> None:
    answers = [await client.post(api.path, json=api.body, headers={"Idempotency-Key": " k "}) for _ in range(2)]
    assert {(one.status_code, one.headers["location"]) for one in answers} == {(201, answers[0].json()["href"])}
    assert len(api.desk.kept) == 1


@pytest.mark.parametrize("key", ["", "  ", "k" * 256])
async def test_a_key_that_names_nothing_is_refused(client: httpx.AsyncClient, api: Api, key: str) -> None:
    response = await client.post(api.path, json=api.body, headers={"Idempotency-Key": key})
    assert_error(response, 400, "invalidBody")
    assert not api.desk.kept
