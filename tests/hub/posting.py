"""Posting without a hub: a poster with a key of its own, and whom it may post to."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.hub.room import LOOPBACK
from tmf_adapter.credentials import Tokens
from tmf_adapter.hub.guard import Guard
from tmf_adapter.hub.post import TIMEOUT, Poster
from tmf_adapter.hub.signing import Key
from tmf_adapter.hub.terms import Terms
from tmf_adapter.hub.trust import Trust
from tmf_adapter.vault import Vault


@dataclass(frozen=True)
class To:
    """A subscription, as far as posting knows it."""

    callback: str
    terms: Terms = Terms()  # noqa: RUF009 - it is frozen
    id: str = "s1"

    def address(self, body: bytes) -> str:
        return self.callback


@dataclass
class OneKey:
    """The keys of an adapter that was just started."""

    signing: list[Key] = field(default_factory=lambda: [Key.of(os.urandom(32), 0.0)])


def a_poster(
    allowed: Sequence[str] = LOOPBACK, timeout: float = TIMEOUT, vault: Vault | None = None, keys: OneKey | None = None
) -> Poster:
    guard = Guard(allowed)
    trust = Trust(keys or OneKey(), vault or Vault(), Tokens(guard.check, timeout))
    return Poster(guard, trust, timeout, "adapter.test")
