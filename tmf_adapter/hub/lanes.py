"""The deliveries of one subscription that are in memory, in lanes: one under way in each, the rest behind it."""

from collections import deque

from tmf_adapter.hub.delivery import Due
from tmf_adapter.hub.terms import Order


class Lanes:
    """What must keep its order shares a lane: everything, what is about one resource, or nothing."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._lanes: dict[str, deque[Due]] = {}  # a lane is here as long as something of it waits or is under way
        self._ready: deque[str] = deque()

    def __bool__(self) -> bool:
        return bool(self._lanes)

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    def key(self, due: Due) -> str:
        match self._order:
            case Order.SUBSCRIPTION:
                return ""
            case Order.RESOURCE:
                return due.resource_id
        return str(due.id)

    def add(self, due: Due) -> None:
        """Behind everything in its lane."""
        key = self.key(due)
        if (lane := self._lanes.get(key)) is not None:
            lane.append(due)
        else:
            self._lanes[key] = deque((due,))
            self._ready.append(key)

    def next(self) -> Due | None:
        """The first of a lane of which nothing is under way."""
        return self._lanes[self._ready.popleft()].popleft() if self._ready else None

    def done(self, due: Due) -> None:
        """It is no longer under way: the next one of its lane is ready."""
        key = self.key(due)
        lane = self._lanes.get(key)
        if lane:
            self._ready.append(key)
        elif lane is not None:
            del self._lanes[key]

    def behind(self, due: Due) -> deque[Due]:
        """What waits behind it in its lane, and leaves it."""
        key = self.key(due)
        following = self._lanes.get(key, deque())
        if key in self._lanes:
            self._lanes[key] = deque()
        return following

    def clear(self) -> None:
        """Nothing waits any more; what is under way still is."""
        self._lanes.clear()
        self._ready.clear()
