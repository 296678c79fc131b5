"""Talks HTTP to the judged server and keeps what was said."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from conformance.verdict import BODY, Exchange

PATIENCE = 30
"""Seconds that a server has for an answer."""
JSON = {"Content-Type": "application/json"}
SECRET = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key", "apikey"})
_BUSY = frozenset({429, 503})


class Unmet(AssertionError):
    """A server did not do what a clause asks; the message is the expectation and what was found instead."""


class NotJudged(Exception):
    """A clause cannot be judged here; the message says why."""


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    exchange: Exchange
    content: bytes
    headers: Mapping[str, str]

    @property
    def status(self) -> int:
        """The HTTP status code; 0 when there was no answer."""
        return self.exchange.status

    @property
    def json(self) -> Any:
        """The body, parsed; raises ``Unmet`` when it is no JSON."""
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise Unmet(f"the answer's body should be JSON; {error}") from error

    def must_be(self, *statuses: int) -> "Answer":
        """Itself, if it has one of these statuses; raises ``Unmet`` if not, ``NotJudged`` for a plain 501."""
        if self.status in statuses:
            return self
        expected = " or ".join(map(str, statuses))
        if self.status == 501:
            raise NotJudged(f"{self.exchange.method} {self.exchange.url}: the server says that it does not offer this")
        found = self.status or f"no answer ({self.exchange.body})"
        raise Unmet(f"{self.exchange.method} {self.exchange.url}: expected {expected}, got {found}")

    def must_be_refused(self) -> "Answer":
        """Itself, if the server says that the request is wrong; raises ``Unmet`` if it accepts it or fails itself."""
        if not 400 <= self.status < 500:
            raise Unmet(f"{self.exchange.method} {self.exchange.url}: expected a 4xx, got {self.status}")
        return self


class Client:
    """One client with its headers. ``log`` holds what has been said since it was last cleared."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self.headers = dict(headers or {})
        self.log: list[Exchange] = []
        self._session = requests.Session()

    def send(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; ``body`` goes as JSON, ``raw`` as it is. Never raises for what the server answers."""
        sent = json.dumps(body, ensure_ascii=False).encode() if raw is None and body is not None else raw
        if body is not None:
            headers = {**JSON, **(headers or {})}
        answer = self._patiently(lambda: self._once(method, url, sent, {**self.headers, **(headers or {})}))
        self.log.append(answer.exchange)
        return answer

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask again where the server is busy and says for how long."""
        for _ in range(3):
            answer = ask()
            wait = answer.headers.get("Retry-After", "")
            if answer.status not in _BUSY or not wait.isdigit() or int(wait) > PATIENCE:
                return answer
            time.sleep(int(wait))
        return answer

    def _once(self, method: str, url: str, sent: bytes | None, headers: Mapping[str, str]) -> Answer:
        request = requests.Request(method, url, data=sent, headers=dict(headers)).prepare()
        request.url = url  # as it was written: a query string is part of what is judged
        try:
            response = self._session.send(request, timeout=PATIENCE, allow_redirects=False)
        except requests.RequestException as error:
            return Answer(_exchange(request, sent, 0, {}, str(error).encode()), b"", {})
        return Answer(
            _exchange(request, sent, response.status_code, response.headers, response.content),
            response.content,
            response.headers,
        )


def _exchange(
    request: requests.PreparedRequest, sent: bytes | None, status: int, headers: Mapping[str, str], body: bytes
) -> Exchange:
    return Exchange(
        method=request.method or "",
        url=request.url or "",
        sent=_text(sent),
        sent_headers=told(request.headers),
        status=status,
        headers=told(headers),
        body=_text(body),
    )


def told(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Headers for a report, without what opens doors."""
    return tuple((name, "***" if name.lower() in SECRET else value) for name, value in headers.items())


def _text(content: bytes | None) -> str:
    text = (content or b"").decode("utf-8", "replace")
    return text if len(text) <= BODY else f"{text[:BODY]}... ({len(text)} characters)"
