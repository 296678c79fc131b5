"""Our own registration at a downstream's hub, so that its result events reach our listener."""

import asyncio
import logging

from tmf_adapter.recovery.downstream import Downstream
from tmf_adapter.recovery.store import RecoveryStore
from tmf_adapter.storage.database import Database

log = logging.getLogger(__name__)

TIMEOUT = 10.0
WAITS = (0.5, 1, 2, 5, 10, 30, 60)
"""Seconds between tries while the downstream cannot be reached; the last one for ever."""


async def keep_registered(database: Database, downstream: Downstream, callback: str) -> None:
    """Register once, however long it takes; a registration on record is not repeated."""
    store = RecoveryStore(database)
    if await store.is_registered(downstream.base_url, callback):
        return
    tries = 0
    while True:
        done, remote_id = await downstream.register(callback, TIMEOUT)
        if done:
            await store.registered(downstream.base_url, callback, remote_id)
            log.info("registered %s at %s", callback, downstream.base_url)
            return
        await asyncio.sleep(WAITS[min(tries, len(WAITS) - 1)])
        tries += 1
