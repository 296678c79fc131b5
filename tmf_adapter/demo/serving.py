"""What the servers of the demo share: a process that says where it listens, and answers that are JSON."""

import argparse
import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

Doc = dict[str, Any]
"""A JSON object."""

BODY_LIMIT = 16 << 20


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with the options every server has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on, 0 for a free one (default)")
    return parser


async def serve(app: web.Application, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    async with listening(app, host, port) as url:
        over = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
        print(f"listening on {url}", flush=True)
        await over.wait()


@asynccontextmanager
async def listening(app: web.Application, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve in this process; yields the URL. A request whose client hung up is cancelled."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        yield f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


def answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON response."""
    return web.Response(
        body=orjson.dumps(document), status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


def refuse(status: int, reason: str) -> web.Response:
    """A TMF ``Error``."""
    return answer({"@type": "Error", "code": str(status), "reason": reason, "status": str(status)}, status)


async def read_object(request: web.Request) -> Doc | None:
    """The body, None when it is no JSON object."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
