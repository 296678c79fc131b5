"""A ticket as a BSS sends it: about 2 kB, 18 nested objects."""

from typing import Any

BASE = "/tmf-api/troubleTicket/v5"


def _characteristic(kind: str, name: str, value: Any) -> dict[str, Any]:
    return {"@type": kind, "name": name, "value": value}


def _related(role: str, kind: str, id_: str, name: str) -> dict[str, Any]:
    reference = {"@type": "EntityRef", "@referredType": kind, "id": id_, "name": name}
    return {"@type": "RelatedEntity", "role": role, "entity": reference}


def _party(role: str, id_: str, name: str) -> dict[str, Any]:
    reference = {"@type": "PartyRef", "@referredType": "Individual", "id": id_, "name": name}
    return {"@type": "RelatedPartyRefOrPartyRoleRef", "role": role, "partyOrPartyRole": reference}


TICKET: dict[str, Any] = {
    "@type": "TroubleTicket",
    "name": "No internet since 06:10",
    "description": "The router has shown a red light since early this morning. A restart and a change of the cable did "
    "not help. The customer works from home and asks to be called back before noon.",
    "severity": "major",
    "priority": "high",
    "ticketType": "fault",
    "status": "acknowledged",
    "requestedResolutionDate": "2026-03-11T18:00:00Z",
    "expectedResolutionDate": "2026-03-12T12:00:00Z",
    "channel": {"@type": "ChannelRef", "id": "hotline", "name": "Customer hotline"},
    "externalIdentifier": [
        {"@type": "ExternalIdentifier", "owner": "crm", "externalIdentifierType": "Case", "id": "C-20931"}
    ],
    "note": [
        {
            "@type": "Note",
            "author": "Agent 17",
            "date": "2026-03-11T06:41:12Z",
            "text": "Line test from the hotline: no synchronisation at the access node, port shows loss of signal.",
        },
        {"@type": "Note", "author": "Agent 17", "date": "2026-03-11T06:44:50Z", "text": "Customer informed by SMS."},
    ],
    "relatedEntity": [
        _related("affectedService", "Service", "bb-4711-3", "Broadband 250"),
        _related("affectedResource", "Resource", "dslam-07/1/14", "Access port"),
    ],
    "relatedParty": [
        _party("customer", "cust-88213", "Jane Lamborgizzia"),
        _party("reporter", "agent-17", "Agent 17"),
    ],
    "troubleTicketCharacteristic": [
        _characteristic("StringCharacteristic", "faultCode", "LOS-31"),
        _characteristic("IntegerCharacteristic", "lostFrames", 1482),
        _characteristic("BooleanCharacteristic", "customerAtHome", True),
        _characteristic("StringCharacteristic", "accessTechnology", "VDSL2"),
    ],
    "troubleTicketRelationship": [
        {"@type": "TroubleTicketRelationship", "relationshipType": "duplicates", "id": "0199f6a2-7c1e-7f10-9d58"}
    ],
}
