"""Calls to other TMF APIs: bounded in time whatever the other side does, never repeated blindly."""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import orjson
import requests

from tmf_adapter.credentials import Credentials, NoToken, Tokens
from tmf_adapter.egress import Threads, Watch, watched
from tmf_adapter.recovery.breaker import Breaker
from tmf_adapter.recovery.registry import Entry
from tmf_adapter.recovery.target import LONGEST_ID, Answer, Found, external_ids
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.mask import MASKED
from tmf_adapter.tmf.operations import Operation, Operations

log = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0
ANSWER_LIMIT = 1 << 20
SHOWN = 200
_holds_nul = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000").search
TRANSIENT = frozenset({408, 409, 425, 429})
"""Client errors after which the outcome is open: asked too soon, or the downstream may know the operation already."""


class Downstream:
    """One TMF API at the URL of its ``entry``. Every ``timeout`` is seconds for one whole exchange, a hard limit.

    ``tokens`` fetches OAuth2 tokens; calls to one downstream never take the threads of another.
    """

    def __init__(self, entry: Entry, tokens: Tokens | None = None) -> None:
        self.entry = entry
        self.base_url = entry.url.rstrip("/")
        self._credentials = Credentials(entry.auth, entry.tls, tokens)
        self._breaker = Breaker(entry.failures, entry.pause.total_seconds())
        self._calls = asyncio.Semaphore(entry.calls)
        self._threads = Threads(f"downstream-{entry.api}", entry.calls)
        self._local = threading.local()

    @property
    def operations(self) -> Operations:
        """What it can be asked for."""
        return self.entry.operations

    @property
    def poll(self) -> timedelta | None:
        """How often what was asked for is looked at."""
        return self.entry.poll

    @property
    def held_until(self) -> datetime | None:
        """Until when it is spared."""
        until = self._breaker.open_until(time.time())
        return datetime.fromtimestamp(until, UTC) if until else None

    async def create(
        self, operation: Operation, operation_id: str, body: Doc, timeout: float, target: str | None = None
    ) -> Answer:
        """Ask for the operation once. ``target`` is the id of the resource that is patched or deleted."""
        path = operation.path.replace("{id}", quote(target or "", safe=""))
        headers = {"Idempotency-Key": operation_id, "Content-Type": _content_type(operation)}
        data = None if operation.method == "DELETE" else orjson.dumps(body)
        exchange = await self._exchange(operation.method, path, timeout, headers=headers, data=data)
        if exchange.status is None:
            return Answer(error=exchange.error, again="timeout" if exchange.late else "connect")
        return judge(exchange.status, exchange.content, target)

    async def look(self, operation: Operation, operation_id: str, timeout: float) -> Doc | Found:
        """The resource that an earlier attempt created under our operation id, if any."""
        if operation.lookup is None:
            return Found.NOTHING
        status, listed = await self._get(operation.path, {operation.lookup: operation_id}, timeout)
        if status != 200 or not isinstance(listed, list):
            return Found.UNREACHABLE
        ours = [entry for entry in listed if _is_resource(entry) and operation_id in external_ids(entry)]
        return ours[0] if ours else Found.NOTHING

    async def fetch(self, operation: Operation, remote_id: str, timeout: float) -> Doc | Found:
        """The resource as it stands; ``NOTHING`` when the downstream does not know it."""
        collection = operation.path.partition("/{id}")[0]
        status, found = await self._get(f"{collection}/{quote(remote_id, safe='')}", {}, timeout)
        if status in (404, 410):
            return Found.NOTHING
        return found if status == 200 and isinstance(found, dict) else Found.UNREACHABLE

    async def register(self, callback: str, timeout: float) -> tuple[bool, str | None]:
        """Put ``callback`` on the target's hub: whether it is there now, and the registration's id."""

        typed = {"@type": "Hub"} if self.entry.version == "v5" else {}
        exchange = await self._exchange("POST", "/hub", timeout, json={**typed, "callback": callback})
        if exchange.status is None or (exchange.status // 100 != 2 and exchange.status != 409):  # 409: it has us
            said = exchange.error or f"it answered {exchange.status}"
            log.info("registration at %s failed: %s", self.base_url, said)
            return False, None
        return True, _id_of(exchange.content)

    async def is_registered(self, remote_id: str, timeout: float) -> bool | None:
        """Whether the hub still has that registration; None when it cannot be asked (v4 hubs declare no GET)."""
        path = f"/hub/{quote(remote_id, safe='')}"
        exchange = await self._exchange("GET", path, timeout)
        if exchange.status == 200:
            return True
        if exchange.status not in (404, 410):
            return None
        # 404 may mean that it has no such operation, so it is asked to drop what it says it does not have.
        dropped = await self._exchange("DELETE", path, timeout)
        return False if dropped.status is not None else None

    async def unregister(self, remote_id: str, timeout: float) -> None:
        """Take a registration off the hub, if it is there."""
        await self._exchange("DELETE", f"/hub/{quote(remote_id, safe='')}", timeout)

    def close(self) -> None:
        """Let go of the threads; calls under way end at their deadline."""
        self._threads.close()

    async def _get(self, path: str, query: dict[str, str], timeout: float) -> tuple[int | None, Any]:
        """Status and parsed answer; (None, None) when there was none."""
        exchange = await self._exchange("GET", path, timeout, params=query)
        try:
            return exchange.status, _parsed(exchange.content) if exchange.status == 200 else None
        except ValueError:
            return None, None

    async def _exchange(self, method: str, path: str, timeout: float, **what: Any) -> "_Exchange":
        """One request with our credentials, and a second one when a token of ours was refused."""
        timeout = min(timeout, self.entry.timeout.total_seconds())
        async with self._calls:
            exchange, shown = await self._shown(method, path, timeout, what)
            if exchange.status == 401 and self._credentials.refused(shown):
                exchange, _ = await self._shown(method, path, timeout, what)
        self._mark(exchange)
        return exchange

    async def _shown(
        self, method: str, path: str, timeout: float, what: dict[str, Any]
    ) -> tuple["_Exchange", dict[str, str]]:
        try:
            shown = await self._credentials.headers()
        except NoToken as error:
            return _Exchange(error=_plain(str(error))), {}
        headers = {**what.get("headers", {}), **shown}

        def ask(watch: Watch) -> _Exchange:
            try:
                return self._send(watch, method, path, timeout, **{**what, "headers": headers})
            except (requests.RequestException, OSError) as error:
                late = watch.expired or isinstance(error, requests.ReadTimeout)
                return _Exchange(error=_said(error, late, timeout), late=late)

        return _without(self._credentials.secrets(shown), await self._threads.run(timeout, ask)), shown

    def _mark(self, exchange: "_Exchange") -> None:
        now = time.time()
        if exchange.spare is not None:
            self._breaker.asked(now, exchange.spare)
        if exchange.status is None or exchange.status >= 500:
            self._breaker.failed(now)
        elif exchange.status != 429:
            self._breaker.succeeded()

    def _send(self, watch: Watch, method: str, path: str, timeout: float, **what: Any) -> "_Exchange":
        session = self._session()
        with session.request(
            method,
            self.base_url + path,
            timeout=(min(CONNECT_SECONDS, timeout), timeout),
            allow_redirects=False,
            stream=True,
            cert=self._credentials.cert,
            verify=self._credentials.verify,
            **what,
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(1 << 16):
                content += chunk
                if len(content) > ANSWER_LIMIT:
                    break
            if watch.expired:  # a connection cut in the middle of the head looks like a short answer
                raise requests.ReadTimeout
            spare = retry_after(response.headers) if response.status_code in (429, 503) else None
            return _Exchange(response.status_code, bytes(content), spare=spare)

    def _session(self) -> requests.Session:
        """One a thread: sessions are not made to be shared."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = watched(requests.Session())
        return session


@dataclass(frozen=True, slots=True)
class _Exchange:
    """How one request went. ``status`` is None when no whole answer came; ``spare`` are the seconds it asks for."""

    status: int | None = None
    content: bytes = b""
    error: str | None = None
    late: bool = False
    spare: float | None = None


def _without(secrets: Iterable[str], exchange: _Exchange) -> _Exchange:
    """The exchange as it may be kept and shown: a downstream may repeat the credentials that it was shown."""
    content, error = exchange.content, exchange.error
    for secret in secrets:
        content = content.replace(secret.encode(), MASKED.encode())
        error = error and error.replace(secret, MASKED)
    return replace(exchange, content=content, error=error and _plain(error[:SHOWN]))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of the header (RFC 9110 section 10.2.3); None without one that makes sense."""
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time.time())


def _content_type(operation: Operation) -> str:
    """A partial change is a merge-patch, which every version requires where there is a PATCH (TMF630)."""
    return "application/merge-patch+json" if operation.method == "PATCH" else "application/json"


def judge(status: int, content: bytes, target: str | None = None) -> Answer:
    """What an answer means. One that changes ``target`` may come without a body."""
    if status // 100 == 2:
        return _done(status, content, target)
    if status // 100 == 3:
        return Answer(error=f"it answered {status}, and redirections are not followed", status=status)
    said = f"it answered {status}: {_start(content)}"
    again = str(status) if status >= 500 or status in TRANSIENT else None
    return Answer(error=said, again=again, status=status)


def _done(status: int, content: bytes, target: str | None) -> Answer:
    """It says that it did it; what it did must be there to read."""
    if len(content) > ANSWER_LIMIT:
        said = f"it answered {status} with more than {ANSWER_LIMIT} bytes"
        return Answer(error=said, again="nonsense", status=status)
    with suppress(ValueError):
        document = _parsed(content) if content or target is None else {}
        if target is not None and isinstance(document, dict):
            document = {"id": target, **document}
        if _is_resource(document):
            return Answer(document=document, status=status)
    return Answer(error=f"it answered {status} with nonsense: {_start(content)}", again="nonsense", status=status)


def _parsed(content: bytes) -> Any:
    """Raises ``ValueError`` for what is no JSON, and for U+0000 in it, which PostgreSQL does not keep."""
    if _holds_nul(content):
        raise ValueError("U+0000")
    return orjson.loads(content)


def _is_resource(document: Any) -> bool:
    """One whose id can be kept, shown and asked for."""
    return isinstance(document, dict) and _is_id(document.get("id"))


def _is_id(said: Any) -> bool:
    """Control characters are no part of one, and a path of dots leads elsewhere (RFC 3986 section 5.2.4)."""
    return isinstance(said, str) and 0 < len(said) <= LONGEST_ID and said.isprintable() and said not in (".", "..")


def _start(content: bytes) -> str:
    return _plain(content[:SHOWN].decode("utf-8", "replace"))


def _plain(text: str) -> str:
    """Without what moves a terminal's cursor, breaks a line of the log or is refused by PostgreSQL (U+0000)."""
    return "".join(each if each.isprintable() else " " for each in text)


def _id_of(content: bytes) -> str | None:
    try:
        said = str(_parsed(content)["id"])
    except (ValueError, KeyError, TypeError):
        return None
    return said if _is_id(said) else None


def _said(error: Exception, late: bool, timeout: float) -> str:
    if late:
        return f"no whole answer within {timeout:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke in the middle of its answer"
    return f"{type(error).__name__}: {error}"
