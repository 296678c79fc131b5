"""Which operation a request means, and what it is told when it means none."""

import httpx
import pytest

from tests.api.shelf import BASE, Shelf, assert_error
from tmf_adapter.api.routing import Route, Routes
from tmf_adapter.tmf.errors import NotFound


def found(path: str, raw_path: bytes | None = None) -> tuple[str, list[str]] | None:
    """The (marked) route and its values."""
    routes = Routes()
    for template in ("/a", "/a/{id}", "/a/latest", "/a/{id}/b/{number}", "/"):
        routes.add(template, {"GET": {"template": template}})
    result = routes.find(path, path.encode() if raw_path is None else raw_path)
    if result is None:
        return None
    target = result[0].targets["GET"]
    assert isinstance(target, dict)
    return target["template"], result[1]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a", ("/a", [])),
        ("/", ("/", [])),
        ("/a/", ("/a", [])),  # one trailing slash is tolerated
        ("/a//", None),  # two are not: an empty id names nothing
        ("/a/1", ("/a/{id}", ["1"])),
        ("/a/1/", ("/a/{id}", ["1"])),
        ("/a/latest", ("/a/latest", [])),  # the literal segment wins
        ("/a/1/b/2", ("/a/{id}/b/{number}", ["1", "2"])),
        ("/a/1/b", None),
        ("/a/1/b/2/c", None),
        ("/A", None),  # paths are case-sensitive
        ("//a", None),
        ("", None),
    ],
)
def test_a_path_finds_its_route(path: str, expected: tuple[str, list[str]] | None) -> None:
    assert found(path) == expected


@pytest.mark.parametrize(
    ("raw_path", "expected"),
    [
        (b"/a/x%2Fy", ("/a/{id}", ["x/y"])),  # an encoded slash separates nothing
        (b"/a/x%2fy/b/%32", ("/a/{id}/b/{number}", ["x/y", "2"])),
        (b"/%61", ("/a", [])),  # an encoded letter is the letter
        (b"/a/gr%C3%BCn", ("/a/{id}", ["grün"])),
        (b"/a/100%25", ("/a/{id}", ["100%"])),
        (b"/a/%zz", ("/a/{id}", ["%zz"])),  # no escape, so it stands for itself
        (b"/a/%2F", ("/a/{id}", ["/"])),
        (b"/a%2F1", None),
    ],
)
def test_parameters_are_decoded_after_matching(raw_path: bytes, expected: tuple[str, list[str]] | None) -> None:
    assert found("/not/looked/at", raw_path) == expected


@pytest.mark.parametrize("raw_path", [b"/a/%ff", b"/a/%C3%28", b"/a/x%00y"])
def test_bytes_that_are_no_text_name_nothing(raw_path: bytes) -> None:
    with pytest.raises(NotFound):
        found("/a/x", raw_path)


def test_a_path_declared_twice_is_refused() -> None:
    routes = Routes()
    routes.add("/a/{id}", {})
    with pytest.raises(ValueError, match="twice"):
        routes.add("/a/{name}", {})


def test_a_parameter_that_is_half_a_segment_is_refused() -> None:
    with pytest.raises(ValueError, match="whole segment"):
        Routes().add("/a/{id}.json", {})


def test_allow_names_head_and_options() -> None:
    assert Route.of("/a", {"GET": {}, "POST": {}}).allow == "GET, HEAD, OPTIONS, POST"
    assert Route.of("/a", {"POST": {}}).allow == "OPTIONS, POST"


async def test_an_unknown_path_is_a_tmf_error(client: httpx.AsyncClient) -> None:
    assert_error(await client.get("/nothing"), 404, "notFound")
    assert_error(await client.get("http://adapter/elsewhere"), 404, "notFound")


async def test_a_method_that_is_not_there_is_told_which_are(client: httpx.AsyncClient) -> None:
    response = await client.put("/thing/1")
    assert_error(response, 405, "methodNotAllowed")
    assert response.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"


async def test_options_answers_what_is_possible(client: httpx.AsyncClient) -> None:
    response = await client.options("/thing")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_head_gets_the_headers_of_get_and_no_body(client: httpx.AsyncClient) -> None:
    got, head = await client.get("/thing/1"), await client.head("/thing/1")
    assert head.status_code == got.status_code == 200
    assert head.headers == got.headers
    assert (head.content, int(head.headers["content-length"])) == (b"", len(got.content))


async def test_head_of_a_failure_has_no_body_either(client: httpx.AsyncClient) -> None:
    response = await client.head("/nothing")
    assert (response.status_code, response.content) == (404, b"")
    assert int(response.headers["content-length"]) == len((await client.get("/nothing")).content)


async def test_a_slash_in_an_id_reaches_the_handler(client: httpx.AsyncClient, shelf: Shelf) -> None:
    assert (await client.get("/thing/a%2Fb/part/7")).status_code == 200
    assert shelf.request is not None
    assert shelf.request.path == {"id": "a/b", "number": "7"}


async def test_a_path_without_raw_path_is_served(shelf: Shelf) -> None:
    """ASGI leaves ``raw_path`` out where the server has none."""
    messages = []

    async def send(message: dict[str, object]) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "GET", "path": f"{BASE}/thing/1", "query_string": b"", "headers": []}
    await shelf.app()(scope, None, send)
    assert messages[0]["status"] == 200


async def test_a_websocket_is_closed(shelf: Shelf) -> None:
    messages = []

    async def send(message: dict[str, object]) -> None:
        messages.append(message)

    await shelf.app()({"type": "websocket", "path": f"{BASE}/thing"}, None, send)
    assert messages == [{"type": "websocket.close"}]
