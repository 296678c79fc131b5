"""Acknowledgements of all drains, written together: whoever comes before the next transaction begins is part of it."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from tmf_adapter.hub.store import Report, Store
from tmf_adapter.storage.database import Database

PACE = 0.02
"""Seconds from one transaction to the next, at least, however many drains there are. The first never waits."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    report: Report
    written: asyncio.Future[bool]


class Entries:
    """What became of deliveries, on its way to their rows."""

    def __init__(self, database: Database, store: Store) -> None:
        self._database = database
        self._store = store
        self._waiting: dict[str, _Waiting] = {}
        self._writing: asyncio.Task[None] | None = None
        self._next = 0.0  # when the next may begin, in monotonic seconds

    async def write(self, subscription_id: str, report: Report) -> bool:
        """Committed when this returns; False, and nothing written, when the lease is no longer ours.

        One drain has one call under way at a time. Raises what the database raises.
        """
        written = asyncio.get_running_loop().create_future()
        self._waiting[subscription_id] = _Waiting(report, written)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return bool(await written)

    async def _write(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(max(0.0, self._next - monotonic()))
                self._next = monotonic() + PACE
                waiting, self._waiting = self._waiting, {}
                await self._commit(waiting)
        finally:
            self._writing = None

    async def _commit(self, waiting: dict[str, _Waiting]) -> None:
        reports = {id: one.report for id, one in waiting.items()}
        futures = {id: one.written for id, one in waiting.items() if not one.written.done()}
        try:
            ours = await self._database.write(lambda tx: self._store.enter(tx, reports))
        except Exception as error:  # whoever waits is told, whatever it was
            for future in futures.values():
                if not future.done():
                    future.set_exception(error)
            return
        for id, future in futures.items():
            if not future.done():
                future.set_result(id in ours)
