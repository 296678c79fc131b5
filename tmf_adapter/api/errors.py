"""Anything that went wrong becomes a TMF ``Error``; nothing internal leaves the house."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tmf_adapter.api.dispatch import ANSWERING
from tmf_adapter.tmf.errors import AdapterError, error_document
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.ids import new_id

JSON = "application/json"

_logger = logging.getLogger(__name__)


class JsonResponse(Response):
    """Starlette's response with its headers written at once: every request pays for this."""

    media_type = JSON

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if headers:
            self.raw_headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def respond(
    status: int, document: Doc | list[Any] | bytes | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A response: ``document`` as JSON, bytes unchanged as JSON, or no body at all for None."""
    if document is None:
        return Response(None, status, headers)
    return JsonResponse(status, document if isinstance(document, bytes) else orjson.dumps(document), headers)


class ErrorHandling:
    """Answers whatever was raised further in. The one broad ``except`` of the room.

    Stands where Connexion has Starlette's two middlewares, which wrap every message of every response to know whether
    one has begun (an eighth of a request); here dispatch says so in the scope, and what goes well pays nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http" or ANSWERING in scope:
                raise  # too late for another answer: the server logs it and drops the connection
            await error_response(error, scope)(scope, receive, send)


def error_response(error: Exception, scope: Scope) -> Response:
    """The response to a request that failed; to HEAD without its body."""
    status, document, headers = describe(error, f"{scope['method']} {scope['path']}")
    response = respond(status, document, headers)
    if scope["method"] == "HEAD":
        response.body = b""
    return response


def describe(error: Exception, what: str) -> tuple[int, Doc, dict[str, str]]:
    """Status, TMF ``Error`` and headers for ``error``; ``what`` was asked for, and is only logged."""
    match error:
        case AdapterError():
            return error.status, error.document(), error.headers
        case HTTPException(status_code=status, detail=detail) if status < 500:
            phrase = HTTPStatus(status).phrase
            message = detail if isinstance(detail, str) and detail != phrase else None
            return status, error_document(status, _camel(phrase), f"{phrase}.", message), dict(error.headers or {})
    return 500, incident(error, what), {}


def incident(error: Exception, what: str) -> Doc:
    """Log ``error`` under a new id, and say no more than that id to the client."""
    id_ = new_id()
    _logger.error("incident %s: %s", id_, what, exc_info=error)
    remedy = f"It is logged as incident {id_}; the operator of the adapter can look it up."
    return {**error_document(500, "internalError", "The adapter failed to answer.", remedy), "incident": id_}


def _camel(phrase: str) -> str:
    first, *rest = phrase.replace("-", " ").split()
    return first.lower() + "".join(word.capitalize() for word in rest)
