"""Who may use the operator's side: whoever holds the token, or, while none is set, whoever is on this machine."""

import hmac
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from connexion.middleware.abstract import ROUTING_CONTEXT
from starlette.types import ASGIApp, Receive, Scope, Send

from tmf_adapter.api.dispatch import REQUEST, Request
from tmf_adapter.secret import Secret
from tmf_adapter.tmf.errors import Forbidden, Unauthorized

_NAME = re.compile(r"[^\w.@+-]+", re.ASCII)
NAMED = 64
"""Characters that are kept of the name a caller gives in ``X-Operator``."""
_PROXIED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""What proxies add: who asks through one on this machine looks local, and need not be."""
_TOKEN_REMEDY = "Set TMF_ADAPTER_OPERATOR_TOKEN, and send it as a bearer token."


@dataclass(frozen=True, slots=True)
class Access:
    """``token``: what a caller has to show (RFC 6750); None: only clients on this machine are answered."""

    token: Secret | None = None

    def admit(self, request: Request, client: str) -> str:
        """Who asks, for the record. ``client`` is the address that the request came from.

        Raises ``Unauthorized`` for a wrong token or none, and ``Forbidden`` where no token would help.
        """
        if self.token is not None:
            self._require(self.token, request)
        elif not _is_loopback(client):
            raise Forbidden("Only clients on the adapter's own machine are answered.", _TOKEN_REMEDY)
        else:
            _require_no_stranger_behind(request)
        named = _NAME.sub("", request.header("x-operator") or "")[:NAMED]
        return f"{named or 'operator'} at {client or 'an unknown address'}"

    def _require(self, token: Secret, request: Request) -> None:
        scheme, _, shown = (request.header("authorization") or "").partition(" ")
        same = hmac.compare_digest(shown.strip().encode("utf-8", "replace"), token.reveal().encode())
        if scheme.lower() != "bearer" or not same:
            raise Unauthorized("The operator's token is needed.", "Send it as: Authorization: Bearer <token>.")


def _require_no_stranger_behind(request: Request) -> None:
    """A page in a browser on this machine can make it ask us: under a name of its own, or from another origin."""
    if any(request.header(name) is not None for name in _PROXIED):
        raise Forbidden("Without a token nobody is answered through a proxy.", _TOKEN_REMEDY)
    host = _authority(request.header("host") or "")
    if not (host.hostname == "localhost" or _is_loopback(host.hostname or "")):
        raise Forbidden("Without a token the adapter is asked by its loopback address.", "Use 127.0.0.1 or localhost.")
    origin = request.header("origin")
    if origin is not None and origin.partition("://")[2] != host.netloc:
        raise Forbidden("Without a token no page of another origin is answered.")


def _authority(host: str) -> SplitResult:
    """What a ``Host`` names; nothing for one that is none."""
    try:
        return urlsplit(f"//{host}")
    except ValueError:
        return urlsplit("")


def _is_loopback(address: str) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback


class Protected:
    """Stands before one operation of a document that not everybody may use; before its body is even read."""

    __slots__ = ("_access", "_context", "_next")

    def __init__(self, access: Access, context: dict[str, Any], next_app: ASGIApp) -> None:
        self._access = access
        self._context = context
        self._next = next_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request: Request = scope[REQUEST]
        client = scope.get("client")
        request.caller = self._access.admit(request, client[0] if client else "")
        scope.setdefault("extensions", {})[ROUTING_CONTEXT] = self._context
        await self._next(scope, receive, send)
