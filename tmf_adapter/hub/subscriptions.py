"""Where listeners register and unregister, and the copy of their subscriptions that every change is held against."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from tmf_adapter.hub import store
from tmf_adapter.hub.apis import APIS, Apis
from tmf_adapter.hub.limits import Limits, Registrations
from tmf_adapter.hub.subscription import Subscription
from tmf_adapter.hub.terms import Terms
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Outdated
from tmf_adapter.tmf.errors import Conflict, Invalid, NotFound
from tmf_adapter.tmf.events import Doc, Resource
from tmf_adapter.tmf.ids import new_id

LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Copy:
    """The subscriptions as they were at ``revision``, by the resource whose events their API raises."""

    revision: int
    listeners: dict[Resource, tuple[Subscription, ...]]


class Subscriptions:
    """``public_url`` is what every ``href`` begins with. ``removed`` is told the id of a subscription that is gone."""

    def __init__(
        self,
        database: Database,
        public_url: str,
        removed: Callable[[str], None] = lambda id: None,
        apis: Apis = APIS,
        limits: Limits = LIMITS,
    ) -> None:
        self._database = database
        self._registrations = Registrations(limits)
        self._apis = apis
        self._public_url = public_url.rstrip("/")
        self._removed = removed
        self._copy: Copy | None = None
        self._loading = asyncio.Lock()
        self._newest: int | None = None  # SQLite: the revision last seen by its one writer; only that thread sets it

    async def register(self, api: str, body: Doc) -> Doc:
        """The new Hub resource. Nothing is sent to the callback; its address is judged when it is dialled.

        Raises ``Invalid`` for a callback that is no absolute http(s) URL or a query that cannot be followed, and
        ``Conflict`` when the same callback is registered with the same query already (TMF630 leaves this open), or
        there are as many subscriptions as there may be; ``TooManyRequests`` when registrations come too fast.
        """
        self._registrations.take()
        callback, query = _callback(body.get("callback")), _query(body.get("query"))
        new = Subscription.of(new_id(), api, callback, query, apis=self._apis)
        ours = {"id": new.id, "href": f"{self._public_url}{self._apis[api].path}/hub/{new.id}"}
        document = ours | body | ours | {"@type": body.get("@type") or "Hub"}

        def work(tx: store.Tx) -> None:
            counted = store.count_change(tx)
            if twin := store.twin_of(tx, api, callback, query):
                raise Conflict("This callback is registered with this query already.", f"Its id is {twin}.")
            self._registrations.check(store.count_subscriptions(tx))
            store.add(tx, new, orjson.dumps(document))
            self._saw(counted)

        await self._change(work)
        return document

    async def find(self, api: str, id: str) -> Doc:
        """The Hub resource as it was answered. Raises ``NotFound``, for one of another API too."""
        body = await self._database.read(lambda tx: store.document_of(tx, api, id))
        if body is None:
            raise _not_found(id)
        document: Doc = orjson.loads(body)
        return document

    async def remove(self, api: str, id: str) -> None:
        """Gone; what it was still owed is cancelled in the same commit. Raises ``NotFound``."""

        def work(tx: store.Tx) -> None:
            counted = store.count_change(tx)
            if not store.drop(tx, api, id):
                raise _not_found(id)
            self._saw(counted)

        await self._change(work)
        self._removed(id)

    async def listener(self, id: str) -> Subscription:
        """The subscription, of whichever API. Raises ``NotFound``."""
        for listener in await self.every():
            if listener.id == id:
                return listener
        raise _not_found(id)

    async def every(self) -> list[Subscription]:
        """The subscriptions of all APIs, each once."""
        copy = await self.current()
        return list({each.id: each for listeners in copy.listeners.values() for each in listeners}.values())

    async def settle(
        self, id: str, alter: Callable[[Terms], Terms], record: Callable[[store.Tx, Terms, Terms], None]
    ) -> None:
        """New terms; ``record`` writes them down in the same commit. Raises ``NotFound``."""

        def work(tx: store.Tx) -> None:
            counted = store.count_change(tx)
            before = store.terms_of(tx, id)
            if before is None:
                raise _not_found(id)
            after = alter(before)
            store.put_terms(tx, id, after)
            record(tx, before, after)
            self._saw(counted)

        await self._change(work)

    async def _change(self, work: Callable[[store.Tx], None]) -> None:
        try:
            await self._database.write(work)
        finally:
            self._copy = None

    def _saw(self, revision: int) -> None:
        if self._database.is_sqlite:
            self._newest = revision

    async def current(self) -> Copy:
        """The copy, read anew when it is known to be out of date."""
        while (copy := self._copy) is None:
            async with self._loading:
                if self._copy is None:
                    await self._load()
        return copy

    async def _load(self) -> None:
        revision, found = await self._database.read(lambda tx: store.subscriptions_in(tx, self._apis))
        by_resource: dict[Resource, tuple[Subscription, ...]] = {}
        for one in found:
            for resource in one.of_api.resources:
                by_resource[resource] = (*by_resource.get(resource, ()), one)
        self._copy = Copy(revision, by_resource)

    def confirm(self, tx: store.Tx, copy: Copy) -> None:
        """Raises ``Outdated`` unless ``copy`` is still so, as ``tx`` sees it.

        On SQLite every change passes through the one writer thread, which runs this too: when the revision it saw last
        is the copy's, nothing needs to be read. A change that was rolled back leaves it too high, which reading mends.
        """
        if copy.revision == self._newest:
            return
        newest = store.revision_in(tx)
        if newest != copy.revision:
            if self._copy is copy:
                self._copy = None
            raise Outdated
        self._saw(newest)


def _callback(value: object) -> str:
    try:
        if not isinstance(value, str) or any(character <= " " or character == "\x7f" for character in value):
            raise ValueError
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError
    except ValueError:
        raise Invalid.at("/callback", "must be an absolute http or https URL with a host") from None
    return value


def _query(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Invalid.at("/query", "must be a string")
    return value


def _not_found(id: str) -> NotFound:
    return NotFound("There is no subscription with this id.", f"id: {id[:80]}")
