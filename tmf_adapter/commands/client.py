"""Asking the operator's API."""

import getpass
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from tmf_adapter.commands.verb import DEFAULT_URL, URL_VARIABLE

TOKEN_VARIABLE = "TMF_ADAPTER_OPERATOR_TOKEN"
BASE = "/operator/v1"
TIMEOUT = 30.0


class Refused(Exception):
    """The adapter did not do it; the text says why, for a person."""


class Unreachable(Exception):
    """There was no answer, or none of an adapter's."""


class Client:
    """Of the adapter at ``url``. The token comes from the environment: a command line can be read by others.

    ``ca`` is a file of certificates in PEM that are trusted instead of the usual ones.
    """

    def __init__(
        self, url: str | None = None, ca: str | None = None, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._base = (url or environment.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/") + BASE
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
            raise Unreachable(f"{self._base} cannot be reached: {error}") from None
        try:
            document = answered.json() if answered.content else None
        except requests.JSONDecodeError:
            raise Unreachable(f"{self._base} answered {answered.status_code}, and not as an adapter does") from None
        if answered.status_code // 100 != 2:
            raise Refused(_said(answered.status_code, document))
        return document


def _said(status: int, error: Any) -> str:
    if not isinstance(error, dict):
        return f"answered {status}"
    return " ".join(str(error[name]) for name in ("reason", "message") if name in error) or f"answered {status}"
