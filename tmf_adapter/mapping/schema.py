"""The JSON Schema of mapping files, for editors: made from the grammar, so that the two cannot differ.

It tells an editor the keys, their kinds and words. What only lint can tell (whether an expression compiles, whether an
operation exists) it does not know.
"""

from typing import Any

from marshmallow import Schema, fields

from tmf_adapter.mapping import cases, step_keys
from tmf_adapter.mapping.fields import (
    Body,
    Cause,
    Cel,
    Choice,
    Count,
    Filled,
    Flag,
    Inner,
    Keyed,
    Length,
    Named,
    Operations,
    Plain,
    Status,
    Word,
)
from tmf_adapter.mapping.grammar import MappingSchema

Json = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_CEL: Json = {"type": ["string", "boolean", "number"], "description": "a CEL expression"}
_TEXT: Json = {"type": "string", "description": "text with ${CEL} in it"}
_LENGTH: Json = {"type": "string", "pattern": "^P", "description": "an ISO 8601 duration such as PT30S, PT8H or P3D"}
_OPERATION: Json = {
    "type": "object",
    "required": ["op", "path"],
    "additionalProperties": False,
    "properties": {
        "op": {"enum": sorted(Operations.OPS)},
        "path": {"type": "string", "pattern": "^/"},
        "value": {},
    },
}
_CALL: Json = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {} for name in ("step", "call", "target", "body")},
        },
    ]
}


def mapping_schema() -> Json:
    """The schema of one mapping file (draft 7): defaults are not filled in, so what they have may be left out."""
    return {"$schema": _DRAFT, "title": "A mapping of tmf_adapter", **_keys(MappingSchema(), defaulted=_DEFAULTED)}


_DEFAULTED = frozenset({"timeout", "retry", "report", "restored", "workaround", "unsuccessful", "mode", "reason"})
"""Keys that the defaults file has for every mapping."""


def _keys(schema: Schema, defaulted: frozenset[str] = frozenset()) -> Json:
    named = {field.data_key or name: field for name, field in schema.load_fields.items()}
    required = sorted(name for name, field in named.items() if field.required and name not in _LEFT_OUT | defaulted)
    properties = {name: _field(field) for name, field in sorted(named.items())}
    needs = {"required": required} if required else {}
    return {"type": "object", "additionalProperties": False, "properties": properties, **needs}


_LEFT_OUT = _DEFAULTED | {"within", "then", "note", "attempts", "backoff", "when"}
"""Keys that may be left out because a default, or a key beside it, says the same."""


def _field(field: Any) -> Json:
    found = _kind(field)
    return {"anyOf": [found, {"type": "null"}]} if field.allow_none else found


def _kind(field: Any) -> Json:
    match field:
        case step_keys.PartField():
            return {"anyOf": [_keys(field.schema), _keys(field.block.schema)]}
        case Inner() if isinstance(field.schema, step_keys.AwaitAsk):
            return {"anyOf": [_CEL, _keys(field.schema)]}
        case Inner():
            return _keys(field.schema)
        case Keyed():
            inner = _field(field.inner)
            return {
                "type": "object",
                "additionalProperties": {"anyOf": [{"type": "string"}, inner]} if field.short else inner,
            }
        case fields.List():
            return {"type": "array", "items": _field(field.inner), "minItems": 1}
        case Named():
            return {"type": "object", "additionalProperties": _CEL if field.reserved is not None else {}}
        case Operations():
            return {"type": "array", "items": _OPERATION}
    return _scalar(field)


def _scalar(field: Any) -> Json:
    match field:
        case Choice():
            return {"enum": sorted(field.known)}
        case Word():
            return {"const": field.word}
        case Status():
            return {"enum": sorted(field.allowed)}
        case Count():
            return {"type": "integer", "minimum": field.least, "maximum": field.most}
        case Flag():
            return {"type": "boolean"}
        case Length():
            return _LENGTH
        case Cel():
            return _CEL
        case Filled():
            return _TEXT
        case Body() | cases.Members():
            return {"type": "object"}
        case Cause():
            return {"anyOf": [{"enum": sorted(Cause.WORDS)}, {"type": "integer", "minimum": 400, "maximum": 599}]}
        case cases.CallField():
            return _CALL
        case Plain():
            return {"type": "string", **({"pattern": f"^{field.pattern.pattern}$"} if field.pattern else {})}
    raise TypeError(f"{type(field).__name__} has no form in JSON Schema")  # a new kind of field, caught by the tests
