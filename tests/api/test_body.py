"""Bytes to a JSON value: what is refused before any schema is asked."""

import gzip
from collections.abc import Iterable
from typing import Any

import pytest

from tmf_adapter.api.body import LIMIT, parse, read
from tmf_adapter.tmf.errors import AdapterError, Invalid, TooLarge, UnsupportedMediaType


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "not JSON"),
        (b" ", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"NaN", "not JSON"),
        (b"[Infinity]", "not JSON"),
        (b"1e999", "not JSON"),  # beyond what a double holds
        (b"1" * 5_000, "not JSON"),
        (b'"\\ud800"', "not JSON"),  # half a surrogate pair is no character
        (b'"\xff"', "not JSON"),
        (b'"\x00"', "not JSON"),
        ("{}".encode("utf-16"), "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),  # RFC 8259 wants no byte order mark
        (b'{"a": 1}{"b": 2}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (nested(241), "nested too deeply"),
        (nested(255), "nested too deeply"),
        (nested(900), "nested too deeply"),
        (b'{"a": 18446744073709551616}', "64 bits"),
        (b"[-9223372036854775809]", "64 bits"),
        (b"1" * 300, "64 bits"),
    ],
)
def test_what_cannot_be_kept_as_it_came_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        parse(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":1}', {"a": 1}),
        (b' {"a" : [1, 2.5, null]} ', {"a": [1, 2.5, None]}),
        (b'{"a":1,"a":2}', {"a": 2}),  # the last one wins
        (b"[18446744073709551615, -9223372036854775808]", [2**64 - 1, -(2**63)]),
        (b'"00000000000000000000000000001"', "0" * 28 + "1"),  # digits in a string are no number
        (b"[ 0.1234567890123456789012 ]", [0.1234567890123456789012]),
        ('"gr\\u00fcn \U0001f600"'.encode(), "grün 😀"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\u0000"', "\\u0000"),  # a backslash and five characters, not U+0000
    ],
)
def test_everything_else_is_the_value_it_says(data: bytes, value: Any) -> None:
    assert parse(data) == value


def test_240_levels_are_possible() -> None:
    assert parse(nested(240))


def test_malformed_json_is_located() -> None:
    with pytest.raises(Invalid) as caught:
        parse(b'{"a": }')
    assert "line 1 column 7" in str(caught.value.message)


def test_u0000_is_refused_where_it_stands() -> None:
    with pytest.raises(Invalid) as caught:
        parse(b'{"a": ["x", "y\\u0000"], "b\\u0000": 1, "c": "fine", "d~/": {"e": "\\u0000"}}')
    assert {fault.pointer for fault in caught.value.faults} == {"/a/1", "/b\0", "/d~0~1/e"}


class Client:
    """Sends a body in pieces; counts how many were asked for."""

    def __init__(self, pieces: Iterable[bytes], *, leaves: bool = False) -> None:
        self._pieces = list(pieces)
        self._leaves = leaves
        self.asked = 0

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        if self._pieces:
            piece = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or self._leaves}
        return {"type": "http.disconnect"}


async def test_a_body_in_pieces_is_put_together() -> None:
    assert await read(Client([b'{"a"', b"", b": 1}"]).receive, {}) == b'{"a": 1}'


async def test_a_client_that_leaves_ends_the_reading() -> None:
    assert await read(Client([b'{"a"'], leaves=True).receive, {}) is None


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    assert await read(Client([b"x" * LIMIT]).receive, {}) == b"x" * LIMIT


async def test_a_body_over_the_limit_is_refused_while_it_is_read() -> None:
    client = Client([b"x" * (LIMIT // 2)] * 10)
    with pytest.raises(TooLarge, match="too large"):
        await read(client.receive, {})
    assert client.asked == 3


@pytest.mark.parametrize("length", [b"1048577", b"9" * 30, b"9" * 5_000])
async def test_an_announced_excess_is_refused_before_the_first_byte(length: bytes) -> None:
    client = Client([b"x"])
    with pytest.raises(TooLarge):
        await read(client.receive, {b"content-length": length})
    assert client.asked == 0


@pytest.mark.parametrize("encoding", [b"gzip", b" GZIP", b"x-gzip"])
async def test_a_gzipped_body_is_unpacked(encoding: bytes) -> None:
    packed = gzip.compress(b"x" * 5_000)
    assert await read(Client([packed[:9], packed[9:]]).receive, {b"content-encoding": encoding}) == b"x" * 5_000


async def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(TooLarge):
        await read(Client([gzip.compress(b"0" * (LIMIT + 1))]).receive, {b"content-encoding": b"gzip"})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        gzip.compress(b"{}", mtime=0)[:-3],
        gzip.compress(b"{}", mtime=0) + b"x",
        gzip.compress(b"1", mtime=0) * 2,
    ],
)
async def test_what_is_not_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match="not gzip"):
        await read(Client([data]).receive, {b"content-encoding": b"gzip"})


@pytest.mark.parametrize("encoding", [b"br", b"gzip, identity", b"deflate", b"nonsense"])
async def test_a_body_compressed_otherwise_is_refused(encoding: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        await read(Client([b"x"]).receive, {b"content-encoding": encoding})


@pytest.mark.parametrize("encoding", [b"identity", b" Identity ", b""])
async def test_identity_is_no_compression(encoding: bytes) -> None:
    assert await read(Client([b"x"]).receive, {b"content-encoding": encoding}) == b"x"


@pytest.mark.parametrize("data", [b"{", nested(300), b"1" * 300])
def test_no_message_repeats_the_body(data: bytes) -> None:
    with pytest.raises(AdapterError) as caught:
        parse(data)
    assert len(str(caught.value.document())) < 400
