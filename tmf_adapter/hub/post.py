"""One POST of one notification to one listener. Whatever the network brings is an ``Attempt``, never an exception."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from time import monotonic
from types import TracebackType

import aiohttp

from tmf_adapter import __version__
from tmf_adapter.hub.delivery import Attempt
from tmf_adapter.hub.guard import Blocked, Guard, GuardedResolver

TIMEOUT = 15.0
"""Seconds that one attempt may take in all, from the look-up of the name to the end of the answer."""
CONNECT = 3.0
"""Seconds for the TCP handshake."""
IDLE = 4.0
"""Seconds an idle connection is kept: less than servers keep it (5 s is usual), so that none closes under a POST."""
ANSWER = 4_096
"""Bytes of the answer that are read; the connection is closed on a longer one."""


_SAID = (("retry_after", "Retry-After"), ("location", "Location"))
_Request = AbstractAsyncContextManager[aiohttp.ClientResponse]


class Poster:
    """Posts notifications over one pool of connections. Use as an async context manager."""

    def __init__(self, guard: Guard, timeout: float = TIMEOUT) -> None:
        self._guard = guard
        self._timeout = timeout
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=IDLE, resolver=GuardedResolver(guard), socket_factory=guard.socket
            ),
            headers={"content-type": "application/json", "user-agent": f"tmf-adapter/{__version__}"},
            skip_auto_headers=("accept-encoding",),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            trust_env=False,  # a proxy from the environment would dial for us, past the guard
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def __aenter__(self) -> "Poster":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def post(
        self, callback: str, event_id: str, body: bytes, *, late: bool = False, timeout: float | None = None
    ) -> Attempt:
        """POST ``body`` to ``callback`` exactly; ``webhook-id`` and ``webhook-timestamp`` follow Standard Webhooks.

        ``late``: what came after it may have arrived before it. ``timeout``: seconds, if not the usual.
        A status that arrived counts, even when the answer's body never ends or breaks off.
        """
        status, error, blocked, answer = None, None, False, bytearray()
        said: dict[str, str | None] = {}
        at, began, timeout = time.time(), monotonic(), timeout or self._timeout
        try:
            async with asyncio.timeout(timeout), self._request(callback, event_id, body, late) as response:
                status = response.status
                said = {name: response.headers.get(header) for name, header in _SAID}
                while len(answer) < ANSWER and (chunk := await response.content.read(ANSWER - len(answer))):
                    answer += chunk
        except TimeoutError as slow:
            error = str(slow) or f"no answer within {timeout:g} s"
        except Exception as failure:  # what fails outside is a value, whatever it was
            error, blocked = _described(failure)
        latency = (monotonic() - began) * 1_000
        return Attempt(status, None if status else error, blocked, bytes(answer), at, latency, **said)

    def _request(self, callback: str, event_id: str, body: bytes, late: bool) -> _Request:
        url = self._guard.target(callback)
        headers = {"webhook-id": event_id, "webhook-timestamp": str(int(time.time()))}
        if late:
            headers["TMF-Late"] = "true"
        return self._session.post(url, data=body, headers=headers, allow_redirects=False)


def _described(failure: Exception) -> tuple[str, bool]:
    """What to say of it, and whether it was the guard that refused."""
    cause = getattr(failure, "os_error", failure)
    if isinstance(cause, Blocked):
        return str(cause), True
    return f"{type(failure).__name__}: {failure}"[:300], False
