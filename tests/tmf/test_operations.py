"""The rows of operations agree with the documents that they come from."""

import re

import pytest

from tests.tmf.documents import declared, document, kind, resolved, shape
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

EVERY = [(api, version) for api in known_apis() for version in versions_of(api)]


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
