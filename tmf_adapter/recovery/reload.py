"""Mappings are read again when their files change, on SIGHUP, and when an operator says so."""

import asyncio
import logging
import signal
from contextlib import suppress
from dataclasses import dataclass, field

from tmf_adapter.mapping.faults import BadMapping
from tmf_adapter.mapping.live import LiveMappings
from tmf_adapter.recovery import counts
from tmf_adapter.storage.database import Database

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often the files are looked at; a change is taken up when it has been at rest for that long."""


@dataclass(slots=True)
class Reloading:
    """Keeps ``mappings`` up to date with their directory, and the counts that they read complete."""

    mappings: LiveMappings
    database: Database
    look_seconds: float = LOOK_SECONDS
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def reload(self) -> bool:
        """Read the directory now; whether another set holds. Raises ``BadMapping``, and the old set goes on."""
        changed = await asyncio.to_thread(self.mappings.reload)
        if changed:
            await counts.complete(self.database, self.mappings())
            log.info("%d mappings hold now, read again from %s", len(self.mappings()), self.mappings.directory)
        return changed

    async def watch(self) -> None:
        """Reload whenever there is a reason to; a faulty directory is told of once, and watched on."""
        with suppress(NotImplementedError, RuntimeError, ValueError):  # only the main thread of a Unix process can
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._asked.set)
        while True:
            asked = await self._wait()
            if asked or await asyncio.to_thread(self.mappings.is_stale):
                await self._try()

    async def _wait(self) -> bool:
        """Whether somebody asked before it was time to look."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), self.look_seconds)
        asked = self._asked.is_set()
        self._asked.clear()
        return asked

    async def _try(self) -> None:
        try:
            await self.reload()
        except BadMapping as error:
            log.error("the mappings were not read again, those from before still hold:\n%s", error)
