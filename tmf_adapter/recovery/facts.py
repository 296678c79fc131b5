"""What planning has to know besides the change: counts of open tickets, what failed before, what is switched off."""

from collections.abc import Set

from sqlalchemy import Connection, select

from tmf_adapter.mapping.document import Mappings
from tmf_adapter.mapping.plan import Facts, wanted_counts
from tmf_adapter.recovery import counts
from tmf_adapter.recovery.store import RecoveryStore
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, switch
from tmf_adapter.tmf.events import Change

ALL = "*"
"""The name of the switch for every mapping."""

_OFF = select(switch.c.name).where(switch.c.tenant == TENANT)


def switched_off(connection: Connection) -> frozenset[str]:
    """The names of everything that is switched off."""
    return frozenset(connection.execute(_OFF).scalars())


async def tried(database: Database, change: Change) -> frozenset[str]:
    """The mappings that had their turn in this episode of the ticket before ``change``, and did not restore it."""
    if change.before is None or not change.events:
        return frozenset()
    return await RecoveryStore(database).tried(change.subject.id, change.subject.episode, change.events[0].time)


async def facts_of(database: Database, mappings: Mappings, change: Change, off: Set[str]) -> Facts:
    """The facts for ``change``; what no mapping reads is not asked for, and failures only of a ticket reopened."""
    episode = change.subject.episode
    failed = await RecoveryStore(database).failed(change.subject.id, episode) if episode > 1 else frozenset[str]()
    open_ = await counts.count(database, wanted_counts(mappings, change), change)
    return Facts(open=open_, failed=failed, off=off, all_off=ALL in off)
