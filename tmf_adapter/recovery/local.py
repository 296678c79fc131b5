"""The local target: the adapter's own service problems, which an SM&O system reads and patches, and their tasks."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import orjson

from tmf_adapter.problems.desk import TaskDesk
from tmf_adapter.recovery.target import Answer, Found
from tmf_adapter.storage.desk import Desk
from tmf_adapter.tmf.errors import AdapterError, Conflict, Invalid, NotFound
from tmf_adapter.tmf.events import Author, Doc, Stored, Text
from tmf_adapter.tmf.operations import Operation, Operations, rows
from tmf_adapter.tmf.patch import MERGE

_MERGE = next(iter(sorted(MERGE)))


class LocalProblems:
    """The operation id is the problem's id, and a task's key, so that asking twice cannot make two.

    ``tasks`` are the desks of TMF656's task resources by their names.
    """

    def __init__(self, problems: Desk, tasks: Mapping[str, TaskDesk]) -> None:
        self._problems = problems
        self._tasks = tasks

    @property
    def operations(self) -> Operations:
        """What version 5 of TMF656 has."""
        return rows("tmf656", "v5")

    @property
    def held_until(self) -> datetime | None:
        """None: it is always there."""
        return None

    @property
    def poll(self) -> timedelta | None:
        """None: every change of a problem is told."""
        return None

    async def create(
        self, operation: Operation, operation_id: str, body: Doc, timeout: float, target: str | None = None
    ) -> Answer:
        """Do it; what our own document or the state of the problem refuses is refused for good."""
        try:
            return Answer(document=await self._done(operation, operation_id, body, target or ""))
        except (Invalid, Conflict, NotFound) as error:
            return Answer(error=_said(error))

    async def _done(self, operation: Operation, operation_id: str, body: Doc, target: str) -> Doc:
        match operation.method:
            case "PATCH":
                return (await self._problems.patch(target, body, _MERGE, Author.ADAPTER)).document
            case "DELETE":
                await self._problems.delete(target)
                return {"id": target}
        stored: Stored
        if task := self._tasks.get(operation.resource):
            stored = await task.open(body, key=operation_id)
        else:
            stored = await self._problems.open(body, Author.ADAPTER, operation_id)
        return stored.document

    async def look(self, operation: Operation, operation_id: str, timeout: float) -> Doc | Found:
        """The problem, if it was opened; of all else a repetition does no harm."""
        return await self.fetch(operation, operation_id, timeout) if operation.carrier else Found.NOTHING

    async def fetch(self, operation: Operation, remote_id: str, timeout: float) -> Doc | Found:
        """The problem or the task as it stands."""
        try:
            document: Doc = orjson.loads((await self._text(operation, remote_id)).body)
        except NotFound:
            return Found.NOTHING
        return document

    async def _text(self, operation: Operation, remote_id: str) -> Text:
        task = self._tasks.get(operation.resource)
        return await (task.fetch(remote_id) if task else self._problems.fetch(remote_id))


def _said(error: AdapterError) -> str:
    return f"{error.reason} {error.document().get('message', '')}".strip()
