"""What operators do: pause, resume, disable, enable, probe and replay, each on record; and explain, which is none."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.hub.delivery import BUDGET, NEW, Reason, State
from tmf_adapter.hub.explain import Cause, Known, causes
from tmf_adapter.hub.health import Health, Standing
from tmf_adapter.hub.overview import Wanted
from tmf_adapter.hub.store import Tx
from tmf_adapter.hub.terms import Order, Terms
from tmf_adapter.storage import audit
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, attempt, delivery, subscription
from tmf_adapter.tmf.errors import Conflict, NotFound

REPLAYED = 10_000
"""Deliveries that one replay sends again, at most; the next one takes the next."""
RATE = 200.0
"""Replayed deliveries that come due in a second, so that what happens meanwhile does not queue behind them."""

_S, _D, _A = subscription.c, delivery.c, attempt.c
_STANDS = sa.select(_S.state, _S.health).where(_S.tenant == TENANT, _S.id == sa.bindparam("key")).with_for_update()
_WRITE = (
    sa.update(subscription)
    .where(_S.tenant == TENANT, _S.id == sa.bindparam("key"))
    .values({name: sa.bindparam(name) for name in ("state", "attend_at", "health")})
)
_PENDING = _D.state == sa.literal_column(f"'{State.PENDING}'")
_OWED = (_D.tenant == TENANT) & (_D.subscription_id == sa.bindparam("subscription")) & _PENDING
_COUNT = sa.select(sa.func.count()).select_from(delivery).where(_OWED)
_OLDEST = sa.select(sa.func.min(_D.id + sa.literal_column("0"))).where(_OWED)
_DROP = sa.update(delivery).values(state=State.CANCELLED, ended_at=sa.bindparam("now"))


class Recover(StrEnum):
    """What becomes of what is owed when a subscription is enabled again."""

    ALL = "all"
    NEWEST = "newest"  # of each resource; the others are cancelled
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many deliveries are brought, and how many are not any more."""

    released: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many fitted, and how many of them are owed again."""

    matched: int
    replayed: int


class Operate:
    """Over one database. ``changed`` is told the id of a subscription whose standing or deliveries changed.

    ``who`` is whoever asked, for the record. Every method that takes the id of a subscription or a delivery raises
    ``NotFound``.
    """

    def __init__(self, database: Database, changed: Callable[[str], None], budget: float = BUDGET) -> None:
        self._database = database
        self._changed = changed
        self._budget = budget

    async def pause(self, id: str, who: str, reason: str | None = None) -> None:
        """Nothing is posted until it is resumed; POSTs under way end first. What it is owed waits."""
        await self._stand(id, who, "pause", lambda health, now: health.paused(now, reason))

    async def disable(self, id: str, who: str, reason: str | None = None) -> None:
        """As ``pause``, until it is enabled."""
        await self._stand(id, who, "disable", lambda health, now: health.disabled(now, reason))

    async def resume(self, id: str, who: str) -> None:
        """Posted to again, its breaker closed; what it asked for with Retry-After holds. ``Conflict`` unless paused."""

        def resumed(health: Health, now: float) -> Health:
            if health.standing is not Standing.PAUSED:
                raise Conflict(f"The subscription is {health.standing}, not paused.", "Enable it, if it is disabled.")
            return health.resumed(now)

        await self._stand(id, who, "resume", resumed)

    async def enable(self, id: str, who: str, recover: Recover) -> Recovered:
        """Posted to again, and all, the newest for each resource, or nothing of what it is owed is brought.

        ``Conflict`` when it is enabled: what is under way cannot be taken back.
        """
        done: list[Recovered] = []

        def enabled(tx: Tx, health: Health, now: float) -> Health:
            if health.standing is Standing.ENABLED:
                raise Conflict("The subscription is enabled.", "Pause it first.")
            done[:] = [_recover(tx, id, recover, now)]
            return health.resumed(now)

        await self._change(id, who, f"enable {recover}", enabled)
        return done[0]

    async def probe(self, id: str, who: str) -> int:
        """The oldest delivery is tried now, whatever the subscription waits for; its number.

        ``Conflict`` when nothing is owed: nothing but real notifications is ever sent.
        """
        oldest: list[int] = []

        def probed(tx: Tx, health: Health, now: float) -> Health:
            number = tx.execute(_OLDEST, {"subscription": id}).scalar()
            if number is None:
                raise Conflict("Nothing is owed to this subscription.", "A probe is a real notification.")
            oldest[:] = [number]
            return health.probed(now)

        await self._change(id, who, "probe", probed)
        return oldest[0]

    async def replay(self, wanted: Wanted, who: str, *, dry_run: bool = False) -> Replayed:
        """Deliver again what was delivered or given up, with the same ``webhook-id``: the oldest first, some a second.

        At most ``REPLAYED`` at a time. With ``dry_run`` they are counted only.
        """
        subscriptions, done = await self._database.write(lambda tx: _replay(tx, wanted, who, dry_run))
        if done.replayed:
            crash_point(CrashPoint.DELIVERY_REPLAYED)
        for id in subscriptions:
            self._changed(id)
        return done

    async def explain(self, id: int) -> list[Cause]:
        """Why a delivery has not arrived, the decisive cause first; the first one's ``detail`` is the short answer."""
        known = await self._database.read(lambda tx: _known(tx, id, self._budget))
        return causes(known, time.time())

    async def _stand(self, id: str, who: str, action: str, change: Callable[[Health, float], Health]) -> None:
        await self._change(id, who, action, lambda _tx, health, now: change(health, now))

    async def _change(self, id: str, who: str, action: str, change: Callable[[Tx, Health, float], Health]) -> None:
        def work(tx: Tx) -> None:
            row = tx.execute(_STANDS, {"key": id}).one_or_none()
            if row is None:
                raise NotFound("There is no subscription with this id.", f"id: {id[:80]}")
            before, now = Health.read(row.state, row.health), time.time()
            after = change(tx, before, now)
            stands = {"state": after.standing, "attend_at": after.attend_at, "health": after.written()}
            tx.execute(_WRITE, {"key": id, **stands})
            audit.record(tx, who, action, f"subscription/{id}", _shown(before), _shown(after))

        await self._database.write(work)
        self._changed(id)


def _shown(health: Health) -> dict[str, Any]:
    return {"state": health.standing, "reason": health.reason}


def _recover(tx: Tx, id: str, recover: Recover, now: float) -> Recovered:
    values, dropped = {"subscription": id}, 0
    if recover is not Recover.ALL:
        drop = _DROP.where(_OWED).values(reason=Reason.DISCARDED)
        if recover is Recover.NEWEST:
            newest = sa.select(sa.func.max(_D.id)).where(_OWED).group_by(_D.resource_id)
            drop = _DROP.where(_OWED, _D.id.not_in(newest)).values(reason=Reason.SUPERSEDED)
        dropped = tx.execute(drop, {**values, "now": now}).rowcount
    return Recovered(int(tx.execute(_COUNT, values).scalar_one()), dropped)


def _replay(tx: Tx, wanted: Wanted, who: str, dry_run: bool) -> tuple[set[str], Replayed]:
    states = [
        state for state in wanted.states or (State.DEAD, State.DELIVERED) if state in (State.DEAD, State.DELIVERED)
    ]
    registered = sa.exists().where(_S.tenant == _D.tenant, _S.id == _D.subscription_id)
    fits = (*wanted.conditions(), _D.state.in_(states), registered)
    matched = int(tx.execute(sa.select(sa.func.count()).select_from(delivery).where(*fits)).scalar_one())
    if dry_run or not matched:
        return set(), Replayed(matched, 0)
    number = sa.func.row_number().over(order_by=_D.id)
    chosen = sa.select(_D.id, number.label("place")).where(*fits).order_by(_D.id).limit(REPLAYED)
    ids = list(tx.execute(chosen).all())
    now = time.time()
    _keep_success(tx, [id for id, _ in ids])
    rows = [{"key": id, "moment": now + place / RATE} for id, place in ids]
    tx.execute(_AGAIN, rows)
    found = sa.select(_D.subscription_id).distinct().where(_D.id.in_([id for id, _ in ids]))
    subscriptions = set(tx.execute(found).scalars())
    after = {"matched": matched, "replayed": len(ids)}
    audit.record(tx, who, "replay", "delivery", {}, after)
    return subscriptions, Replayed(matched, len(ids))


_AGAIN = (
    sa.update(delivery)
    .where(_D.id == sa.bindparam("key"))
    .values(state=State.PENDING, next_at=sa.bindparam("moment"), attempts=0, rejections=0, first_at=None)
    .values(reason=None, ended_at=None, replay_no=_D.replay_no + 1)
)


def _keep_success(tx: Tx, ids: list[int]) -> None:
    """What was accepted without a word stands in the delivery's row only, which is about to begin anew."""
    accepted = _A.status.between(200, 299)
    logged = sa.exists().where(_A.tenant == TENANT, _A.delivery_id == _D.id, accepted, _A.at >= _D.first_at)
    began = _D.ended_at - sa.func.coalesce(_D.latency_ms, 0.0) / 1_000
    rows = sa.select(_D.tenant, _D.id, began, _D.last_status, _D.latency_ms).where(
        _D.id.in_(ids), _D.state == State.DELIVERED, ~logged
    )
    columns = ("tenant", "delivery_id", "at", "status", "latency_ms")
    tx.execute(sa.insert(attempt).from_select(columns, rows, include_defaults=False))


def _known(tx: Tx, id: int, budget: float) -> Known:
    row = tx.execute(sa.select(delivery).where(_D.tenant == TENANT, _D.id == id)).one_or_none()
    if row is None:
        raise NotFound("There is no delivery with this id.", f"id: {id}")
    its = tx.execute(sa.select(subscription).where(_S.tenant == TENANT, _S.id == row.subscription_id)).one_or_none()
    health = Health.read(its.state, its.health) if its else Health()
    owner = its.owner if its and its.lease_until > time.time() else None
    return Known(
        **{"state": State(row.state), "reason": row.reason, "attempts": row.attempts, "next_at": row.next_at},
        **{"ended_at": row.ended_at, "last_error": row.last_error, "health": health, "owner": owner},
        earlier=_earlier(tx, row, Terms.read(its.terms)) if its and row.next_at > NEW and not row.attempts else None,
        expires_at=None if row.first_at is None else row.first_at + budget,
    )


def _earlier(tx: Tx, row: sa.Row[Any], terms: Terms) -> int | None:
    """Of the oldest delivery about the same resource that is still owed, where it must arrive first."""
    if terms.order is Order.NONE or row.replay_no:
        return None
    same = (_D.tenant == TENANT, _D.subscription_id == row.subscription_id, _D.resource_id == row.resource_id)
    return tx.execute(sa.select(sa.func.min(_D.id)).where(*same, _PENDING, _D.id < row.id)).scalar()
