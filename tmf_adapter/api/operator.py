"""The operator's side of deliveries: what subscribers were sent and were not sent, why, and what can be done."""

import orjson
from starlette.responses import Response

from tmf_adapter.api.dispatch import Handler, Request
from tmf_adapter.api.errors import respond
from tmf_adapter.api.listing import Listing, instant, one_of
from tmf_adapter.hub.apis import APIS
from tmf_adapter.hub.delivery import State
from tmf_adapter.hub.explain import Cause
from tmf_adapter.hub.health import Standing
from tmf_adapter.hub.hub import Hub
from tmf_adapter.hub.keys import Keys
from tmf_adapter.hub.operate import Recover
from tmf_adapter.hub.overview import Overview, Wanted, at
from tmf_adapter.hub.signing import Key
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Doc

WEBHOOK_KEYS = "/.well-known/webhook-keys"
CACHED = 3_600
"""Seconds for which the public keys may be kept: a new one signs alone only a day after it is published."""


class Operator:
    """The functions of the document's tags Delivery, Signing and Audit."""

    def __init__(self, overview: Overview, hub: Hub) -> None:
        self._overview = overview
        self._hub = hub
        self._operate = hub.operate
        self._agreements = hub.agreements
        self._keys = hub.keys

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            "listSubscription": self.list_subscription,
            "retrieveSubscription": self.retrieve_subscription,
            "listDelivery": self.list_delivery,
            "retrieveDelivery": self.retrieve_delivery,
            "explainDelivery": self.explain_delivery,
            "pauseSubscription": self.pause_subscription,
            "resumeSubscription": self.resume_subscription,
            "disableSubscription": self.disable_subscription,
            "enableSubscription": self.enable_subscription,
            "probeSubscription": self.probe_subscription,
            "handshakeSubscription": self.handshake_subscription,
            "replayDelivery": self.replay_delivery,
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
        state, api = asked.parsed("state", Standing), asked.parsed("api", one_of(*APIS))
        return asked.page(*await self._overview.subscriptions(state, api, asked.offset, asked.limit))

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

    async def explain_delivery(self, request: Request) -> Response:
        """200 with what keeps it from arriving."""
        shown = await self._overview.delivery(request.path["id"])
        del shown["attemptList"]
        causes = await self._operate.explain(int(shown["id"]))
        return respond(
            200, {"delivery": shown, "summary": causes[0].detail, "causes": [_cause(each) for each in causes]}
        )

    async def pause_subscription(self, request: Request) -> Response:
        """200 with the subscription as it now is."""
        await self._operate.pause(request.path["id"], request.caller, _reason(request))
        return await self.retrieve_subscription(request)

    async def resume_subscription(self, request: Request) -> Response:
        """200 with the subscription as it now is."""
        await self._operate.resume(request.path["id"], request.caller)
        return await self.retrieve_subscription(request)

    async def disable_subscription(self, request: Request) -> Response:
        """200 with the subscription as it now is."""
        await self._operate.disable(request.path["id"], request.caller, _reason(request))
        return await self.retrieve_subscription(request)

    async def enable_subscription(self, request: Request) -> Response:
        """200 with the subscription as it now is, and what became of its deliveries."""
        id = request.path["id"]
        recovered = await self._operate.enable(id, request.caller, Recover(request.body["recover"]))
        counts = {"released": recovered.released, "dropped": recovered.dropped}
        return respond(200, {"subscription": await self._overview.subscription(id), **counts})

    async def probe_subscription(self, request: Request) -> Response:
        """202 with the delivery that will be tried."""
        number = await self._operate.probe(request.path["id"], request.caller)
        shown = await self._overview.delivery(str(number))
        del shown["attemptList"]
        return respond(202, shown)

    async def handshake_subscription(self, request: Request) -> Response:
        """200 with what the subscriber answered."""
        greeting = await self._hub.greet(request.path["id"])
        said = {"status": greeting.status, "error": greeting.error, "allowedOrigin": greeting.allowed_origin}
        said["allowedRate"] = greeting.allowed_rate
        return respond(200, {name: value for name, value in said.items() if value is not None})

    async def replay_delivery(self, request: Request) -> Response:
        """200 with how many there are, and how many are sent again."""
        wanted = _wanted(request.body)
        done = await self._operate.replay(wanted, request.caller, dry_run=request.body.get("dryRun", False))
        return respond(200, {"matched": done.matched, "replayed": done.replayed})

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
        key = await self._keys.rotate(request.caller, revoke=bool(request.body and request.body.get("revoke")))
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


def _reason(request: Request) -> str | None:
    return request.body.get("reason") if request.body else None


def _cause(cause: Cause) -> Doc:
    shown = {"cause": cause.cause, "detail": cause.detail, "until": at(cause.until), "remedy": cause.remedy}
    return {name: value for name, value in shown.items() if value is not None}


def _wanted(body: Doc) -> Wanted:
    """Raises ``Invalid`` for what narrows nothing: all that was ever delivered is sent again by nobody's mistake."""
    narrowing = {name: value for name, value in body.items() if name != "dryRun"}
    if not narrowing:
        raise Invalid("Say which deliveries.", "Name a subscription, a resource, an event type, a state or a time.")
    state = body.get("state")
    return Wanted(
        ids=_numbers(body["deliveryIds"]) if "deliveryIds" in body else None,
        subscription_id=body.get("subscriptionId"),
        resource_id=body.get("resourceId"),
        event_type=body.get("eventType"),
        states=(State(state),) if state else (),
        reason=body.get("reason"),
        since=_instant(body, "since"),
        until=_instant(body, "until"),
    )


def _numbers(texts: list[str]) -> tuple[int, ...]:
    for place, text in enumerate(texts):
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise Invalid.at(f"/deliveryIds/{place}", "is not the number of a delivery")
    return tuple(int(text) for text in texts)


def _instant(body: Doc, name: str) -> float | None:
    try:
        return instant(body[name]) if name in body else None
    except ValueError as error:  # a leap second, say: RFC 3339 has it, and no clock of ours
        raise Invalid.at(f"/{name}", str(error)) from None


def _shown(key: Key) -> Doc:
    shown = {"kid": key.kid, "publicKey": key.whpk, "createdAt": at(key.created_at)}
    return shown | ({"signsUntil": at(key.signs_until)} if key.signs_until else {})
