"""What TMF621 and TMF656 share: a collection of resources, its subscriptions, its listeners."""

from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from starlette.responses import Response

from tmf_adapter.api.dispatch import Handler, Request
from tmf_adapter.api.errors import respond
from tmf_adapter.api.etags import etag, expected, is_known
from tmf_adapter.api.paging import page_headers
from tmf_adapter.storage.desk import Versions
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Doc, Stored, Text
from tmf_adapter.tmf.fields import Fields, fields_of, select
from tmf_adapter.tmf.query import Collection, Page, Query, parse

KEY_LENGTH = 255


class Readable(Protocol):
    """Where resources of one kind are read."""

    async def fetch(self, id: str) -> Text: ...
    async def list(self, query: Query) -> Page: ...


class Openable(Readable, Protocol):
    """Where they can be opened too, as tasks can."""

    async def open(self, body: Doc, *, key: str | None = None) -> Stored: ...


class Desk(Openable, Protocol):
    """Where resources of one kind are opened and changed."""

    async def patch(self, id: str, body: Any, media_type: str, *, versions: Versions = None) -> Stored: ...
    async def delete(self, id: str, versions: Versions = None) -> None: ...


class Subscriptions(Protocol):
    """Who is told about the events of an API."""

    async def register(self, api: str, body: Doc) -> Doc: ...
    async def find(self, api: str, id: str) -> Doc: ...
    async def remove(self, api: str, id: str) -> None: ...


class Inbox(Protocol):
    """Where events of other systems arrive."""

    async def receive(self, event: Doc) -> None: ...


@dataclass(frozen=True, slots=True)
class Records:
    """The operations on a collection that can be read only; ``collection`` says what can be asked for and selected."""

    desk: Readable
    collection: Collection

    async def retrieve(self, request: Request) -> Response:
        """200 with the stored bytes, or the members that ``fields`` names; 304 when the client has this version."""
        fields = self._fields(request)
        stored = await self.desk.fetch(request.path["id"])
        headers = {"ETag": etag(stored.version)}
        if is_known(request, stored.version):
            return respond(304, None, headers)
        return respond(
            200, stored.body if fields is None else self._selected(orjson.loads(stored.body), fields), headers
        )

    async def list(self, request: Request) -> Response:
        """200 with a page, how many there are in it and in all, and where the other pages are."""
        query = parse(request.query, self.collection)
        page = await self.desk.list(query)
        headers = page_headers(page, query, request.query, request.address, self.collection.name)
        return respond(200, _array(page.items, query.fields, self.collection.kept_in_list), headers)

    def _fields(self, request: Request) -> Fields | None:
        """The union of every ``fields`` in the query; None for none."""
        return fields_of([value for name, value in request.query if name == "fields"], self.collection.attributes)

    def _selected(self, document: Doc, fields: Fields | None) -> Doc:
        return select(document, fields, self.collection.kept)


@dataclass(frozen=True, slots=True)
class Tasks(Records):
    """The operations on a collection that what is asked for is added to, and nothing is changed by clients."""

    desk: Openable

    async def create(self, request: Request) -> Response:
        """201 with the resource and its address, which for a repeated ``Idempotency-Key`` are those of the first.

        ``fields`` is read first: nothing is written for a bad query.
        """
        fields = self._fields(request)
        stored = await self.desk.open(request.body, key=_idempotency_key(request))
        headers = {"Location": str(stored.document["href"]), "ETag": etag(stored.version)}
        return respond(201, self._selected(stored.document, fields), headers)


@dataclass(frozen=True, slots=True)
class Resources(Tasks):
    """The five operations on one collection."""

    desk: Desk

    def operations(self, type: str) -> dict[str, Handler]:
        """All five, by the ids that every document of ours gives them."""
        return {
            f"list{type}": self.list,
            f"create{type}": self.create,
            f"retrieve{type}": self.retrieve,
            f"patch{type}": self.patch,
            f"delete{type}": self.delete,
        }

    async def patch(self, request: Request) -> Response:
        """200 with the resource as it now is; 412 unless it was as ``If-Match`` says."""
        fields, versions = self._fields(request), expected(request)
        stored = await self.desk.patch(request.path["id"], request.body, request.media_type, versions=versions)
        return respond(200, self._selected(stored.document, fields), {"ETag": etag(stored.version)})

    async def delete(self, request: Request) -> Response:
        """204; 412 unless it was as ``If-Match`` says."""
        await self.desk.delete(request.path["id"], expected(request))
        return respond(204)


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


def _idempotency_key(request: Request) -> str | None:
    """The header's value (draft-ietf-httpapi-idempotency-key-header), None without one. Raises ``Invalid``."""
    key = request.header("idempotency-key")
    if key is not None and not 0 < len(key.strip()) <= KEY_LENGTH:
        raise Invalid(f"An Idempotency-Key has 1 to {KEY_LENGTH} characters, this one {len(key.strip())}.")
    return key.strip() if key else None


def listener(inbox: Inbox, status: int = 204) -> Handler:
    """Answers an event of another system once it is stored: 204 as version 5 has it, 201 as version 4 does."""

    async def receive(request: Request) -> Response:
        await inbox.receive(typed(request))
        return respond(status)

    return receive


def typed(request: Request) -> Doc:
    """The event that was sent; one that does not say its type has that of the path it was sent to.

    The standard requires no ``eventType``, and each type of event has a path of its own. Raises ``Invalid``.
    """
    event: Doc = request.body
    if not isinstance(event, dict):
        raise Invalid.at("", "an event must be an object")
    named = request.address.partition("/listener/")[2].strip("/")
    if event.get("eventType") or event.get("@type") or not named:
        return event
    return {**event, "eventType": f"{named[0].upper()}{named[1:]}"}


def _array(items: list[bytes], fields: Fields | None, kept: frozenset[str]) -> bytes:
    """A JSON array of documents that are JSON already; they are only read when something is to be left out."""
    if fields is not None:
        items = [orjson.dumps(select(orjson.loads(item), fields, kept)) for item in items]
    return b"[" + b",".join(items) + b"]"
