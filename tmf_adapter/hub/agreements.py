"""Changing how a listener is called: by an operator, on record, and from the next attempt on."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from tmf_adapter.credentials import SECRET_MEMBERS, BadCredentials, auth_of
from tmf_adapter.hub import store
from tmf_adapter.hub.overview import shown
from tmf_adapter.hub.signing import OVERLAP, secret_bytes
from tmf_adapter.hub.subscriptions import Subscriptions
from tmf_adapter.hub.terms import Handshake, Order, SigningSecret, Terms
from tmf_adapter.hub.trust import MASK, sealed, secret_place, tls_of, unsealed
from tmf_adapter.storage import audit
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Doc
from tmf_adapter.vault import Unreadable, Vault

log = logging.getLogger(__name__)

_PLAIN = {
    "order": ("order", Order),
    "hold": ("hold", float),
    "timeout": ("timeout", float),
    "appendListener": ("append_listener", bool),
    "handshake": ("handshake", Handshake),
}
"""Members of a patch that mean what they say: the field they change, and its type."""


class Agreements:
    """``changed`` is told the id of a subscription whose terms are new."""

    def __init__(self, subscriptions: Subscriptions, vault: Vault, changed: Callable[[str], None]) -> None:
        self._subscriptions = subscriptions
        self._vault = vault
        self._changed = changed

    async def change(self, id: str, patch: Doc, who: str) -> None:
        """What ``patch`` names is changed, what it has as null goes back to the default.

        Raises ``NotFound``, ``Invalid`` with the place of what cannot be used, and ``NoSecretKey``.
        """
        if not patch:
            raise Invalid.at("", "names nothing that shall change")
        values = {**_plainly(patch), **self._auth(id, patch), **await asyncio.to_thread(_tls, patch)}
        await self._settle(id, lambda terms: replace(terms, **values), who, "terms")

    async def give_secret(self, id: str, secret: str, who: str) -> None:
        """It signs from now on; what signed before does so for 24 hours more. Raises as ``change`` does."""
        try:
            secret_bytes(secret)
        except ValueError as error:
            raise Invalid.at("/secret", str(error)) from None
        now = time.time()
        new = SigningSecret(sealed=self._vault.seal(secret, secret_place(id)), added_at=now)

        def alter(terms: Terms) -> Terms:
            ending = (replace(old, signs_until=old.signs_until or now + OVERLAP) for old in terms.secrets)
            return replace(terms, secrets=(new, *(old for old in ending if (old.signs_until or 0) > now)))

        await self._settle(id, alter, who, "rotate")

    async def take_secrets(self, id: str, who: str) -> None:
        """None of its secrets signs any more. Raises ``NotFound``."""
        await self._settle(id, lambda terms: replace(terms, secrets=()), who, "removeSecret")

    async def reseal(self) -> None:
        """What was sealed with an older key is sealed with the one that seals now, so that the older one can go."""
        if not self._vault.has_key:
            return
        for listener in await self._subscriptions.every():
            if _is_sealed_before(listener.terms, self._vault):
                try:
                    await self._subscriptions.settle(listener.id, partial(self._resealed, listener.id), _nowhere)
                except Unreadable as error:
                    log.warning("subscription %s: %s", listener.id, error)

    def _resealed(self, id: str, terms: Terms) -> Terms:
        vault, place = self._vault, secret_place(id)
        auth = terms.auth and orjson.dumps(sealed(unsealed(orjson.loads(terms.auth), id, vault), id, vault)).decode()
        anew = (replace(each, sealed=vault.seal(vault.open(each.sealed, place), place)) for each in terms.secrets)
        return replace(terms, auth=auth, secrets=tuple(anew))

    async def _settle(self, id: str, alter: Callable[[Terms], Terms], who: str, action: str) -> None:
        def record(tx: store.Tx, before: Terms, after: Terms) -> None:
            audit.record(tx, who, action, f"subscription/{id}", shown(before), shown(after))

        await self._subscriptions.settle(id, alter, record)
        self._changed(id)

    def _auth(self, id: str, patch: Doc) -> dict[str, Any]:
        if "auth" not in patch:
            return {}
        auth = patch["auth"]
        if auth is None:
            return {"auth": None}
        try:
            auth_of(auth)
        except BadCredentials as error:
            raise Invalid.at(f"/auth{error.pointer}", str(error)) from None
        member = SECRET_MEMBERS[auth["type"]]
        if auth[member] == MASK:
            raise Invalid.at(f"/auth/{member}", "is the mask that is shown instead of a secret, and no secret")
        return {"auth": orjson.dumps(sealed(auth, id, self._vault)).decode()}


def _is_sealed_before(terms: Terms, vault: Vault) -> bool:
    auth = orjson.loads(terms.auth) if terms.auth else None
    kept = [each.sealed for each in terms.secrets] + ([auth[SECRET_MEMBERS[auth["type"]]]] if auth else [])
    return not all(vault.is_sealed_anew(each) for each in kept)


def _nowhere(_tx: store.Tx, _before: Terms, _after: Terms) -> None:
    """Nobody's decision, and nothing that a listener notices."""


def _plainly(patch: Doc) -> dict[str, Any]:
    usual = Terms()
    return {
        field: getattr(usual, field) if patch[name] is None else kind(patch[name])
        for name, (field, kind) in _PLAIN.items()
        if name in patch
    }


def _tls(patch: Doc) -> dict[str, Any]:
    """The files are tried at once: a path that is wrong is better known now than at the next notification."""
    if "tls" not in patch:
        return {}
    tls = patch["tls"]
    if not tls:
        return {"tls": None}
    try:
        tls_of(tls).context()
    except BadCredentials as error:
        raise Invalid.at(f"/tls{error.pointer}", str(error)) from None
    except (OSError, ValueError) as error:
        raise Invalid.at("/tls", f"cannot be used: {error}") from None
    return {"tls": orjson.dumps(tls).decode()}
