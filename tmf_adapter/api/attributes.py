"""The attributes of a collection, read from the schema that its document answers with, subtypes included."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tmf_adapter.api.draft7 import SCHEMAS
from tmf_adapter.tmf.attributes import Attribute

Schema = dict[str, Any]

_SCALARS = frozenset({"string", "number", "integer", "boolean"})


def attributes(raw: Schema, schema: str) -> Attribute:
    """The tree of the schema of that name in an OpenAPI document. To be made once, at the start.

    What is stored has an ``id`` and a ``href``, whether or not the schema says so.
    """
    resource = _Tree(raw).attribute([{"$ref": SCHEMAS + schema}])
    return replace(resource, members={"id": Attribute(), "href": Attribute(), **resource.members})


class _Tree:
    """Each set of schemas is one attribute, so that a schema that contains itself is a circle and not endless."""

    def __init__(self, raw: Schema) -> None:
        self._schemas: Schema = raw["components"]["schemas"]
        self._known: dict[frozenset[int], Attribute] = {}

    def attribute(self, forms: list[Schema]) -> Attribute:
        """What has any of these schemas."""
        parts = list(self._parts(forms, set()))
        key = frozenset(id(part) for _, part in parts)
        if key in self._known:
            return self._known[key]
        found: dict[str, list[Schema]] = {}
        for _, part in parts:
            for name, schema in part.get("properties", {}).items():
                found.setdefault(name, []).append(schema)
        members: dict[str, Attribute] = {}
        is_characteristic = any(name == "Characteristic" for name, _ in parts)
        self._known[key] = attribute = Attribute(
            members,
            frozenset(name for _, part in parts for name in part.get("required", ())),
            any(_is_open(part) for _, part in parts),
            is_characteristic,
        )
        if is_characteristic:
            members["value"] = Attribute(is_open=True)  # in TMF656 v5 it has one by what it is, not by its schema
        for name, schemas in found.items():
            members[name] = self.attribute(schemas)
        return attribute

    def _parts(self, forms: list[Schema], seen: set[int]) -> Iterator[tuple[str, Schema]]:
        """The schemas that something is made of, each with its name: inherited, alternative, subtypes, elements."""
        for form in forms:
            name = form.get("$ref", "").removeprefix(SCHEMAS)
            schema: Schema = self._schemas[name] if name else form
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            yield name, schema
            mapping = schema.get("discriminator", {}).get("mapping", {})
            others = [{"$ref": ref} for ref in mapping.values()]
            for key in ("allOf", "oneOf", "anyOf"):
                others += schema.get(key, ())
            if "items" in schema:
                others.append(schema["items"])
            yield from self._parts(others, seen)


def _is_open(schema: Schema) -> bool:
    """Whether anything may stand there: nothing is said of it, or that it is an object of whatever members."""
    if schema.keys() & {"properties", "allOf", "oneOf", "anyOf", "items", "$ref", "enum"}:
        return bool(schema.get("additionalProperties"))
    return schema.get("type") not in _SCALARS
