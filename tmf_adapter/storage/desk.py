"""Where a tracked resource is opened, read, patched and deleted; what it becomes is decided by its rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tmf_adapter.storage.ledger import Duty, Ledger
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.tmf.events import Author, Change, Doc, Stored
from tmf_adapter.tmf.query import Page, Query
from tmf_adapter.tmf.time import utc_now
from tmf_adapter.tmf.tracked import Tracked, Validate


@dataclass(frozen=True, slots=True)
class Desk:
    """One resource's desk. Every change comes back committed, with all it owes.

    ``collection`` is the absolute URL of the collection; ``validate`` holds a whole document against its schema.
    """

    ledger: Ledger
    store: ResourceStore
    rules: Tracked
    collection: str
    validate: Validate
    clock: Callable[[], datetime] = utc_now

    async def open(self, body: Doc, by: Author = Author.CLIENT, id: str | None = None) -> Stored:
        """A new resource, under ``id`` when the adapter has promised one. Raises ``Invalid``."""
        change = self.rules.open(body, self.collection, self.clock(), by, self.validate, id)
        return await self._change(None, lambda _none: change, ())

    async def fetch(self, id: str) -> bytes:
        """The resource's JSON as it is stored. Raises ``NotFound``."""
        return await self.store.text(id)

    async def load(self, id: str) -> Stored:
        """The resource. Raises ``NotFound``."""
        return await self.store.load(id)

    async def patch(self, id: str, body: Any, media_type: str, by: Author = Author.CLIENT) -> Stored:
        """The resource as patched. Raises ``NotFound``, ``Invalid``, ``IllegalTransition`` or ``LostRace``."""

        def decide(before: Stored | None) -> Change | None:
            assert before is not None
            return self.rules.patch(before, body, media_type, self.clock(), by, self.validate)

        return await self._change(id, decide, ())

    async def delete(self, id: str) -> None:
        """Gone, its event owed to whoever listens. Raises ``NotFound``."""

        def decide(before: Stored | None) -> Change:
            assert before is not None
            return self.rules.delete(before, self.clock(), Author.CLIENT)

        await self.ledger.change(self.store, id, decide)

    async def list(self, query: Query) -> Page:
        """The resources that match."""
        return await self.store.page(query)

    async def _change(
        self, id: str | None, decide: Callable[[Stored | None], Change | None], also: Sequence[Duty]
    ) -> Stored:
        after = await self.ledger.change(self.store, id, decide, also)
        assert after is not None, "only a deletion leaves nothing"
        return after
