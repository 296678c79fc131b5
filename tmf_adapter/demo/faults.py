"""Misbehaviour on purpose: which fault the next requests meet, and the answers no decent server gives."""

import asyncio
import socket
import struct
import time
from dataclasses import dataclass

from aiohttp import web

from tmf_adapter.demo.serving import Doc

OK = "ok"
FLOOD = b"all work and no play " * 3_000


@dataclass(slots=True)
class Faults:
    """``modes`` are those that may be asked for, with the seconds each takes if nobody says otherwise."""

    modes: dict[str, float]
    mode: str = OK
    left: int | None = None
    """How many requests will still meet the fault; None for all."""
    seconds: float = 0.0

    def plan(self, mode: object, body: Doc) -> str | None:
        """Set ``mode`` for the next ``times`` requests (all, when absent); what is wrong with it, or None."""
        if not isinstance(mode, str) or mode not in self.modes:
            return f"the mode must be one of: {', '.join(self.modes)}"
        times, seconds = body.get("times"), body.get("seconds", self.modes[mode])
        if times is not None and (not isinstance(times, int) or times < 0):
            return "times must be a whole number"
        if not isinstance(seconds, int | float) or seconds < 0:
            return "seconds must be a number"
        self.mode, self.left, self.seconds = mode, times, float(seconds)
        return None

    def take(self) -> tuple[str, float]:
        """The fault that this request meets, and its seconds."""
        if self.left is None:
            return self.mode, self.seconds
        if self.left == 0:
            return OK, 0.0
        self.left -= 1
        return self.mode, self.seconds


async def hang(request: web.Request, seconds: float) -> web.StreamResponse:
    """No answer, and after ``seconds`` not even a connection."""
    await asyncio.sleep(seconds)
    return drop(request)


async def drip(request: web.Request, status: int, content: bytes, seconds: float) -> web.StreamResponse:
    """A proper answer, one byte every ``seconds``."""
    headers = {"content-type": "application/json", "content-length": str(len(content))}
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    for byte in content:
        await response.write(bytes((byte,)))
        await asyncio.sleep(seconds)
    return response


async def flood(request: web.Request, seconds: float) -> web.StreamResponse:
    """An answer that goes on for ``seconds``, as fast as it is read."""
    response = web.StreamResponse(status=200)
    await response.prepare(request)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await response.write(FLOOD)
    return response


def drop(request: web.Request) -> web.StreamResponse:
    """Hang up without an answer."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def reset(request: web.Request) -> web.StreamResponse:
    """Hang up without an answer and without manners: TCP RST."""
    if request.transport is not None:
        linger = struct.pack("ii", 1, 0)
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.transport.abort()
    return web.Response()
