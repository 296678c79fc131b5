"""The paths of a json-patch-query: a pointer that picks the elements of lists by what they hold (TMF630, PATCH).

``/note?id=77456`` is the note with that id; ``/characteristic/value?characteristic.name=isIsolated`` the value of that
characteristic; ``/orderItem/quantity?orderItem.productOffering.id=5&orderItem.action=add`` needs both to hold.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import jsonpointer

from tmf_adapter.tmf.errors import Invalid

_is_position = re.compile(r"[0-9]{1,9}").fullmatch

SELECTED = 1_000
"""A path may pick this many places."""
CONDITIONS = 10
"""And it may say this many things of them."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What the element must hold at ``path``: a scalar that is written like ``value``."""

    path: tuple[str, ...]
    value: str

    def holds(self, part: Any, path: Sequence[str]) -> bool:
        """Whether any value at ``path`` below ``part`` is the one; lists on the way are looked into."""
        if isinstance(part, list):
            return any(self.holds(item, path) for item in part)
        if path:
            return isinstance(part, dict) and path[0] in part and self.holds(part[path[0]], path[1:])
        return _written(part) == self.value


def places(document: Any, path: str) -> list[str]:
    """The pointers (RFC 6901) that a path of a json-patch-query means in ``document``, in the document's order.

    A path without a question mark is a plain pointer. Raises ``Invalid`` for a condition that is none, and
    ``LookupError`` when the path picks nothing.
    """
    pointer, question, query = path.partition("?")
    if not question:
        return [path]
    if pointer and not pointer.startswith("/"):
        raise LookupError(f"{path} is no path: it must begin with /")
    steps = [jsonpointer.unescape(step) for step in pointer.split("/")[1:]]
    found = list(_places(document, steps, (), (), _conditions(query)))
    if not found:
        raise LookupError(f"{path} picks nothing")
    if len(found) > SELECTED:
        raise LookupError(f"{path} picks more than {SELECTED} places")
    return ["".join(f"/{jsonpointer.escape(str(step))}" for step in place) for place in found]


def _conditions(query: str) -> tuple[Condition, ...]:
    parts = query.split("&")
    if len(parts) > CONDITIONS:
        raise Invalid(f"A path has {len(parts)} conditions.", f"At most {CONDITIONS} are possible.")
    return tuple(_condition(part) for part in parts)


def _condition(part: str) -> Condition:
    name, equals, value = part.partition("=")
    path = tuple(unquote(name).strip().split("."))
    if not equals or "" in path:
        raise Invalid(f"{part[:80]!r} is no condition.", "Write name=value, such as /note?id=77456.")
    text = unquote(value)
    return Condition(path, text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text)


def _places(
    part: Any, steps: list[str], place: tuple[str | int, ...], names: tuple[str, ...], conditions: Sequence[Condition]
) -> Iterator[tuple[str | int, ...]]:
    """``names`` is the way so far without positions in lists: what a condition may begin with."""
    if isinstance(part, list) and not (steps and (_is_position(steps[0]) or steps[0] == "-")):
        for number, item in enumerate(part):
            if _picked(item, names, conditions):
                yield from _below(item, steps, (*place, number), names, conditions)
    else:
        yield from _below(part, steps, place, names, conditions)


def _below(
    part: Any, steps: list[str], place: tuple[str | int, ...], names: tuple[str, ...], conditions: Sequence[Condition]
) -> Iterator[tuple[str | int, ...]]:
    if not steps:
        yield place
        return
    step, *rest = steps
    if isinstance(part, dict) and (step in part or not rest):
        inner = part.get(step)
        yield from _places(inner, rest, (*place, step), (*names, step), conditions)
    elif isinstance(part, list) and _is_position(step) and int(step) < len(part):
        yield from _places(part[int(step)], rest, (*place, int(step)), names, conditions)


def _picked(item: Any, names: tuple[str, ...], conditions: Sequence[Condition]) -> bool:
    """A condition that begins with the way to the list goes on from its elements, as one that names no way does.

    One that speaks of another list, further down or beside this one, says nothing here.
    """
    return all(
        condition.holds(item, relative)
        for condition in conditions
        if (relative := _relative(condition, names)) is not None
    )


def _relative(condition: Condition, names: tuple[str, ...]) -> tuple[str, ...] | None:
    if condition.path[: len(names)] == names:
        return condition.path[len(names) :]
    return condition.path if condition.path[0] != names[0] else None


def _written(value: Any) -> str | None:
    """A scalar as it is written in JSON, a text without its quotes; None for what is no scalar."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str():
            return value
        case int() | float():
            return str(value)
    return None
