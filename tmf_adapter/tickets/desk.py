"""The tickets' desk: all of the common desk, and the one way a recovery reports."""

from collections.abc import Sequence

from tmf_adapter.storage.desk import Desk
from tmf_adapter.storage.ledger import Duty
from tmf_adapter.tickets.ticket import Report, report
from tmf_adapter.tmf.events import Author, Change, Stored


class TicketDesk(Desk):
    """Where trouble tickets change."""

    __slots__ = ()

    async def report(self, id: str, said: Report, also: Sequence[Duty] = (), by: Author = Author.ADAPTER) -> Stored:
        """The ticket with the report on it, committed together with ``also``. Raises ``NotFound``."""

        def decide(before: Stored | None) -> Change | None:
            assert before is not None
            return report(before, said, self.clock(), by)

        return await self._change(id, decide, also)
