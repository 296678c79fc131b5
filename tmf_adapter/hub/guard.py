"""Which addresses may be dialled: public ones, and those the operator allows. Judged at the moment of dialling.

A name is judged by every address it resolves to, and the address of each connection once more when its socket is
made: literals never reach a resolver, and a name may resolve differently the next time.
Ranges: IANA special-purpose registries for IPv4 and IPv6, and the metadata address of one cloud that lies outside them.

What is wrong with a callback itself is said by ``target`` before anything is looked up.
"""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Network = IPv4Network | IPv6Network

_DENIED_V4 = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
)
_DENIED_V6 = ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
_GLOBAL_V6 = IPv6Network("2000::/3")
"""In IPv6 only this is public: it leaves out ::/8, NAT64, unique local, link local, site local and multicast."""
_DENIED = tuple(ip_network(text) for text in (*_DENIED_V4, *_DENIED_V6))
_ONLY_BY_NAME = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32", "224.0.0.0/4"),
        *("240.0.0.0/4", "::/128", "fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128", "ff00::/8"),
    )
)
"""Metadata services of clouds, and what no subscriber lives at: allowed one address at a time, never with a range."""

_ORDINARY_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1_024

LOOKUPS = 64
"""Threads for name resolution, of our own: a name server that never answers must not starve anybody else's look-ups."""


class Blocked(OSError):
    """The address is neither public nor allowed."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Parse CIDRs or single addresses. ``ValueError`` names one that is neither, or has host bits set."""
    return tuple(_network(text.strip()) for text in texts if text.strip())


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no network such as 10.0.0.0/8: {error}") from None


class Guard:
    """``allowed``: CIDRs that may be dialled in addition to public addresses. ``ValueError`` names a bad one.

    ``own_url`` is how others call us and ``own_port`` the port of this machine that we listen on: neither is ever
    dialled, for a notification to ourselves would come back as an event. ``https_only``: no callback is called by http.
    """

    def __init__(
        self,
        allowed: Sequence[str] = (),
        own_url: str | None = None,
        own_port: int | None = None,
        *,
        https_only: bool = False,
    ) -> None:
        self._allowed = networks(allowed)
        self._https_only = https_only
        self._own = _named(URL(own_url)) if own_url else None
        self._own_port = own_port

    def target(self, callback: str) -> URL:
        """Where a callback leads. Raises ``Blocked`` for one that is not to be followed, whatever it resolves to."""
        found = _target(callback)
        if isinstance(found, str):
            raise Blocked(found)
        if self._https_only and found.scheme != "https":
            raise Blocked("it is not https, which TMF_ADAPTER_CALLBACK_HTTPS demands")
        if _named(found) == self._own:
            raise Blocked(f"{found.raw_host}:{found.port} is the adapter itself")
        return found

    def check(self, address: str, port: int) -> None:
        """Raises ``Blocked`` unless ``address``, an IP address in text, may be dialled at ``port``."""
        ip = ip_address(address.split("%")[0])
        if not self._allows(ip) and not _is_public(ip):
            raise Blocked(f"{address} is not a public address and is not on the allow-list")
        if port < _FIRST_FREE_PORT and port not in _ORDINARY_PORTS:
            raise Blocked(f"port {port} is not 80, 443 or one from {_FIRST_FREE_PORT}")
        if port == self._own_port and _is_ours(ip):
            raise Blocked(f"{address} port {port} is the adapter itself")

    def _allows(self, ip: IPv4Address | IPv6Address) -> bool:
        wide = not any(ip in network for network in _ONLY_BY_NAME)
        return any(ip in network and (wide or network.num_addresses == 1) for network in self._allowed)

    def socket(self, info: AddrInfoType) -> socket.socket:
        """The socket for one connection, once its address is judged; aiohttp's ``socket_factory``."""
        family, kind, protocol, _, address = info
        self.check(str(address[0]), int(address[1]))
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    return (ip.version == 4 or ip in _GLOBAL_V6) and not any(ip in network for network in _DENIED)


def _named(url: URL) -> tuple[str, int | None]:
    return str(url.raw_host).lower(), url.port


def _is_ours(ip: IPv4Address | IPv6Address) -> bool:
    """Whether this machine has the address: then, and only then, can a socket be bound to it."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(ip), 0))
        except OSError:
            return False
    return True


@lru_cache(4_096)
def _target(callback: str) -> URL | str:
    """The URL, or why it is not to be followed."""
    try:
        url = URL(callback, encoded=callback.isascii())
        host, port = url.raw_host, url.port
    except ValueError as error:
        return f"it is no URL: {error}"
    if url.scheme not in ("http", "https") or not host or not port:
        return "it is not an absolute http or https URL"
    if any(character <= " " or character in "\x7f\\" for character in callback):
        return "it holds a character that no URL has"
    if url.raw_user is not None or url.raw_password is not None or "@" in callback.split("/")[2]:
        return "it carries user information; credentials belong to the terms of a subscription"
    if "#" in callback:
        return "it carries a fragment, which would never be sent"
    if "%" in host or _is_disguised(host):
        return f"{host} is an address written to look like something else"
    return url


def _is_disguised(host: str) -> bool:
    """Ends in a number, as only an IPv4 address may, and is not written as four decimal numbers (WHATWG URL, 3.5)."""
    last = host.removesuffix(".").rpartition(".")[2].lower()
    if ":" in host or not (last.isdigit() or (last.startswith("0x") and set(last[2:]) <= set("0123456789abcdef"))):
        return False
    try:
        return str(IPv4Address(host)) != host
    except ValueError:
        return True


class GuardedResolver(AbstractResolver):
    """Resolves names in threads of its own and refuses a name when any of its addresses is refused."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port, family)
        for result in found:
            self._guard.check(result["host"], port)
        return found

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    infos = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=port,
            family=found_family,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for found_family, _, protocol, _, address in infos
    ]
