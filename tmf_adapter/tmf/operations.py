"""What the adapter may ask of other systems: one row per operation of a TM Forum API, as its official document has it.

Facts only: nobody is called here. A row says how a request looks, which event brings the result and how to find out
whether a request that got no answer arrived. The names are ``<api>.<operationId>``, as the ``call`` of a mapping's step
spells them. The facts of each API and version stand in ``apis/``; tests hold them against the documents.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

Json = Literal["string", "integer", "number", "boolean", "object", "array"]


@dataclass(frozen=True, slots=True)
class Member:
    """The shape of one first-level member of a body.

    ``required`` are the members that the object, or each object of the array, must have besides ``@type``.
    """

    kind: Json
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of another system's API. ``base`` is where the API usually starts; a target may say otherwise."""

    api: str
    version: str
    base: str
    method: Literal["POST", "PATCH", "DELETE"]
    path: str
    """Below ``base``; ``{id}`` stands for the ``target`` of a step."""
    resource: str
    """The resource's name: the member of ``event`` that holds it, and the role it is given on the ticket."""
    required: frozenset[str]
    """First-level members without which the target answers 400."""
    members: Mapping[str, Member]
    """Every first-level member of the body that the document knows."""
    results: frozenset[str]
    """``eventType`` of each event that can tell how the operation goes."""
    statuses: frozenset[str]
    """Every value of the resource's ``state_member``; empty where the document leaves it a free text."""
    state_member: str = "status"
    undone_by: frozenset[str] = frozenset()
    """Names of the operations that can take this one back; empty where nothing can."""
    carrier: str | None = None
    """The member in which a new resource carries our operation id; None where a repetition does no harm: tasks such as
    a cancellation, and changes of what there is already."""

    @property
    def lookup(self) -> str | None:
        """Query parameter that finds a created resource by our operation id; None where there is no carrier."""
        return None if self.carrier is None else _LOOKUPS.get(self.carrier, f"{self.carrier}.value")

    @property
    def typed(self) -> bool:
        """Whether every object of the body needs ``@type`` (all v5 documents: schema ``Extensible``)."""
        return self.version == "v5"

    @property
    def needs_target(self) -> bool:
        """Whether ``path`` names one existing resource."""
        return "{id}" in self.path


_LOOKUPS = {
    "externalIdentifier": "externalIdentifier.id",
    "externalId": "externalId",
    "externalAlarmId": "externalAlarmId",
    "note": "note.text",
}
"""How a resource is found by what it carries; the others are lists of characteristics."""

Operations = Mapping[str, Operation]
"""Rows by the name that a mapping calls them by."""

DEFAULT_VERSIONS = MappingProxyType({"tmf621": "v5", "tmf656": "v5"})
"""The version of each API that is spoken when nothing else is said; v4 for those that are not named."""

_APIS = Path(__file__).parent / "apis"


def versions_of(api: str) -> tuple[str, ...]:
    """The versions of an API such as ``tmf622`` whose facts we have, oldest first; none for an unknown one."""
    return tuple(sorted(path.stem.partition("-")[2] for path in _APIS.glob(f"{api}-v*.json")))


def known_apis() -> tuple[str, ...]:
    """Every API that a mapping may call."""
    return tuple(sorted({path.stem.partition("-")[0] for path in _APIS.glob("*.json")}))


@cache
def rows(api: str, version: str) -> Operations:
    """The operations of one version of an API. Raises ``FileNotFoundError`` for one whose facts we do not have."""
    said = json.loads((_APIS / f"{api}-{version}.json").read_text())
    return MappingProxyType({f"{api}.{name}": _row(said, row) for name, row in said["operations"].items()})


def operations_of(versions: Mapping[str, str]) -> Operations:
    """The operations of every API, each in the version that is spoken."""
    spoken = {api: versions.get(api) or DEFAULT_VERSIONS.get(api, "v4") for api in known_apis()}
    return MappingProxyType({name: row for api, version in spoken.items() for name, row in rows(api, version).items()})


def api_of(call: str) -> str:
    """The API of a call such as ``tmf622.createProductOrder``."""
    return call.partition(".")[0]


def _row(said: Mapping[str, Any], row: Mapping[str, Any]) -> Operation:
    resource = said["resources"][row["resource"]]
    is_new = row["method"] == "POST"
    return Operation(
        api=said["api"],
        version=said["version"],
        base=said["base"],
        method=row["method"],
        path=row["path"],
        resource=row["resource"],
        required=frozenset(row.get("required", ())),
        members=MappingProxyType(dict(_members(row.get("members", {})))),
        results=frozenset(resource["events"]),
        statuses=frozenset(resource.get("states", ())),
        state_member=resource.get("state", "state"),
        undone_by=frozenset(f"{said['api']}.{name}" for name in row.get("undone_by", ())),
        carrier=resource.get("carrier") if is_new else None,
    )


def _members(kinds: Mapping[Json, Any]) -> dict[str, Member]:
    """By kind: names, and for objects and lists of them the members that each must have."""
    return {
        name: Member(kind, frozenset(names[name] if isinstance(names, dict) else ()))
        for kind, names in kinds.items()
        for name in names
    }


OPERATIONS: Operations = operations_of({})
"""Every operation that a mapping may call, in the versions that are spoken when nothing else is said."""
