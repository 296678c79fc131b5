"""From a routed request to the function that answers it: what a function is given, and how it is called."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.operations.abstract import AbstractOperation
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tmf_adapter.api import compression
from tmf_adapter.tmf.dialect import Saying
from tmf_adapter.tmf.errors import NotFound

REQUEST = "tmf_adapter.request"
"""Where in the ASGI scope the ``Request`` travels: routing makes it, validation fills it, dispatch hands it over."""
ANSWERING = "tmf_adapter.answering"
"""In the scope once a response has begun, so that what fails from then on is not answered a second time."""


@dataclass(slots=True)
class Request:
    """What a handler sees of a request. ``body`` is parsed and valid, ``query`` decoded and in the order it was sent.

    ``path`` are the parameters in the path, ``address`` is the path itself. ``media_type`` is the declared one that the
    body was read as; empty without a body. ``caller``: who asks, for the record, where the document says who may.
    ``says``: the words in which the partner who asks wants the answer.
    """

    method: str
    path: dict[str, str]
    headers: Sequence[tuple[bytes, bytes]] = ()
    query: list[tuple[str, str]] = field(default_factory=list)
    body: Any = None
    media_type: str = ""
    caller: str = ""
    address: str = ""
    says: Saying | None = None

    def header(self, name: str) -> str | None:
        """The first header of that (lower case) name."""
        wanted = name.encode("latin-1")
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), None)


Handler = Callable[[Request], Awaitable[Response]]
"""What answers an operation. Whatever it raises becomes a TMF ``Error``."""


class FastOperation:
    """Calls one handler and sends its response; HEAD gets the headers of GET and no body."""

    __slots__ = ("_handler",)

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request: Request = scope[REQUEST]
        response = await self._handler(request)
        if request.says is not None and response.body and response.status_code < 300:
            response.body = orjson.dumps(request.says.write(orjson.loads(response.body)))
            response.headers["content-length"] = str(len(response.body))
        if len(getattr(response, "body", b"")) >= compression.FROM:  # a stream has none
            compression.compress(request.header("accept-encoding"), response)
        scope[ANSWERING] = True
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)


class FastApi(RoutedAPI[FastOperation]):
    """The operations of one document, each bound to its handler."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> FastOperation:
        return FastOperation(operation.function)


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """Behind the last room there is nothing; routing has let nothing through that gets here."""
    raise NotFound("There is nothing at this address.")


class FastApp(RoutedMiddleware[FastApi]):
    """The application that the middlewares wrap: it only dispatches."""

    api_cls = FastApi

    def __init__(self) -> None:
        super().__init__(_not_found)
