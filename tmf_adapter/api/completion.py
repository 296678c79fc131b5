"""The tolerant reader: an ``@type`` that is absent is supplied wherever its place in the document leaves no doubt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tmf_adapter.api.draft7 import SCHEMAS, Schema
from tmf_adapter.api.schemas import Schemas, require

TRIALS = 1_000
"""Objects of one body for which each possible type may be tried."""
TYPE = "@type"


@dataclass(frozen=True)
class Place:
    """What the document says of the values at one place.

    ``name`` is the type of an object that names none, empty where none is needed; ``types`` are the schemas of those
    that it may name; ``options`` are the schemas of a union, one of which it must have.
    """

    name: str = ""
    members: Mapping[str, Schema] = field(default_factory=dict)
    items: Schema | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    options: tuple[Schema, ...] = ()


class Completion:
    """Completes bodies by the schemas of one document; what is complete already costs nothing."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._places: dict[str, Place] = {}
        self._inline: dict[int, tuple[Schema, Place]] = {}

    def check(self, ref: str, body: Any) -> Any:
        """The body, completed if it needs to be. Raises ``Invalid`` unless it then fits the schema at ``ref``."""
        validator = self._schemas.compiled(ref)
        if validator.is_valid(body):
            return body
        completed = _Pass(self).value({"$ref": ref}, body)
        require(validator, completed)
        return completed

    def place(self, schema: Schema) -> Place:
        """What ``schema`` says, references followed."""
        ref = schema.get("$ref")
        if ref is None:
            known = self._inline.get(id(schema))
            if known is None:  # kept with its schema: as long as that is there, no other has its id
                known = self._inline[id(schema)] = schema, self._read("", schema)
            return known[1]
        if ref not in self._places:
            self._places[ref] = self._read(ref, self._schemas.at(ref))
        return self._places[ref]

    def fits(self, schema: Schema, value: Any) -> bool:
        """Whether a value has the schema of a union's option."""
        return self._schemas.compiled(schema["$ref"]).is_valid(value)

    def _read(self, ref: str, schema: Schema) -> Place:
        parts = [self.place(part) for part in schema.get("allOf", ())]
        members = {name: member for part in parts for name, member in part.members.items()}
        options = tuple(option for option in schema.get("oneOf", ()) if "$ref" in option)
        needed = TYPE in schema.get("required", ()) or any(part.name for part in parts)
        return Place(
            "" if options or not needed else type_at(ref, schema) or next((part.name for part in parts), ""),
            members | schema.get("properties", {}),
            schema.get("items") or next((part.items for part in parts if part.items), None),
            schema.get("discriminator", {}).get("mapping", {}),
            options or next((part.options for part in parts if part.options), ()),
        )


class _Pass:
    """One body on its way through the schemas."""

    def __init__(self, completion: Completion) -> None:
        self._completion = completion
        self._trials = TRIALS

    def value(self, schema: Schema, value: Any) -> Any:
        if not isinstance(value, dict | list):
            return value
        place = self._completion.place(schema)
        if isinstance(value, list) and place.items is not None:
            return [self.value(place.items, item) for item in value]
        if not isinstance(value, dict):
            return value  # a list of anything
        named = value.get(TYPE)
        if isinstance(named, str) and (ref := place.types.get(named)) and {"$ref": ref} != schema:
            return self.value({"$ref": ref}, value)
        if place.options and TYPE not in value:
            return self._of_union(place, value)
        return self._of_type(place, value)

    def _of_union(self, place: Place, value: dict[str, Any]) -> Any:
        """As the one option that it fits, or of several the one that knows all its members.

        In doubt it stays as it is, and the fault says that its type is missing.
        """
        if self._trials <= 0:
            return value
        self._trials -= 1
        tried = ((option, self.value(option, value)) for option in place.options)
        fitting = [(option, completed) for option, completed in tried if self._completion.fits(option, completed)]
        if len(fitting) > 1:
            fitting = [(option, one) for option, one in fitting if self._knows(option, value)]
        return fitting[0][1] if len(fitting) == 1 else value

    def _knows(self, option: Schema, value: dict[str, Any]) -> bool:
        return value.keys() <= self._completion.place(option).members.keys()

    def _of_type(self, place: Place, value: dict[str, Any]) -> dict[str, Any]:
        named = {TYPE: place.name} if place.name and TYPE not in value else {}
        return named | {
            name: self.value(place.members[name], member) if name in place.members else member
            for name, member in value.items()
        }


def type_at(ref: str, schema: Mapping[str, Any]) -> str:
    """The ``@type`` of an object that names none under the schema at ``ref``: the one that is mapped to that itself."""
    mapping: dict[str, str] = schema.get("discriminator", {}).get("mapping", {})
    itself = (key for key, target in mapping.items() if target == ref)
    name = ref.removeprefix(SCHEMAS).removesuffix("_FVO").removesuffix("_MVO").removesuffix("_RES")
    return next(itself, next(iter(mapping), name if ref.startswith(SCHEMAS) else ""))
