"""Our own answers held against our own documents: for tests and CI, too slow for production."""

import gzip
from dataclasses import dataclass
from typing import Any

import orjson
from connexion.http_facts import METHODS
from connexion.middleware.abstract import ROUTING_CONTEXT, SpecMiddleware
from connexion.spec import Specification
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tmf_adapter.api.dispatch import REQUEST
from tmf_adapter.api.draft7 import SCHEMAS
from tmf_adapter.api.errors import incident, respond
from tmf_adapter.api.schemas import Schemas, faults
from tmf_adapter.tmf.errors import Fault


class WrongResponse(Exception):
    """We were about to send what our document does not promise. The text names operation, status and places."""

    def __init__(self, operation: str, status: int, found: tuple[Fault, ...]) -> None:
        places = "; ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in found)
        super().__init__(f"{operation} answered {status} against its document: {places}")


@dataclass(frozen=True, slots=True)
class Promise:
    """What one operation may answer: for each status, or ``default``, the media types and their schemas."""

    operation: str
    schemas: Schemas
    bodies: dict[str, dict[str, str]]

    def check(self, status: int, media_type: str, content: bytes) -> None:
        """Raise ``WrongResponse`` for a status, a media type or a body that is not declared."""
        if status == 304:
            return  # HTTP's own, and never with a body
        declared = self.bodies.get(str(status), self.bodies.get("default"))
        if declared is None:
            raise self._broken(status, "this status is not declared")
        if not content and not declared:
            return
        if media_type not in declared:
            raise self._broken(status, f"a body of type {media_type or 'none'!r} is not declared")
        validator = self.schemas.compiled(declared[media_type])
        body = orjson.loads(content)
        if not validator.is_valid(body):
            raise WrongResponse(self.operation, status, faults(validator, body))

    def _broken(self, status: int, message: str) -> WrongResponse:
        return WrongResponse(self.operation, status, (Fault("", message),))


class ResponseValidation(SpecMiddleware):
    """Stands outside error handling, so that errors are held against the document too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._promises: dict[tuple[str, str], Promise] = {}
        self._error: Promise | None = None

    def add_api(self, specification: Specification, **kwargs: Any) -> None:
        """Called by Connexion for each document, with what ``build`` gave it, once the stack is built."""
        schemas: Schemas = kwargs["schemas"]
        for path, item in schemas.raw["paths"].items():
            for method in METHODS & item.keys():
                promise = _promise(schemas, ("paths", path, method))
                self._promises[kwargs["base_path"], promise.operation] = promise
        error = SCHEMAS + "Error"
        if "Error" in schemas.raw.get("components", {}).get("schemas", {}):
            self._error = Promise("no operation", schemas, {"default": {"application/json": error}})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, keep)
        try:
            self._check(scope, messages)
        except WrongResponse as error:
            response = respond(500, incident(error, f"{scope['method']} {scope['path']}"))
            return await response(scope, receive, send)
        for message in messages:
            await send(message)

    def _check(self, scope: Scope, messages: list[Message]) -> None:
        if not messages or scope["method"] == "HEAD" or _is_in_dialect(scope):
            return
        status: int = messages[0]["status"]
        headers = dict(messages[0]["headers"])
        content = b"".join(message.get("body", b"") for message in messages[1:])
        if b"content-encoding" in headers:
            content = gzip.decompress(content)
        promise = self._promise_of(scope, status)
        if promise is not None:
            promise.check(status, headers.get(b"content-type", b"").decode("latin-1"), content)

    def _promise_of(self, scope: Scope, status: int) -> Promise | None:
        """Nothing is promised for a route that belongs to no document; where there is no route at all, an ``Error``."""
        context = scope.get("extensions", {}).get(ROUTING_CONTEXT)
        if context is not None:
            return self._promises[context["api_base_path"], context["operation_id"]]
        return self._error if REQUEST not in scope and status >= 400 else None


def _is_in_dialect(scope: Scope) -> bool:
    """What a partner is told in his own words is no longer what the document says."""
    return REQUEST in scope and scope[REQUEST].says is not None


def _promise(schemas: Schemas, where: tuple[str, ...]) -> Promise:
    _, operation = schemas.locate(*where)
    bodies = {status: schemas.contents(*where, "responses", status) for status in operation["responses"]}
    return Promise(operation["operationId"], schemas, bodies)
