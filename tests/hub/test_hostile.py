"""Callbacks made to reach what nobody may reach through us, and two independent guards asked about each of them.

What a guard is asked: the URL as it was registered, then every address that its host resolves to.
"""

import random
import socket
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import pytest
import ssrfguard
from aiohttp.abc import ResolveResult
from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, IPAddressRanges, PolicyConfigOptions
from AntiSSRF._antissrf_agent import _validate_request_host
from requests import Request as Prepared
from requests.exceptions import RequestException
from urllib3.util import parse_url

from tests.hub.posting import To, a_poster
from tests.hub.room import OpenSink
from tests.hub.sinks import Sink
from tmf_adapter.credentials import NoToken, OAuth2, Tokens
from tmf_adapter.hub.guard import Blocked, Guard, GuardedResolver
from tmf_adapter.secret import Secret

NAMES = {
    "internal.test": ["10.0.0.5"],
    "loopback.test": ["127.0.0.1"],
    "loopback6.test": ["::1"],
    "metadata.test": ["169.254.169.254"],
    "azure.test": ["168.63.129.16"],
    "alibaba.test": ["100.100.100.200"],
    "mixed.test": ["8.8.8.8", "127.0.0.1"],
    "mixed6.test": ["2606:4700::1111", "::ffff:127.0.0.1"],
    "nat64.test": ["64:ff9b::7f00:1"],
    "sixtofour.test": ["2002:7f00:1::1"],
    "compatible.test": ["::127.0.0.1"],
    "unique.test": ["fd00::1"],
    "linklocal.test": ["fe80::1"],
    "unspecified.test": ["0.0.0.0"],
    "broadcast.test": ["255.255.255.255"],
    "multicast.test": ["224.0.0.1"],
    "public.test": ["8.8.8.8"],
    "pub_lic.test": ["8.8.8.8"],
}
"""What the tests' own resolver says; everything else is left to the system's."""

HOSTILE = [
    # loopback as it is
    "http://127.0.0.1:{port}/",
    "http://127.0.0.2:{port}/",
    "http://127.255.255.254:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]:{port}/",
    # as inet_aton still reads it
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0X7F000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://0x7f.0x0.0x0.0x1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.0x1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://00000177.1:{port}/",
    # inside an IPv6 address
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::7f00:1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{port}/",  # Teredo
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[::]:{port}/",
    # in other characters
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://\uff11\uff12\uff17.0.0.1:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "http://127.0.0.1%00.public.test:{port}/",
    # where parsers disagree
    "http://public.test@127.0.0.1:{port}/",
    "http://user:secret@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@public.test/",
    "http://public.test\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@public.test/",
    "http://127.0.0.1:{port}?@public.test/",
    "http://public.test:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/\r\nHost: public.test",
    "http://127.0.0.1\t:{port}/",
    "http:127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    # through a name
    *(f"http://{name}:{{port}}/" for name in NAMES if name not in ("public.test", "pub_lic.test")),
    # networks inside, and metadata services
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.253/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://168.63.129.16/metadata",
    "http://100.100.100.200/latest/meta-data/",
    "http://192.0.0.192/opc/v2/",
    "http://198.18.0.1/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[2001:db8::1]/",
    # services that are no subscriber's
    "http://8.8.8.8:22/",
    "http://8.8.8.8:25/",
    "http://public.test:6/",
]

PORTS = {"http://8.8.8.8:22/", "http://8.8.8.8:25/", "http://public.test:6/"}
LET_THROUGH = {
    "ssrfguard": {
        "http://[::ffff:0:127.0.0.1]:{port}/",
        "http://168.63.129.16/metadata",
        "http://azure.test:{port}/",
        *PORTS,
    },
    "microsoft-antissrf": {
        "http://[::127.0.0.1]:{port}/",
        "http://[::7f00:1]:{port}/",
        "http://[::ffff:0:127.0.0.1]:{port}/",
        "http://public.test\\@127.0.0.1:{port}/",
        "http://compatible.test:{port}/",
        *PORTS,
    },
}
"""Hostile callbacks that the other guards would follow; the tables below are exact, so that news is noticed."""


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **named: Any) -> list[Any]:
        addresses = NAMES.get(str(host).lower().removesuffix("."))
        if addresses is None:
            return real(host, port, *rest, **named)
        family = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses}
        return [(family[each], socket.SOCK_STREAM, 6, "", (each, int(port or 0))) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """A listener on every address of this machine that must not be reached."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        server.settimeout(0)
        yield server


def reached(trap: socket.socket) -> bool:
    try:
        trap.accept()
    except BlockingIOError:
        return False
    return True


def test_the_corpus_is_large_enough() -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("callback", HOSTILE)
async def test_no_hostile_callback_is_followed(callback: str, trap: socket.socket) -> None:
    """Refused before a packet is sent; a name that does not resolve here is no success either."""
    async with a_poster((), 5.0) as poster:
        attempt = await poster.post(To(callback.format(port=trap.getsockname()[1])), "e1", b"{}")
    assert attempt.status is None
    assert attempt.blocked or "ClientConnectorDNSError" in str(attempt.error), attempt
    assert not reached(trap)


@pytest.mark.parametrize("url", HOSTILE)
async def test_no_hostile_token_endpoint_is_asked(url: str, trap: socket.socket) -> None:
    """Refused when it is set, or else when it is dialled."""
    tokens = Tokens(Guard().check, timeout=5.0)
    with pytest.raises((ValueError, NoToken)):
        await tokens.get(OAuth2(url.format(port=trap.getsockname()[1]), "adapter", Secret("s")))
    tokens.close()
    assert not reached(trap)


# --- The other guards -------------------------------------------------------------------------------------------------


def by_ssrfguard(url: str) -> bool:
    """Whether it would follow; told to let the ports be, which is ours to judge."""
    policy = ssrfguard.Policy(allowed_ports=frozenset(range(1, 65_536)))
    try:
        ssrfguard.resolve(policy.check_url(url), policy=policy, resolver=socket.getaddrinfo)
    except (ssrfguard.SSRFGuardError, OSError):
        return False
    return True


def by_antissrf(url: str) -> bool:
    """Whether it would follow; told that http is allowed, as it is to us."""
    policy = AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST)
    policy.allow_plain_text_http = True
    try:
        prepared = Prepared("POST", url).prepare()
        parsed = parse_url(prepared.url or "")
        _validate_request_host(policy, (parsed.host or "").strip("[]"))
    except (AntiSSRFError, RequestException, ValueError, OSError):
        return False
    return parsed.scheme in ("http", "https")


def by_us(url: str) -> bool:
    guard = Guard()
    try:
        target = guard.target(url)
        for *_, address in socket.getaddrinfo(target.host, target.port, 0, socket.SOCK_STREAM):
            guard.check(str(address[0]), target.port or 0)
    except (OSError, UnicodeError):
        return False
    return True


OTHERS: dict[str, Callable[[str], bool]] = {"ssrfguard": by_ssrfguard, "microsoft-antissrf": by_antissrf}


@pytest.mark.parametrize("name", OTHERS)
def test_what_another_guard_lets_through_is_known(name: str) -> None:
    followed = {url for url in HOSTILE if OTHERS[name](url.format(port=8080))}
    assert followed == LET_THROUGH[name]


HARMLESS = [
    "http://public.test/",
    "https://public.test:443/listener?x=1",
    "https://public.test:8443/",
    "http://8.8.8.8/",
    "http://[2606:4700::1111]:8080/",
    "http://public.test/a/../b",
    "http://public.test/%0d%0a",
    "http://PUBLIC.test/",
    "http://public.test./",
    "http://public.test:80/@x",
    "http://8.8.8.8/#fragment",
    "http://user@public.test/",
    "http://0x08080808/",
    "http://134744072/",
    "http://8.8.2056/",
    "http://010.8.8.8/",
    "http://public.test:0/",
    "http://public.test:70000/",
    "http://a..b/",
    "http://-a.test/",
    "http://" + "a" * 64 + ".test/",
    "http://" + ".".join(["abcdefgh"] * 40) + "/",
    "http://[2606:4700::1111%25eth0]/",
    "http://8.8.8.8:81/",
    "ws://public.test/",
    "http://pub_lic.test/",
]
"""Where refusing is not a matter of where it leads."""


FOLLOWED_ALL_THE_SAME = {
    "ssrfguard": {"http://pub_lic.test/"},  # no host name by RFC 952, but names like it are found inside networks
    "microsoft-antissrf": set[str](),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_another_guard_refuses_is_refused(name: str) -> None:
    assert {url for url in HARMLESS if by_us(url) and not OTHERS[name](url)} == FOLLOWED_ALL_THE_SAME[name]
    assert by_us("http://public.test/")
    assert OTHERS[name]("http://public.test/")


def addresses() -> Iterator[IPv4Address | IPv6Address]:
    """The edges of every range that one of the three knows, what lies right beside them, and many others."""
    texts = [str(block.network) for block in ssrfguard.DEFAULT_DENIED.blocks]
    texts += [text for texts in vars(IPAddressRanges).values() if isinstance(texts, tuple) for text in texts]
    for network in {ip_network(text) for text in texts}:
        for edge in (network[0], network[-1]):
            for beside in (-1, 0, 1):
                number = int(edge) + beside
                if 0 <= number < 1 << network.max_prefixlen:
                    yield ip_address(number) if network.version == 4 else IPv6Address(number)
    chance = random.Random(621)
    for _ in range(20_000):
        yield IPv4Address(chance.getrandbits(32))
        yield IPv6Address(chance.getrandbits(128))
        yield IPv6Address((1 << 125) | chance.getrandbits(125))
        yield IPv6Address((0x64FF9B << 96) | chance.getrandbits(32))


def test_every_address_that_another_guard_refuses_is_refused() -> None:
    antissrf = AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST)
    ssrf, ours = ssrfguard.Policy(), Guard()
    passed = 0
    for address in addresses():
        try:
            ours.check(str(address), 443)
        except Blocked:
            continue
        passed += 1
        assert ssrf.permits_address(address), address
        assert antissrf._is_network_connection_allowed([str(address)]), address
    assert passed > 10_000, "the guard is no wall either"


# --- Rebinding --------------------------------------------------------------------------------------------------------


class Rebinding:
    """A name server that says something else every time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port))) for address in answer]


async def test_a_name_that_turns_inside_after_it_was_judged_is_not_followed(
    sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look-up is public, as at registration; the one that would be dialled is not."""
    sink: Sink = await sink_of()
    names = Rebinding(["8.8.8.8"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names)
    assert [found["host"] for found in await GuardedResolver(Guard()).resolve("rebinding.test", sink.port)] == [
        "8.8.8.8"
    ]
    async with a_poster((), 5.0) as poster:
        attempt = await poster.post(To(f"http://rebinding.test:{sink.port}/"), "e1", b"{}")
    assert attempt.blocked
    assert names.asked == 2
    assert sink.connections == 0


async def test_an_address_that_no_resolver_judged_is_judged_at_the_socket(
    sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink: Sink = await sink_of()

    async def passes(*_: object, **__: object) -> list[ResolveResult]:
        return [
            ResolveResult(hostname="x.test", host="127.0.0.1", port=sink.port, family=socket.AF_INET, proto=6, flags=0)
        ]

    monkeypatch.setattr(GuardedResolver, "resolve", passes)
    async with a_poster((), 5.0) as poster:
        attempt = await poster.post(To(f"http://x.test:{sink.port}/"), "e1", b"{}")
    assert attempt.blocked
    assert sink.connections == 0


async def test_a_mixed_answer_is_refused_whichever_address_comes_first(
    sink_of: OpenSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink: Sink = await sink_of()
    for answer in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]):
        monkeypatch.setattr(socket, "getaddrinfo", Rebinding(answer))
        async with a_poster((), 5.0) as poster:
            attempt = await poster.post(To(f"http://rebinding.test:{sink.port}/"), "e1", b"{}")
        assert attempt.blocked, attempt
    assert sink.connections == 0
