"""Secrets at rest: sealed with AES-256-GCM under a key from the environment, each bound to the place it is kept at."""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tmf_adapter.secret import Secret
from tmf_adapter.tmf.errors import NoSecretKey

NONCE = 12
_SCHEME = "aes256gcm"


class Unreadable(ValueError):
    """A sealed secret that no key at hand opens, or that was moved or altered."""


class Vault:
    """Seals and opens. Without a key it can do neither, and says so to whoever wants a secret kept."""

    def __init__(self, keys: Sequence[Secret] = ()) -> None:
        raw = [bytes.fromhex(key.reveal()) for key in keys]
        self._ciphers = {hashlib.sha256(key).hexdigest()[:8]: AESGCM(key) for key in raw}
        self._first = next(iter(self._ciphers), None)

    @property
    def has_key(self) -> bool:
        """Whether a secret can be kept."""
        return self._first is not None

    def seal(self, secret: str, place: str) -> str:
        """The secret as it may be stored at ``place``, and nowhere else. Raises ``NoSecretKey``."""
        if self._first is None:
            raise NoSecretKey
        nonce = os.urandom(NONCE)
        sealed = self._ciphers[self._first].encrypt(nonce, secret.encode(), place.encode())
        return f"{_SCHEME}:{self._first}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, place: str) -> str:
        """What was sealed at ``place``. Raises ``Unreadable``."""
        scheme, _, rest = sealed.partition(":")
        name, _, text = rest.partition(":")
        cipher = self._ciphers.get(name)
        if scheme != _SCHEME or cipher is None:
            raise Unreadable(f"what is kept at {place} was sealed with a key that TMF_ADAPTER_SECRET_KEY does not hold")
        try:
            raw = base64.b64decode(text, validate=True)
            return cipher.decrypt(raw[:NONCE], raw[NONCE:], place.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise Unreadable(f"what is kept at {place} was altered, or was sealed for another place") from None

    def is_sealed_anew(self, sealed: str) -> bool:
        """Whether it was sealed with the key that seals now."""
        return sealed.startswith(f"{_SCHEME}:{self._first}:")
