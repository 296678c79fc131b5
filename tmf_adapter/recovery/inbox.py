"""Where result events arrive: stored once by eventId, then judged by the durable run they belong to."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.engine import Engine
from tmf_adapter.problems.records import EventRecords
from tmf_adapter.recovery import mailbox
from tmf_adapter.recovery.kinds import JUDGE
from tmf_adapter.recovery.target import LONGEST_ID, external_ids
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Doc

MOST_KEYS = 1_000
"""Identifiers that an event may name."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """Takes any inbound TMF event, of any version."""

    database: Database
    engine: Engine
    records: EventRecords | None = None

    async def receive(self, event: Doc) -> None:
        """The event is stored when this returns; one that came before is not stored again. Raises ``Invalid``.

        Events without an ``eventId`` (the standard does not require one) are known by their content.
        """
        type_ = event.get("eventType") or event.get("@type")
        if not isinstance(type_, str) or not type_:
            raise Invalid.at("/eventType", "is missing, so the event cannot be dispatched")
        id_ = _identity(event)
        keys = sorted({key for key in _keys(event) if len(key) <= LONGEST_ID})
        if len(keys) > MOST_KEYS:
            raise Invalid.at("/event", f"names {len(keys)} identifiers, {MOST_KEYS} are possible")
        record = self.records and self.records.of(type_, event)

        def work(tx: Connection) -> None:
            if keep(tx, self.engine, id_, type_, event, keys) and self.records and record:
                self.records.add(tx, record)

        await self.database.write(work)
        crash_point(CrashPoint.EVENT_STORED)


def keep(tx: Connection, engine: Engine, id_: str, type_: str, event: Doc, keys: list[str]) -> bool:
    """Store the event, and say whether it is new; when an operation goes by one of its keys, have it judged.

    One that matches nothing yet is kept, and found when the downstream's answer is stored.
    """
    mailbox.in_line(tx, keys)
    can_tell = keys and not type_.lower().endswith("createevent")  # that it was created, we have been answered
    is_new = mailbox.insert_event(tx, id_, type_, event, keys)
    if is_new and can_tell and mailbox.concerns_us(tx, keys):
        engine.start(tx, JUDGE, id_)
    return is_new


def _identity(event: Doc) -> str:
    id_ = event.get("eventId")
    if isinstance(id_, str) and id_:
        return id_ if len(id_) <= 200 else hashlib.sha256(id_.encode()).hexdigest()
    return hashlib.sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _keys(event: Doc) -> Iterator[str]:
    """The identifiers by which an operation may be found: of the resource, and ours on it."""
    payload = event.get("event")
    resources: list[Any] = list(payload.values()) if isinstance(payload, dict) else []
    for resource in resources:
        if isinstance(resource, dict):
            if isinstance(resource.get("id"), str):
                yield resource["id"]
            yield from external_ids(resource)
    if isinstance(event.get("correlationId"), str):
        yield event["correlationId"]
