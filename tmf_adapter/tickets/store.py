"""Where tickets and their specifications are kept."""

import orjson

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.storage.tables import ticket, ticket_specification
from tmf_adapter.tickets.demands import Specification
from tmf_adapter.tickets.values import Compile
from tmf_adapter.tmf.errors import NotFound

KEPT = 256
"""So many specifications are kept ready to hold tickets to."""


def ticket_store(database: Database) -> ResourceStore:
    """The rows of TMF621 trouble tickets."""
    return ResourceStore(database, ticket, "trouble ticket")


def specification_store(database: Database) -> ResourceStore:
    """The rows of TMF621 trouble ticket specifications."""
    return ResourceStore(database, ticket_specification, "trouble ticket specification")


class Specifications:
    """The specifications that tickets name, as they are at the moment; each version is made ready once."""

    def __init__(self, store: ResourceStore, compile: Compile) -> None:
        self._store = store
        self._compile = compile
        self._ready: dict[str, tuple[int, Specification]] = {}

    async def find(self, id: str) -> Specification | None:
        """The specification, None when there is none; one look-up by key."""
        try:
            text = await self._store.text(id)
        except NotFound:
            return None
        version, ready = self._ready.get(id, (0, None))
        if ready is None or version != text.version:
            if len(self._ready) >= KEPT:
                self._ready.clear()
            ready = Specification.of(orjson.loads(text.body), self._compile)
            self._ready[id] = text.version, ready
        return ready
