"""Which operation a request means: a dictionary for fixed paths, a tree of segments for those with parameters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from connexion.http_facts import METHODS
from connexion.middleware.abstract import ROUTING_CONTEXT, SpecMiddleware
from connexion.spec import Specification
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tmf_adapter.api.access import Access, Protected
from tmf_adapter.api.dispatch import REQUEST, Request
from tmf_adapter.tmf.errors import MethodNotAllowed, NotFound

Target = dict[str, Any] | ASGIApp
"""Connexion's routing context of an operation, or, for a route that belongs to no document, what answers it."""


@dataclass(slots=True)
class Route:
    """What is possible at one path. ``names`` are its parameters in the order in which they stand in it."""

    names: tuple[str, ...]
    targets: dict[str, Target]
    allow: str

    @classmethod
    def of(cls, path: str, targets: Mapping[str, Target]) -> "Route":
        """``targets`` by method; HEAD goes where GET goes, OPTIONS says what there is."""
        names = tuple(name for segment in path.split("/") if (name := _parameter(segment)))
        possible = {*targets, "OPTIONS"} | ({"HEAD"} if "GET" in targets else set())
        allow = ", ".join(sorted(possible))
        every: dict[str, Target] = {"OPTIONS": Response(status_code=204, headers={"Allow": allow}), **targets}
        if "GET" in targets:
            every.setdefault("HEAD", targets["GET"])
        return cls(names, every, allow)


@dataclass(slots=True)
class _Node:
    """A segment of a path and what may follow it."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    route: Route | None = None


class Routes:
    """Every route there is. A literal segment wins over a parameter, as OpenAPI wants it."""

    def __init__(self) -> None:
        self._fixed: dict[str, Route] = {}
        self._root = _Node()

    def add(self, path: str, targets: Mapping[str, Target]) -> None:
        """A path, absolute and unencoded, its parameters whole segments in braces."""
        route = Route.of(path, targets)
        node = self._root
        for segment in path.split("/"):
            node = _grown(node, segment)
        if node.route is not None:
            raise ValueError(f"{path} is declared twice")
        node.route = route
        if not route.names:
            self._fixed[path] = route

    def find(self, path: str, raw_path: bytes) -> tuple[Route, list[str]] | None:
        """The route and the values of its parameters. One trailing slash is tolerated; ``%2F`` separates nothing."""
        if b"%" in raw_path:
            segments = _decoded(raw_path)
        elif route := self._fixed.get(path):
            return route, []
        else:
            segments = path.split("/")
        if segments[-1] == "" and len(segments) > 2:
            segments.pop()
        return self._walk(segments)

    def _walk(self, segments: Iterable[str]) -> tuple[Route, list[str]] | None:
        node = self._root
        values: list[str] = []
        for segment in segments:
            if child := node.children.get(segment):
                node = child
            elif segment and node.parameter:
                node = node.parameter
                values.append(segment)
            else:
                return None
        return (node.route, values) if node.route else None


class FastRouting(SpecMiddleware):
    """Puts the ``Request`` and Connexion's routing context into the scope, or ends the request here.

    ``plain`` are the routes that belong to no document: path, method, what answers.
    """

    def __init__(self, app: ASGIApp, plain: Mapping[str, Mapping[str, ASGIApp]]) -> None:
        self.app = app
        self.routes = Routes()
        for path, targets in plain.items():
            self.routes.add(path, targets)

    def add_api(self, specification: Specification, **kwargs: Any) -> None:
        """Called by Connexion for each document, with what ``build`` gave it, once the stack is built."""
        base = specification.base_path = kwargs["base_path"]
        access: Access | None = kwargs["access"]
        for path, item in specification["paths"].items():
            targets: dict[str, Target] = {
                method.upper(): self._target({"api_base_path": base, "operation_id": operation["operationId"]}, access)
                for method, operation in item.items()
                if method in METHODS
            }
            self.routes.add(base + path, targets)

    def _target(self, context: dict[str, Any], access: Access | None) -> Target:
        return Protected(access, context, self.app) if access else context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._not_http(scope, receive, send)
        path: str = scope["path"]
        found = self.routes.find(path, scope.get("raw_path") or path.encode())
        if found is None:
            raise NotFound("There is nothing at this address.")
        route, values = found
        method: str = scope["method"]
        target = route.targets.get(method)
        if target is None:
            raise MethodNotAllowed(method, route.allow)
        parameters = dict(zip(route.names, values, strict=True)) if values else {}
        scope[REQUEST] = Request(method, parameters, scope["headers"], address=scope["path"])
        if isinstance(target, dict):
            scope.setdefault("extensions", {})[ROUTING_CONTEXT] = target
            target = self.app
        await target(scope, receive, send)

    async def _not_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close"})
        await self.app(scope, receive, send)


def _grown(node: _Node, segment: str) -> _Node:
    """The node that follows ``node`` by ``segment``, made if there is none."""
    if _parameter(segment):
        node.parameter = node.parameter or _Node()
        return node.parameter
    return node.children.setdefault(segment, _Node())


def _parameter(segment: str) -> str | None:
    if "{" not in segment:
        return None
    if not (segment.startswith("{") and segment.endswith("}")):
        raise ValueError(f"a path parameter must be a whole segment, not {segment!r}")
    return segment[1:-1]


def _decoded(raw_path: bytes) -> list[str]:
    """The segments, each decoded by itself. Bytes that are no text name nothing, nor does NUL: no database keeps it."""
    try:
        segments = [unquote_to_bytes(segment).decode() for segment in raw_path.split(b"/")]
    except UnicodeDecodeError:
        raise NotFound("The address is not percent-encoded UTF-8.") from None
    if any("\0" in segment for segment in segments):
        raise NotFound("There is nothing at this address.")
    return segments
