"""What only shows on a real connection: bytes, pieces, and clients that leave. On uvicorn, as in production."""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.api.shelf import BASE, Shelf
from tests.api.wire import Wire, request, serving
from tmf_adapter.api.body import LIMIT
from tmf_adapter.api.protocol import HEAD, BoundedProtocol

THING = f"{BASE}/thing"
LAMP = b'{"@type": "Thing", "name": "lamp"}'
JSON = "application/json"


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture(scope="module")
def port(shelf: Shelf) -> Iterator[int]:
    with serving(shelf.app(validate_responses=True)) as port:
        yield port


@pytest.fixture
def wire(port: int) -> Iterator[Wire]:
    with Wire(port) as wire:
        yield wire


def test_a_chunked_body_is_read(wire: Wire, shelf: Shelf) -> None:
    head = request("POST", THING, content_type=JSON, transfer_encoding="chunked")
    wire.say(head, b"11\r\n", LAMP[:17] + b"\r\n", b"11\r\n" + LAMP[17:], b"\r\n0\r\n\r\n")
    assert wire.answer().status == 201
    assert shelf.body == {"@type": "Thing", "name": "lamp"}


def test_a_body_without_content_type_is_read(wire: Wire) -> None:
    wire.say(request("POST", THING, LAMP))
    assert wire.answer().status == 201


def test_a_body_in_two_packets_is_read(wire: Wire) -> None:
    whole = request("POST", THING, LAMP, content_type=JSON)
    wire.say(whole[:-10], whole[-10:])
    assert wire.answer().status == 201


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"name": "\xff"}', JSON, 400),  # invalid UTF-8
        (LAMP, f"{JSON}; charset=bogus", 201),
        ('{"name": "lamp"}'.encode("utf-16"), f"{JSON}; charset=utf-16", 400),
        (b'{"name": NaN}', JSON, 400),
        (b'{"name": "\\ud800"}', JSON, 400),
        (b'{"name": "lamp", "more": ' + b"1" * 5_000 + b"}", JSON, 400),
        (b'{"name": "lamp", "more": 123456789012345678901234567890}', JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b'{"name": "lamp", "more": ' + b"[" * 900 + b"]" * 900 + b"}", JSON, 400),
        (b'{"name": "first", "name": "last"}', JSON, 201),  # duplicate names: the last wins
        (b'{"name": "lamp", "more": "\\u0000"}', JSON, 400),
        (b"", JSON, 400),
        (LAMP, "text/plain", 415),
    ],
)
def test_strange_bodies_are_answered_and_the_connection_lives_on(
    wire: Wire, body: bytes, content_type: str, status: int
) -> None:
    wire.say(request("POST", THING, body, content_type=content_type))
    answer = wire.answer()
    assert answer.status == status
    if status >= 400:
        assert answer.document["@type"] == "Error"
    wire.say(request("GET", f"{THING}/1"))
    assert wire.answer().status == 200


def test_a_body_compressed_with_something_unusual_is_refused(wire: Wire) -> None:
    wire.say(request("POST", THING, b"\x1f\x8b", content_type=JSON, content_encoding="br"))
    assert wire.answer().status == 415


def test_three_megabytes_are_refused_and_the_connection_lives_on(wire: Wire) -> None:
    wire.say(request("POST", THING, b" " * (3 << 20), content_type=JSON))
    assert wire.answer().status == 413
    wire.say(request("GET", f"{THING}/1"))
    assert wire.answer().status == 200


def test_an_announced_excess_is_refused_before_it_is_sent(wire: Wire) -> None:
    wire.say(request("POST", THING, content_type=JSON, content_length=str(LIMIT + 1)))
    assert wire.answer().status == 413


def test_an_unannounced_excess_is_refused_while_it_is_sent(wire: Wire) -> None:
    wire.say(request("POST", THING, content_type=JSON, transfer_encoding="chunked"))
    for _ in range(LIMIT // 65_536 + 1):
        wire.say(b"10000\r\n" + b" " * 65_536 + b"\r\n")
    assert wire.answer().status == 413


def test_a_body_just_within_the_limit_is_taken(wire: Wire) -> None:
    filling = b'{"name": "' + b"x" * (LIMIT - 12) + b'"}'
    wire.say(request("POST", THING, filling, content_type=JSON))
    assert wire.answer().status == 201


def test_a_client_that_waits_for_leave_to_send_gets_it(wire: Wire) -> None:
    whole = request("POST", THING, LAMP, content_type=JSON, expect="100-continue")
    wire.say(whole[: -len(LAMP)])
    assert wire.answer().status == 100
    wire.say(whole[-len(LAMP) :])
    assert wire.answer().status == 201


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(
    port: int, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with Wire(port) as leaving:
                leaving.say(request("POST", THING, content_type=JSON, content_length="1000"), b"half")
        time.sleep(0.1)
        wire.say(request("GET", f"{THING}/1"))
        assert wire.answer().status == 200
    assert not caplog.records


def test_head_has_the_headers_of_get_and_the_next_response_follows_at_once(wire: Wire) -> None:
    wire.say(request("HEAD", f"{THING}/1"))
    head = wire.answer(head=True)
    wire.say(request("GET", f"{THING}/1"))
    got = wire.answer()
    assert head.status == got.status == 200
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.body))


def test_head_of_what_is_not_there_has_no_body(wire: Wire) -> None:
    wire.say(request("HEAD", "/nothing"))
    assert wire.answer(head=True).status == 404
    wire.say(request("GET", f"{THING}/1"))
    assert wire.answer().status == 200


def test_no_content_has_no_length(wire: Wire) -> None:
    wire.say(request("DELETE", f"{THING}/1"))
    answer = wire.answer()
    assert answer.status == 204
    assert "content-length" not in answer.headers
    assert "transfer-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"{THING}/a%2Fb", 200),
        (f"{THING}/", 200),
        (f"{THING}//", 404),
        (f"{THING}/%ff", 404),
        (f"{THING}/%00", 404),
        (f"{THING}/%", 200),  # stands for itself
        (f"{THING}/%zz", 200),
        (f"{THING}?limit=%ff", 400),
        (f"{THING}?name=%00", 400),
        (f"{THING}?limit=1&limit=x", 400),
        (f"{THING}?limit=", 400),
        (f"{THING}?severity.gt=1&relatedParty.id=2", 200),
        (f"{THING}/..", 200),  # an id like any other; nothing is resolved
        ("*", 404),
    ],
)
def test_strange_targets_are_never_a_500(wire: Wire, shelf: Shelf, target: str, status: int) -> None:
    shelf.answer = (
        []
        if target.startswith((f"{THING}?", f"{THING}/?")) or target == f"{THING}/"
        else {
            "@type": "Thing",
            "id": "1",
        }
    )
    wire.say(request("GET", target))
    assert wire.answer().status == status
    shelf.answer = {"@type": "Thing", "id": "1"}


def test_bytes_beyond_ascii_in_a_target_are_never_a_500(wire: Wire) -> None:
    wire.say(b"GET " + THING.encode() + b"/gr\xc3\xbcn HTTP/1.1\r\nHost: adapter\r\n\r\n")
    assert wire.answer().status in (400, 404)


@pytest.mark.parametrize("name", ["Accept", "Content-Type", "Authorization", "Cookie", "X-Anything"])
def test_headers_of_any_bytes_are_never_a_500(wire: Wire, name: str) -> None:
    wire.say(b"GET " + THING.encode() + b"/1 HTTP/1.1\r\nHost: adapter\r\n" + name.encode() + b": \xff\xfe;,=\r\n\r\n")
    assert wire.answer().status == 200


def test_options_and_405_tell_what_there_is(wire: Wire) -> None:
    wire.say(request("OPTIONS", THING))
    answer = wire.answer()
    assert (answer.status, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    wire.say(request("PUT", THING, LAMP))
    answer = wire.answer()
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    wire.say(request("BREW", THING))
    assert wire.answer().status == 400  # no method that the server knows


@pytest.mark.parametrize(
    "parts",
    [
        (request("GET", f"{THING}/1", x_long="a" * (HEAD + 1)),),
        (request("GET", f"{THING}?name={'a' * HEAD}"),),
        (b"GET / HTTP/1.1\r\nX-Endless: ", *[b"a" * (HEAD // 4)] * 5),
        (b"GET /", *[b"a" * (HEAD // 4)] * 5),
        (b"GET / HTTP/1.1\r\n", *[b"X-Many: a\r\n" * (HEAD // 44)] * 5),
        (request("GET", f"{THING}?name={'a' * 50 * HEAD}"),),
    ],
    ids=["a header", "an address", "an endless header", "an endless address", "many headers", "fifty times as much"],
)
def test_a_head_beyond_the_limit_is_refused_however_it_comes(wire: Wire, parts: tuple[bytes, ...]) -> None:
    wire.say(*parts)
    answer = wire.answer()
    assert (answer.status, answer.document["@type"]) == (431, "Error")


@pytest.mark.parametrize(
    ("said", "status"), [(request("GET", f"{THING}?name={'a' * 2 * HEAD}"), 431), ("no request\r\n\r\n", 400)]
)
def test_what_is_refused_after_a_request_that_was_answered_is_told_so(wire: Wire, said: str, status: int) -> None:
    wire.say(request("GET", f"{THING}/1"))
    assert wire.answer().status == 200
    wire.say(said)
    answer = wire.answer()
    assert (answer.status, answer.document["@type"]) == (status, "Error")
    assert wire.is_closed()


def test_what_is_refused_beside_a_request_leaves_that_ones_answer_whole(wire: Wire) -> None:
    wire.say(request("GET", f"{THING}/1") + b"no request\r\n\r\n")
    answer = wire.answer()
    assert (answer.status, answer.document["@type"]) == (200, "Thing")
    assert wire.is_closed()
    with pytest.raises(ConnectionError):
        wire.answer()


def test_a_head_within_the_limit_is_read_whatever_came_before_it(wire: Wire) -> None:
    wire.say(request("GET", f"{THING}/1", x_long="a" * (HEAD - 200)) * 3)
    wire.say(*[request("GET", f"{THING}/1")[:-3]], request("GET", f"{THING}/1")[-3:])
    assert [wire.answer().status for _ in range(4)] == [200] * 4


@pytest.mark.parametrize("nonsense", [b"\x16\x03\x01\x02\x00", b"GET nowhere\r\n\r\n", b"CONNECT x HTTP/1.1\r\n\r\n"])
def test_what_is_no_http_gets_an_error_of_ours(wire: Wire, nonsense: bytes) -> None:
    wire.say(nonsense)
    answer = wire.answer()
    assert (answer.status, answer.document["code"]) == (400, "badRequest")


def test_a_client_that_wants_a_websocket_is_answered_in_http_and_fills_no_log(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        wire.say(request("GET", f"{THING}/1", connection="Upgrade", upgrade="websocket"))
        assert wire.answer().status == 200
    assert not caplog.records


class Hasty(BoundedProtocol):
    patience = 0.3


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"", None),
        (b"GET / HT", 408),
        (request("GET", f"{THING}/1")[:-2], 408),
        (request("POST", THING, LAMP, content_type=JSON)[:-5], 408),
    ],
    ids=["nothing", "half a line", "a head without its end", "half a body"],
)
def test_a_request_that_does_not_arrive_is_not_waited_for(shelf: Shelf, said: bytes, status: int | None) -> None:
    with serving(shelf.app(), Hasty) as port, Wire(port) as wire:
        wire.say(said)
        if status is not None:
            assert wire.answer().status == status
        with pytest.raises(ConnectionError):
            wire.answer()


def test_nor_is_a_later_one_on_the_same_connection(shelf: Shelf) -> None:
    with serving(shelf.app(), Hasty) as port, Wire(port) as wire:
        wire.say(request("GET", f"{THING}/1"))
        assert wire.answer().status == 200
        wire.say(request("POST", THING, LAMP, content_type=JSON)[:-5])
        assert wire.answer().status == 408


def test_a_client_that_drips_is_not_waited_for(shelf: Shelf) -> None:
    with serving(shelf.app(), Hasty) as port, Wire(port) as wire:
        wire.say(request("POST", THING, LAMP, content_type=JSON)[: -len(LAMP)])
        ended = time.monotonic() + 5
        with suppress(OSError):  # closed, or reset
            while time.monotonic() < ended:
                wire.say(b" ")
                time.sleep(0.05)
        assert time.monotonic() < ended


def test_a_request_that_takes_long_to_answer_is_answered_all_the_same(shelf: Shelf) -> None:
    with serving(shelf.app(), Hasty) as port, Wire(port) as wire:
        for _ in range(3):
            wire.say(request("GET", f"{THING}/1"))
            assert wire.answer().status == 200
            time.sleep(0.4)
