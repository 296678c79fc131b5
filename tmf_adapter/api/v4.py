"""What version 4 of both APIs shares: a desk that speaks v4, its subscriptions, its listeners, its lenient reader."""

import asyncio
import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
from starlette.responses import Response

from tmf_adapter.api.attributes import attributes
from tmf_adapter.api.dispatch import Handler, Request
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.errors import respond
from tmf_adapter.api.resource import Inbox, Openable, Readable, Subscriptions, typed
from tmf_adapter.storage.desk import Desk, Versions
from tmf_adapter.storage.ledger import LARGE
from tmf_adapter.tmf.condition import Sort
from tmf_adapter.tmf.errors import Fault, Invalid
from tmf_adapter.tmf.events import Doc, Stored, Text
from tmf_adapter.tmf.query import NEWEST_FIRST, Collection, Page, Query
from tmf_adapter.tmf.versions import V4, Lens

Complete = Callable[[Doc], Doc]
"""Adds what some v4 clients want besides."""

DECIDES = frozenset({"id"})
"""What a nested reference must have even to a lenient reader; ``role`` and ``@referredType`` may be missing."""


def as_it_is(seen: Doc) -> Doc:
    """Nothing added."""
    return seen


@dataclass(frozen=True, slots=True)
class V4Records:
    """Where stored resources are read by those who speak v4: they are shown what the lens makes of them."""

    desk: Readable
    lens: Lens
    complete: Complete = as_it_is

    async def fetch(self, id: str) -> Text:
        stored = await self.desk.fetch(id)
        [body] = await self._seen([stored.body])
        return Text(body, stored.version, stored.episode)

    async def _seen(self, items: Sequence[bytes]) -> Sequence[bytes]:
        """What v4 sees of stored resources; worked out in a thread where others would wait for it."""

        def all_of_them() -> Sequence[bytes]:
            return [self._bytes(item) for item in items]

        return await asyncio.to_thread(all_of_them) if sum(map(len, items)) > LARGE else all_of_them()

    async def list(self, query: Query) -> Page:
        page = await self.desk.list(replace(query, condition=self.lens.meant(query.condition)))
        return replace(page, items=[*await self._seen(page.items)])

    def _shown(self, stored: Stored) -> Stored:
        return Stored(self.complete(self.lens.whole(stored.document)), stored.version, stored.episode)

    def _bytes(self, stored: bytes) -> bytes:
        return orjson.dumps(self.complete(self.lens.whole(orjson.loads(stored))))

    @contextmanager
    def _in_v4(self) -> Iterator[None]:
        """Faults name their places as the client wrote them."""
        try:
            yield
        except Invalid as error:
            error.faults = [Fault(self.lens.pointer(fault.pointer), fault.message) for fault in error.faults]
            raise


@dataclass(frozen=True, slots=True)
class V4Tasks(V4Records):
    """Where they are opened too."""

    desk: Openable

    async def open(self, body: Doc, *, key: str | None = None) -> Stored:
        with self._in_v4():
            return self._shown(await self.desk.open(self.lens.put({}, body), key=key))


@dataclass(frozen=True, slots=True)
class V4Desk(V4Tasks):
    """And changed: a patch is of what v4 sees."""

    desk: Desk

    async def patch(self, id: str, body: Any, media_type: str, *, versions: Versions = None) -> Stored:
        with self._in_v4():
            return self._shown(await self.desk.patch(id, body, media_type, versions=versions, lens=self.lens))

    async def delete(self, id: str, versions: Versions = None) -> None:
        await self.desk.delete(id, versions)


@dataclass(frozen=True, slots=True)
class V4Hub:
    """Subscriptions to the events of one API in the form of v4: an id, a callback, a query and nothing else."""

    subscriptions: Subscriptions
    api: str

    async def create(self, request: Request) -> Response:
        """201 with the subscription and its address."""
        document = await self.subscriptions.register(self.api, request.body)
        shown: Doc = {name: document[name] for name in ("id", "callback", "query") if name in document}
        return respond(201, shown, {"Location": str(document["href"])})

    async def delete(self, request: Request) -> Response:
        """204."""
        await self.subscriptions.remove(self.api, request.path["id"])
        return respond(204)


def listener(inbox: Inbox, callback: str) -> Handler:
    """Answers an event of another system with 201, once it is stored; v4 wants the form of a subscription there."""

    async def receive(request: Request) -> Response:
        await inbox.receive(typed(request))
        return respond(201, {"id": str(request.body.get("eventId", "")), "callback": callback})

    return receive


def lenient(document: Schema) -> Schema:
    """The document as a lenient reader takes it: conformance kits, and the standard's own samples, are not better.

    References may lack everything but their id; the status of a resource may be any word; what is an integer may come
    as text. The resource as such must have what the standard requires.
    """
    relaxed = copy.deepcopy(document)
    for name, schema in relaxed["components"]["schemas"].items():
        if name.endswith("Type") and "enum" in schema:
            del schema["enum"]
        elif "@referredType" in schema.get("required", ()):
            schema["required"] = [member for member in schema["required"] if member in DECIDES]
        elif name.endswith("_ALL"):
            _take_text_for_integers(schema["properties"])
    return relaxed


def _take_text_for_integers(members: Schema) -> None:
    for name, member in members.items():
        if member.get("type") == "integer":
            members[name] = {"oneOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]{1,18}$"}]}


def collection(name: str, document: Schema, order: tuple[Sort, ...] = NEWEST_FIRST) -> Collection:
    """What can be asked of a collection in the words of v4; ``order`` is that of a list that asks for none.

    A selection of one resource is exactly what was asked for; in a list the id stays, so that rows can be told apart.
    """
    tree = attributes(document, name[0].upper() + name[1:])
    return Collection(name, tree, V4[name].path, order, kept=frozenset(), kept_in_list=frozenset({"id"}))
