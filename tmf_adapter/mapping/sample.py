"""A ticket to try mappings with before any real one comes: what it lacks of a mapping's wishes is filled in."""

from typing import Any

from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.mapping.scan import Path
from tmf_adapter.mapping.view import view_of
from tmf_adapter.tmf.events import Doc

PLACEHOLDER = "sample"
"""The value of everything whose type nobody can know, such as a characteristic that a mapping made up."""


def _entity(role: str, kind: str, id: str) -> Doc:
    entity = {"@type": "EntityRef", "@referredType": kind, "id": id, "name": PLACEHOLDER}
    return {"@type": "RelatedEntity", "role": role, "entity": entity}


SAMPLE: Doc = {
    "@type": "TroubleTicket",
    "id": "ticket-1",
    "href": "https://adapter.example/tmf-api/troubleTicket/v5/troubleTicket/ticket-1",
    "name": "No internet",
    "description": "The router shows a red light since this morning.",
    "ticketType": "fault",
    "severity": "major",
    "priority": "high",
    "status": "inProgress",
    "creationDate": "2026-03-02T08:00:00.000Z",
    "lastUpdate": "2026-03-02T08:05:00.000Z",
    "statusChangeDate": "2026-03-02T08:05:00.000Z",
    "requestedResolutionDate": "2026-03-02T18:00:00.000Z",
    "note": [{"@type": "Note", "id": "1", "author": "hotline", "text": "No synchronisation."}],
    "relatedEntity": [
        _entity("affectedService", "Service", "service-1"),
        _entity("affectedProduct", "Product", "product-1"),
    ],
    "relatedParty": [
        {
            "@type": "RelatedPartyRefOrPartyRoleRef",
            "role": "customer",
            "partyOrPartyRole": {"@type": "PartyRef", "@referredType": "Individual", "id": "customer-1"},
        }
    ],
    "troubleTicketCharacteristic": [
        {"@type": "StringCharacteristic", "name": "rootCauseDomain", "valueType": "string", "value": "access"}
    ],
}
"""A fault as a customer platform reports it; all of it is made up."""


def sample_scope(mapping: Mapping, paths: tuple[Path, ...]) -> dict[str, Any]:
    """What expressions read of the sample when it has just come under work, with everything that ``paths`` name."""
    now, before = view_of(SAMPLE), view_of({**SAMPLE, "status": "acknowledged"})
    for path in paths:
        if path.root in ("t", "was") and len(path.steps) > 2:
            _fill(now if path.root == "t" else before, path)
    return {
        "t": now,
        "was": before,
        "changed": ["status", "statusChangeDate"],
        "episode": 1,
        "mapping": {"id": mapping.id},
        "now": "2026-03-02T08:05:00.000Z",
        "step": {},
        "open": {},
        **({"group": {"key": PLACEHOLDER}} if mapping.group else {}),
    }


def _fill(view: dict[str, Any], path: Path) -> None:
    part, name = path.steps[1:3]
    reference = {member: PLACEHOLDER for member in ("id", "name", "href", "type")}
    values: dict[Any, Any] = {"char": PLACEHOLDER, "ext": PLACEHOLDER, "party": reference, "rel": [reference]}
    if part in values and isinstance(name, str):
        view[str(part)].setdefault(name, values[part])
