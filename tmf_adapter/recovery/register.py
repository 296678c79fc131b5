"""Our own registration at a downstream's hub, so that its result events reach our listener."""

import asyncio
import logging
import time

from tmf_adapter.recovery.downstream import Downstream
from tmf_adapter.recovery.store import RecoveryStore
from tmf_adapter.storage.database import Database

log = logging.getLogger(__name__)

TIMEOUT = 10.0
WAITS = (0.5, 1, 2, 5, 10, 30, 60)
"""Seconds between tries while the downstream cannot be reached; the last one for ever."""
CHECK = 300.0
"""Seconds between two looks whether the downstream still knows us."""
RENEW = 86_400.0
"""Seconds after which we register anew at a hub that cannot be asked whether it knows us."""


async def keep_registered(database: Database, downstream: Downstream, callback: str, check: float = CHECK) -> None:
    """Be on the downstream's hub, however long that takes, and again when it has forgotten us. Never returns."""
    store = RecoveryStore(database)
    while True:
        known = await store.registration(downstream.base_url, callback)
        if known is None or await _is_forgotten(downstream, known.remote_id, known.since):
            if known and known.remote_id:
                await downstream.unregister(known.remote_id, TIMEOUT)
            remote_id = await _register(downstream, callback)
            await store.registered(downstream.base_url, callback, remote_id)
        await asyncio.sleep(check)


async def _register(downstream: Downstream, callback: str) -> str | None:
    """The id of the registration, as far as the downstream gives one."""
    tries = 0
    while True:
        done, remote_id = await downstream.register(callback, TIMEOUT)
        if done:
            log.info("registered %s at %s", callback, downstream.base_url)
            return remote_id
        await asyncio.sleep(WAITS[min(tries, len(WAITS) - 1)])
        tries += 1


async def _is_forgotten(downstream: Downstream, remote_id: str | None, since: float) -> bool:
    """Whether we are to register anew: the hub says it does not know us, or cannot be asked and it is long ago."""
    registered = await downstream.is_registered(remote_id, TIMEOUT) if remote_id else None
    if registered is False:
        log.warning("%s has forgotten our registration %s", downstream.base_url, remote_id)
    return registered is False or (registered is None and time.time() - since > RENEW)
