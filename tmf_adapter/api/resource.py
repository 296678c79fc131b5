"""What TMF621 and TMF656 share: a collection of resources, its subscriptions, its listeners."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from starlette.responses import Response

from tmf_adapter.api.dispatch import Handler, Request
from tmf_adapter.api.errors import respond
from tmf_adapter.tmf.errors import NotYetSupported
from tmf_adapter.tmf.events import Doc, Stored
from tmf_adapter.tmf.query import Page, Query, parse, parse_fields, select


class Desk(Protocol):
    """Where resources of one kind are opened and changed."""

    async def open(self, body: Doc) -> Stored: ...
    async def fetch(self, id: str) -> bytes: ...
    async def patch(self, id: str, body: Any, media_type: str) -> Stored: ...
    async def delete(self, id: str) -> None: ...
    async def list(self, query: Query) -> Page: ...


class Subscriptions(Protocol):
    """Who is told about the events of an API."""

    async def register(self, api: str, body: Doc) -> Doc: ...
    async def find(self, api: str, id: str) -> Doc: ...
    async def remove(self, api: str, id: str) -> None: ...


class Inbox(Protocol):
    """Where events of other systems arrive."""

    async def receive(self, event: Doc) -> None: ...


@dataclass(frozen=True, slots=True)
class Resources:
    """The five operations on one collection.

    ``attributes`` can be selected and filtered by; ``unbuilt`` are the query parameters of the list that the document
    declares and this version does not do.
    """

    desk: Desk
    attributes: Collection[str]
    unbuilt: frozenset[str] = frozenset()

    async def create(self, request: Request) -> Response:
        """201 with the resource and its address. ``fields`` is read first: nothing is written for a bad query."""
        fields = self._fields(request)
        stored = await self.desk.open(request.body)
        return respond(201, select(stored.document, fields), {"Location": str(stored.document["href"])})

    async def retrieve(self, request: Request) -> Response:
        """200 with the stored bytes, or the members that ``fields`` names."""
        fields = self._fields(request)
        stored = await self.desk.fetch(request.path["id"])
        return respond(200, stored if fields is None else select(orjson.loads(stored), fields))

    async def list(self, request: Request) -> Response:
        """200 with a page, and how many there are in it and in all."""
        for name, _ in request.query:
            if name in self.unbuilt:
                raise NotYetSupported(f"The query parameter {name} is declared, but not supported yet.")
        query = parse(request.query, self.attributes)
        page = await self.desk.list(query)
        counts = {"X-Total-Count": str(page.total), "X-Result-Count": str(len(page.items))}
        return respond(200, _array(page.items, query.fields), counts)

    async def patch(self, request: Request) -> Response:
        """200 with the resource as it now is."""
        fields = self._fields(request)
        stored = await self.desk.patch(request.path["id"], request.body, request.media_type)
        return respond(200, select(stored.document, fields))

    async def delete(self, request: Request) -> Response:
        """204."""
        await self.desk.delete(request.path["id"])
        return respond(204)

    def _fields(self, request: Request) -> frozenset[str] | None:
        """The union of every ``fields`` in the query; None for none."""
        fields: frozenset[str] | None = None
        for name, value in request.query:
            if name == "fields":
                fields = (fields or frozenset()) | parse_fields(value, self.attributes)
        return fields


@dataclass(frozen=True, slots=True)
class Hub:
    """The subscriptions to the events of one API; ``api`` is the name they are kept under."""

    subscriptions: Subscriptions
    api: str

    async def create(self, request: Request) -> Response:
        """201 with the subscription and its address."""
        document = await self.subscriptions.register(self.api, request.body)
        return respond(201, document, {"Location": str(document["href"])})

    async def retrieve(self, request: Request) -> Response:
        """200 with the subscription."""
        return respond(200, await self.subscriptions.find(self.api, request.path["id"]))

    async def delete(self, request: Request) -> Response:
        """204."""
        await self.subscriptions.remove(self.api, request.path["id"])
        return respond(204)


def listener(inbox: Inbox) -> Handler:
    """Answers an event of another system with 204, once it is stored."""

    async def receive(request: Request) -> Response:
        await inbox.receive(request.body)
        return respond(204)

    return receive


def _array(items: list[bytes], fields: frozenset[str] | None) -> bytes:
    """A JSON array of documents that are JSON already; they are only read when something is to be left out."""
    if fields is not None:
        items = [orjson.dumps(select(orjson.loads(item), fields)) for item in items]
    return b"[" + b",".join(items) + b"]"
