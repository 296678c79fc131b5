"""What the codec bench compares: a bare Starlette handler, our stack before a stub, our stack before an idle desk."""

from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import Route

from tests.api.shelf import with_others
from tests.bench.ticket import BASE, TICKET
from tmf_adapter.api.dispatch import Request
from tmf_adapter.api.errors import respond
from tmf_adapter.api.server import Document, build, load, settle
from tmf_adapter.api.tmf621_v5 import Tmf621V5
from tmf_adapter.tmf.events import Doc, Stored, Text

_OPENAPI = Path(__file__).parents[2] / "openapi"
_ID = "0199f6a2-7c1e-7f10-9d58-3b1a4c5e6f70"
_HREF = f"http://127.0.0.1{BASE}/troubleTicket/{_ID}"
_STORED = orjson.dumps({"id": _ID, "href": _HREF, **TICKET})


async def _bare_create(request: StarletteRequest) -> Response:
    body = orjson.loads(await request.body())
    return Response(orjson.dumps(body), 201, {"Location": _HREF}, "application/json")


async def _bare_retrieve(request: StarletteRequest) -> Response:
    return Response(_STORED, media_type="application/json")


def bare() -> Any:
    """Parses and answers; validates nothing."""
    app = Starlette(
        routes=[
            Route(f"{BASE}/troubleTicket", _bare_create, methods=["POST"]),
            Route(f"{BASE}/troubleTicket/{{id}}", _bare_retrieve, methods=["GET"]),
        ]
    )
    settle()  # it gets the same as ours
    return app


async def _create(request: Request) -> Response:
    return respond(201, request.body, {"Location": _HREF})


async def _retrieve(request: Request) -> Response:
    return respond(200, _STORED)


def stub() -> Any:
    """Our routing, validation and dispatch before handlers that do what the bare ones do."""
    operations = {"createTroubleTicket": _create, "retrieveTroubleTicket": _retrieve}
    return _built(with_others(_OPENAPI / "tmf621-v5.yaml", operations))


class _IdleDesk:
    async def open(self, body: Doc, *, key: str | None = None) -> Stored:
        return Stored({"id": _ID, "href": _HREF, **body})

    async def fetch(self, id: str) -> Text:
        return Text(_STORED, 1)


def desk() -> Any:
    """The functions of TMF621 v5 as well, before a desk that keeps nothing."""
    nobody: Any = None
    idle: Any = _IdleDesk()
    return _built(Tmf621V5(load(_OPENAPI / "tmf621-v5.yaml"), idle, nobody, nobody, idle).operations())


def _built(operations: Any) -> Any:
    problems = _OPENAPI / "tmf656-v5.yaml"
    documents = [
        Document(_OPENAPI / "tmf621-v5.yaml", BASE, operations),
        Document(problems, "/tmf-api/serviceProblemManagement/v5", with_others(problems, {})),
    ]
    app = build(documents, {}, strict=True)
    settle()  # as the adapter does
    return app


def __getattr__(name: str) -> Any:
    """``bare_app`` and so on, built when uvicorn asks for it: each process needs one only."""
    if name.endswith("_app"):
        return {"bare": bare, "stub": stub, "desk": desk}[name.removesuffix("_app")]()
    raise AttributeError(name)
