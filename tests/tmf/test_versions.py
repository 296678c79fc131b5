"""v4 and v5 are two views of one stored document, and nothing is lost between them."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.tmf.bodies import PROBLEM_V4, PROBLEM_V5, TICKET_V4, TICKET_V5
from tmf_adapter.tmf.condition import And, Compare, Not, Operator, Or, Value
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.versions import V4, nearest

Doc = dict[str, Any]
TICKET, PROBLEM = V4["troubleTicket"], V4["serviceProblem"]
BY_V4 = st.tuples(st.just(TICKET), TICKET_V4) | st.tuples(st.just(PROBLEM), PROBLEM_V4)
BY_V5 = st.tuples(st.just(TICKET), TICKET_V5) | st.tuples(st.just(PROBLEM), PROBLEM_V5)
quickly = settings(max_examples=80, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


def without_type(seen: Doc, sent: Doc) -> Doc:
    return seen if "@type" in sent else {name: value for name, value in seen.items() if name != "@type"}


@quickly
@given(BY_V4)
def test_what_v4_sends_is_what_v4_gets(sent: tuple[Any, Doc]) -> None:
    versions, body = sent
    original = copy.deepcopy(body)
    seen = versions.view(versions.put({}, body))
    assert without_type(seen, body) == original
    assert body == original, "what was sent is left alone"


@quickly
@given(BY_V5)
def test_writing_back_what_v4_saw_changes_nothing(kept: tuple[Any, Doc]) -> None:
    versions, stored = kept
    assert versions.put(stored, versions.view(stored)) == stored


@quickly
@given(BY_V5, st.data())
def test_what_v4_cannot_see_survives_a_change_through_v4(kept: tuple[Any, Doc], data: st.DataObject) -> None:
    versions, stored = kept
    original = copy.deepcopy(stored)
    changes = data.draw(TICKET_V4 if versions is TICKET else PROBLEM_V4)
    chosen = data.draw(st.sets(st.sampled_from(sorted(changes)), max_size=3))
    seen = versions.view(stored)
    wanted = {**seen, **{name: changes[name] for name in chosen}}
    after = versions.put(stored, wanted)
    assert stored == original
    assert versions.view(after) == wanted
    for name in stored.keys() - {versions.shape.renamed.get(name, name) for name in chosen} - {"@v4"}:
        assert after[name] == stored[name]


@quickly
@given(st.permutations(["p1", "p2", "p3"]), st.sampled_from([0, 1, 2]), st.sampled_from(["PartyRef", "Mine"]))
def test_an_element_that_v4_changes_keeps_what_only_v5_knows_of_it(order: list[str], place: int, type_: str) -> None:
    parties = [
        {"@type": "Related", "role": "r", "partyOrPartyRole": {"@type": type_, "@baseType": f"of {id_}", "id": id_}}
        for id_ in ("p1", "p2", "p3")
    ]
    seen = TICKET.view({"relatedParty": parties})["relatedParty"]
    seen[place]["name"] = "another name"
    wanted = sorted(seen, key=lambda party: order.index(party["id"]))
    after = TICKET.put({"relatedParty": parties}, {"relatedParty": wanted})["relatedParty"]
    assert [party["partyOrPartyRole"]["@baseType"] for party in after] == [f"of {id_}" for id_ in order]
    assert {party["partyOrPartyRole"]["@type"] for party in after} == {type_}
    assert TICKET.view({"relatedParty": after})["relatedParty"] == wanted


STORED = {
    "id": "t1",
    "href": "https://a.test/tmf-api/troubleTicket/v5/troubleTicket/t1",
    "@type": "TroubleTicket",
    "description": "No broadband",
    "severity": "Major",
    "ticketType": "fault",
    "status": "inProgress",
    "externalIdentifier": [
        {"@type": "ExternalIdentifier", "id": "crm-1", "owner": "CRM"},
        {"@type": "ExternalIdentifier", "id": "oss-2"},
    ],
    "note": [{"@type": "Note", "id": "n1", "text": "one"}, {"@type": "CallNote", "id": "n2", "text": "two"}],
    "relatedEntity": [
        {
            "@type": "RelatedEntity",
            "role": "affectedService",
            "entity": {"@type": "ServiceRef", "id": "line-4711", "@referredType": "Service", "name": "DSL"},
        }
    ],
    "relatedParty": [
        {
            "@type": "RelatedPartyRefOrPartyRoleRef",
            "role": "customer",
            "partyOrPartyRole": {"@type": "PartyRoleRef", "id": "c1", "@referredType": "Customer", "partyId": "p1"},
        }
    ],
    "statusChangeHistory": [
        {"@type": "StatusChange", "status": "acknowledged", "statusChangeDate": "2026-11-24T08:00:00Z"},
        {
            "@type": "StatusChange",
            "status": "inProgress",
            "statusChangeDate": "2026-11-24T09:00:00Z",
            "statusChangeReason": "assigned",
        },
    ],
    "troubleTicketCharacteristic": [{"@type": "StringCharacteristic", "name": "rootCauseDomain", "value": "access"}],
}
SEEN = {
    "id": "t1",
    "href": "https://a.test/tmf-api/troubleTicket/v4/troubleTicket/t1",
    "@type": "TroubleTicket",
    "description": "No broadband",
    "severity": "Major",
    "ticketType": "fault",
    "status": "inProgress",
    "externalId": "crm-1",
    "note": [{"id": "n1", "text": "one"}, {"@type": "CallNote", "id": "n2", "text": "two"}],
    "relatedEntity": [{"role": "affectedService", "id": "line-4711", "@referredType": "Service", "name": "DSL"}],
    "relatedParty": [{"role": "customer", "id": "c1", "@referredType": "Customer", "partyId": "p1"}],
    "statusChange": [
        {"status": "acknowledged", "changeDate": "2026-11-24T08:00:00Z"},
        {"status": "inProgress", "changeDate": "2026-11-24T09:00:00Z", "changeReason": "assigned"},
    ],
}


def test_a_ticket_as_v4_sees_it() -> None:
    assert TICKET.view(STORED) == SEEN


def test_the_external_id_of_v4_is_the_first_identifier_of_v5() -> None:
    renamed = TICKET.put(STORED, SEEN | {"externalId": "crm-9"})
    assert renamed["externalIdentifier"] == [
        {"@type": "ExternalIdentifier", "id": "crm-9", "owner": "CRM"},
        STORED["externalIdentifier"][1],
    ]
    removed = TICKET.put(STORED, {name: value for name, value in SEEN.items() if name != "externalId"})
    assert removed["externalIdentifier"] == STORED["externalIdentifier"][1:]
    first = TICKET.put({}, {"externalId": "crm-1"})
    assert first["externalIdentifier"] == [{"@type": "ExternalIdentifier", "id": "crm-1"}]
    assert "externalIdentifier" not in TICKET.put(first, {"@type": "TroubleTicket"})


def test_a_note_added_through_v4_leaves_the_others_what_they_are() -> None:
    after = TICKET.put(STORED, SEEN | {"note": [*SEEN["note"], {"text": "three"}]})
    assert after["note"] == [*STORED["note"], {"text": "three", "@type": "Note"}]


def test_another_party_in_the_same_place_is_not_taken_for_the_one_before() -> None:
    after = TICKET.put(STORED, SEEN | {"relatedParty": [{"id": "i1", "@referredType": "Individual"}]})
    assert after["relatedParty"] == [
        {
            "@type": "RelatedPartyRefOrPartyRoleRef",
            "partyOrPartyRole": {"@type": "PartyRef", "id": "i1", "@referredType": "Individual"},
        }
    ]


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        ("a", "StringCharacteristic"),
        (True, "BooleanCharacteristic"),
        (1, "IntegerCharacteristic"),
        (1.5, "NumberCharacteristic"),
        ({"a": 1}, "ObjectCharacteristic"),
        ([1, 2], "IntegerArrayCharacteristic"),
        ([1, "a"], "ObjectArrayCharacteristic"),
        (None, "Characteristic"),
    ],
)
def test_a_characteristic_of_v4_gets_the_type_of_its_value(value: object, type_: str) -> None:
    stored = PROBLEM.put({}, {"characteristic": [{"name": "n", "value": value}]})
    assert stored["characteristic"] == [{"name": "n", "value": value, "@type": type_}]


def test_what_v5_has_beyond_v4_can_be_sent_through_v4_and_is_then_shown_there() -> None:
    characteristics = [{"@type": "StringCharacteristic", "name": "rootCauseDomain", "value": "access"}]
    stored = TICKET.put({}, {"description": "d", "troubleTicketCharacteristic": characteristics})
    assert stored["troubleTicketCharacteristic"] == characteristics
    assert TICKET.view(stored)["troubleTicketCharacteristic"] == characteristics
    gone = TICKET.put(stored, {"description": "d", "@type": "TroubleTicket"})
    assert gone == {"description": "d", "@type": "TroubleTicket"}


# ---------------------------------------------------------------------- a status that nobody knows


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Open", "acknowledged"),
        ("In Progress", "inProgress"),
        ("inProgress.held", "held"),
        ("inProgress.pending", "pending"),
        ("CLOSED", "closed"),
        ("canceled", "cancelled"),
        ("Submitted", "acknowledged"),
        ("no word of ours", None),
        (5, None),
    ],
)
def test_the_status_that_a_word_means(word: object, status: str | None) -> None:
    assert nearest(word, TICKET.statuses) == status


@pytest.mark.parametrize("word", ["In Progress", "Weird"])
def test_a_word_that_is_no_status_is_shown_to_v4_until_the_ticket_moves_on(word: str) -> None:
    stored = TICKET.put({}, {"status": word})
    assert stored["status"] in TICKET.statuses
    assert TICKET.view(stored)["status"] == word
    again = TICKET.put(stored, {**TICKET.view(stored), "severity": "Minor"})
    assert (again["status"], TICKET.view(again)["status"]) == (stored["status"], word)
    moved = {**again, "status": "resolved"}
    assert TICKET.view(moved)["status"] == "resolved"
    assert TICKET.view(TICKET.put(stored, {**TICKET.view(stored), "status": stored["status"]}))["status"] in (
        TICKET.statuses
    )


def test_a_ticket_cannot_be_moved_to_a_status_that_nobody_knows() -> None:
    with pytest.raises(Invalid) as refused:
        TICKET.put(STORED, SEEN | {"status": "Weird"})
    assert refused.value.faults[0].pointer == "/status"
    assert TICKET.put(STORED, SEEN | {"status": "On Hold"})["status"] == "held"


@pytest.mark.parametrize("value", [None, [], {"a": 1}, 5, "text", [5, None, [], {}]])
@pytest.mark.parametrize("name", sorted({*SEEN, "attachment", "channel", "troubleTicketRelationship", "@v4"}))
def test_a_json_patch_may_have_put_anything_anywhere_and_validation_sees_it(name: str, value: object) -> None:
    if name == "status":
        with pytest.raises(Invalid):
            TICKET.put(STORED, SEEN | {name: value})
    else:
        assert TICKET.view(TICKET.put(STORED, SEEN | {name: value}))[name] == value
    TICKET.view({**STORED, name: value})


@pytest.mark.parametrize("type_", [{}, {"@type": ""}, {"@type": "AttachmentRefOrValue"}, {"@type": "AttachmentRef"}])
def test_an_empty_id_that_v4_sent_is_told_from_one_that_v5_needs(type_: Doc) -> None:
    """Only a reference needs one, and that it is a reference is not said before its type is written."""
    sent = {"@referredType": "Document", "id": "", **type_}
    assert TICKET.view(TICKET.put({}, {"attachment": [sent]}))["attachment"] == [sent]


def test_what_is_nested_as_deeply_as_can_be_sent_is_no_trouble() -> None:
    deep: Doc = {}
    for _ in range(120):
        deep = {"a": [deep]}
    stored = TICKET.put({}, {"x": deep, "note": [{"x": deep}]})
    assert TICKET.view(TICKET.put(stored, {**TICKET.view(stored), "severity": "x"}))["x"] == deep


def test_values_that_v4_shows_in_its_own_way_are_found_by_what_it_shows() -> None:
    shown = Compare(("href",), Operator.EQ, (Value("http://a/tmf-api/troubleTicket/v4/troubleTicket/1"),))
    words = Compare(("status",), Operator.EQ, (Value("In Progress"), Value("held"), Value("nonsense")))
    meant = TICKET.meant(Or((And((shown, words)), Not(shown))))
    stored = Compare(("href",), Operator.EQ, (Value("http://a/tmf-api/troubleTicket/v5/troubleTicket/1"),))
    known = Compare(("status",), Operator.EQ, (Value("inProgress"), Value("held"), Value("nonsense")))
    assert meant == Or((And((stored, known)), Not(stored)))
    within = Compare(("event", "troubleTicket", "status"), Operator.EQ, (Value("Open"),))
    assert TICKET.meant(within, ("event", "troubleTicket")) == replace(within, values=(Value("acknowledged"),))


def test_a_priority_in_quotes_is_kept_as_a_number() -> None:
    assert PROBLEM.put({}, {"priority": "1"})["priority"] == 1


# ------------------------------------------------------------------------------- paths and pointers


@pytest.mark.parametrize(
    ("v4", "v5"),
    [
        ("severity", "severity"),
        ("externalId", "externalIdentifier.id"),
        ("relatedParty.id", "relatedParty.partyOrPartyRole.id"),
        ("relatedParty.@referredType", "relatedParty.partyOrPartyRole.@referredType"),
        ("relatedParty.role", "relatedParty.role"),
        ("relatedEntity.name", "relatedEntity.entity.name"),
        ("statusChange", "statusChangeHistory"),
        ("statusChange.changeDate", "statusChangeHistory.statusChangeDate"),
        ("note.text", "note.text"),
    ],
)
def test_the_v5_path_of_a_v4_attribute(v4: str, v5: str) -> None:
    assert TICKET.path(tuple(v4.split("."))) == tuple(v5.split("."))


def test_paths_of_problems_lead_through_places_and_single_parties() -> None:
    assert PROBLEM.path(("affectedLocation", "name")) == ("affectedLocation", "place", "name")
    assert PROBLEM.path(("originatorParty", "id")) == ("originatorParty", "partyOrPartyRole", "id")
    assert PROBLEM.path(("impactPattern", "characteristic", "name")) == ("impactPattern", "characteristic", "name")


@pytest.mark.parametrize(
    ("v5", "v4"),
    [
        ("/relatedParty/0/partyOrPartyRole/id", "/relatedParty/0/id"),
        ("/statusChangeHistory/1/statusChangeDate", "/statusChange/1/changeDate"),
        ("/externalIdentifier/0/id", "/externalId"),
        ("/severity", "/severity"),
        ("", ""),
    ],
)
def test_the_v4_pointer_of_a_fault(v5: str, v4: str) -> None:
    assert TICKET.pointer(v5) == v4


def test_what_v4_requires_and_v5_left_out_is_shown_to_v4_but_not_stored() -> None:
    bare = {"@type": "RelatedPartyRefOrPartyRoleRef", "role": "customer"}
    reference = {"@type": "PartyRef", "id": "c1"}
    stored = {"@type": "TroubleTicket", "relatedParty": [bare, bare | {"partyOrPartyRole": reference}]}
    seen = TICKET.view(stored)
    shown = {"role": "customer", "@referredType": "Party"}
    assert seen["relatedParty"] == [shown | {"id": ""}, shown | {"id": "c1"}]
    assert TICKET.put(stored, seen) == stored
    after = TICKET.put(stored, seen | {"relatedParty": [seen["relatedParty"][1] | {"name": "Jo"}]})
    assert after["relatedParty"][0]["partyOrPartyRole"] == reference | {"name": "Jo"}


def test_what_v4_itself_left_out_is_not_shown_to_it() -> None:
    lenient = {"originatorParty": {"id": "SP_1", "role": "originator"}, "characteristic": [{"name": "x", "value": 1}]}
    assert without_type(PROBLEM.view(PROBLEM.put({}, lenient)), lenient) == lenient
    said = {"originatorParty": {"id": "SP_1", "@referredType": "Party"}}
    assert PROBLEM.put({}, said)["originatorParty"]["partyOrPartyRole"]["@referredType"] == "Party"


def test_a_schema_location_that_is_no_uri_is_kept_from_v4() -> None:
    stored = {"@type": "TroubleTicket", "@schemaLocation": "", "note": [{"@type": "Note", "@schemaLocation": "here"}]}
    seen = TICKET.view(stored)
    assert seen == {"@type": "TroubleTicket", "note": [{}]}
    assert TICKET.put(stored, seen | {"name": "x"}) == stored | {"name": "x"}
    changed = TICKET.put(stored, seen | {"@schemaLocation": "https://a.test/x.json"})
    assert changed["@schemaLocation"] == "https://a.test/x.json"
