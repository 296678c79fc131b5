"""What the adapter may ask of other systems: one row per operation of a TM Forum API, as its official document has it.

Facts only: nobody is called here. A row says how a request looks, which event brings the result and how to find out
whether a request that got no answer arrived. The names are ``<api>.<operationId>``, as the ``call`` of a mapping's step
spells them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tmf_adapter.tmf.lifecycle import PROBLEM

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
    """Every value of the resource's ``state_member``."""
    state_member: str = "status"
    undone_by: frozenset[str] = frozenset()
    """Names of the operations that can take this one back; empty where nothing can."""
    lookup: str | None = None
    """Query parameter that finds a created resource by our operation id; None where a repetition does no harm."""

    @property
    def typed(self) -> bool:
        """Whether every object of the body needs ``@type`` (all v5 documents: schema ``Extensible``)."""
        return self.version == "v5"

    @property
    def needs_target(self) -> bool:
        """Whether ``path`` names one existing resource."""
        return "{id}" in self.path


def _several(kind: Json, *names: str, required: tuple[str, ...] = ()) -> dict[str, Member]:
    return dict.fromkeys(names, Member(kind, frozenset(required)))


_SERVICE_PROBLEM: dict[str, Member] = {
    **_several("string", "@type", "@baseType", "@schemaLocation", "id", "category", "description", "reason", "name"),
    **_several("string", "impactImportanceFactor", "originatingSystem", "problemEscalation", "status"),
    **_several("string", "statusChangeDate", "statusChangeReason", "resolutionDate", "lastUpdate", "creationDate"),
    **_several("integer", "priority", "affectedNumberOfServices"),
    **_several("object", "originatorParty", "responsibleParty", required=("role",)),
    **_several("object", "firstAlert", required=("role", "entity")),
    **_several("object", "impactPattern"),
    **_several("array", "note", "trackingRecord"),
    **_several("array", "affectedLocation", required=("role", "place")),
    **_several(
        "array", "affectedResource", "affectedService", "rootCauseResource", "rootCauseService", required=("id",)
    ),
    **_several("array", "externalIdentifier", "parentProblem", "underlyingProblem", "relatedEvent", required=("id",)),
    **_several("array", "troubleTicket", "underlyingAlarm", "slaViolation", required=("id",)),
    **_several("array", "characteristic", required=("name",)),
    **_several("array", "relatedParty", required=("role",)),
    **_several("array", "relatedEntity", required=("role", "entity")),
}
"""TMF656 v5.0.0, schema ``ServiceProblem_FVO`` with the schemas it refers to."""

Operations = Mapping[str, Operation]
"""Rows by the name that a mapping calls them by."""

OPERATIONS: Operations = MappingProxyType(
    {
        "tmf656.createServiceProblem": Operation(
            api="tmf656",
            version="v5",
            base="/tmf-api/serviceProblemManagement/v5",
            method="POST",
            path="/serviceProblem",
            resource="serviceProblem",
            required=frozenset({"@type", "category", "priority", "description", "reason", "originatorParty"}),
            members=MappingProxyType(_SERVICE_PROBLEM),
            results=frozenset({"ServiceProblemStateChangeEvent", "ServiceProblemAttributeValueChangeEvent"}),
            statuses=frozenset(PROBLEM.edges),
            lookup="externalIdentifier.id",
        ),
    }
)
"""Every operation that a mapping may call."""
