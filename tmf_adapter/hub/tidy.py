"""Keeps the tables small: what has ended long ago is deleted, and what nobody will ever take is given up, visibly."""

import logging
import time
from dataclasses import dataclass

import sqlalchemy as sa

from tmf_adapter.hub.delivery import Reason, State
from tmf_adapter.hub.health import DAY, Health, Standing
from tmf_adapter.hub.store import Tx
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, attempt, delivery, event, fanout, subscription

BATCH = 500
"""Rows that one transaction looks at."""
EVERY = 60.0
"""Seconds between two rounds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what has ended is kept, in seconds; and how much may be owed to one subscription.

    ``gone``: after so long, what is owed to a listener that said it is gone is given up. ``events``: how long an event
    is kept in any case; while a notification of it is on record, or yet to be written, it is kept beyond that.
    """

    delivered: float = 7 * DAY
    dead: float = 30 * DAY
    attempts: float = 14 * DAY
    gone: float = 7 * DAY
    events: float = 30 * DAY
    undelivered: int = 1_000_000


_D, _A, _S, _E, _F = delivery.c, attempt.c, subscription.c, event.c, fanout.c
_PENDING = _D.state == sa.literal_column(f"'{State.PENDING}'")
_NEXT = sa.select(_D.id, _D.state, _D.created_at, _D.ended_at).where(_D.id > sa.bindparam("after"))
_NEXT = _NEXT.order_by(_D.id).limit(sa.bindparam("most"))
_FORGET = sa.delete(delivery).where(_D.id == sa.bindparam("key"))
_OLDEST_ATTEMPTS = sa.select(_A.id, _A.at).order_by(_A.id).limit(sa.bindparam("most")).subquery()
_OLD_ATTEMPTS = sa.select(_OLDEST_ATTEMPTS.c.id).where(_OLDEST_ATTEMPTS.c.at < sa.bindparam("before"))
_FORGET_ATTEMPTS = sa.delete(attempt).where(_A.id.in_(_OLD_ATTEMPTS))
_FOLLOWING = (_E.tenant == TENANT) & (_E.id > sa.bindparam("after"))  # their ids rise with time (tmf/ids.py)
_NEXT_EVENTS = sa.select(_E.id, _E.created_at).where(_FOLLOWING).order_by(_E.id).limit(sa.bindparam("most"))
_ON_RECORD = sa.exists().where(_D.tenant == _E.tenant, _D.event_id == _E.id)
_TO_FAN_OUT = sa.exists().where(_F.tenant == _E.tenant, _F.resource_id == _E.resource_id)
_FORGET_EVENTS = sa.delete(event).where(
    _FOLLOWING, _E.id <= sa.bindparam("last"), _E.created_at < sa.bindparam("before"), ~_ON_RECORD, ~_TO_FAN_OUT
)
_GONE = sa.select(_S.id, _S.state, _S.health).where(_S.tenant == TENANT, _S.state == Standing.GONE)
_OWED = sa.select(_D.subscription_id, sa.func.count()).where(_D.tenant == TENANT, _PENDING).group_by(_D.subscription_id)
_MINE = (_D.tenant == TENANT) & _PENDING & (_D.subscription_id == sa.bindparam("subscription"))
_GIVEN_UP = (
    sa.select(_D.id).where(_MINE).order_by(_D.id + sa.literal_column("0")).limit(sa.bindparam("most")).scalar_subquery()
)
_GIVE_UP = (
    sa.update(delivery)
    .where(_D.id.in_(_GIVEN_UP), _PENDING)
    .values(state=State.DEAD, reason=sa.bindparam("why"), ended_at=sa.bindparam("now"))
)


class Tidy:
    """One per process; that several do the same at once harms nothing. ``warned``: who was nearly over the limit."""

    def __init__(self, database: Database, retention: Retention) -> None:
        self._database = database
        self._retention = retention
        self._warned: set[str] = set()

    async def round(self, now: float | None = None) -> None:
        """Everything once, a little at a time."""
        now = time.time() if now is None else now
        await self._forget_deliveries(now)
        old_attempts = {"before": now - self._retention.attempts, "most": BATCH}
        while await self._database.write(lambda tx: tx.execute(_FORGET_ATTEMPTS, old_attempts).rowcount):
            pass
        await self._forget_events(now - self._retention.events)
        await self._give_up_gone(now)
        await self._give_up_overflow(now)

    async def _forget_deliveries(self, now: float) -> None:
        """From the oldest to those that are too young to be forgotten in any state."""
        after: int | None = 0
        while after is not None:
            asked = {"after": after, "most": BATCH}
            rows = await self._database.read(lambda tx, asked=asked: tx.execute(_NEXT, asked).all())  # type: ignore[misc]
            old = [{"key": row.id} for row in rows if self._is_over(row, now)]
            if old:
                await self._database.write(lambda tx, old=old: tx.execute(_FORGET, old))  # type: ignore[misc]
            young = not rows or rows[-1].created_at > now - min(self._retention.delivered, self._retention.dead)
            after = None if young else rows[-1].id

    def _is_over(self, row: sa.Row[tuple[int, str, float, float | None]], now: float) -> bool:
        kept = self._retention.dead if row.state == State.DEAD else self._retention.delivered
        return row.ended_at is not None and row.ended_at < now - kept

    async def _forget_events(self, before: float) -> None:
        """From the oldest to those that are too young; a batch a transaction, so that whoever writes waits for one."""
        after = ""
        while True:
            asked = {"after": after, "most": BATCH}
            rows = await self._database.read(lambda tx, asked=asked: tx.execute(_NEXT_EVENTS, asked).all())  # type: ignore[misc]
            if not rows or rows[0].created_at >= before:
                return
            old = {"after": after, "last": rows[-1].id, "before": before}
            await self._database.write(lambda tx, old=old: tx.execute(_FORGET_EVENTS, old))  # type: ignore[misc]
            after = rows[-1].id

    async def _give_up_gone(self, now: float) -> None:
        for row in await self._database.read(lambda tx: tx.execute(_GONE).all()):
            if (Health.read(row.state, row.health).since or now) < now - self._retention.gone:
                await self._give_up(row.id, Reason.GONE, None, now)

    async def _give_up_overflow(self, now: float) -> None:
        most = self._retention.undelivered
        owed = dict(await self._database.read(lambda tx: [(id, count) for id, count in tx.execute(_OWED)]))
        for id, count in owed.items():
            if count > most:
                await self._give_up(id, Reason.OVERFLOW, count - most, now)
                log.error("subscription %s: the oldest %d of %d deliveries were given up", id, count - most, count)
            elif count > 0.8 * most and id not in self._warned:
                log.warning("subscription %s is owed %d deliveries; above %d the oldest are given up", id, count, most)
        self._warned = {id for id, count in owed.items() if count > 0.8 * most}

    async def _give_up(self, id: str, why: Reason, most: int | None, now: float) -> None:
        """The oldest ``most`` that are owed, or all."""
        while most is None or most > 0:
            batch = BATCH if most is None else min(BATCH, most)
            values = {"subscription": id, "why": why, "most": batch, "now": now}

            def work(tx: Tx, values: dict[str, object] = values) -> int:
                return int(tx.execute(_GIVE_UP, values).rowcount)

            done = await self._database.write(work)
            if done < batch:
                return
            most = None if most is None else most - done
