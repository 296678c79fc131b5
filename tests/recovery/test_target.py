"""Our operation id travels in whatever member an API has for it, and is found there again."""

import pytest

from tmf_adapter.recovery.target import external_ids, with_identity
from tmf_adapter.tmf.operations import OPERATIONS, rows

CARRYING = [call for call, row in OPERATIONS.items() if row.carrier] + ["v4"]


@pytest.mark.parametrize("call", CARRYING)
def test_whatever_makes_something_new_carries_the_operation_id(call: str) -> None:
    operation = rows("tmf656", "v4")["tmf656.createServiceProblem"] if call == "v4" else OPERATIONS[call]
    body = with_identity({"description": "d"}, "op-1", operation)
    assert body["description"] == "d"
    assert external_ids({**body, "id": "7"}) == {"op-1"}
    member = operation.members[operation.carrier or ""]
    entries = body[operation.carrier or ""]
    if isinstance(entries, list):
        assert member.kind == "array"
        assert member.required <= entries[0].keys()
    else:
        assert member.kind == "string"


def test_what_the_mapping_put_there_stays() -> None:
    operation = OPERATIONS["tmf681.createCommunicationMessage"]
    theirs = {"name": "campaign", "value": "7"}
    body = with_identity({"characteristic": [theirs]}, "op-1", operation)
    assert body["characteristic"][0] == theirs
    assert external_ids(body) == {"op-1"}


@pytest.mark.parametrize("call", [call for call, row in OPERATIONS.items() if not row.carrier])
def test_tasks_and_changes_of_what_there_is_are_sent_as_they_are(call: str) -> None:
    assert with_identity({"a": 1}, "op-1", OPERATIONS[call]) == {"a": 1}


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"externalIdentifier": "x", "note": [1, {"author": "somebody", "text": "op-1"}], "externalId": 7},
        {"characteristic": [{"name": "other", "value": "op-1"}, {"name": "operationId", "value": 7}]},
        {"externalId": {}, "externalIdentifier": [{"id": []}], "note": [{"author": "tmf_adapter", "text": {}}]},
    ],
)
def test_nothing_else_is_taken_for_an_identifier(resource: dict[str, object]) -> None:
    assert external_ids(resource) == set()
