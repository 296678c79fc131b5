"""The local target: the adapter's own service problems, which an SM&O system reads and patches."""

from datetime import timedelta

import orjson

from tmf_adapter.recovery.target import Answer, Found
from tmf_adapter.storage.desk import Desk
from tmf_adapter.tmf.errors import Invalid, NotFound
from tmf_adapter.tmf.events import Author, Doc
from tmf_adapter.tmf.operations import Operation


class LocalProblems:
    """The operation id is the problem's id, so that asking twice cannot make two."""

    def __init__(self, problems: Desk) -> None:
        self._problems = problems

    @property
    def poll(self) -> timedelta | None:
        """None: every change of a problem is told."""
        return None

    async def create(
        self, operation: Operation, operation_id: str, body: Doc, timeout: float, target: str | None = None
    ) -> Answer:
        """Open the problem; a body that our own document refuses is refused for good."""
        try:
            stored = await self._problems.open(body, Author.ADAPTER, operation_id)
        except Invalid as error:
            return Answer(error=f"{error.reason} {error.document().get('message', '')}")
        return Answer(document=stored.document)

    async def look(self, operation: Operation, operation_id: str, timeout: float) -> Doc | Found:
        """The problem, if it was opened."""
        return await self.fetch(operation, operation_id, timeout)

    async def fetch(self, operation: Operation, remote_id: str, timeout: float) -> Doc | Found:
        """The problem as it stands."""
        try:
            document: Doc = orjson.loads((await self._problems.fetch(remote_id)).body)
        except NotFound:
            return Found.NOTHING
        return document
