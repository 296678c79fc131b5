"""Anything that went wrong is a TMF Error, and nothing internal is in it."""

import asyncio
import logging

import httpx
import pytest
from connexion.exceptions import BadRequestProblem, OAuthProblem
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from tests.api.shelf import Shelf, assert_error
from tmf_adapter.api.dispatch import FastOperation, Request
from tmf_adapter.api.errors import ErrorHandling, respond
from tmf_adapter.tmf.errors import (
    AdapterError,
    BadQuery,
    Conflict,
    IllegalTransition,
    Invalid,
    LostRace,
    NotFound,
    Overloaded,
    TooLarge,
)


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (Invalid.at("/a", "is wrong"), 400, "invalidBody"),
        (BadQuery("No."), 400, "invalidQuery"),
        (NotFound("No."), 404, "notFound"),
        (Conflict("No."), 409, "conflict"),
        (IllegalTransition("a", "b", ["c"]), 409, "illegalTransition"),
        (LostRace("No."), 409, "lostRace"),
        (TooLarge("No."), 413, "tooLarge"),
        (Overloaded("No."), 503, "overloaded"),
        (HTTPException(404), 404, "notFound"),
        (HTTPException(406, "Only JSON."), 406, "notAcceptable"),
        (HTTPException(415), 415, "unsupportedMediaType"),
        (BadRequestProblem(detail="No."), 400, "badRequest"),
        (OAuthProblem("No token."), 401, "unauthorized"),
        (HTTPException(500, "secret"), 500, "internalError"),
        (KeyError("secret"), 500, "internalError"),
        (RecursionError("secret"), 500, "internalError"),
        (AdapterError("Unclassified."), 500, "internalError"),
    ],
)
async def test_whatever_is_raised_becomes_an_error_document(
    client: httpx.AsyncClient, shelf: Shelf, failure: Exception, status: int, code: str
) -> None:
    shelf.failure = failure
    response = await client.get("/thing/1")
    assert_error(response, status, code)
    assert "secret" not in response.text
    assert "Traceback" not in response.text


async def test_headers_that_belong_to_an_error_are_sent(client: httpx.AsyncClient, shelf: Shelf) -> None:
    shelf.failure = Overloaded("Later.")
    assert (await client.get("/thing/1")).headers["retry-after"] == "1"
    shelf.failure = HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    assert (await client.get("/thing/1")).headers["www-authenticate"] == "Bearer"


async def test_an_unforeseen_failure_is_logged_under_the_id_the_client_gets(
    client: httpx.AsyncClient, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.failure = KeyError("the secret cause")
    with caplog.at_level(logging.ERROR, "tmf_adapter.api.errors"):
        document = assert_error(await client.get("/thing/1"), 500, "internalError")
    record = caplog.records[-1]
    assert document["incident"] in record.getMessage()
    assert document["incident"] in document["message"]
    assert "GET /shelf/v1/thing/1" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is shelf.failure


async def test_an_expected_failure_is_not_logged(
    client: httpx.AsyncClient, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.failure = NotFound("No.")
    await client.get("/thing/1")
    assert not caplog.records


async def test_a_response_that_has_begun_is_not_answered_again() -> None:
    async def pieces():
        yield b"first"
        raise KeyError("in the middle")

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(pieces())

    messages = []

    async def send(message: dict[str, object]) -> None:
        messages.append(message["type"])

    async def receive() -> object:
        return await asyncio.Event().wait()  # the client stays

    scope = {"type": "http", "method": "GET", "path": "/", "tmf_adapter.request": Request("GET", {})}
    with pytest.raises(Exception, match="in the middle"):
        await ErrorHandling(FastOperation(stream))(scope, receive, send)
    assert messages.count("http.response.start") == 1


def test_a_response_takes_a_document_bytes_or_nothing() -> None:
    assert respond(200, {"a": 1}).body == b'{"a":1}'
    assert respond(200, [1]).body == b"[1]"
    assert respond(200, b"{}").body == b"{}"
    assert respond(204).body == b""
    assert "content-type" not in respond(204).headers
    assert dict(respond(201, {}, {"Location": "/x"}).headers) == {
        "content-type": "application/json",
        "content-length": "2",
        "location": "/x",
    }
