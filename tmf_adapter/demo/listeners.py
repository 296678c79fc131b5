"""Whom the downstream tells: every registered callback, in order for each resource, until it says 2xx."""

import asyncio
import uuid
from collections import deque
from dataclasses import dataclass, field

import aiohttp

from tmf_adapter.demo.serving import Doc

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 2.0
ATTEMPT_SECONDS = 5.0


@dataclass(slots=True)
class Listeners:
    """The hub of the downstream. ``session`` is set while it serves."""

    session: aiohttp.ClientSession | None = None
    registered: dict[str, Doc] = field(default_factory=dict)
    _queues: dict[tuple[str, str], deque[Doc]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def register(self, body: Doc) -> Doc | None:
        """The new registration; None when it is there already."""
        said = (body["callback"], body.get("query"))
        if said in [(hub["callback"], hub.get("query")) for hub in self.registered.values()]:
            return None
        hub = {"@type": "Hub", **body, "id": str(uuid.uuid4())}
        self.registered[hub["id"]] = hub
        return hub

    def unregister(self, id_: str) -> bool:
        """Whether there was such a registration; nothing more is sent to it."""
        return self.registered.pop(id_, None) is not None

    def tell(self, event: Doc) -> None:
        """Owe ``event`` to everybody registered now."""
        [resource] = event["event"].values()
        for hub_id in self.registered:
            queue = self._queues.setdefault((hub_id, resource["id"]), deque())
            queue.append(event)
            if len(queue) == 1:
                task = asyncio.create_task(self._work_off(hub_id, resource["id"]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def undelivered(self) -> int:
        """How many events somebody still has to be told."""
        return sum(map(len, self._queues.values()))

    async def settle(self, seconds: float) -> None:
        """Wait until everybody was told everything, but no longer than ``seconds``."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def close(self) -> None:
        """Tell nobody any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work_off(self, hub_id: str, resource_id: str) -> None:
        queue = self._queues[hub_id, resource_id]
        pause = FIRST_PAUSE
        while queue and hub_id in self.registered:
            if await self._post(self.registered[hub_id]["callback"], queue[0]):
                queue.popleft()
                pause = FIRST_PAUSE
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        queue.clear()

    async def _post(self, callback: str, event: Doc) -> bool:
        assert self.session is not None, "events are sent while the server runs"
        try:
            timeout = aiohttp.ClientTimeout(total=ATTEMPT_SECONDS)
            async with self.session.post(callback, json=event, timeout=timeout, allow_redirects=False) as response:
                return response.status // 100 == 2
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False
