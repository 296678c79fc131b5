"""Hypothesis strategies for bodies of both versions: every member of the official files, and some that nobody knows."""

from typing import Any

from hypothesis import strategies as st

Body = st.SearchStrategy[dict[str, Any]]

_TEXT = st.text(max_size=4) | st.sampled_from(["", "a", "b", "Note", "RelatedParty", "Open"])
_ID = st.sampled_from(["1", "2", "3", "", "é"])
_DATE = st.sampled_from(["2026-11-24T08:00:00Z", "2026-11-24T09:00:00.000Z"])
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)
_NAMES = st.sampled_from(
    [
        *("x-vendor", "entity", "partyOrPartyRole", "place", "role", "@v4", "statusChangeReason", "state"),
        *("statusChangeHistory", "externalIdentifier", "troubleTicketCharacteristic", "errorMessage", "partyId"),
    ]
) | st.text(min_size=1, max_size=3)
"""Names that v4 does not know; many of them mean something to v5, or to us."""
_TYPES = st.sampled_from(["Mine", "Note", "EntityRef", "RelatedEntity", "RelatedParty", "PartyRef", ""])
_URI = st.sampled_from(["https://a.test/x.json", "urn:x"])
_META = {"@type": _TYPES, "@baseType": _TEXT, "@schemaLocation": _URI}
_REFERRED = {"@referredType": st.sampled_from(["Individual", "Customer", "Service", "Organization"])}


def _object(required: dict[str, Any], optional: dict[str, Any]) -> Body:
    optional = {name: one for name, one in {**_META, **optional}.items() if name not in required}
    known = st.fixed_dictionaries(required, optional=optional)
    unknown = st.dictionaries(_NAMES, _ANY, max_size=2)
    names = required.keys() | optional.keys()
    return st.builds(
        lambda extra, body: {name: value for name, value in extra.items() if name not in names} | body, unknown, known
    )


def _some(element: Body) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(element, max_size=3)


def _reference(href: st.SearchStrategy[str] = _URI, **more: Any) -> Body:
    return _object({"id": _ID}, {"href": href, "name": _TEXT, **_REFERRED, **more})


_NOTE = _object({}, {"id": _ID, "author": _TEXT, "date": _DATE, "text": _TEXT})
_ENTITY_V4 = _object({"id": _ID, "role": _TEXT, **_REFERRED}, {"href": _URI, "name": _TEXT})
_PARTY_V4 = _object({"id": _ID, **_REFERRED}, {"href": _URI, "name": _TEXT, "role": _TEXT})
_PLACE_V4 = _object({}, {"id": _ID, "href": _TEXT, "name": _TEXT, "role": _TEXT, **_REFERRED})
_CHARACTERISTIC = _object(
    {"name": _TEXT, "value": _ANY},
    {"id": _ID, "valueType": _TEXT, "characteristicRelationship": _some(_object({}, {"id": _ID, "href": _URI}))},
)
_ATTACHMENT = _object({}, {"id": _ID, "url": _TEXT, "content": _TEXT, "size": _object({}, {"amount": st.floats(0, 9)})})
_TICKET_PLAIN = {
    **dict.fromkeys(("creationDate", "expectedResolutionDate", "lastUpdate", "requestedResolutionDate"), _DATE),
    **dict.fromkeys(("resolutionDate", "statusChangeDate"), _DATE),
    **dict.fromkeys(("name", "priority", "statusChangeReason"), _TEXT),
    "attachment": _some(_ATTACHMENT),
    "channel": _reference(),
    "note": _some(_NOTE),
    "status": st.sampled_from(["acknowledged", "inProgress", "held"]),
}
_TICKET_REQUIRED = {"description": _TEXT, "severity": _TEXT, "ticketType": _TEXT}
TICKET_V4 = _object(
    _TICKET_REQUIRED,
    {
        **_TICKET_PLAIN,
        "externalId": _TEXT,
        "relatedEntity": _some(_ENTITY_V4),
        "relatedParty": _some(_PARTY_V4),
        "statusChange": _some(_object({}, {"changeDate": _DATE, "changeReason": _TEXT, "status": _TEXT})),
        "troubleTicketRelationship": _some(
            _object({}, {"id": _ID, "href": _TEXT, "name": _TEXT, "relationshipType": _TEXT})
        ),
    },
)
_PROBLEM_REQUIRED = {"category": _TEXT, "description": _TEXT, "priority": st.integers(1, 10), "reason": _TEXT}
_PROBLEM_PLAIN = {
    **dict.fromkeys(("creationDate", "lastUpdate", "resolutionDate", "statusChangeDate"), _DATE),
    **dict.fromkeys(("impactImportanceFactor", "name", "originatingSystem", "problemEscalation"), _TEXT),
    "affectedNumberOfServices": st.integers(0, 9),
    "affectedResource": _some(_reference()),
    "affectedService": _some(_reference()),
    "characteristic": _some(_CHARACTERISTIC),
    "externalIdentifier": _some(_object({"id": _ID}, {"owner": _TEXT, "externalIdentifierType": _TEXT})),
    "impactPattern": _object({}, {"id": _ID, "characteristic": _some(_CHARACTERISTIC)}),
    "note": _some(_NOTE),
    "relatedEvent": _some(_reference(eventTime=_DATE)),
    "status": st.sampled_from(["acknowledged", "inProgress", "held"]),
    "trackingRecord": _some(_object({}, {"id": _ID, "user": _TEXT, "characteristic": _some(_CHARACTERISTIC)})),
    "underlyingAlarm": _some(_reference(changeRequest=_reference())),
    "underlyingProblem": _some(_reference()),
}
PROBLEM_V4 = _object(
    {**_PROBLEM_REQUIRED, "originatorParty": _PARTY_V4},
    {
        **_PROBLEM_PLAIN,
        "affectedLocation": _some(_PLACE_V4),
        "firstAlert": _ENTITY_V4,
        "relatedEntity": _some(_ENTITY_V4),
        "relatedParty": _some(_PARTY_V4),
        "responsibleParty": _PARTY_V4,
    },
)

_PARTY_V5 = _object({}, {"role": _TEXT, "partyOrPartyRole": _reference(_TEXT, partyId=_ID)})
_ENTITY_V5 = _object({}, {"role": _TEXT, "entity": _reference(_TEXT)})
_TYPED = {"@type": st.sampled_from(["TroubleTicket", "BillingTicket"])}
TICKET_V5 = _object(
    {**_TICKET_REQUIRED, "id": _ID, "href": st.just("http://a/tmf-api/troubleTicket/v5/troubleTicket/1"), **_TYPED},
    {
        **_TICKET_PLAIN,
        "externalIdentifier": _some(_object({}, {"id": _ID, "owner": _TEXT})),
        "relatedEntity": _some(_ENTITY_V5),
        "relatedParty": _some(_PARTY_V5),
        "statusChangeHistory": _some(_object({}, {"statusChangeDate": _DATE, "statusChangeReason": _TEXT})),
        "troubleTicketCharacteristic": _some(_CHARACTERISTIC),
        "troubleTicketSpecification": _reference(version=_TEXT),
    },
)
PROBLEM_V5 = _object(
    {
        **_PROBLEM_REQUIRED,
        "originatorParty": _PARTY_V5,
        "id": _ID,
        "href": st.just("http://a/tmf-api/serviceProblemManagement/v5/serviceProblem/1"),
        "@type": st.sampled_from(["ServiceProblem", "NetworkProblem"]),
    },
    {
        **_PROBLEM_PLAIN,
        "affectedLocation": _some(_object({}, {"role": _TEXT, "place": _reference(_TEXT, city=_TEXT)})),
        "errorMessage": _some(_object({"code": _TEXT, "reason": _TEXT}, {})),
        "firstAlert": _ENTITY_V5,
        "relatedEntity": _some(_ENTITY_V5),
        "relatedParty": _some(_PARTY_V5),
        "responsibleParty": _PARTY_V5,
    },
)
