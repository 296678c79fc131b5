"""What a listener is shown: signatures that it can verify, the credentials it asks for, certificates; nothing else."""

import asyncio
import base64
import json
import logging
import os
from pathlib import Path

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from standardwebhooks import Webhook

from tests.certificates import Authority
from tests.hub.posting import OneKey, To, a_poster
from tests.hub.room import OpenSink
from tests.hub.sinks import Received, TlsSink, accepts, answers, in_turn, resets, until
from tests.hub.test_signing import verify_v1a
from tests.recovery.sinks import sink as endpoint_of
from tests.test_credentials import grants
from tmf_adapter.hub.signing import Key
from tmf_adapter.hub.terms import Handshake, SigningSecret, Terms
from tmf_adapter.hub.trust import masked, sealed, secret_place
from tmf_adapter.secret import keys
from tmf_adapter.vault import Vault

BODY = '{"eventId": "e1", "title": "café"}'.encode()
SECRET = "s3cr3t-0f-theirs"


def a_vault() -> Vault:
    return Vault(keys(os.urandom(32).hex()))


def with_auth(vault: Vault, **auth: str) -> Terms:
    return Terms(auth=orjson.dumps(sealed(dict(auth), "s1", vault)).decode())


def a_secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def with_secrets(vault: Vault, *secrets: str, until: float | None = None) -> Terms:
    newest, *older = (vault.seal(secret, secret_place("s1")) for secret in secrets)
    old = tuple(SigningSecret(sealed=each, added_at=1.0, signs_until=until) for each in older)
    return Terms(secrets=(SigningSecret(sealed=newest, added_at=2.0), *old))


def signed(received: Received) -> tuple[str, str, int, bytes]:
    headers = received.headers
    return headers["webhook-signature"], headers["webhook-id"], int(headers["webhook-timestamp"]), received.body


# --- Signatures -------------------------------------------------------------------------------------------------------


async def test_a_plain_registration_is_verified_with_what_is_published_and_nothing_else(sink_of: OpenSink) -> None:
    sink, ours = await sink_of(), OneKey()
    async with a_poster(keys=ours) as poster:
        await poster.post(To(sink.url), "e1", BODY)
    [received] = sink.received
    published = {"keys": [key.jwk for key in ours.signing]}
    verify_v1a(published, *signed(received))
    signature, id, at, body = signed(received)
    with pytest.raises(InvalidSignature):
        verify_v1a(published, signature, id, at, body + b" ")


async def test_each_attempt_is_signed_for_its_own_second_and_has_a_span_of_its_own(sink_of: OpenSink) -> None:
    sink, ours = await sink_of(), OneKey()
    async with a_poster(keys=ours) as poster:
        await poster.post(To(sink.url), "0198c2a4-6d1f-7c3e-9a55-2f64c1b0e7aa", BODY)
        await asyncio.sleep(1.1)
        await poster.post(To(sink.url), "0198c2a4-6d1f-7c3e-9a55-2f64c1b0e7aa", BODY)
    first, second = sink.received
    assert first.event_id == second.event_id
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    for received in (first, second):
        verify_v1a({"keys": [ours.signing[0].jwk]}, *signed(received))
    traces = [received.headers["traceparent"].split("-") for received in (first, second)]
    assert {trace[1] for trace in traces} == {"0198c2a46d1f7c3e9a552f64c1b0e7aa"}
    assert traces[0][2] != traces[1][2]


async def test_a_listener_with_a_secret_verifies_with_the_reference_library(sink_of: OpenSink) -> None:
    sink, vault, secret = await sink_of(), a_vault(), a_secret()
    async with a_poster(vault=vault) as poster:
        await poster.post(To(sink.url, with_secrets(vault, secret)), "e1", BODY)
    [received] = sink.received
    assert Webhook(secret).verify(received.body.decode(), received.headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(a_secret()).verify(received.body.decode(), received.headers)


async def test_a_secret_that_was_replaced_signs_until_its_end(sink_of: OpenSink) -> None:
    sink, vault, new, old = await sink_of(), a_vault(), a_secret(), a_secret()
    async with a_poster(vault=vault) as poster:
        await poster.post(To(sink.url, with_secrets(vault, new, old, until=4e9)), "e1", BODY)
        await poster.post(To(sink.url, with_secrets(vault, new, old, until=1e9)), "e2", BODY)
    during, after = sink.received
    for secret in (new, old):
        Webhook(secret).verify(during.body.decode(), during.headers)
    Webhook(new).verify(after.body.decode(), after.headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(old).verify(after.body.decode(), after.headers)


async def test_during_a_rotation_of_our_key_either_public_key_will_do(sink_of: OpenSink) -> None:
    old, new = Key.of(os.urandom(32), 0.0, signs_until=4e9), Key.of(os.urandom(32), 1.0)
    sink = await sink_of()
    async with a_poster(keys=OneKey([new, old])) as poster:
        await poster.post(To(sink.url), "e1", BODY)
    for key in (old, new):
        verify_v1a({"keys": [key.jwk]}, *signed(sink.received[0]))


# --- Credentials ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": SECRET}, "authorization", f"Bearer {SECRET}"),
        (
            {"type": "basic", "username": "me", "password": SECRET},
            "authorization",
            "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode(),
        ),
        ({"type": "header", "name": "X-Api-Key", "value": SECRET}, "x-api-key", SECRET),
    ],
)
async def test_a_listener_is_shown_the_credentials_of_its_terms(
    sink_of: OpenSink, auth: dict[str, str], header: str, value: str
) -> None:
    sink, other, vault = await sink_of(), await sink_of(), a_vault()
    async with a_poster(vault=vault) as poster:
        await poster.post(To(sink.url, with_auth(vault, **auth)), "e1", BODY)
        await poster.post(To(other.url, id="s2"), "e1", BODY)
    assert sink.received[0].headers[header] == value
    assert SECRET not in str(other.received[0].headers)
    assert header not in other.received[0].headers


async def test_a_token_is_fetched_shown_and_fetched_again_once_after_a_401(sink_of: OpenSink) -> None:
    vault, sink = a_vault(), await sink_of(in_turn(answers(401), accepts))
    async with endpoint_of(grants()) as endpoint, a_poster(vault=vault) as poster:
        oauth2 = {"type": "oauth2", "tokenUrl": f"{endpoint.url}/token", "clientId": "adapter", "clientSecret": SECRET}
        to = To(sink.url, with_auth(vault, **oauth2))
        attempt = await poster.post(to, "e1", BODY)
        assert attempt.status == 204
        await poster.post(to, "e2", BODY)
        assert len(endpoint.requests) == 2
    assert [received.headers["authorization"] for received in sink.received] == ["Bearer t1", "Bearer t2", "Bearer t2"]
    assert [received.event_id for received in sink.received] == ["e1", "e1", "e2"]


async def test_a_listener_that_always_answers_401_is_asked_twice_and_no_more(sink_of: OpenSink) -> None:
    vault, sink = a_vault(), await sink_of(answers(401, b"no"))
    async with endpoint_of(grants()) as endpoint, a_poster(vault=vault) as poster:
        oauth2 = {"type": "oauth2", "tokenUrl": endpoint.url, "clientId": "adapter", "clientSecret": SECRET}
        attempt = await poster.post(To(sink.url, with_auth(vault, **oauth2)), "e1", BODY)
    assert (attempt.status, len(sink.received)) == (401, 2)


async def test_a_second_try_that_gets_no_answer_hides_nothing_of_the_first(sink_of: OpenSink) -> None:
    vault, sink = a_vault(), await sink_of(in_turn(answers(401), resets))
    async with endpoint_of(grants()) as endpoint, a_poster(vault=vault) as poster:
        oauth2 = {"type": "oauth2", "tokenUrl": endpoint.url, "clientId": "adapter", "clientSecret": SECRET}
        attempt = await poster.post(To(sink.url, with_auth(vault, **oauth2)), "e1", BODY)
    assert (attempt.status, len(sink.received)) == (None, 2)
    assert attempt.error is not None
    assert attempt.error.startswith("answered 401, then: ")


async def test_with_a_fixed_token_a_401_is_an_answer(sink_of: OpenSink) -> None:
    vault, sink = a_vault(), await sink_of(answers(401))
    async with a_poster(vault=vault) as poster:
        attempt = await poster.post(To(sink.url, with_auth(vault, type="bearer", token=SECRET)), "e1", BODY)
    assert (attempt.status, len(sink.received)) == (401, 1)


async def test_without_a_token_nothing_is_posted_and_the_reason_is_the_attempts(sink_of: OpenSink) -> None:
    vault, sink = a_vault(), await sink_of()
    async with a_poster(vault=vault) as poster:
        oauth2 = {"type": "oauth2", "tokenUrl": "http://127.0.0.1:1/", "clientId": "adapter", "clientSecret": SECRET}
        attempt = await poster.post(To(sink.url, with_auth(vault, **oauth2)), "e1", BODY)
    assert sink.received == []
    assert "no token from http://127.0.0.1:1/" in str(attempt.error)
    assert not attempt.blocked
    assert SECRET not in str(attempt)


async def test_an_endpoint_inside_is_not_asked_for_a_token(sink_of: OpenSink) -> None:
    vault, sink = a_vault(), await sink_of()
    async with endpoint_of(grants()) as endpoint, a_poster((), vault=vault) as poster:
        oauth2 = {"type": "oauth2", "tokenUrl": endpoint.url, "clientId": "adapter", "clientSecret": SECRET}
        attempt = await poster.post(To("http://8.8.8.8/", with_auth(vault, **oauth2)), "e1", BODY)
        assert "not on the allow-list" in str(attempt.error)
        assert endpoint.requests == []
    assert sink.received == []


async def test_secrets_that_cannot_be_opened_are_an_error_that_names_the_remedy(sink_of: OpenSink) -> None:
    sink = await sink_of()
    async with a_poster(vault=a_vault()) as poster:
        attempt = await poster.post(To(sink.url, with_auth(a_vault(), type="bearer", token=SECRET)), "e1", BODY)
    assert sink.received == []
    assert "TMF_ADAPTER_SECRET_KEY" in str(attempt.error)


async def test_credentials_moved_to_another_subscription_are_not_shown(sink_of: OpenSink) -> None:
    sink, vault = await sink_of(), a_vault()
    terms = with_auth(vault, type="bearer", token=SECRET)
    async with a_poster(vault=vault) as poster:
        attempt = await poster.post(To(sink.url, terms, id="s2"), "e1", BODY)
    assert sink.received == []
    assert "another place" in str(attempt.error)


async def test_new_terms_hold_from_the_next_attempt_on(sink_of: OpenSink) -> None:
    sink, vault = await sink_of(), a_vault()
    async with a_poster(vault=vault) as poster:
        for token in ("one", "two"):
            await poster.post(To(sink.url, with_auth(vault, type="bearer", token=token)), "e1", BODY)
    assert [received.headers["authorization"] for received in sink.received] == ["Bearer one", "Bearer two"]


def test_credentials_are_shown_and_stored_without_their_secret() -> None:
    vault = a_vault()
    for auth in (
        {"type": "bearer", "token": SECRET},
        {"type": "basic", "username": "me", "password": SECRET},
        {"type": "header", "name": "X", "value": SECRET},
        {"type": "oauth2", "tokenUrl": "https://t", "clientId": "c", "clientSecret": SECRET},
    ):
        assert SECRET not in json.dumps(sealed(auth, "s1", vault))
        assert SECRET not in json.dumps(masked(auth))
        assert "***" in masked(auth).values()


async def test_no_secret_is_logged(sink_of: OpenSink, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sink, vault, secret = await sink_of(answers(500)), a_vault(), a_secret()
    terms = with_secrets(vault, secret)
    async with endpoint_of(grants()) as endpoint, a_poster(vault=vault) as poster:
        oauth2 = {"type": "oauth2", "tokenUrl": endpoint.url, "clientId": "adapter", "clientSecret": SECRET}
        both = Terms(auth=with_auth(vault, **oauth2).auth, secrets=terms.secrets)
        await poster.post(To(sink.url, both), "e1", BODY)
        assert SECRET not in f"{poster!r} {both!r} {vars(poster._trust)!r}"
    for hidden in (SECRET, secret, secret.removeprefix("whsec_"), "Bearer t1"):
        assert hidden not in caplog.text


# --- Certificates -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def mutual(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A listener that takes those alone whom its authority has signed, and that authority."""
    authority = Authority(tmp_path)
    sink = TlsSink()
    sink.context = authority.server(clients=authority)
    await sink.start()
    yield sink, authority
    await sink.stop()


async def test_a_listener_that_demands_a_certificate_is_shown_ours(mutual: tuple[TlsSink, Authority]) -> None:
    sink, authority = mutual
    ours = authority.sign("adapter")
    tls = {"certificate": str(ours.certificate), "key": str(ours.key), "ca": str(authority.ca)}
    async with a_poster() as poster:
        attempt = await poster.post(To(sink.url, Terms(tls=orjson.dumps(tls).decode())), "e1", BODY)
    assert attempt.accepted, attempt
    assert len(sink.received) == 1


@pytest.mark.parametrize("missing", ["certificate", "ca", "both"])
async def test_without_one_or_without_trust_in_its_authority_nothing_is_sent(
    mutual: tuple[TlsSink, Authority], missing: str
) -> None:
    sink, authority = mutual
    ours = authority.sign("adapter")
    pair, ca = {"certificate": str(ours.certificate), "key": str(ours.key)}, {"ca": str(authority.ca)}
    tls = {"certificate": ca, "ca": pair, "both": {}}[missing]
    async with a_poster(timeout=5.0) as poster:
        attempt = await poster.post(To(sink.url, Terms(tls=orjson.dumps(tls).decode())), "e1", BODY)
    assert attempt.status is None
    assert attempt.error
    assert sink.received == []


async def test_a_stranger_with_a_certificate_of_his_own_is_not_the_listener(
    mutual: tuple[TlsSink, Authority], tmp_path: Path
) -> None:
    sink, _ = mutual
    other = Authority(tmp_path, "another authority")
    async with a_poster() as poster:
        attempt = await poster.post(To(sink.url, Terms(tls=orjson.dumps({"ca": str(other.ca)}).decode())), "e1", BODY)
    assert attempt.error == "its certificate is not trusted: self-signed certificate in certificate chain"
    assert sink.received == []


async def test_a_file_that_is_gone_is_named(sink_of: OpenSink, tmp_path: Path) -> None:
    sink = await sink_of()
    tls = orjson.dumps({"ca": str(tmp_path / "gone.pem")}).decode()
    async with a_poster() as poster:
        attempt = await poster.post(To(sink.url, Terms(tls=tls)), "e1", BODY)
    assert "gone.pem" in str(attempt.error)
    assert sink.received == []


# --- The handshake ----------------------------------------------------------------------------------------------------

ADVISORY = Terms(handshake=Handshake.ADVISORY)


async def test_nobody_is_asked_unless_his_terms_say_so(sink_of: OpenSink) -> None:
    sink = await sink_of()
    async with a_poster() as poster:
        await poster.post(To(sink.url), "e1", BODY)
    assert [received.line.split()[0] for received in sink.received] == ["POST"]


async def test_a_listener_is_asked_once_beside_its_first_notification(sink_of: OpenSink) -> None:
    sink = await sink_of(answers(200, headers="WebHook-Allowed-Origin: adapter.test\r\n"))
    async with a_poster() as poster:
        for number in range(3):
            assert (await poster.post(To(sink.url, ADVISORY), f"e{number}", BODY)).accepted
        await until(lambda: len(sink.received) == 4)
    [asked] = [received for received in sink.received if received.line.startswith("OPTIONS")]
    assert asked.headers["webhook-request-origin"] == "adapter.test"
    assert asked.body == b""
    assert "webhook-signature" not in asked.headers


@pytest.mark.parametrize("temper", [answers(405), answers(500), answers(200)], ids=["405", "500", "no word"])
async def test_whatever_it_answers_notifications_come(
    sink_of: OpenSink, temper: object, caplog: pytest.LogCaptureFixture
) -> None:
    async def by_method(received: Received, writer: asyncio.StreamWriter) -> bool:
        chosen = temper if received.line.startswith("OPTIONS") else accepts
        return bool(await chosen(received, writer))  # type: ignore[operator]  # a temper

    sink = await sink_of(by_method)
    async with a_poster() as poster:
        assert (await poster.post(To(sink.url, ADVISORY), "e1", BODY)).accepted
        await until(lambda: "wants to be notified" in caplog.text or "wants notifications" in caplog.text)


async def test_the_handshake_goes_through_the_guard_and_shows_credentials(sink_of: OpenSink) -> None:
    sink, vault = (
        await sink_of(answers(200, headers="WebHook-Allowed-Origin: *\r\nWebHook-Allowed-Rate: 120\r\n")),
        a_vault(),
    )
    to = To(sink.url, with_auth(vault, type="bearer", token=SECRET))
    async with a_poster(vault=vault) as poster:
        greeting = await poster.greet(to)
    assert (greeting.status, greeting.allowed_origin, greeting.allowed_rate) == (200, "*", "120")
    assert sink.received[0].headers["authorization"] == f"Bearer {SECRET}"
    async with a_poster((), vault=vault) as poster:
        greeting = await poster.greet(to)
    assert "not on the allow-list" in str(greeting.error)
    assert len(sink.received) == 1
