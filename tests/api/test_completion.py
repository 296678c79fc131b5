"""What clients leave out is supplied wherever its place leaves no doubt."""

import copy
from functools import cache
from typing import Any

import pytest

from tests.api.shelf import OPENAPI
from tmf_adapter.api import completion
from tmf_adapter.api.completion import Completion
from tmf_adapter.api.schemas import Schemas
from tmf_adapter.api.server import load
from tmf_adapter.tmf.errors import Invalid

P = "#/components/schemas/"


@cache
def tickets() -> Completion:
    return Completion(Schemas(load(OPENAPI / "tmf621-v5.yaml"), "urn:tests:completion:621"))


@cache
def problems() -> Completion:
    return Completion(Schemas(load(OPENAPI / "tmf656-v5.yaml"), "urn:tests:completion:656"))


RELATION = {"id": "1", "relationshipType": "sumOf"}
PARTY = {"id": "7", "partyId": "9", "@referredType": "Customer"}
BARE: dict[str, Any] = {
    "description": "No light.",
    "severity": "major",
    "ticketType": "fault",
    "channel": {"id": "hotline"},
    "note": [{"text": "first"}, {"text": "second", "@type": "MyNote"}],
    "externalIdentifier": [{"id": "4711", "owner": "crm"}],
    "relatedEntity": [{"role": "affectedService", "entity": {"id": "line-1", "@referredType": "Service"}}],
    "relatedParty": [
        {"role": "customer", "partyOrPartyRole": {"id": "7", "partyId": "9", "@referredType": "Customer"}}
    ],
    "attachment": [{"attachmentType": "photo", "mimeType": "image/png", "content": "aGk="}],
    "troubleTicketCharacteristic": [
        {"name": "cause", "value": "access"},
        {"name": "hops", "value": 3, "@type": "IntegerCharacteristic", "characteristicRelationship": [RELATION]},
    ],
    "ours": {"stays": [{"as": "it is"}]},
}


def without_types(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_types(member) for name, member in value.items() if name != "@type"}
    return [without_types(item) for item in value] if isinstance(value, list) else value


def test_a_ticket_without_any_type_gets_them_all() -> None:
    given = copy.deepcopy(BARE)
    whole = tickets().check(P + "TroubleTicket_FVO", BARE)
    assert given == BARE
    assert without_types(whole) == without_types(BARE)
    assert whole["@type"] == "TroubleTicket"
    assert whole["channel"]["@type"] == "ChannelRef"
    assert [note["@type"] for note in whole["note"]] == ["Note", "MyNote"]
    assert whole["externalIdentifier"][0]["@type"] == "ExternalIdentifier"
    entity = whole["relatedEntity"][0]
    assert (entity["@type"], entity["entity"]["@type"]) == ("RelatedEntity", "EntityRef")
    assert whole["ours"] == BARE["ours"]


def test_of_a_union_the_members_tell_which_is_meant() -> None:
    whole = tickets().check(P + "TroubleTicket_FVO", BARE)
    assert whole["relatedParty"][0]["partyOrPartyRole"]["@type"] == "PartyRoleRef"  # only that has partyId
    assert whole["attachment"][0]["@type"] == "Attachment"  # and only that has content


def test_a_subtype_completes_its_own_members() -> None:
    characteristic = tickets().check(P + "TroubleTicket_FVO", BARE)["troubleTicketCharacteristic"]
    assert [one["@type"] for one in characteristic] == ["Characteristic", "IntegerCharacteristic"]
    assert characteristic[1]["characteristicRelationship"][0]["@type"] == "CharacteristicRelationship"


def test_in_doubt_the_client_is_asked() -> None:
    party = {"role": "customer", "partyOrPartyRole": {"id": "7", "@referredType": "Individual"}}
    with pytest.raises(Invalid) as caught:
        tickets().check(P + "TroubleTicket_FVO", {**BARE, "relatedParty": [party]})
    assert [fault.pointer for fault in caught.value.faults] == ["/relatedParty/0/partyOrPartyRole"]


def test_what_is_complete_is_given_back_untouched() -> None:
    whole = tickets().check(P + "TroubleTicket_FVO", BARE)
    assert tickets().check(P + "TroubleTicket_FVO", whole) is whole


def test_a_type_that_is_given_is_never_replaced() -> None:
    whole = tickets().check(
        P + "TroubleTicket_FVO", {**BARE, "@type": "MyTicket", "channel": {"@type": "C", "id": "1"}}
    )
    assert (whole["@type"], whole["channel"]["@type"]) == ("MyTicket", "C")


def test_a_problem_is_completed_too() -> None:
    body = {
        "category": "c",
        "description": "d",
        "priority": 1,
        "reason": "r",
        "originatorParty": {"role": "originator"},
        "affectedService": [{"id": "1"}],
        "characteristic": [{"name": "n", "value": True}],
    }
    whole = problems().check(P + "ServiceProblem_FVO", body)
    assert whole["originatorParty"]["@type"] == "RelatedPartyRefOrPartyRoleRef"
    assert whole["affectedService"][0]["@type"] == "ServiceRef"


@pytest.mark.parametrize("wrong", [None, 1, "x", [], [1], {"@type": 7}, {"@type": None}])
def test_what_is_wrong_stays_wrong(wrong: Any) -> None:
    with pytest.raises(Invalid) as caught:
        tickets().check(P + "TroubleTicket_FVO", {**BARE, "channel": wrong})
    assert caught.value.faults[0].pointer.startswith("/channel")


def test_a_body_of_doubts_is_not_puzzled_over_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "TRIALS", 3)
    attachment = [{"content": "aGk=", "mimeType": "image/png", "attachmentType": "photo"}] * 5
    with pytest.raises(Invalid) as caught:
        tickets().check(P + "TroubleTicket_FVO", {**BARE, "relatedParty": [], "attachment": attachment})
    assert {fault.pointer for fault in caught.value.faults} == {"/attachment/3", "/attachment/4"}
