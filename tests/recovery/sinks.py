"""Downstreams that misbehave in one way each, on free ports of this machine."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Reply = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Sink:
    """A server that hands each request to ``reply``."""

    url: str
    requests: list[bytes] = field(default_factory=list)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head + await reader.readexactly(length)


@asynccontextmanager
async def sink(reply: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Sink]:
    """Serve until the block is left; connections still open then are dropped."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while True:
                request = await _request(reader)
                here.requests.append(request)
                await reply(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    here = Sink(f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield here
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(status: int, body: bytes, media_type: str = "application/json") -> Reply:
    """A whole answer."""

    async def reply(_request: bytes, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return reply


async def hang(_request: bytes, _writer: asyncio.StreamWriter) -> None:
    """Take the request and say nothing."""
    await asyncio.sleep(3600)


async def drip_head(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """A byte of the status line and headers at a time."""
    for byte in b"HTTP/1.1 201 X\r\nX-Slow: " + b"a" * 10_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_body(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """The head at once, a byte of the body at a time."""
    writer.write(b"HTTP/1.1 201 X\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n")
    for _ in range(10_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def reset(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """Close without a word."""
    writer.transport.abort()


async def flood(_request: bytes, writer: asyncio.StreamWriter) -> None:
    """A body without end."""
    writer.write(b"HTTP/1.1 201 X\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n")
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()
