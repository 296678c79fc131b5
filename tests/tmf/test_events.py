"""Events: what the envelope holds, what a payload holds, and what a change is."""

import re
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from tmf_adapter.tmf.events import (
    Author,
    Change,
    Event,
    Kind,
    Resource,
    Stored,
    changed_members,
    event_types,
    extract,
    raise_event,
)

NOW = datetime(2026, 3, 11, 6, 41, 12, 345_678, tzinfo=UTC)
DOCUMENTS = Path(__file__).parents[2] / "openapi"
TICKET: dict[str, Any] = {
    "id": "t1",
    "href": "https://bss/t1",
    "@type": "BroadbandTicket",
    "@baseType": "TroubleTicket",
    "@schemaLocation": "https://bss/schema",
    "status": "held",
    "name": "No light",
    "note": [{"text": "x"}],
}

TYPES = [
    ("troubleTicket", Kind.CREATE, "TroubleTicketCreateEvent"),
    ("troubleTicket", Kind.STATUS, "TroubleTicketStatusChangeEvent"),
    ("troubleTicket", Kind.RESOLVED, "TroubleTicketResolvedEvent"),
    ("troubleTicket", Kind.ATTRIBUTE, "TroubleTicketAttributeValueChangeEvent"),
    ("troubleTicket", Kind.INFORMATION_REQUIRED, "TroubleTicketInformationRequiredEvent"),
    ("troubleTicket", Kind.DELETE, "TroubleTicketDeleteEvent"),
    # TMF656 says State where TMF621 says Status, and has no Resolved
    ("serviceProblem", Kind.CREATE, "ServiceProblemCreateEvent"),
    ("serviceProblem", Kind.STATUS, "ServiceProblemStateChangeEvent"),
    ("serviceProblem", Kind.ATTRIBUTE, "ServiceProblemAttributeValueChangeEvent"),
    ("serviceProblem", Kind.INFORMATION_REQUIRED, "ServiceProblemInformationRequiredEvent"),
    ("serviceProblem", Kind.DELETE, "ServiceProblemDeleteEvent"),
    ("troubleTicketSpecification", Kind.CREATE, "TroubleTicketSpecificationCreateEvent"),
    ("troubleTicketSpecification", Kind.STATUS, "TroubleTicketSpecificationStatusChangeEvent"),
    ("troubleTicketSpecification", Kind.ATTRIBUTE, "TroubleTicketSpecificationAttributeValueChangeEvent"),
    ("troubleTicketSpecification", Kind.DELETE, "TroubleTicketSpecificationDeleteEvent"),
    # a task has a state and nothing else that changes
    *(
        (task, kind, f"{task[0].upper()}{task[1:]}{ending}")
        for task in ("problemAcknowledgement", "problemUnacknowledgement", "problemGroup", "problemUngroup")
        for kind, ending in (
            (Kind.CREATE, "CreateEvent"),
            (Kind.STATUS, "StateChangeEvent"),
            (Kind.DELETE, "DeleteEvent"),
        )
    ),
]
RESOURCES: tuple[Resource, ...] = get_args(Resource)


def schemas(resource: str) -> dict[str, Any]:
    name = "tmf621-v5.yaml" if resource.startswith("trouble") else "tmf656-v5.yaml"
    loaded: dict[str, Any] = yaml.load((DOCUMENTS / name).read_text(), yaml.CSafeLoader)["components"]["schemas"]
    return loaded


@pytest.mark.parametrize(("resource", "kind", "name"), TYPES)
def test_an_event_goes_by_the_name_the_standard_gives_it(resource: Resource, kind: Kind, name: str) -> None:
    event = raise_event(kind, resource, TICKET, NOW)
    assert event.type == name
    assert event.envelope()["eventType"] == name
    assert name in event_types(resource)


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_type_of_event_is_in_the_table_and_in_our_document(resource: Resource) -> None:
    named = {name for of, _, name in TYPES if of == resource}
    assert event_types(resource) == named
    assert named <= set(schemas(resource))


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_resource_travels_under_the_name_that_our_document_gives_it(resource: Resource) -> None:
    type_ = resource[0].upper() + resource[1:]
    known = schemas(resource)
    envelope = raise_event(Kind.CREATE, resource, {"@type": type_, "id": "1"}, NOW).envelope()
    parts = [known[f"{type_}CreateEvent"], known.get(f"{type_}Event", {})]
    payloads = [
        part.get("properties", {}).get("event", {}).get("properties", {})
        for whole in parts
        for part in (whole, *whole.get("allOf", ()))
    ]
    assert envelope["event"].keys() == set[str]().union(*payloads)


@pytest.mark.parametrize("resource", ["troubleTicket", "serviceProblem"])
def test_the_envelope_has_only_members_of_the_standards_event_and_all_that_matter(resource: Resource) -> None:
    envelope = raise_event(Kind.STATUS, resource, TICKET, NOW, ("status",)).envelope()
    event = schemas(resource)["Event"]
    properties = set(event.get("properties", {})).union(*(part.get("properties", {}) for part in event["allOf"]))
    assert set(envelope) <= properties | {"@type", "@baseType", "@schemaLocation"}
    assert {"@type", "eventId", "eventType", "eventTime", "timeOccurred", "domain", "title", "event"} <= set(envelope)
    assert set(envelope["event"]) == {resource}


def test_the_envelope_says_when_in_utc_and_spells_occurred_as_v5_does() -> None:
    envelope = raise_event(Kind.DELETE, "troubleTicket", TICKET, NOW).envelope()
    assert envelope["eventTime"] == envelope["timeOccurred"] == "2026-03-11T06:41:12.345Z"
    assert "timeOcurred" not in envelope
    assert envelope["@type"] == envelope["eventType"] == "TroubleTicketDeleteEvent"


def test_an_event_keeps_its_id_in_every_envelope_and_no_two_share_one() -> None:
    event = raise_event(Kind.STATUS, "troubleTicket", TICKET, NOW)
    assert event.envelope() == event.envelope()
    assert event.envelope()["eventId"] == event.id
    assert re.fullmatch(r"[0-9a-f-]{36}", event.id)
    assert raise_event(Kind.STATUS, "troubleTicket", TICKET, NOW).id != event.id
    with pytest.raises(FrozenInstanceError):
        event.id = "other"  # type: ignore[misc]


ALWAYS = {"@type", "@baseType", "@schemaLocation", "id", "href"}


@pytest.mark.parametrize(
    ("kind", "names", "members"),
    [
        (Kind.CREATE, (), set(TICKET)),  # the whole resource
        (Kind.CREATE, ("status",), set(TICKET)),  # whatever is named
        (Kind.STATUS, ("status",), ALWAYS | {"status"}),
        (Kind.ATTRIBUTE, ("name", "note"), ALWAYS | {"name", "note"}),
        (Kind.ATTRIBUTE, ("gone",), ALWAYS),  # what the resource no longer has
        (Kind.DELETE, (), ALWAYS),
    ],
)
def test_a_payload_has_what_identifies_the_resource_and_what_is_named(
    kind: Kind, names: tuple[str, ...], members: set[str]
) -> None:
    event = raise_event(kind, "troubleTicket", TICKET, NOW, names)
    assert set(event.payload) == members
    assert all(event.payload[name] == TICKET[name] for name in members)
    assert (event.resource_id, event.time) == ("t1", NOW)


@pytest.mark.parametrize("names", [("note", "status"), frozenset({"note", "status"})])
def test_an_extract_keeps_the_order_of_the_document(names: Any) -> None:
    assert list(extract(TICKET, names)) == ["id", "href", "@type", "@baseType", "@schemaLocation", "status", "note"]


class Compared(str):
    """A name that counts how often it is compared."""

    times = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return str.__eq__(self, other)


def test_an_extract_costs_what_the_document_is_large_and_not_its_square() -> None:
    document = {f"member{number}": number for number in range(1_000)}
    assert extract(document, [Compared(name) for name in document]) == document
    assert Compared.times <= 2 * len(document)


def test_an_extract_invents_no_member_that_is_not_there() -> None:
    assert extract({"id": "1", "name": "x"}, ("name", "status")) == {"id": "1", "name": "x"}


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 1}, {"a": 2}, ("a",)),
        ({"a": 1}, {}, ("a",)),
        ({}, {"a": 1}, ("a",)),
        ({"b": 1, "a": 1}, {"a": 2, "b": 2, "c": 3}, ("a", "b", "c")),  # sorted
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ("a",)),  # however deep
        ({"a": 1}, {"a": 1.0}, ()),  # the same number
        ({"a": [1, 2]}, {"a": [2, 1]}, ("a",)),  # a list has an order
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, ()),  # an object has none
        # JSON's true is not 1 and its null is not nothing, as Python would have it
        ({"a": 1}, {"a": True}, ("a",)),
        ({"a": [{"b": 0}]}, {"a": [{"b": False}]}, ("a",)),
        ({}, {"a": None}, ("a",)),
        ({"a": None}, {}, ("a",)),
    ],
)
def test_the_members_that_changed_are_named(
    before: dict[str, Any], after: dict[str, Any], names: tuple[str, ...]
) -> None:
    assert changed_members(before, after) == names


def test_a_change_is_about_what_is_there_or_what_was() -> None:
    old, new = Stored({"id": "1", "status": "held", "a": 1}), Stored({"id": "1", "status": "held", "a": 2}, 2)
    assert Change("troubleTicket", old, new, (), Author.CLIENT).subject is new
    assert Change("troubleTicket", old, None, (), Author.CLIENT).subject is old
    assert Change("troubleTicket", None, new, (), Author.CLIENT).changed == ("a", "id", "status")
    assert Change("troubleTicket", old, new, (), Author.CLIENT).changed == ("a",)
    assert Change("troubleTicket", old, None, (), Author.CLIENT).changed == ("a", "id", "status")


def test_a_stored_resource_knows_its_id_and_status() -> None:
    stored = Stored({"id": "1", "status": "held"})
    assert (stored.id, stored.status, stored.version, stored.episode) == ("1", "held", 1, 1)


def test_an_event_remembers_the_resource_as_it_was() -> None:
    document = {"id": "1", "status": "held", "name": "x"}
    event = raise_event(Kind.STATUS, "troubleTicket", document, NOW, ("status",))
    document["status"] = "closed"
    assert event.payload["status"] == "held"
    assert isinstance(event, Event)
