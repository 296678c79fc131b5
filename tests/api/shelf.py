"""The small document's handlers, which answer with what they were given, and a client for whatever is built of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.responses import Response
from starlette.types import ASGIApp

from tmf_adapter.api.dispatch import Handler, Request
from tmf_adapter.api.errors import respond
from tmf_adapter.api.server import Document, Lifespan, build, load

BASE = "/shelf/v1"
OPENAPI = Path(__file__).parents[2] / "openapi"


class Shelf:
    """Keeps the last request and answers with ``answer``, or fails with ``failure``."""

    def __init__(self) -> None:
        self.request: Request | None = None
        self.answer: Any = {"@type": "Thing", "id": "1", "name": "lamp"}
        self.failure: Exception | None = None

    @property
    def body(self) -> Any:
        assert self.request is not None
        return self.request.body

    def _handler(self, status: int) -> Handler:
        async def handle(request: Request) -> Response:
            self.request = request
            if self.failure:
                raise self.failure
            return respond(status, None if status == 204 else self.answer)

        return handle

    def operations(self) -> dict[str, Handler]:
        answered = dict.fromkeys(("listThing", "latestThing", "retrieveThing", "patchThing", "retrievePart"), 200)
        created = {"createThing": 201, "createHub": 201}
        silent = dict.fromkeys(("deleteThing", "putInline", "putInlineById"), 204)
        return {name: self._handler(status) for name, status in (answered | created | silent).items()}

    def document(self) -> Document:
        return Document(Path(__file__).with_name("small.yaml"), BASE, self.operations())

    def app(
        self, *, strict: bool = False, validate_responses: bool = False, lifespan: Lifespan | None = None
    ) -> ASGIApp:
        plain = {"/listener": {"POST": self._handler(204)}, "/health/live": {"GET": self._handler(200)}}
        return build([self.document()], plain, strict=strict, validate_responses=validate_responses, lifespan=lifespan)


def with_others(path: Path, operations: Mapping[str, Handler]) -> dict[str, Handler]:
    """The operations, and for all others of the document what fails a test that calls it."""

    async def uncalled(request: Request) -> Response:
        raise AssertionError(f"{request.method} {request.address} is not what this test is about")

    said = [one for item in load(path)["paths"].values() for one in item.values() if "operationId" in one]
    declared = [one["operationId"] for one in said]
    return dict.fromkeys(declared, uncalled) | dict(operations)


@asynccontextmanager
async def client_of(app: ASGIApp, base: str = BASE) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://adapter{base}") as client:
        yield client


def pointers(response: httpx.Response) -> list[str]:
    """Where an error says that something is wrong."""
    return [fault["pointer"] for fault in response.json().get("errors", [])]


def assert_error(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The response is a TMF ``Error`` of that kind."""
    document: dict[str, Any] = response.json()
    assert (response.status_code, document["code"]) == (status, code), document
    assert response.headers["content-type"] == "application/json"
    assert document["@type"] == "Error"
    assert document["status"] == str(status)
    assert document["reason"]
    return document
