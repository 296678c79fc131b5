"""Texts that must not be shown, and the keys among them. Imports nothing: what needs ciphers is in vault.py."""

import base64

KEY = 32
"""Bytes of a key."""


class Secret:
    """A text that nothing shows by accident: neither a repr nor a log nor a traceback, only ``reveal``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, to be used and not to be kept."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def keys(text: str) -> tuple[Secret, ...]:
    """Keys in base64 or hex, comma-separated: the first seals, each opens, so that a key can be replaced.

    Raises ``ValueError``, which does not repeat what was given.
    """
    return tuple(Secret(_key(part.strip()).hex()) for part in text.split(",") if part.strip())


def _key(text: str) -> bytes:
    for decode in (bytes.fromhex, _from_base64):
        try:
            key = decode(text)
        except ValueError:
            continue
        if len(key) == KEY:
            return key
    raise ValueError(f"must be {KEY} random bytes in base64 or hex, as from: openssl rand -base64 {KEY}")


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
