"""Calls to a downstream: bounded in time whatever it does, and never mistaken for something they were not."""

import asyncio
import time
from collections.abc import AsyncIterator

import orjson
import pytest

from tests.recovery.sinks import Reply, answer, drip_body, drip_head, flood, hang, reset, sink
from tmf_adapter.credentials import Auth, Basic, Bearer, Header, OAuth2, Tokens
from tmf_adapter.recovery.downstream import Downstream, retry_after
from tmf_adapter.recovery.registry import Entry
from tmf_adapter.recovery.target import Answer, Found
from tmf_adapter.secret import Secret
from tmf_adapter.tmf.operations import OPERATIONS

CREATE = OPERATIONS["tmf656.createServiceProblem"]
PROBLEM = {"id": "p1", "href": "http://x/p1", "status": "acknowledged"}


@pytest.fixture
async def downstream_at() -> AsyncIterator[type[Downstream]]:
    made: list[Downstream] = []

    def make(url: str) -> Downstream:
        made.append(Downstream(Entry("tmf656", url, "v5")))
        return made[-1]

    yield make  # type: ignore[misc]
    for each in made:
        each.close()


async def _create(url: str, make: type[Downstream], timeout: float = 5.0) -> Answer:
    return await make(url).create(CREATE, "op-1", {"description": "no sync"}, timeout)


async def test_a_create_carries_the_operation_id_and_brings_the_resource(downstream_at: type[Downstream]) -> None:
    async with sink(answer(201, orjson.dumps(PROBLEM))) as here:
        got = await _create(here.url + "/base/", downstream_at)
    assert got == Answer(document=PROBLEM)
    head, _, body = here.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /base/serviceProblem HTTP/1.1")
    assert b"Idempotency-Key: op-1" in head
    assert orjson.loads(body) == {"description": "no sync"}


@pytest.mark.parametrize(
    ("status", "body", "again", "said"),
    [
        (400, b'{"code": "1", "reason": "no category"}', None, "no category"),  # refused for good
        (404, b"", None, "404"),  # nothing there
        (301, b"", None, "301"),  # redirects are not followed
        (409, b"{}", "409", "409"),  # it may know the operation already
        (429, b"", "429", "429"),
        (500, b"<html>", "500", "500"),  # it may have done it
        (503, b"", "503", "503"),
        (201, b"not json", "nonsense", "nonsense"),
        (200, b"[]", "nonsense", "nonsense"),  # JSON, but no resource
        (201, b'{"id": 7}', "nonsense", "nonsense"),  # an id that is none
        (201, b"\xff\xfe", "nonsense", "nonsense"),  # not even UTF-8
        (201, b'{"id": "%s"}' % (b"a" * 501), "nonsense", "nonsense"),  # an id that no index takes
        (201, b'{"id": ""}', "nonsense", "nonsense"),
        (201, b'{"id": ".."}', "nonsense", "nonsense"),  # asked for by its id, it would be the collection's parent
        (201, b'{"id": "a\\u0000b"}', "nonsense", "nonsense"),  # no database keeps it
        (201, b'{"id": "a", "name": "\\\\\\u0000"}', "nonsense", "nonsense"),  # nor what a mapping makes of it
        (201, b'{"id": "a\\nb"}', "nonsense", "nonsense"),  # another line of the log
        (201, b"n\0o\x1b[2J\r\n", "nonsense", "nonsense: n o [2J  "),  # a reason that can be kept and shown
        (201, b'{"id": "1"}' + b" " * (1 << 20), "nonsense", "more than 1048576 bytes"),
    ],
)
async def test_an_answer_that_is_no_resource_is_told_apart(
    downstream_at: type[Downstream], status: int, body: bytes, again: str | None, said: str
) -> None:
    async with sink(answer(status, body)) as here:
        got = await _create(here.url, downstream_at)
    assert got.document is None
    assert got.again == again
    assert got.error is not None
    assert said in got.error


async def test_an_escape_that_is_only_quoted_is_no_null_character(downstream_at: type[Downstream]) -> None:
    quoted = {**PROBLEM, "description": r"it said \u0000"}
    async with sink(answer(201, orjson.dumps(quoted))) as here:
        assert await _create(here.url, downstream_at) == Answer(document=quoted)


async def test_a_resource_with_a_null_character_is_not_taken_from_a_look_either(
    downstream_at: type[Downstream],
) -> None:
    async with sink(answer(200, orjson.dumps({**PROBLEM, "description": "\0"}))) as here:
        assert await downstream_at(here.url).fetch(CREATE, "p1", 5.0) is Found.UNREACHABLE


@pytest.mark.parametrize("reply", [hang, drip_head, drip_body], ids=["hangs", "drips its head", "drips its body"])
async def test_the_deadline_is_hard(downstream_at: type[Downstream], reply: Reply) -> None:
    async with sink(reply) as here:
        began = time.monotonic()
        got = await _create(here.url, downstream_at, timeout=0.5)
        took = time.monotonic() - began
    assert got.again == "timeout"
    assert 0.4 < took < 5, "the server would have gone on for minutes"


async def test_a_reset_leaves_the_outcome_open(downstream_at: type[Downstream]) -> None:
    async with sink(reset) as here:
        assert (await _create(here.url, downstream_at)).again == "connect"


async def test_nobody_there_is_worth_another_try(downstream_at: type[Downstream]) -> None:
    async with sink(hang) as here:
        url = here.url
    assert (await _create(url, downstream_at)).again == "connect"


async def test_an_endless_body_is_cut(downstream_at: type[Downstream]) -> None:
    async with sink(flood) as here:
        assert (await _create(here.url, downstream_at)).again == "nonsense"


async def test_many_hanging_calls_delay_no_other(downstream_at: type[Downstream]) -> None:
    async with sink(hang) as slow, sink(answer(201, orjson.dumps(PROBLEM))) as fast:
        hanging = [asyncio.create_task(_create(slow.url, downstream_at, 2.0)) for _ in range(20)]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        assert (await _create(fast.url, downstream_at)).document == PROBLEM
        assert time.monotonic() - began < 1.5
        assert {(await each).again for each in hanging} == {"timeout"}


async def test_a_connection_that_was_cut_does_not_harm_the_next_call(downstream_at: type[Downstream]) -> None:
    calls = 0

    async def first_hangs(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        await (hang if calls == 1 else answer(201, orjson.dumps(PROBLEM)))(request, writer)

    async with sink(first_hangs) as here:
        downstream = downstream_at(here.url)
        assert (await downstream.create(CREATE, "op-1", {}, 0.3)).again == "timeout"
        for _ in range(3):
            assert (await downstream.create(CREATE, "op-1", {}, 3.0)).document == PROBLEM


OURS = {**PROBLEM, "externalIdentifier": [{"id": "op-1", "owner": "tmf_adapter"}]}
OLD = {**PROBLEM, "externalId": "op-1"}


@pytest.mark.parametrize(
    ("status", "listed", "found"),
    [
        (200, [OURS], OURS),  # v5
        (200, [OLD], OLD),  # v4
        (200, [], Found.NOTHING),
        (200, [PROBLEM, OURS], OURS),  # a server that ignores the filter answers everything
        (200, [PROBLEM], Found.NOTHING),
        (200, ["nonsense", 7, None], Found.NOTHING),
        (200, {"reason": "no list"}, Found.UNREACHABLE),
        (500, [], Found.UNREACHABLE),  # not an answer: nothing may be concluded
        (404, [], Found.UNREACHABLE),
    ],
)
async def test_a_look_finds_only_what_carries_our_operation_id(
    downstream_at: type[Downstream], status: int, listed: object, found: object
) -> None:
    async with sink(answer(status, orjson.dumps(listed))) as here:
        assert await downstream_at(here.url).look(CREATE, "op-1", 5.0) == found
    assert b"GET /serviceProblem?externalIdentifier.id=op-1 " in here.requests[0]


async def test_a_look_at_a_downstream_that_hangs_says_so(downstream_at: type[Downstream]) -> None:
    async with sink(hang) as here:
        assert await downstream_at(here.url).look(CREATE, "op-1", 0.3) is Found.UNREACHABLE


async def test_a_resource_is_fetched_by_its_own_id_however_it_is_spelt(downstream_at: type[Downstream]) -> None:
    async with sink(answer(200, orjson.dumps(PROBLEM))) as here:
        assert await downstream_at(here.url).fetch(CREATE, "../a b", 5.0) == PROBLEM
    assert b"GET /serviceProblem/..%2Fa%20b " in here.requests[0]


async def test_a_resource_that_is_gone_is_told_from_one_that_cannot_be_had(downstream_at: type[Downstream]) -> None:
    async with sink(answer(404, b"{}")) as here:
        assert await downstream_at(here.url).fetch(CREATE, "p1", 5.0) is Found.NOTHING
    async with sink(answer(502, b"{}")) as here:
        assert await downstream_at(here.url).fetch(CREATE, "p1", 5.0) is Found.UNREACHABLE


@pytest.mark.parametrize(
    ("status", "body", "done"),
    [
        (201, b'{"id": "h1"}', (True, "h1")),
        (201, b"", (True, None)),  # some answer without a body
        (409, b"{}", (True, None)),  # it has us already
        (404, b"", (False, None)),
        (500, b"", (False, None)),
    ],
)
async def test_a_registration_counts_when_the_hub_took_it(
    downstream_at: type[Downstream], status: int, body: bytes, done: tuple[bool, str | None]
) -> None:
    async with sink(answer(status, body)) as here:
        assert await downstream_at(here.url).register("http://us/listener", 5.0) == done
    assert b'"callback": "http://us/listener"' in here.requests[0]


# --- credentials, sparing, versions


async def test_a_token_that_is_refused_is_fetched_anew_once() -> None:
    tokens = [b'{"access_token": "old", "token_type": "bearer"}', b'{"access_token": "new", "token_type": "bearer"}']
    shown = []

    async def issue(request: bytes, writer: asyncio.StreamWriter) -> None:
        await answer(200, tokens.pop(0))(request, writer)

    async def orders(request: bytes, writer: asyncio.StreamWriter) -> None:
        token = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"authorization:"))
        shown.append(token.partition(b": ")[2])
        fresh = token.endswith(b"new")
        await answer(201 if fresh else 401, orjson.dumps(PROBLEM))(request, writer)

    async with sink(issue) as issuer, sink(orders) as here:
        auth = OAuth2(issuer.url + "/token", "adapter", Secret("s3cret"))
        kept = Tokens()
        downstream = Downstream(Entry("tmf656", here.url, "v5", auth=auth), kept)
        got = await downstream.create(CREATE, "op-1", {}, 5.0)
        downstream.close()
        kept.close()
    assert got.document == PROBLEM
    assert shown == [b"Bearer old", b"Bearer new"]


@pytest.mark.parametrize(
    ("auth", "hidden"),
    [
        (Bearer(Secret("t0ken-0f-ours")), ["t0ken-0f-ours"]),
        (Basic("us", Secret("passw0rd")), ["passw0rd", "dXM6cGFzc3cwcmQ="]),
        (Header("X-Api-Key", Secret("k3y 0f-the-adapter")), ["k3y 0f-the-adapter", "0f-the-adapter"]),
    ],
    ids=["bearer", "basic", "header"],
)
@pytest.mark.parametrize("status", [201, 400, 401, 503])
async def test_what_a_downstream_repeats_of_our_credentials_is_not_kept(
    auth: Auth, hidden: list[str], status: int
) -> None:
    async with sink(answer(status, orjson.dumps({"id": hidden[0], "note": hidden}))) as here:
        downstream = Downstream(Entry("tmf656", here.url, "v5", auth=auth))
        got = await downstream.create(CREATE, "op-1", {}, 5.0)
        downstream.close()
    assert "***" in str(got)
    assert [secret for secret in hidden if secret in str(got)] == []


async def test_a_head_that_repeats_our_credentials_is_not_quoted() -> None:
    async def echo(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no HTTP but t0ken-0f-ours\r\n\r\n")
        await writer.drain()

    async with sink(echo) as here:
        downstream = Downstream(Entry("tmf656", here.url, "v5", auth=Bearer(Secret("t0ken-0f-ours"))))
        got = await downstream.create(CREATE, "op-1", {}, 5.0)
        downstream.close()
    assert got.again == "connect"
    assert "no HTTP but ***" in str(got.error)


async def test_without_a_token_nothing_is_sent_and_it_may_be_tried_again() -> None:
    async with sink(answer(500, b"no")) as issuer, sink(answer(201, orjson.dumps(PROBLEM))) as here:
        kept = Tokens()
        auth = OAuth2(issuer.url + "/token", "adapter", Secret("s3cret"))
        downstream = Downstream(Entry("tmf656", here.url, "v5", auth=auth), kept)
        got = await downstream.create(CREATE, "op-1", {}, 5.0)
        downstream.close()
        kept.close()
    assert (got.again, here.requests) == ("connect", [])
    assert "s3cret" not in str(got.error)


async def test_a_downstream_that_fails_in_a_row_is_spared(downstream_at: type[Downstream]) -> None:
    async with sink(answer(500, b"no")) as here:
        downstream = downstream_at(here.url)
        for _ in range(downstream.entry.failures):
            assert downstream.held_until is None
            await downstream.create(CREATE, "op-1", {}, 5.0)
    assert downstream.held_until is not None


@pytest.mark.parametrize("status", [429, 503])
async def test_a_downstream_is_left_alone_as_long_as_it_asks(downstream_at: type[Downstream], status: int) -> None:
    async def busy(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 %d Busy\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n" % status)

    async with sink(busy) as here:
        downstream = downstream_at(here.url)
        assert (await downstream.create(CREATE, "op-1", {}, 5.0)).again == str(status)
    assert downstream.held_until is not None
    assert 90 < downstream.held_until.timestamp() - time.time() <= 100


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("\u0663", None),
        ("9" * 40, 999_999_999.0),
    ],
)
def test_both_forms_of_retry_after_are_read(said: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": said} if said else {}) == seconds


async def test_a_change_goes_to_its_target_as_a_merge_patch(downstream_at: type[Downstream]) -> None:
    patch = OPERATIONS["tmf640.patchService"]
    async with sink(answer(200, b'{"state": "active"}')) as here:
        got = await downstream_at(here.url).create(patch, "op-1", {"state": "active"}, 5.0, "line/7")
    assert got.document == {"id": "line/7", "state": "active"}
    head, _, body = here.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PATCH /service/line%2F7 HTTP/1.1")
    assert b"application/merge-patch+json" in head
    assert orjson.loads(body) == {"state": "active"}


async def test_a_deletion_has_no_body(downstream_at: type[Downstream]) -> None:
    async with sink(answer(204, b"")) as here:
        got = await downstream_at(here.url).create(OPERATIONS["tmf648.deleteQuote"], "op-1", {}, 5.0, "q1")
    assert got.document == {"id": "q1"}
    assert here.requests[0].startswith(b"DELETE /quote/q1")
    assert here.requests[0].endswith(b"\r\n\r\n")


async def test_no_more_calls_run_at_once_than_the_registry_says() -> None:
    running = most = 0

    async def count(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        await answer(201, orjson.dumps(PROBLEM))(request, writer)

    async with sink(count) as here:
        downstream = Downstream(Entry("tmf656", here.url, "v5", calls=3))
        await asyncio.gather(*(downstream.create(CREATE, f"op-{number}", {}, 10.0) for number in range(9)))
        downstream.close()
    assert most == 3
