"""The TMF630 query string: conditions, ``filter``, ``sort``, ``fields``, and the part of the list that is asked for.

``a=1&b=2`` both hold; ``a=1;b=2`` one of them (``&`` binds tighter); ``a=1,2``, ``a=1;2`` and ``a=1&a=2`` any of the
values. Operators are suffixes (``a.gte=5``, also ``.gt .lt .lte .eq .ne .regex``) or signs (``a>=5``, ``> < <= != *=``
and ``=~``, encoded or not). Quotes around a value take it as it is: commas, semicolons and ``*`` in it are text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tmf_adapter.tmf import cursor, jsonpath
from tmf_adapter.tmf.attributes import Attribute, Place, locate
from tmf_adapter.tmf.condition import (
    ANYTHING,
    And,
    Compare,
    Condition,
    Element,
    Exists,
    Not,
    Operator,
    Or,
    Path,
    Sort,
    Value,
)
from tmf_adapter.tmf.cursor import Cursor
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.fields import ALWAYS_SELECTED, Fields, fields_of
from tmf_adapter.tmf.regex import compiled

PAGE = 1_000
"""An unpaged list returns at most this many."""
VALUES = 1_000
CONDITIONS = 100
SORT_KEYS = 5

NEWEST_FIRST = (Sort(("creationDate",), is_descending=True),)
"""The order of a list that asks for none; resources that are equal in it go by id."""

_EQUALITY = {"eq", "ne"}
_SUFFIXES = {"gt", "gte", "lt", "lte", "eq", "ne", "regex"}
_SIGNS = {
    "=": "eq",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "!=": "ne",
    "*=": "regex",
    "=~": "regex",
}
_term = re.compile(r"(?P<name>[^=<>!*~]*)(?P<sign>>=|<=|!=|\*=|=~|[=<>])(?P<value>.*)", re.DOTALL).fullmatch
_is_plain_term = re.compile(r"[A-Za-z@_][\w.@-]*(?:>=|<=|!=|\*=|=~|[=<>]).*", re.DOTALL).fullmatch


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
    terms = _Terms(collection)
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
        _bounded(_all([terms.condition(), *filters])),
        fields_of(parameters["fields"], collection.attributes),
        sort,
        offset or 0,
        PAGE if limit is None else min(limit, PAGE),
        after,
        before,
    )


# --- conditions -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Terms:
    """The conditions of a query string: groups of which one must hold, each with the values by path and operator."""

    collection: Collection
    groups: list[dict[tuple[Place, str], list[Value]]] = field(default_factory=lambda: [{}])

    def add(self, name: str, value: str) -> None:
        """One pair; what follows a ``;`` in it is a condition of its own, or one more value."""
        name, suffix, value = _split(_joined(name, value))
        place, suffix = self._understood(name, suffix)
        first, *others = _conditions(value, self.collection.attributes)
        self._compare(place, suffix, first)
        if others and suffix in _EQUALITY:
            # The whole, too: a text that has all this in it is found by its value as it was echoed.
            self._values(place, suffix).append(Value(value))
        for other in others:
            self.groups.append({})
            other_name, other_suffix, other_value = _split(other)
            self._compare(*self._understood(other_name, other_suffix), other_value)

    def condition(self) -> Condition:
        """All of it. A group without conditions, in front of the first ``;``, there is none."""
        groups = [
            _all([_compared(place, suffix, values, self.collection) for (place, suffix), values in group.items()])
            for group in self.groups
            if group or len(self.groups) == 1
        ]
        return Or(tuple(groups)) if len(groups) > 1 else groups[0]

    def _understood(self, name: str, suffix: str) -> tuple[Place, str]:
        """The attribute and the operator, which may be the last step of the name."""
        front, _, last = name.rpartition(".")
        if last in _SUFFIXES and front and suffix == "eq":
            name, suffix = front, last
        return locate(self.collection.attributes, name), suffix

    def _values(self, place: Place, suffix: str) -> list[Value]:
        return self.groups[-1].setdefault((place, suffix), [])

    def _compare(self, place: Place, suffix: str, value: str) -> None:
        if suffix == "regex":
            compiled(_unquoted(value))
            self._values(place, suffix).append(Value(_unquoted(value)))
        else:
            self._values(place, suffix).extend(_alternatives(value))
            if suffix in _EQUALITY and (set(value) & set(",;") or _is_quoted(value)):
                self._values(place, suffix).append(Value(value))  # a text that is so written is found as it was echoed


def _joined(name: str, value: str) -> str:
    """The pair as one text: a sign may have split it in the wrong place, or not at all (``a>5``, ``a%3E%3D5``)."""
    return name if value == "" and _term(name) else f"{name}={value}"


def _split(text: str) -> tuple[str, str, str]:
    """Name, operator and value. Raises ``BadQuery`` where there is no operator."""
    found = _term(text)
    if found is None or found["name"] == "":
        raise BadQuery(f"There is no attribute {text.partition('=')[0][:200]!r}.", "A condition is written name=value.")
    return found["name"], _SIGNS[found["sign"]], found["value"]


def _conditions(value: str, attributes: Attribute) -> list[str]:
    """The value, and the further conditions that are joined to it by ``;``. What is quoted is left in peace."""
    first, *others = _pieces(value, ";")
    parts = [first]
    for part in others:
        name = re.split(r"[=<>!*~.]", part, maxsplit=1)[0]
        if _is_plain_term(part) and (name in attributes.members or " " not in part):
            parts.append(part)
        else:
            parts[-1] += f";{part}"
    return parts


def _compared(place: Place, suffix: str, values: list[Value], collection: Collection) -> Condition:
    path = collection.stored(place.path)
    if place.characteristic is None:
        return _comparison(path, suffix, values)
    name = Compare(("name",), Operator.EQ, (Value(place.characteristic),))
    value = _comparison(("value", *place.rest), "eq" if suffix == "ne" else suffix, values)
    found = Element(path, And((name, value)))
    return Not(found) if suffix == "ne" else found


def _comparison(path: Path, suffix: str, values: list[Value]) -> Condition:
    if suffix in _EQUALITY:
        equal: Condition = Compare(path, Operator.EQ, tuple(value for value in values if value.text != "*"))
        if any(value.text == "*" and value.is_pattern for value in values):
            equal = Exists(path)
        return Not(equal) if suffix == "ne" else equal
    return Compare(path, Operator(suffix), tuple(values))


def _all(parts: Iterable[Condition]) -> Condition:
    parts = [part for part in parts if part != ANYTHING]
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _alternatives(value: str) -> Iterator[Value]:
    """What stands between the commas or semicolons, each quoted or not."""
    pieces = [piece for part in _pieces(value, ";") for piece in _pieces(part, ",")]
    for piece in pieces:
        yield Value.string(_unquoted(piece)) if _is_quoted(piece) else Value.literal(piece)


def _pieces(value: str, separator: str) -> Iterator[str]:
    """The parts of a value, where a separator between quotes is none."""
    start, place = 0, 0
    while place < len(value):
        if value[place] in "'\"" and place == start:
            place = _closing(value, place)
        elif value[place] == separator:
            yield value[start:place]
            start = place + 1
        place += 1
    yield value[start:]


def _closing(value: str, place: int) -> int:
    """Where the quote that opens at ``place`` closes, in front of a separator or the end; ``place`` if it does not."""
    quote = value[place]
    end = value.find(quote, place + 1)
    while end >= 0 and value[end + 1 : end + 2] not in ("", ",", ";"):
        end = value.find(quote, end + 1)
    return end if end >= 0 else place


def _is_quoted(value: str) -> bool:
    return len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""


def _unquoted(value: str) -> str:
    return value[1:-1] if _is_quoted(value) else value


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


# --- the page ---------------------------------------------------------------------------------------------------------


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
