"""The keys that sign notifications: made at the first start, in the database, shared by all processes on it.

A key is sealed as soon as there is a key to seal with (``TMF_ADAPTER_SECRET_KEY``); without one it is kept as it is,
which is said in the log: whoever reads the database could then sign as we do.
"""

import base64
import logging
import os
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tmf_adapter.hub.signing import OVERLAP, Key
from tmf_adapter.storage import audit
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.failures import reachable
from tmf_adapter.storage.tables import TENANT, signing_key
from tmf_adapter.tmf.errors import AdapterError
from tmf_adapter.tmf.events import Doc
from tmf_adapter.vault import Unreadable, Vault

log = logging.getLogger(__name__)

_K = signing_key.c
_PLAIN = "plain:"
_KEPT = sa.select(signing_key).where(_K.tenant == TENANT).order_by(_K.generation.desc())
_FIRST = sa.select(_K.kid).where(_K.tenant == TENANT, _K.generation == 1)
_OF = (_K.tenant == TENANT) & (_K.generation == sa.bindparam("number"))
_SUCCEEDED = sa.update(signing_key).where(_OF).values(signs_until=sa.bindparam("until"))
_SEALED = sa.update(signing_key).where(_OF).values(private=sa.bindparam("sealed"))


class Keys:
    """``signing`` are the keys that sign now, the newest first; there is always one."""

    def __init__(self, database: Database, vault: Vault) -> None:
        """Reads the keys, makes the first, and seals what is not sealed yet.

        Raises ``AdapterError`` when a key was sealed with another ``TMF_ADAPTER_SECRET_KEY``.
        """
        self._database = database
        self._vault = vault
        with reachable(), database.engine.begin() as tx:
            if database.is_sqlite:
                tx.exec_driver_sql("BEGIN IMMEDIATE")
            self._make_first(tx)
            self._seal(tx)
            self._known = self._read(tx)
        if not vault.has_key:
            log.warning("the signing key is kept unsealed: TMF_ADAPTER_SECRET_KEY is not set")

    @property
    def signing(self) -> list[Key]:
        now = time.time()
        return [key for key in self._known if key.signs(now)]

    def published(self) -> Doc:
        """The public keys as a JWK set (RFC 7517)."""
        return {"keys": [key.jwk for key in self.signing]}

    async def refresh(self) -> None:
        """Take up what another process has rotated."""
        self._known = await self._database.read(self._read)

    async def rotate(self, who: str, *, revoke: bool = False) -> Key:
        """A new key signs from now on, and the one before it beside it for 24 hours. ``who`` goes on record.

        ``revoke``: every other key ends now, because somebody else may have it.
        """
        now = time.time()
        until = now if revoke else now + OVERLAP
        action = "revoke" if revoke else "rotate"
        raw = os.urandom(32)

        def work(tx: sa.Connection) -> None:
            tx.execute(_FIRST.with_for_update())  # those who rotate at once take turns
            newest = tx.execute(_KEPT.limit(1)).one()
            tx.execute(_SUCCEEDED, {"number": newest.generation, "until": until})
            if revoke:
                tx.execute(sa.update(signing_key).where(_K.signs_until > now).values(signs_until=now))
            tx.execute(sa.update(signing_key).where(_K.signs_until <= now).values(private=""))
            self._insert(tx, newest.generation + 1, raw, now)
            audit.record(tx, who, action, "signingKey", {"kid": newest.kid}, {"kid": Key.of(raw, now).kid})

        await self._database.write(work)
        await self.refresh()
        return Key.of(raw, now)

    def _make_first(self, tx: sa.Connection) -> None:
        if tx.execute(_KEPT.limit(1)).first() is None:
            self._insert(tx, 1, os.urandom(32), time.time())

    def _insert(self, tx: sa.Connection, generation: int, raw: bytes, now: float) -> None:
        """Of several processes that start at once, or rotate at once, one has made it and the others find it made."""
        dialect: Any = sqlite if self._database.is_sqlite else postgresql
        row = {"kid": Key.of(raw, now).kid, "private": self._kept(generation, raw), "created_at": now}
        made = dialect.insert(signing_key).values(tenant=TENANT, generation=generation, **row)
        tx.execute(made.on_conflict_do_nothing(index_elements=["tenant", "generation"]))

    def _kept(self, generation: int, raw: bytes) -> str:
        text = base64.b64encode(raw).decode()
        return self._vault.seal(text, _place(generation)) if self._vault.has_key else _PLAIN + text

    def _seal(self, tx: sa.Connection) -> None:
        """With the key that seals now: what was kept before there was one, or was sealed with the one before."""
        if not self._vault.has_key:
            return
        for row in tx.execute(_KEPT).all():
            if row.private and not self._vault.is_sealed_anew(row.private):
                sealed = self._kept(row.generation, self._opened(row))
                tx.execute(_SEALED, {"number": row.generation, "sealed": sealed})

    def _read(self, tx: sa.Connection) -> list[Key]:
        now = time.time()
        rows = [row for row in tx.execute(_KEPT) if row.signs_until is None or row.signs_until > now]
        return [Key.of(self._opened(row), row.created_at, row.signs_until) for row in rows]

    def _opened(self, row: Any) -> bytes:
        if row.private.startswith(_PLAIN):
            return base64.b64decode(row.private.removeprefix(_PLAIN))
        try:
            return base64.b64decode(self._vault.open(row.private, _place(row.generation)))
        except Unreadable as error:
            remedy = "Set TMF_ADAPTER_SECRET_KEY to what it was; to replace it, put the new one before it."
            raise AdapterError("The signing key in the database cannot be opened.", f"{remedy} ({error})") from None


def _place(generation: int) -> str:
    return f"signing_key/{generation}"
