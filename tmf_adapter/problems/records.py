"""The record of what other systems report about service problems (TMF656 v5, ServiceProblemEventRecord)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.tmf.events import Doc, Stored, Text
from tmf_adapter.tmf.forms import moment, text
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.query import Page, Query
from tmf_adapter.tmf.shapes import KEPT, META
from tmf_adapter.tmf.time import stamp, utc_now

ABOUT = frozenset(
    {"serviceProblem", "problemAcknowledgement", "problemUnacknowledgement", "problemGroup", "problemUngroup", "alarm"}
)
"""What an event may hold to be recorded: a problem, a task on problems, or what problems are made of."""


@dataclass(frozen=True, slots=True)
class EventRecords:
    """The records; they are written where events arrive, in the transaction that takes the event in."""

    store: ResourceStore
    collection: str
    clock: Callable[[], datetime] = utc_now

    def of(self, type: str, event: Doc) -> Stored | None:
        """The record of an event of that type; None when it says nothing about problems."""
        payload = event.get("event")
        about = [(name, one) for name, one in _members(payload) if name in ABOUT and isinstance(one, dict)]
        if not about:
            return None
        id_ = new_id()
        record: Doc = {
            "id": id_,
            "href": f"{self.collection}/{id_}",
            "@type": "ServiceProblemEventRecord",
            "recordTime": stamp(self.clock()),
            "eventType": type,
            "notification": _notification(type, event),
        }
        if moment(event.get("eventTime")):
            record["eventTime"] = event["eventTime"]
        if reference := _reference(*about[0]):
            record["serviceProblem"] = reference
        return Stored(record)

    def add(self, tx: Connection, record: Stored) -> None:
        """Keep it."""
        self.store.add(tx, record)

    async def fetch(self, id: str) -> Text:
        """The record's JSON as it is stored. Raises ``NotFound``."""
        return await self.store.text(id)

    async def list(self, query: Query) -> Page:
        """The records that match."""
        return await self.store.page(query)


def _notification(type: str, event: Doc) -> Doc:
    """The event as it was sent. v5 asks of any object that these three be texts; a sender through v4 need not know."""
    strange = {name: event[name] for name in META if name in event and not text(event[name])}
    if event.get("@type") == "":
        strange["@type"] = ""
    said = {name: value for name, value in event.items() if name not in strange}
    return {"@type": type, **said, **({KEPT: strange} if strange else {})}


def _members(payload: Any) -> list[tuple[str, Any]]:
    return list(payload.items()) if isinstance(payload, dict) else []


def _reference(name: str, resource: Doc) -> Doc | None:
    """The problem that the event is about, as its sender names it; None when that is none or several."""
    named = {"serviceProblem": [resource], "alarm": []}.get(name) or _named(resource)
    if len(named) != 1 or not isinstance(named[0], dict) or not isinstance(named[0].get("id"), str):
        return None
    said = {member: named[0][member] for member in ("id", "href", "name") if isinstance(named[0].get(member), str)}
    return {"@type": "ServiceProblemRef", **said}


def _named(task: Doc) -> list[Any]:
    found = task.get("parentProblem", task.get("problem", []))
    return found if isinstance(found, list) else [found]
