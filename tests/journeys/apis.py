"""A server for every TM Forum API that mappings may call, which does what it is told.

Each API stands under its usual base path, with a hub of its own. A request that lacks what the API requires, or has
what it does not know, is refused with 400. What is created waits in its first state until somebody moves it:

* ``POST /control`` with ``{"id": ..., "set": {"state": "completed"}}`` changes a resource and tells the listeners;
  ``event`` names the event where it is not the change of its state.
* ``GET /control`` says what was asked for, in order, and what every resource is now.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import aiohttp
from aiohttp import web

from tmf_adapter.demo.listeners import Listeners
from tmf_adapter.demo.problems import external_ids, merge, now
from tmf_adapter.demo.serving import BODY_LIMIT, Doc, answer, arguments, read_object, refuse, serve
from tmf_adapter.tmf.operations import OPERATIONS, Operation, known_apis

FIRST = ("acknowledged", "initialized", "initial", "inProgress", "active", "accepted", "available")
"""What is new has the first of these that its API knows."""


Handled = Callable[[web.Request], Awaitable[web.Response]]


class Apis:
    """The server; ``apis`` are those that it has."""

    def __init__(self, apis: Iterable[str]) -> None:
        self._listeners = {api: Listeners() for api in apis}
        self._rows = {name: row for name, row in OPERATIONS.items() if row.api in self._listeners}
        self._resources: dict[str, Doc] = {}
        self._kinds: dict[str, Operation] = {}
        self._asked: list[Doc] = []

    def app(self) -> web.Application:
        """The server."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.cleanup_ctx.append(self._open)
        app.add_routes([web.get("/control", self.tell), web.post("/control", self.control)])
        for base, api in {row.base: row.api for row in self._rows.values()}.items():
            app.add_routes(
                [web.post(base + "/hub", self._register(api)), web.delete(base + "/hub/{id}", self._unregister(api))]
            )
        for name, row in self._rows.items():
            app.router.add_route(row.method, row.base + row.path, self._called(name, row))
        for collection, row in {row.base + row.path.partition("/{id}")[0]: row for row in self._rows.values()}.items():
            app.add_routes([web.get(collection, self._find(row)), web.get(collection + "/{id}", self.get)])
        return app

    # -- resources -----------------------------------------------------------------------------------------------------

    def _called(self, name: str, row: Operation) -> Handled:
        async def call(request: web.Request) -> web.Response:
            body: Doc | None = {} if row.method == "DELETE" else await read_object(request)
            if body is None:
                return refuse(400, "the body is no JSON object")
            if missing := sorted(row.required - body.keys()):
                return refuse(400, f"required: {', '.join(missing)}")
            if unknown := sorted(body.keys() - row.members.keys() - row.required):
                return refuse(400, f"unknown: {', '.join(unknown)}")
            id_, is_new = request.match_info.get("id") or str(uuid.uuid4()), not row.needs_target
            key = request.headers.get("idempotency-key")
            self._asked.append({"call": name, "id": id_, "idempotency-key": key, "body": body})
            if row.method == "DELETE":
                self._resources.pop(id_, None)
                return web.Response(status=204)
            self._kinds[id_] = row
            if is_new:
                href = f"{request.url.origin()}{row.base}{row.path}/{id_}"
                self._resources[id_] = {row.state_member: _first(row), **body, "id": id_, "href": href}
                return answer(self._resources[id_], 201, {"location": href})
            # What stands in an inventory is there before anybody asks.
            return answer(merge(self._resources.setdefault(id_, {"id": id_}), body))

        return call

    def _find(self, row: Operation) -> Handled:
        async def find(request: web.Request) -> web.Response:
            wanted = set(request.query.values())
            known = (made for id_, made in self._resources.items() if self._kinds[id_].resource == row.resource)
            return answer([made for made in known if not wanted or wanted & _carried(made)])

        return find

    async def get(self, request: web.Request) -> web.Response:
        found = self._resources.get(request.match_info["id"])
        return answer(found) if found else refuse(404, "no such resource")

    # -- hubs ----------------------------------------------------------------------------------------------------------

    def _register(self, api: str) -> Handled:
        async def register(request: web.Request) -> web.Response:
            body = await read_object(request)
            if body is None or not isinstance(body.get("callback"), str):
                return refuse(400, "required: callback")
            hub = self._listeners[api].register(body)
            return answer(hub, 201) if hub else refuse(409, "is registered already")

        return register

    def _unregister(self, api: str) -> Handled:
        async def unregister(request: web.Request) -> web.Response:
            known = self._listeners[api].unregister(request.match_info["id"])
            return web.Response(status=204) if known else refuse(404, "no such registration")

        return unregister

    # -- control -------------------------------------------------------------------------------------------------------

    async def tell(self, request: web.Request) -> web.Response:
        hubs = {api: len(listeners.registered) for api, listeners in self._listeners.items()}
        return answer({"asked": self._asked, "resources": self._resources, "hubs": hubs})

    async def control(self, request: web.Request) -> web.Response:
        wish = await read_object(request) or {}
        found, changes = self._resources.get(str(wish.get("id"))), wish.get("set")
        if found is None or not isinstance(changes, dict):
            return refuse(400, "required: id, of a resource, and set, its new members")
        merge(found, changes)
        row = self._kinds[found["id"]]
        self._listeners[row.api].tell(_event(row, found, wish.get("event") or _usual(row)))
        return web.Response(status=204)

    async def _open(self, app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(trust_env=False) as session:
            for listeners in self._listeners.values():
                listeners.session = session
            yield
            for listeners in self._listeners.values():
                await listeners.close()


def _first(row: Operation) -> str:
    return next((state for state in FIRST if state in row.statuses), FIRST[0])


def _carried(made: Doc) -> set[str]:
    """Every text that a look for our operation id may find."""
    lists = (made.get(name) or () for name in ("characteristic", "serviceCharacteristic", "note"))
    entries = [entry for listed in lists for entry in listed if isinstance(entry, dict)]
    carried = {str(entry.get("value") or entry.get("text")) for entry in entries}
    return carried | external_ids(made) | {str(made.get("externalId"))}


def _usual(row: Operation) -> str:
    """The event that tells of a state; APIs that have none of that kind tell of attributes."""
    told = (event for event in row.results if event.endswith(("StateChangeEvent", "StatusChangeEvent")))
    exact = {f"{row.resource}{kind}ChangeEvent".lower() for kind in ("State", "Status")}
    return next((event for event in told if event.lower() in exact), min(row.results))


def _event(row: Operation, resource: Doc, type_: str) -> Doc:
    moment = now()
    payload = {row.resource: {name: value for name, value in resource.items() if name != "href"}}
    return {"eventId": str(uuid.uuid4()), "eventType": type_, "eventTime": moment, "event": payload}


def main() -> None:
    """The command line."""
    parser = arguments("A server for the TM Forum APIs that mappings may call; it does what it is told.")
    parser.add_argument("apis", nargs="*", help="such as tmf622; every one when none is named")
    options = parser.parse_args()
    asyncio.run(serve(Apis(options.apis or known_apis()).app(), options.host, options.port))


if __name__ == "__main__":
    main()
