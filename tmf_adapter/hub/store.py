"""Every statement of this room: subscriptions, their leases, and the deliveries owed to them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tmf_adapter.hub.apis import APIS, Apis
from tmf_adapter.hub.delivery import SOON, Attempt, Due, Entry, State
from tmf_adapter.hub.health import Health, Standing
from tmf_adapter.hub.subscription import Subscription
from tmf_adapter.hub.terms import HOLD, Terms
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.resources import Batch
from tmf_adapter.storage.tables import TENANT, attempt, delivery, event, revision, subscription

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
_HOW_MANY = sa.select(sa.func.count()).select_from(subscription).where(_S.tenant == TENANT)
_ADD = sa.insert(subscription)
_TERMS = sa.select(_S.terms).where(_BY_ID)
_PUT_TERMS = sa.update(subscription).where(_BY_ID).values(terms=sa.bindparam("written"))
_DROP = sa.delete(subscription).where(_BY_ID, _S.api == sa.bindparam("of_api"))


def revision_in(tx: Tx) -> int:
    """How often the subscriptions were changed, as the transaction sees it."""
    return tx.execute(_NEWEST).scalar() or 0


def subscriptions_in(tx: Tx, apis: Apis = APIS) -> tuple[int, list[Subscription]]:
    """The revision, and the subscriptions as they were then or later."""
    newest = revision_in(tx)  # first: what is read afterwards may be newer, which is noticed, but never older
    return newest, [Subscription.kept(*row, apis=apis) for row in tx.execute(_ALL)]


def count_change(tx: Tx) -> int:
    """The next revision. Whoever changes subscriptions does this first: it makes them take turns."""
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    row = dialect.insert(revision).values(tenant=TENANT, name="subscription", value=1)
    counted = row.on_conflict_do_update(index_elements=["tenant", "name"], set_={"value": _R.value + 1})
    return int(tx.execute(counted.returning(_R.value)).scalar_one())


def twin_of(tx: Tx, api: str, callback: str, query: str | None) -> str | None:
    """The id of a subscription that says the same."""
    return tx.execute(_TWIN, {"api": api, "callback": callback, "query": query}).scalar()


def count_subscriptions(tx: Tx) -> int:
    return int(tx.execute(_HOW_MANY).scalar_one())


def add(tx: Tx, new: Subscription, document: bytes) -> None:
    """Insert a subscription with its Hub resource."""
    fields = {"id": new.id, "api": new.api, "callback": new.callback, "query": new.query}
    tx.execute(_ADD, {**fields, "terms": new.terms.written(), "body": document.decode(), "created_at": time.time()})


def terms_of(tx: Tx, id: str) -> Terms | None:
    """The terms of a subscription, None when there is none."""
    written: str | None = tx.execute(_TERMS, {"key": id}).scalar()
    return Terms.read(written) if written is not None else None


def put_terms(tx: Tx, id: str, terms: Terms) -> None:
    """From now on these are its terms."""
    tx.execute(_PUT_TERMS, {"key": id, "written": terms.written()})


def document_of(tx: Tx, api: str, id: str) -> bytes | None:
    """The Hub resource as it was answered."""
    body: str | None = tx.execute(_BODY, {"key": id, "api": api}).scalar()
    return body.encode() if body is not None else None


def drop(tx: Tx, api: str, id: str) -> bool:
    """Delete a subscription and cancel what it is still owed; False when there is none."""
    if not tx.execute(_DROP, {"key": id, "of_api": api}).rowcount:
        return False
    tx.execute(_CANCEL, {"now": time.time(), "subscription": id})
    return True


_MINE = (_D.tenant == TENANT) & (_D.subscription_id == sa.bindparam("subscription"))
_ENDED = sa.update(delivery).values(state=State.CANCELLED, ended_at=sa.bindparam("now"))
_CANCEL = _ENDED.where(_MINE, _is(State.PENDING))
_ORPHANED = _ENDED.where(
    _D.tenant == TENANT, _is(State.PENDING), ~sa.exists().where(_S.tenant == _D.tenant, _S.id == _D.subscription_id)
)
_ENTER = (
    sa.update(delivery)
    .where(_D.id == sa.bindparam("key"), _is(State.PENDING))
    .values({name: sa.bindparam(name) for name in ("state", "attempts", "next_at", "reason", "ended_at")})
    .values({name: sa.bindparam(name) for name in ("first_at", "rejections", "last_status", "last_error")})
    .values(latency_ms=sa.bindparam("latency_ms"))
)
_HOLD = (
    sa.update(delivery).where(_D.id == sa.bindparam("key"), _is(State.PENDING)).values(next_at=sa.bindparam("next_at"))
)
_HURRY = (
    sa.update(delivery)
    .where(_MINE, _is(State.PENDING), _D.next_at > sa.bindparam("now"), _D.rejections == 0)
    .where(sa.or_(_D.replay_no == 0, _D.attempts > 0))
    .values(next_at=SOON)
)
"""A listener that is back need not wait until every delivery that failed meanwhile is due again."""
_LOG = sa.insert(attempt).inline()
_HEALTH = (
    sa.update(subscription)
    .where(_BY_ID, _S.state == sa.bindparam("was"))
    .values({name: sa.bindparam(name) for name in ("state", "attend_at", "health")})
)
_ASLEEP = sa.select(_S.id, _S.state, _S.health).where(
    _S.tenant == TENANT, _S.attend_at > 0, _S.state == sa.literal_column(f"'{Standing.ENABLED}'")
)


def _held_until() -> sa.ColumnElement[float | None]:
    """Until when an earlier delivery about the same resource waits, if it waits longer than this one."""
    before = delivery.alias("earlier").c
    same = (before.tenant == _D.tenant, before.subscription_id == _D.subscription_id)
    waits = (before.next_at > sa.literal_column("0"), _is(State.PENDING, before.state), before.replay_no == 0)
    longer = (before.resource_id == _D.resource_id, before.id < _D.id, before.next_at > _D.next_at)
    end = before.first_at + sa.bindparam("hold")
    until = sa.case((before.first_at.is_(None), before.next_at), (end < before.next_at, end), else_=before.next_at)
    holds = sa.or_(before.first_at.is_(None), end > sa.bindparam("now"))
    return sa.select(sa.func.max(until)).where(*same, *waits, *longer, holds, until > _D.next_at).scalar_subquery()


_FREED = sa.update(subscription).values(owner=None, lease_until=0.0)
_OWED: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
    _D.tenant == _S.tenant, _D.subscription_id == _S.id, _is(State.PENDING)
)
_HAS_DUE = sa.or_(
    sa.exists(_OWED.where(_D.next_at <= sa.bindparam("now"))),
    sa.and_(_S.attend_at > 0, sa.exists(_OWED.where(_D.rejections == 0))),
)
"""What is due; and for one that may have to be probed, what a probe would bring."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A drain's question: deliveries that are due now and not ``known`` to it. ``room`` is how many it has room for:
    the answer has at most that many new ones, and half as many that waited for another try.

    ``hold``: seconds for which a failed one holds what follows. ``oldest``: only that one is asked for, due or not.
    """

    subscription_id: str
    room: int
    known: tuple[int, ...]
    hold: float = HOLD
    oldest: bool = False

    @property
    def half(self) -> int:
        return (self.room + 1) // 2


@dataclass(frozen=True, slots=True)
class Claimed:
    """A subscription whose deliveries are ours to bring."""

    listener: Subscription
    health: Health

    @classmethod
    def of(cls, row: sa.Row[Any], apis: Apis) -> "Claimed":
        listener = Subscription.kept(row.id, row.api, row.callback, row.query, row.terms, apis=apis)
        return cls(listener, Health.read(row.state, row.health))


@dataclass(frozen=True, slots=True)
class Report:
    """What became of deliveries of one subscription, and of its health: ``was`` is what stands in its row."""

    entries: Sequence[Entry]
    was: Health = Health()  # noqa: RUF009 - it is frozen
    health: Health = Health()  # noqa: RUF009


class Store:
    """The statements that need to know which database it is, and who asks.

    ``owner`` names this process in the leases, ``lease`` is how long one lasts, in seconds. Leases go by the
    database's clock. ``due.get(Ask)`` is a list of ``Due``: what waited for another try first, then the new ones, each
    in the order it was owed. Drains that ask while a read is under way share the next one.
    """

    def __init__(self, database: Database, owner: str, lease: float, apis: Apis = APIS) -> None:
        self._database = database
        self._apis = apis
        self._listed: Callable[[Iterable[Any]], Any] = as_json if database.is_sqlite else list
        now = _clock(database.is_sqlite)
        ids = _list("ids", sa.String, database.is_sqlite)
        free = sa.or_(_S.owner.is_(None), _S.owner == owner, _S.lease_until < now)
        mine = (_S.tenant == TENANT) & (_S.owner == owner)
        taken = sa.update(subscription).values(owner=owner, lease_until=now + lease)
        attended = _S.attend_at <= sa.bindparam("now")
        self._ready = sa.select(_S.id).where(_S.tenant == TENANT, free, attended, _HAS_DUE)
        told = (_S.id, _S.api, _S.callback, _S.query, _S.terms, _S.state, _S.health)
        self._claim = taken.where(_BY_ID, free, attended).returning(*told)
        self._renew = taken.where(mine, _S.id.in_(ids)).returning(_S.id, _S.state, _S.terms)
        self._release = _FREED.where(mine, _BY_ID)
        self._fence = sa.select(_S.id).where(mine, _S.id.in_(ids)).with_for_update(read=True)
        known = _list("known", sa.BigInteger, database.is_sqlite)
        self._due, self._oldest = _due(known), _oldest(known)
        self._delivered = _delivered(database.is_sqlite)
        self.due: Batch[Ask, list[Due]] = Batch(database, self._read_due)

    async def recover(self) -> None:
        """At start: listeners whose address was blocked are tried again, and on SQLite, where no other process can be
        draining, the leases of the one before are void."""

        def work(tx: Tx) -> None:
            if self._database.is_sqlite:
                tx.execute(_FREED.where(_S.tenant == TENANT))
            for id, state, text in tx.execute(_ASLEEP).all():
                was = Health.read(state, text)
                if was.blocked:
                    tx.execute(_HEALTH, _health(id, was, was.probed(time.time())))

        await self._database.write(work)
        await self.cancel_orphans()

    async def cancel_orphans(self) -> None:
        """Cancel what was owed to a subscription just as another process dropped it."""
        now = time.time()
        await self._database.write(lambda tx: tx.execute(_ORPHANED, {"now": now}))

    async def ready(self) -> list[str]:
        """The subscriptions that have something due and that nobody else drains."""
        now = time.time()
        return await self._database.read(lambda tx: list(tx.execute(self._ready, {"now": now}).scalars()))

    async def claim(self, id: str) -> Claimed | None:
        """Take the lease; None when another process has it, the subscription is gone, or it is not to be posted to."""
        values = {"key": id, "now": time.time()}
        row = await self._database.write(lambda tx: tx.execute(self._claim, values).one_or_none())
        return Claimed.of(row, self._apis) if row is not None else None

    async def renew(self, ids: Iterable[str]) -> dict[str, tuple[str, Terms]]:
        """Prolong our leases; those that are still ours, with the state and terms of each."""
        values = {"ids": self._listed(ids)}
        rows = await self._database.write(lambda tx: tx.execute(self._renew, values).all())
        return {id: (state, Terms.read(terms)) for id, state, terms in rows}

    async def release(self, id: str, was: Health, health: Health) -> None:
        """Give the lease back and write down the health, if it is ours."""

        def work(tx: Tx) -> None:
            if tx.execute(self._release, {"key": id}).rowcount and health != was:
                tx.execute(_HEALTH, _health(id, was, health))

        await self._database.write(work)

    def enter(self, tx: Tx, reports: Mapping[str, Report]) -> set[str]:
        """Write what became of deliveries, by subscription; only where the lease is still ours. Returns where it is."""
        ours = set(tx.execute(self._fence, {"ids": self._listed(reports)}).scalars())
        entries = sorted((entry for id in ours for entry in reports[id].entries), key=lambda entry: entry.id)
        now = time.time()
        if brought := [entry for entry in entries if entry.state is State.DELIVERED]:
            tx.execute(self._delivered, {**self._brought(brought), "now": now})
        _execute(tx, _ENTER, [_values(e, now) for e in entries if e.attempt and e.state is not State.DELIVERED])
        _execute(tx, _HOLD, [{"key": e.id, "next_at": e.next_at} for e in entries if e.attempt is None])
        _execute(tx, _LOG, [_logged(e.id, e.attempt) for e in entries if e.attempt and _is_worth_logging(e.attempt)])
        changed = {id: reports[id] for id in ours if reports[id].health != reports[id].was}
        _execute(tx, _HEALTH, [_health(id, report.was, report.health) for id, report in sorted(changed.items())])
        back = [id for id, report in changed.items() if report.was.is_probing and not report.health.is_probing]
        _execute(tx, _HURRY, [{"subscription": id, "now": now} for id in back])
        return ours

    def _brought(self, entries: Sequence[Entry]) -> Row:
        columns = [[e.id for e in entries], [e.status for e in entries], [_latency(e) for e in entries]]
        if self._database.is_sqlite:
            return {"rows": as_json(zip(*columns, strict=True))}
        return dict(zip(("ids", "statuses", "latencies"), columns, strict=True))

    def _read_due(self, tx: Tx, asks: Sequence[Ask]) -> dict[Ask, list[Due]]:
        now = time.time()
        return {
            ask: [Due(*row) for row in tx.execute(self._oldest if ask.oldest else self._due, self._bound(ask, now))]
            for ask in asks
        }

    def _bound(self, ask: Ask, now: float) -> Row:
        values = {"subscription": ask.subscription_id, "known": self._listed(ask.known), "now": now}
        return values if ask.oldest else {**values, "room": ask.room, "half": ask.half, "hold": ask.hold}


def _clock(is_sqlite: bool) -> sa.ColumnElement[Any]:
    """The present by the database's clock, in Unix seconds."""
    if is_sqlite:
        return (sa.func.julianday("now") - sa.literal_column("2440587.5")) * sa.literal_column("86400.0")
    return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)


def as_json(values: Iterable[Any]) -> str:
    return orjson.dumps(list(values)).decode()


def _execute(tx: Tx, statement: sa.Executable, rows: Sequence[Row]) -> None:
    if rows:
        tx.execute(statement, rows)


def _list(name: str, kind: type[sa.String] | type[sa.BigInteger], is_sqlite: bool) -> sa.Select[Any]:
    """A parameter that holds a list, as something to select from: one statement for lists of any length."""
    if is_sqlite:
        return sa.select(sa.func.json_each(sa.bindparam(name, type_=sa.String)).table_valued("value").c.value)
    return sa.select(sa.func.unnest(sa.bindparam(name, type_=postgresql.ARRAY(kind))))


_COLUMNS = (_D.id, _D.event_id, _D.resource_id, _D.attempts, _D.created_at, event.c.body)


def _mine(known: sa.Select[Any], held_until: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns = (*_COLUMNS, held_until, _D.first_at, _D.rejections)
    return sa.select(*columns).where(
        _MINE, _is(State.PENDING), _D.id.not_in(known), event.c.tenant == _D.tenant, event.c.id == _D.event_id
    )


def _due(known: sa.Select[Any]) -> sa.CompoundSelect[Any]:
    """What waited and is due again, then what was never tried."""
    mine = _mine(known, _held_until())
    again = mine.where(_D.next_at > sa.literal_column("0"), _D.next_at <= sa.bindparam("now"))
    fresh = mine.where(_D.next_at == sa.literal_column("0"))
    first = again.order_by(_D.next_at, _D.id).limit(sa.bindparam("half"))
    then = fresh.order_by(_D.id).limit(sa.bindparam("room"))
    return sa.union_all(sa.select(first.subquery()), sa.select(then.subquery()))


def _oldest(known: sa.Select[Any]) -> sa.Select[Any]:
    """The oldest that was owed, whatever it waits for; but one that was refused for itself waits its time."""
    brought = sa.or_(_D.rejections == 0, _D.next_at <= sa.bindparam("now"))
    by_age = _D.id + sa.literal_column("0")  # so that no planner looks for it among all that was ever delivered
    return _mine(known, sa.null()).where(brought).order_by(by_age).limit(1)


def _delivered(is_sqlite: bool) -> sa.Update:
    id: Any
    status: Any
    latency: Any
    if is_sqlite:
        row = sa.func.json_each(sa.bindparam("rows", type_=sa.String)).table_valued("value").c.value
        id, status, latency = (sa.func.json_extract(row, f"$[{place}]") for place in range(3))
    else:
        kinds: Sequence[tuple[str, Any]] = (("ids", sa.BigInteger), ("statuses", sa.Integer), ("latencies", sa.Double))
        lists = (sa.bindparam(name, type_=postgresql.ARRAY(kind)) for name, kind in kinds)
        id, status, latency = sa.func.unnest(*lists).table_valued("id", "status", "latency").render_derived().c
    return (
        sa.update(delivery)
        .where(_D.id == id, _is(State.PENDING))
        .values(state=State.DELIVERED, attempts=_D.attempts + 1, reason=None, last_error=None, last_status=status)
        .values(latency_ms=latency, ended_at=sa.bindparam("now"))
        .values(first_at=sa.func.coalesce(_D.first_at, sa.bindparam("now")))
    )


def _latency(entry: Entry) -> float | None:
    return round(entry.attempt.latency_ms, 3) if entry.attempt else None


def _is_worth_logging(tried: Attempt) -> bool:
    """One that was accepted without a word stands in the delivery's row."""
    return not tried.accepted or bool(tried.answer)


def _logged(delivery_id: int, tried: Attempt) -> Row:
    said = {"status": tried.status, "error": tried.failure, "answer": tried.text or None}
    return {"delivery_id": delivery_id, "at": tried.at, "latency_ms": round(tried.latency_ms, 3), **said}


def _values(entry: Entry, now: float) -> Row:
    return {
        **{"key": entry.id, "state": entry.state, "attempts": entry.attempts, "next_at": entry.next_at},
        **{"reason": entry.reason, "ended_at": now if entry.state is State.DEAD else None},
        **{"first_at": entry.first_at, "rejections": entry.rejections, "latency_ms": _latency(entry)},
        **{"last_status": entry.status, "last_error": entry.error},
    }


def _health(id: str, was: Health, health: Health) -> Row:
    stands = {"state": health.standing, "attend_at": health.attend_at, "health": health.written()}
    return {"key": id, "was": was.standing, **stands}
