"""The canonical view."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mapping.changes import NOW, change, characteristic, entity, ticket
from tmf_adapter.mapping.view import MEMBERS, ON_EVENT, name_of, scope_of, view_of
from tmf_adapter.tmf.events import Kind, Stored


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Bill Dispute", "billDispute"),  # the standard's own example
        ("billDispute", "billDispute"),
        ("BillDispute", "billDispute"),
        ("bill_dispute", "billDispute"),
        ("BILL-DISPUTE", "billDispute"),
        ("  bill   dispute ", "billDispute"),
        ("fault", "fault"),
        ("Fault", "fault"),
        ("FAULT", "fault"),
        ("1-Critical", "1Critical"),
        ("Sev 1", "sev1"),
        ("VoIP fault", "voIPFault"),  # a piece of its own spelling keeps it
        ("4G", "4g"),
        ("Störung Leitung", "störungLeitung"),
        ("billdispute", "billdispute"),  # one word stays one
        ("", ""),
        ("---", ""),
    ],
)
def test_spellings_become_one_name(text: str, name: str) -> None:
    assert name_of(text) == name


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.text(alphabet="abcdefg", min_size=2, max_size=6), min_size=1, max_size=4))
def test_a_name_is_its_own_name_and_spellings_agree(words: list[str]) -> None:
    name = name_of(" ".join(words))
    assert name_of(name) == name
    assert name == name_of("_".join(words).upper()) == name_of("-".join(words).title())


@pytest.mark.parametrize(
    ("members", "part", "value"),
    [
        ({}, "type", "fault"),
        ({"severity": "Very High"}, "severity", "veryHigh"),
        ({"priority": "High"}, "priority", "High"),  # as it stands
        (
            {"troubleTicketCharacteristic": [characteristic("a", 1), characteristic("line speed", None)]},
            "char",
            {"a": 1, "line speed": None},
        ),
        (
            {"relatedEntity": [entity("line", "Service", "1"), entity("line", None, "2")]},
            "rel",
            {"line": [{"id": "1", "type": "Service"}, {"id": "2"}]},  # a role may be played twice
        ),
        (
            {"relatedEntity": [entity(None, "Service", "1")]},
            "rel",
            {"affectedService": [{"id": "1", "type": "Service"}]},
        ),
        (
            {"relatedEntity": [entity(None, "Product", "1")]},
            "rel",
            {"affectedProduct": [{"id": "1", "type": "Product"}]},
        ),
        ({"relatedEntity": [entity(None, "ProductID", "1")]}, "rel", {"ProductID": [{"id": "1", "type": "ProductID"}]}),
        ({"relatedEntity": [entity(None, None, "1")]}, "rel", {}),  # nothing to call it by; it is in raw
        ({"relatedEntity": [{"role": "a", "id": "1", "@referredType": "X"}]}, "rel", {"a": [{"id": "1", "type": "X"}]}),
        (
            {
                "relatedParty": [
                    {"role": "customer", "partyOrPartyRole": {"id": "c", "name": "Jo"}},
                    {"role": "customer"},
                ]
            },
            "party",
            {"customer": {"id": "c", "name": "Jo"}},  # the first of a role
        ),
        (
            {
                "externalIdentifier": [
                    {"externalIdentifierType": "case", "id": "9"},
                    {"owner": "crm", "id": "7"},
                    {"id": "1"},
                ]
            },
            "ext",
            {"case": "9", "crm": "7"},
        ),
        ({"note": [{"text": "a"}]}, "note", [{"text": "a"}]),
        ({}, "char", {}),
        ({}, "note", []),
        ({"severity": 7}, "type", "fault"),
    ],
)
def test_each_part_of_the_view(members: dict[str, Any], part: str, value: Any) -> None:
    assert view_of(ticket(**members))[part] == value


def test_what_a_ticket_does_not_have_its_view_does_not_have() -> None:
    assert view_of({}).keys() == {"char", "rel", "party", "ext", "note", "raw"}
    assert view_of(ticket(priority="1")).keys() == MEMBERS


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.dictionaries(
        st.sampled_from(["relatedEntity", "relatedParty", "externalIdentifier", "note", "ticketType", "severity"])
        | st.just("troubleTicketCharacteristic"),
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["role", "entity", "id", "name", "value", "partyOrPartyRole", "owner"]),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=20,
        ),
    )
)
def test_any_document_has_a_view_that_is_json(document: dict[str, Any]) -> None:
    json.dumps(view_of(document))


def test_the_scope_of_a_change_is_json_and_has_the_names_of_an_event() -> None:
    moved = change(ticket(status="inProgress"), ticket(status="acknowledged"))
    scope = scope_of(moved, "sample", 2, NOW)
    assert scope.keys() == ON_EVENT
    assert (scope["t"]["status"], scope["was"]["status"]) == ("inProgress", "acknowledged")
    assert (scope["changed"], scope["episode"], scope["mapping"]) == (["status"], 2, {"id": "sample"})
    assert scope["now"] == "2026-03-02T08:05:00.000Z"
    assert json.loads(json.dumps(scope)) == scope


def test_on_create_there_was_nothing_and_on_delete_there_is_still_the_ticket() -> None:
    assert scope_of(change(ticket()), "m", 1, NOW)["was"] == {}
    deleted = change(None, ticket(), Kind.DELETE)
    assert deleted.before == Stored(ticket())
    assert scope_of(deleted, "m", 1, NOW)["t"]["id"] == "t-1"
