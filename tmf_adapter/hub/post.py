"""One POST of one notification to one listener. Whatever the network brings is an ``Attempt``, never an exception."""

import asyncio
import hashlib
import logging
import random
import re
import time
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Protocol

import aiohttp

from tmf_adapter import __version__
from tmf_adapter.credentials import NoToken
from tmf_adapter.hub.delivery import Attempt
from tmf_adapter.hub.guard import Blocked, Guard, GuardedResolver
from tmf_adapter.hub.terms import Handshake, Terms
from tmf_adapter.hub.trust import Trust

log = logging.getLogger(__name__)

TIMEOUT = 15.0
"""Seconds that one attempt may take in all, from the look-up of the name to the end of the answer."""
CONNECT = 3.0
"""Seconds for the TCP handshake."""
IDLE = 4.0
"""Seconds an idle connection is kept: less than servers keep it (5 s is usual), so that none closes under a POST."""
ANSWER = 4_096
"""Bytes of the answer that are kept."""
READ = 65_536
"""Bytes of the answer that are read; the connection is closed on a longer one."""

_SAID = (("retry_after", "Retry-After"), ("location", "Location"))
_is_trace_id = re.compile(r"[0-9a-f]{32}").fullmatch


class Recipient(Protocol):
    """Whom to post to: a subscription, how it wants to be called, and where with this body."""

    @property
    def id(self) -> str: ...
    @property
    def callback(self) -> str: ...
    @property
    def terms(self) -> Terms: ...
    def address(self, body: bytes) -> str: ...


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a listener answered when it was asked whether it wants to be notified (CloudEvents web hooks, 4)."""

    status: int | None = None
    error: str | None = None
    allowed_origin: str | None = None
    allowed_rate: str | None = None


class Poster:
    """Posts notifications over one pool of connections. Use as an async context manager.

    ``origin`` is who we say that we are when we ask a listener whether it wants to be notified.
    """

    def __init__(self, guard: Guard, trust: Trust, timeout: float = TIMEOUT, origin: str = "tmf-adapter") -> None:
        self._guard = guard
        self._trust = trust
        self._timeout = timeout
        self._origin = origin
        self._greeted: dict[str, str] = {}
        self._greeting: set[asyncio.Task[None]] = set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=IDLE, resolver=GuardedResolver(guard), socket_factory=guard.socket
            ),
            headers={"user-agent": f"tmf-adapter/{__version__}"},
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
        for task in self._greeting:
            task.cancel()
        await asyncio.gather(*self._greeting, return_exceptions=True)
        await self._session.close()

    async def post(self, to: Recipient, event_id: str, body: bytes, *, late: bool = False) -> Attempt:
        """POST ``body`` to the callback exactly, signed and with what the listener wants to be shown.

        ``late``: what came after it may have arrived before it. A status that arrived counts, even when the answer's
        body never ends or breaks off. After a 401 it is tried once more at once, if there may be another token.
        """
        if to.terms.handshake is Handshake.ADVISORY:
            self._greet(to)
        at, began, timeout = time.time(), monotonic(), to.terms.timeout or self._timeout
        found = _Found()
        try:
            async with asyncio.timeout(timeout):
                if await self._try(to, event_id, body, late, found):
                    found = _Found(before="answered 401, then: ")
                    await self._try(to, event_id, body, late, found)
        except TimeoutError as slow:
            found.error = str(slow) or f"no answer within {timeout:g} s"
        except Exception as failure:  # what fails outside is a value, whatever it was
            found.error, found.blocked = _described(failure)
        return found.attempt(at, (monotonic() - began) * 1_000)

    async def _try(self, to: Recipient, event_id: str, body: bytes, late: bool, found: "_Found") -> bool:
        """Whether another try makes sense at once."""
        url = self._guard.target(to.address(body))
        headers = await self._trust.headers(to.id, to.terms, event_id, body)
        headers["content-type"] = "application/json"
        headers["traceparent"] = _traceparent(event_id)
        if late:
            headers["TMF-Late"] = "true"
        tls = self._trust.ssl_context(to.id, to.terms) or True
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False, ssl=tls) as response:
            await found.take(response)
        return found.status == 401 and self._trust.refused(to.id, to.terms, headers)

    def _greet(self, to: Recipient) -> None:
        """Once for each callback, beside the POST and not before it: nothing depends on the answer."""
        if self._greeted.get(to.id) != to.callback:
            self._greeted[to.id] = to.callback
            task = asyncio.create_task(self._note_greeting(to))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _note_greeting(self, to: Recipient) -> None:
        greeting = await self.greet(to)
        willing = greeting.allowed_origin in ("*", self._origin)
        level = logging.INFO if willing else logging.WARNING
        log.log(
            level, "subscription %s was asked whether it wants notifications from %s: %s", to.id, self._origin, greeting
        )

    async def greet(self, to: Recipient) -> Greeting:
        """Ask by OPTIONS (CloudEvents web hooks, 4.1). Nothing is ever made to depend on it."""
        timeout = to.terms.timeout or self._timeout
        asked = {"WebHook-Request-Origin": self._origin}
        try:
            async with asyncio.timeout(timeout):
                url = self._guard.target(to.callback)
                headers = asked | await self._trust.credentials(to.id, to.terms)
                tls = self._trust.ssl_context(to.id, to.terms) or True
                async with self._session.options(url, headers=headers, allow_redirects=False, ssl=tls) as response:
                    said = response.headers
                    rate = said.get("WebHook-Allowed-Rate")
                    return Greeting(response.status, None, said.get("WebHook-Allowed-Origin"), rate)
        except TimeoutError as slow:
            return Greeting(error=str(slow) or f"no answer within {timeout:g} s")
        except Exception as failure:  # what fails outside is a value, whatever it was
            return Greeting(error=_described(failure)[0])


@dataclass(slots=True)
class _Found:
    """What is known of an attempt so far; ``before`` is what came of an earlier try, where this one gets no answer."""

    before: str = ""
    status: int | None = None
    error: str | None = None
    blocked: bool = False
    answer: bytes = b""
    retry_after: str | None = None
    location: str | None = None

    async def take(self, response: aiohttp.ClientResponse) -> None:
        """The status first: the rest may never come. A longer answer than we keep is read on, within reason, so that
        its connection can be used again."""
        self.status = response.status
        self.retry_after, self.location = (response.headers.get(header) for _, header in _SAID)
        read = 0
        while read < READ and (chunk := await response.content.read(READ - read)):
            read += len(chunk)
            self.answer = (self.answer + chunk)[:ANSWER] if len(self.answer) < ANSWER else self.answer

    def attempt(self, at: float, latency_ms: float) -> Attempt:
        error = None if self.status else f"{self.before}{self.error}"
        said = {"retry_after": self.retry_after, "location": self.location}
        return Attempt(self.status, error, self.blocked, self.answer, at, latency_ms, **said)


def _traceparent(event_id: str) -> str:
    """Every attempt to bring an event is a span of one trace (W3C Trace Context); we record none of them.

    The span's number is no secret: the system's generator would have the event loop stand behind every other thread.
    """
    trace = event_id.replace("-", "").lower()
    if not _is_trace_id(trace):
        trace = hashlib.sha256(event_id.encode()).hexdigest()[:32]
    return f"00-{trace}-{random.randrange(1, 1 << 64):016x}-00"


def _described(failure: Exception) -> tuple[str, bool]:
    """What to say of it, and whether it was the guard that refused."""
    cause = getattr(failure, "os_error", failure)
    if isinstance(cause, Blocked):
        return str(cause), True
    if isinstance(failure, NoToken):
        return str(failure), False
    if isinstance(failure, aiohttp.ClientConnectorCertificateError):
        why = getattr(failure.certificate_error, "verify_message", failure.certificate_error)
        return f"its certificate is not trusted: {why}"[:300], False
    if isinstance(failure, aiohttp.ClientConnectorSSLError):
        return f"it does not speak TLS as we do: {getattr(cause, 'reason', None) or cause}"[:300], False
    return f"{type(failure).__name__}: {failure}"[:300], False
