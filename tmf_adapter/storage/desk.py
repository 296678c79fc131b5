"""Where a tracked resource is opened, read, patched and deleted; what it becomes is decided by its rules."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from tmf_adapter.storage.creations import Claim, Key, Release, Repeated, external_keys, sent_key
from tmf_adapter.storage.ledger import Duty, Ledger
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.tmf.errors import Conflict, NotFound, PreconditionFailed
from tmf_adapter.tmf.events import Author, Change, Doc, Stored, Text
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.query import Page, Query
from tmf_adapter.tmf.time import utc_now
from tmf_adapter.tmf.tracked import Tracked, Validate
from tmf_adapter.tmf.versions import Lens

Versions = Collection[int] | None
"""The versions of which a resource must have one for a change to be made; None for any."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One resource's desk. Every change comes back committed, with all it owes.

    ``collection`` is the absolute URL of the collection; ``validate`` holds a whole document against its schema;
    ``unique``: no two resources are created with the same external identifier.
    """

    ledger: Ledger
    store: ResourceStore
    rules: Tracked
    collection: str
    validate: Validate
    clock: Callable[[], datetime] = utc_now
    unique: bool = False

    async def open(
        self, body: Doc, by: Author = Author.CLIENT, id: str | None = None, key: str | None = None
    ) -> Stored:
        """A new resource, under ``id`` when the adapter has promised one. Raises ``Invalid``.

        Under the same ``key`` (``Idempotency-Key``), or with an external identifier of a resource that is there where
        those are to be ``unique``, the resource of the first call comes back instead. ``Conflict`` when it was made
        from another body, or is deleted.
        """
        id = id or new_id()

        def decide(_none: Stored | None) -> Change:
            return self.rules.open(body, self.collection, self.clock(), by, self.validate, id)

        names = self._names(body, key)
        claim = [Claim(self.rules.resource, names, id)] if names else ()
        try:
            return await self._change(None, decide, claim, size_of(body))
        except Repeated as repeated:
            return await first_of(self.store, repeated)

    def _names(self, body: Doc, key: str | None) -> list[Key]:
        sent = [sent_key(key, body)] if key else []
        return [*sent, *external_keys(body)] if self.unique else sent

    async def fetch(self, id: str) -> Text:
        """The resource's JSON as it is stored. Raises ``NotFound``."""
        return await self.store.text(id)

    async def load(self, id: str) -> Stored:
        """The resource. Raises ``NotFound``."""
        return await self.store.load(id)

    async def patch(
        self,
        id: str,
        body: Any,
        media_type: str,
        by: Author = Author.CLIENT,
        versions: Versions = None,
        lens: Lens | None = None,
    ) -> Stored:
        """The resource as patched; with a ``lens``, what is seen through that is patched.

        Raises ``NotFound``, ``Invalid``, ``IllegalTransition``, ``LostRace``, and ``PreconditionFailed`` unless the
        resource has one of ``versions``.
        """

        def decide(before: Stored | None) -> Change | None:
            return self._patched(before, body, media_type, by, versions, lens)

        return await self._change(id, decide, (), size_of(body))

    def _patched(
        self, before: Stored | None, body: Any, media_type: str, by: Author, versions: Versions, lens: Lens | None
    ) -> Change | None:
        assert before is not None
        _require(before, versions)
        return self.rules.patch(before, body, media_type, self.clock(), by, self.validate, lens)

    async def delete(self, id: str, versions: Versions = None) -> None:
        """Gone, its event owed to whoever listens. Raises ``NotFound`` and ``PreconditionFailed``."""

        def decide(before: Stored | None) -> Change:
            assert before is not None
            _require(before, versions)
            return self.rules.delete(before, self.clock(), Author.CLIENT)

        await self.ledger.change(self.store, id, decide, [Release(self.rules.resource, id)] if self.unique else ())

    async def list(self, query: Query) -> Page:
        """The resources that match."""
        return await self.store.page(query)

    async def _change(
        self, id: str | None, decide: Callable[[Stored | None], Change | None], also: Sequence[Duty], size: int = 0
    ) -> Stored:
        after = await self.ledger.change(self.store, id, decide, also, size)
        assert after is not None, "only a deletion leaves nothing"
        return after


async def first_of(store: ResourceStore, repeated: Repeated) -> Stored:
    """The resource that the first of several equal creates made. Raises ``Conflict``."""
    if repeated.digest != repeated.key.digest:
        remedy = "Send a new key with a new request, the old one only with the same body."
        raise Conflict("This Idempotency-Key came with another body before.", remedy)
    try:
        return await store.load(repeated.resource_id)
    except NotFound:
        id_ = f"It had the id {repeated.resource_id}."
        raise Conflict("What this Idempotency-Key created has been deleted since.", id_) from None


def size_of(body: Any) -> int:
    """Its bytes as JSON."""
    return len(orjson.dumps(body))


def _require(before: Stored, versions: Versions) -> None:
    if versions is not None and before.version not in versions:
        reason = "The resource has changed since it was read, or was never as If-Match says."
        raise PreconditionFailed(reason, f'It has the ETag "{before.version}" now. Read it and try again.')
