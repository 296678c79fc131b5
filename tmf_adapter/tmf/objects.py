"""The objects that TMF621 and TMF656 are made of, as v4 and v5 have them: facts of the two pairs of official files.

Members that are the same in both, name and form, are not listed.
"""

from typing import Any

from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.forms import Form, made_of, moment, never, number, text, uri
from tmf_adapter.tmf.shapes import FirstId, Shape, TypeOf, Wrapped


def _named(type_: str) -> TypeOf:
    return lambda _: type_


def _shape(type_: str, v4_type: str = "", **also: Any) -> Shape:
    return Shape(_named(type_), v4_type or type_, **also)


def _party_type(reference: Doc) -> str:
    """A person or an organization is a party; whoever is named otherwise (Customer, Supplier) plays a role."""
    named = reference.get("@referredType", "Party")
    return "PartyRef" if isinstance(named, str) and named in _PARTIES else "PartyRoleRef"


def _characteristic_type(characteristic: Doc) -> str:
    """v5 has a type for each kind of value; a list is of what its elements are."""
    value = characteristic.get("value")
    if isinstance(value, list):
        kinds = {_kind(element) for element in value}
        return f"{kinds.pop() if len(kinds) == 1 else 'Object'}ArrayCharacteristic"
    return f"{_kind(value)}Characteristic"


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "Boolean"
        case int():
            return "Integer"
        case float():
            return "Number"
        case dict():
            return "Object"
    return "String" if isinstance(value, str) else ""


_PARTIES = frozenset({"Party", "Individual", "Organization"})
_POINTER: dict[str, Form] = {"id": text, "name": text, "@referredType": text, "role": text}
"""What v4 has flat beside the role; v5 asks it of the reference only, and lets what is beside that be anything."""
_PERIOD = made_of(startDateTime=moment, endDateTime=moment)
_SITE: dict[str, Form] = {
    **dict.fromkeys(("code", "description", "status"), text),
    "creationDate": moment,
    **dict.fromkeys(("calendar", "externalIdentifier", "place", "relatedParty", "siteRelationship"), never),
}
"""What v5 asks of a place that says neither that it is an address nor anything else."""
_NOTE = _shape("Note")
_PARTY_ROLE: dict[str, Form] = {"partyId": text, "partyName": text}


def _related_entity(href: Form) -> Shape:
    return _shape(
        "RelatedEntity",
        wrapped=Wrapped("entity", _named("EntityRef")),
        assumed={"id": "", "role": "", "@referredType": "Entity"},
        v4_asks={**_POINTER, "href": href},
    )


def _related_party(href: Form) -> Shape:
    return _shape(
        "RelatedPartyRefOrPartyRoleRef",
        "RelatedParty",
        wrapped=Wrapped("partyOrPartyRole", _party_type),
        assumed={"id": "", "@referredType": "Party"},
        v4_asks={**_POINTER, "href": href},
        v5_asks=_PARTY_ROLE,
    )


# ------------------------------------------------------------------------------------------------------------- TMF621

_ATTACHMENT = Shape(
    lambda it: "AttachmentRef" if "@referredType" in it and "id" in it else "Attachment",
    "AttachmentRefOrValue",
    needs_id=lambda it: it.get("@type") == "AttachmentRef",
    v4_asks={
        **dict.fromkeys(("attachmentType", "content", "mimeType", "@referredType"), text),
        "size": made_of(amount=number, units=text),
        "validFor": _PERIOD,
    },
)
_STATUS_CHANGE = _shape(
    "StatusChange", renamed={"changeDate": "statusChangeDate", "changeReason": "statusChangeReason"}
)
TROUBLE_TICKET = _shape(
    "TroubleTicket",
    renamed={"externalId": "externalIdentifier", "statusChange": "statusChangeHistory"},
    parts={
        "attachment": _ATTACHMENT,
        "channel": _shape("ChannelRef"),
        "externalId": FirstId(),
        "note": _NOTE,
        "relatedEntity": _related_entity(text),
        "relatedParty": _related_party(text),
        "statusChange": _STATUS_CHANGE,
        "troubleTicketRelationship": _shape(
            "TroubleTicketRelationship", needs_id=lambda _: True, v5_asks={"@referredType": text}
        ),
    },
)

# ------------------------------------------------------------------------------------------------------------- TMF656

_ADDRESS: dict[str, Form] = {"href": uri}
"""Here v4 has most addresses as URIs, v5 as any text."""


def _reference(type_: str, **also: Any) -> Shape:
    return _shape(type_, v4_asks=_ADDRESS, **also)


_RELATED_ENTITY, _RELATED_PARTY = _related_entity(uri), _related_party(uri)
_RELATED_PLACE = _shape(
    "RelatedPlaceRefOrValue",
    "RelatedPlace",
    wrapped=Wrapped("place", lambda place: "PlaceRef" if "id" in place else "Place"),
    v4_asks={**_POINTER, "href": text},
    v5_asks=_SITE,
)
_CHARACTERISTIC = Shape(
    _characteristic_type,
    "Characteristic",
    parts={"characteristicRelationship": _reference("CharacteristicRelationship")},
    assumed={"name": "", "value": None},
)
_PROBLEM = _reference("ServiceProblemRef")
_TRACKING = _shape("TrackingRecord", parts={"characteristic": _CHARACTERISTIC})
SERVICE_PROBLEM = _shape(
    "ServiceProblem",
    parts={
        "affectedLocation": _RELATED_PLACE,
        "affectedResource": _reference("ResourceRef"),
        "affectedService": _reference("ServiceRef"),
        "characteristic": _CHARACTERISTIC,
        "externalIdentifier": _reference("ExternalIdentifier", assumed={"id": ""}),
        "firstAlert": _RELATED_ENTITY,
        "impactPattern": _reference("ImpactPattern", parts={"characteristic": _CHARACTERISTIC}),
        "note": _NOTE,
        "originatorParty": _RELATED_PARTY,
        "parentProblem": _PROBLEM,
        "relatedEntity": _RELATED_ENTITY,
        "relatedEvent": _reference("EventRef"),
        "relatedParty": _RELATED_PARTY,
        "responsibleParty": _RELATED_PARTY,
        "rootCauseResource": _reference("ResourceRef"),
        "rootCauseService": _reference("ServiceRef"),
        "slaViolation": _reference("SLAViolationRef"),
        "trackingRecord": _TRACKING,
        "troubleTicket": _reference("TroubleTicketRef"),
        "underlyingAlarm": _shape(
            "ResourceAlarmRef", parts={"changeRequest": _reference("EntityRef")}, v5_asks={"name": text}
        ),
        "underlyingProblem": _PROBLEM,
    },
)
EVENT_RECORD = _shape("ServiceProblemEventRecord", parts={"serviceProblem": _PROBLEM})


def task(type_: str, *, says_who: bool) -> Shape:
    """A task on problems; ``says_who``: it leaves a tracking record as well."""
    problems = ("problem", "childProblem", "parentProblem", "ackProblem", "unackProblem")
    parts = {name: _PROBLEM for name in problems} | ({"trackingRecord": _TRACKING} if says_who else {})
    return _shape(type_, parts=parts)
