"""One POST, against listeners of every temper."""

import asyncio
import re
import time
from collections.abc import AsyncIterator

import pytest

from tests.hub.posting import To, a_poster
from tests.hub.room import OpenSink
from tests.hub.sinks import Sink, Temper, accepts, answers, babbles, drips, fails, floods, hangs, in_turn, resets, until
from tmf_adapter import __version__
from tmf_adapter.hub.post import ANSWER, Poster

BODY = b'{"eventId": "e1", "title": "caf\xc3\xa9",  "spaces":   "kept"}'


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    async with a_poster(timeout=0.4) as poster:
        yield poster


async def test_the_request_on_the_wire(poster: Poster, sink_of: OpenSink) -> None:
    sink = await sink_of()
    attempt = await poster.post(To(sink.url + "/a%2Fb/%7Ec?x=1&y=%20"), "e1", BODY)
    assert attempt.accepted
    assert attempt.status == 204
    (received,) = sink.received
    assert received.line == "POST /listener/a%2Fb/%7Ec?x=1&y=%20 HTTP/1.1"  # exactly as registered
    assert received.body == BODY
    assert abs(int(received.headers.pop("webhook-timestamp")) - time.time()) < 5
    trace, span = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-00", received.headers.pop("traceparent")).groups()
    assert (int(trace, 16), int(span, 16)) > (0, 0)
    assert received.headers.pop("webhook-signature").startswith("v1a,")
    assert received.headers == {
        "host": f"127.0.0.1:{sink.port}",
        "accept": "*/*",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "user-agent": f"tmf-adapter/{__version__}",
        "webhook-id": "e1",
    }


async def test_connections_are_used_again(poster: Poster, sink_of: OpenSink) -> None:
    sink = await sink_of(answers(200, b'{"ok": true}'))
    for number in range(5):
        assert (await poster.post(To(sink.url), f"e{number}", BODY)).answer == b'{"ok": true}'
    assert sink.connections == 1


@pytest.mark.parametrize(
    ("temper", "status", "error"),
    [
        (answers(201), 201, None),
        (fails, 500, None),
        (hangs, None, "no answer within 0.4 s"),
        (drips, None, "no answer within 0.4 s"),
        (resets, None, "Client|ServerDisconnected"),
        (babbles, None, "BadStatusLine|ClientResponseError|BadHttpMessage"),
    ],
    ids=["accepts", "fails", "hangs", "drips", "resets", "babbles"],
)
async def test_whatever_comes_is_an_attempt(
    poster: Poster, sink_of: OpenSink, temper: Temper, status: int | None, error: str | None
) -> None:
    sink = await sink_of(temper)
    began = time.monotonic()
    attempt = await poster.post(To(sink.url), "e1", BODY)
    assert time.monotonic() - began < 1.0, "the deadline is hard"
    assert attempt.status == status
    assert (attempt.error is None) is (error is None)
    if error:
        assert any(part in str(attempt.error) for part in error.split("|")), attempt


async def test_a_flood_is_read_up_to_4_kib_and_cut_off(poster: Poster, sink_of: OpenSink) -> None:
    sink = await sink_of(floods)
    began = time.monotonic()
    attempt = await poster.post(To(sink.url), "e1", BODY)
    assert time.monotonic() - began < 0.4
    assert (attempt.status, attempt.answer) == (500, b"f" * ANSWER)
    await until(lambda: not sink.open)


async def test_an_acceptance_counts_even_when_its_body_never_ends(poster: Poster, sink_of: OpenSink) -> None:
    async def temper(_received: object, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\npart")
        await asyncio.sleep(3600)
        return False

    attempt = await poster.post(To((await sink_of(temper)).url), "e1", BODY)
    assert (attempt.status, attempt.answer, attempt.error) == (200, b"part", None)
    assert attempt.accepted


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(poster: Poster, sink_of: OpenSink, status: int) -> None:
    target = await sink_of()
    sink = await sink_of(answers(status, headers=f"location: {target.url}\r\n"))
    assert (await poster.post(To(sink.url), "e1", BODY)).status == status
    assert target.received == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_proxy_of_the_environment_is_ignored(
    sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    sink, proxy = await sink_of(), await sink_of()
    monkeypatch.setenv(variable, proxy.url)
    async with a_poster() as poster:
        assert (await poster.post(To(sink.url), "e1", BODY)).accepted
    assert proxy.received == []


async def test_nobody_listens(poster: Poster) -> None:
    sink = await Sink().start()
    await sink.stop()
    attempt = await poster.post(To(sink.url), "e1", BODY)
    assert not attempt.blocked
    assert "ClientConnectorError" in str(attempt.error)


@pytest.mark.parametrize(
    "callback",
    ["http://no-such-host.invalid/", "http://a..b/", "http://[::1/", "http://:80/", "http:///x", "http://" + "a" * 300],
)
async def test_a_callback_that_cannot_be_dialled_is_an_error_not_an_exception(poster: Poster, callback: str) -> None:
    attempt = await poster.post(To(callback), "e1", BODY)
    assert attempt.status is None
    assert attempt.error


async def test_a_blocked_address_is_told_apart(sink_of: OpenSink) -> None:
    sink = await sink_of()
    async with a_poster(()) as poster:
        attempt = await poster.post(To(sink.url), "e1", BODY)
        by_name = await poster.post(To(sink.url.replace("127.0.0.1", "localhost")), "e1", BODY)
    assert attempt.blocked
    assert by_name.blocked
    assert attempt.error == "127.0.0.1 is not a public address and is not on the allow-list"
    assert sink.connections == 0


async def test_an_answer_in_parts_is_read_whole(poster: Poster, sink_of: OpenSink) -> None:
    async def temper(_received: object, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 400 X\r\ncontent-length: 6\r\n\r\nabc")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"def")
        return True

    sink = await sink_of(in_turn(temper, accepts))
    assert (await poster.post(To(sink.url), "e1", BODY)).failure == "answered 400: abcdef"
    assert (await poster.post(To(sink.url), "e2", BODY)).accepted
    assert sink.connections == 1
