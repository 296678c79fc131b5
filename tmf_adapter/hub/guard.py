"""Which addresses may be dialled: public ones, and those the operator allows. Judged at the moment of dialling.

A name is judged by every address it resolves to, and the address of each connection once more when its socket is
made: literals never reach a resolver, and a name may resolve differently the next time.
Ranges: IANA special-purpose registries for IPv4 and IPv6, and the metadata address of one cloud that lies outside them.
"""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

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
    """``allowed``: CIDRs that may be dialled in addition to public addresses. ``ValueError`` names a bad one."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        self._allowed = networks(allowed)

    def check(self, address: str) -> None:
        """Raises ``Blocked`` unless ``address``, an IP address in text, may be dialled."""
        ip = ip_address(address.split("%")[0])
        if not any(ip in network for network in self._allowed) and not _is_public(ip):
            raise Blocked(f"{address} is not a public address and is not on the allow-list")

    def socket(self, info: AddrInfoType) -> socket.socket:
        """The socket for one connection, once its address is judged; aiohttp's ``socket_factory``."""
        family, kind, protocol, _, address = info
        self.check(str(address[0]))
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    return (ip.version == 4 or ip in _GLOBAL_V6) and not any(ip in network for network in _DENIED)


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
            self._guard.check(result["host"])
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
