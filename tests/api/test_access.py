"""Who may use a document that is not for everybody."""

import logging
from dataclasses import replace

import httpx
import pytest

from tests.api.shelf import BASE, Shelf, assert_error, client_of
from tmf_adapter.api.access import Access
from tmf_adapter.api.server import build
from tmf_adapter.secret import Secret

TOKEN = "a-token-of-32-characters-or-more"


def asked_by(shelf: Shelf, access: Access, client: str, url: str = "http://127.0.0.1:8621") -> httpx.AsyncClient:
    """A client whose requests come from that address and are sent to that one."""
    app = build([replace(shelf.document(), access=access)], {}, strict=False)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(client, 1)), base_url=url + BASE)


def caller(shelf: Shelf) -> str:
    assert shelf.request is not None
    return shelf.request.caller


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN}"])
async def test_who_shows_the_token_is_admitted_from_anywhere(shelf: Shelf, authorization: str) -> None:
    async with asked_by(shelf, Access(Secret(TOKEN)), "198.51.100.7", "https://adapter.example") as client:
        answered = await client.get("/thing/1", headers={"Authorization": authorization, "X-Operator": "ada"})
    assert answered.status_code == 200
    assert caller(shelf) == "ada at 198.51.100.7"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"],
)
@pytest.mark.parametrize("client_address", ["198.51.100.7", "127.0.0.1"])
async def test_who_does_not_is_told_what_is_needed(
    shelf: Shelf, authorization: str | None, client_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {b"authorization": authorization.encode("latin-1")} if authorization is not None else {}
    async with asked_by(shelf, Access(Secret(TOKEN)), client_address) as client:
        answered = await client.get("/thing/1", headers=headers)  # type: ignore[arg-type]  # bytes are headers too
    document = assert_error(answered, 401, "unauthorized")
    assert answered.headers["www-authenticate"] == 'Bearer realm="tmf-adapter"'
    assert TOKEN not in str(document) + caplog.text
    assert shelf.request is None


async def test_a_stranger_learns_nothing_of_what_is_right_about_his_request(shelf: Shelf) -> None:
    async with asked_by(shelf, Access(Secret(TOKEN)), "198.51.100.7") as client:
        for answered in (
            await client.post("/thing", content=b"{nonsense"),
            await client.get("/thing?limit=x"),
            await client.delete("/thing/1"),
        ):
            assert_error(answered, 401, "unauthorized")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
async def test_without_a_token_this_machine_is_admitted(shelf: Shelf, address: str) -> None:
    async with asked_by(shelf, Access(), address) as client:
        assert (await client.get("/thing/1")).status_code == 200
    assert caller(shelf) == f"operator at {address}"


@pytest.mark.parametrize("address", ["198.51.100.7", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", "", "unix"])
async def test_without_a_token_nobody_else_is(shelf: Shelf, address: str) -> None:
    async with asked_by(shelf, Access(), address) as client:
        document = assert_error(await client.get("/thing/1"), 403, "forbidden")
    assert "TMF_ADAPTER_OPERATOR_TOKEN" in document["message"]


@pytest.mark.parametrize(
    ("url", "origin", "status"),
    [
        ("http://localhost:8621", None, 200),
        ("http://[::1]:8621", None, 200),
        ("http://127.0.0.1:8621", "http://127.0.0.1:8621", 200),  # our own console
        ("http://127.0.0.1:8621", "http://evil.example", 403),  # a form or a script of another page
        ("http://127.0.0.1:8621", "http://127.0.0.1:9000", 403),  # of another server on this machine
        ("http://127.0.0.1:8621", "null", 403),
        ("http://evil.example:8621", None, 403),  # a name that was made to resolve to 127.0.0.1
        ("http://evil.example:8621", "http://evil.example:8621", 403),
        ("http://127.0.0.1.evil.example", None, 403),
    ],
)
async def test_without_a_token_a_browser_on_this_machine_is_no_way_in(
    shelf: Shelf, url: str, origin: str | None, status: int
) -> None:
    async with asked_by(shelf, Access(), "127.0.0.1", url) as client:
        answered = await client.post("/thing", json={}, headers={"Origin": origin} if origin else {})
    assert answered.status_code in ((201, 400) if status == 200 else (403,)), answered.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "["},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Forwarded": "for=198.51.100.7"},
        {"Via": "1.1 proxy"},
        {"X-Forwarded-For": "198.51.100.7"},
        {"X-Forwarded-Host": "adapter.example"},
        {"X-Real-IP": "198.51.100.7"},
    ],
)
async def test_without_a_token_what_is_odd_or_comes_through_a_proxy_is_refused(
    shelf: Shelf, headers: dict[str, str]
) -> None:
    async with asked_by(shelf, Access(), "127.0.0.1") as client:
        assert_error(await client.get("/thing/1", headers=headers), 403, "forbidden")
    assert shelf.request is None


async def test_the_name_that_a_caller_gives_cannot_pose_as_anything_else(shelf: Shelf) -> None:
    async with asked_by(shelf, Access(), "127.0.0.1") as client:
        await client.get("/thing/1", headers={"X-Operator": 'ada at 1.2.3.4", "x": "' + "y" * 100})
    assert caller(shelf) == "adaat1.2.3.4x" + "y" * 51 + " at 127.0.0.1"


async def test_a_document_for_everybody_is_not_guarded(client: httpx.AsyncClient, shelf: Shelf) -> None:
    assert (await client.get("/thing/1")).status_code == 200
    assert caller(shelf) == ""


async def test_what_is_guarded_is_still_validated_and_known_by_its_path(shelf: Shelf) -> None:
    app = build([replace(shelf.document(), access=Access())], {}, strict=False, validate_responses=True)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1{BASE}") as client:
        assert_error(await client.get("/thing?limit=x"), 400, "invalidQuery")
        assert (await client.get("/thing/7")).json()["id"] == "1"
        assert (await client.options("/thing/7")).status_code == 204
    async with client_of(shelf.app()) as client:
        assert (await client.get("/thing/7")).status_code == 200
