"""OpenAPI schemas as JSON Schema: @type decides, null is allowed where it is, inheritance is one pass."""

from pathlib import Path
from typing import Any

import pytest

from tmf_adapter.api.draft7 import SCHEMAS, rewritten
from tmf_adapter.api.schemas import Schemas
from tmf_adapter.api.server import load
from tmf_adapter.tmf.errors import Invalid

RAW = load(Path(__file__).with_name("small.yaml"))


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas(RAW, "urn:test:small")


def thing(**members: Any) -> dict[str, Any]:
    return {"@type": "Thing", "name": "lamp", **members}


def part(type_: str, **members: Any) -> dict[str, Any]:
    return thing(part=[{"@type": type_, "name": "p", **members}])


ACCEPTED = [
    thing(),
    thing(more={"than": "declared"}),  # what goes beyond the schema is the client's own
    part("Part", value="anything"),
    part("CountedPart", value=1),
    part("WeighedPart", value=1.5),
    part("Unheard", value="anything"),  # an unknown type is held against the base type only
    part("NestedPart", value=[{"@type": "CountedPart", "name": "q", "value": 1}]),
    thing(owner={"@type": "OwnerRef", "id": "1", "mail": "x"}),  # fits both by its members: the type decides
    thing(owner={"@type": "Owner", "name": "n"}),
    thing(owner={"@type": "Unheard", "id": "1"}),  # an unknown type must fit any of them
    thing(weight=None),
    thing(shade=None),
    thing(made="2026-01-31T12:00:00.5+01:00"),
]

REFUSED = [
    ({"@type": "Thing"}, "/name", "is required"),
    ({"name": "lamp"}, "/@type", "is required"),
    (thing(name=""), "/name", "must not be empty"),
    (thing(name=7), "/name", "must be a string"),
    (thing(count="7"), "/count", "must be an integer"),
    (thing(count=None), "/count", "must be an integer"),
    (thing(weight="1"), "/weight", "must be null or a number"),
    (thing(colour="blue"), "/colour", "must be one of red, green"),
    (thing(shade="blue"), "/shade", "must be one of dark, light, null"),
    (thing(made="yesterday"), "/made", "must be a date and time like 2026-01-31T12:00:00Z"),
    (thing(part={}), "/part", "must be an array"),
    (part("CountedPart", value="x"), "/part/0/value", "must be an integer"),
    (part("CountedPart"), "/part/0/value", "is required"),
    (thing(part=[{"@type": "CountedPart", "value": 1}]), "/part/0/name", "is required"),
    (thing(part=[{"@type": "Unheard"}]), "/part/0/name", "is required"),
    (
        part("NestedPart", value=[{"@type": "CountedPart", "name": "q", "value": "x"}]),
        "/part/0/value/0/value",
        "must be an integer",
    ),
    (thing(owner={"@type": "OwnerRef", "name": "n"}), "/owner/id", "is required"),
    (thing(owner={"@type": "Owner", "id": "1"}), "/owner/name", "is required"),
    (
        thing(owner={"@type": "Unheard", "name": 1}),
        "/owner",
        "fits none of the possible forms; for the nearest, /owner/name must be a string",
    ),
    ([], "", "must be an object"),
    (None, "", "must be an object"),
]


@pytest.mark.parametrize("document", ACCEPTED)
def test_what_fits_is_accepted(schemas: Schemas, document: Any) -> None:
    schemas.check(SCHEMAS + "Thing_FVO", document)


@pytest.mark.parametrize(("document", "pointer", "message"), REFUSED)
def test_what_does_not_fit_is_refused_where_and_why(
    schemas: Schemas, document: Any, pointer: str, message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        schemas.check(SCHEMAS + "Thing_FVO", document)
    assert [(fault.pointer, fault.message) for fault in caught.value.faults][:1] == [(pointer, message)]


def test_each_fault_is_told_once_and_at_most_ten_of_them(schemas: Schemas) -> None:
    with pytest.raises(Invalid) as caught:
        schemas.check(SCHEMAS + "Thing_FVO", thing(part=[{}] * 50))
    assert len(set(caught.value.faults)) == len(caught.value.faults) == 10


def test_a_long_document_that_is_wrong_all_over_is_refused_at_once(schemas: Schemas) -> None:
    """The validator would take seconds to find every fault of a megabyte."""
    with pytest.raises(Invalid) as caught:
        schemas.check(SCHEMAS + "Thing_FVO", thing(part=[{}] * 200_000))
    assert len(caught.value.faults) == 1


def test_no_message_repeats_the_instance(schemas: Schemas) -> None:
    with pytest.raises(Invalid) as caught:
        schemas.check(SCHEMAS + "Thing_FVO", thing(count="secret " * 1_000, part="secret", owner={"x": "secret"}))
    assert "secret" not in str(caught.value.document())


def test_a_pointer_escapes_tilde_and_slash(schemas: Schemas) -> None:
    from tmf_adapter.api.faults import json_pointer

    assert json_pointer(["a/b", "c~d", 0, ""]) == "/a~1b/c~0d/0/"


def test_the_document_itself_is_left_alone() -> None:
    before = str(RAW)
    rewritten(RAW)
    assert str(RAW) == before


def test_a_schema_is_compiled_once(schemas: Schemas) -> None:
    assert schemas.compiled(SCHEMAS + "Thing") is schemas.compiled(SCHEMAS + "Thing")


def test_a_schema_written_in_place_is_found_by_where_it_stands(schemas: Schemas) -> None:
    refs = schemas.contents("paths", "/inline/{id}", "put", "requestBody")
    schemas.check(refs["application/json"], [{"@type": "Part", "name": "p"}])
    with pytest.raises(Invalid):
        schemas.check(refs["application/json"], [{"@type": "CountedPart", "name": "p"}])


def test_inheritance_is_written_out() -> None:
    """One pass over an object instead of one for each ancestor: a third of what validation costs."""
    schema = rewritten(RAW)["components"]["schemas"]["CountedPart"]
    assert set(schema["properties"]) == {"@type", "name", "value"}
    assert set(schema["required"]) == {"@type", "name", "value"}
    assert "allOf" not in schema


def test_members_declared_on_both_levels_must_fit_both() -> None:
    parent = {"type": "object", "properties": {"a": {"type": "string"}}}
    child = {"allOf": [{"$ref": SCHEMAS + "Parent"}], "properties": {"a": {"minLength": 2}}}
    schemas = Schemas({"components": {"schemas": {"Parent": parent, "Child": child}}}, "urn:test:both")
    schemas.check(SCHEMAS + "Child", {"a": "xx"})
    for wrong in ({"a": "x"}, {"a": 12}):
        with pytest.raises(Invalid):
            schemas.check(SCHEMAS + "Child", wrong)


def test_a_schema_that_closes_itself_is_not_opened_by_what_it_inherits() -> None:
    parent = {"type": "object", "properties": {"a": {}}}
    child = {"allOf": [{"$ref": SCHEMAS + "Parent"}], "properties": {"b": {}}, "additionalProperties": False}
    schemas = Schemas({"components": {"schemas": {"Parent": parent, "Child": child}}}, "urn:test:closed")
    with pytest.raises(Invalid):
        schemas.check(SCHEMAS + "Child", {"a": 1})


def test_a_type_that_maps_to_what_it_inherits_from_is_asked_once() -> None:
    """TMF's X_RES: it inherits from X and maps its only @type to X."""
    whole = {"type": "object", "properties": {"a": {"type": "string"}}}
    answered = {
        "allOf": [{"$ref": SCHEMAS + "X"}],
        "required": ["id"],
        "discriminator": {"propertyName": "@type", "mapping": {"X": SCHEMAS + "X"}},
    }
    document = rewritten({"components": {"schemas": {"X": whole, "X_RES": answered}}})
    assert document["components"]["schemas"]["X_RES"] == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["id"],
    }


def test_a_subtype_that_does_not_inherit_from_its_base_is_held_against_both() -> None:
    base = {
        "type": "object",
        "required": ["a"],
        "discriminator": {"propertyName": "@type", "mapping": {"Sub": SCHEMAS + "Sub"}},
    }
    sub = {"type": "object", "required": ["b"]}
    schemas = Schemas({"components": {"schemas": {"Base": base, "Sub": sub}}}, "urn:test:apart")
    schemas.check(SCHEMAS + "Base", {"@type": "Sub", "a": 1, "b": 1})
    for wrong in ({"@type": "Sub", "a": 1}, {"@type": "Sub", "b": 1}, {"@type": "Other", "b": 1}):
        with pytest.raises(Invalid):
            schemas.check(SCHEMAS + "Base", wrong)
