"""Signatures: verified by the reference library, by a cryptography of its own, and by nothing that was altered."""

import base64
import os
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.jwk import KeySet, OKPKey
from standardwebhooks import Webhook

from tmf_adapter.hub.signing import Key, secret_bytes, signatures
from tmf_adapter.tmf.time import utc_now

BODY = '{"eventId": "e1", "title": "café 🐞", "spaces":   "kept"}'.encode()
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def now() -> int:
    return int(utc_now().timestamp())


def a_key(signs_until: float | None = None) -> Key:
    return Key.of(os.urandom(32), 1.0, signs_until)


def headers(signature: str, at: int, id: str = "e1") -> dict[str, str]:
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": signature}


def verify_v1a(jwks: dict[str, object], signature: str, id: str, at: int, body: bytes) -> None:
    """As a listener does that knows our published keys and nothing else. Raises ``InvalidSignature``."""
    keys = [Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=")) for key in jwks["keys"]]  # type: ignore[attr-defined, index]  # JSON
    given = [base64.b64decode(part[4:]) for part in signature.split() if part.startswith("v1a,")]
    for key in keys:
        for each in given:
            try:
                key.verify(each, f"{id}.{at}.".encode() + body)
            except InvalidSignature:
                continue
            return
    raise InvalidSignature


def test_the_reference_library_verifies_what_a_secret_signs() -> None:
    at = now()
    signature = signatures("e1", at, BODY, [a_key()], [secret_bytes(SECRET)])
    assert Webhook(SECRET).verify(BODY.decode(), headers(signature, at))


def test_the_reference_library_signs_the_same() -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    [ours] = signatures("e1", int(at.timestamp()), BODY, [], [secret_bytes(SECRET)]).split()
    assert ours == Webhook(SECRET).sign("e1", at, BODY.decode())


def test_a_vector_of_the_specification() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    signature = signatures("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body, [], [secret_bytes(secret)])
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("id", "seconds", "body"),
    [("e2", 0, BODY), ("e1", 1, BODY), ("e1", 0, BODY + b" "), ("e1", 0, BODY.replace(b"e1", b"e2"))],
    ids=["another id", "another second", "more body", "another body"],
)
def test_what_was_altered_is_not_verified(id: str, seconds: int, body: bytes) -> None:
    at, key = now(), a_key()
    signature = signatures("e1", at, BODY, [key], [secret_bytes(SECRET)])
    verify_v1a({"keys": [key.jwk]}, signature, "e1", at, BODY)
    with pytest.raises(InvalidSignature):
        verify_v1a({"keys": [key.jwk]}, signature, id, at + seconds, body)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(body.decode(), headers(signature, at + seconds, id))


def test_another_key_does_not_verify() -> None:
    at = now()
    with pytest.raises(InvalidSignature):
        verify_v1a({"keys": [a_key().jwk]}, signatures("e1", at, BODY, [a_key()]), "e1", at, BODY)


def test_during_a_rotation_old_and_new_both_sign_and_either_verifies() -> None:
    at, old, new = now(), a_key(), a_key()
    other = "whsec_" + base64.b64encode(os.urandom(24)).decode()
    signature = signatures("e1", at, BODY, [new, old], [secret_bytes(SECRET), secret_bytes(other)])
    assert [part.partition(",")[0] for part in signature.split()] == ["v1", "v1", "v1a", "v1a"]
    for key in (old, new):
        verify_v1a({"keys": [key.jwk]}, signature, "e1", at, BODY)
    for secret in (SECRET, other):
        Webhook(secret).verify(BODY.decode(), headers(signature, at))


def test_a_key_signs_until_its_end() -> None:
    assert a_key().signs(1e12)
    assert a_key(signs_until=100.0).signs(99.9)
    assert not a_key(signs_until=100.0).signs(100.0)


def test_the_published_key_is_one_that_other_libraries_read() -> None:
    key = a_key()
    [read] = KeySet.import_key_set({"keys": [key.jwk]}).keys
    assert isinstance(read, OKPKey)
    assert read.thumbprint() == key.kid
    assert not read.is_private
    assert "d" not in key.jwk
    assert base64.b64decode(key.jwk["whpk"].removeprefix("whpk_")) == key.public


def test_a_key_shows_nothing_of_its_private_half() -> None:
    raw = os.urandom(32)
    shown = repr(Key.of(raw, 1.0)) + str(Key.of(raw, 1.0).jwk)
    for form in (
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        raw.hex(),
        repr(raw),
    ):
        assert form not in shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",  # without its prefix
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa",  # 23 bytes or so
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_not base64 at all, not at all, not at all",
        "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ],
)
def test_a_secret_that_is_none_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 random bytes") as caught:
        secret_bytes(text)
    assert len(text) < 8 or text not in str(caught.value)


def test_seconds_are_those_of_utc_wherever_the_machine_is() -> None:
    """The reference library takes an aware time for UTC whatever its zone; ours are seconds since the epoch."""
    at = datetime(2026, 11, 24, 8, tzinfo=timezone(timedelta(hours=2)))
    signature = signatures("e1", int(at.timestamp()), BODY, [], [secret_bytes(SECRET)])
    assert signature == Webhook(SECRET).sign("e1", at.astimezone(UTC), BODY.decode())


def test_what_many_listeners_are_told_in_the_same_second_is_signed_once() -> None:
    class Counting:
        times = 0

        def sign(self, signed: bytes) -> bytes:
            self.times += 1
            return signed

    private = Counting()
    key = Key(private, 0.0)  # type: ignore[arg-type]
    told = {signatures("e1", 7, b"body", [key]) for _ in range(10)}
    assert (len(told), private.times) == (1, 1)
    assert signatures("e1", 8, b"body", [key]) not in told
    assert private.times == 2
