"""What a body must hold, as it is written, for a condition on it to be true: a cheap look before the exact one."""

from collections.abc import Collection

import orjson

from tmf_adapter.tmf.condition import And, Compare, Condition, Element, Exists, Operator, Or, Path, Value
from tmf_adapter.tmf.regex import compiled


def needed(condition: Condition, columns: Collection[Path] = ()) -> frozenset[str]:
    """Texts that stand in every body that fulfils the condition; none when nothing is known of it.

    Bodies are written by the same encoder, so that one string is always written in one way. What is asked of
    ``columns`` needs no look at the body at all.
    """
    match condition:
        case And(parts):
            return frozenset().union(*(needed(part, columns) for part in parts))
        case Or(parts):
            return _shared([needed(part, columns) for part in parts])
        case Compare(path, operator, values) if path not in columns:
            return _shared([_of_value(operator, value) for value in values]) or _name(path)
        case Exists(path):
            return _name(path)
        case Element(path, inner):
            return needed(inner) or _name(path)
    return frozenset()


def _shared(options: list[frozenset[str]]) -> frozenset[str]:
    return frozenset.intersection(*options) if options else frozenset()


def _name(path: Path) -> frozenset[str]:
    return frozenset(f"{_written(name)}:" for name in path[-1:])


def _of_value(operator: Operator, value: Value) -> frozenset[str]:
    """What a string needs that the value equals; a number, a date or a literal can be written in several ways."""
    if value.text is None or (operator is Operator.EQ and _is_written_otherwise(value)):
        return frozenset()
    if operator is Operator.REGEX:
        return _needle(compiled(value.text).literal())
    if operator is not Operator.EQ:
        return frozenset()
    if value.is_pattern:
        return _needle(max(value.text.split("*"), key=len))
    return frozenset({_written(value.text)})


def _is_written_otherwise(value: Value) -> bool:
    return value.number is not None or value.boolean is not None or value.null or value.instant is not None


def _needle(text: str) -> frozenset[str]:
    return frozenset({_written(text)[1:-1]}) if text else frozenset()


def _written(text: str) -> str:
    return orjson.dumps(text).decode()
