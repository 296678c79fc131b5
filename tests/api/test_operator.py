"""The operator's side of deliveries, over real tables and through the document."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from tests.api.shelf import OPENAPI, assert_error, client_of, pointers, with_others
from tests.hub.conftest import room, sink_of
from tests.hub.room import OpenSink, Room, a_ticket, subscribe
from tests.hub.sinks import answers, in_turn, until
from tests.hub.test_signing import verify_v1a
from tmf_adapter.api.access import Access
from tmf_adapter.api.operator import WEBHOOK_KEYS, Operator, published
from tmf_adapter.api.server import Document, build
from tmf_adapter.hub import Hub
from tmf_adapter.hub.overview import Overview
from tmf_adapter.secret import keys
from tmf_adapter.storage import audit
from tmf_adapter.storage.database import Database
from tmf_adapter.vault import Vault

__all__ = ["room", "sink_of"]

BASE, PATH = "/operator/v1", OPENAPI / "operator-v1.yaml"


@pytest.fixture
async def hub(room: Room) -> Hub:
    return await room.hub(vault=Vault(keys("ab" * 32)))


@pytest.fixture
async def operator(database: Database, hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    async with operator_of(database, hub) as client:
        yield client


@asynccontextmanager
async def operator_of(database: Database, hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    """A client on this machine; every answer is held against the document."""
    operations = Operator(Overview(database), hub).operations()
    document = Document(PATH, BASE, with_others(PATH, operations), access=Access(), strict=True)
    app = build([document], {}, strict=False, validate_responses=True)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1{BASE}") as client:
        yield client


async def found(operator: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answered = await operator.get(path, params=query)
    assert answered.status_code == 200, answered.text
    return answered.json()


async def test_a_subscription_is_shown_with_how_it_fares(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    sink = await sink_of()
    id = await subscribe(hub, sink, "eventType=TroubleTicketCreateEvent")
    await room.desk(hub).open(a_ticket())
    await room.settled(delivered=1)
    shown = await found(operator, f"/subscription/{id}")
    assert shown.pop("createdAt").endswith("Z")
    assert {name: shown[name] for name in ("id", "api", "callback", "query", "state", "pending", "parked", "dead")} == {
        "id": id,
        "api": "tmf621-v5",
        "callback": sink.url,
        "query": "eventType=TroubleTicketCreateEvent",
        "state": "enabled",
        "pending": 0,
        "parked": 0,
        "dead": 0,
    }
    assert shown["terms"]["order"] == "resource"


async def test_subscriptions_are_listed_newest_first_in_pages(
    operator: httpx.AsyncClient, hub: Hub, sink_of: OpenSink
) -> None:
    ids = [await subscribe(hub, await sink_of()) for _ in range(3)]
    first = await operator.get("/subscription", params={"limit": 2})
    assert [each["id"] for each in first.json()] == [ids[2], ids[1]]
    assert (first.headers["x-total-count"], first.headers["x-result-count"]) == ("3", "2")
    assert [each["id"] for each in await found(operator, "/subscription", offset=2)] == [ids[0]]
    assert await found(operator, "/subscription", api="tmf656-v5") == []
    assert len(await found(operator, "/subscription", state="enabled")) == 3


async def test_deliveries_are_found_by_what_they_are_about(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    good, bad = await subscribe(hub, await sink_of()), await subscribe(hub, await sink_of(answers(500, b"no")))
    desk = room.desk(hub)
    ticket = (await desk.open(a_ticket())).document["id"]
    await desk.open(a_ticket())
    await room.settled(delivered=2, pending=2)

    assert len(await found(operator, "/delivery")) == 4
    assert {each["state"] for each in await found(operator, "/delivery", subscriptionId=good)} == {"delivered"}
    assert {each["subscriptionId"] for each in await found(operator, "/delivery", state="pending")} == {bad}
    about = await found(operator, "/delivery", resourceId=ticket)
    assert {each["subscriptionId"] for each in about} == {good, bad}
    assert len({each["eventId"] for each in about}) == 1
    assert len(await found(operator, "/delivery", eventId=about[0]["eventId"])) == 2
    assert len(await found(operator, "/delivery", eventType="TroubleTicketCreateEvent")) == 4
    assert await found(operator, "/delivery", eventType="TroubleTicketDeleteEvent") == []
    assert len(await found(operator, "/delivery", since="2020-01-01T00:00:00Z", until="2100-01-01T00:00:00Z")) == 4
    assert await found(operator, "/delivery", since="2100-01-01T00:00:00+01:00") == []
    page = await operator.get("/delivery", params={"limit": 1, "offset": 1})
    assert (page.headers["x-total-count"], page.headers["x-result-count"]) == ("4", "1")


async def test_a_delivery_says_what_the_listener_answered(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    await subscribe(hub, await sink_of(in_turn(answers(503, b"maintenance until six"), answers(204))))
    await room.desk(hub).open(a_ticket())
    await room.settled(delivered=1)
    [listed] = await found(operator, "/delivery")
    shown = await found(operator, f"/delivery/{listed['id']}")
    assert (shown["state"], shown["attempts"], shown["lastStatus"]) == ("delivered", 2, 204)


@pytest.mark.parametrize("id", ["1", "0", "-1", "x", "9" * 40, "%00", "1' or '1'='1"])
async def test_what_is_not_there_is_not_found(operator: httpx.AsyncClient, id: str) -> None:
    for path in (f"/delivery/{id}", f"/subscription/{id}"):
        assert_error(await operator.get(path), 404, "notFound")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/delivery?state=lost", "state"),
        ("/subscription?state=lost", "state"),
        ("/subscription?api=tmf621", "tmf621-v5"),
        ("/subscription?callback=x", "callback"),
        ("/delivery?since=yesterday", "2026-11-24T06:00:00Z"),
        ("/delivery?until=2026-11-24", "2026-11-24T06:00:00Z"),  # a day is no instant
        ("/delivery?until=2026-11-24T06:00:00", "2026-11-24T06:00:00Z"),  # nor is an hour of an unknown zone
        ("/delivery?colour=red", "colour"),
        ("/delivery?state=dead&state=pending", "once"),
        ("/subscription?limit=many", "limit"),
    ],
)
async def test_a_query_that_nobody_could_mean_is_refused(operator: httpx.AsyncClient, path: str, said: str) -> None:
    document = assert_error(await operator.get(path), 400, "invalidQuery")
    assert said in str(document)


@pytest.mark.parametrize("query", ["limit=-5", "limit=0", "offset=-1", "offset=" + "9" * 30, "limit=" + "9" * 30])
async def test_a_page_out_of_range_is_brought_into_it(operator: httpx.AsyncClient, query: str) -> None:
    assert (await operator.get(f"/delivery?{query}")).status_code == 200


# --- What can be done -------------------------------------------------------------------------------------------------


async def done(operator: httpx.AsyncClient, method: str, path: str, status: int = 200, **what: Any) -> Any:
    answered = await operator.request(method, path, headers={"X-Operator": "ada"}, **what)
    assert answered.status_code == status, answered.text
    return answered.json() if answered.content else None


async def record(operator: httpx.AsyncClient, id: str) -> list[tuple[str, str]]:
    """Who did what to the subscription, the oldest first."""
    entries = await found(operator, "/audit", target=f"subscription/{id}")
    return [(entry["who"], entry["action"]) for entry in reversed(entries)]


ADA = "ada at 127.0.0.1"


async def test_while_a_subscription_is_paused_nothing_is_sent_and_nothing_lost(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    sink = await sink_of()
    id = await subscribe(hub, sink)
    paused = await done(operator, "POST", f"/subscription/{id}/pause", json={"reason": "their maintenance"})
    assert (paused["state"], paused["reason"]) == ("paused", "their maintenance")
    await room.desk(hub).open(a_ticket())
    shown = await found(operator, f"/subscription/{id}")
    assert (shown["parked"], shown["pending"]) == (1, 0)
    [waiting] = await found(operator, "/delivery", state="pending")
    why = await found(operator, f"/delivery/{waiting['id']}/explanation")
    assert why["causes"][0]["cause"] == "paused"
    assert "their maintenance" in why["summary"]
    assert sink.received == []

    assert (await done(operator, "POST", f"/subscription/{id}/resume"))["state"] == "enabled"
    await room.settled(delivered=1)
    assert len(sink.received) == 1
    assert await record(operator, id) == [(ADA, "pause"), (ADA, "resume")]


@pytest.mark.parametrize(("recover", "released", "dropped"), [("all", 3, 0), ("newest", 2, 1), ("none", 0, 3)])
async def test_who_enables_a_subscription_says_what_becomes_of_what_is_owed(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink, recover: str, released: int, dropped: int
) -> None:
    sink = await sink_of()
    id = await subscribe(hub, sink)
    assert (await done(operator, "POST", f"/subscription/{id}/disable"))["state"] == "disabled"
    desk = room.desk(hub)
    ticket = (await desk.open(a_ticket())).document["id"]
    await desk.patch(ticket, {"name": "another"}, "application/json")
    await desk.open(a_ticket())
    enabled = await done(operator, "POST", f"/subscription/{id}/enable", json={"recover": recover})
    assert (enabled["released"], enabled["dropped"]) == (released, dropped)
    assert enabled["subscription"]["state"] == "enabled"
    expected = {"delivered": released, "cancelled": dropped}
    await room.settled(**{state: count for state, count in expected.items() if count})
    assert len(sink.received) == released


async def test_a_probe_tries_the_oldest_now(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    sink = await sink_of()
    id = await subscribe(hub, sink)
    assert_error(await operator.post(f"/subscription/{id}/probe"), 409, "conflict")
    await done(operator, "POST", f"/subscription/{id}/pause")
    await room.desk(hub).open(a_ticket())
    probed = await done(operator, "POST", f"/subscription/{id}/probe", 202)
    assert (probed["subscriptionId"], probed["state"]) == (id, "pending")
    await room.settled(delivered=1)


async def test_a_replay_is_counted_first_and_sent_under_the_same_id(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    sink = await sink_of()
    id = await subscribe(hub, sink)
    await room.desk(hub).open(a_ticket())
    await room.settled(delivered=1)
    wanted = {"subscriptionId": id, "state": "delivered", "since": "2020-01-01T00:00:00Z"}
    assert await done(operator, "POST", "/replay", json={**wanted, "dryRun": True}) == {"matched": 1, "replayed": 0}
    assert len(sink.received) == 1
    assert await done(operator, "POST", "/replay", json=wanted) == {"matched": 1, "replayed": 1}
    await until(lambda: len(sink.received) == 2)
    assert sink.event_ids[0] == sink.event_ids[1]
    await room.settled(delivered=1)
    [delivery] = await found(operator, "/delivery")
    assert delivery["replays"] == 1
    assert [entry["action"] for entry in await found(operator, "/audit")] == ["replay"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, None),
        ({"dryRun": True}, None),
        ({"deliveryIds": ["x"]}, "/deliveryIds/0"),
        ({"since": "2026-06-30T23:59:60Z"}, "/since"),
        ({"state": "pending"}, "/state"),
        ({"stat": "dead"}, ""),
    ],
)
async def test_a_replay_of_everything_or_of_nonsense_is_refused(
    operator: httpx.AsyncClient, body: dict[str, Any], pointer: str | None
) -> None:
    refused = await operator.post("/replay", json=body)
    assert_error(refused, 400, "invalidBody")
    if pointer is not None:
        assert pointer in pointers(refused)


async def test_what_cannot_be_done_in_this_state_is_a_conflict(
    operator: httpx.AsyncClient, hub: Hub, sink_of: OpenSink
) -> None:
    id = await subscribe(hub, await sink_of())
    assert_error(await operator.post(f"/subscription/{id}/resume"), 409, "conflict")
    assert_error(await operator.post(f"/subscription/{id}/enable", json={"recover": "all"}), 409, "conflict")
    assert await record(operator, id) == [], "what was refused is not on record"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "pause", None),
        ("POST", "resume", None),
        ("POST", "disable", None),
        ("POST", "enable", {"recover": "all"}),
        ("POST", "probe", None),
        ("POST", "handshake", None),
        ("PATCH", "terms", {"order": "none"}),
        ("PUT", "secret", {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
        ("DELETE", "secret", None),
    ],
)
async def test_nothing_can_be_done_to_what_is_not_there(
    operator: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    what = {"json": body} if body else {}
    assert_error(await operator.request(method, f"/subscription/nobody/{path}", **what), 404, "notFound")


async def test_a_handshake_says_what_the_listener_answered(
    operator: httpx.AsyncClient, hub: Hub, sink_of: OpenSink
) -> None:
    sink = await sink_of(answers(200, headers="WebHook-Allowed-Origin: *\r\nWebHook-Allowed-Rate: 60\r\n"))
    id = await subscribe(hub, sink)
    said = await done(operator, "POST", f"/subscription/{id}/handshake")
    assert said == {"status": 200, "allowedOrigin": "*", "allowedRate": "60"}
    assert [received.line.split()[0] for received in sink.received] == ["OPTIONS"]


# --- How a subscriber is called ---------------------------------------------------------------------------------------

SECRET = "s3cr3t-0f-theirs"
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_terms_hold_from_the_next_notification_on(
    operator: httpx.AsyncClient, room: Room, hub: Hub, sink_of: OpenSink
) -> None:
    sink = await sink_of()
    id = await subscribe(hub, sink)
    desk = room.desk(hub)
    await desk.open(a_ticket())
    await room.settled(delivered=1)
    patch = {"order": "none", "timeout": 7, "auth": {"type": "bearer", "token": SECRET}}
    await done(operator, "PATCH", f"/subscription/{id}/terms", json=patch)
    await done(operator, "PUT", f"/subscription/{id}/secret", json={"secret": SIGNING})
    await desk.open(a_ticket())
    await room.settled(delivered=2)
    before, after = sink.received
    assert "authorization" not in before.headers
    assert after.headers["authorization"] == f"Bearer {SECRET}"
    assert Webhook(SIGNING).verify(after.body.decode(), after.headers)

    await done(operator, "PATCH", f"/subscription/{id}/terms", json={"auth": None, "timeout": None})
    await done(operator, "DELETE", f"/subscription/{id}/secret", 204)
    await desk.open(a_ticket())
    await room.settled(delivered=3)
    assert "authorization" not in sink.received[2].headers
    assert "v1," not in sink.received[2].headers["webhook-signature"]
    terms = (await found(operator, f"/subscription/{id}"))["terms"]
    assert "auth" not in terms
    assert "timeout" not in terms
    assert "secrets" not in terms
    assert terms["order"] == "none", "what was not named stays"


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "token": SECRET},
        {"type": "basic", "username": "me", "password": SECRET},
        {"type": "header", "name": "X-Api-Key", "value": SECRET},
        {"type": "oauth2", "tokenUrl": "https://login.example/token", "clientId": "c", "clientSecret": SECRET},
    ],
    ids=lambda auth: auth["type"],
)
async def test_no_secret_ever_comes_back(
    operator: httpx.AsyncClient,
    hub: Hub,
    database: Database,
    sink_of: OpenSink,
    auth: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    id = await subscribe(hub, await sink_of())
    texts = [
        (await operator.patch(f"/subscription/{id}/terms", json={"auth": auth})).text,
        (await operator.put(f"/subscription/{id}/secret", json={"secret": SIGNING})).text,
        (await operator.put(f"/subscription/{id}/secret", json={"secret": SIGNING[:-1] + "A"})).text,
        (await operator.get(f"/subscription/{id}")).text,
        (await operator.get("/subscription")).text,
        (await operator.get("/audit")).text,
        (await operator.get("/signingKey")).text,
        str(await hub.subscriptions.find("tmf621-v5", id)),
        repr(hub.subscriptions),
        caplog.text,
    ]
    statement = text(
        "SELECT terms FROM subscription UNION ALL SELECT before FROM audit UNION ALL SELECT after FROM audit"
    )
    texts += await database.read(lambda tx: list(tx.execute(statement).scalars()))
    for hidden in (SECRET, SIGNING, SIGNING.removeprefix("whsec_")[:20]):
        assert [each for each in texts if hidden in each] == []
    shown = (await found(operator, f"/subscription/{id}"))["terms"]
    assert "***" in shown["auth"].values()
    assert len(shown["secrets"]) == 2
    assert [set(each) for each in shown["secrets"]] == [{"addedAt"}, {"addedAt", "signsUntil"}]


async def test_the_record_of_new_terms_shows_them_as_they_were_and_are(
    operator: httpx.AsyncClient, hub: Hub, sink_of: OpenSink
) -> None:
    id = await subscribe(hub, await sink_of())
    await done(operator, "PATCH", f"/subscription/{id}/terms", json={"auth": {"type": "bearer", "token": SECRET}})
    await done(operator, "PATCH", f"/subscription/{id}/terms", json={"order": "none", "auth": None})
    newest, oldest = await found(operator, "/audit", target=f"subscription/{id}", action="terms")
    assert oldest["after"]["auth"] == {"type": "bearer", "token": "***"}
    assert newest["before"] == oldest["after"]
    assert (newest["after"]["order"], newest["before"]["order"]) == ("none", "resource")
    assert newest["who"] == ADA


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({}, ""),
        ({"ordr": "none"}, ""),
        ({"order": "sometimes"}, "/order"),
        ({"timeout": 0}, "/timeout"),
        ({"timeout": 1e9}, "/timeout"),
        ({"hold": -1}, "/hold"),
        ({"handshake": "required"}, "/handshake"),
        ({"auth": {"type": "kerberos"}}, "/auth/type"),
        ({"auth": {"type": "bearer"}}, "/auth/token"),
        ({"auth": {"type": "bearer", "token": "a\r\nX-Evil: 1"}}, "/auth/token"),
        ({"auth": {"type": "bearer", "token": "***"}}, "/auth/token"),
        ({"auth": {"type": "bearer", "token": "a", "username": "b"}}, "/auth/username"),
        ({"auth": {"type": "header", "name": "X\r\nY", "value": "a"}}, "/auth/name"),
        ({"auth": {"type": "header", "name": "Host", "value": "a"}}, "/auth/name"),
        ({"auth": {"type": "header", "name": "Webhook-Signature", "value": "a"}}, "/auth/name"),
        ({"auth": {"type": "header", "name": "X-Key", "value": "a\nb"}}, "/auth/value"),
        ({"auth": {"type": "oauth2", "tokenUrl": "/x", "clientId": "c", "clientSecret": "s"}}, "/auth/tokenUrl"),
        ({"tls": {"ca": "/nowhere/at/all.pem"}}, "/tls"),
        ({"tls": {"key": "/nowhere/at/all.key"}}, "/tls/certificate"),
        ({"tls": {"cert": "x"}}, "/tls"),
    ],
)
async def test_terms_that_could_not_be_kept_are_refused_with_their_place(
    operator: httpx.AsyncClient, hub: Hub, sink_of: OpenSink, patch: dict[str, Any], pointer: str
) -> None:
    id = await subscribe(hub, await sink_of())
    before = await found(operator, f"/subscription/{id}")
    refused = await operator.patch(f"/subscription/{id}/terms", json=patch)
    assert_error(refused, 400, "invalidBody")
    assert pointer in pointers(refused)
    assert await found(operator, f"/subscription/{id}") == before


@pytest.mark.parametrize("secret", ["", "hunter2", "whsec_short", "whsec_" + "A" * 200, "whsec_AAAA\r\nX: y"])
async def test_a_signing_secret_that_is_none_is_refused(
    operator: httpx.AsyncClient, hub: Hub, sink_of: OpenSink, secret: str
) -> None:
    id = await subscribe(hub, await sink_of())
    refused = await operator.put(f"/subscription/{id}/secret", json={"secret": secret})
    assert_error(refused, 400, "invalidBody")
    assert pointers(refused) == ["/secret"]


async def test_without_a_key_to_seal_with_no_secret_is_taken(database: Database, room: Room, sink_of: OpenSink) -> None:
    hub = await room.hub(vault=Vault())
    id = await subscribe(hub, await sink_of())
    async with operator_of(database, hub) as operator:
        for answered in (
            await operator.patch(f"/subscription/{id}/terms", json={"auth": {"type": "bearer", "token": SECRET}}),
            await operator.put(f"/subscription/{id}/secret", json={"secret": SIGNING}),
        ):
            document = assert_error(answered, 409, "noSecretKey")
            assert "TMF_ADAPTER_SECRET_KEY" in document["message"]


# --- Keys -------------------------------------------------------------------------------------------------------------


async def test_keys_are_listed_and_rotated(operator: httpx.AsyncClient) -> None:
    [old] = await found(operator, "/signingKey")
    assert set(old) == {"kid", "publicKey", "createdAt"}
    made = await operator.post("/signingKey", headers={"X-Operator": "ada"})
    assert (made.status_code, made.headers["location"]) == (201, "/.well-known/webhook-keys")
    newest, before = await found(operator, "/signingKey")
    assert newest == made.json()
    assert (before["kid"], "signsUntil" in before) == (old["kid"], True)
    [entry] = await found(operator, "/audit", action="rotate")
    assert (entry["who"], entry["before"], entry["after"]) == (ADA, {"kid": old["kid"]}, {"kid": newest["kid"]})


async def test_public_keys_are_there_for_everybody(hub: Hub, room: Room, sink_of: OpenSink) -> None:
    sink = await sink_of()
    await subscribe(hub, sink)
    await room.desk(hub).open(a_ticket())
    await room.settled(delivered=1)
    app = build([], {WEBHOOK_KEYS: {"GET": published(hub.keys)}}, strict=False)
    async with client_of(app, "") as stranger:
        answered = await stranger.get(WEBHOOK_KEYS)
    assert answered.headers["content-type"] == "application/jwk-set+json"
    assert answered.headers["cache-control"] == "public, max-age=3600"
    headers = sink.received[0].headers
    signature, at = headers["webhook-signature"], int(headers["webhook-timestamp"])
    verify_v1a(answered.json(), signature, headers["webhook-id"], at, sink.received[0].body)
    assert "d" not in answered.json()["keys"][0], "the private half"


# --- The record -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
async def test_the_record_can_only_grow(database: Database, statement: str) -> None:
    await database.write(lambda tx: audit.record(tx, "ada at 127.0.0.1", "pause", "subscription/1", {}, {"a": 1}))
    with pytest.raises(Exception, match="append-only"):
        await database.write(lambda tx: tx.execute(text(statement)))
    rows, total = await database.read(lambda tx: audit.entries(tx, "subscription/1", "pause", 0, 10))
    assert (total, rows[0].who, rows[0].after) == (1, "ada at 127.0.0.1", '{"a":1}')


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=" + "9" * 5_000, 200),
        ("offset=" + "9" * 5_000, 200),
        ("offset=-" + "9" * 5_000, 200),
        ("since=0001-01-01T00:00:00%2B23:59", 200),
        ("until=9999-12-31T23:59:59-23:59", 200),
        ("since=2026-01-01", 400),
    ],
)
async def test_numbers_and_instants_at_the_end_of_the_world_are_answered(
    operator: httpx.AsyncClient, query: str, status: int
) -> None:
    assert (await operator.get(f"/delivery?{query}")).status_code == status
