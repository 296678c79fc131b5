"""Asking the operator's API."""

import getpass
import os
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from tmf_adapter.commands.verb import DEFAULT_URL, URL_VARIABLE

TOKEN_VARIABLE = "TMF_ADAPTER_OPERATOR_TOKEN"
BASE = "/operator/v1"
TIMEOUT = 30.0


class Refused(Exception):
    """The adapter did not do it; the text says why, for a person."""


class Unreachable(Exception):
    """There was no answer, or none of an adapter's; the text names the option that may be wrong, and the remedy."""


class Client:
    """Of the adapter at ``url``. The token comes from the environment: a command line can be read by others.

    ``ca`` is a file of certificates in PEM that are trusted instead of the usual ones. Raises ``Unreachable`` for
    options that cannot be used.
    """

    def __init__(
        self, url: str | None = None, ca: str | None = None, environment: Mapping[str, str] = os.environ
    ) -> None:
        named = url or environment.get(URL_VARIABLE) or DEFAULT_URL
        self._source = f"--url {named}" if url else f"{URL_VARIABLE}={named}" if named != DEFAULT_URL else named
        _check_url(self._source, named)
        if ca:
            _check_ca(ca, named)
        self._base = named.rstrip("/") + BASE
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca or True
        self._session.headers["X-Operator"] = getpass.getuser()
        if token := environment.get(TOKEN_VARIABLE):
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, *path: str, **query: str | int | None) -> Any:
        """What is there; query parameters that are None are left out. Raises ``Refused`` and ``Unreachable``."""
        return self._ask("GET", path, params={name: value for name, value in query.items() if value is not None})

    def send(self, method: str, *path: str, body: Any = None) -> Any:
        """What was answered, None for nothing. Raises ``Refused`` and ``Unreachable``."""
        return self._ask(method, path, json=body)

    def _ask(self, method: str, path: tuple[str, ...], **what: Any) -> Any:
        url = "/".join([self._base, *(quote(part, safe="") for part in path)])
        try:
            answered = self._session.request(method, url, timeout=TIMEOUT, allow_redirects=False, **what)
        except requests.RequestException as error:
            raise Unreachable(f"{self._source} cannot be reached: {_cause(error)}") from None
        try:
            document = answered.json() if answered.content else None
        except requests.JSONDecodeError:
            said = f"{self._source} answered {answered.status_code}, and not as an adapter does"
            raise Unreachable(f"{said}; give the adapter's own address with --url") from None
        if answered.status_code // 100 != 2:
            raise Refused(_said(answered.status_code, document))
        return document


def _check_url(source: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Unreachable(f"{source} is no http or https URL; give one such as {DEFAULT_URL} with --url")


def _check_ca(ca: str, url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise Unreachable(f"--ca {ca} is of no use with {url}; leave it out, or give an https URL with --url")
    try:
        ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise Unreachable(f"--ca {ca} holds no certificate; name a file of certificates in PEM") from None
    except OSError as error:
        raise Unreachable(f"--ca {ca}: {error.strerror}; name a file of certificates in PEM") from None


def _cause(error: requests.RequestException) -> str:
    """What went wrong on the network, on one line, and what may help."""
    running = "is the adapter running there? If it is elsewhere, say where with --url"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted, or it does not speak TLS; name its authority's certificate with --ca"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT:g} s; {running}"
    causes = [cause.strerror for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror]
    return f"{causes[-1] if causes else 'the connection broke off'}; {running}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from, the outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _said(status: int, error: Any) -> str:
    if not isinstance(error, dict):
        return f"answered {status}"
    return " ".join(str(error[name]) for name in ("reason", "message") if name in error) or f"answered {status}"
