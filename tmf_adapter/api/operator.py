"""The operator's side of deliveries: what subscribers were sent and were not sent, why, and what can be done."""

from starlette.responses import Response

from tmf_adapter.api.dispatch import Handler, Request
from tmf_adapter.api.errors import respond
from tmf_adapter.api.listing import Listing, instant
from tmf_adapter.hub.delivery import State
from tmf_adapter.hub.overview import Overview, Wanted


class Operator:
    """The functions of the document's tags Delivery, Signing and Audit."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            "listSubscription": self.list_subscription,
            "retrieveSubscription": self.retrieve_subscription,
            "listDelivery": self.list_delivery,
            "retrieveDelivery": self.retrieve_delivery,
        }

    async def list_subscription(self, request: Request) -> Response:
        """200 with a page of them."""
        asked = Listing.of(request, "state", "api")
        return asked.page(*await self._overview.subscriptions(asked["state"], asked["api"], asked.offset, asked.limit))

    async def retrieve_subscription(self, request: Request) -> Response:
        """200 with the subscription."""
        return respond(200, await self._overview.subscription(request.path["id"]))

    async def list_delivery(self, request: Request) -> Response:
        """200 with a page of them."""
        names = ("subscriptionId", "resourceId", "eventId", "eventType", "state", "reason", "since", "until")
        asked = Listing.of(request, *names)
        state = asked.parsed("state", State)
        wanted = Wanted(
            subscription_id=asked["subscriptionId"],
            resource_id=asked["resourceId"],
            event_id=asked["eventId"],
            event_type=asked["eventType"],
            states=(state,) if state else (),
            reason=asked["reason"],
            since=asked.parsed("since", instant),
            until=asked.parsed("until", instant),
        )
        return asked.page(*await self._overview.deliveries(wanted, asked.offset, asked.limit))

    async def retrieve_delivery(self, request: Request) -> Response:
        """200 with the delivery and its attempts."""
        return respond(200, await self._overview.delivery(request.path["id"]))
