"""What a record may show: secrets never, personal data masked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

MASKED = "***"

SECRETS = frozenset({"authorization", "password", "secret", "clientsecret", "token", "accesstoken", "apikey"})
"""Members that are masked whatever is configured; names compare without case, ``-`` and ``_``."""

PERSONAL = (
    "phoneNumber",
    "emailAddress",
    "note",
    "text",
    "content",
    "givenName",
    "familyName",
    "street1",
    "streetName",
    "author",
)
"""Members of TM Forum resources that hold what a customer said or where he can be reached."""

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w.-])(?:\+|00)\d[\d /()-]{6,40}\d(?![\w-])|(?<![\w.-])0\d[\d /()-]{5,40}\d(?![\w-])")
"""Both look at each place of a text a bounded number of times, whatever a client writes to have them look again."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Masks the values of members with these names, and e-mail addresses and telephone numbers in every text."""

    names: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str] = PERSONAL) -> "Mask":
        """One that masks ``names`` besides the secrets."""
        return cls(frozenset(map(_folded, names)) | SECRETS)

    def hides(self, name: str) -> bool:
        """Whether the value of a member of this name is masked."""
        return _folded(name) in self.names

    def __call__(self, value: Any) -> Any:
        """``value``, which is JSON, with what is not to be shown masked; the given one stays as it is."""
        if isinstance(value, dict):
            return {name: hidden(inner) if self.hides(str(name)) else self(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self(inner) for inner in value]
        return _masked(value) if isinstance(value, str) else value


def hidden(value: Any) -> Any:
    """``value`` with every text and number masked: its shape stays, so that one can tell how many notes there were."""
    if isinstance(value, dict):
        return {name: hidden(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(inner) for inner in value]
    return value if value is None or isinstance(value, bool) else MASKED


def _masked(text: str) -> str:
    """Most texts have neither sign of such data, and are not searched."""
    if "@" in text:
        text = _EMAIL.sub(MASKED, text)
    return _PHONE.sub(MASKED, text) if "0" in text or "+" in text else text


@lru_cache(maxsize=4096)
def _folded(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
