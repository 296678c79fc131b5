"""The room as the rest of the adapter sees it: subscriptions, what a change owes to them, and the drains."""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from urllib.parse import urlsplit

from tmf_adapter.credentials import Tokens
from tmf_adapter.hub import store
from tmf_adapter.hub.agreements import Agreements
from tmf_adapter.hub.apis import APIS, Apis
from tmf_adapter.hub.breaker import Pauses
from tmf_adapter.hub.delivery import BACKOFF, BUDGET, INSISTENCE, Due, Policy
from tmf_adapter.hub.drain import Drain, Shared
from tmf_adapter.hub.entries import Entries
from tmf_adapter.hub.guard import Guard
from tmf_adapter.hub.keys import Keys
from tmf_adapter.hub.limits import Limits
from tmf_adapter.hub.operate import Operate
from tmf_adapter.hub.owe import FanOut, Owed, Owing
from tmf_adapter.hub.post import TIMEOUT, Greeting, Poster
from tmf_adapter.hub.subscriptions import Subscriptions
from tmf_adapter.hub.tidy import EVERY, Retention, Tidy
from tmf_adapter.hub.trust import Trust
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.errors import Overloaded
from tmf_adapter.tmf.events import Change
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.vault import Vault

LEASE = 10.0
"""Seconds after which the lease of a process that died may be taken over."""
SWEEP = 0.25
"""Seconds between two looks for what is due and nobody works off."""
FAN_OUT = 1.0
"""Seconds between two looks for wide fan-outs that nobody works off; our own are begun at once."""
KEYS = 30.0
"""Seconds between two looks for signing keys that another process has made."""
ORPHANS = 60.0
"""Seconds between two looks for deliveries whose subscription is gone."""
GRACE = 2.0
"""Seconds that running POSTs are given when the hub closes."""

PAUSES, LIMITS, RETENTION = Pauses(), Limits(), Retention()

log = logging.getLogger(__name__)


class Hub:
    """Subscriptions and deliveries over one database.

    ``allowed``: CIDRs that callbacks may resolve to in addition to public addresses (``ValueError`` names a bad one).
    ``backoff`` are the seconds from each attempt to the next, ``insistence`` those after a refusal, ``budget`` those
    for all attempts, ``timeout`` those of one POST, ``lease`` those after which another process takes over from one
    that died; ``pauses`` are those of a listener that does not answer; ``apis`` say what a query may name. ``vault``
    keeps our signing key and the secrets of listeners; ``own_port`` is where we listen, which is never called;
    ``https_only``: nobody is called by http.

    What this process owes is on its way as soon as it is committed. What another process owes to a subscription that
    is drained here, or nobody drains, is found by a sweep within 250 ms.
    """

    def __init__(
        self,
        database: Database,
        *,
        public_url: str,
        allowed: Sequence[str] = (),
        backoff: Sequence[float] = BACKOFF,
        budget: float = BUDGET,
        insistence: Sequence[float] = INSISTENCE,
        pauses: Pauses = PAUSES,
        timeout: float = TIMEOUT,
        lease: float = LEASE,
        apis: Apis = APIS,
        vault: Vault = Vault(),  # noqa: B008 - it holds nothing
        own_port: int | None = None,
        https_only: bool = False,
        limits: Limits = LIMITS,
        retention: Retention = RETENTION,
    ) -> None:
        self.subscriptions = Subscriptions(database, public_url, self._removed, apis, limits)
        self._tidy = Tidy(database, retention)
        self.operate = Operate(database, self.changed, budget)
        self.keys = Keys(database, vault)
        self.agreements = Agreements(self.subscriptions, vault, self.changed)
        self._guard = Guard(allowed, public_url, own_port, https_only=https_only)
        self._tokens = Tokens(self._guard.check, https_only=https_only)
        self._trust = Trust(self.keys, vault, self._tokens)
        self._origin = urlsplit(public_url).netloc
        self._timeout = timeout
        self._policy = Policy(backoff, budget, insistence)
        self._pauses = pauses
        self._lease = lease
        self._store = store.Store(database, f"{socket.gethostname()}:{os.getpid()}:{new_id()}", lease, apis)
        self._entries = Entries(database, self._store)
        self._shared: Shared | None = None  # while started
        self._drains: dict[str, Drain] = {}
        self._tasks: set[asyncio.Task[bool]] = set()
        self._watching: list[asyncio.Task[None]] = []
        self._resting: set[str] = set()  # drained elsewhere or not to be posted to, when we last asked
        self._is_sqlite = database.is_sqlite
        self._owing = Owing(database.is_sqlite)
        self._fan_out = FanOut(database, self._owing)
        self._fanned = asyncio.Event()

    async def owe(self, change: Change) -> Owed | None:
        """What a change owes to its listeners: one delivery for each event that each of them wants, in that order."""
        if not change.events:
            return None
        copy = await self.subscriptions.current()
        listeners = copy.listeners.get(change.resource, ())
        whole = change.subject.document
        pairs = [(each.id, event.id) for event in change.events for each in listeners if each.wants(event, whole)]
        confirm = partial(self.subscriptions.confirm, copy=copy)
        return Owed(change, pairs, len(listeners), self._owing, self, confirm, self._drains)

    def offered(self, subscription_id: str, dues: Sequence[Due], before: int | None) -> None:
        """It goes to the drain there is; otherwise one begins and reads it."""
        if dues and (drain := self._drains.get(subscription_id)):
            drain.offer(dues, before)
        else:
            self.wake(subscription_id)

    def fanned_out(self) -> None:
        self._fanned.set()

    async def start(self) -> None:
        """Take up what is due. Deliveries parked because their callback was blocked are tried again."""
        await self._store.recover()
        await self.agreements.reseal()
        poster = Poster(self._guard, self._trust, self._timeout, self._origin)
        self._shared = Shared(self._store, self._entries, poster, self._policy, self._lease, self._pauses)
        rounds = [
            (KEYS, self.keys.refresh),
            (SWEEP, self._sweep),
            (self._lease / 3, self._renew),
            (0.0, self._work_off_fan_outs),
            (EVERY, self._tidy.round),
        ]
        if not self._is_sqlite:  # there, a change cannot be written with subscriptions that are gone
            rounds.append((ORPHANS, self._store.cancel_orphans))
        self._watching = [asyncio.create_task(_every(seconds, work)) for seconds, work in rounds]

    async def close(self) -> None:
        """Begin no further POST, give those under way a moment, write down what became of them, release every lease."""
        shared, self._shared = self._shared, None
        if shared is None:
            return
        for drain in self._drains.values():
            drain.stop()
        await self._ended(GRACE)
        for drain in self._drains.values():
            drain.abandon()
        await self._ended(GRACE)
        tasks = [*self._watching, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await shared.poster.close()
        self._tokens.close()

    async def _ended(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def wake(self, id: str) -> None:
        """Something is due to this subscription. Nothing happens when another process drains it: that one finds it."""
        if drain := self._drains.get(id):
            drain.wake()
        elif self._shared is not None and id not in self._resting:
            drain = self._drains[id] = Drain(id, self._shared)
            task = asyncio.create_task(drain.run(), name=f"drain {id}")
            self._tasks.add(task)
            task.add_done_callback(partial(self._over, drain))

    def _over(self, drain: Drain, task: asyncio.Task[bool]) -> None:
        self._tasks.discard(task)
        del self._drains[drain.id]
        if task.cancelled():
            return
        if error := task.exception():  # the sweep takes it up again
            log.error("deliveries to subscription %s were interrupted", drain.id, exc_info=error)
        elif not task.result():
            self._resting.add(drain.id)
        elif drain.woken:
            self.wake(drain.id)

    def changed(self, id: str) -> None:
        """Its terms, its standing or what it is owed changed: whoever drains it begins anew."""
        self._resting.discard(id)
        if drain := self._drains.get(id):
            drain.wake()  # for what comes after it
            drain.stop()
        else:
            self.wake(id)

    async def greet(self, id: str) -> Greeting:
        """Ask a listener by OPTIONS whether it wants to be notified. Raises ``NotFound``."""
        listener = await self.subscriptions.listener(id)
        if self._shared is None:
            raise Overloaded("The adapter is shutting down.")
        return await self._shared.poster.greet(listener)

    def _removed(self, id: str) -> None:
        self._trust.forget(id)
        if drain := self._drains.get(id):
            drain.abandon()

    async def _sweep(self) -> None:
        """One indexed statement; with 1,000 idle subscriptions 0.4 ms on SQLite, 2 ms on PostgreSQL."""
        for id in await self._store.ready():
            self._resting.discard(id)
            if id not in self._drains:
                self.wake(id)

    async def _work_off_fan_outs(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FAN_OUT):
                await self._fanned.wait()
        self._fanned.clear()
        while (reached := await self._fan_out.advance()) is not None:
            for id in reached:
                self.wake(id)

    async def _renew(self) -> None:
        """Prolong the leases of all drains; one whose lease is lost breaks off."""
        holding = {id: drain for id, drain in self._drains.items() if drain.expires}
        if not holding:
            return
        asked = monotonic()
        kept = await self._store.renew(holding)
        for id, drain in holding.items():
            if id not in kept:
                drain.abandon()
            elif drain.expires:
                drain.prolong(asked + self._lease)
                standing, terms = kept[id]
                if standing not in (drain.health.standing, drain.written.standing) or terms != drain.terms:
                    drain.stop()  # an operator decided otherwise, at another process


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do it for ever; what goes wrong is said once and tried again."""
    failed = False
    while True:
        try:
            await work()
            failed = False
        except Exception:
            if not failed:
                log.exception("the hub's %s failed and is tried every %g s", work.__name__, seconds)
            failed = True
        await asyncio.sleep(seconds)
