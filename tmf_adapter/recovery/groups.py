"""Rows of groups: the recoveries of one mapping that share a cause, such as all tickets on a broken access node."""

import time
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, bindparam, func, select, update

from tmf_adapter.recovery.recovery import State
from tmf_adapter.recovery.rows import insert_once
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import TENANT, recovery, recovery_group
from tmf_adapter.tmf.ids import new_id

_IS_OPEN = (recovery_group.c.tenant == TENANT) & (recovery_group.c.state == "open")
_NEWEST = (
    select(recovery_group)
    .where(
        recovery_group.c.tenant == TENANT,
        recovery_group.c.mapping_id == bindparam("mapping"),
        recovery_group.c.key == bindparam("group_key"),
    )
    .order_by(recovery_group.c.number.desc())
    .limit(1)
)
_JOIN = (
    update(recovery_group)
    .where(_IS_OPEN, recovery_group.c.id == bindparam("group"), recovery_group.c.opened_at >= bindparam("since"))
    .values(members=recovery_group.c.members + 1)
)
_CLOSE = update(recovery_group).where(_IS_OPEN, recovery_group.c.id == bindparam("group")).values(state="closed")
_ENTER = update(recovery).where(recovery.c.tenant == TENANT, recovery.c.id == bindparam("key"))
_OF_GROUP = (recovery.c.tenant == TENANT) & (recovery.c.group_id == bindparam("group"))
_BUSY = (State.RUNNING, State.WATCHING)
_OTHERS = select(func.count()).where(_OF_GROUP, recovery.c.id != bindparam("key"), recovery.c.state.in_(_BUSY))
_MEMBERS = (
    select(recovery.c.id)
    .where(_OF_GROUP, recovery.c.state.in_((State.RUNNING, State.UNDOING)))
    .order_by(recovery.c.created_at, recovery.c.id)
)


def join(tx: Connection, recovery_id: str, mapping_id: str, key: str, window: timedelta) -> str:
    """Make a new recovery a member of the open group, or of a new one; the group's id.

    The row of the group is what decides: between two that open one the unique key, between one that joins and one
    that closes it the lock of an update, which is held until this transaction's end and no call longer.
    """
    while True:
        newest = tx.execute(_NEWEST, {"mapping": mapping_id, "group_key": key}).first()
        since = time.time() - window.total_seconds()
        if newest and tx.execute(_JOIN, {"group": newest.id, "since": since}).rowcount == 1:
            group_id = str(newest.id)
            break
        group_id, number = new_id(), (newest.number if newest else 0) + 1
        new = {"id": group_id, "mapping_id": mapping_id, "key": key, "number": number, "state": "open", "members": 1}
        if insert_once(tx, recovery_group, {**new, "opened_at": time.time()}):
            break
    tx.execute(_ENTER, {"key": recovery_id, "group_id": group_id})
    return group_id


def close(tx: Connection, group_id: str) -> None:
    """Nobody joins it any more."""
    tx.execute(_CLOSE, {"group": group_id})


def is_alone(connection: Connection, group_id: str, recovery_id: str) -> bool:
    """Whether no other member still goes on, so that what they share may be taken back."""
    return connection.execute(_OTHERS, {"group": group_id, "key": recovery_id}).scalar_one() == 0


async def members(database: Database, group_id: str) -> Sequence[str]:
    """The recoveries of the group that go on, oldest first."""
    return await database.read(lambda connection: connection.execute(_MEMBERS, {"group": group_id}).scalars().all())
