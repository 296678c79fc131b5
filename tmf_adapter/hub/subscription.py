"""What a listener wants, and in which form: the events of its API, narrowed by the query it registered with."""

from dataclasses import dataclass

import orjson

from tmf_adapter.hub.apis import APIS, Api, Apis
from tmf_adapter.hub.terms import Terms
from tmf_adapter.hub.wish import Wish, parse
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Doc, Event
from tmf_adapter.tmf.notifications import in_v4


@dataclass(frozen=True, slots=True)
class Subscription:
    """A registered listener. ``api`` is the name of the API it registered with; ``query`` is kept as it was sent."""

    id: str
    api: str
    callback: str
    query: str | None
    wish: Wish
    terms: Terms
    of_api: Api

    @classmethod
    def of(
        cls, id: str, api: str, callback: str, query: str | None, terms: str = "{}", *, apis: Apis = APIS
    ) -> "Subscription":
        """``terms`` as its row has them. Raises ``Invalid`` for a query that cannot be followed."""
        return cls(id, api, callback, query, parse(query, apis[api]), Terms.read(terms), apis[api])

    @classmethod
    def kept(cls, id: str, api: str, callback: str, query: str | None, terms: str, *, apis: Apis) -> "Subscription":
        """One that is registered. A query that could be followed then and cannot now narrows nothing: nobody loses an
        event because we have become stricter."""
        try:
            return cls.of(id, api, callback, query, terms, apis=apis)
        except Invalid:
            return cls.of(id, api, callback, None, terms, apis=apis)

    def wants(self, event: Event, resource: Doc | None = None) -> bool:
        """An API is told of its own resources only, and a listener of what its query lets through.

        ``resource`` is the whole of what the event speaks of, where the event does not carry it.
        """
        return self.of_api.tells(event) and self.wish.passes(event, resource or event.payload)

    def notification(self, stored: str) -> bytes:
        """What this listener is sent of an event whose v5 notification is kept as ``stored``: always the same bytes.

        v5 with everything is what is stored; nothing is read for it.
        """
        if not self.of_api.is_v4 and self.wish.fields is None:
            return stored.encode()
        notification = orjson.loads(stored)
        return orjson.dumps(self.wish.selected(in_v4(notification) if self.of_api.is_v4 else notification))

    def address(self, notification: bytes) -> str:
        """Where a notification goes: to the callback exactly, unless the terms ask for the path of its event."""
        if not self.terms.append_listener:
            return self.callback
        kind = orjson.loads(notification)["eventType"]
        callback, question, query = self.callback.partition("?")
        return f"{callback.rstrip('/')}/listener/{kind[0].lower()}{kind[1:]}{question}{query}"
