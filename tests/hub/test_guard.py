"""Which addresses may be dialled, however they are spelt."""

import socket

import pytest

from tmf_adapter.hub.guard import Blocked, Guard, GuardedResolver, networks

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


@pytest.mark.parametrize("address", HOSTILE)
def test_an_address_that_is_not_public_is_blocked(address: str) -> None:
    with pytest.raises(Blocked, match="allow-list"):
        Guard().check(address, 443)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_may_be_dialled(address: str) -> None:
    Guard().check(address, 443)


def test_what_the_operator_allows_may_be_dialled_and_nothing_beside_it() -> None:
    guard = Guard(["10.0.0.0/8", " fd00::/8 ", "127.0.0.1", ""])
    for address in ("10.255.0.1", "fd12::1", "127.0.0.1"):
        guard.check(address, 443)
    guard.check("8.8.8.8", 443)
    for address in ("127.0.0.2", "192.168.0.1", "fc00::1"):
        with pytest.raises(Blocked):
            guard.check(address, 443)


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


@pytest.mark.parametrize("port", [1, 22, 25, 79, 81, 444, 1023])
def test_a_port_of_another_service_is_refused(port: int) -> None:
    with pytest.raises(Blocked, match=f"port {port}"):
        Guard(["10.0.0.0/8"]).check("8.8.8.8", port)
    with pytest.raises(Blocked, match=f"port {port}"):
        Guard(["10.0.0.0/8"]).check("10.0.0.1", port)


@pytest.mark.parametrize("port", [80, 443, 1024, 8443, 65535])
def test_a_port_that_subscribers_use_may_be_dialled(port: int) -> None:
    Guard().check("8.8.8.8", port)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "168.63.129.16", "100.100.100.200", "0.0.0.0", "224.0.0.1", "fe80::1", "::", "fd00:ec2::254"],
)
def test_metadata_services_are_opened_one_at_a_time_and_by_no_range(address: str) -> None:
    with pytest.raises(Blocked):
        Guard(["0.0.0.0/0", "::/0"]).check(address, 80)
    Guard([address]).check(address, 80)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_our_own_listener_is_not_dialled_at_any_of_its_addresses(address: str) -> None:
    guard = Guard(["127.0.0.0/8"], own_port=8621)
    with pytest.raises(Blocked, match="the adapter itself"):
        guard.check(address, 8621)
    guard.check(address, 8622)
    guard.check("8.8.8.8", 8621)


def test_our_own_public_address_is_not_called() -> None:
    guard = Guard(own_url="https://tmf.example/base")
    for callback in ("https://tmf.example/listener", "HTTPS://TMF.EXAMPLE:443/x"):
        with pytest.raises(Blocked, match="the adapter itself"):
            guard.target(callback)
    assert guard.target("https://tmf.example:8443/listener").port == 8443


@pytest.mark.parametrize(
    ("callback", "said"),
    [
        ("http://user:secret@bss.example/", "user information"),
        ("http://user@bss.example/", "user information"),
        ("http://@bss.example/", "user information"),
        ("http://bss.example/#x", "fragment"),
        ("http://bss.example/x#", "fragment"),
        ("http://2130706433/", "look like something else"),
        ("http://8.8.8.8.8/", "look like something else"),
        ("http://[fe80::1%25eth0]/", "look like something else"),
        ("http://bss.example:0/", "absolute"),
        ("ftp://bss.example/", "absolute"),
        ("//bss.example/", "absolute"),
        ("http:///listener", "absolute"),
        ("http://[::1/", "no URL"),
        ("http://bss.example:99999/", "no URL"),
        ("http://bss.example/a b", "character"),
        ("http://bss.example/a\r\nX-Evil: 1", "character"),
        ("http://bss.example/a\\b", "character"),
    ],
)
def test_a_callback_that_is_not_to_be_followed_says_why(callback: str, said: str) -> None:
    with pytest.raises(Blocked, match=said):
        Guard(["0.0.0.0/0"]).target(callback)


@pytest.mark.parametrize(
    "callback",
    [
        "https://bss.example/listener",
        "http://bss.example:8080/a%2Fb/%7Ec?x=1&y=%20@",
        "http://localhost/",
        "http://bss/",
        "http://192.0.2.1:8080/",
        "http://[2001:db8::1]:8080/",
        "https://bücher.example/",
        "https://bss.example/@user",
    ],
)
def test_any_other_callback_is_looked_up(callback: str) -> None:
    assert Guard().target(callback).host


def test_http_may_be_forbidden() -> None:
    guard = Guard(https_only=True)
    assert guard.target("https://bss.example/").host == "bss.example"
    with pytest.raises(Blocked, match="TMF_ADAPTER_CALLBACK_HTTPS"):
        guard.target("http://bss.example/")
