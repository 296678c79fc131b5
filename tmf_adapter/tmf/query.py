"""The TMF630 query string: conditions, ``filter``, ``sort``, ``fields``, and the part of the list that is asked for."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tmf_adapter.tmf import cursor, jsonpath
from tmf_adapter.tmf.attributes import Attribute, locate
from tmf_adapter.tmf.condition import ANYTHING, And, Compare, Condition, Element, Not, Or, Path, Sort
from tmf_adapter.tmf.cursor import Cursor
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.fields import ALWAYS_SELECTED, Fields, fields_of
from tmf_adapter.tmf.terms import Terms, every

PAGE = 1_000
"""An unpaged list returns at most this many."""
VALUES = 1_000
CONDITIONS = 100
SORT_KEYS = 5

NEWEST_FIRST = (Sort(("creationDate",), is_descending=True),)
"""The order of a list that asks for none; resources that are equal in it go by id."""


def _as_it_is(path: Path) -> Path:
    return path


@dataclass(frozen=True, slots=True)
class Collection:
    """What the resources of a list are: ``name`` tells its cursors from others', ``attributes`` is their schema's tree.

    ``stored`` turns a path of this version into the path it is stored under. ``order`` is that of a list that asks for
    none. ``kept`` are the members that stay in every selection of one resource, ``kept_in_list`` in those of a list's.
    """

    name: str
    attributes: Attribute
    stored: Callable[[Path], Path] = _as_it_is
    order: tuple[Sort, ...] = NEWEST_FIRST
    kept: frozenset[str] = ALWAYS_SELECTED
    kept_in_list: frozenset[str] = ALWAYS_SELECTED


@dataclass(frozen=True, slots=True)
class Query:
    """What a list request asks for. At most one of ``after`` and ``before`` is there, and then ``offset`` is 0."""

    condition: Condition = ANYTHING
    fields: Fields | None = None
    sort: tuple[Sort, ...] = NEWEST_FIRST
    offset: int = 0
    limit: int = PAGE
    after: Cursor | None = None
    before: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: the resources' JSON, and how many match in all.

    ``first`` and ``last`` are the places of its ends, None where there is nothing beyond (or nothing at all).
    """

    items: list[bytes]
    total: int
    first: Cursor | None = None
    last: Cursor | None = None


def parse(pairs: Sequence[tuple[str, str]], collection: Collection) -> Query:
    """Read decoded ``name=value`` pairs. Raises ``BadQuery``, naming what is wrong."""
    parameters: dict[str, list[str]] = {name: [] for name in ("fields", "offset", "limit", "sort", "after", "before")}
    terms = Terms(collection.attributes, collection.stored)
    filters: list[Condition] = []
    for name, value in pairs:
        if name == "filter":
            filters.append(jsonpath.parse(value, collection.attributes, collection.stored))
        elif name in parameters:
            parameters[name].append(value)
        else:
            terms.add(name, value)
    sort = _sort(parameters["sort"], collection)
    offset, limit = (_last_number(name, parameters[name]) for name in ("offset", "limit"))
    after, before = (_cursor(name, parameters[name], collection, sort) for name in ("after", "before"))
    if (after and before) or ((after or before) and offset is not None):
        raise BadQuery("Only one of after, before and offset is possible.", "Each says where the page begins.")
    return Query(
        _bounded(every([terms.condition(), *filters])),
        fields_of(parameters["fields"], collection.attributes),
        sort,
        offset or 0,
        PAGE if limit is None else min(limit, PAGE),
        after,
        before,
    )


def _bounded(condition: Condition) -> Condition:
    """Raises ``BadQuery`` for more than one answer is worth."""
    conditions, values = _counted(condition)
    if conditions > CONDITIONS:
        raise BadQuery(f"The query has {conditions} conditions.", f"At most {CONDITIONS} are possible.")
    if values > VALUES:
        raise BadQuery(f"The query names {values} values.", f"At most {VALUES} are possible.")
    return condition


def _counted(condition: Condition) -> tuple[int, int]:
    """How many conditions there are, and how many values they name."""
    match condition:
        case And(parts) | Or(parts):
            counts = [_counted(part) for part in parts]
            return sum(count for count, _ in counts), sum(values for _, values in counts)
        case Not(part) | Element(_, part):
            conditions, values = _counted(part)
            return conditions + isinstance(condition, Element), values
        case Compare(_, _, values):
            return 1, len(values)
    return 1, 0


def _sort(texts: list[str], collection: Collection) -> tuple[Sort, ...]:
    """The keys; a ``+`` that has been decoded to a space is one."""
    keys: dict[Path, Sort] = {}
    for word in (word.strip() for text in texts for word in text.split(",")):
        name = word.lstrip("+- ")
        if not name or len(word) - len(name) > 1:
            raise BadQuery(f"The query parameter sort cannot be read: {word[:80]!r}.", "Write sort=-name,other.")
        place = locate(collection.attributes, name)
        if place.characteristic is not None:
            raise BadQuery(f"The list cannot be sorted by {name!r}.", "Sort by a member of the resource.")
        path = collection.stored(place.path)
        keys.setdefault(path, Sort(path, word.startswith("-")))
    if len(keys) > SORT_KEYS:
        raise BadQuery(f"The query sorts by {len(keys)} attributes.", f"At most {SORT_KEYS} are possible.")
    return tuple(keys.values()) or collection.order


def _cursor(name: str, texts: list[str], collection: Collection, sort: tuple[Sort, ...]) -> Cursor | None:
    return cursor.read(name, texts[-1], collection.name, sort) if texts else None


def _last_number(name: str, texts: list[str]) -> int | None:
    """Any integer; one out of range is clamped. Of several the last counts."""
    numbers = [number(name, text) for text in texts]
    return numbers[-1] if numbers else None


def number(name: str, value: str) -> int:
    """Any integer, 0 for one below. Raises ``BadQuery``."""
    if not re.fullmatch(r"[ +-]?[0-9]+", value):
        raise BadQuery(f"The query parameter {name} must be an integer, not {value[:40]!r}.")
    if value.startswith("-"):
        return 0
    digits = value.lstrip(" +").lstrip("0") or "0"
    return min(int(digits[:20]), 2**62)
