"""Listeners of every temper: real HTTP servers on free ports that keep what they were sent."""

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request as it stood on the wire. ``at`` is when it was read whole, monotonic."""

    line: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        return json.loads(self.body)


Temper = Callable[[Received, asyncio.StreamWriter], Awaitable[bool]]
"""Answers a request; False closes the connection."""


def answers(status: int, body: bytes = b"", headers: str = "") -> Temper:
    async def temper(_received: Received, writer: asyncio.StreamWriter) -> bool:
        writer.write(f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body)
        return True

    return temper


accepts = answers(204)
fails = answers(500)


async def hangs(_received: Received, _writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(3600)
    return False


async def drips(_received: Received, writer: asyncio.StreamWriter) -> bool:
    """Always just about to answer: no read times out, only the whole does."""
    for byte in b"HTTP/1.1 204 " + b"x" * 10_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)
    return False


async def floods(_received: Received, writer: asyncio.StreamWriter) -> bool:
    """An answer without an end."""
    writer.write(b"HTTP/1.1 500 X\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"f" * 0x10000 + b"\r\n")
        await writer.drain()


async def resets(_received: Received, writer: asyncio.StreamWriter) -> bool:
    writer.transport.abort()
    return False


async def babbles(_received: Received, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"\x00\xff this is no HTTP at all\r\n\r\n")
    return False


def in_turn(*tempers: Temper) -> Temper:
    """The first request meets the first temper, and so on; the last one stays."""
    left = list(tempers)

    async def temper(received: Received, writer: asyncio.StreamWriter) -> bool:
        return await (left.pop(0) if len(left) > 1 else left[0])(received, writer)

    return temper


@dataclass
class Sink:
    """A listener. ``received`` in the order of arrival; ``open`` and ``most_open`` count requests under way."""

    temper: Temper = accepts
    port: int = 0
    received: list[Received] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    connections: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/listener"

    @property
    def event_ids(self) -> list[str]:
        return [received.event_id for received in self.received]

    async def start(self) -> "Sink":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """As if the process had died."""
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side left, or the sink stops
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        received = await _read(reader)
        self.received.append(received)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        answer = asyncio.ensure_future(self.temper(received, writer))
        gone = asyncio.ensure_future(reader.read(1))  # a client that gives up is one request less under way
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                return False
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            return answer.result()
        finally:
            self.open -= 1
            for task in (answer, gone):
                task.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)


class TlsSink(Sink):
    """A listener behind TLS."""

    context: ssl.SSLContext

    async def start(self) -> "TlsSink":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/listener"


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(line, headers, body, time.monotonic())


async def until(condition: Callable[[], Any], seconds: float = 90.0) -> None:
    """Return as soon as ``condition`` holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a sink tells nobody
            await asyncio.sleep(0.005)
