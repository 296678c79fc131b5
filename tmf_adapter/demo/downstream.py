"""A TMF656 v5 server that stands for an SM&O system: it takes service problems and decides how they end.

It ignores ``Idempotency-Key`` on purpose, so that only a look before a repetition keeps a problem from being opened
twice. Beside the API it has ``/control``: GET says what happened; POST makes the next creates fail:

================== ===========================================================================
ok                 as it should be
error500, error400 refused, nothing created
nonsense           201 with a page of HTML, nothing created
hang               nothing created, no answer for ``seconds`` (3600), then no connection either
reset              nothing created, the connection is reset
drip               created, but the answer comes at one byte every ``seconds`` (0.5)
drop-after-create  created, but the connection closes without an answer
hang-after-create  created, but as ``hang``
late-event-first   created, and every event is sent before the answer
================== ===========================================================================
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import orjson
from aiohttp import web

from tmf_adapter.demo import faults
from tmf_adapter.demo.faults import OK, Faults
from tmf_adapter.demo.listeners import Listeners
from tmf_adapter.demo.problems import CHANGED, CREATED, Problems, decide, event_of, merge, missing, move
from tmf_adapter.demo.serving import BODY_LIMIT, Doc, answer, arguments, read_object, refuse, serve

BASE = "/tmf-api/serviceProblemManagement/v5"
COLLECTION = f"{BASE}/serviceProblem"
FILTERS = ("externalIdentifier.id", "status")
MODES = {
    OK: 0.0,
    "error500": 0.0,
    "error400": 0.0,
    "nonsense": 0.0,
    "hang": 3_600.0,
    "reset": 0.0,
    "drip": 0.5,
    "drop-after-create": 0.0,
    "hang-after-create": 3_600.0,
    "late-event-first": 5.0,
}


class Downstream:
    """``delay`` is the pause before each status that a problem takes, in seconds."""

    def __init__(self, delay: float = 0.3) -> None:
        self._delay = delay
        self._problems = Problems()
        self._listeners = Listeners()
        self._faults = Faults(MODES)
        self._requests: list[Doc] = []
        self._plays: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        """The server."""
        app = web.Application(middlewares=[self._record], client_max_size=BODY_LIMIT)
        app.cleanup_ctx.append(self._open)
        app.add_routes(
            [
                web.post(COLLECTION, self.create),
                web.get(COLLECTION, self.find),
                web.get(COLLECTION + "/{id}", self.get),
                web.patch(COLLECTION + "/{id}", self.patch),
                web.post(BASE + "/hub", self.register),
                web.delete(BASE + "/hub/{id}", self.unregister),
                web.get("/control", self.tell),
                web.post("/control", self.control),
            ]
        )
        return app

    # -- serviceProblem ------------------------------------------------------------------------------------------------

    async def create(self, request: web.Request) -> web.StreamResponse:
        mode, seconds = self._faults.take()
        match mode:
            case "error500" | "error400":
                return refuse(int(mode[-3:]), "told to refuse")
            case "nonsense":
                return web.Response(status=201, text="<html>Please log in</html>", content_type="text/html")
            case "hang":
                return await faults.hang(request, seconds)
            case "reset":
                return faults.reset(request)
        body = await read_object(request)
        if body is None:
            return refuse(400, "the body is no JSON object")
        if names := missing(body):
            return refuse(400, f"required: {', '.join(names)}")
        problem = self._problems.create(body, f"{request.url.origin()}{COLLECTION}")
        return await self._answer_create(request, problem, mode, seconds)

    async def _answer_create(self, request: web.Request, problem: Doc, mode: str, seconds: float) -> web.StreamResponse:
        created = dict(problem)
        self._listeners.tell(event_of(problem, CREATED))
        if mode == "late-event-first":
            await self._play(problem, delay=0)
            await self._listeners.settle(seconds)
        else:
            play = asyncio.create_task(self._play(problem, self._delay))
            self._plays.add(play)
            play.add_done_callback(self._plays.discard)
        match mode:
            case "drip":
                return await faults.drip(request, 201, orjson.dumps(created), seconds)
            case "drop-after-create":
                return faults.drop(request)
            case "hang-after-create":
                return await faults.hang(request, seconds)
        return answer(created, 201, {"location": problem["href"]})

    async def find(self, request: web.Request) -> web.Response:
        if unknown := sorted(set(request.query) - {*FILTERS}):
            return refuse(400, f"no filter: {', '.join(unknown)}")
        ids, statuses = (request.query.getall(name, []) for name in FILTERS)
        found = self._problems.find(ids, statuses)
        return answer(found, headers={"x-total-count": str(len(found)), "x-result-count": str(len(found))})

    async def get(self, request: web.Request) -> web.Response:
        problem = self._problems.by_id.get(request.match_info["id"])
        return answer(problem) if problem else refuse(404, "no such problem")

    async def patch(self, request: web.Request) -> web.Response:
        problem = self._problems.by_id.get(request.match_info["id"])
        body = await read_object(request)
        if problem is None or body is None:
            return refuse(404, "no such problem") if problem is None else refuse(400, "the body is no JSON object")
        before = problem["status"]
        merge(problem, {name: value for name, value in body.items() if name not in ("id", "href")})
        if problem["status"] != before:
            move(problem, problem["status"], body.get("statusChangeReason"))
            self._listeners.tell(event_of(problem, CHANGED))
        return answer(problem)

    async def _play(self, problem: Doc, delay: float) -> None:
        """Work on a problem until it is decided, or somebody else has changed its status."""
        decision = decide(problem)
        for number, following in enumerate(decision.way, start=1):
            status = problem["status"]
            await asyncio.sleep(delay)
            if problem["status"] != status:
                return
            if following == status:
                continue
            last = number == len(decision.way)
            move(problem, following, decision.reason if last else None, decision.characteristic if last else ())
            self._listeners.tell(event_of(problem, CHANGED))

    # -- hub -----------------------------------------------------------------------------------------------------------

    async def register(self, request: web.Request) -> web.Response:
        body = await read_object(request)
        if body is None or not isinstance(body.get("callback"), str):
            return refuse(400, "required: callback")
        hub = self._listeners.register(body)
        return (
            answer(hub, 201, {"location": f"{BASE}/hub/{hub['id']}"}) if hub else refuse(409, "is registered already")
        )

    async def unregister(self, request: web.Request) -> web.Response:
        if self._listeners.unregister(request.match_info["id"]):
            return web.Response(status=204)
        return refuse(404, "no such registration")

    # -- control -------------------------------------------------------------------------------------------------------

    async def tell(self, request: web.Request) -> web.Response:
        problems = [*self._problems.by_id.values()]
        return answer(
            {
                "creates": len(problems),
                "requests": self._requests,
                "problems": problems,
                "by_operation": self._problems.by_operation(),
                "listeners": [*self._listeners.registered.values()],
                "undelivered": self._listeners.undelivered(),
            }
        )

    async def control(self, request: web.Request) -> web.Response:
        body = await read_object(request) or {}
        wrong = self._faults.plan(body.get("create"), body)
        return refuse(400, wrong) if wrong else web.Response(status=204)

    @web.middleware
    async def _record(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.path != "/control":
            key = request.headers.get("idempotency-key")
            self._requests.append({"method": request.method, "path": request.path_qs, "idempotency-key": key})
        return await handler(request)

    async def _open(self, app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(trust_env=False) as self._listeners.session:
            yield
            for play in self._plays:
                play.cancel()
            await self._listeners.close()


def main() -> None:
    """The command line."""
    parser = arguments("A TMF656 v5 server that stands for an SM&O system.")
    parser.add_argument("--delay", type=float, default=0.3, help="seconds between two statuses (default: %(default)s)")
    options = parser.parse_args()
    asyncio.run(serve(Downstream(options.delay).app(), options.host, options.port))


if __name__ == "__main__":
    main()
