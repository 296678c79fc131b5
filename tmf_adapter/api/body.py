"""Bytes to a JSON value: how much is read, and what is refused before any schema is asked."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Receive

from tmf_adapter.api.faults import characters_nobody_keeps
from tmf_adapter.tmf.errors import Invalid, TooLarge, UnsupportedMediaType
from tmf_adapter.tmf.patch import LEVELS

LIMIT = 1 << 20
"""A body may have this many bytes, before it was compressed."""
_WRITTEN = 254
"""Levels that orjson writes."""
_GZIP = zlib.MAX_WBITS | 16

_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_NINETEEN_DIGITS = b"0" * 19
"""The shortest integer that may not fit into 64 bits; whatever is shorter need not be looked at."""


async def read(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes | None:
    """The whole body, decompressed, or None when the client went away before its end.

    Raises ``TooLarge`` as soon as that is known, which for an honest Content-Length is before the first byte, and
    ``UnsupportedMediaType`` for a compression other than gzip.
    """
    compressed = _is_compressed(headers)
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and (len(announced) > 15 or int(announced) > LIMIT):
        raise _too_large()
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > LIMIT:
            raise _too_large()
        chunks.append(chunk)
        more = message.get("more_body", False)
    data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    return _decompressed(data) if compressed else data


def parse(data: bytes) -> Any:
    """The JSON value, which can be stored and sent again with nothing lost. Raises ``Invalid``."""
    try:
        body = orjson.loads(data)
        again = orjson.dumps(body)  # loads takes 1,024 levels, dumps 254: what cannot be sent again must not be taken
        if data.count(b"[") + data.count(b"{") > LEVELS:
            orjson.dumps(_wrapped(body))
    except orjson.JSONDecodeError as error:
        raise Invalid("The request body is not JSON.", f"{error}.") from None
    except TypeError:
        raise Invalid("The request body is nested too deeply.", f"At most {LEVELS} levels are possible.") from None
    # What is written as orjson writes it has lost nothing; only other bodies need a closer look.
    if again != data and _NINETEEN_DIGITS in data.translate(_DIGITS_ALIKE):
        json.loads(data, parse_int=_within_64_bits)
    if b"\\" in data and b"\\u0000" in data and (faults := tuple(characters_nobody_keeps(body))):
        raise Invalid("The request body cannot be stored.", faults=faults)
    return body


def _wrapped(body: Any) -> Any:
    """The body so many levels down that only one of at most ``LEVELS`` can be written."""
    for _ in range(_WRITTEN - LEVELS):
        body = [body]
    return body


def _within_64_bits(digits: str) -> None:
    """orjson silently makes a float of a larger one."""
    if len(digits) > 20 or not -(1 << 63) <= int(digits) < 1 << 64:
        raise Invalid(
            "The request body holds an integer that does not fit into 64 bits.", f"It begins with {digits[:20]}."
        )


def _is_compressed(headers: Mapping[bytes, bytes]) -> bool:
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding not in (b"", b"identity", b"gzip", b"x-gzip"):
        raise UnsupportedMediaType("This compression is not accepted.", "Send the body as it is, or as gzip.")
    return encoding.endswith(b"gzip")


def _decompressed(data: bytes) -> bytes:
    """What was compressed; a bomb is not unpacked beyond the limit."""
    unpacking = zlib.decompressobj(wbits=_GZIP)
    try:
        content = unpacking.decompress(data, LIMIT + 1)
    except zlib.error as error:
        raise Invalid("The request body is not gzip.", f"{error}.") from None
    if len(content) > LIMIT:
        raise _too_large()
    if not unpacking.eof or unpacking.unused_data:
        raise Invalid("The request body is not gzip.", "It must be one whole gzip member.")
    return content


def _too_large() -> TooLarge:
    return TooLarge("The request body is too large.", f"At most {LIMIT} bytes are accepted.")
