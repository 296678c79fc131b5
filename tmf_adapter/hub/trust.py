"""What makes a notification ours beyond doubt, and what its listener wants to be shown before it takes it.

The secrets of a listener stand sealed in its terms; opened, they are in memory only, for as long as its terms stay.
"""

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from tmf_adapter.credentials import SECRET_MEMBERS, Credentials, Tls, Tokens, auth_of
from tmf_adapter.hub.signing import Key, secret_bytes, signatures
from tmf_adapter.hub.terms import Terms
from tmf_adapter.tmf.events import Doc
from tmf_adapter.vault import Vault

MASK = "***"
"""What is shown where a secret stands."""
LISTENERS = 10_000
"""Listeners whose credentials are kept in memory."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """Of one listener, as its terms were."""

    terms: Terms
    credentials: Credentials
    secrets: tuple[tuple[bytes, float | None], ...]


class Signing(Protocol):
    """The keys that sign now."""

    @property
    def signing(self) -> Sequence[Key]: ...


class Trust:
    """One per process."""

    def __init__(self, keys: Signing, vault: Vault, tokens: Tokens) -> None:
        self._keys = keys
        self._vault = vault
        self._tokens = tokens
        self._opened: dict[str, _Opened] = {}

    async def headers(self, id: str, terms: Terms, event_id: str, body: bytes) -> dict[str, str]:
        """Of one attempt to bring ``body`` to the listener of subscription ``id``: signatures, then credentials.

        Raises ``NoToken``, and ``ValueError`` for terms whose secrets cannot be opened.
        """
        opened = self._of(id, terms)
        now = time.time()
        secrets = [secret for secret, until in opened.secrets if until is None or now < until]
        signed = {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": signatures(event_id, int(now), body, self._keys.signing, secrets),
        }
        return signed if opened.credentials.auth is None else signed | await opened.credentials.headers()

    async def credentials(self, id: str, terms: Terms) -> dict[str, str]:
        """What its listener wants to be shown, without any signature. Raises as ``headers`` does."""
        return await self._of(id, terms).credentials.headers()

    def refused(self, id: str, terms: Terms, headers: Mapping[str, str]) -> bool:
        """The listener answered 401 to these: whether another try makes sense, with a new token."""
        return self._of(id, terms).credentials.refused(headers)

    def ssl_context(self, id: str, terms: Terms) -> ssl.SSLContext | None:
        """For the connection to the listener; None for the system's own."""
        return None if terms.tls is None else self._of(id, terms).credentials.ssl_context()

    def forget(self, id: str) -> None:
        """The subscription is gone, and what was opened of it goes too."""
        self._opened.pop(id, None)

    def _of(self, id: str, terms: Terms) -> _Opened:
        found = self._opened.get(id)
        if found is None or (found.terms is not terms and found.terms != terms):
            if len(self._opened) >= LISTENERS:
                self._opened.clear()
            found = self._opened[id] = self._open(id, terms)
        return found

    def _open(self, id: str, terms: Terms) -> _Opened:
        auth = auth_of(unsealed(orjson.loads(terms.auth), id, self._vault)) if terms.auth else None
        tls = tls_of(orjson.loads(terms.tls)) if terms.tls else None
        place = secret_place(id)
        secrets = tuple(
            (secret_bytes(self._vault.open(each.sealed, place)), each.signs_until) for each in terms.secrets
        )
        return _Opened(terms, Credentials(auth, tls, self._tokens), secrets)


def secret_place(id: str) -> str:
    """Where the signing secrets of a subscription are kept."""
    return f"subscription/{id}/secret"


def sealed(auth: Doc, id: str, vault: Vault) -> Doc:
    """The JSON form of credentials as it may be stored. Raises ``NoSecretKey``."""
    return _with_secret(auth, lambda text: vault.seal(text, _auth_place(id)))


def unsealed(auth: Doc, id: str, vault: Vault) -> Doc:
    """The JSON form of credentials as it was given. Raises ``Unreadable``."""
    return _with_secret(auth, lambda text: vault.open(text, _auth_place(id)))


def masked(auth: Doc) -> Doc:
    """The JSON form of credentials as it may be shown."""
    return _with_secret(auth, lambda _: MASK)


def _with_secret(auth: Doc, change: Callable[[str], str]) -> Doc:
    member = SECRET_MEMBERS[auth["type"]]
    return {**auth, member: change(auth[member])}


def _auth_place(id: str) -> str:
    return f"subscription/{id}/auth"


def tls_of(document: Mapping[str, str]) -> Tls:
    """From its JSON form, paths by name. Raises ``BadCredentials``."""
    files = {name: Path(document[name]) for name in ("certificate", "key", "ca") if name in document}
    return Tls(**files)
