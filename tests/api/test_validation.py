"""What a request must be before a handler sees it, driven through the whole stack over the small document."""

import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from tests.api.shelf import Shelf, assert_error, client_of, pointers
from tmf_adapter.api.completion import type_at
from tmf_adapter.api.validation import LARGE, Form, decoded, without_nulls
from tmf_adapter.tmf.errors import BadQuery

LAMP = {"@type": "Thing", "name": "lamp"}
JSON = {"content-type": "application/json"}


@pytest.fixture
async def strict(shelf: Shelf) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shelf.app(strict=True)) as client:
        yield client


# --- media types


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json;charset=utf-8",  # conformance kits send this
        "Application/JSON; charset=UTF-8",
        "application/json; charset=bogus",  # JSON is UTF-8 (RFC 8259); the parameter means nothing
        None,  # absent: the first that is declared
    ],
)
async def test_a_declared_media_type_is_taken(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = await client.post("/thing", content=orjson.dumps(LAMP), headers=headers)
    assert response.status_code == 201


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "merge-patch+json", "multipart/form-data", ";"]
)
async def test_a_foreign_media_type_is_told_which_are_taken(client: httpx.AsyncClient, content_type: str) -> None:
    response = await client.patch("/thing/1", content=b"{}", headers={"content-type": content_type})
    document = assert_error(response, 415, "unsupportedMediaType")
    accepted = "application/json, application/merge-patch+json, application/json-patch+json"
    assert document["message"] == f"Accepted: {accepted}."


async def test_the_handler_learns_the_declared_media_type(client: httpx.AsyncClient, shelf: Shelf) -> None:
    await client.patch("/thing/1", content=b"{}", headers={"content-type": "Application/Merge-Patch+JSON; q=1"})
    assert shelf.request is not None
    assert shelf.request.media_type == "application/merge-patch+json"


async def test_a_body_compressed_with_something_unusual_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/thing", content=b"x", headers={**JSON, "content-encoding": "br"})
    assert_error(response, 415, "unsupportedMediaType")


# --- bodies


async def test_the_handler_gets_the_parsed_body(client: httpx.AsyncClient, shelf: Shelf) -> None:
    sent = {**LAMP, "more": {"than": ["declared", None, 1.5]}}
    assert (await client.post("/thing", json=sent)).status_code == 201
    assert shelf.body == sent


async def test_malformed_json_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/thing", content=b'{"name": }', headers=JSON)
    assert "line 1 column 10" in assert_error(response, 400, "invalidBody")["message"]


async def test_a_missing_body_is_refused_where_one_is_required(client: httpx.AsyncClient) -> None:
    document = assert_error(await client.post("/thing"), 400, "invalidBody")
    assert document["reason"] == "The request needs a body."


async def test_a_missing_body_is_nothing_where_none_is_required(client: httpx.AsyncClient, shelf: Shelf) -> None:
    assert (await client.put("/inline")).status_code == 204
    assert shelf.body is None


async def test_every_fault_is_pointed_at(client: httpx.AsyncClient) -> None:
    wrong = {"@type": "Thing", "colour": "blue", "part": [{"@type": "CountedPart", "name": "p", "value": "x"}]}
    response = await client.post("/thing", json=wrong)
    document = assert_error(response, 400, "invalidBody")
    assert sorted(pointers(response)) == ["/colour", "/name", "/part/0/value"]
    assert "/colour: must be one of red, green" in document["message"]


async def test_a_schema_written_in_place_is_enforced(client: httpx.AsyncClient) -> None:
    assert (await client.put("/inline", json={"size": 1})).status_code == 204
    assert (await client.put("/inline", json={"size": None})).status_code == 204
    assert pointers(await client.put("/inline", json={"size": "x"})) == ["/size"]
    assert pointers(await client.put("/inline/1", json=[{"@type": "Part"}])) == ["/0/name"]


async def test_u0000_is_refused_where_it_stands(client: httpx.AsyncClient) -> None:
    response = await client.post("/thing", json={**LAMP, "note": ["fine", "not\0fine"]})
    assert_error(response, 400, "invalidBody")
    assert pointers(response) == ["/note/1"]


async def test_a_body_that_no_operation_declares_is_not_read(client: httpx.AsyncClient) -> None:
    response = await client.request("DELETE", "/thing/1", content=b"{nonsense", headers={"content-type": "text/x"})
    assert response.status_code == 204


# --- @type


async def test_an_absent_type_is_supplied_on_create(client: httpx.AsyncClient, shelf: Shelf) -> None:
    assert (await client.post("/thing", json={"name": "lamp"})).status_code == 201
    assert shelf.body == LAMP


async def test_an_absent_type_is_supplied_on_registration(client: httpx.AsyncClient, shelf: Shelf) -> None:
    assert (await client.post("/hub", json={"callback": "http://listener"})).status_code == 201
    assert shelf.body == {"@type": "Hub", "callback": "http://listener"}


async def test_a_type_that_is_sent_stays(client: httpx.AsyncClient, shelf: Shelf) -> None:
    assert (await client.post("/thing", json={"@type": "OurThing", "name": "lamp"})).status_code == 201
    assert shelf.body["@type"] == "OurThing"


async def test_an_absent_type_of_a_nested_object_is_supplied_unless_we_are_strict(
    client: httpx.AsyncClient, strict: httpx.AsyncClient, shelf: Shelf
) -> None:
    body = {"@type": "Thing", "name": "lamp", "part": [{"name": "p"}]}
    assert pointers(await strict.post("/thing", json=body)) == ["/part/0/@type"]
    assert (await client.post("/thing", json=body)).status_code == 201
    assert shelf.body["part"] == [{"@type": "Part", "name": "p"}]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/thing", {"name": "lamp"}),
        ("PATCH", "/thing/1", {"name": "lamp"}),
        ("POST", "/hub", {"callback": "http://listener"}),
    ],
)
async def test_strict_means_that_the_type_must_be_sent(
    strict: httpx.AsyncClient, method: str, path: str, body: dict[str, Any]
) -> None:
    response = await strict.request(method, path, json=body)
    assert_error(response, 400, "invalidBody")
    assert pointers(response) == ["/@type"]
    assert (await strict.request(method, path, json={"@type": "X", **body})).is_success


@pytest.mark.parametrize(
    ("ref", "schema", "type_"),
    [
        ("#/components/schemas/A_FVO", {"discriminator": {"mapping": {"A": "#/components/schemas/A_FVO"}}}, "A"),
        (
            "#/components/schemas/A_FVO",
            {"discriminator": {"mapping": {"B": "x", "C": "#/components/schemas/A_FVO"}}},
            "C",
        ),
        ("#/components/schemas/A_FVO", {"discriminator": {"mapping": {"B": "x", "C": "y"}}}, "B"),
        ("#/components/schemas/Hub_FVO", {}, "Hub"),
        ("#/components/schemas/Hub_MVO", {}, "Hub"),
        ("#/paths/~1inline/put", {}, ""),  # a schema without a name has no type to supply
    ],
)
def test_the_supplied_type_is_the_schemas_own(ref: str, schema: dict[str, Any], type_: str) -> None:
    assert type_at(ref, schema) == type_


# --- patches


@pytest.mark.parametrize("media_type", ["application/json", "application/merge-patch+json"])
async def test_null_deletes_in_a_merge_patch(client: httpx.AsyncClient, shelf: Shelf, media_type: str) -> None:
    patch = {"name": None, "owner": {"@type": "Owner", "name": "n", "mail": None}}
    response = await client.patch("/thing/1", content=orjson.dumps(patch), headers={"content-type": media_type})
    assert response.status_code == 200
    assert shelf.body == patch  # handed on as it came: the nulls are what it is about


async def test_a_type_of_null_counts_as_absent(client: httpx.AsyncClient) -> None:
    assert (await client.patch("/thing/1", json={"@type": None, "name": "x"})).status_code == 200


async def test_a_merge_patch_is_given_no_type(client: httpx.AsyncClient, shelf: Shelf) -> None:
    """Else a patch without one would turn a subtype into its base type."""
    assert (await client.patch("/thing/1", json={"name": "x"})).status_code == 200
    assert shelf.body == {"name": "x"}


async def test_null_is_no_value_on_create(client: httpx.AsyncClient) -> None:
    assert pointers(await client.post("/thing", json={**LAMP, "count": None})) == ["/count"]


async def test_null_in_an_array_is_a_value_like_any_other(client: httpx.AsyncClient) -> None:
    """RFC 7396 replaces arrays as they come, nulls and all."""
    patch = {"part": [{"@type": "Part", "name": None}]}
    assert pointers(await client.patch("/thing/1", json=patch)) == ["/part/0/name"]


async def test_a_merge_patch_is_held_against_its_schema(client: httpx.AsyncClient) -> None:
    assert pointers(await client.patch("/thing/1", json={"count": "x"})) == ["/count"]
    assert pointers(await client.patch("/thing/1", json=[])) == [""]


async def test_a_json_patch_has_its_own_schema(client: httpx.AsyncClient, shelf: Shelf) -> None:
    headers = {"content-type": "application/json-patch+json"}
    operations = [{"op": "replace", "path": "/name", "value": None}]
    assert (await client.patch("/thing/1", content=orjson.dumps(operations), headers=headers)).status_code == 200
    assert shelf.body == operations
    assert pointers(await client.patch("/thing/1", content=b'[{"op": "add"}]', headers=headers)) == ["/0/path"]


async def test_a_single_operation_stands_for_a_list_of_one(client: httpx.AsyncClient, shelf: Shelf) -> None:
    """TMF656's own examples send it so."""
    headers = {"content-type": "application/json-patch+json"}
    operation = {"op": "remove", "path": "/name"}
    assert (await client.patch("/thing/1", content=orjson.dumps(operation), headers=headers)).status_code == 200
    assert shelf.body == [operation]


async def test_strict_means_that_operations_are_a_list(strict: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json-patch+json"}
    response = await strict.patch("/thing/1", content=b'{"op": "remove", "path": "/name"}', headers=headers)
    assert pointers(response) == [""]


def test_nulls_are_stripped_from_objects_only() -> None:
    assert without_nulls({"a": None, "b": {"c": None, "d": 1}, "e": [None, {"f": None}]}) == {
        "b": {"d": 1},
        "e": [None, {"f": None}],
    }


# --- queries


@pytest.mark.parametrize("value", ["x", "", "1.5", "1e3", "0x10", "\u0661", "1 ", "--1"])
async def test_a_number_that_is_none_is_refused(client: httpx.AsyncClient, value: str) -> None:
    document = assert_error(await client.get("/thing", params={"limit": value}), 400, "invalidQuery")
    assert "limit" in document["reason"]


@pytest.mark.parametrize("value", ["0", "-5", "+5", "007", "9" * 5_000])
async def test_any_integer_is_handed_on(client: httpx.AsyncClient, shelf: Shelf, value: str) -> None:
    assert (await client.get("/thing", params={"limit": value})).status_code == 200
    assert shelf.request is not None
    assert shelf.request.query == [("limit", value)]


async def test_each_of_several_numbers_is_looked_at(client: httpx.AsyncClient) -> None:
    assert_error(await client.get("/thing?limit=1&limit=x"), 400, "invalidQuery")
    assert_error(await client.get("/thing?limit=x&limit=1"), 400, "invalidQuery")


async def test_undeclared_parameters_reach_the_handler(client: httpx.AsyncClient, shelf: Shelf) -> None:
    await client.get("/thing?severity.gt=2&relatedParty.id=9&name=a&name=b&blank=")
    assert shelf.request is not None
    pairs = [("severity.gt", "2"), ("relatedParty.id", "9"), ("name", "a"), ("name", "b"), ("blank", "")]
    assert shelf.request.query == pairs


@pytest.mark.parametrize(
    ("query_string", "pairs"),
    [
        (b"a=1&b=2", [("a", "1"), ("b", "2")]),
        (b"a=x+y", [("a", "x y")]),
        (b"a=x%2By", [("a", "x+y")]),
        (b"a=gr%C3%BCn", [("a", "grün")]),
        (b"a", [("a", "")]),
        (b"a%2Eb=1", [("a.b", "1")]),
        (b"date=2026-01-31T12:00:00Z", [("date", "2026-01-31T12:00:00Z")]),
        (b"filter=%24%5B%3F%28%40.a%3D%3D1%29%5D", [("filter", "$[?(@.a==1)]")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"&&a=1&", [("a", "1")]),
    ],
)
def test_a_query_string_is_decoded(query_string: bytes, pairs: list[tuple[str, str]]) -> None:
    assert decoded(query_string) == pairs


@pytest.mark.parametrize(
    "query_string", [b"a=%ff", b"a=%C3%28", b"%ff=1", "a=ü".encode(), b"a=x%00y", b"&".join([b"a=1"] * 1_001)]
)
def test_a_query_string_nobody_could_mean_is_refused(query_string: bytes) -> None:
    with pytest.raises(BadQuery):
        decoded(query_string)


# --- headers


async def test_the_handler_can_read_headers(client: httpx.AsyncClient, shelf: Shelf) -> None:
    await client.get("/thing/1", headers={"If-Match": '"7"'})
    assert shelf.request is not None
    assert shelf.request.header("if-match") == '"7"'
    assert shelf.request.header("if-none-match") is None


@pytest.mark.parametrize(
    "name", ["accept", "content-type", "content-length-x", "x-anything", "cookie", "authorization"]
)
async def test_headers_of_any_bytes_do_no_harm(client: httpx.AsyncClient, name: str) -> None:
    """Connexion's issue 2040: they were a 500."""
    response = await client.get("/thing/1", headers={name: b"\xff\xfe;,="})
    assert response.status_code == 200


async def test_nobody_waits_while_a_large_body_is_checked(
    client: httpx.AsyncClient, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    accept = Form.accept

    def watched(form: Form, value: Any, data: bytes) -> Any:
        threads.append(threading.current_thread() is not threading.main_thread())
        return accept(form, value, data)

    monkeypatch.setattr(Form, "accept", watched)
    for text in ("a", "a" * LARGE):
        assert (await client.post("/thing", json={"@type": "Thing", "name": text})).status_code == 201
        assert shelf.body["name"] == text
    assert threads == [False, True]
