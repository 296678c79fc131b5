"""Signatures on notifications, as Standard Webhooks 1.0 has them: HMAC-SHA256 (v1) and ed25519 (v1a).

Signed are the id, the second of the attempt and the bytes of the body, joined by dots. A listener that was given a
secret verifies ``v1``; every other one verifies ``v1a`` with the public keys that we publish, with nothing exchanged.
During a rotation the key or secret before signs too: any signature of ours that verifies will do.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import OKPKey

from tmf_adapter.tmf.events import Doc

OVERLAP = 24 * 3_600.0
"""Seconds for which a key or secret that was replaced signs beside its successor."""
SECRET_PREFIX = "whsec_"
PUBLIC_PREFIX = "whpk_"
_SECRET_BYTES = range(24, 65)


def secret_bytes(text: str) -> bytes:
    """Of a secret as Standard Webhooks writes it. Raises ``ValueError``, which does not repeat it."""
    try:
        raw = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raw = b""
    if not text.startswith(SECRET_PREFIX) or len(raw) not in _SECRET_BYTES:
        raise ValueError(f"must be {SECRET_PREFIX} followed by 24 to 64 random bytes in base64")
    return raw


@dataclass(frozen=True)
class Key:
    """An ed25519 key. Moments are Unix seconds; ``signs_until`` is None for the newest one."""

    private: Ed25519PrivateKey
    created_at: float
    signs_until: float | None = None

    @classmethod
    def of(cls, raw: bytes, created_at: float, signs_until: float | None = None) -> "Key":
        """From the 32 bytes of the private key."""
        return cls(Ed25519PrivateKey.from_private_bytes(raw), created_at, signs_until)

    def signs(self, now: float) -> bool:
        """Whether it signs, and is published, at that moment."""
        return self.signs_until is None or now < self.signs_until

    @cached_property
    def public(self) -> bytes:
        """The 32 bytes of its public half."""
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @cached_property
    def whpk(self) -> str:
        """The public half as Standard Webhooks writes it."""
        return PUBLIC_PREFIX + base64.b64encode(self.public).decode()

    @cached_property
    def jwk(self) -> Doc:
        """The public half as a JWK (RFC 8037), with its thumbprint (RFC 7638) as ``kid``, and as ``whpk``."""
        plain: Doc = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(self.public)}
        kid = OKPKey.import_key(plain).thumbprint()
        return {**plain, "kid": kid, "alg": "EdDSA", "use": "sig", "key_ops": ["verify"], "whpk": self.whpk}

    @property
    def kid(self) -> str:
        return str(self.jwk["kid"])


def signatures(event_id: str, timestamp: int, body: bytes, keys: Iterable[Key], secrets: Sequence[bytes] = ()) -> str:
    """The value of ``webhook-signature``: one for each secret, then one for each key. ``timestamp``: Unix seconds."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    made = [f"v1,{_base64(hmac.digest(secret, signed, 'sha256'))}" for secret in secrets]
    made += [_own(key.private, signed) for key in keys]
    return " ".join(made)


@lru_cache(maxsize=1_024)
def _own(private: Ed25519PrivateKey, signed: bytes) -> str:
    """The same for every listener that is told the same in the same second, and dear to make."""
    return f"v1a,{_base64(private.sign(signed))}"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
