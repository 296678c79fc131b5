"""What a request must be before a handler sees it: its media type, its body, its query."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.operations.abstract import AbstractOperation
from starlette.types import ASGIApp, Receive, Scope, Send

from tmf_adapter.api import body
from tmf_adapter.api.completion import Completion
from tmf_adapter.api.dialects import NONE, Dialects
from tmf_adapter.api.dispatch import REQUEST, Request
from tmf_adapter.api.schemas import Schemas
from tmf_adapter.tmf.dialect import Dialect
from tmf_adapter.tmf.errors import BadQuery, Invalid, UnsupportedMediaType
from tmf_adapter.tmf.patch import MERGE

LARGE = 1 << 16
"""Bytes from which a body is held against its schema in a thread: completing one of 1 MiB takes up to a second."""

_is_integer = re.compile(r"[+-]?[0-9]+").fullmatch


@dataclass(frozen=True, slots=True)
class Form:
    """What a body of one media type must look like.

    ``check`` gives the body back, completed unless we are strict, or raises ``Invalid``. ``merge``: null deletes
    (RFC 7396). ``list``: a single object stands for a list of it, as in the standard's own examples of json-patch.
    """

    media_type: str
    check: Callable[[Any], Any] | None = None
    merge: bool = False
    list: bool = False

    def accept(self, value: Any, data: bytes) -> Any:
        """The body as the handler gets it; a merge-patch just as it came. Raises ``Invalid``."""
        # What is deleted has no type, and the schemas know no null.
        shown = without_nulls(value) if self.merge and b"null" in data else value
        if self.list and isinstance(shown, dict):
            shown = [shown]
        if self.check is not None:
            shown = self.check(shown)
        return value if self.merge else shown


class ValidatedOperation:
    """Fills the ``Request`` with what it has found right; raises ``AdapterError`` for the rest."""

    __slots__ = ("_default", "_dialects", "_forms", "_integers", "_next", "_required", "_resource")

    def __init__(
        self,
        next_app: ASGIApp,
        forms: Mapping[str, Form],
        *,
        required: bool,
        integers: frozenset[str] = frozenset(),
        resource: str = "",
        dialects: Dialects = NONE,
    ) -> None:
        self._next = next_app
        self._forms = {media_type.encode(): form for media_type, form in forms.items()}
        self._default = next(iter(forms.values()), None)
        self._required = required
        self._integers = integers
        self._resource = resource
        self._dialects = dialects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request: Request = scope[REQUEST]
        dialect = self._dialect(request, scope) if self._dialects.all else None
        if self._default is not None:
            headers = dict(scope["headers"])
            form = self._form(headers.get(b"content-type")) or self._default
            data = await body.read(receive, headers)
            if data is None:
                return  # the client has gone; nobody is left to answer
            if data:
                value = body.parse(data)
                if dialect is not None and (hears := dialect.hears.get(self._resource)):
                    value = hears.read(value)
                if len(data) > LARGE:
                    request.body = await asyncio.to_thread(form.accept, value, data)
                else:
                    request.body = form.accept(value, data)
                request.media_type = form.media_type
            elif self._required:
                raise Invalid("The request needs a body.", f"Send it as {form.media_type}.")
        if scope["query_string"]:
            request.query = decoded(scope["query_string"])
            self._check_integers(request.query)
        await self._next(scope, receive, send)

    def _dialect(self, request: Request, scope: Scope) -> Dialect | None:
        """The dialect that the request is in; the answer will be in it too."""
        dialect = self._dialects.of(dict(scope["headers"]))
        if dialect is not None:
            request.says = dialect.says.get(self._resource)
        return dialect

    def _form(self, content_type: bytes | None) -> Form | None:
        """The form that the content type names, None for none named."""
        if not content_type:
            return None
        form = self._forms.get(content_type) or self._forms.get(content_type.partition(b";")[0].strip().lower())
        if form is None:
            raise UnsupportedMediaType(
                "The content type of the body is not accepted here.",
                f"Accepted: {', '.join(form.media_type for form in self._forms.values())}.",
            )
        return form

    def _check_integers(self, query: list[tuple[str, str]]) -> None:
        for name, value in query:
            if name in self._integers and not _is_integer(value):
                raise BadQuery(f"The query parameter {name} must be an integer, not {value[:40]!r}.")


class ValidationApi(RoutedAPI[ASGIApp]):
    """The operations of one document, each with its schemas compiled once."""

    def __init__(
        self, *args: Any, schemas: Schemas, strict: bool, dialects: Callable[[str], Dialects], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._schemas = schemas
        self._dialects = dialects
        self._strict = strict
        self._check = (schemas if strict else Completion(schemas)).check
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> ASGIApp:
        where = ("paths", operation.path, operation.method)
        refs, required = {}, False
        if "requestBody" in self._schemas.locate(*where)[1]:
            refs = self._schemas.contents(*where, "requestBody")
            required = self._schemas.locate(*where, "requestBody")[1].get("required", False)
        forms = {media_type: self._form(operation.method, media_type, ref) for media_type, ref in refs.items()}
        integers = frozenset(parameter["name"] for parameter in operation.parameters if _is_integer_in_query(parameter))
        resource = operation.path.split("/")[1]
        return ValidatedOperation(
            self.next_app,
            forms,
            required=required,
            integers=integers,
            resource=resource,
            dialects=NONE if self._strict else self._dialects(resource),
        )

    def _form(self, method: str, media_type: str, ref: str) -> Form:
        is_list = self._schemas.at(ref).get("type") == "array"
        self._schemas.compiled(ref)  # now, not at the first request
        return Form(
            media_type,
            partial(self._check, ref),
            merge=method == "patch" and media_type in MERGE,
            list=is_list and not self._strict,
        )


class FastRequestValidation(RoutedMiddleware[ValidationApi]):
    """Connexion's request validation, by compiled schemas."""

    api_cls = ValidationApi


def without_nulls(value: Any) -> Any:
    """A copy without the members that are null. What is in an array stays: RFC 7396 replaces arrays as they come."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return value


def decoded(query_string: bytes) -> list[tuple[str, str]]:
    """The pairs in their order, percent-decoded; ``+`` is a space, blank values stay. Raises ``BadQuery``."""
    try:
        query = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1_000)
    except UnicodeDecodeError:
        raise BadQuery("The query string is not percent-encoded UTF-8.") from None
    except ValueError:
        raise BadQuery("The query string has more than 1,000 parameters.") from None
    if b"%00" in query_string:
        raise BadQuery("The query string holds the character U+0000.")
    return query


def _is_integer_in_query(parameter: Mapping[str, Any]) -> bool:
    return (parameter["in"], parameter.get("schema", {}).get("type")) == ("query", "integer")
