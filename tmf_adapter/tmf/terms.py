"""The conditions of a query string (TMF630).

``a=1&b=2`` both hold; ``a=1;b=2`` one of them (``&`` binds tighter); ``a=1,2``, ``a=1;2`` and ``a=1&a=2`` any of the
values. Operators are suffixes (``a.gte=5``, also ``.gt .lt .lte .eq .ne .regex``) or signs (``a>=5``, ``> < <= != *=``
and ``=~``, encoded or not). Quotes around a value take it as it is: commas, semicolons and ``*`` in it are text.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tmf_adapter.tmf.attributes import Attribute, Place, locate
from tmf_adapter.tmf.condition import ANYTHING, And, Compare, Condition, Element, Exists, Not, Operator, Or, Path, Value
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.regex import compiled

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
_closes = {quote: re.compile(rf"{quote}(?=[,;]|\Z)") for quote in "'\""}


@dataclass(slots=True)
class Terms:
    """The conditions of a query string: groups of which one must hold, each with the values by path and operator."""

    attributes: Attribute
    stored: Callable[[Path], Path]
    groups: list[dict[tuple[Place, str], list[Value]]] = field(default_factory=lambda: [{}])

    def add(self, name: str, value: str) -> None:
        """One pair; what follows a ``;`` in it is a condition of its own, or one more value."""
        name, suffix, value = _split(_joined(name, value))
        place, suffix = self._understood(name, suffix)
        first, *others = _conditions(value, self.attributes)
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
            every([self._compared(place, suffix, values) for (place, suffix), values in group.items()])
            for group in self.groups
            if group or len(self.groups) == 1
        ]
        return Or(tuple(groups)) if len(groups) > 1 else groups[0]

    def _compared(self, place: Place, suffix: str, values: list[Value]) -> Condition:
        path = self.stored(place.path)
        if place.characteristic is None:
            return _comparison(path, suffix, values)
        name = Compare(("name",), Operator.EQ, (Value(place.characteristic),))
        value = _comparison(("value", *place.rest), "eq" if suffix == "ne" else suffix, values)
        found = Element(path, And((name, value)))
        return Not(found) if suffix == "ne" else found

    def _understood(self, name: str, suffix: str) -> tuple[Place, str]:
        """The attribute and the operator, which may be the last step of the name."""
        front, _, last = name.rpartition(".")
        if last in _SUFFIXES and front and suffix == "eq":
            name, suffix = front, last
        return locate(self.attributes, name), suffix

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


def _comparison(path: Path, suffix: str, values: list[Value]) -> Condition:
    if suffix in _EQUALITY:
        equal: Condition = Compare(path, Operator.EQ, tuple(value for value in values if value.text != "*"))
        if any(value.text == "*" and value.is_pattern for value in values):
            equal = Exists(path)
        return Not(equal) if suffix == "ne" else equal
    return Compare(path, Operator(suffix), tuple(values))


def every(parts: Iterable[Condition]) -> Condition:
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
    open_to_the_end = set[str]()  # a quote that closes nowhere is not looked for again from each place behind it
    while place < len(value):
        quote = value[place]
        if place == start and quote in "'\"" and quote not in open_to_the_end:
            closing = _closing(value, place)
            place = closing or place
            if closing is None:
                open_to_the_end.add(quote)
        elif quote == separator:
            yield value[start:place]
            start = place + 1
        place += 1
    yield value[start:]


def _closing(value: str, place: int) -> int | None:
    """Where the quote that opens at ``place`` closes, in front of a separator or the end."""
    found = _closes[value[place]].search(value, place + 1)
    return found.start() if found else None


def _is_quoted(value: str) -> bool:
    return len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""


def _unquoted(value: str) -> str:
    return value[1:-1] if _is_quoted(value) else value
