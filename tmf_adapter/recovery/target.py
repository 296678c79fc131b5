"""What a recovery may ask of a downstream, wherever that is."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any, Protocol

from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.operations import Operation

OWNER = "tmf_adapter"


class Found(Enum):
    """What a look can say besides the resource itself."""

    NOTHING = "nothing"
    UNREACHABLE = "unreachable"


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
    """The body with our operation id among its external identifiers, where the API has a place for it.

    In v5 that is the list ``externalIdentifier``, in v4 the text ``externalId``. What exists already is not renamed.
    """
    if operation.needs_target:
        return body
    if "externalIdentifier" in operation.members:
        ours = {
            "@type": "ExternalIdentifier",
            "id": operation_id,
            "owner": OWNER,
            "externalIdentifierType": "operation",
        }
        return {**body, "externalIdentifier": [*body.get("externalIdentifier", ()), ours]}
    return {**body, "externalId": operation_id} if "externalId" in operation.members else body


def external_ids(resource: Doc) -> set[str]:
    """Every external identifier of a resource, v5 and v4."""
    listed = resource.get("externalIdentifier")
    entries: list[Any] = listed if isinstance(listed, list) else []
    ids = {entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)}
    flat = resource.get("externalId")
    return ids | {flat} if isinstance(flat, str) else ids


def is_ours(resource: Doc) -> bool:
    """Whether a resource carries an operation id of ours."""
    listed = resource.get("externalIdentifier")
    return isinstance(listed, list) and any(isinstance(entry, dict) and entry.get("owner") == OWNER for entry in listed)
