"""Answers are compressed for whoever accepts that."""

import gzip

import orjson
import pytest

from tests.api.shelf import BASE, Shelf
from tests.api.wire import Wire, request, serving
from tmf_adapter.api.compression import FROM, compress
from tmf_adapter.api.errors import respond

LONG = {"@type": "Thing", "id": "1", "name": "x" * FROM}


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("br, x-gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q = 0.0", False),
        ("*;q=1, gzip;q=0", False),
        ("identity", False),
        ("br,deflate", False),
        ("gzip;q=.", False),
        ("", False),
        (None, False),
    ],
)
def test_the_client_decides(accepted: str | None, compressed: bool) -> None:
    response = respond(200, LONG, {"ETag": '"7"'})
    compress(accepted, response)
    assert response.headers["vary"] == "accept-encoding"
    assert response.headers["content-length"] == str(len(response.body))
    if compressed:
        assert response.headers["content-encoding"] == "gzip"
        assert response.headers["etag"] == '"7-gzip"'
        assert orjson.loads(gzip.decompress(response.body)) == LONG
    else:
        assert "content-encoding" not in response.headers
        assert response.headers["etag"] == '"7"'
        assert orjson.loads(response.body) == LONG


def test_a_long_answer_is_compressed_on_the_wire_and_a_short_one_is_not() -> None:
    shelf = Shelf()
    with serving(shelf.app(validate_responses=True)) as port, Wire(port) as wire:
        wire.say(request("GET", f"{BASE}/thing/1", accept_encoding="gzip"))
        assert "content-encoding" not in wire.answer().headers
        shelf.answer = LONG
        wire.say(request("GET", f"{BASE}/thing/1", accept_encoding="gzip"))
        answer = wire.answer()
        assert orjson.loads(gzip.decompress(answer.body)) == LONG
        wire.say(request("HEAD", f"{BASE}/thing/1", accept_encoding="gzip"))
        head = wire.answer(head=True)
        assert (head.headers["content-length"], head.body) == (str(len(answer.body)), b"")


def test_a_compressed_request_is_read() -> None:
    shelf = Shelf()
    body = gzip.compress(orjson.dumps({"@type": "Thing", "name": "lamp"}))
    with serving(shelf.app()) as port, Wire(port) as wire:
        wire.say(request("POST", f"{BASE}/thing", body, content_type="application/json", content_encoding="gzip"))
        assert wire.answer().status == 201
    assert shelf.body["name"] == "lamp"
