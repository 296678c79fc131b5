"""A ticket to try mappings with before any real one comes: what it lacks of a mapping's wishes is filled in."""

from typing import Any

from tmf_adapter.mapping.asking import answer_view
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


_SAID: Doc = {
    **{name: SAMPLE[name] for name in ("description", "priority", "severity", "ticketType")},
    "note": [{"@type": "Note", "id": "2", "author": "customer", "text": PLACEHOLDER}],
}
"""What the customer adds to the sample when he is asked something."""


def sample_scope(mapping: Mapping, paths: tuple[Path, ...]) -> dict[str, Any]:
    """What expressions read of the sample when it has just come under work, with everything that ``paths`` name."""
    now, before = view_of(SAMPLE), view_of({**SAMPLE, "status": "acknowledged"})
    said = {step.id: answer_view(_SAID) for step in mapping.every_step if step.asks}
    views: dict[str, Any] = {"t": now, "was": before, **{f"answer.{id_}": view for id_, view in said.items()}}
    for path in paths:
        root, below = _split(path)
        if len(below) > 1 and root in views:
            _fill(views[root], *below[:2])
    return {
        "t": now,
        "was": before,
        "changed": ["status", "statusChangeDate"],
        "episode": 1,
        "mapping": {"id": mapping.id},
        "now": "2026-03-02T08:05:00.000Z",
        "step": {},
        "answer": said,
        "open": {},
        **({"group": {"key": PLACEHOLDER}} if mapping.group else {}),
    }


def _split(path: Path) -> tuple[str, tuple[str | int, ...]]:
    """The view that a path reads, and what of it."""
    at = 2 if path.root == "answer" else 1
    return ".".join(map(str, path.steps[:at])), path.steps[at:]


def _fill(view: dict[str, Any], part: str | int, name: str | int) -> None:
    reference = {member: PLACEHOLDER for member in ("id", "name", "href", "type")}
    values: dict[Any, Any] = {"char": PLACEHOLDER, "ext": PLACEHOLDER, "party": reference, "rel": [reference]}
    if part in values and isinstance(name, str):
        view.setdefault(str(part), {}).setdefault(name, values[part])
