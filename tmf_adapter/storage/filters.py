"""A condition and an order as SQL that gives the same answer on SQLite and PostgreSQL: the one that
``tmf.condition`` gives in plain Python.

SQL is written as text, since two dialects of JSON have nothing in common that a library could hide. Whatever comes from
a client is a bound parameter.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tmf_adapter.storage.needles import needed
from tmf_adapter.tmf.condition import (
    And,
    Compare,
    Condition,
    Element,
    Exists,
    Key,
    Not,
    Operator,
    Or,
    Path,
    Sort,
    Value,
)
from tmf_adapter.tmf.time import at, stamp

STAMPED = "creation_date"
"""The column whose text is always as ``stamp`` writes it, so that it sorts like the instants."""

_NEEDLES = 4
_SIGNS = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}


@dataclass(slots=True)
class Parameters:
    """The bound values of a statement, by the names they have in it; ``form``: how the driver wants a name written."""

    form: str
    bound: dict[str, object] = field(default_factory=dict)

    def add(self, value: object) -> str:
        """How the value is written in the statement."""
        name = f"p{len(self.bound)}"
        self.bound[name] = value
        return self.form.format(name)

    def all(self, values: Iterable[object]) -> str:
        return ", ".join(self.add(value) for value in values)


@dataclass(frozen=True, slots=True)
class Node:
    """A value inside the body: the SQL for its type and itself; ``json`` is it as an object to go on from."""

    json: str
    type: str
    value: str


class Dialect(ABC):
    """Writes conditions. Each is a SQL truth value that is never NULL, so that ``NOT`` turns it round.

    ``columns``: the members that are asked of a column instead of the body, and which; they are text and never absent.
    """

    PARAMETER: ClassVar[str]
    """How the driver wants a parameter's name written."""

    def __init__(self, columns: Mapping[str, str], parameters: Parameters) -> None:
        self._columns: dict[Path, str] = {(member,): column for member, column in columns.items()}
        self._parameters = parameters
        self._nodes = 0

    # --- what differs ---

    @abstractmethod
    def root(self) -> Node:
        """The body."""

    @abstractmethod
    def reached(self, node: Node, path: Path) -> tuple[str, Node]:
        """A FROM clause with a row for each value at ``path``, which is not empty, and that value."""

    @abstractmethod
    def string(self, node: Node) -> str:
        """The node, when it is a string, as text that compares by code points."""

    def among(self, ids: str) -> str:
        """Whether the row is one of those that a select of ids finds, which are looked up one by one."""
        return f"id IN ({ids})"

    def within(self, page: str, size: int) -> str:
        """A select of body and total that need not bring what is behind the first ``size`` bytes: NULL instead."""
        return page

    @abstractmethod
    def number(self, node: Node) -> str:
        """The node, when it is a number, as a double."""

    @abstractmethod
    def double(self, number: float) -> str:
        """A number as it becomes a double."""

    @abstractmethod
    def instant(self, text: str) -> str:
        """Microseconds since 1970 of a text, NULL for one that is no date."""

    @abstractmethod
    def found(self, text: str, pattern: str) -> str:
        """Whether a regular expression is found in a text."""

    @abstractmethod
    def fits(self, text: str, pattern: str) -> str:
        """Whether a text fits a pattern with ``*``."""

    @abstractmethod
    def is_type(self, node: Node, type_: str) -> str:
        """Whether the node is a ``string``, ``number``, ``true``, ``false`` or ``null``."""

    @abstractmethod
    def holds(self, text: str) -> str:
        """Whether the body, as it is written, holds a text."""

    # --- what does not ---

    @property
    def reads_bodies(self) -> bool:
        """Whether anything but columns has been asked for."""
        return self._nodes > 0

    def filtered(self, condition: Condition) -> str:
        """The condition on the resource, behind what can be seen of it without reading the body as JSON.

        To look for a text in 2 kB costs a hundredth of parsing them.
        """
        texts = sorted(needed(condition, self._columns), key=len, reverse=True)[:_NEEDLES]
        return _joined(" AND ", [*map(self.holds, texts), self.where(condition)])

    def where(self, condition: Condition, node: Node | None = None) -> str:
        """The condition on the resource, or on a part of it."""
        match condition:
            case And(parts):
                return _joined(" AND ", [self.where(part, node) for part in parts], "1 = 1")
            case Or(parts):
                return _joined(" OR ", [self.where(part, node) for part in parts], "1 = 0")
            case Not(part):
                return f"NOT {self.where(part, node)}"
            case Compare(path, operator, values) if node is None and path in self._columns:
                return self._column(self._columns[path], operator, values)
            case Compare(path, operator, values):
                return self._any(path, node, lambda found: self._compares(found, operator, values))
            case Exists(path):
                return self._any(path, node, lambda found: f"NOT {self.is_type(found, 'null')}")
            case Element(path, inner):
                return self._any(path, node, lambda found: self.where(inner, found))

    def _any(self, path: Path, node: Node | None, condition: Callable[[Node], str]) -> str:
        node = node or self.root()
        if not path:
            return f"({condition(node)}) IS TRUE"
        source, found = self.reached(node, path)
        return f"EXISTS (SELECT 1 FROM {source} WHERE {condition(found)})"

    def _compares(self, node: Node, operator: Operator, values: Sequence[Value]) -> str:
        if operator is Operator.REGEX:
            found = [self.found(self.string(node), value.text or "") for value in values]
            return f"({self.is_type(node, 'string')} AND {_joined(' OR ', found)})"
        if operator is Operator.EQ:
            return self._equals(node, values)
        return _joined(" OR ", [self._is_ordered(node, _SIGNS[operator], value) for value in values])

    def _equals(self, node: Node, values: Sequence[Value]) -> str:
        options = []
        if of_string := self._text_equals(self.string(node), values):
            options.append(f"{self.is_type(node, 'string')} AND {of_string}")
        if numbers := [self.double(value.number) for value in values if value.number is not None]:
            options.append(f"{self.number(node)} IN ({', '.join(numbers)})")
        for wanted in {value.boolean for value in values} - {None}:
            options.append(self.is_type(node, "true" if wanted else "false"))
        if any(value.null for value in values):
            options.append(self.is_type(node, "null"))
        return _joined(" OR ", options, "1 = 0")

    def _text_equals(self, text: str, values: Sequence[Value]) -> str:
        """Empty when no string can equal any of them."""
        options = []
        if plain := [value.text for value in values if value.text is not None and not value.is_pattern]:
            options.append(f"{text} IN ({self._parameters.all(plain)})")
        options += [self.fits(text, value.text or "") for value in values if value.is_pattern]
        if moments := [value.instant for value in values if value.instant is not None]:
            options.append(f"{self.instant(text)} IN ({self._parameters.all(moments)})")
        return _joined(" OR ", options, "")

    def _is_ordered(self, node: Node, sign: str, value: Value) -> str:
        options = []
        if value.text is not None:
            text = self.string(node)
            as_text = f"{text} {sign} {self._parameters.add(value.text)}"
            if value.instant is not None:
                moment = self.instant(text)
                as_moment = f"{moment} {sign} {self._parameters.add(value.instant)}"
                as_text = f"CASE WHEN {moment} IS NULL THEN {as_text} ELSE {as_moment} END"
            options.append(f"{self.is_type(node, 'string')} AND ({as_text})")
        if value.number is not None:
            options.append(f"{self.number(node)} {sign} {self.double(value.number)}")
        return _joined(" OR ", options, "1 = 0")

    # --- columns ---

    def _column(self, column: str, operator: Operator, values: Sequence[Value]) -> str:
        if operator is Operator.REGEX:
            return _joined(" OR ", [self.found(column, value.text or "") for value in values])
        if operator is Operator.EQ:
            return self._column_equals(column, values)
        return _joined(" OR ", [self._column_is_ordered(column, operator, value) for value in values], "1 = 0")

    def _column_equals(self, column: str, values: Sequence[Value]) -> str:
        plain = {value.text for value in values if value.text is not None and not value.is_pattern}
        plain |= {text for value in values if (text := _stamped(column, value)) and _is_whole(value)}
        options = [self.fits(column, value.text or "") for value in values if value.is_pattern]
        if plain:
            options.append(f"{column} IN ({self._parameters.all(sorted(plain))})")
        return _joined(" OR ", options, "1 = 0")

    def _column_is_ordered(self, column: str, operator: Operator, value: Value) -> str:
        """Stamps sort as text; a value between two milliseconds is above the lower one."""
        text = _stamped(column, value)
        if text is None:
            text = value.text
        elif not _is_whole(value):
            operator = Operator.GT if operator in (Operator.GT, Operator.GTE) else Operator.LTE
        return "1 = 0" if text is None else f"{self.collated(column)} {_SIGNS[operator]} {self._parameters.add(text)}"

    def collated(self, column: str) -> str:
        """The column, compared by code points."""
        return column

    # --- order ---

    def order(self, sort: Sequence[Sort], *, is_reversed: bool) -> str:
        """The ORDER BY clause; what is equal in every key goes by id."""
        terms = [
            f"{part} {'DESC' if key.is_descending != is_reversed else 'ASC'}"
            for key in _until_id(sort)
            for part in self._key(key)
        ]
        if not any(key.path == ("id",) for key in sort):
            terms.append(f"id {'DESC' if is_reversed else 'ASC'}")
        return ", ".join(terms)

    def beyond(self, sort: Sequence[Sort], keys: Sequence[Key], id_: str, *, is_reversed: bool) -> str:
        """Whether a row comes behind a place in the order, or, reversed, in front of it."""
        known = dict(zip((key.path for key in sort), keys, strict=True))
        keyed = [key for key in _until_id(sort) if key.path != ("id",)]
        last = next((key for key in sort if key.path == ("id",)), None)
        options: list[str] = []
        before: list[str] = []
        bound: list[str] = []
        for key in keyed:
            row, place = self._row(key), self._place(key, known[key.path])
            sign = "<" if key.is_descending != is_reversed else ">"
            options.append(_joined(" AND ", [*before, f"{row} {sign} {place}"]))
            # Said once more of the first key alone, it is where an index begins.
            bound = bound or [f"{row} {sign}= {place}"]
            before.append(f"{row} = {self._place(key, known[key.path])}")
        id_column = self.collated("id") if last else "id"
        sign = "<" if (last is not None and last.is_descending) != is_reversed else ">"
        options.append(_joined(" AND ", [*before, f"{id_column} {sign} {self._parameters.add(id_)}"]))
        return _joined(" AND ", [*bound, _joined(" OR ", options)])

    def _key(self, key: Sort) -> tuple[str, ...]:
        if key.path in self._columns:
            return (self.collated(self._columns[key.path]),)
        return self.sort_key(key)

    @abstractmethod
    def sort_key(self, key: Sort) -> tuple[str, ...]:
        """Rank, number and text of the first value at the path (``tmf.condition.sort_key``), apart or as one."""

    @abstractmethod
    def placed(self, key: Key) -> str:
        """The same of a place in the order, to be compared with ``_row``."""

    def _row(self, key: Sort) -> str:
        return f"({', '.join(self._key(key))})"

    def _place(self, key: Sort, at_: Key) -> str:
        _, number, text = at_
        column = self._columns.get(key.path)
        if column == STAMPED:
            return f"({self._parameters.add(_moment_text(number, text))})"
        if column:
            return f"({self._parameters.add(text)})"
        return self.placed(at_)


def _joined(word: str, parts: Sequence[str], empty: str = "1 = 0") -> str:
    return f"({word.join(parts)})" if parts else empty


def _until_id(sort: Sequence[Sort]) -> Sequence[Sort]:
    """The keys that count: behind the id, which is unique, there is nothing left to order."""
    for number, key in enumerate(sort):
        if key.path == ("id",):
            return sort[: number + 1]
    return sort


def _stamped(column: str, value: Value) -> str | None:
    """The millisecond that a date is in, as the column has it; None for what is no date, or for another column."""
    if column != STAMPED or value.instant is None:
        return None
    return _stamp(value.instant)


def _is_whole(value: Value) -> bool:
    return value.instant is not None and value.instant % 1_000 == 0


def _stamp(microseconds: int) -> str | None:
    try:
        return stamp(at(microseconds))
    except OverflowError:
        return None


def _moment_text(number: float, text: str) -> str:
    return text or _stamp(int(number)) or ""
