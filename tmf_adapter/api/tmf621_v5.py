"""TMF621 v5: trouble tickets and their specifications, an operation a line."""

from tmf_adapter.api.attributes import attributes
from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.resource import Desk, Hub, Inbox, Resources, Subscriptions, listener
from tmf_adapter.tmf.query import Collection

API = "tmf621-v5"
"""The name that subscriptions are kept under."""


class Tmf621V5:
    """The functions of the ``document``, over the rooms that do the work."""

    def __init__(
        self, document: Schema, tickets: Desk, subscriptions: Subscriptions, inbox: Inbox, specifications: Desk
    ) -> None:
        self._tickets = Resources(tickets, Collection("troubleTicket", attributes(document, "TroubleTicket_RES")))
        specification = attributes(document, "TroubleTicketSpecification_RES")
        self._specifications = Resources(specifications, Collection("troubleTicketSpecification", specification))
        self._hub = Hub(subscriptions, API)
        self._listener = listener(inbox)

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            **self._tickets.operations("TroubleTicket"),
            **self._specifications.operations("TroubleTicketSpecification"),
            "createHub": self._hub.create,
            "hubGet": self._hub.retrieve,
            "hubDelete": self._hub.delete,
            "troubleTicketCreateEvent": self._listener,
            "troubleTicketAttributeValueChangeEvent": self._listener,
            "troubleTicketStatusChangeEvent": self._listener,
            "troubleTicketResolvedEvent": self._listener,
            "troubleTicketInformationRequiredEvent": self._listener,
            "troubleTicketDeleteEvent": self._listener,
            "troubleTicketSpecificationCreateEvent": self._listener,
            "troubleTicketSpecificationAttributeValueChangeEvent": self._listener,
            "troubleTicketSpecificationStatusChangeEvent": self._listener,
            "troubleTicketSpecificationDeleteEvent": self._listener,
        }
