"""The tickets' desk: the common desk, with specifications that tickets are held to, and the way a recovery reports."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tmf_adapter.storage.creations import Repeated, refuse_repeated
from tmf_adapter.storage.desk import Desk, Versions, first_of, size_of
from tmf_adapter.storage.ledger import Duty
from tmf_adapter.tickets.demands import REFERENCE, Specification, Unread, hold
from tmf_adapter.tickets.store import Specifications
from tmf_adapter.tickets.ticket import Report, report
from tmf_adapter.tmf.events import Author, Change, Doc, Stored
from tmf_adapter.tmf.versions import Lens


@dataclass(frozen=True)
class TicketDesk(Desk):
    """Where trouble tickets change. Without ``specifications`` what a ticket says of its own is not looked at."""

    specifications: Specifications | None = None

    async def open(
        self, body: Doc, by: Author = Author.CLIENT, id: str | None = None, key: str | None = None
    ) -> Stored:
        """As any resource is opened; ``Invalid`` also for a ticket that does not fit the specification it names.

        One that was opened before is not held to it again: the specification may have been retired since.
        """
        if self.specifications is not None and REFERENCE in body:
            try:
                await refuse_repeated(self.ledger.database, self.rules.resource, self._names(body, key))
            except Repeated as repeated:
                return await first_of(self.store, repeated)
            # Held is what the ticket will be: what a client sent may have any form yet.
            change = await asyncio.to_thread(self.rules.open, body, self.collection, self.clock(), by, self.validate)
            named = str(change.subject.document[REFERENCE].get("id"))
            hold(None, change.subject.document, {named: await self.specifications.find(named)}, self.clock())
        return await super().open(body, by, id, key)

    async def patch(
        self,
        id: str,
        body: Any,
        media_type: str,
        by: Author = Author.CLIENT,
        versions: Versions = None,
        lens: Lens | None = None,
    ) -> Stored:
        """As any resource is patched; ``Invalid`` also when the ticket would no longer fit its specification."""
        known: dict[str, Specification | None] = {}

        def decide(before: Stored | None) -> Change | None:
            change = self._patched(before, body, media_type, by, versions, lens)
            if change is not None and before is not None and self.specifications is not None:
                hold(before.document, change.subject.document, known, self.clock())
            return change

        while True:
            try:
                return await self._change(id, decide, (), size_of(body))
            except Unread as unread:
                assert self.specifications is not None
                known[unread.id] = await self.specifications.find(unread.id)

    async def report(self, id: str, said: Report, also: Sequence[Duty] = (), by: Author = Author.ADAPTER) -> Stored:
        """The ticket with the report on it, committed together with ``also``. Raises ``NotFound``."""

        def decide(before: Stored | None) -> Change | None:
            assert before is not None
            return report(before, said, self.clock(), by)

        return await self._change(id, decide, also)
