"""What a validator found, said to a person: where, what is wrong, and, where it is known, what would be right."""

import json
from collections.abc import Iterable, Iterator, Sequence

from jsonschema_rs import ValidationError, ValidationErrorKind

from tmf_adapter.tmf.errors import FAULTS_SHOWN, Fault

_LONGEST = 200

_NOUNS = {
    "array": "an array",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}

_EXAMPLES = {
    "date": "a date like 2026-01-31",
    "date-time": "a date and time like 2026-01-31T12:00:00Z",
    "uri": "a URI like https://example.org/path",
}


def json_pointer(path: Iterable[str | int]) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def explain(errors: Iterable[ValidationError]) -> tuple[Fault, ...]:
    """The first faults, each once: inheritance lets a validator find the same one by several ways."""
    faults: dict[Fault, None] = {}
    for error in errors:
        faults[_fault(error)] = None
        if len(faults) == FAULTS_SHOWN:
            break
    return tuple(faults)


def _fault(error: ValidationError) -> Fault:
    match error.kind:
        case ValidationErrorKind.Required(name):
            return Fault(json_pointer([*error.instance_path, name]), "is required")
        case ValidationErrorKind.AnyOf(context) | ValidationErrorKind.OneOfNotValid(context):
            return _nearest(error, context)
    return Fault(json_pointer(error.instance_path), _message(error)[:_LONGEST])


def _nearest(error: ValidationError, options: Sequence[Sequence[ValidationError]]) -> Fault:
    """Of several forms, what is missing for the one that is least far away."""
    inner = _fault(min(options, key=len)[0])
    message = f"fits none of the possible forms; for the nearest, {inner.pointer or '/'} {inner.message}"
    return Fault(json_pointer(error.instance_path), message[: 2 * _LONGEST])


def _message(error: ValidationError) -> str:
    match error.kind:
        case ValidationErrorKind.Type(types):
            return f"must be {' or '.join(_NOUNS[type_] for type_ in types)}"
        case ValidationErrorKind.Enum(options):
            return f"must be one of {', '.join(map(_said, options))}"
        case ValidationErrorKind.Constant(value):
            return f"must be {_said(value)}"
        case ValidationErrorKind.Format(name):
            return f"must be {_EXAMPLES.get(name, f'a valid {name}')}"
        case ValidationErrorKind.MinLength(1):
            return "must not be empty"
    return error.message


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def characters_nobody_keeps(body: object) -> Iterator[Fault]:
    """Every string, member names included, that holds U+0000, which PostgreSQL cannot store."""
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), body)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str) and "\0" in value:
            yield Fault(json_pointer(path), "must not hold the character U+0000")
        elif isinstance(value, list):
            waiting.extend(((*path, number), item) for number, item in enumerate(value))
        elif isinstance(value, dict):
            waiting.extend(((*path, name), item) for name, item in value.items())
            waiting.extend(((*path, name), name) for name in value if "\0" in name)
