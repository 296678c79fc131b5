"""Every statement of this room: subscriptions, their leases, and the deliveries owed to them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tmf_adapter.hub.delivery import NEW, SOON, Due, Entry, Reason, State
from tmf_adapter.hub.subscription import Subscription
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.resources import Batch
from tmf_adapter.storage.tables import TENANT, delivery, event, revision, subscription

Tx = sa.Connection
"""The transaction a duty is written in."""

Row = dict[str, Any]

_S, _D, _R = subscription.c, delivery.c, revision.c
_COUNTED = (_R.tenant == TENANT) & (_R.name == "subscription")


def _is(state: State, column: sa.ColumnElement[str] = _D.state) -> sa.ColumnElement[bool]:
    """As a literal: a partial index is not used for a parameter."""
    return column == sa.literal_column(f"'{state}'")


_BY_ID = (_S.tenant == TENANT) & (_S.id == sa.bindparam("key"))
_NEWEST = sa.select(_R.value).where(_COUNTED)
_ALL = sa.select(_S.id, _S.api, _S.callback, _S.query, _S.terms).where(_S.tenant == TENANT).order_by(_S.id)
_BODY = sa.select(_S.body).where(_BY_ID, _S.api == sa.bindparam("api"))
_TWIN = sa.select(_S.id).where(
    _S.tenant == TENANT,
    _S.api == sa.bindparam("api"),
    _S.callback == sa.bindparam("callback"),
    sa.func.coalesce(_S.query, "") == sa.func.coalesce(sa.bindparam("query", type_=sa.String), ""),
)
_ADD = sa.insert(subscription)
_DROP = sa.delete(subscription).where(_BY_ID, _S.api == sa.bindparam("of_api"))


def revision_in(tx: Tx) -> int:
    """How often the subscriptions were changed, as the transaction sees it."""
    return tx.execute(_NEWEST).scalar() or 0


def subscriptions_in(tx: Tx) -> tuple[int, list[Subscription]]:
    """The revision, and the subscriptions as they were then or later."""
    newest = revision_in(tx)  # first: what is read afterwards may be newer, which is noticed, but never older
    return newest, [Subscription.of(*row) for row in tx.execute(_ALL)]


def count_change(tx: Tx) -> int:
    """The next revision. Whoever changes subscriptions does this first: it makes them take turns."""
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    row = dialect.insert(revision).values(tenant=TENANT, name="subscription", value=1)
    counted = row.on_conflict_do_update(index_elements=["tenant", "name"], set_={"value": _R.value + 1})
    return int(tx.execute(counted.returning(_R.value)).scalar_one())


def twin_of(tx: Tx, api: str, callback: str, query: str | None) -> str | None:
    """The id of a subscription that says the same."""
    return tx.execute(_TWIN, {"api": api, "callback": callback, "query": query}).scalar()


def add(tx: Tx, new: Subscription, document: bytes) -> None:
    """Insert a subscription with its Hub resource."""
    fields = {"id": new.id, "api": new.api, "callback": new.callback, "query": new.query}
    tx.execute(_ADD, {**fields, "terms": new.terms.written(), "body": document.decode(), "created_at": time.time()})


def document_of(tx: Tx, api: str, id: str) -> bytes | None:
    """The Hub resource as it was answered."""
    body: str | None = tx.execute(_BODY, {"key": id, "api": api}).scalar()
    return body.encode() if body is not None else None


def drop(tx: Tx, api: str, id: str) -> bool:
    """Delete a subscription and cancel what it is still owed; False when there is none."""
    if not tx.execute(_DROP, {"key": id, "of_api": api}).rowcount:
        return False
    for state in (State.PENDING, State.PARKED):
        tx.execute(_CANCEL[state], {"now": time.time(), "subscription": id})
    return True


_MINE = (_D.tenant == TENANT) & (_D.subscription_id == sa.bindparam("subscription"))
_OWE = sa.insert(delivery).inline()
_CANCEL = {
    state: sa.update(delivery).where(_MINE, _is(state)).values(state=State.CANCELLED, ended_at=sa.bindparam("now"))
    for state in (State.PENDING, State.PARKED)
}
_ORPHANED = (
    sa.update(delivery)
    .where(
        _D.tenant == TENANT, _is(State.PENDING), ~sa.exists().where(_S.tenant == _D.tenant, _S.id == _D.subscription_id)
    )
    .values(state=State.CANCELLED, ended_at=sa.bindparam("now"))
)
_UNPARK = (
    sa.update(delivery)
    .where(_D.tenant == TENANT, _is(State.PARKED), _D.reason == Reason.BLOCKED)
    .values(state=State.PENDING, next_at=SOON, reason=None)
)
_ENTER = (
    sa.update(delivery)
    .where(_D.id == sa.bindparam("key"), _is(State.PENDING))
    .values({name: sa.bindparam(name) for name in ("state", "attempts", "next_at", "reason", "ended_at")})
    .values(last_status=sa.bindparam("status"), last_error=sa.bindparam("error"))
)


def owe(tx: Tx, rows: Sequence[Row]) -> None:
    """Insert deliveries that are due at once, in this order."""
    if rows:
        tx.execute(_OWE, rows)


def owed(subscription_id: str, event_id: str, resource_id: str, now: float) -> Row:
    """The row of a new delivery."""
    keys = {"subscription_id": subscription_id, "event_id": event_id, "resource_id": resource_id}
    return {"tenant": TENANT, **keys, "state": State.PENDING.value, "next_at": NEW, "created_at": now}


def _held_until() -> sa.ColumnElement[float | None]:
    """Until when an earlier delivery about the same resource waits, if it waits longer than this one."""
    before = delivery.alias("earlier").c
    same = (before.tenant == _D.tenant, before.subscription_id == _D.subscription_id)
    waits = (before.next_at > sa.literal_column("0"), before.ended_at.is_(None))
    longer = (before.resource_id == _D.resource_id, before.id < _D.id, before.next_at > _D.next_at)
    return sa.select(sa.func.max(before.next_at)).where(*same, *waits, *longer).scalar_subquery()


_FREED = sa.update(subscription).values(owner=None, lease_until=0.0)
_HAS_DUE = sa.exists().where(
    _D.tenant == _S.tenant, _D.subscription_id == _S.id, _is(State.PENDING), _D.next_at <= sa.bindparam("now")
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A drain's question: deliveries that are due now and not ``known`` to it. ``room`` is how many it has room for:
    the answer has at most that many new ones, and half as many that waited for another try."""

    subscription_id: str
    room: int
    known: tuple[int, ...]

    @property
    def half(self) -> int:
        return (self.room + 1) // 2


class Store:
    """The statements that need to know which database it is, and who asks.

    ``owner`` names this process in the leases, ``lease`` is how long one lasts, in seconds. Leases go by the
    database's clock. ``due.get(Ask)`` is a list of ``Due``: what waited for another try first, then the new ones, each
    in the order it was owed. Drains that ask while a read is under way share the next one.
    """

    def __init__(self, database: Database, owner: str, lease: float) -> None:
        self._database = database
        self._listed: Callable[[Iterable[Any]], Any] = _as_json if database.is_sqlite else list
        now = _clock(database.is_sqlite)
        ids = _list("ids", sa.String, database.is_sqlite)
        free = sa.or_(_S.owner.is_(None), _S.owner == owner, _S.lease_until < now)
        mine = (_S.tenant == TENANT) & (_S.owner == owner)
        taken = sa.update(subscription).values(owner=owner, lease_until=now + lease)
        self._ready = sa.select(_S.id).where(_S.tenant == TENANT, free, _HAS_DUE)
        self._claim = taken.where(_BY_ID, free).returning(_S.id, _S.api, _S.callback, _S.query)
        self._renew = taken.where(mine, _S.id.in_(ids)).returning(_S.id)
        self._release = _FREED.where(mine, _BY_ID)
        self._fence = sa.select(_S.id).where(mine, _S.id.in_(ids)).with_for_update(read=True)
        self._due = _due(_list("known", sa.BigInteger, database.is_sqlite))
        self._delivered = _delivered(_list("ids", sa.BigInteger, database.is_sqlite))
        self.due: Batch[Ask, list[Due]] = Batch(database, self._read_due)

    async def recover(self) -> None:
        """At start: deliveries of a blocked callback are tried again, and on SQLite, where no other process can be
        draining, the leases of the one before are void."""
        statements = [_UNPARK, _FREED.where(_S.tenant == TENANT)] if self._database.is_sqlite else [_UNPARK]
        await self._database.write(lambda tx: [tx.execute(statement) for statement in statements])
        await self.cancel_orphans()

    async def cancel_orphans(self) -> None:
        """Cancel what was owed to a subscription just as another process dropped it."""
        now = time.time()
        await self._database.write(lambda tx: tx.execute(_ORPHANED, {"now": now}))

    async def ready(self) -> list[str]:
        """The subscriptions that have something due and that nobody else drains."""
        now = time.time()
        return await self._database.read(lambda tx: list(tx.execute(self._ready, {"now": now}).scalars()))

    async def claim(self, id: str) -> Subscription | None:
        """Take the lease; the subscription, or None when another process has it or the subscription is gone."""
        row = await self._database.write(lambda tx: tx.execute(self._claim, {"key": id}).first())
        return Subscription.of(*row) if row else None

    async def renew(self, ids: Iterable[str]) -> set[str]:
        """Prolong our leases; those that are still ours."""
        values = {"ids": self._listed(ids)}
        return await self._database.write(lambda tx: set(tx.execute(self._renew, values).scalars()))

    async def release(self, id: str) -> None:
        """Give the lease back, if it is ours."""
        await self._database.write(lambda tx: tx.execute(self._release, {"key": id}))

    def enter(self, tx: Tx, entries: Mapping[str, Sequence[Entry]]) -> set[str]:
        """Write what became of deliveries, by subscription; only where the lease is still ours. Returns where it is."""
        ours = set(tx.execute(self._fence, {"ids": self._listed(entries)}).scalars())
        wanted = sorted((entry for id in ours for entry in entries[id]), key=lambda entry: entry.id)
        now = time.time()
        for status, ids in _delivered_by_status(wanted).items():
            tx.execute(self._delivered, {"ids": self._listed(ids), "status": status, "now": now})
        rest = [_values(entry, now) for entry in wanted if entry.state is not State.DELIVERED]
        if rest:
            tx.execute(_ENTER, rest)
        return ours

    def _read_due(self, tx: Tx, asks: Sequence[Ask]) -> dict[Ask, list[Due]]:
        now = time.time()
        return {ask: [Due(*row) for row in tx.execute(self._due, self._bound(ask, now))] for ask in asks}

    def _bound(self, ask: Ask, now: float) -> Row:
        known = self._listed(ask.known)
        return {"subscription": ask.subscription_id, "known": known, "now": now, "room": ask.room, "half": ask.half}


def _clock(is_sqlite: bool) -> sa.ColumnElement[Any]:
    """The present by the database's clock, in Unix seconds."""
    if is_sqlite:
        return (sa.func.julianday("now") - sa.literal_column("2440587.5")) * sa.literal_column("86400.0")
    return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)


def _as_json(values: Iterable[Any]) -> str:
    return orjson.dumps(list(values)).decode()


def _list(name: str, kind: type[sa.String] | type[sa.BigInteger], is_sqlite: bool) -> sa.Select[Any]:
    """A parameter that holds a list, as something to select from: one statement for lists of any length."""
    if is_sqlite:
        return sa.select(sa.func.json_each(sa.bindparam(name, type_=sa.String)).table_valued("value").c.value)
    return sa.select(sa.func.unnest(sa.bindparam(name, type_=postgresql.ARRAY(kind))))


def _due(known: sa.Select[Any]) -> sa.CompoundSelect[Any]:
    """What waited and is due again, then what was never tried."""
    columns = (_D.id, _D.event_id, _D.resource_id, _D.attempts, _D.created_at, event.c.body, _held_until())
    mine = sa.select(*columns).where(
        _MINE, _is(State.PENDING), _D.id.not_in(known), event.c.tenant == _D.tenant, event.c.id == _D.event_id
    )
    again = mine.where(_D.next_at > sa.literal_column("0"), _D.next_at <= sa.bindparam("now"))
    fresh = mine.where(_D.next_at == sa.literal_column("0"))
    first = again.order_by(_D.next_at, _D.id).limit(sa.bindparam("half"))
    then = fresh.order_by(_D.id).limit(sa.bindparam("room"))
    return sa.union_all(sa.select(first.subquery()), sa.select(then.subquery()))


def _delivered(ids: sa.Select[Any]) -> sa.Update:
    return (
        sa.update(delivery)
        .where(_D.id.in_(ids), _is(State.PENDING))
        .values(state=State.DELIVERED, attempts=_D.attempts + 1, reason=None, last_error=None)
        .values(last_status=sa.bindparam("status"), ended_at=sa.bindparam("now"))
    )


def _delivered_by_status(entries: Iterable[Entry]) -> dict[int | None, list[int]]:
    found: dict[int | None, list[int]] = {}
    for entry in entries:
        if entry.state is State.DELIVERED:
            found.setdefault(entry.status, []).append(entry.id)
    return found


def _values(entry: Entry, now: float) -> Row:
    ended_at = now if entry.state is State.DEAD else None
    said = {"reason": entry.reason, "status": entry.status, "error": entry.error, "ended_at": ended_at}
    return {"key": entry.id, "state": entry.state, "attempts": entry.attempts, "next_at": entry.next_at, **said}
