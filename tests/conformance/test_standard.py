"""The wire comparison finds every way in which our document can differ from a standard's."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from conformance.apis import Api
from conformance.standard import compare
from conformance.verdict import Outcome

Doc = dict[str, Any]

ITEM: Doc = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "since": {"type": "string", "format": "date-time"},
        "status": {"type": "string", "enum": ["open", "done"]},
        "note": {"type": "array", "items": {"$ref": "#/definitions/Note"}},
    },
}
SWAGGER: Doc = {
    "swagger": "2.0",
    "paths": {
        "/item": {
            "post": {
                "parameters": [
                    {"in": "body", "name": "item", "schema": {"$ref": "#/definitions/Item"}},
                    {"in": "query", "name": "fields", "type": "string"},
                ],
                "responses": {"201": {"schema": {"$ref": "#/definitions/Item"}}, "400": {}},
            }
        },
        "/item/{id}": {"delete": {"responses": {"204": {}}}},
    },
    "definitions": {"Item": ITEM, "Note": {"type": "object", "properties": {"text": {"type": "string"}}}},
}


def ours() -> Doc:
    """The same on the wire, composed otherwise."""
    item = copy.deepcopy(ITEM)
    item["properties"]["note"]["items"] = {"$ref": "#/components/schemas/Remark"}
    name = item["properties"].pop("name")
    media = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
    return {
        "openapi": "3.0.3",
        "paths": {
            "/item": {
                "post": {
                    "parameters": [{"in": "query", "name": "fields", "schema": {"type": "string"}}],
                    "requestBody": media,
                    "responses": {"201": media},
                }
            },
            "/item/{number}": {"delete": {"responses": {"204": {}}}},
        },
        "components": {
            "schemas": {
                "Named": {"type": "object", "properties": {"name": name, "extra": {"type": "string"}}},
                "Thing": {"allOf": [{"$ref": "#/components/schemas/Named"}, item]},
                "Remark": {"type": "object", "properties": {"text": {"type": "string"}}},
            }
        },
    }


def faults(document: Doc, directory: Path) -> list[str]:
    (directory / "TMF621-v4.0.0.swagger.json").write_text(json.dumps(SWAGGER))
    found = compare(Api("tmf621-v4", "", document), directory)
    return [f"{one.operation}: {one.detail}" for one in found if one.outcome is Outcome.FAILED]


def test_what_is_composed_otherwise_and_named_otherwise_is_the_same_on_the_wire(tmp_path: Path) -> None:
    assert faults(ours(), tmp_path) == []


POST = ("paths", "/item", "post")
THING = ("components", "schemas", "Thing", "allOf", 1)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("paths", "/item/{number}"), {}, "the operation is missing"),
        ((*POST, "parameters"), [], "parameter fields (query) is missing"),
        ((*POST, "requestBody", "content"), {}, "application/json is not taken"),
        ((*POST, "responses"), {"200": {}}, "201 is missing"),
        (
            (*THING, "properties", "since"),
            {"type": "string"},
            "/since has the format date-time in the standard, none here",
        ),
        (
            (*THING, "properties", "since", "type"),
            "integer",
            "/since has the type string in the standard, integer here",
        ),
        (
            (*THING, "properties", "status", "enum"),
            ["open"],
            "/status has the enum done, open in the standard, open here",
        ),
        ((*THING, "required"), [], "requires name in the standard, nothing here"),
        ((*THING, "required"), ["name", "since"], "requires name in the standard, name, since here"),
        (("components", "schemas", "Remark", "properties"), {}, "/note/[]/text is missing"),
    ],
)
def test_a_difference_is_found_and_named(path: tuple[Any, ...], value: Any, expected: str, tmp_path: Path) -> None:
    document = ours()
    *way, last = path
    node: Any = document
    for step in way:
        node = node[step]
    node[last] = value
    found = faults(document, tmp_path)
    assert any(expected in fault for fault in found), found


def test_an_answer_may_promise_more_than_the_standard_asks(tmp_path: Path) -> None:
    document = ours()
    response = copy.deepcopy(document["paths"]["/item"]["post"]["responses"]["201"])
    more = {"allOf": [{"$ref": "#/components/schemas/Thing"}], "required": ["since"]}
    response["content"]["application/json"]["schema"] = more
    document["paths"]["/item"]["post"]["responses"]["201"] = response
    assert faults(document, tmp_path) == []


def test_without_the_standards_file_nothing_is_compared(tmp_path: Path) -> None:
    [one] = compare(Api("tmf656-v5", "", ours()), tmp_path)
    assert (one.outcome, one.detail) == (Outcome.SKIPPED, f"{tmp_path} holds no file of TMF656 v5")
