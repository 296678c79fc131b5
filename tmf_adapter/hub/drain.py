"""Works off one subscription's deliveries under its lease: in order as its terms say, and side by side otherwise.

One loop writes what became of deliveries, forgets those, and only then reads what else is due. So a delivery is in
memory until a later read can see its new state, and none is posted twice from a stale one.

What this process has just committed need not be read at all: it is offered, and taken as long as everything before it
is in memory or has been brought. When that is not certain, reading settles it.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from tmf_adapter.crash import CrashPoint, crash_point
from tmf_adapter.hub.breaker import Pauses
from tmf_adapter.hub.delivery import Due, Entry, Policy, hold, is_late, judge
from tmf_adapter.hub.entries import Entries
from tmf_adapter.hub.health import Health
from tmf_adapter.hub.lanes import Lanes
from tmf_adapter.hub.post import Poster
from tmf_adapter.hub.pressure import FLOOR, Limit, Slots
from tmf_adapter.hub.store import Ask, Report, Store
from tmf_adapter.hub.subscription import Subscription
from tmf_adapter.hub.terms import Order, Terms
from tmf_adapter.tmf.errors import Overloaded

WINDOW = 256
"""Deliveries of one subscription in memory, at most; for each that may be under way, ``AHEAD`` are."""
AHEAD = 16
PACE = 0.02
"""Seconds from one round to the next, at least: what comes meanwhile shares a statement."""
POLL = 0.25
"""Seconds between reads when nobody wakes us: other processes owe deliveries too, and pauses end."""
LINGER = 1.0
"""Seconds that an idle drain keeps its lease."""

NOBODY = Subscription.of("", "tmf621-v5", "", None)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all drains of a process work with. ``lease`` is in seconds."""

    store: Store
    entries: Entries
    poster: Poster
    policy: Policy
    lease: float
    pauses: Pauses = Pauses()  # noqa: RUF009 - it is frozen
    slots: Slots = field(default_factory=Slots)


class Drain:
    """``woken``: something may be due that was not read.

    ``expires``: when our lease ends, in monotonic seconds; 0 when we hold none. ``health`` is the listener's, and
    ``written`` what stands of it in the row.
    """

    def __init__(self, id: str, shared: Shared) -> None:
        self.id = id
        self.woken = False
        self.expires = 0.0
        self.health = Health()
        self.written = self.health
        self._shared = shared
        self._listener = NOBODY
        self._signal = asyncio.Event()
        self._limit = Limit()
        self._lanes = Lanes(Order.RESOURCE)
        self._posting: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._known: set[int] = set()
        self._entries: list[Entry] = []
        self._waiting: dict[str, float] = {}  # resources that must wait, until when; as far as it is not written yet
        self._writing: dict[str, float] = {}  # and as far as it is just being written
        self._lapse: asyncio.TimerHandle | None = None
        self._stopping = False
        self._behind = True  # something may be owed that is not in memory
        self._refused = False  # an offer, since the last read began
        self._newest = 0  # of the deliveries that were read
        self._more = True
        self._read_at = self._busy_at = monotonic()

    @property
    def terms(self) -> Terms:
        """By which the listener is called."""
        return self._listener.terms

    def wake(self) -> None:
        """Something is due."""
        self.woken = True
        self._signal.set()

    def offer(self, dues: Sequence[Due], before: int | None) -> None:
        """What was committed just now, in order. ``before``: the newest delivery that must arrive earlier, if any."""
        new = [due for due in dues if due.id not in self._known]  # a read may have been faster
        if self._behind or len(new) > self._room() or not self._is_next(new, before):
            self._behind = self._refused = True
            self.wake()
            return
        for due in new:
            self._place(due)
        self._pump()

    def _is_next(self, new: Sequence[Due], before: int | None) -> bool:
        """Whether nothing that must arrive earlier is unknown to us, nor was any of them read and brought already."""
        if self._listener.terms.order is Order.SUBSCRIPTION or any(due.id <= self._newest for due in new):
            return False
        return before is None or before in self._known or self._listener.terms.order is Order.NONE

    def prolong(self, expires: float) -> None:
        """The lease is ours until then, and no POST goes on after it, whatever else we wait for."""
        self.expires = expires
        if self._lapse:
            self._lapse.cancel()
        self._lapse = asyncio.get_running_loop().call_later(expires - monotonic(), self.abandon)

    def stop(self) -> None:
        """Begin no further POST; end when those under way have ended."""
        self._stopping = self._behind = True
        self._lanes.clear()
        self._signal.set()

    def abandon(self) -> None:
        """Break off every POST, and end."""
        self.stop()
        for task in self._posting:
            task.cancel()

    async def run(self) -> bool:
        """Claim the lease, work until nothing has been due for a while, release it.

        False when it is not to be posted to: another has the lease, or its health is against it.
        """
        asked = monotonic()
        claimed = await self._shared.store.claim(self.id)
        if claimed is None:
            return False
        self._listener, self._lanes = claimed.listener, Lanes(claimed.listener.terms.order)
        self.health = self.written = claimed.health
        if self.health.is_probing:
            self._limit = Limit(FLOOR)
        self.prolong(asked + self._shared.lease)
        crash_point(CrashPoint.DELIVERY_CLAIMED)
        try:
            while not self._over():
                await self._round()
        finally:
            await self._end()
        return self.health.attend_at <= time.time()

    async def _end(self) -> None:
        """No POST goes on once another may claim the lease."""
        if self._lapse:
            self._lapse.cancel()
        self.abandon()
        await asyncio.gather(*self._posting, return_exceptions=True)
        self.expires = 0.0
        with suppress(Overloaded):  # then it ends by itself
            await self._shared.store.release(self.id, self.written, self.health.rested(time.time()))

    def _over(self) -> bool:
        if self._failure is not None:
            raise self._failure
        if monotonic() >= self.expires:
            return True
        if self._lanes or self._posting or self._entries:
            return False
        return self._stopping or (not self.woken and monotonic() - self._busy_at > LINGER)

    async def _round(self) -> None:
        began = monotonic()
        try:
            await self._acknowledge()
            if self._may_read():
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
        if not entries:
            return
        self._writing, self._waiting, health = self._waiting, {}, self.health
        try:
            ours = await self._shared.entries.write(self.id, Report(entries, self.written, health))
        except Overloaded:
            self._entries = entries + self._entries
            self._waiting = self._writing | self._waiting
            raise
        if not ours:
            self.expires = 0.0
            return
        self.written = health
        crash_point(CrashPoint.DELIVERY_ACKNOWLEDGED)
        if health.attend_at > time.time():
            crash_point(CrashPoint.DELIVERY_PARKED)
        self._known.difference_update(entry.id for entry in entries)
        self._writing = {}
        self._busy_at = monotonic()

    def _room(self) -> int:
        """How many more deliveries we would keep in memory."""
        if self._stopping or self.expires == 0.0:
            return 0
        if self.health.is_probing:
            return 1 - len(self._known)
        return min(WINDOW, AHEAD * self._limit.allowed) - len(self._known)

    def _may_read(self) -> bool:
        room = self._room()
        if room <= 0 or (room < min(WINDOW, AHEAD * self._limit.allowed) // 2 and not self.health.is_probing):
            return False
        return self.woken or self._more or monotonic() - self._read_at >= POLL

    async def _read(self) -> None:
        self.woken = self._refused = False
        self._read_at = monotonic()
        probing, room = self.health.is_probing, self._room()
        ask = Ask(self.id, room, tuple(self._known), self._listener.terms.hold, probing)
        found = await self._shared.store.due.get(ask) or []
        if self._stopping:
            return
        self._more = len(found) >= ask.half
        for due in sorted(found, key=lambda due: due.id):
            self._newest = max(self._newest, due.id)
            if due.id not in self._known:
                self._place(due)
        self._behind = self._refused or self._more or probing
        if found:
            self._busy_at = monotonic()
        self._pump()

    def _place(self, due: Due) -> None:
        """Into its lane, unless something before it has to wait."""
        self._known.add(due.id)
        ordered = self._listener.terms.order is Order.RESOURCE and not self.health.is_probing
        until = self._waits_until(due) if ordered else None
        if until is not None:
            self._hold(due, until)
        else:
            self._lanes.add(due)

    def _waits_until(self, due: Due) -> float | None:
        unwritten = self._waiting.get(due.resource_id)
        return unwritten if unwritten is not None else self._writing.get(due.resource_id, due.held_until)

    def _pump(self) -> None:
        """As many POSTs under way as may be."""
        while self._lanes.has_ready and self._may_begin() and self._shared.slots.take(self.id, self._pump):
            task = asyncio.create_task(self._work_off())
            self._posting.add(task)
            task.add_done_callback(self._ended)

    def _may_begin(self) -> bool:
        return not self._stopping and len(self._posting) < self._limit.allowed and monotonic() < self.expires

    async def _work_off(self) -> None:
        while not self._stopping and monotonic() < self.expires and (due := self._lanes.next()):
            try:
                await self._bring(due)
            finally:
                self._lanes.done(due)
            if len(self._posting) > self._limit.allowed or self._shared.slots.must_share(self.id):
                break

    async def _bring(self, due: Due) -> None:
        terms = self._listener.terms
        late = terms.order is not Order.NONE and is_late(due, time.time(), terms.hold)
        body = self._listener.notification(due.body)
        attempt = await self._shared.poster.post(self._listener, due.event_id, body, late=late)
        if attempt.accepted:
            crash_point(CrashPoint.DELIVERY_POSTED)
        now = time.time()
        entry = judge(due, attempt, now, self._shared.policy, random.random())
        until = entry.holds_until(terms.hold)
        self.health = self.health.seen(attempt, due, now, self._shared.pauses, random.random())
        self._limit = self._limit.pressed() if attempt.pressed else self._limit.succeeded()
        self._note(entry)
        if entry.holds_the_rest and until > now:
            if terms.order is Order.SUBSCRIPTION:
                self.health = self.health.held(until)
            elif terms.order is Order.RESOURCE:
                self._waiting[due.resource_id] = until
                for following in self._lanes.behind(due):
                    self._hold(following, until)
        if self.health.attend_at > now:
            self.stop()

    def _hold(self, due: Due, until: float) -> None:
        self._waiting[due.resource_id] = until
        self._note(hold(due, until))

    def _note(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._signal.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._posting.discard(task)
        self._shared.slots.give_back(self.id)
        if not task.cancelled():
            self._failure = self._failure or task.exception()
        self._pump()
        self._signal.set()
