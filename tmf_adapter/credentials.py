"""How we show others who we are: headers, OAuth2 tokens, client certificates.

The one place where requests and OAuth2 meet. A subscriber (hub) and a downstream (recovery) are shown the same things
in the same way: ``await headers()`` before each call, ``refused(headers)`` after a 401, ``ssl_context()`` or ``cert``
and ``verify`` for the connection. No secret is part of a repr, a log line or an error.
"""

import asyncio
import base64
import re
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.requests_client import OAuth2Session
from requests.cookies import RequestsCookieJar
from requests.exceptions import ReadTimeout

from tmf_adapter.egress import Check, Threads, Watch, watched
from tmf_adapter.secret import Secret

FETCH_SECONDS = 10.0
"""Seconds that the fetching of a token may take in all."""
CONNECT_SECONDS = 3.0
ANSWER_LIMIT = 1 << 16
"""Bytes that are read of a token endpoint's answer."""
THREADS = 64
LIFETIME = 300.0
"""Seconds that a token is taken to be good for when its endpoint does not say."""
EARLY = 60.0
"""Seconds before its end from which a token, still used, is being replaced; a fifth of its life if that is less."""
CERTIFICATES = 1 << 20
"""Bytes that a file of certificates may have."""
SHORTEST = 8
"""Characters that a secret has at the least to be looked for in what others say."""
PAUSE = 2.0
"""Seconds after a failed fetch in which nobody tries again."""

_is_token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII).fullmatch
_RESERVED = re.compile(
    r"host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*|date|forwarded"
    r"|user-agent|webhook-.*|traceparent|tracestate|idempotency-key|tmf-.*|cookie",
    re.IGNORECASE,
).fullmatch


class BadCredentials(ValueError):
    """Credentials that cannot be used; ``pointer`` (RFC 6901) is the member at fault. No secret is in the message."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class NoToken(Exception):
    """The token endpoint gave none; the message says why and holds no secret."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """A fixed token."""

    token: Secret

    def __post_init__(self) -> None:
        _require_header_value("/token", self.token.reveal())

    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token.reveal()}"}


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and a password (RFC 7617), in UTF-8."""

    username: str
    password: Secret

    def __post_init__(self) -> None:
        if ":" in self.username or not self.username:
            raise BadCredentials("/username", "must be a text without a colon")

    def header(self) -> dict[str, str]:
        pair = f"{self.username}:{self.password.reveal()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


@dataclass(frozen=True, slots=True)
class Header:
    """A header of the other side's own, such as an API key."""

    name: str
    value: Secret

    def __post_init__(self) -> None:
        if not _is_token(self.name) or _RESERVED(self.name):
            raise BadCredentials(
                "/name", "must be the name of a header that is not the adapter's or the protocol's own"
            )
        _require_header_value("/value", self.value.reveal())

    def header(self) -> dict[str, str]:
        return {self.name: self.value.reveal()}


@dataclass(frozen=True, slots=True)
class OAuth2:
    """Client credentials (RFC 6749, 4.4). ``in_body``: client_secret_post instead of client_secret_basic."""

    token_url: str
    client_id: str
    client_secret: Secret
    scope: str | None = None
    audience: str | None = None
    in_body: bool = False

    def __post_init__(self) -> None:
        _require_token_url(self.token_url)
        if not self.client_id or not self.client_id.isprintable():
            raise BadCredentials("/clientId", "must be a printable text")


Auth = Bearer | Basic | Header | OAuth2


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: our certificate with its key, for mutual TLS, and whom we trust instead of the system's store."""

    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None

    def __post_init__(self) -> None:
        if self.key and not self.certificate:
            raise BadCredentials("/certificate", "is needed beside the key")

    def context(self) -> ssl.SSLContext:
        """For a connection; the files are read again when they were changed. ``OSError`` names one that is unusable."""
        return _context(self, tuple(_changed_at(path) for path in self.files()))

    def files(self) -> list[Path]:
        return [path for path in (self.certificate, self.key, self.ca) if path]


def _changed_at(path: Path) -> int:
    """``OSError`` for what is no ordinary file of a certificate's size: a device might never end."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > CERTIFICATES:
        raise OSError(f"{path} is not a file of certificates or keys")
    return found.st_mtime_ns


@lru_cache(maxsize=256)
def _context(tls: Tls, _changed: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def auth_of(document: Mapping[str, Any]) -> Auth:
    """From its JSON form: ``type`` is bearer, basic, header or oauth2, beside the members that it needs.

    Raises ``BadCredentials`` for a type, a member or a value that cannot be used.
    """
    match document.get("type"):
        case "bearer":
            return Bearer(_members(document, "token").secret("token"))
        case "basic":
            members = _members(document, "username", "password")
            return Basic(members["username"], members.secret("password"))
        case "header":
            members = _members(document, "name", "value")
            return Header(members["name"], members.secret("value"))
        case "oauth2":
            return _oauth2(document)
    raise BadCredentials("/type", "must be bearer, basic, header or oauth2")


def _oauth2(document: Mapping[str, Any]) -> OAuth2:
    optional = ("scope", "audience", "clientAuthentication")
    members = _members(document, "tokenUrl", "clientId", "clientSecret", optional=optional)
    way = members.get("clientAuthentication", "basic")
    if way not in ("basic", "post"):
        raise BadCredentials("/clientAuthentication", "must be basic or post")
    return OAuth2(
        members["tokenUrl"],
        members["clientId"],
        members.secret("clientSecret"),
        scope=members.get("scope"),
        audience=members.get("audience"),
        in_body=way == "post",
    )


SECRET_MEMBERS = {"bearer": "token", "basic": "password", "header": "value", "oauth2": "clientSecret"}
"""The member of each type's JSON form that must never be shown, and is stored sealed."""


class _Texts(dict[str, str]):
    def secret(self, name: str) -> Secret:
        return Secret(self[name])


def _members(document: Mapping[str, Any], *needed: str, optional: tuple[str, ...] = ()) -> _Texts:
    found = _Texts()
    for name, value in document.items():
        if name == "type":
            continue
        if name not in (*needed, *optional):
            raise BadCredentials(f"/{name}", f"is unknown here; there are: {', '.join((*needed, *optional))}")
        if not isinstance(value, str) or not value:
            raise BadCredentials(f"/{name}", "must be a text that is not empty")
        found[name] = value
    for name in needed:
        if name not in found:
            raise BadCredentials(f"/{name}", "is missing")
    return found


def _require_header_value(pointer: str, value: str) -> None:
    """Visible ASCII, spaces inside: whatever else there is could end the header and begin another (RFC 9110, 5.5)."""
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        raise BadCredentials(pointer, "must be printable ASCII")


def _require_token_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and url.isprintable()
    except ValueError:
        usable = False
    if not usable or " " in url:
        raise BadCredentials("/tokenUrl", "must be an absolute http or https URL")
    if "@" in parts.netloc or parts.fragment:
        raise BadCredentials("/tokenUrl", "must have neither user information nor a fragment")


@dataclass(slots=True)
class _Kept:
    """What is known of one client's token. Moments are monotonic seconds."""

    token: str | None = None
    fetched_at: float = 0.0
    ends_at: float = 0.0
    failed_at: float = float("-inf")
    failure: str = ""
    fetching: asyncio.Task[None] | None = None

    @property
    def early(self) -> float:
        return min(EARLY, (self.ends_at - self.fetched_at) / 5)


class Tokens:
    """The OAuth2 tokens of this process. One fetch at a time for each client, however many calls wait for it.

    ``check`` judges the addresses of token endpoints when they are dialled; None lets any be. ``https_only``: no secret
    is sent by http.
    """

    def __init__(self, check: Check | None = None, timeout: float = FETCH_SECONDS, *, https_only: bool = False) -> None:
        self._https_only = https_only
        self._threads = Threads("token", THREADS, check)
        self._timeout = timeout
        self._kept: dict[tuple[OAuth2, Tls | None], _Kept] = {}

    async def get(self, client: OAuth2, tls: Tls | None = None) -> str:
        """A token that is good now; its successor is fetched before its end. Raises ``NoToken``."""
        kept = self._kept.setdefault((client, tls), _Kept())
        left = kept.ends_at - monotonic()
        if kept.token is None or left <= 0:
            await asyncio.shield(self._fetching(client, tls, kept))  # others may wait for it too
        elif left < kept.early:
            self._fetching(client, tls, kept)
        if kept.token is None:
            raise NoToken(kept.failure)
        return kept.token

    def drop(self, client: OAuth2, tls: Tls | None, token: str) -> None:
        """It was refused; whoever asks next gets another. One that has been replaced already is not missed."""
        kept = self._kept.get((client, tls))
        if kept and kept.token == token:
            kept.token = None

    def close(self) -> None:
        """Fetch no more."""
        for kept in self._kept.values():
            if kept.fetching:
                kept.fetching.cancel()
        self._threads.close()

    def _fetching(self, client: OAuth2, tls: Tls | None, kept: _Kept) -> asyncio.Task[None]:
        if kept.fetching is None or kept.fetching.done():
            kept.fetching = asyncio.create_task(self._fetch(client, tls, kept))
        return kept.fetching

    async def _fetch(self, client: OAuth2, tls: Tls | None, kept: _Kept) -> None:
        if monotonic() < kept.failed_at + PAUSE:
            return
        began = monotonic()
        try:
            granted = await self._threads.run(self._timeout, lambda watch: self._ask(client, tls, watch))
        except Exception as error:  # what fails outside is a value: the reason why there is no token
            kept.failed_at, kept.failure = monotonic(), _said(client, error, self._timeout)
            if monotonic() >= kept.ends_at:
                kept.token = None
            return
        kept.token, kept.fetched_at, kept.ends_at = granted[0], began, began + granted[1]

    def _ask(self, client: OAuth2, tls: Tls | None, watch: Watch) -> tuple[str, float]:
        """In a thread: a token, and the seconds that it is good for."""
        if self._https_only and not client.token_url.lower().startswith("https:"):
            raise NoToken("it is not https, which TMF_ADAPTER_CALLBACK_HTTPS demands")
        way = "client_secret_post" if client.in_body else "client_secret_basic"
        secret = client.client_secret.reveal()
        with watched(OAuth2Session(client.client_id, secret, way, scope=client.scope), ANSWER_LIMIT) as session:
            session.cookies = RequestsCookieJar()
            extra = {"audience": client.audience} if client.audience else {}
            try:
                granted = session.fetch_token(
                    client.token_url,
                    grant_type="client_credentials",
                    timeout=(CONNECT_SECONDS, self._timeout),
                    allow_redirects=False,
                    cert=cert_of(tls),
                    verify=verify_of(tls),
                    **extra,
                )
            except Exception as error:
                if watch.expired or isinstance(error, ReadTimeout):  # two clocks with one limit: either may be first
                    raise TimeoutError from None
                raise
        return _granted(granted)


def _granted(answer: Mapping[str, Any]) -> tuple[str, float]:
    """Raises ``NoToken`` for an answer that holds no bearer token."""
    token, kind, lifetime = answer.get("access_token"), answer.get("token_type", "bearer"), answer.get("expires_in")
    if not isinstance(token, str) or not isinstance(kind, str) or kind.lower() != "bearer":
        raise NoToken("its answer holds no bearer token")
    try:
        _require_header_value("/access_token", token)
        seconds = float(lifetime) if lifetime is not None else LIFETIME
    except ValueError:
        raise NoToken("its answer holds a token that cannot be sent") from None
    return token, seconds


def _said(client: OAuth2, error: Exception, timeout: float) -> str:
    """For a person. What the other side said is cut short, and our own secret cut out of it."""
    match error:
        case TimeoutError():
            why = f"no whole answer within {timeout:g} s"
        case NoToken():
            why = str(error)
        case _:
            why = f"{type(error).__name__}: {error}"
    for secret in (client.client_secret.reveal(), base64.b64encode(client.client_secret.reveal().encode()).decode()):
        why = why.replace(secret, "***")
    return f"no token from {client.token_url}: {why[:300]}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one other side is shown. ``tokens`` may be shared by all; it is needed for OAuth2 only."""

    auth: Auth | None = None
    tls: Tls | None = None
    tokens: Tokens | None = field(default=None, repr=False, compare=False)

    async def headers(self) -> dict[str, str]:
        """For one request. Raises ``NoToken``; may take as long as a token's fetch."""
        match self.auth:
            case None:
                return {}
            case OAuth2() as client:
                assert self.tokens is not None, "OAuth2 needs somebody who fetches tokens"
                return {"Authorization": f"Bearer {await self.tokens.get(client, self.tls)}"}
            case fixed:
                return fixed.header()

    def refused(self, headers: Mapping[str, str]) -> bool:
        """The other side answered 401 to these: whether another try, with new headers, makes sense."""
        if not isinstance(self.auth, OAuth2) or self.tokens is None:
            return False
        self.tokens.drop(self.auth, self.tls, headers.get("Authorization", "").removeprefix("Bearer "))
        return True

    def secrets(self, shown: Mapping[str, str]) -> list[str]:
        """What is secret in the headers that the other side was shown, and must not come back from it.

        What is shorter than any real secret is left out: it would be found in what is innocent.
        """
        found = [part for value in shown.values() for part in (value, value.rpartition(" ")[2])]
        if isinstance(self.auth, Basic):
            found.append(self.auth.password.reveal())
        return [secret for secret in found if len(secret) >= SHORTEST]

    def ssl_context(self) -> ssl.SSLContext | None:
        """For aiohttp; None for the system's own. ``OSError`` (``ssl.SSLError`` is one) when a file is unusable."""
        return self.tls.context() if self.tls and self.tls.files() else None

    @property
    def cert(self) -> tuple[str, str] | str | None:
        """For requests."""
        return cert_of(self.tls)

    @property
    def verify(self) -> str | bool:
        """For requests."""
        return verify_of(self.tls)


def cert_of(tls: Tls | None) -> tuple[str, str] | str | None:
    """``cert`` of requests."""
    if tls is None or tls.certificate is None:
        return None
    return (str(tls.certificate), str(tls.key)) if tls.key else str(tls.certificate)


def verify_of(tls: Tls | None) -> str | bool:
    """``verify`` of requests."""
    return str(tls.ca) if tls and tls.ca else True
