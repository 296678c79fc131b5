"""Which addresses may be dialled, however they are spelt."""

import re
import socket

import pytest

from tmf_adapter.hub.guard import Blocked, Guard, GuardedResolver, networks
from tmf_adapter.hub.post import Poster

HOSTILE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",  # metadata of most clouds
    "168.63.129.16",  # and of one outside the reserved ranges
    "172.31.255.255",
    "192.0.0.8",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:127.0.0.1",  # IPv4-mapped
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",  # NAT64 of 169.254.169.254
    "64:ff9b:1::1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::1",  # 6to4 of 127.0.0.1
    "2620:4f:8000::1",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]

SPELLINGS = [
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://user:secret@127.0.0.1:{port}/",
    "http://public.test@127.0.0.1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://\uff11\uff12\uff17.0.0.1:{port}/",  # full-width digits
]


@pytest.mark.parametrize("address", HOSTILE)
def test_an_address_that_is_not_public_is_blocked(address: str) -> None:
    with pytest.raises(Blocked, match="allow-list"):
        Guard().check(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_may_be_dialled(address: str) -> None:
    Guard().check(address)


def test_what_the_operator_allows_may_be_dialled_and_nothing_beside_it() -> None:
    guard = Guard(["10.0.0.0/8", " fd00::/8 ", "127.0.0.1", ""])
    for address in ("10.255.0.1", "fd12::1", "127.0.0.1"):
        guard.check(address)
    guard.check("8.8.8.8")
    for address in ("127.0.0.2", "192.168.0.1", "fc00::1"):
        with pytest.raises(Blocked):
            guard.check(address)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "lan", "10.0.0.0/33", "::1/129"])
def test_a_bad_network_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        networks(["127.0.0.0/8", text])


def test_the_socket_is_made_only_for_an_address_that_passed() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))
    with pytest.raises(Blocked):
        Guard().socket(info)
    with Guard(["127.0.0.1/32"]).socket(info) as made:
        assert made.getblocking() is False


async def test_a_name_is_refused_when_any_of_its_addresses_is() -> None:
    def resolve(*_: object, **__: object) -> list[object]:
        kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(socket.AF_INET, *kind, (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(Blocked, match=r"10\.0\.0\.1"):
            await GuardedResolver(Guard()).resolve("mixed.test", 80)
        found = await GuardedResolver(Guard(["10.0.0.0/8"])).resolve("mixed.test", 80)
    assert [result["host"] for result in found] == ["8.8.8.8", "10.0.0.1"]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_loopback_gets_through(spelling: str) -> None:
    """Refused before a packet is sent; a name that does not resolve here is no success either."""
    with socket.create_server(("", 0)) as server:
        server.settimeout(0)
        async with Poster(Guard(), timeout=5.0) as poster:
            attempt = await poster.post(spelling.format(port=server.getsockname()[1]), "e1", b"{}")
        assert attempt.status is None
        assert attempt.blocked or re.match("InvalidUrl|ClientConnectorDNSError", str(attempt.error)), attempt
        with pytest.raises(BlockingIOError):
            server.accept()
