"""How we show others who we are: tokens, fixed headers, certificates; and that no secret is shown to anybody else."""

import asyncio
import base64
import json
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import requests

from tests.certificates import Authority
from tests.hub.sinks import until
from tests.recovery.sinks import Reply, Sink, answer, drip_body, drip_head, flood, hang, reset, sink
from tmf_adapter import credentials
from tmf_adapter.credentials import (
    BadCredentials,
    Basic,
    Bearer,
    Credentials,
    Header,
    NoToken,
    OAuth2,
    Tls,
    Tokens,
    auth_of,
)
from tmf_adapter.secret import Secret

SECRET = "s3cr3t-0f-ours"


def grants(lifetime: float | None = 3600, delay: float = 0.0, **members: object) -> Reply:
    """A token endpoint: t1, t2, ..."""
    count = 0

    async def reply(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await asyncio.sleep(delay)
        said = {"access_token": f"t{count}", "token_type": "Bearer", "expires_in": lifetime, **members}
        said = {name: value for name, value in said.items() if value is not None}
        await answer(200, json.dumps(said).encode())(request, writer)

    return reply


def fails_after(first: Reply) -> Reply:
    asked = 0

    async def reply(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await (first if asked == 1 else answer(503, b"{}"))(request, writer)

    return reply


def client_at(endpoint: Sink, **members: object) -> OAuth2:
    return OAuth2(f"{endpoint.url}/token", "adapter", Secret(SECRET), **members)  # type: ignore[arg-type]  # of the test


@pytest.fixture
async def tokens() -> AsyncIterator[Tokens]:
    tokens = Tokens(timeout=0.6)
    yield tokens
    tokens.close()


async def test_a_token_is_asked_for_as_the_standard_says(tokens: Tokens) -> None:
    async with sink(grants()) as endpoint:
        assert await tokens.get(client_at(endpoint, scope="notify write", audience="https://bss")) == "t1"
    head, _, body = endpoint.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /token HTTP/1.1")
    assert f"Basic {base64.b64encode(f'adapter:{SECRET}'.encode()).decode()}" in head.decode()
    assert parse_qs(body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["notify write"],
        "audience": ["https://bss"],
    }


async def test_a_client_may_show_its_secret_in_the_body(tokens: Tokens) -> None:
    async with sink(grants()) as endpoint:
        await tokens.get(client_at(endpoint, in_body=True))
    head, _, body = endpoint.requests[0].partition(b"\r\n\r\n")
    assert b"authorization:" not in head.lower()
    assert parse_qs(body.decode())["client_secret"] == [SECRET]


async def test_a_token_is_fetched_once_however_many_want_it(tokens: Tokens) -> None:
    async with sink(grants(delay=0.05)) as endpoint:
        client = client_at(endpoint)
        assert set(await asyncio.gather(*(tokens.get(client) for _ in range(20)))) == {"t1"}
        assert await tokens.get(client_at(endpoint)) == "t1", "an equal client is the same client"
        assert len(endpoint.requests) == 1
        assert await tokens.get(client_at(endpoint, scope="other")) == "t2"


async def test_whoever_gives_up_waiting_does_not_end_the_fetch_for_the_others(tokens: Tokens) -> None:
    async with sink(grants(delay=0.1)) as endpoint:
        client = client_at(endpoint)
        waits = [asyncio.create_task(tokens.get(client)) for _ in range(2)]
        await asyncio.sleep(0.03)
        waits[0].cancel()
        assert await waits[1] == "t1"
        assert len(endpoint.requests) == 1


async def test_a_token_near_its_end_is_replaced_while_it_is_still_used(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sink(grants(lifetime=100)) as endpoint:
        client = client_at(endpoint)
        assert await tokens.get(client) == "t1"
        monkeypatch.setattr(credentials, "monotonic", lambda: time.monotonic() + 85)
        assert await tokens.get(client) == "t1", "nobody waits for its successor"
        await until(lambda: len(endpoint.requests) == 2)
        async with asyncio.timeout(5):
            while await tokens.get(client) == "t1":  # noqa: ASYNC110 - a token that is being replaced tells nobody
                await asyncio.sleep(0.01)
        assert len(endpoint.requests) == 2


async def test_a_token_at_its_end_is_used_no_more(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sink(grants(lifetime=100)) as endpoint:
        client = client_at(endpoint)
        assert await tokens.get(client) == "t1"
        monkeypatch.setattr(credentials, "monotonic", lambda: time.monotonic() + 101)
        assert await tokens.get(client) == "t2"


async def test_a_token_outlives_an_endpoint_that_is_down_for_a_while(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sink(fails_after(grants(lifetime=100))) as endpoint:
        client = client_at(endpoint)
        assert await tokens.get(client) == "t1"
        monkeypatch.setattr(credentials, "monotonic", lambda: time.monotonic() + 85)
        assert await tokens.get(client) == "t1"
        await until(lambda: len(endpoint.requests) == 2)
        assert await tokens.get(client) == "t1"
        monkeypatch.setattr(credentials, "monotonic", lambda: time.monotonic() + 101)
        with pytest.raises(NoToken):
            await tokens.get(client)


async def test_after_a_401_another_token_is_fetched_once_for_all_who_were_refused(tokens: Tokens) -> None:
    async with sink(grants()) as endpoint:
        shown = Credentials(client_at(endpoint), tokens=tokens)
        before = [await shown.headers() for _ in range(3)]
        assert before == [{"Authorization": "Bearer t1"}] * 3
        assert shown.refused(before[0])
        assert await shown.headers() == {"Authorization": "Bearer t2"}
        assert shown.refused(before[1]), "late news of the old token"
        assert await shown.headers() == {"Authorization": "Bearer t2"}
        assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (hang, "no whole answer within 0.6 s"),
        (drip_head, "no whole answer within 0.6 s"),
        (drip_body, "no whole answer within 0.6 s"),
        (reset, "ConnectionError"),
        (answer(401, b'{"error": "invalid_client", "error_description": "no"}'), "invalid_client"),
        (answer(500, b"{}"), "500"),
        (answer(302, b""), "not a JSON object"),
        (answer(200, b"<html>"), "not a JSON object"),
        (answer(200, b"{}"), "no bearer token"),
        (answer(200, b"[]"), "not a JSON object"),
        (answer(200, b'{"access_token": 7, "token_type": "bearer"}'), "no bearer token"),
        (answer(200, b'{"access_token": "t", "token_type": "mac"}'), "no bearer token"),
        (answer(200, b'{"access_token": "t\\r\\nX-Evil: 1", "token_type": "bearer"}'), "cannot be sent"),
        (answer(200, b'{"access_token": "t", "token_type": "bearer", "expires_in": "soon"}'), "ValueError|cannot"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_an_endpoint_that_gives_no_token_is_named_with_the_reason(
    tokens: Tokens, reply: Reply, said: str
) -> None:
    async with sink(reply) as endpoint:
        with pytest.raises(NoToken, match=said) as caught:
            await tokens.get(client_at(endpoint))
        assert endpoint.url in str(caught.value)


async def test_a_flood_is_read_up_to_its_limit_and_cut_off(tokens: Tokens) -> None:
    async with sink(flood) as endpoint:
        with pytest.raises(NoToken, match="not a JSON object"):
            await tokens.get(client_at(endpoint))


async def test_an_endpoint_that_failed_is_left_alone_for_a_moment(tokens: Tokens) -> None:
    async with sink(answer(500, b"{}")) as endpoint:
        for _ in range(5):
            with pytest.raises(NoToken, match="500"):
                await tokens.get(client_at(endpoint))
        assert len(endpoint.requests) == 1


async def test_a_redirect_is_not_followed(tokens: Tokens) -> None:
    async with sink(grants()) as elsewhere:

        async def redirects(_request: bytes, writer: asyncio.StreamWriter) -> None:
            head = f"HTTP/1.1 307 X\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())

        async with sink(redirects) as endpoint:
            with pytest.raises(NoToken):
                await tokens.get(client_at(endpoint))
        assert elsewhere.requests == []


async def test_a_proxy_and_a_password_file_of_the_environment_are_ignored(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login evil password evil")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with sink(grants()) as endpoint, sink(grants()) as proxy:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy.url)
        await tokens.get(client_at(endpoint, in_body=True))
        assert proxy.requests == []
    assert b"authorization:" not in endpoint.requests[0].lower()


# --- The guard --------------------------------------------------------------------------------------------------------


class Refused(OSError):
    pass


def refuses(*refused: str) -> Callable[[str, int], None]:
    def check(address: str, port: int) -> None:
        if address in refused:
            raise Refused(f"{address} may not be dialled")

    return check


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1"])
async def test_the_address_of_a_token_endpoint_is_judged_when_it_is_dialled(host: str) -> None:
    tokens = Tokens(refuses("127.0.0.1", "::1"))
    async with sink(grants()) as endpoint:
        with pytest.raises(NoToken, match="may not be dialled"):
            await tokens.get(OAuth2(endpoint.url.replace("127.0.0.1", host), "adapter", Secret(SECRET)))
        assert endpoint.requests == []
    tokens.close()


async def test_a_name_is_looked_up_once_and_refused_when_any_of_its_addresses_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: object) -> list[object]:
        if host != "token.test":
            return list(real(host, port, *rest))  # type: ignore[arg-type]  # what the caller gave
        asked.append(host)
        addresses = ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.1", "10.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    tokens = Tokens(refuses("10.0.0.1"))
    async with sink(grants()) as endpoint:
        url = endpoint.url.replace("127.0.0.1", "token.test")
        assert await tokens.get(OAuth2(url, "adapter", Secret(SECRET))) == "t1"
        assert asked == ["token.test"]
        with pytest.raises(NoToken, match=r"10\.0\.0\.1 may not be dialled"):
            await tokens.get(OAuth2(url, "adapter", Secret(SECRET), scope="other"))
        assert len(endpoint.requests) == 1
    tokens.close()


async def test_http_may_be_forbidden() -> None:
    tokens = Tokens(https_only=True)
    async with sink(grants()) as endpoint:
        with pytest.raises(NoToken, match="TMF_ADAPTER_CALLBACK_HTTPS"):
            await tokens.get(client_at(endpoint))
        assert endpoint.requests == []
    tokens.close()


# --- Certificates -----------------------------------------------------------------------------------------------------


async def test_a_private_authority_and_a_client_certificate_serve_for_tokens_and_for_requests(
    tokens: Tokens, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    ours = authority.sign("adapter")
    tls = Tls(ours.certificate, ours.key, authority.ca)
    async with sink(grants(), authority.server(clients=authority)) as endpoint:
        shown = Credentials(client_at(endpoint), tls, tokens)
        assert await shown.headers() == {"Authorization": "Bearer t1"}
        asked = await asyncio.to_thread(
            requests.get, endpoint.url + "/", cert=shown.cert, verify=shown.verify, timeout=5
        )
        assert asked.status_code == 200
        with pytest.raises(NoToken, match=r"(?i)ssl|connection"):
            await tokens.get(client_at(endpoint), Tls(ca=authority.ca))
        with pytest.raises(NoToken, match=r"(?i)ssl"):
            await tokens.get(client_at(endpoint))


async def test_a_certificate_that_was_renewed_on_disk_is_taken_up(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.sign("adapter")
    shown = Credentials(tls=Tls(pair.certificate, pair.key, authority.ca))
    before = shown.ssl_context()
    assert before is not None
    assert shown.ssl_context() is before
    authority.sign("adapter")
    os.utime(pair.key, ns=(1, 1))
    assert shown.ssl_context() is not before


@pytest.mark.parametrize("missing", ["certificate", "key", "ca"])
def test_a_file_that_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    authority = Authority(tmp_path)
    pair = authority.sign("adapter")
    files = {"certificate": pair.certificate, "key": pair.key, "ca": authority.ca, missing: tmp_path / "gone.pem"}
    with pytest.raises(OSError, match=r"gone\.pem"):
        Credentials(tls=Tls(**files)).ssl_context()


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/"])
def test_what_is_no_ordinary_file_is_not_read(path: str) -> None:
    with pytest.raises(OSError, match="not a file of certificates"):
        Credentials(tls=Tls(ca=Path(path))).ssl_context()


def test_a_key_without_a_certificate_is_refused() -> None:
    with pytest.raises(BadCredentials, match="beside the key"):
        Tls(key=Path("x.key"))


def test_without_files_the_system_decides() -> None:
    assert Credentials().ssl_context() is None
    assert Credentials(tls=Tls()).ssl_context() is None
    assert (Credentials().cert, Credentials().verify) == (None, True)


# --- What is shown, and what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "headers"),
    [
        ({"type": "bearer", "token": "abc"}, {"Authorization": "Bearer abc"}),
        ({"type": "basic", "username": "me", "password": "pä:ss"}, {"Authorization": "Basic bWU6cMOkOnNz"}),
        ({"type": "header", "name": "X-Api-Key", "value": "k 1"}, {"X-Api-Key": "k 1"}),
    ],
)
async def test_fixed_credentials_are_a_header(document: dict[str, str], headers: dict[str, str]) -> None:
    shown = Credentials(auth_of(document))
    assert await shown.headers() == headers
    assert not shown.refused(headers), "there is nothing else to show"
    assert await Credentials().headers() == {}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "/type"),
        ({"type": "kerberos"}, "/type"),
        ({"type": "bearer"}, "/token"),
        ({"type": "bearer", "token": ""}, "/token"),
        ({"type": "bearer", "token": 7}, "/token"),
        ({"type": "bearer", "token": "a\r\nX-Evil: 1"}, "/token"),
        ({"type": "bearer", "token": "a\0"}, "/token"),
        ({"type": "bearer", "token": "ä"}, "/token"),
        ({"type": "bearer", "token": "a", "tokne": "b"}, "/tokne"),
        ({"type": "basic", "username": "a:b", "password": "x"}, "/username"),
        ({"type": "header", "name": "X Y", "value": "x"}, "/name"),
        ({"type": "header", "name": "X:\r\nY", "value": "x"}, "/name"),
        ({"type": "header", "name": "Host", "value": "x"}, "/name"),
        ({"type": "header", "name": "content-length", "value": "0"}, "/name"),
        ({"type": "header", "name": "Transfer-Encoding", "value": "chunked"}, "/name"),
        ({"type": "header", "name": "webhook-signature", "value": "v1,x"}, "/name"),
        ({"type": "header", "name": "X-Key", "value": "a\nb"}, "/value"),
        ({"type": "header", "name": "X-Key", "value": " a"}, "/value"),
        ({"type": "oauth2", "tokenUrl": "https://t", "clientId": "c"}, "/clientSecret"),
        ({"type": "oauth2", "tokenUrl": "ftp://t", "clientId": "c", "clientSecret": "s"}, "/tokenUrl"),
        ({"type": "oauth2", "tokenUrl": "https://u:p@t", "clientId": "c", "clientSecret": "s"}, "/tokenUrl"),
        ({"type": "oauth2", "tokenUrl": "https://[::1", "clientId": "c", "clientSecret": "s"}, "/tokenUrl"),
        ({"type": "oauth2", "tokenUrl": "https://t/\r\nX: y", "clientId": "c", "clientSecret": "s"}, "/tokenUrl"),
        ({"type": "oauth2", "tokenUrl": "https://t", "clientId": "c\n", "clientSecret": "s"}, "/clientId"),
    ],
)
def test_credentials_that_could_say_something_else_are_refused(document: dict[str, object], pointer: str) -> None:
    with pytest.raises(BadCredentials) as caught:
        auth_of(document)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    "auth",
    [
        Bearer(Secret(SECRET)),
        Basic("me", Secret(SECRET)),
        Header("X-Key", Secret(SECRET)),
        OAuth2("https://t", "c", Secret(SECRET)),
    ],
    ids=lambda auth: type(auth).__name__,
)
def test_no_secret_is_in_a_repr(auth: Bearer | Basic | Header | OAuth2) -> None:
    assert SECRET not in f"{auth} {auth!r} {Credentials(auth)!r}"


async def test_no_secret_is_in_an_error_or_a_log_even_when_the_endpoint_repeats_it(
    tokens: Tokens, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = {"error": "invalid_client", "error_description": f"the secret {SECRET} is wrong"}
    async with sink(answer(401, json.dumps(said).encode())) as endpoint:
        for in_body in (False, True):
            with pytest.raises(NoToken) as caught:
                await tokens.get(client_at(endpoint, in_body=in_body))
            assert "the secret *** is wrong" in str(caught.value)
    assert SECRET not in caplog.text
    assert base64.b64encode(f"adapter:{SECRET}".encode()).decode() not in caplog.text
