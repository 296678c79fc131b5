"""How many POSTs go to one listener at the same time, and how many of all: nobody is swamped, and nobody starves."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

FIRST, FLOOR, MOST = 4, 1, 32
CLEAN = 20
"""Successes, one after the other, for which a listener gets one POST more at the same time."""
TOTAL = 1_000
"""POSTs that a process has under way at the same time."""
SHARE = 0.25
"""The largest part of them that goes to one listener."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Additive increase, multiplicative decrease. ``clean``: successes in a row since it last changed."""

    allowed: int = FIRST
    clean: int = 0

    def succeeded(self) -> "Limit":
        if self.allowed >= MOST:
            return self
        if self.clean + 1 < CLEAN:
            return Limit(self.allowed, self.clean + 1)
        return Limit(self.allowed + 1)

    def pressed(self) -> "Limit":
        """A timeout, 429 or 5xx: the listener has too much to do."""
        return Limit(max(FLOOR, self.allowed // 2))


class Slots:
    """The process's POSTs. Whoever has none under way always gets one; beyond that, up to its share while any is free.

    Those who had to go without are called in turn as soon as one is free.
    """

    def __init__(self, total: int = TOTAL) -> None:
        self._total = total
        self._share = max(1, int(total * SHARE))
        self._taken: Counter[str] = Counter()
        self._under_way = 0
        self._waiting: dict[str, Callable[[], None]] = {}
        self._turn: deque[str] = deque()

    def take(self, id: str, call: Callable[[], None]) -> bool:
        """One slot for ``id``; when there is none, ``call`` is called once when it is worth asking again."""
        mine = self._taken[id]
        if mine and (self._under_way >= self._total or mine >= self._share):
            if id not in self._waiting:
                self._turn.append(id)
            self._waiting[id] = call
            return False
        self._taken[id] = mine + 1
        self._under_way += 1
        return True

    def must_share(self, id: str) -> bool:
        """Whether ``id`` has more than one, and others wait."""
        return bool(self._turn) and self._taken[id] > 1 and self._turn[0] != id

    def give_back(self, id: str) -> None:
        self._under_way -= 1
        self._taken[id] -= 1
        if not self._taken[id]:
            del self._taken[id]
        if self._turn:
            self._waiting.pop(self._turn.popleft())()
