"""The operator's side of deliveries: what subscribers were sent and were not sent, why, and what can be done."""

import orjson
from starlette.responses import Response

from tmf_adapter.api.dispatch import Handler, Request
from tmf_adapter.api.errors import respond
from tmf_adapter.api.listing import Listing, instant
from tmf_adapter.hub.agreements import Agreements
from tmf_adapter.hub.delivery import State
from tmf_adapter.hub.keys import Keys
from tmf_adapter.hub.overview import Overview, Wanted, at
from tmf_adapter.hub.signing import Key
from tmf_adapter.tmf.events import Doc

WEBHOOK_KEYS = "/.well-known/webhook-keys"
CACHED = 3_600
"""Seconds for which the public keys may be kept: a new one signs alone only a day after it is published."""


class Operator:
    """The functions of the document's tags Delivery, Signing and Audit."""

    def __init__(self, overview: Overview, agreements: Agreements, keys: Keys) -> None:
        self._overview = overview
        self._agreements = agreements
        self._keys = keys

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            "listSubscription": self.list_subscription,
            "retrieveSubscription": self.retrieve_subscription,
            "listDelivery": self.list_delivery,
            "retrieveDelivery": self.retrieve_delivery,
            "patchTerms": self.patch_terms,
            "rotateSecret": self.rotate_secret,
            "removeSecret": self.remove_secret,
            "listSigningKey": self.list_signing_key,
            "rotateSigningKey": self.rotate_signing_key,
            "listAudit": self.list_audit,
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

    async def patch_terms(self, request: Request) -> Response:
        """200 with the subscription as it now is."""
        await self._agreements.change(request.path["id"], request.body, request.caller)
        return await self.retrieve_subscription(request)

    async def rotate_secret(self, request: Request) -> Response:
        """200 with the subscription as it now is."""
        await self._agreements.give_secret(request.path["id"], request.body["secret"], request.caller)
        return await self.retrieve_subscription(request)

    async def remove_secret(self, request: Request) -> Response:
        """204."""
        await self._agreements.take_secrets(request.path["id"], request.caller)
        return respond(204)

    async def list_signing_key(self, request: Request) -> Response:
        """200 with those that sign now."""
        asked = Listing.of(request)
        keys = [_shown(key) for key in self._keys.signing]
        return asked.page(keys[asked.offset :][: asked.limit], len(keys))

    async def rotate_signing_key(self, request: Request) -> Response:
        """201 with the new key, and where it is published."""
        key = await self._keys.rotate(request.caller)
        return respond(201, _shown(key), {"Location": WEBHOOK_KEYS})

    async def list_audit(self, request: Request) -> Response:
        """200 with a page of them."""
        asked = Listing.of(request, "target", "action")
        return asked.page(*await self._overview.audit(asked["target"], asked["action"], asked.offset, asked.limit))


def published(keys: Keys) -> Handler:
    """Answers with the public keys that notifications are signed with; for everybody."""

    async def answer(_request: Request) -> Response:
        headers = {"Cache-Control": f"public, max-age={CACHED}"}
        return Response(orjson.dumps(keys.published()), 200, headers, "application/jwk-set+json")

    return answer


def _shown(key: Key) -> Doc:
    shown = {"kid": key.kid, "publicKey": key.whpk, "createdAt": at(key.created_at)}
    return shown | ({"signsUntil": at(key.signs_until)} if key.signs_until else {})
