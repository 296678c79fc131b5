"""Stand-ins for the rooms below the API: they keep what they are given in a dictionary."""

from typing import Any

import orjson

from tmf_adapter.storage.desk import Versions
from tmf_adapter.tmf.cursor import Cursor
from tmf_adapter.tmf.errors import Conflict, NotFound, PreconditionFailed
from tmf_adapter.tmf.events import Doc, Stored, Text
from tmf_adapter.tmf.patch import apply
from tmf_adapter.tmf.query import Page, Query


class FakeDesk:
    """Resources by id, which are ``1``, ``2`` and so on; ``collection`` is their address."""

    def __init__(self, collection: str) -> None:
        self._collection = collection
        self.kept: dict[str, bytes] = {}
        self.versions: dict[str, int] = {}
        self.created: dict[str, str] = {}
        self.query: Query | None = None
        self.patched: tuple[Any, str] | None = None

    async def open(self, body: Doc, *, key: str | None = None) -> Stored:
        if key in self.created:
            return Stored(orjson.loads(self.kept[self.created[key]]))
        id_ = str(len(self.kept) + 1)
        if key:
            self.created[key] = id_
        return self._keep({"id": id_, "href": f"{self._collection}/{id_}", "status": "acknowledged", **body})

    async def fetch(self, id: str) -> Text:
        if id not in self.kept:
            raise NotFound(f"There is no {id}.")
        return Text(self.kept[id], self.versions[id])

    async def patch(self, id: str, body: Any, media_type: str, *, versions: Versions = None) -> Stored:
        self.patched = (body, media_type)
        before = orjson.loads((await self._expected(id, versions)).body)
        if before["status"] == "closed":
            raise Conflict("It is closed.")
        return self._keep(apply(before, body, media_type))

    async def delete(self, id: str, versions: Versions = None) -> None:
        await self._expected(id, versions)
        del self.kept[id]

    async def _expected(self, id: str, versions: Versions) -> Text:
        text = await self.fetch(id)
        if versions is not None and text.version not in versions:
            raise PreconditionFailed("It has changed.")
        return text

    async def list(self, query: Query) -> Page:
        self.query = query
        items = list(self.kept.values())
        page = items[query.offset : query.offset + query.limit]
        places = [Cursor.of(orjson.loads(item), query.sort) for item in page[:1] + page[-1:]]
        has_front, has_more = bool(query.offset or query.after), query.offset + len(page) < len(items)
        return Page(page, len(items), places[0] if page and has_front else None, places[-1] if has_more else None)

    def _keep(self, document: Doc) -> Stored:
        id_ = document["id"]
        self.versions[id_] = self.versions.get(id_, 0) + 1 if id_ in self.kept else 1
        self.kept[id_] = orjson.dumps(document)
        return Stored(document, self.versions[id_])


class FakeSubscriptions:
    """Subscriptions by API and id."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Doc] = {}

    async def register(self, api: str, body: Doc) -> Doc:
        id_ = str(len(self.kept) + 1)
        document = {"id": id_, "href": f"http://adapter/{api}/hub/{id_}", **body}
        self.kept[api, id_] = document
        return document

    async def find(self, api: str, id: str) -> Doc:
        if (api, id) not in self.kept:
            raise NotFound(f"There is no {id}.")
        return self.kept[api, id]

    async def remove(self, api: str, id: str) -> None:
        await self.find(api, id)
        del self.kept[api, id]


class FakeInbox:
    """Events in the order of their arrival."""

    def __init__(self) -> None:
        self.kept: list[Doc] = []

    async def receive(self, event: Doc) -> None:
        self.kept.append(event)
