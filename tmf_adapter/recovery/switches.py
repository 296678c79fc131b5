"""The kill switch: what may not call anything just now, for one mapping or for all."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, update

from tmf_adapter.engine import Engine
from tmf_adapter.recovery.facts import ALL
from tmf_adapter.recovery.kinds import ADVANCE
from tmf_adapter.recovery.rows import insert_once, moment
from tmf_adapter.recovery.trail import Entry, Trail
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, recovery, switch
from tmf_adapter.tmf.ids import new_id

FRESH_SECONDS = 1.0
"""How long planning trusts what it knows of the switches; calls look at the table itself."""

_SWITCHES = select(switch).where(switch.c.tenant == TENANT).order_by(switch.c.name)
_ON = delete(switch).where(switch.c.tenant == TENANT, switch.c.name == bindparam("key"))
_OF = select(switch.c.reason).where(switch.c.tenant == TENANT, switch.c.name.in_(bindparam("names", expanding=True)))
_HELD = _OF.with_for_update(read=True)
"""Locks the row until the end: whoever switches on finds what was parked before."""
_PARKED = select(recovery.c.id, recovery.c.mapping_id).where(
    recovery.c.tenant == TENANT, recovery.c.parked.is_not(None)
)
_UNPARK = update(recovery).where(recovery.c.tenant == TENANT, recovery.c.id == bindparam("key")).values(parked=None)


@dataclass(frozen=True, slots=True)
class Switch:
    """What is switched off, ``*`` being everything, since when, by whom and why."""

    name: str
    by: str
    reason: str
    since: datetime


@dataclass(slots=True)
class Switches:
    """One per process; the table is the truth."""

    database: Database
    engine: Engine
    trail: Trail
    _known: frozenset[str] = frozenset()
    _until: float = field(default=0.0)

    async def off(self) -> frozenset[str]:
        """The names that are switched off, as they were at most a second ago."""
        if time.monotonic() > self._until:
            self._known = frozenset(one.name for one in await self.list())
            self._until = time.monotonic() + FRESH_SECONDS
        return self._known

    async def list(self) -> Sequence[Switch]:
        """Everything that is switched off."""

        def work(connection: Connection) -> list[Switch]:
            rows = connection.execute(_SWITCHES).all()
            return [Switch(r.name, r.by, r.reason, s) for r in rows if (s := moment(r.created_at))]

        return await self.database.read(work)

    async def why_off(self, mapping_id: str) -> str | None:
        """Why the mapping may call nothing; None when it may."""
        names = [mapping_id, ALL]
        return await self.database.read(lambda connection: connection.execute(_OF, {"names": names}).scalar())

    async def switch_off(self, name: str, by: str, reason: str) -> None:
        """Nothing of this mapping, or of any, is called from now on; what runs is parked at its next call."""
        row = {"name": name, "by": by, "reason": reason, "created_at": time.time()}
        await self.database.write(lambda tx: insert_once(tx, switch, row))
        self._until = 0.0

    async def switch_on(self, name: str, by: str) -> int:
        """It may call again; how many recoveries go on with that."""

        def work(tx: Connection) -> int:
            tx.execute(_ON, {"key": name})
            still = {row.name for row in tx.execute(_SWITCHES)}
            parked = tx.execute(_PARKED).all()
            free = [row.id for row in parked if still.isdisjoint({ALL, row.mapping_id})]
            for id_ in free:
                tx.execute(_UNPARK, {"key": id_})
                self.trail.write(tx, id_, Entry.RESUMED, by=by)
                self.engine.start(tx, ADVANCE, f"{id_}/{new_id()}")
            return len(free)

        resumed = await self.database.write(work)
        self._until = 0.0
        return resumed


def still_off(tx: Connection, mapping_id: str) -> bool:
    """Whether the mapping is switched off, for certain until the end of the transaction."""
    statement = _OF if tx.dialect.name == "sqlite" else _HELD
    return tx.execute(statement, {"names": [mapping_id, ALL]}).first() is not None
