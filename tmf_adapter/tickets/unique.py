"""What must be unique among the tickets of a specification (``isUnique``): looked for in the commit of the change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

import orjson
from sqlalchemy import Connection, text

from tmf_adapter.storage.ledger import Duty
from tmf_adapter.storage.listing import Listing
from tmf_adapter.storage.tables import ticket
from tmf_adapter.tickets.demands import MEMBER, REFERENCE, Found, values_of
from tmf_adapter.tickets.store import Specifications
from tmf_adapter.tmf.condition import And, Compare, Condition, Element, Not, Operator, Value
from tmf_adapter.tmf.errors import Conflict, Fault, Invalid
from tmf_adapter.tmf.events import Author, Change, Doc, same
from tmf_adapter.tmf.query import Query
from tmf_adapter.tmf.time import utc_now

MOST = 100
"""Values of one characteristic that are looked for."""
_LOCKS = 6_210_657
_LOCK = text("SELECT pg_advisory_xact_lock(:of, :key)")


@dataclass(frozen=True, slots=True)
class Unique:
    """No other ticket of the specification has one of these values, by characteristic; a ``Duty``."""

    ticket_id: str
    specification_id: str
    values: Mapping[str, Sequence[Found]]

    def write(self, tx: Connection) -> None:
        """Raises ``Conflict``. On PostgreSQL whoever would write the same waits here, and sees it then."""
        if tx.dialect.name == "postgresql":
            for key in sorted(crc32(f"{self.specification_id}\0{name}".encode()) - 2**31 for name in self.values):
                tx.execute(_LOCK, {"of": _LOCKS, "key": key})
        if faults := [fault for name, values in self.values.items() for fault in self._faults(tx, name, values)]:
            raise Conflict("The specification wants values that no other ticket has.", faults=faults)

    def _faults(self, tx: Connection, name: str, values: Sequence[Found]) -> Iterator[Fault]:
        condition = self._condition(name, [value for found in values if (value := _value(found.value))])
        for item in Listing(tx.dialect.name, ticket, Query(condition, limit=1)).page(tx).items:
            other = orjson.loads(item)
            theirs = values_of(other[MEMBER]).get(name, ())
            for found in values:
                if any(same(found.value, one.value) for one in theirs):
                    yield Fault(found.pointer, f"is the {name} of the ticket {other['id']} already")

    def _condition(self, name: str, values: Sequence[Value]) -> Condition:
        named = Compare(("name",), Operator.EQ, (Value(name),))
        valued = Compare(("value",), Operator.EQ, tuple(values))
        return And(
            (
                Compare((REFERENCE, "id"), Operator.EQ, (Value(self.specification_id),)),
                Element((MEMBER,), And((named, valued))),
                Not(Compare(("id",), Operator.EQ, (Value(self.ticket_id),))),
            )
        )

    def committed(self) -> None:
        """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """Works out what a client's change of a ticket owes to its specification; what a recovery reports is let be."""

    specifications: Specifications
    clock: Callable[[], datetime] = utc_now

    async def owed(self, change: Change) -> Duty | None:
        """A ``Consequence``. Raises ``Invalid`` for more values than can be looked for."""
        if change.resource != "troubleTicket" or change.after is None or change.by is Author.ADAPTER:
            return None
        document, before = change.after.document, change.before.document if change.before else {}
        if REFERENCE not in document or all(same(before.get(each), document.get(each)) for each in (REFERENCE, MEMBER)):
            return None
        return await self._owed(document)

    async def _owed(self, document: Doc) -> Duty | None:
        id_ = str(document[REFERENCE].get("id"))
        specification = await self.specifications.find(id_)
        values = specification.unique(document, self.clock()) if specification else {}
        for name, several in values.items():
            if len(several) > MOST:
                raise Invalid.at(several[MOST].pointer, f"is one too many; {name}, which is unique, has at most {MOST}")
        return Unique(document["id"], id_, values) if values else None


def _value(value: Any) -> Value | None:
    """What equals it in a query; None for an object, which is not looked for."""
    match value:
        case bool():
            return Value(boolean=value)
        case int() | float():
            return Value(number=float(value))
        case str():
            return Value(value)
    return None
