"""A cursor: a place in an ordered list, between two resources, as text that only we can read."""

import base64
import binascii
import json
from dataclasses import dataclass
from math import isfinite
from zlib import crc32

from tmf_adapter.tmf.condition import Key, Sort, sort_key
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.events import Doc

LONGEST = 8_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of one resource: its keys in the list's order, and its id."""

    keys: tuple[Key, ...]
    id: str

    @classmethod
    def of(cls, document: Doc, sort: tuple[Sort, ...]) -> "Cursor":
        """Where ``document`` stands in a list ordered by ``sort``."""
        return cls(tuple(sort_key(document, key) for key in sort), str(document["id"]))

    def written(self, collection: str, sort: tuple[Sort, ...]) -> str:
        """As text, for the list of ``collection`` in the order ``sort`` only."""
        content = json.dumps([_fingerprint(collection, sort), self.id, *self.keys], separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read(name: str, text: str, collection: str, sort: tuple[Sort, ...]) -> Cursor:
    """The cursor that ``written`` has written. Raises ``BadQuery`` for any other text, or one of another list."""
    refused = BadQuery(
        f"The query parameter {name} is not a cursor of this list.",
        "Take it from the Link header of this collection, in the same order.",
    )
    if len(text) > LONGEST:
        raise refused
    try:
        content = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=="))
        json.dumps(content, ensure_ascii=False).encode()  # half a character cannot be
    except (binascii.Error, ValueError, RecursionError):
        raise refused from None
    match content:
        case [int(fingerprint), str(id_), *keys] if fingerprint == _fingerprint(collection, sort):
            if len(keys) == len(sort) and "\0" not in id_ and all(map(_is_key, keys)):
                return Cursor(tuple((rank, number, found) for rank, number, found in keys), id_)
    raise refused


def _is_key(key: object) -> bool:
    match key:
        case [int(rank), float(number), str(text)]:
            return -1 <= rank <= 3 and isfinite(number) and "\0" not in text
    return False


def _fingerprint(collection: str, sort: tuple[Sort, ...]) -> int:
    order = [(key.path, key.is_descending) for key in sort]
    return crc32(json.dumps([collection, order]).encode())
