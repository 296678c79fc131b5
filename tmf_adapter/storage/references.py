"""What resources refer to, as an index to find them by: a row for each identifier at a place that is asked for all day.

A row is narrow. Place and value are one number; two that share a number cost a look at a body and never a wrong answer,
since whatever is found here is asked the whole condition. ``tables.references_of`` says which places there are.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, Table

from tmf_adapter.storage.tables import TENANT, References, references_of
from tmf_adapter.tmf.condition import And, Compare, Condition, Element, Operator, Or, Path, Value, at
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.time import instant

MOST = 200
"""Rows that one resource has; one that refers to more has a single row, ``ANY``, and is looked at every time."""
ANY = 0
ALTERNATIVES = 1_000
"""Numbers that are looked for at once; a condition with more of them is not looked up here."""

Numbers = frozenset[int]

_NAME, _VALUE = ("name",), ("value",)


def numbers(references: References, document: Doc) -> Numbers:
    """The numbers of everything that the document refers to."""
    found: set[int] = set()
    for place, forms in _found(references, document):
        found.add(_number(place, *forms))
        if len(found) > MOST:
            return frozenset({ANY})
    return frozenset(found)


def _found(references: References, document: Doc) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for place in references.ids:
        for id_ in at(document, place):
            if form := _form(id_):
                yield place, (form,)
    for place in references.characteristics:
        for one in at(document, place):
            for name, value in product(at(one, _NAME), at(one, _VALUE)):
                if (of_name := _form(name)) and (of_value := _form(value)):
                    yield place, (of_name, of_value)


def sought(references: References, condition: Condition, inside: Path = ()) -> list[Numbers]:
    """Sets of numbers: a resource that fulfils the condition has, of each set, at least one. None: nothing is known.

    ``inside`` is where in the resource the condition's paths begin.
    """
    match condition:
        case And(parts):
            return [found for part in parts for found in sought(references, part, inside)]
        case Or(parts):
            options = [sought(references, part, inside) for part in parts]
            return _bounded([min(each, key=len) for each in options]) if options and all(options) else []
        case Element(path, inner):
            place = (*inside, *path)
            return (
                _characteristic(place, inner)
                if place in references.characteristics
                else sought(references, inner, place)
            )
        case Compare(path, Operator.EQ, values) if (*inside, *path) in references.ids:
            return _product((*inside, *path), values)
    return []


def _characteristic(place: Path, condition: Condition) -> list[Numbers]:
    """What is asked of the name and the value of one and the same characteristic."""
    parts = condition.parts if isinstance(condition, And) else ()
    equal = [part for part in parts if isinstance(part, Compare) and part.operator is Operator.EQ]
    names = [part.values for part in equal if part.path == _NAME]
    values = [part.values for part in equal if part.path == _VALUE]
    return [found for of_name, of_value in product(names, values) for found in _product(place, of_name, of_value)]


def _product(place: Path, *alternatives: tuple[Value, ...]) -> list[Numbers]:
    """Every combination of the alternatives; nothing when one of them can be written in ways that nobody can list."""
    if any(value.is_pattern or value.null for values in alternatives for value in values):
        return []
    forms = [frozenset(form for value in values for form in _forms(value)) for values in alternatives]
    return _bounded([frozenset({_number(place, *combined)}) for combined in product(*forms)])


def _bounded(options: list[Numbers]) -> list[Numbers]:
    found: Numbers = frozenset().union(*options)
    return [found] if len(found) <= ALTERNATIVES else []


def _form(found: Any) -> str | None:
    """How a value is written here: whatever is equal (``tmf.condition``) is written in one way. None for no scalar."""
    match found:
        case bool():
            return f"b{found}"
        case int() | float():
            return f"n{float(found) + 0.0}"  # 1 is 1.0, and -0.0 is 0.0
        case str():
            # A date begins with its year: most texts need no closer look.
            moment = instant(found) if found[:4].isdigit() else None
            return f"t{found}" if moment is None else f"i{moment}"
    return None


def _forms(value: Value) -> Iterator[str]:
    """How everything that equals the value is written."""
    moment = None if value.instant is None else f"i{value.instant}"
    yield from filter(None, (_form(value.text), _form(value.number), _form(value.boolean), moment))


def _number(place: Path, *forms: str) -> int:
    return crc32("\0".join((".".join(place), *forms)).encode(errors="surrogatepass"))


class ReferenceRows:
    """The rows of one kind of resource, kept in the transactions that change it.

    The driver is asked directly: a statement of SQLAlchemy's costs as much as the rows.
    """

    def __init__(self, table: Table, dialect: str) -> None:
        self._references = references = references_of(table)
        self._members = {place[0] for place in (*references.ids, *references.characteristics)}
        self._is_sqlite = dialect == "sqlite"
        named = f"'{TENANT}', '{table.name}'"
        mine = f"tenant = '{TENANT}' AND resource = '{table.name}'"
        if self._is_sqlite:
            self._insert = f"VALUES ({named}, ?, ?)"
            self._delete = f"DELETE FROM reference WHERE {mine} AND key = ? AND resource_id = ?"
        else:
            self._insert = f"SELECT {named}, number, %s FROM unnest(CAST(%s AS bigint[])) AS number"
            self._delete = (
                f"DELETE FROM reference WHERE {mine} AND resource_id = %s AND key = ANY(CAST(%s AS bigint[]))"
            )
        into = "INSERT INTO reference (tenant, resource, key, resource_id)"
        self._insert = f"{into} {self._insert} ON CONFLICT DO NOTHING"

    def save(self, tx: Connection, id_: str, before: Doc | None, after: Doc | None) -> None:
        """Whatever the resource no longer refers to is gone, whatever is new is there."""
        before, after = before or {}, after or {}
        if all(before.get(name) == after.get(name) for name in self._members):
            return
        old, new = numbers(self._references, before), numbers(self._references, after)
        for statement, changed in ((self._delete, old - new), (self._insert, new - old)):
            if changed and self._is_sqlite:
                tx.exec_driver_sql(statement, [(number, id_) for number in changed])
            elif changed:
                tx.exec_driver_sql(statement, (id_, list(changed)))
