"""The schemas of one document, made fit for a JSON Schema validator, and what they say of a body that does not fit."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

import jsonschema_rs
import orjson

from tmf_adapter.api.faults import explain, json_pointer
from tmf_adapter.tmf.errors import Fault, Invalid

SCHEMAS = "#/components/schemas/"
_EXPLAINED = 1 << 15

Schema = dict[str, Any]


class Schemas:
    """The compiled schemas of one OpenAPI 3.0 document; ``urn`` tells it from the others and is seen nowhere else."""

    def __init__(self, raw: Schema, urn: str) -> None:
        self.raw = raw
        self._urn = urn
        self._registry = jsonschema_rs.Registry([(urn, rewritten(raw))], draft=jsonschema_rs.Draft7)
        self._compiled: dict[str, jsonschema_rs.Draft7Validator] = {}

    def compiled(self, ref: str) -> jsonschema_rs.Draft7Validator:
        """The validator of the schema at ``ref``, a pointer into the document such as ``#/components/schemas/X``."""
        if ref not in self._compiled:
            self._compiled[ref] = jsonschema_rs.Draft7Validator(
                {"$ref": self._urn + ref}, registry=self._registry, validate_formats=True, mask="it"
            )
        return self._compiled[ref]

    def check(self, ref: str, document: Any) -> None:
        """Raise ``Invalid``, naming every place, unless ``document`` fits the schema at ``ref``."""
        require(self.compiled(ref), document)

    def at(self, ref: str) -> Schema:
        """What stands at ``ref`` in the document as it was written."""
        part: Any = self.raw
        for step in unquote(ref).removeprefix("#/").split("/"):
            part = part[step.replace("~1", "/").replace("~0", "~")]
        return dict(part)

    def locate(self, *path: str) -> tuple[str, Schema]:
        """The pointer to a part of the document, and the part, with references followed to where it really stands."""
        ref = "#" + json_pointer(path)
        part = self.at(ref)
        while "$ref" in part:
            ref = part["$ref"]
            part = self.at(ref)
        return ref, part

    def contents(self, *path: str) -> dict[str, str]:
        """The media types of the request body or response at ``path``, each with a pointer to its schema."""
        ref, part = self.locate(*path)
        return {
            media_type: _schema_ref(ref, media_type, content["schema"])
            for media_type, content in part.get("content", {}).items()
            if "schema" in content
        }


def require(validator: jsonschema_rs.Draft7Validator, document: Any) -> None:
    """Raise ``Invalid`` unless ``document`` is valid. The faults are only looked for when there are some."""
    if not validator.is_valid(document):
        raise Invalid("The request body does not fit its schema.", faults=faults(validator, document))


def faults(validator: jsonschema_rs.Draft7Validator, document: Any) -> tuple[Fault, ...]:
    """What is wrong with an invalid document, at most ten; of a long document only what is found first.

    The validator collects every error before it shows one: seconds for a megabyte that is wrong all over.
    """
    if len(orjson.dumps(document)) <= _EXPLAINED:
        return explain(validator.iter_errors(document))
    try:
        validator.validate(document)
    except jsonschema_rs.ValidationError as error:
        return explain([error])
    return ()


def rewritten(raw: Schema) -> Schema:
    """A copy of an OpenAPI 3.0 document whose schemas are JSON Schema, draft 7.

    Draft 7 knows no ``discriminator`` and no ``nullable``, and a validator that passes over them takes a TMF union for
    ambiguous ("valid under more than one") and never looks at the members of a subtype. So ``@type`` is made to decide:

    * a union (``oneOf``) becomes: if ``@type`` is known, the schema it maps to, else any of them;
    * a type with subtypes, X, becomes: if ``@type`` is that of a subtype, the subtype's schema, else X's own members,
      which move to ``X__base`` (TMF630: an unknown ``@type`` falls back to the base type).
    """
    document = copy.deepcopy(raw)
    schemas = document.get("components", {}).get("schemas", {})
    ancestors = {SCHEMAS + name: frozenset(_ancestors(schemas, SCHEMAS + name)) for name in schemas}
    bases = {SCHEMAS + name for name, schema in list(schemas.items()) if _dispatch(schemas, name, schema, ancestors)}
    # A subtype inherits its base's own members: pointed at the dispatching schema it would be asked for without end.
    for part in (part for schema in schemas.values() for part in schema.get("allOf", ())):
        if part.get("$ref") in bases:
            part["$ref"] += "__base"
    _allow_null(document)
    return document


def _ancestors(schemas: Schema, ref: str) -> Iterator[str]:
    """What a schema inherits from, by however many steps."""
    for part in schemas.get(ref.removeprefix(SCHEMAS), {}).get("allOf", ()):
        if "$ref" in part:
            yield part["$ref"]
            yield from _ancestors(schemas, part["$ref"])


def _dispatch(schemas: Schema, name: str, schema: Schema, ancestors: Mapping[str, frozenset[str]]) -> bool:
    """Turn the discriminator of a schema into conditions; whether it now has a ``__base``."""
    discriminator = schema.pop("discriminator", None) or {}
    mapping: dict[str, str] = discriminator.get("mapping") or {}
    member = discriminator.get("propertyName", "")
    itself = SCHEMAS + name
    if mapping and "oneOf" in schema:
        condition = _choice(
            member, {key: {"$ref": ref} for key, ref in mapping.items()}, {"anyOf": schema.pop("oneOf")}
        )
        schema["allOf"] = [*schema.get("allOf", ()), condition]
        return False
    # Where the members of one schema include the other's, asking both would only ask twice.
    others = {key: ref for key, ref in mapping.items() if ref != itself and ref not in ancestors[itself]}
    if not others:
        return False
    base = {"$ref": f"{itself}__base"}
    subtypes = {
        key: {"$ref": ref} if itself in ancestors.get(ref, ()) else {"allOf": [base, {"$ref": ref}]}
        for key, ref in others.items()
    }
    schemas[f"{name}__base"] = schema
    schemas[name] = _choice(member, subtypes, base)
    return True


def _choice(member: str, options: Mapping[str, Schema], otherwise: Schema) -> Schema:
    """If ``member`` is one of the keys, its schema, else ``otherwise``.

    Found by halves: one condition for each key would be tried to the last, and that is half of what validation costs.
    """
    known = {"required": [member], **_is_one_of(member, list(options))}
    return {"if": known, "then": _halved(member, list(options.items())), "else": otherwise}


def _halved(member: str, options: list[tuple[str, Schema]]) -> Schema:
    if len(options) == 1:
        return options[0][1]
    left, right = options[: len(options) // 2], options[len(options) // 2 :]
    is_left = _is_one_of(member, [key for key, _ in left])
    return {"if": is_left, "then": _halved(member, left), "else": _halved(member, right)}


def _is_one_of(member: str, values: list[str]) -> Schema:
    return {"properties": {member: {"enum": values}}}


def _allow_null(part: Any) -> None:
    """``nullable: true`` beside a type adds null to what is allowed."""
    if isinstance(part, list):
        for item in part:
            _allow_null(item)
    elif isinstance(part, dict):
        if part.get("nullable") is True and isinstance(part.get("type"), str):
            part["type"] = [part["type"], "null"]
            if isinstance(options := part.get("enum"), list) and None not in options:
                options.append(None)
        for item in part.values():
            _allow_null(item)


def _schema_ref(ref: str, media_type: str, schema: Schema) -> str:
    """A named schema goes by its name; one written in place by where it stands, which is a URI fragment."""
    if set(schema) == {"$ref"}:
        return str(schema["$ref"])
    return quote(ref + json_pointer(("content", media_type, "schema")), safe="#/~+")
