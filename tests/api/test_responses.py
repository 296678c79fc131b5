"""Our own answers held against our own documents."""

import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.shelf import Shelf, assert_error, client_of
from tmf_adapter.tmf.errors import AdapterError, NotFound


@pytest.fixture
async def checked(shelf: Shelf) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shelf.app(validate_responses=True)) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "answer", "status"),
    [
        ("GET", "/thing/1", {"@type": "Thing", "id": "1"}, 200),
        ("GET", "/thing", [{"@type": "Thing", "id": "1"}], 200),
        ("GET", "/thing", [], 200),
        ("HEAD", "/thing/1", {"@type": "Thing", "id": "1"}, 200),
        ("DELETE", "/thing/1", None, 204),
        ("GET", "/nothing", None, 404),
        ("PUT", "/thing", None, 405),
        ("OPTIONS", "/thing", None, 204),
        ("GET", "/openapi.json", None, 200),
        ("GET", "http://adapter/health/live", {"any": "thing"}, 200),
    ],
)
async def test_what_is_promised_passes(
    checked: httpx.AsyncClient, shelf: Shelf, method: str, path: str, answer: Any, status: int
) -> None:
    shelf.answer = answer
    assert (await checked.request(method, path)).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "answer", "text"),
    [
        ("GET", "/thing/1", {"@type": "Thing"}, "retrieveThing answered 200 against its document: /id: is required"),
        (
            "GET",
            "/thing",
            [{"@type": "T", "id": "1"}, {"@type": "T", "id": 2}],
            "listThing answered 200 .* /1/id: must be",
        ),
        ("GET", "/thing", {"@type": "Thing", "id": "1"}, "must be an array"),
        ("POST", "/hub", {"@type": "Hub"}, "createHub answered 201 .* 'application/json' is not declared"),
    ],
)
async def test_what_is_not_promised_is_an_incident_that_names_operation_and_place(
    checked: httpx.AsyncClient,
    shelf: Shelf,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    answer: Any,
    text: str,
) -> None:
    shelf.answer = answer
    body = {"callback": "http://x"} if method == "POST" else None
    with caplog.at_level(logging.ERROR):
        response = await checked.request(method, path, json=body)
    assert_error(response, 500, "internalError")
    assert caplog.records[-1].exc_info is not None
    assert re.search(text, str(caplog.records[-1].exc_info[1]))


async def test_an_error_is_held_against_the_document_too(checked: httpx.AsyncClient, shelf: Shelf) -> None:
    class Strange(AdapterError):
        def document(self) -> dict[str, Any]:
            return {"oops": "no code, no reason"}

    shelf.failure = Strange("No.")
    document = assert_error(await checked.get("/thing/1"), 500, "internalError")
    assert "incident" in document
    shelf.failure = NotFound("No.")
    assert_error(await checked.get("/thing/1"), 404, "notFound")


async def test_a_status_that_is_not_declared_is_an_incident(checked: httpx.AsyncClient, shelf: Shelf) -> None:
    """putInline declares 204 and no default."""
    shelf.failure = NotFound("No.")
    assert_error(await checked.put("/inline", json={"size": 1}), 500, "internalError")


async def test_production_does_not_look(client: httpx.AsyncClient, shelf: Shelf) -> None:
    shelf.answer = {"not": "a thing"}
    assert (await client.get("/thing/1")).status_code == 200
