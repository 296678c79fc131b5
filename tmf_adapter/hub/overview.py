"""What an operator sees of subscriptions and deliveries. Reads only; no secret is in what it returns."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from tmf_adapter.hub.delivery import FOREVER, State
from tmf_adapter.hub.health import Standing
from tmf_adapter.hub.terms import SigningSecret, Terms
from tmf_adapter.hub.trust import masked
from tmf_adapter.storage import audit
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, attempt, delivery, event, subscription
from tmf_adapter.tmf.errors import NotFound
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.time import stamp

COUNTED = 10_000
"""Deliveries are counted up to here: nobody pages further, and counting them all would read the whole table."""

_S, _D, _E, _A = subscription.c, delivery.c, event.c, attempt.c
_UNDELIVERED = (State.PENDING, State.DEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries. Instants are Unix seconds; what is None does not narrow."""

    ids: tuple[int, ...] | None = None
    subscription_id: str | None = None
    resource_id: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    states: tuple[State, ...] = ()
    reason: str | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """To be joined by and."""
        found = [_D.tenant == TENANT]
        for column, value in (
            (_D.subscription_id, self.subscription_id),
            (_D.resource_id, self.resource_id),
            (_D.event_id, self.event_id),
            (_D.reason, self.reason),
        ):
            if value is not None:
                found.append(column == value)
        if self.ids is not None:
            found.append(_D.id.in_(self.ids))
        if self.states:
            literals: list[sa.ColumnElement[str]] = [
                sa.literal_column(f"'{state}'") for state in self.states
            ]  # for the partial indexes
            found.append(_D.state == literals[0] if len(literals) == 1 else _D.state.in_(literals))
        if self.since is not None:
            found.append(_D.created_at >= self.since)
        if self.until is not None:
            found.append(_D.created_at < self.until)
        if self.event_type is not None:
            its = event.alias("its").c
            found.append(sa.exists().where(its.tenant == _D.tenant, its.id == _D.event_id, its.type == self.event_type))
        return found


class Overview:
    """Over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def subscriptions(self, state: str | None, api: str | None, offset: int, limit: int) -> tuple[list[Doc], int]:
        """A page of subscriptions, the newest first, and how many there are."""
        wanted = [_S.tenant == TENANT]
        if state is not None:
            wanted.append(_S.state == state)
        if api is not None:
            wanted.append(_S.api == api)

        def work(tx: sa.Connection) -> tuple[list[Doc], int]:
            page = sa.select(subscription).where(*wanted).order_by(_S.created_at.desc(), _S.id.desc())
            rows = tx.execute(page.offset(offset).limit(limit)).all()
            total = tx.execute(sa.select(sa.func.count()).select_from(subscription).where(*wanted)).scalar_one()
            owed = _owed(tx, [row.id for row in rows])
            return [_subscription(row, owed) for row in rows], int(total)

        return await self._database.read(work)

    async def subscription(self, id: str) -> Doc:
        """One subscription. Raises ``NotFound``."""
        return await self._database.read(lambda tx: subscription_in(tx, id))

    async def deliveries(self, wanted: Wanted, offset: int, limit: int) -> tuple[list[Doc], int]:
        """A page of deliveries, the newest first, and how many there are, counted up to ``COUNTED``."""
        conditions = wanted.conditions()

        def work(tx: sa.Connection) -> tuple[list[Doc], int]:
            rows = tx.execute(_deliveries().where(*conditions).order_by(_D.id.desc()).offset(offset).limit(limit))
            some = sa.select(_D.id).where(*conditions).limit(COUNTED).subquery()
            total = tx.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
            return [_delivery(row) for row in rows], int(total)

        return await self._database.read(work)

    async def delivery(self, id: str) -> Doc:
        """One delivery with its attempts, oldest first. Raises ``NotFound``."""

        def work(tx: sa.Connection) -> Doc:
            found = delivery_in(tx, id)
            mine = (_A.tenant == TENANT) & (_A.delivery_id == int(id))
            attempts = tx.execute(sa.select(attempt).where(mine).order_by(_A.id))
            return {**found, "attemptList": [_attempt(row) for row in attempts]}

        return await self._database.read(work)

    async def audit(self, target: str | None, action: str | None, offset: int, limit: int) -> tuple[list[Doc], int]:
        """A page of what operators changed, the newest first, and how many there are."""
        rows, total = await self._database.read(lambda tx: audit.entries(tx, target, action, offset, limit))
        return [_entry(row) for row in rows], total


def subscription_in(tx: sa.Connection, id: str) -> Doc:
    """As the transaction sees it. Raises ``NotFound``."""
    row = tx.execute(sa.select(subscription).where(_S.tenant == TENANT, _S.id == id)).first()
    if row is None:
        raise NotFound("There is no subscription with this id.", f"id: {id[:80]}")
    return _subscription(row, _owed(tx, [id]))


def delivery_in(tx: sa.Connection, id: str) -> Doc:
    """As the transaction sees it. Raises ``NotFound``."""
    number = int(id) if id.isascii() and id.isdigit() and len(id) < 19 else -1
    row = tx.execute(_deliveries().where(_D.tenant == TENANT, _D.id == number)).first()
    if row is None:
        raise NotFound("There is no delivery with this id.", f"id: {id[:80]}")
    return _delivery(row)


def _deliveries() -> sa.Select[Any]:
    same = (_E.tenant == _D.tenant) & (_E.id == _D.event_id)
    return sa.select(delivery, _E.type.label("event_type")).join(event, same, isouter=True)


def _owed(tx: sa.Connection, ids: Iterable[str]) -> dict[str, dict[str, tuple[int, float]]]:
    """By subscription and state: how many are not delivered, and since when the oldest of them is owed."""
    found: dict[str, dict[str, tuple[int, float]]] = {}
    for state in _UNDELIVERED:
        counted = (
            sa.select(_D.subscription_id, sa.func.count(), sa.func.min(_D.created_at))
            .where(_D.tenant == TENANT, _D.state == sa.literal_column(f"'{state}'"), _D.subscription_id.in_(list(ids)))
            .group_by(_D.subscription_id)
        )
        for subscription_id, count, oldest in tx.execute(counted):
            found.setdefault(subscription_id, {})[state] = (count, oldest)
    return found


def _subscription(row: sa.Row[Any], owed: Mapping[str, Mapping[str, tuple[int, float]]]) -> Doc:
    mine = owed.get(row.id, {})
    health: Doc = orjson.loads(row.health)
    owed_now, now = mine.get(State.PENDING, (0, 0.0))[0], time.time()
    parked = owed_now if row.state != Standing.ENABLED or row.attend_at > now else 0
    oldest = [moment for state, (_, moment) in mine.items() if state != State.DEAD]
    return _without_none(
        {
            "id": row.id,
            "api": row.api,
            "callback": row.callback,
            "query": row.query,
            "state": row.state,
            "reason": health.get("reason"),
            "createdAt": at(row.created_at),
            "notBefore": at(row.attend_at),
            "lastSuccessAt": at(health.get("last_success")),
            "breaker": health.get("breaker", {}).get("state", "closed"),
            "terms": shown(Terms.read(row.terms)),
            "pending": owed_now - parked,
            "parked": parked,
            "dead": mine.get(State.DEAD, (0, 0.0))[0],
            "oldestUndeliveredAt": at(min(oldest, default=None)),
        }
    )


def shown(terms: Terms) -> Doc:
    """Terms as an operator may see them: no secret is in what is returned."""
    return _without_none(
        {
            "order": terms.order.value,
            "hold": terms.hold,
            "timeout": terms.timeout,
            "appendListener": terms.append_listener,
            "handshake": terms.handshake.value,
            "auth": masked(orjson.loads(terms.auth)) if terms.auth else None,
            "tls": orjson.loads(terms.tls) if terms.tls else None,
            "secrets": [_secret(each) for each in terms.secrets] or None,
        }
    )


def _secret(secret: SigningSecret) -> Doc:
    return _without_none({"addedAt": at(secret.added_at), "signsUntil": at(secret.signs_until)})


def _delivery(row: sa.Row[Any]) -> Doc:
    waits = row.state == State.PENDING and row.next_at < FOREVER
    return _without_none(
        {
            "id": str(row.id),
            "subscriptionId": row.subscription_id,
            "eventId": row.event_id,
            "eventType": row.event_type,
            "resourceId": row.resource_id,
            "state": row.state,
            "reason": row.reason,
            "attempts": row.attempts,
            "createdAt": at(row.created_at),
            "firstAttemptAt": at(row.first_at),
            "nextAttemptAt": at(row.next_at if waits else None),
            "endedAt": at(row.ended_at),
            "lastStatus": row.last_status,
            "lastError": row.last_error,
            "latencyMs": row.latency_ms,
            "replays": row.replay_no or None,
        }
    )


def _entry(row: sa.Row[Any]) -> Doc:
    said = {"at": at(row.at), "who": row.who, "action": row.action, "target": row.target}
    return {**said, "before": orjson.loads(row.before), "after": orjson.loads(row.after)}


def _attempt(row: sa.Row[Any]) -> Doc:
    return _without_none(
        {
            "at": at(row.at),
            "status": row.status,
            "latencyMs": row.latency_ms,
            "error": row.error,
            "answer": row.answer,
        }
    )


def at(moment: float | None) -> str | None:
    """Unix seconds as the wire wants them; None for no moment, and for those that stand for one (below a day)."""
    if moment is None or not 86_400 < moment < FOREVER:
        return None
    return stamp(datetime.fromtimestamp(moment, UTC))


def _without_none(document: Doc) -> Doc:
    return {name: value for name, value in document.items() if value is not None}
