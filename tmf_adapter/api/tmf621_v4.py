"""TMF621 v4: trouble tickets, an operation a line. There are no specifications in this version."""

from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.resource import Inbox, Resources, Subscriptions
from tmf_adapter.api.v4 import V4Desk, V4Hub, collection, listener
from tmf_adapter.storage.desk import Desk
from tmf_adapter.tmf.versions import V4

API = "tmf621-v4"
"""The name that subscriptions are kept under."""

CHANGES = ("Create", "AttributeValueChange", "StatusChange", "Delete", "Resolved", "InformationRequired")


class Tmf621V4:
    """The functions of the ``document``, over the rooms that do the work. ``url`` is where the API is served."""

    def __init__(self, document: Schema, tickets: Desk, subscriptions: Subscriptions, inbox: Inbox, url: str) -> None:
        self._tickets = Resources(V4Desk(tickets, V4["troubleTicket"]), collection("troubleTicket", document))
        self._hub = V4Hub(subscriptions, API)
        self._listener = listener(inbox, f"{url}/listener")

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            **self._tickets.operations("TroubleTicket"),
            "registerListener": self._hub.create,
            "unregisterListener": self._hub.delete,
            **{f"listenToTroubleTicket{change}Event": self._listener for change in CHANGES},
        }
