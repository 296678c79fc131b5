"""A partner's words become the standard's, and the standard's the partner's."""

import copy
from typing import Any

import pytest

from tmf_adapter.tmf.dialect import Dialect, Hearing, Saying

HEARS = Hearing(
    rename={"state": "status"},
    nest={"relatedParty": "partyOrPartyRole"},
    words={"status": {"reopened": "inProgress"}, "note.kind": {"q": "question"}, "a.b.c": {"x": "y"}},
    types={"partyOrPartyRole": "PartyRef"},
)


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ({"state": "reopened"}, {"status": "inProgress"}),
        ({"status": "Reopened"}, {"status": "inProgress"}),  # in any case
        ({"status": "held", "x": [1]}, {"status": "held", "x": [1]}),  # what it has no word for stays
        ({"status": ["reopened"]}, {"status": ["inProgress"]}),
        ({"status": 5}, {"status": 5}),
        ({"note": [{"kind": "Q"}, {"kind": "z"}, 1]}, {"note": [{"kind": "question"}, {"kind": "z"}, 1]}),
        ({"a": [{"b": {"c": "x"}}]}, {"a": [{"b": {"c": "y"}}]}),
        (  # a flat reference goes inside; what belongs to the relation stays outside
            {"relatedParty": [{"role": "customer", "id": "7", "name": "Ann", "@type": "RelatedParty"}]},
            {
                "relatedParty": [
                    {
                        "role": "customer",
                        "@type": "RelatedParty",
                        "partyOrPartyRole": {"@type": "PartyRef", "id": "7", "name": "Ann"},
                    }
                ]
            },
        ),
        (  # one that is nested already, and one that has nothing to nest
            {"relatedParty": [{"partyOrPartyRole": {"id": "7", "@type": "PartyRoleRef"}}, {"role": "x"}, "y"]},
            {"relatedParty": [{"partyOrPartyRole": {"id": "7", "@type": "PartyRoleRef"}}, {"role": "x"}, "y"]},
        ),
        # the operations of a json-patch
        ([{"op": "replace", "path": "/state", "value": "reopened"}], [("replace", "/status", "inProgress")]),
        ({"op": "add", "path": "/relatedParty/-", "value": {"id": "7"}}, None),
        ([{"op": "replace", "path": "/note/0/text", "value": "reopened"}], [("replace", "/note/0/text", "reopened")]),
        ([{"op": "remove", "path": "/note"}, 5, {"path": 1}], None),
        ("reopened", "reopened"),
        (None, None),
    ],
)
def test_what_is_heard(sent: Any, heard: Any) -> None:
    before = copy.deepcopy(sent)
    result = HEARS.read(sent)
    assert sent == before
    if isinstance(heard, list) and isinstance(heard[0], tuple):
        assert [(one["op"], one["path"], one["value"]) for one in result] == heard
    elif heard is not None:
        assert result == heard


def test_an_element_that_a_json_patch_adds_is_nested() -> None:
    operation = {"op": "add", "path": "/relatedParty/-", "value": {"role": "r", "id": "7"}}
    nested = {"role": "r", "partyOrPartyRole": {"@type": "PartyRef", "id": "7"}}
    assert HEARS.read(operation) == {"op": "add", "path": "/relatedParty/-", "value": nested}


def test_what_is_said() -> None:
    says = Saying(
        rename={"status": "state"},
        flatten={"relatedParty": "partyOrPartyRole"},
        words={"status": {"held": "paused"}},
    )
    party = {"@type": "R", "role": "r", "partyOrPartyRole": {"@type": "PartyRef", "id": "7"}}
    ticket = {"status": "held", "relatedParty": [party], "note": []}
    before = copy.deepcopy(ticket)
    said = {"state": "paused", "relatedParty": [{"@type": "R", "role": "r", "id": "7"}], "note": []}
    assert says.write(ticket) == said
    assert says.write([ticket]) == [said]
    assert says.write("held") == "held"
    assert ticket == before


def test_a_dialect_is_told_by_a_header() -> None:
    partner = Dialect("p", frozenset({"tmf621-v5"}), "x-partner", "Acme")
    assert partner.is_spoken({b"x-partner": b" acme "})
    assert not partner.is_spoken({b"x-partner": b"other"})
    assert not partner.is_spoken({})
    assert Dialect("everybody", frozenset()).is_spoken({})


def test_a_body_that_names_every_type_is_not_copied() -> None:
    party = [{"role": "customer", "partyOrPartyRole": {"id": "7", "@type": "PartyRef"}}]
    assert Hearing(types={"partyOrPartyRole": "PartyRef"}).read({"relatedParty": party})["relatedParty"] is party
    deep = {"a": [[{"partyOrPartyRole": [{"id": "7"}]}]]}
    typed = {"a": [[{"partyOrPartyRole": [{"@type": "PartyRef", "id": "7"}]}]]}
    assert Hearing(types={"partyOrPartyRole": "PartyRef"}).read(deep) == typed
