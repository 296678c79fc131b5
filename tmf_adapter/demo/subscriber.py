"""A subscriber: takes every notification POSTed to it, on any path, and remembers what came how often.

``GET /received`` says what it has. ``POST /control`` makes it misbehave for the next ``times`` notifications:

======== =============================================================================
ok       taken, 204
error    refused with 500
redirect refused with 307 to ``/elsewhere``
reset    refused, the connection is reset
hang     taken, but no answer for ``seconds`` (3600), then no connection either
drip     taken, but the answer's body comes at one byte every ``seconds`` (0.5)
flood    taken, but the answer's body does not end for ``seconds`` (10)
======== =============================================================================

What is taken is remembered although the sender may never hear of it, so that it comes again: a duplicate.
"""

import asyncio

import orjson
from aiohttp import web

from tmf_adapter.demo import faults
from tmf_adapter.demo.faults import OK, Faults
from tmf_adapter.demo.serving import BODY_LIMIT, Doc, answer, arguments, read_object, refuse, serve

MODES = {OK: 0.0, "error": 0.0, "redirect": 0.0, "reset": 0.0, "hang": 3_600.0, "drip": 0.5, "flood": 10.0}
REFUSING = ("error", "redirect", "reset")


class Subscriber:
    """Remembers in the order of arrival."""

    def __init__(self) -> None:
        self._faults = Faults(MODES)
        self._taken: list[Doc] = []
        self._refused = 0
        self._open = 0

    def app(self) -> web.Application:
        """The server."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.add_routes(
            [
                web.get("/received", self.received),
                web.post("/control", self.control),
                web.post("/{path:.*}", self.take),
            ]
        )
        return app

    async def take(self, request: web.Request) -> web.StreamResponse:
        mode, seconds = self._faults.take()
        content = await request.read()
        if mode in REFUSING:
            self._refused += 1
            return _refusal(request, mode)
        self._taken.append(_record(request, content, len(self._taken) + 1))
        self._open += 1
        try:
            return await _acceptance(request, mode, seconds)
        finally:
            self._open -= 1

    async def received(self, request: web.Request) -> web.Response:
        """``open``: taken, and the answer is not finished; ``refused``: those that were not taken."""
        distinct = len({record["eventId"] for record in self._taken})
        return answer(
            {
                "notifications": distinct,
                "duplicates": len(self._taken) - distinct,
                "events": self._taken,
                "refused": self._refused,
                "open": self._open,
            }
        )

    async def control(self, request: web.Request) -> web.Response:
        body = await read_object(request) or {}
        wrong = self._faults.plan(body.get("mode"), body)
        return refuse(400, wrong) if wrong else web.Response(status=204)


def _refusal(request: web.Request, mode: str) -> web.StreamResponse:
    match mode:
        case "redirect":
            return web.Response(status=307, headers={"location": f"{request.url.origin()}/elsewhere"})
        case "reset":
            return faults.reset(request)
        case _:
            return refuse(500, "told to refuse")


async def _acceptance(request: web.Request, mode: str, seconds: float) -> web.StreamResponse:
    match mode:
        case "hang":
            return await faults.hang(request, seconds)
        case "drip":
            return await faults.drip(request, 200, b'{"taken": true}' + b" " * 1_000, seconds)
        case "flood":
            return await faults.flood(request, seconds)
        case _:
            return web.Response(status=204)


def _record(request: web.Request, content: bytes, order: int) -> Doc:
    """What is kept of a notification; one without an ``eventId`` counts as itself."""
    event = _parsed(content)
    payload = event.get("event")
    resource = next(iter(payload.values()), None) if isinstance(payload, dict) else None
    known: Doc = resource if isinstance(resource, dict) else {}
    return {
        "order": order,
        "path": request.path,
        "eventId": event.get("eventId") or f"without eventId, {order}",
        "eventType": event.get("eventType"),
        "id": known.get("id"),
        "status": known.get("status"),
        "webhook-id": request.headers.get("webhook-id"),
    }


def _parsed(content: bytes) -> Doc:
    try:
        event = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def main() -> None:
    """The command line."""
    options = arguments("A subscriber that remembers the notifications it gets.").parse_args()
    asyncio.run(serve(Subscriber().app(), options.host, options.port))


if __name__ == "__main__":
    main()
