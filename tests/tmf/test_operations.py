"""The rows of operations agree with the documents that they come from."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tmf_adapter.tmf.events import event_types
from tmf_adapter.tmf.lifecycle import PROBLEM
from tmf_adapter.tmf.operations import OPERATIONS, Operation

CREATE = OPERATIONS["tmf656.createServiceProblem"]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(
        (Path(__file__).parents[2] / "openapi" / "tmf656-v5.yaml").read_text(),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),
    )
    return loaded


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Properties and required members of a schema with all that it is made of."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    properties, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        inner, needed = _resolved(document, part)
        properties |= inner
        required |= needed
    return properties, required


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return str(schema.get("type", "object"))


def test_a_service_problem_is_created_as_tmf656_has_it(document: dict[str, Any]) -> None:
    properties, required = _resolved(document, {"$ref": "#/components/schemas/ServiceProblem_FVO"})
    assert required == CREATE.required
    assert {name: _kind(document, schema) for name, schema in properties.items()} == {
        name: member.kind for name, member in CREATE.members.items()
    }


def test_what_the_objects_in_it_need_is_what_tmf656_requires(document: dict[str, Any]) -> None:
    properties, _ = _resolved(document, {"$ref": "#/components/schemas/ServiceProblem_FVO"})
    for name, member in CREATE.members.items():
        if member.kind in ("object", "array"):
            _, required = _resolved(document, properties[name].get("items", properties[name]))
            assert required - {"@type"} == member.required, name


def test_it_stands_where_the_document_puts_it(document: dict[str, Any]) -> None:
    assert document["paths"][CREATE.path][CREATE.method.lower()]["operationId"] == "createServiceProblem"
    assert CREATE.resource == "serviceProblem"
    assert not CREATE.needs_target
    assert CREATE.typed


def test_its_results_are_events_and_statuses_of_a_service_problem(document: dict[str, Any]) -> None:
    assert CREATE.results <= event_types("serviceProblem")
    assert CREATE.statuses == PROBLEM.edges.keys()
    assert CREATE.statuses == set(document["components"]["schemas"]["ServiceProblemStateType"]["enum"])


@pytest.mark.parametrize(("call", "operation"), OPERATIONS.items(), ids=OPERATIONS)
def test_every_row_is_consistent(call: str, operation: Operation) -> None:
    assert call.partition(".")[0] == operation.api
    assert operation.required <= operation.members.keys()
    assert operation.path.startswith("/")
    assert operation.base.startswith("/")
    assert operation.results
    assert operation.statuses
