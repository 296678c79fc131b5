"""What a recovery may ask of a downstream, wherever that is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol

from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.operations import Operation, Operations

OWNER = "tmf_adapter"
CHARACTERISTIC = "operationId"
"""Carries our operation id at APIs that have no external identifiers."""


class Found(Enum):
    """What a look can say besides the resource itself."""

    NOTHING = "nothing"
    UNREACHABLE = "unreachable"


LONGEST_ID = 500
"""Characters of an identifier by which a resource of others can be found; no operation goes by a longer one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call went: ``document`` when the downstream did it, else ``error``.

    ``again`` is set when the outcome is open or the cause may pass, in the words of a mapping's ``retry.when``:
    ``timeout``, ``connect``, ``nonsense`` or a status such as ``503``; None when the downstream refused for good.
    """

    document: Doc | None = None
    error: str | None = None
    again: str | None = None
    status: int | None = field(default=None, compare=False)
    """The HTTP status, where there was one."""


class Target(Protocol):
    """A TMF API that can be asked, looked at and listened to. ``timeout`` is in seconds."""

    @property
    def operations(self) -> Operations:
        """What it can be asked for, as the version that it speaks has it."""

    @property
    def held_until(self) -> datetime | None:
        """Until when it is spared, since it fails or asks for it; None when it may be called."""

    @property
    def poll(self) -> timedelta | None:
        """How often what was asked for is looked at; None when the API sends events."""

    async def create(
        self, operation: Operation, operation_id: str, body: Doc, timeout: float, target: str | None = None
    ) -> Answer:
        """Ask for the operation once. ``target`` is the id of the resource that is patched or deleted."""

    async def look(self, operation: Operation, operation_id: str, timeout: float) -> Doc | Found:
        """The resource created under our operation id, if any."""

    async def fetch(self, operation: Operation, remote_id: str, timeout: float) -> Doc | Found:
        """The resource as it stands."""


def with_identity(body: Doc, operation_id: str, operation: Operation) -> Doc:
    """The body with our operation id in the member that carries it; what exists already is not renamed.

    In v5 that is the list ``externalIdentifier``, in v4 the text ``externalId``; where an API has neither, a
    characteristic or a note.
    """
    match operation.carrier:
        case None:
            return body
        case "externalIdentifier" as member:
            ours: Any = {"id": operation_id, "owner": OWNER, "externalIdentifierType": "operation"}
        case "note" as member:
            ours = {"id": operation_id, "author": OWNER, "text": operation_id}
        case "externalId" | "externalAlarmId" as member:
            return {**body, member: operation_id}
        case member:
            ours = {"name": CHARACTERISTIC, "valueType": "string", "value": operation_id}
    if operation.typed:
        ours = {"@type": "ExternalIdentifier", **ours}
    return {**body, member: [*body.get(member, ()), ours]}


def external_ids(resource: Doc) -> set[str]:
    """Every external identifier of a resource, v5 and v4, and our operation id wherever else it may be carried."""
    return {one for one in _carried(resource) if isinstance(one, str)}


def _carried(resource: Doc) -> Iterator[Any]:
    """What stands in the places of identifiers; others sent it, so it may be anything."""
    yield from (resource.get(member) for member in ("externalId", "externalAlarmId"))
    yield from (entry.get("id") for entry in _objects(resource, "externalIdentifier"))
    yield from (entry.get("text") for entry in _objects(resource, "note") if entry.get("author") == OWNER)
    for member in ("characteristic", "serviceCharacteristic", "resourceCharacteristic"):
        yield from (entry.get("value") for entry in _objects(resource, member) if entry.get("name") == CHARACTERISTIC)


def _objects(resource: Doc, member: str) -> Iterator[Doc]:
    listed = resource.get(member)
    entries: list[Any] = listed if isinstance(listed, list) else []
    return (entry for entry in entries if isinstance(entry, dict))


def is_ours(resource: Doc) -> bool:
    """Whether a resource carries an operation id of ours."""
    listed = resource.get("externalIdentifier")
    return isinstance(listed, list) and any(isinstance(entry, dict) and entry.get("owner") == OWNER for entry in listed)
