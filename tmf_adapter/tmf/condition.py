"""What a resource must be to be found: a tree of conditions, and what they mean, in plain Python.

This is the meaning; ``storage.filters`` says the same in SQL. A path goes by members; an array on its way, or at its
end, stands for each of its elements (one level of it). So ``note.text`` leads to the text of every note.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from operator import ge, gt, le, lt
from typing import Any

from tmf_adapter.tmf.regex import compiled
from tmf_adapter.tmf.time import instant

Path = tuple[str, ...]

_is_number = re.compile(r"-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
_DATE_LENGTH = len("2026-01-31 10:00:00")
_lost_plus = re.compile(r" (?=[0-9]{2}:[0-9]{2}$)")


class Operator(StrEnum):
    """How a value is compared. *Not equal* is ``Not`` of ``EQ``: no value at the path equals any of those given."""

    EQ = "eq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    REGEX = "regex"


ORDER: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: gt,
    Operator.GTE: ge,
    Operator.LT: lt,
    Operator.LTE: le,
}


@dataclass(frozen=True, slots=True)
class Value:
    """What is compared with: as many of these as the value can be taken for.

    ``text`` for strings, with ``is_pattern`` holding ``*`` for any characters; ``number`` (a double) for numbers;
    ``boolean``; ``null``; ``instant``, in microseconds, for strings that are dates: "10:00+02:00" is "08:00Z".
    """

    text: str | None = None
    number: float | None = None
    boolean: bool | None = None
    instant: int | None = None
    null: bool = False
    is_pattern: bool = False

    @classmethod
    def string(cls, text: str) -> "Value":
        """What is a string and nothing else, as in JSON."""
        return cls(text, instant=_moment(text))

    @classmethod
    def literal(cls, text: str) -> "Value":
        """What stands in a query string without quotes: it may be meant as anything that is written so."""
        is_number = bool(_is_number(text)) and isfinite(float(text))
        return cls(
            text,
            number=float(text) if is_number else None,
            boolean={"true": True, "false": False}.get(text),
            instant=_moment(text),
            is_pattern="*" in text,
        )


@dataclass(frozen=True, slots=True)
class Compare:
    """Some value at ``path`` compares with one of ``values`` as ``operator`` says."""

    path: Path
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """There is something at ``path`` that is not null; an empty array is nothing."""

    path: Path


@dataclass(frozen=True, slots=True)
class Element:
    """One and the same element at ``path`` fulfils the whole ``condition``, whose paths begin at the element."""

    path: Path
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold; of none, always."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them holds; of none, never."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    part: "Condition"


Condition = And | Or | Not | Compare | Exists | Element

ANYTHING = And()


def matches(condition: Condition, document: Any) -> bool:
    """Whether ``document``, or a part of it, is what is looked for."""
    match condition:
        case And(parts):
            return all(matches(part, document) for part in parts)
        case Or(parts):
            return any(matches(part, document) for part in parts)
        case Not(part):
            return not matches(part, document)
        case Compare(path, operator, values):
            return any(_compares(found, operator, value) for found in at(document, path) for value in values)
        case Exists(path):
            return any(found is not None for found in at(document, path))
        case Element(path, inner):
            return any(matches(inner, found) for found in at(document, path))


def at(document: Any, path: Path) -> Iterator[Any]:
    """Every value that ``path`` leads to, in the document's order."""
    if not path:
        yield document
    elif isinstance(document, dict) and path[0] in document:
        found = document[path[0]]
        for part in found if isinstance(found, list) else (found,):
            yield from at(part, path[1:])


def _moment(text: str) -> int | None:
    """The instant, also of one whose ``+`` has been decoded to a space."""
    return instant(_lost_plus.sub("+", text) if len(text) > _DATE_LENGTH else text)


def _compares(found: Any, operator: Operator, value: Value) -> bool:
    if operator is Operator.REGEX:
        return isinstance(found, str) and compiled(value.text or "").search(found)
    if operator is Operator.EQ:
        return _equals(found, value)
    return _is_ordered(found, ORDER[operator], value)


def _equals(found: Any, value: Value) -> bool:
    match found:
        case None:
            return value.null
        case bool():
            return found is value.boolean
        case int() | float():
            return value.number is not None and float(found) == value.number
        case str():
            if value.text is not None and (fits(value.text, found) if value.is_pattern else found == value.text):
                return True
            return value.instant is not None and instant(found) == value.instant
    return False


def _is_ordered(found: Any, order: Callable[[Any, Any], bool], value: Value) -> bool:
    match found:
        case bool():
            return False
        case int() | float():
            return value.number is not None and order(float(found), value.number)
        case str() if value.instant is not None and (moment := instant(found)) is not None:
            return order(moment, value.instant)
        case str():
            return value.text is not None and order(found, value.text)
    return False


def fits(pattern: str, text: str) -> bool:
    """Whether ``text`` is the pattern with something in place of each ``*``; in time proportional to the text."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        place = text.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


@dataclass(frozen=True, slots=True)
class Sort:
    """One of the keys of an order."""

    path: Path
    is_descending: bool = False


Key = tuple[int, float, str]
"""What is sorted by: rank (numbers, then dates, then other text), the number or microseconds, the text."""

_NUMBER, _DATE, _TEXT, _ABSENT = 0, 1, 2, 3


def absent_rank(sort: Sort) -> int:
    """What is absent comes last in either direction."""
    return -1 if sort.is_descending else _ABSENT


def sort_key(document: Any, sort: Sort) -> Key:
    """The key of the first value at the path; of an object, an array or null, the key of what is absent."""
    match next(at(document, sort.path), None):
        case bool(found):
            return (_TEXT, 0.0, "true" if found else "false")
        case (int() | float()) as found:
            return (_NUMBER, float(found), "")
        case str(found):
            moment = instant(found)
            return (_TEXT, 0.0, found) if moment is None else (_DATE, float(moment), "")
    return (absent_rank(sort), 0.0, "")
