"""The rows of operations agree with the documents that they come from."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tmf_adapter.tmf.lifecycle import PROBLEM, TICKET
from tmf_adapter.tmf.operations import (
    OPERATIONS,
    Operation,
    api_of,
    known_apis,
    operations_of,
    rows,
    versions_of,
)

ROOT = Path(__file__).parents[2]
STANDARD = ROOT.parent / "shared" / "standard" / "downstream"
OURS = {("tmf621", "v4"), ("tmf621", "v5"), ("tmf656", "v4"), ("tmf656", "v5")}
EVERY = [(api, version) for api in known_apis() for version in versions_of(api)]


@cache
def document(api: str, version: str) -> dict[str, Any]:
    """Our own document of the API, or the standard's."""
    if (api, version) in OURS:
        path = ROOT / "openapi" / f"{api}-{version}.yaml"
    else:
        found = sorted(STANDARD.glob(f"{api.upper()}-*.json"))
        if not found:
            pytest.skip(f"the standard's files are not in {STANDARD}")
        path = found[0]
    loaded: dict[str, Any] = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


def resolved(document: dict[str, Any], part: Any) -> Any:
    while isinstance(part, dict) and "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/")]
        part = found
    return part


def shape(document: dict[str, Any], schema: Any) -> tuple[dict[str, Any], set[str]]:
    """Properties and required members of a schema with all that it is made of."""
    schema = resolved(document, schema)
    properties, required = {}, set()
    for part in schema.get("allOf", ()):
        inner, needed = shape(document, part)
        properties |= inner
        required |= needed
    return properties | schema.get("properties", {}), required | set(schema.get("required", ()))


def kind(document: dict[str, Any], schema: Any) -> str:
    schema = resolved(document, schema)
    for part in (schema, *map(lambda one: resolved(document, one), schema.get("allOf", ()))):
        if "type" in part:
            return str(part["type"])
    return "object"


def declared(api: str, version: str) -> Iterator[tuple[str, str, str, Any]]:
    """Name, method, path and body schema of every operation that changes something."""
    spec = document(api, version)
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method not in ("post", "patch", "delete") or path.startswith(("/hub", "/listener")):
                continue
            schema = None
            if "requestBody" in operation:
                content = resolved(spec, operation["requestBody"])["content"]
                schema = content["application/json"]["schema"]
            for parameter in operation.get("parameters", ()):
                if parameter.get("in") == "body":
                    schema = parameter["schema"]
            yield operation["operationId"], method.upper(), re.sub(r"\{[^}]+\}", "{id}", path), schema


@pytest.mark.parametrize(("api", "version"), EVERY)
def test_every_row_is_as_its_document_has_it(api: str, version: str) -> None:
    spec = document(api, version)
    bodies = {f"{api}.{name}": rest for name, *rest in declared(api, version)}
    for name, row in rows(api, version).items():
        method, path, schema = bodies[name]
        assert (row.method, row.path) == (method, path), name
        if schema is None:
            assert not row.members, name
            continue
        properties, required = shape(spec, schema)
        assert row.required == required, name
        kinds = {member: kind(spec, part) for member, part in properties.items()}
        assert {member: one.kind for member, one in row.members.items()} == {
            **dict.fromkeys(required, "string"),
            **kinds,
        }
        for member, one in row.members.items():
            if one.kind in ("object", "array") and member in properties:
                inner = resolved(spec, properties[member])
                _, needed = shape(spec, inner.get("items", inner))
                assert one.required == needed - {"@type"}, f"{name} {member}"


@pytest.mark.parametrize(("api", "version"), EVERY)
def test_nothing_that_a_mapping_might_call_is_left_out(api: str, version: str) -> None:
    plain = {
        f"{api}.{name}"
        for name, _, path, _ in declared(api, version)
        if path.count("{") <= 1 and not path.endswith("}/taskFlow") and "Specification" not in path
    }
    assert plain == rows(api, version).keys()


@pytest.mark.parametrize(("api", "version"), EVERY)
def test_results_are_events_that_the_document_has_a_listener_for(api: str, version: str) -> None:
    spec = document(api, version)
    heard = {path.rpartition("/")[2].lower() for path in spec["paths"] if path.startswith("/listener/")}
    for name, row in rows(api, version).items():
        assert {event.lower() for event in row.results} <= heard, name
        assert all(event.lower().startswith(row.resource.lower()) for event in row.results), name


@pytest.mark.parametrize(("api", "version"), EVERY)
def test_states_are_those_of_the_document(api: str, version: str) -> None:
    spec = document(api, version)
    schemas = spec.get("definitions") or spec["components"]["schemas"]
    for name, row in rows(api, version).items():
        whole = schemas.get(row.resource[:1].upper() + row.resource[1:])
        if whole is None or row.state_member not in shape(spec, whole)[0]:
            assert not row.statuses, name
            continue
        state = resolved(spec, shape(spec, whole)[0][row.state_member])
        state = next(
            (one for one in (state, *map(lambda x: resolved(spec, x), state.get("allOf", ()))) if "enum" in one), {}
        )
        assert row.statuses == {value.strip() for value in state.get("enum", ())}, name


def test_the_lifecycles_are_those_that_the_adapter_itself_holds() -> None:
    assert OPERATIONS["tmf656.createServiceProblem"].statuses == PROBLEM.edges.keys()
    assert OPERATIONS["tmf621.createTroubleTicket"].statuses == TICKET.edges.keys()


@pytest.mark.parametrize(("call", "operation"), OPERATIONS.items(), ids=OPERATIONS)
def test_every_row_is_consistent(call: str, operation: Operation) -> None:
    assert api_of(call) == operation.api
    assert operation.required <= operation.members.keys()
    assert operation.path.startswith("/")
    assert operation.base.startswith("/")
    assert operation.results
    assert operation.needs_target == (operation.method != "POST")
    assert operation.undone_by <= OPERATIONS.keys()
    if operation.carrier:
        assert operation.carrier in operation.members
        assert operation.lookup


def test_what_has_no_carrier_may_be_repeated() -> None:
    """Tasks, which ask for something that is so or is not; whatever makes something new can be asked for."""
    bare = {call for call, row in OPERATIONS.items() if row.method == "POST" and row.carrier is None}
    assert all(re.search(r"Cancel|Alarms$|create(Problem|SearchTimeSlot)", call) for call in bare), bare


def test_a_version_that_is_spoken_takes_the_place_of_the_usual_one() -> None:
    assert OPERATIONS["tmf656.createServiceProblem"].version == "v5"
    assert operations_of({"tmf656": "v4"})["tmf656.createServiceProblem"].version == "v4"
    assert operations_of({})["tmf622.createProductOrder"].version == "v4"
    assert operations_of({}).keys() == OPERATIONS.keys()
