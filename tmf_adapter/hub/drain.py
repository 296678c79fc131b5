"""Works off one subscription's deliveries under its lease: in order for each resource, side by side across resources.

One loop writes what became of deliveries, forgets those, and only then reads what else is due. So a delivery is in
memory until a later read can see its new state, and none is posted twice from a stale one.
"""

import asyncio
import random
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.hub.delivery import Due, Entry, Policy, hold, judge
from tmf_adapter.hub.entries import Entries
from tmf_adapter.hub.post import Poster
from tmf_adapter.hub.store import Ask, Store
from tmf_adapter.hub.subscription import Subscription
from tmf_adapter.tmf.errors import Overloaded

LANES = 32
"""Resources of one subscription that are posted about at the same time."""
WINDOW = 256
"""Deliveries of one subscription in memory."""
PACE = 0.01
"""Seconds from one round to the next, at least: what comes meanwhile shares a statement."""
POLL = 0.25
"""Seconds between reads when nobody wakes us: other processes owe deliveries too, and pauses end."""
LINGER = 1.0
"""Seconds that an idle drain keeps its lease."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all drains of a process work with. ``lease`` is in seconds."""

    store: Store
    entries: Entries
    poster: Poster
    policy: Policy
    lease: float


class Drain:
    """``woken``: something may be due that was not read.

    ``expires``: when our lease ends, in monotonic seconds; 0 when we hold none.
    """

    def __init__(self, id: str, shared: Shared) -> None:
        self.id = id
        self.woken = False
        self.expires = 0.0
        self._shared = shared
        self._subscription: Subscription | None = None  # once the lease is ours
        self._signal = asyncio.Event()
        self._slots = asyncio.Semaphore(LANES)
        self._lanes: dict[str, deque[Due]] = {}
        self._posting: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._known: set[int] = set()
        self._entries: list[Entry] = []
        self._waiting: dict[str, float] = {}  # resources that must wait, until when; as far as it is not written yet
        self._lapse: asyncio.TimerHandle | None = None
        self._stopping = False
        self._more = True
        self._read_at = self._busy_at = monotonic()

    def wake(self) -> None:
        """Something is due."""
        self.woken = True
        self._signal.set()

    def prolong(self, expires: float) -> None:
        """The lease is ours until then, and no POST goes on after it, whatever else we wait for."""
        self.expires = expires
        if self._lapse:
            self._lapse.cancel()
        self._lapse = asyncio.get_running_loop().call_later(expires - monotonic(), self.abandon)

    def stop(self) -> None:
        """Begin no further POST; end when those under way have ended."""
        self._stopping = True
        self._signal.set()

    def abandon(self) -> None:
        """Break off every POST, and end."""
        self.stop()
        self._lanes.clear()
        for task in self._posting:
            task.cancel()

    async def run(self) -> bool:
        """Claim the lease, work until nothing has been due for a while, release it; False when another has it."""
        asked = monotonic()
        self._subscription = await self._shared.store.claim(self.id)
        if self._subscription is None:
            return False
        self.prolong(asked + self._shared.lease)
        crash_point(CrashPoint.DELIVERY_CLAIMED)
        try:
            while not self._over():
                await self._round()
        finally:
            await self._end()
        return True

    async def _end(self) -> None:
        """No POST goes on once another may claim the lease."""
        if self._lapse:
            self._lapse.cancel()
        self.abandon()
        await asyncio.gather(*self._posting, return_exceptions=True)
        self.expires = 0.0
        with suppress(Overloaded):  # then it ends by itself
            await self._shared.store.release(self.id)

    def _over(self) -> bool:
        if self._failure is not None:
            raise self._failure
        if monotonic() >= self.expires:
            return True
        if self._lanes or self._entries:
            return False
        return self._stopping or (not self.woken and monotonic() - self._busy_at > LINGER)

    async def _round(self) -> None:
        began = monotonic()
        try:
            await self._acknowledge()
            if self._has_room():
                await self._read()
        except Overloaded:
            self.wake()  # the database is away; as long as the lease lasts, we keep what we know
            began += POLL
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await self._signal.wait()
        self._signal.clear()
        await asyncio.sleep(max(0.0, began + PACE - monotonic()))

    async def _acknowledge(self) -> None:
        entries, self._entries = self._entries, []
        waiting, self._waiting = self._waiting, {}
        if not entries:
            return
        try:
            ours = await self._shared.entries.write(self.id, entries)
        except Overloaded:
            self._entries, self._waiting = entries + self._entries, waiting | self._waiting
            raise
        if not ours:
            self.expires = 0.0
            return
        crash_point(CrashPoint.DELIVERY_ACKNOWLEDGED)
        self._known.difference_update(entry.id for entry in entries)
        self._busy_at = monotonic()

    def _has_room(self) -> bool:
        if self._stopping or self.expires == 0.0 or len(self._known) > WINDOW // 2:
            return False
        return self.woken or self._more or monotonic() - self._read_at >= POLL

    async def _read(self) -> None:
        self.woken, self._read_at = False, monotonic()
        ask = Ask(self.id, WINDOW - len(self._known), tuple(self._known))
        found = await self._shared.store.due.get(ask) or []
        self._more = len(found) >= ask.half
        for due in sorted(found, key=lambda due: due.id):
            self._place(due)
        if found:
            self._busy_at = monotonic()

    def _place(self, due: Due) -> None:
        """Into the lane of its resource, unless something before it has to wait."""
        self._known.add(due.id)
        until = self._waiting.get(due.resource_id, due.held_until)
        if until is not None:
            self._hold(due, until)
        elif due.resource_id in self._lanes:
            self._lanes[due.resource_id].append(due)
        else:
            lane = self._lanes[due.resource_id] = deque([due])
            task = asyncio.create_task(self._work_off(due.resource_id, lane))
            self._posting.add(task)
            task.add_done_callback(self._ended)

    async def _work_off(self, resource_id: str, lane: deque[Due]) -> None:
        async with self._slots:
            while lane and not self._stopping and monotonic() < self.expires:
                await self._bring(lane.popleft(), lane)
            self._lanes.pop(resource_id, None)  # with no pause since the lane was seen empty

    async def _bring(self, due: Due, following: deque[Due]) -> None:
        assert self._subscription is not None, "nothing is posted without a lease"
        body = self._subscription.notification(due.body)
        attempt = await self._shared.poster.post(self._subscription.callback, due.event_id, body)
        if attempt.accepted:
            crash_point(CrashPoint.DELIVERY_POSTED)
        entry = judge(due, attempt, time.time(), self._shared.policy, random.random())
        self._note(entry)
        if entry.holds_the_rest:
            self._waiting[due.resource_id] = entry.next_at
            while following:
                self._hold(following.popleft(), entry.next_at)

    def _hold(self, due: Due, until: float) -> None:
        self._waiting[due.resource_id] = until
        self._note(hold(due, until))

    def _note(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._signal.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._posting.discard(task)
        if not task.cancelled():
            self._failure = self._failure or task.exception()
        self._signal.set()
