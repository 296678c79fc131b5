"""The attributes of each collection, from its document's schema."""

import pytest

from tests.api.shelf import OPENAPI
from tmf_adapter.api.attributes import attributes
from tmf_adapter.api.server import load
from tmf_adapter.tmf.attributes import Attribute, Place, below, locate
from tmf_adapter.tmf.errors import BadQuery


def tree(document: str, schema: str) -> Attribute:
    return attributes(load(OPENAPI / f"{document}.yaml"), schema)


TICKET, PROBLEM = ("tmf621-v5", "TroubleTicket_RES"), ("tmf656-v5", "ServiceProblem")


@pytest.mark.parametrize(
    ("of", "path"),
    [
        (TICKET, "note.text"),
        (TICKET, "relatedEntity.entity.id"),
        (TICKET, "relatedParty.partyOrPartyRole.name"),
        (TICKET, "relatedParty.partyOrPartyRole.partyId"),  # of a subtype, the party role
        (TICKET, "attachment.content"),  # of one form of two
        (TICKET, "attachment.size.amount"),
        (TICKET, "troubleTicketCharacteristic.value.any.thing"),  # a value may be an object of any form
        (TICKET, "statusChangeHistory.statusChangeDate"),
        (PROBLEM, "originatorParty.partyOrPartyRole.id"),
        (PROBLEM, "characteristic.characteristicRelationship.relationshipType"),
        (("tmf621-v4", "TroubleTicket"), "relatedEntity.id"),
        (("tmf656-v4", "ServiceProblem"), "relatedParty.@referredType"),
        (("tmf621-v5", "TroubleTicketSpecification_RES"), "validFor.endDateTime"),
    ],
)
def test_what_the_schema_has_can_be_asked_for(of: tuple[str, str], path: str) -> None:
    assert locate(tree(*of), path) == Place(tuple(path.split(".")))


@pytest.mark.parametrize(
    ("of", "path"),
    [
        (TICKET, "note.body"),
        (TICKET, "relatedEntity.id"),  # that is version 4
        (TICKET, "severity.text"),
        (TICKET, "note.text.length"),
        (PROBLEM, "severity"),
        (("tmf621-v4", "TroubleTicket"), "relatedEntity.entity.id"),
    ],
)
def test_what_the_schema_does_not_have_cannot(of: tuple[str, str], path: str) -> None:
    with pytest.raises(BadQuery):
        locate(tree(*of), path)


@pytest.mark.parametrize(("of", "name"), [(TICKET, "troubleTicketCharacteristic"), (PROBLEM, "characteristic")])
def test_a_characteristic_is_asked_for_by_its_name(of: tuple[str, str], name: str) -> None:
    assert locate(tree(*of), f"{name}.rootCause") == Place((name,), "rootCause")
    assert locate(tree(*of), f"{name}.site.room") == Place((name,), "site", ("room",))
    assert locate(tree(*of), f"{name}.name") == Place((name, "name"))


def test_what_a_schema_requires_at_depth_is_known() -> None:
    assert below(tree(*TICKET), ("relatedEntity", "entity")).required == {"@type", "id"}


@pytest.mark.parametrize("of", [TICKET, PROBLEM])
def test_every_resource_has_an_id_and_an_address(of: tuple[str, str]) -> None:
    assert {"id", "href"} <= tree(*of).members.keys()
