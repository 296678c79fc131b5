"""The terms of a subscription: how its listener wants to be called. The standard's Hub has no member for any of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

import orjson


class Order(StrEnum):
    """What has to wait for what."""

    SUBSCRIPTION = "subscription"  # everything, one after the other
    RESOURCE = "resource"  # what is about one resource
    NONE = "none"  # nothing


class Handshake(StrEnum):
    """Whether a listener is asked, by OPTIONS as CloudEvents has it, if it wants to be notified. Nobody is made to."""

    OFF = "off"
    ADVISORY = "advisory"  # what it answers is logged, and nothing depends on it


HOLD = 900.0
"""Seconds that a delivery which cannot be brought holds what comes after it, by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSecret:
    """A secret that notifications are signed with, as it may be stored. Moments are Unix seconds.

    ``signs_until`` is None for the newest one.
    """

    sealed: str
    added_at: float
    signs_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Kept as JSON in the subscription's row; only what differs from the defaults is written.

    ``hold``: seconds for which a delivery that failed keeps what follows it waiting; then the rest goes on, and the
    late one says so in its header ``TMF-Late``. ``timeout``: seconds of one attempt, None for the adapter's own.
    ``append_listener``: post to ``<callback>/listener/<event name>``, as the standard's documents name the paths,
    instead of to the callback exactly. ``auth`` and ``tls`` are JSON, as an operator gave them but with every secret
    sealed; ``secrets`` are those that sign, the newest first.
    """

    order: Order = Order.RESOURCE
    hold: float = HOLD
    timeout: float | None = None
    append_listener: bool = False
    handshake: Handshake = Handshake.OFF
    auth: str | None = None
    tls: str | None = None
    secrets: tuple[SigningSecret, ...] = ()

    @classmethod
    def read(cls, text: str) -> Self:
        """From a row. A member that a newer version of the adapter wrote there is not ours to judge: left out."""
        known = {field.name for field in fields(cls)}
        return cls.of({name: value for name, value in orjson.loads(text).items() if name in known})

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From values by name."""
        parsed = {
            "order": Order(values.get("order", Order.RESOURCE)),
            "handshake": Handshake(values.get("handshake", Handshake.OFF)),
            "secrets": tuple(SigningSecret(**secret) for secret in values.get("secrets", ())),
        }
        return cls(**{**values, **parsed})

    def written(self) -> str:
        """For a row: an object of what differs from the defaults."""
        usual = asdict(type(self)())
        return orjson.dumps({name: value for name, value in asdict(self).items() if value != usual[name]}).decode()
