"""TMF621 v5: trouble tickets, an operation a line."""

from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.resource import Desk, Hub, Inbox, Resources, Subscriptions, listener

API = "tmf621-v5"
"""The name that subscriptions are kept under."""

ATTRIBUTES = frozenset(
    {
        "@baseType",
        "@schemaLocation",
        "@type",
        "attachment",
        "channel",
        "creationDate",
        "description",
        "expectedResolutionDate",
        "externalIdentifier",
        "href",
        "id",
        "lastUpdate",
        "name",
        "note",
        "priority",
        "relatedEntity",
        "relatedParty",
        "requestedResolutionDate",
        "resolutionDate",
        "severity",
        "status",
        "statusChangeDate",
        "statusChangeHistory",
        "statusChangeReason",
        "ticketType",
        "troubleTicketCharacteristic",
        "troubleTicketRelationship",
        "troubleTicketSpecification",
    }
)
"""The first-level members of a ticket: what can be selected, and filtered by."""

_UNBUILT = frozenset({"after", "before", "filter", "sort"})
"""Query parameters of the list that are left to a later version."""


class Tmf621V5:
    """The functions of the document, over the rooms that do the work."""

    def __init__(self, tickets: Desk, subscriptions: Subscriptions, inbox: Inbox) -> None:
        self._tickets = Resources(tickets, ATTRIBUTES, _UNBUILT)
        self._hub = Hub(subscriptions, API)
        self._listener = listener(inbox)

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            "listTroubleTicket": self._tickets.list,
            "createTroubleTicket": self._tickets.create,
            "retrieveTroubleTicket": self._tickets.retrieve,
            "patchTroubleTicket": self._tickets.patch,
            "deleteTroubleTicket": self._tickets.delete,
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
