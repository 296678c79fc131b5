"""Our documents made into one ASGI application."""

import gc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import orjson
import yaml
from connexion.http_facts import METHODS
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.main import API, ConnexionMiddleware
from connexion.resolver import Resolver
from starlette.responses import Response
from starlette.types import ASGIApp

from tmf_adapter.api.access import Access
from tmf_adapter.api.dialects import Spoken
from tmf_adapter.api.dispatch import FastApp, FastOperation, Handler, Request
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.errors import ErrorHandling, respond
from tmf_adapter.api.responses import ResponseValidation
from tmf_adapter.api.routing import FastRouting
from tmf_adapter.api.schemas import Schemas
from tmf_adapter.api.specification import Specification
from tmf_adapter.api.validation import FastRequestValidation, Form, ValidatedOperation

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]
Plain = Mapping[str, Mapping[str, Handler]]
"""Routes that belong to no document: path, method, handler. A POST among them takes any JSON."""


@dataclass(frozen=True)
class Document:
    """An OpenAPI document, the path it is served under, and its handlers by operationId.

    ``access``: who may use it, None for everybody. ``strict``: no ``@type`` is supplied, whatever the application does.
    ``lenient``: the document as bodies are held against it unless we are strict, None for just as it is written.
    """

    path: Path
    base_path: str
    operations: Mapping[str, Handler]
    access: Access | None = None
    strict: bool = False
    lenient: Callable[[Schema], Schema] | None = None

    def load(self) -> dict[str, Any]:
        """The document as it is written."""
        return load(self.path)


@cache
def load(path: Path) -> dict[str, Any]:
    """An OpenAPI document from YAML, by the parser in C: ten times as fast. Read once; nobody writes in it."""
    with path.open("rb") as file:
        document: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)
    return document


def build(
    documents: Sequence[Document],
    plain: Plain,
    *,
    strict: bool,
    validate_responses: bool = False,
    lifespan: Lifespan | None = None,
    spoken: Spoken | None = None,
) -> ASGIApp:
    """The application. A fault in a document, an operation without a handler or the opposite is raised here and now.

    ``strict`` enforces ``@type`` where the document requires it; otherwise an absent one is supplied where its place
    leaves no doubt, and partners may speak their dialects (``spoken``).
    Each document is served as JSON at ``{base_path}/openapi.json``.
    """
    loaded = [(document, document.load()) for document in documents]
    spoken = spoken or Spoken()
    described = {f"{document.base_path}/openapi.json": {"GET": _describing(raw)} for document, raw in loaded}
    middleware = ConnexionMiddleware(
        FastApp(), middlewares=_stack({**described, **plain}, validate_responses), lifespan=lifespan or _nothing
    )
    for document, raw in loaded:
        options = middleware.options.replace(resolver=_resolver(document, raw))
        api = API(
            Specification.of(raw),
            base_path=document.base_path,
            **vars(options),
            schemas=Schemas(_enforced(document, raw, strict), f"urn:tmf-adapter:{document.base_path}"),
            strict=strict or document.strict,
            dialects=partial(spoken.about, document.path.stem),
            access=document.access,
        )
        middleware.apis.append(api)  # as add_api does, which would validate the document in Python
    # Connexion would build the stack at the first event; built now, a fault in a document stops the start.
    app, _ = middleware._build_middleware_stack()
    return app


def _enforced(document: Document, raw: Schema, strict: bool) -> Schema:
    return raw if strict or document.lenient is None else document.lenient(raw)


def settle() -> None:
    """Take everything there is out of the garbage collector's sight.

    To be called once, when all that lives as long as the process has been built. Documents and schemas are some hundred
    thousand objects; walking them again and again costs each request a twentieth of its time, and finds nothing.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


def _stack(plain: Plain, validate_responses: bool) -> list[Any]:
    """From the outside in. Listed whole: Connexion finds places by its own classes, which are not here any more.

    Connexion's SecurityMiddleware belongs between routing and validation. While no document declares security it would
    only look up every request once more. SwaggerUI and Context are left out for good.
    """
    routes = {path: {method: _free(method, handler) for method, handler in on.items()} for path, on in plain.items()}
    return [
        *([ResponseValidation] if validate_responses else []),
        ErrorHandling,
        partial(FastRouting, plain=routes),
        FastRequestValidation,
        LifespanMiddleware,
    ]


def _free(method: str, handler: Handler) -> ASGIApp:
    """A handler that belongs to no document: it gets the query, and by POST any JSON."""
    forms = {"application/json": Form("application/json")} if method == "POST" else {}
    return ValidatedOperation(FastOperation(handler), forms, required=True)


def _describing(raw: dict[str, Any]) -> Handler:
    content = orjson.dumps(raw, option=orjson.OPT_NON_STR_KEYS)

    async def describe(request: Request) -> Response:
        return respond(200, content)

    return describe


def _resolver(document: Document, raw: dict[str, Any]) -> Resolver:
    """Finds handlers in the document's own table: operationIds repeat from version to version."""
    declared = set(_operation_ids(raw))
    if unknown := document.operations.keys() - declared:
        raise ValueError(f"{document.path.name} declares no {', '.join(sorted(unknown))}")
    if left := declared - document.operations.keys():
        raise ValueError(f"{document.path.name} declares {', '.join(sorted(left))}, which no function answers")
    return Resolver(document.operations.__getitem__)


def _operation_ids(raw: dict[str, Any]) -> Iterator[str]:
    for item in raw["paths"].values():
        for method in METHODS & item.keys():
            yield item[method]["operationId"]


@asynccontextmanager
async def _nothing(app: Any) -> AsyncIterator[None]:
    yield
