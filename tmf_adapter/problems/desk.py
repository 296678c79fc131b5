"""The desk of the tasks on service problems: a task, what it does to the problems, and all events are one commit."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tmf_adapter.problems.store import Regrouping
from tmf_adapter.problems.tasks import GROUP, Problems, TaskRules, parents_of
from tmf_adapter.storage.creations import Claim, Repeated, sent_key
from tmf_adapter.storage.desk import first_of
from tmf_adapter.storage.ledger import Duty, Ledger, Write
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.tmf.errors import NotFound
from tmf_adapter.tmf.events import Doc, Stored, Text
from tmf_adapter.tmf.query import Page, Query
from tmf_adapter.tmf.time import utc_now


@dataclass(frozen=True, slots=True)
class TaskDesk:
    """One kind of task. ``store`` keeps the tasks, ``problems`` what they are about."""

    ledger: Ledger
    store: ResourceStore
    problems: ResourceStore
    rules: TaskRules
    collection: str
    clock: Callable[[], datetime] = utc_now

    async def open(self, body: Doc, *, key: str | None = None) -> Stored:
        """The task, carried out and committed with all that it did; how it ended is its ``state``.

        Under the same ``key`` (``Idempotency-Key``) the first one comes back and nothing is done again. Raises
        ``Invalid``, ``Conflict`` for a key that came with another body, and ``LostRace``.
        """
        now = self.clock()
        task = self.rules.accept(body, self.collection, now)
        ids = {named.id for named in self.rules.named(task)}
        claim = [Claim(self.rules.resource, [sent_key(key, body)], task["id"])] if key else []

        async def decide() -> tuple[Sequence[Write], Sequence[Duty]]:
            regrouping = [await Regrouping.now(self.ledger.database)] if self.rules is GROUP else []
            problems = await self._problems(task, ids)
            about_task, *about_problems = self.rules.carry_out(task, problems, now)
            writes = [(self.store, about_task), *((self.problems, change) for change in about_problems)]
            return writes, [*claim, *regrouping]

        try:
            changes = await self.ledger.change_together(ids, decide)
        except Repeated as repeated:
            return await first_of(self.store, repeated)
        return changes[0].subject

    async def fetch(self, id: str) -> Text:
        """The task's JSON as it is stored. Raises ``NotFound``."""
        return await self.store.text(id)

    async def list(self, query: Query) -> Page:
        """The tasks that match."""
        return await self.store.page(query)

    async def _problems(self, task: Doc, ids: Iterable[str]) -> Problems:
        by_id = await self._existing(ids)
        above = await self._above(task["parentProblem"]["id"]) if self.rules is GROUP else frozenset[str]()
        return Problems(by_id, above)

    async def _above(self, id: str) -> frozenset[str]:
        """This problem and all that stand above it, also where clients have patched them into a circle."""
        seen, level = set[str](), {id}
        while level:
            seen |= level
            found = await self._existing(level)
            level = set[str]().union(*(parents_of(problem.document) for problem in found.values())) - seen
        return frozenset(seen)

    async def _existing(self, ids: Iterable[str]) -> dict[str, Stored]:
        found = await asyncio.gather(*map(self._find, ids))
        return {problem.id: problem for problem in found if problem is not None}

    async def _find(self, id: str) -> Stored | None:
        try:
            return await self.problems.load(id)
        except NotFound:
            return None
