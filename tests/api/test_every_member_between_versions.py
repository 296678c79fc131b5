"""Each name that either version knows, at each place of a body, with a value of each kind: one at a time, and all."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.between import RESOURCES, faults, opened, schemas
from tests.tmf.documents import document, resolved, shape
from tests.tmf.generated import members
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Doc, same
from tmf_adapter.tmf.versions import V4

DEEPEST = 3
"""Objects within each other; none of the two APIs has other forms below."""
VALUES: tuple[Any, ...] = (None, 1, "", "2026-11-24T08:00:00Z", {}, [{}])
PLAIN = {"integer": 1, "number": 1, "boolean": True, "string": "x"}
FORMATS = {"date-time": "2026-11-24T08:00:00Z", "uri": "urn:x"}
either = pytest.mark.parametrize("resource", RESOURCES)

Place = tuple[str, ...]


def _least(spec: Doc, schema: Doc) -> Any:
    """The smallest value that the schema allows."""
    schema = resolved(spec, schema)
    if "oneOf" in schema:
        return _least(spec, schema["oneOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [_least(spec, schema["items"])] * schema.get("minItems", 0)
    if found := FORMATS.get(schema.get("format", "")) or PLAIN.get(schema.get("type", "object")):
        return found
    known, required = shape(spec, schema)
    return {name: _least(spec, known[name]) for name in required}


def _objects(spec: Doc, schema: Doc, left: int) -> Iterator[tuple[Place, Any]]:
    """Each place where the schema has an object, and the smallest value that has one there."""
    schema = resolved(spec, schema)
    if "oneOf" in schema:
        for one in schema["oneOf"]:
            yield from _objects(spec, one, left)
    elif schema.get("type") == "array":
        for place, inner in _objects(spec, schema["items"], left):
            yield ("0", *place), [inner]
    elif schema.get("type", "object") == "object":
        least = _least(spec, schema)
        yield (), least
        for name, one in shape(spec, schema)[0].items() if left else ():
            for place, inner in _objects(spec, one, left - 1):
                yield (name, *place), {**least, name: inner}


def _bodies(resource: str, version: str, form: str) -> Iterator[tuple[str, Doc]]:
    """Every body that the version allows, made of the smallest and one member more, with where that one is."""
    api = RESOURCES[resource][0]
    name = f"{resource[0].upper()}{resource[1:]}{form}"
    allows = schemas(api, version).compiled(f"#/components/schemas/{name}")
    names = sorted({one for each in ("v4", "v5") for one in members(document(api, each))} | {"x-vendor", "@v4"})
    for place, least in _objects(document(api, version), {"$ref": f"#/components/schemas/{name}"}, DEEPEST):
        for member in names:
            for value in VALUES:
                body = copy.deepcopy(least)
                _at(body, place)[member] = value
                if allows.is_valid(body):
                    yield f"/{'/'.join((*place, member))} = {value!r}", body


def _at(body: Any, place: Place) -> Any:
    for step in place:
        body = body[0] if step == "0" else body[step]
    return body


@either
def test_whatever_v4_may_say_is_stored_as_v5_has_it_and_comes_back_as_it_was_sent(resource: str) -> None:
    (api, rules), lens = RESOURCES[resource], V4[resource]
    ours = rules.server_set | {"statusChange", "@type"}
    wrong = []
    for what, sent in _bodies(resource, "v4", "_Create"):
        if lens.v5_only & sent.keys():
            continue  # v5's own words, held to v5's form of them
        try:
            seen = lens.whole(opened(resource, lens.put({}, sent)).subject.document)
        except Invalid as refused:
            wrong.append(f"{what}: {refused.faults}")
            continue
        wrong += [f"{what}: {fault}" for fault in faults(api, "v4", _whole(resource), seen)]
        wrong += [f"{what}: {name} differs" for name in sent.keys() - ours if not same(seen.get(name), sent[name])]
    assert wrong == []


@either
def test_whatever_v5_may_hold_is_shown_to_v4_as_v4_has_it_and_written_back_unchanged(resource: str) -> None:
    api, lens = RESOURCES[resource][0], V4[resource]
    wrong = []
    for what, stored in _bodies(resource, "v5", ""):
        if what.startswith("/href "):
            continue  # which only the server sets
        wrong += [f"{what}: {fault}" for fault in faults(api, "v4", _whole(resource), lens.whole(stored))]
        wrong += [] if same(lens.put(stored, lens.view(stored)), stored) else [f"{what}: written back differently"]
    assert wrong == []


def _whole(resource: str) -> str:
    return resource[0].upper() + resource[1:]
