"""What operators changed: who, what, when, as it was and as it is. Written with the change, never altered."""

import time
from typing import Any

import orjson
import sqlalchemy as sa

from tmf_adapter.storage.tables import TENANT, audit

Doc = dict[str, Any]

_ADD = sa.insert(audit).inline()
_A = audit.c


def record(tx: sa.Connection, who: str, action: str, target: str, before: Doc, after: Doc) -> None:
    """In the transaction of the change. ``before`` and ``after`` hold no secret: whoever has one masks it first."""
    said = {"before": orjson.dumps(before).decode(), "after": orjson.dumps(after).decode()}
    tx.execute(_ADD, {"at": time.time(), "who": who, "action": action, "target": target, **said})


def entries(
    tx: sa.Connection, target: str | None, action: str | None, offset: int, limit: int
) -> tuple[list[Any], int]:
    """The newest first, each with ``at``, ``who``, ``action``, ``target``, ``before``, ``after``; and how many."""
    wanted = [_A.tenant == TENANT]
    if target is not None:
        wanted.append(_A.target == target)
    if action is not None:
        wanted.append(_A.action == action)
    columns = (_A.at, _A.who, _A.action, _A.target, _A.before, _A.after)
    found = tx.execute(sa.select(*columns).where(*wanted).order_by(_A.id.desc()).offset(offset).limit(limit))
    total = tx.execute(sa.select(sa.func.count()).select_from(audit).where(*wanted)).scalar_one()
    return list(found), int(total)
