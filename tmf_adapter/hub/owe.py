"""What a change owes to its listeners: a row for each event and listener, in the change's own transaction.

To more than ``INLINE`` listeners it owes one row that says so, and their deliveries are written afterwards, some at a
time, by whichever process comes first: a change is not slower for being widely wanted.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.hub.delivery import Due, State
from tmf_adapter.hub.store import Tx
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import body_of
from tmf_adapter.storage.tables import TENANT, delivery, fanout, subscription
from tmf_adapter.tmf.events import Change, Event

INLINE = 100
"""Listeners whose deliveries are written with the change."""
CHUNK = 500
"""Deliveries of a wide fan-out that are written in one transaction."""

Pair = tuple[str, str]
"""A subscription and an event, by their ids."""

_D, _F = delivery.c, fanout.c
_WIDE = sa.insert(fanout).inline()
_PENDING = sa.select(_F.id).where(_F.tenant == TENANT, _F.resource_id == sa.bindparam("resource")).limit(1)
_OLDEST = sa.select(_F.id, _F.resource_id, _F.owed, _F.done).where(_F.tenant == TENANT).order_by(_F.id).limit(1)
_PROCEED = sa.update(fanout).where(_F.id == sa.bindparam("key")).values(done=sa.bindparam("reached"))
_FINISH = sa.delete(fanout).where(_F.id == sa.bindparam("key"))


class Written(Protocol):
    """Who is told what has been committed."""

    def offered(self, subscription_id: str, dues: Sequence[Due], before: int | None) -> None:
        """Deliveries to one subscription, in order. ``before``: the newest that must arrive earlier, if there is."""

    def fanned_out(self) -> None:
        """A wide fan-out is to be worked off."""


class Owing:
    """The statements that write deliveries."""

    def __init__(self, is_sqlite: bool) -> None:
        self._is_sqlite = is_sqlite
        self._insert = _insert(is_sqlite)
        self._before = _before(is_sqlite)
        self._existing = _existing(is_sqlite)

    def insert(self, tx: Tx, resource_id: str, pairs: Sequence[Pair], now: float) -> dict[Pair, int]:
        """New deliveries about one resource, due at once; their numbers rise in the order of ``pairs``."""
        values = {**self._columns(pairs), "resource": resource_id, "created_at": now}
        return {(id, event): number for number, id, event in tx.execute(self._insert, values)}

    def before(self, tx: Tx, resource_id: str, subscriptions: Collection[str], first: int) -> dict[str, int]:
        """By subscription, the newest delivery about the resource that is still owed and older than ``first``."""
        values = {"ids": self._listed(subscriptions), "resource": resource_id, "first": first}
        return {id: number for id, number in tx.execute(self._before, values)}

    def existing(self, tx: Tx, subscriptions: Collection[str]) -> set[str]:
        """Those that are still registered."""
        return set(tx.execute(self._existing, {"ids": self._listed(subscriptions)}).scalars())

    def _columns(self, pairs: Sequence[Pair]) -> dict[str, Any]:
        if self._is_sqlite:
            return {"pairs": orjson.dumps(pairs).decode()}
        return {"subscriptions": [id for id, _ in pairs], "events": [event for _, event in pairs]}

    def _listed(self, ids: Collection[str]) -> str | list[str]:
        return orjson.dumps(list(ids)).decode() if self._is_sqlite else list(ids)


@dataclass(slots=True)
class Owed:
    """The deliveries that a change owes; a ``Duty`` (storage/ledger.py).

    ``confirm`` raises ``Outdated`` when subscriptions changed since ``pairs`` were worked out. ``watched``: the
    subscriptions that want to be offered what was committed, and so to know what must arrive before it.
    """

    change: Change
    pairs: Sequence[Pair]
    listeners: int
    owing: Owing
    written: Written
    confirm: Callable[[Tx], None]
    watched: Mapping[str, object]
    now: float = field(default_factory=time.time)
    numbers: dict[Pair, int] = field(default_factory=dict)
    _offered: set[str] = field(default_factory=set)
    _before: dict[str, int] = field(default_factory=dict)

    def write(self, tx: Tx) -> None:
        self.confirm(tx)
        self.numbers, self._offered, self._before = {}, set(), {}
        if self.pairs and not self._fan_out(tx):
            self.numbers = self.owing.insert(tx, self._resource_id, self.pairs, self.now)
            self._offered = self._ids & self.watched.keys()
            if self._offered and self.change.before is not None:
                self._before = self.owing.before(tx, self._resource_id, self._offered, min(self.numbers.values()))

    def _fan_out(self, tx: Tx) -> bool:
        """Too many; or there were too many for an earlier event about this resource, which must arrive first."""
        if self.listeners <= INLINE:
            return False
        if len(self._ids) <= INLINE and tx.execute(_PENDING, {"resource": self._resource_id}).scalar() is None:
            return False
        owed = {"owed": orjson.dumps(self.pairs).decode(), "done": 0, "created_at": self.now}
        tx.execute(_WIDE, {"resource_id": self._resource_id, **owed})
        return True

    def committed(self) -> None:
        """Offer them to whoever brings them."""
        if self.pairs and not self.numbers:
            self.written.fanned_out()
        events = {event.id: event for event in self.change.events}
        bodies: dict[str, str] = {}
        dues: dict[str, list[Due]] = {}
        for (id, event_id), number in sorted(self.numbers.items(), key=lambda item: item[1]):
            if id in self._offered:
                due = self._due(number, events[event_id], bodies)
                dues.setdefault(id, []).append(due)
        for id in dict.fromkeys(id for id, _ in self.numbers):
            self.written.offered(id, dues.get(id, ()), self._before.get(id))

    def _due(self, number: int, event: Event, bodies: dict[str, str]) -> Due:
        body = bodies.get(event.id)
        if body is None:
            body = bodies[event.id] = body_of(event)
        return Due(number, event.id, event.resource_id, 0, self.now, body)

    @property
    def _ids(self) -> set[str]:
        return {id for id, _ in self.pairs}

    @property
    def _resource_id(self) -> str:
        return self.change.events[0].resource_id


class FanOut:
    """Works off wide fan-outs, the oldest first: in every process, one at a time among all of them."""

    def __init__(self, database: Database, owing: Owing) -> None:
        self._database = database
        self._owing = owing

    async def advance(self) -> list[str] | None:
        """Write the next deliveries of the oldest; the subscriptions that they are owed to, None when none is left."""
        reached = await self._database.write(self._chunk)
        if reached is not None:
            crash_point(CrashPoint.FANOUT_ADVANCED)
        return reached

    def _chunk(self, tx: Tx) -> list[str] | None:
        oldest = _OLDEST if self._database.is_sqlite else _OLDEST.with_for_update()
        row = tx.execute(oldest).one_or_none()
        if row is None:
            return None
        owed: list[Pair] = [(id, event) for id, event in orjson.loads(row.owed)]
        reached = row.done + CHUNK
        chunk = owed[row.done : reached]
        registered = self._owing.existing(tx, {id for id, _ in chunk})
        if pairs := [pair for pair in chunk if pair[0] in registered]:
            self._owing.insert(tx, row.resource_id, pairs, time.time())
        if reached < len(owed):
            tx.execute(_PROCEED, {"key": row.id, "reached": reached})
        else:
            tx.execute(_FINISH, {"key": row.id})
        return sorted(registered)


def _insert(is_sqlite: bool) -> sa.Executable:
    id: Any
    event: Any
    place: Any
    if is_sqlite:
        each = sa.func.json_each(sa.bindparam("pairs", type_=sa.String)).table_valued("key", "value")
        id, event = (sa.func.json_extract(each.c.value, f"$[{place}]") for place in range(2))
        place = each.c.key
    else:
        texts = postgresql.ARRAY(sa.String)
        lists = (sa.bindparam(name, type_=texts) for name in ("subscriptions", "events"))
        pair = sa.func.unnest(*lists).table_valued("subscription", "event", with_ordinality="place").render_derived()
        id, event, place = pair.c
    rest = (sa.bindparam("resource", type_=sa.String), sa.literal(State.PENDING.value), sa.literal(0.0))
    rows = sa.select(sa.literal(TENANT), id, event, *rest, sa.bindparam("created_at", type_=sa.Double)).order_by(place)
    names = ("tenant", "subscription_id", "event_id", "resource_id", "state", "next_at", "created_at")
    new = sa.insert(delivery).from_select(names, rows, include_defaults=False)
    return new.returning(_D.id, _D.subscription_id, _D.event_id)


def _in(is_sqlite: bool) -> sa.Select[Any]:
    if is_sqlite:
        return sa.select(sa.func.json_each(sa.bindparam("ids", type_=sa.String)).table_valued("value").c.value)
    return sa.select(sa.func.unnest(sa.bindparam("ids", type_=postgresql.ARRAY(sa.String))))


def _before(is_sqlite: bool) -> sa.Select[Any]:
    resource, older = _D.resource_id == sa.bindparam("resource"), _D.id < sa.bindparam("first")
    owed = (_D.tenant == TENANT, resource, older, _D.replay_no == 0)
    pending = _D.state == sa.literal_column(f"'{State.PENDING}'")  # a literal, for the partial index
    found = sa.select(_D.subscription_id, sa.func.max(_D.id)).where(_D.subscription_id.in_(_in(is_sqlite)))
    return found.where(*owed, pending).group_by(_D.subscription_id)


def _existing(is_sqlite: bool) -> sa.Select[Any]:
    return sa.select(subscription.c.id).where(subscription.c.tenant == TENANT, subscription.c.id.in_(_in(is_sqlite)))
