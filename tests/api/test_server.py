"""Documents made into an application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.shelf import BASE, Shelf, assert_error, client_of
from tmf_adapter.api.server import Document, build, load


def test_an_operation_without_a_function_is_refused(shelf: Shelf) -> None:
    document = shelf.document()
    left = {name: one for name, one in document.operations.items() if name not in ("listThing", "putInline")}
    with pytest.raises(ValueError, match=r"small\.yaml declares listThing, putInline, which no function answers"):
        build([replace(document, operations=left)], {}, strict=False)


def test_a_function_for_no_operation_is_refused(shelf: Shelf) -> None:
    document = shelf.document()
    misspelt = replace(document, operations={**document.operations, "creatThing": document.operations["createThing"]})
    with pytest.raises(ValueError, match=r"small\.yaml declares no creatThing"):
        build([misspelt], {}, strict=False)


def test_a_faulty_document_is_refused_when_it_is_built(tmp_path: Path, shelf: Shelf) -> None:
    path = tmp_path / "faulty.yaml"
    path.write_text("{openapi: 3.0.3, info: {title: t, version: '1'}, paths: {/a: {get: {operationId: a}}}}")
    with pytest.raises(Exception, match="responses"):
        build([Document(path, "/a/v1", dict.fromkeys(["a"], shelf.operations()["listThing"]))], {}, strict=False)


async def test_the_document_is_served(client: httpx.AsyncClient, shelf: Shelf) -> None:
    response = await client.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == load(shelf.document().path)


async def test_documents_share_operation_ids_and_nothing_else(shelf: Shelf) -> None:
    other = Shelf()
    other.answer = {"@type": "Thing", "id": "2"}
    documents = [shelf.document(), replace(other.document(), base_path="/shelf/v2")]
    async with client_of(build(documents, {}, strict=True), "") as client:
        assert (await client.get("/shelf/v1/thing/x")).json()["id"] == "1"
        assert (await client.get("/shelf/v2/thing/x")).json()["id"] == "2"
        assert_error(await client.get("/shelf/v3/thing/x"), 404, "notFound")


async def test_a_plain_route_takes_any_json(client: httpx.AsyncClient, shelf: Shelf) -> None:
    response = await client.post("http://adapter/listener", json={"eventId": "1"}, params={"a": "b"})
    assert response.status_code == 204
    assert shelf.request is not None
    assert (shelf.request.body, shelf.request.query) == ({"eventId": "1"}, [("a", "b")])


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [(b"{", "application/json", 400), (b"", "application/json", 400), (b"{}", "text/xml", 415)],
)
async def test_a_plain_route_refuses_what_is_no_json(
    client: httpx.AsyncClient, content: bytes, content_type: str, status: int
) -> None:
    response = await client.post("http://adapter/listener", content=content, headers={"content-type": content_type})
    assert response.status_code == status


async def test_a_plain_route_has_methods_like_any_other(client: httpx.AsyncClient) -> None:
    assert (await client.head("http://adapter/health/live")).status_code == 200
    response = await client.get("http://adapter/listener")
    assert_error(response, 405, "methodNotAllowed")
    assert response.headers["allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("given", [True, False])
async def test_the_lifespan_is_entered_and_left(shelf: Shelf, given: bool) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        seen.append("up")
        yield
        seen.append("down")

    received = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": next(received)}

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    await shelf.app(lifespan=lifespan if given else None)({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert seen == (["up", "down"] if given else [])


def test_the_path_of_the_base_comes_from_the_caller(shelf: Shelf) -> None:
    """TMF656's own ``servers`` has an empty path, which would swallow every other API."""
    assert shelf.document().base_path == BASE
    assert "servers" not in load(shelf.document().path)
