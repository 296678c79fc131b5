"""Where service problems are kept, and the tasks on them."""

from dataclasses import dataclass

from sqlalchemy import Connection, Table, select, update

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Outdated
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.storage.tables import (
    TENANT,
    event_record,
    problem,
    problem_acknowledgement,
    problem_group,
    problem_unacknowledgement,
    problem_ungroup,
    revision,
)
from tmf_adapter.tmf.events import Resource

_TASKS: dict[Resource, Table] = {
    "problemAcknowledgement": problem_acknowledgement,
    "problemUnacknowledgement": problem_unacknowledgement,
    "problemGroup": problem_group,
    "problemUngroup": problem_ungroup,
}
_GROUPING = (revision.c.tenant == TENANT) & (revision.c.name == "grouping")


def problem_store(database: Database) -> ResourceStore:
    """The rows of TMF656 service problems."""
    return ResourceStore(database, problem, "service problem")


def task_store(database: Database, resource: Resource) -> ResourceStore:
    """The rows of one kind of TMF656 task."""
    return ResourceStore(database, _TASKS[resource], resource)


def record_store(database: Database) -> ResourceStore:
    """The rows of TMF656 event records."""
    return ResourceStore(database, event_record, "event record")


@dataclass(frozen=True, slots=True)
class Regrouping:
    """Problems are about to be put under others, on what was so at ``revision``; a ``Duty`` (storage/ledger.py).

    Groupings that change different problems can make a circle together, so they take turns, across processes too.
    """

    revision: int

    @classmethod
    async def now(cls, database: Database) -> "Regrouping":
        """To be asked before the problems are read."""
        statement = select(revision.c.value).where(_GROUPING)
        return cls(await database.read(lambda connection: connection.execute(statement).scalar_one()))

    def write(self, tx: Connection) -> None:
        """Raises ``Outdated`` when another grouping was faster."""
        mine = _GROUPING & (revision.c.value == self.revision)
        if tx.execute(update(revision).where(mine).values(value=self.revision + 1)).rowcount != 1:
            raise Outdated

    def committed(self) -> None:
        """Nobody waits for it."""
