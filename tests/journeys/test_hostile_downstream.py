"""Downstreams of every ill temper beside a good one, over a real process: each recovery that they fail ends with a
plain reason, none waits for another's downstream, and no credential is told to anybody, though some repeat it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.hub.sinks import Received, Sink, Temper, answers
from tests.journeys.test_operator import operate
from tests.journeys.world import TICKETS, World, characteristic, fault, mapping_directory, until

CLIENT_SECRET, ACCESS_TOKEN, API_KEY = "cl1ent-s3cret", "acc3ss-t0ken", "k3y-0f-the-adapter"
JSON = "content-type: application/json\r\n"
DRIPS = 6
"""Seconds until a downstream that drips is given up; twice that when it is looked at as well."""

CALLS = {
    "refuses": ("tmf622.createProductOrder", "{productOrderItem: [{id: '1', action: add}]}"),
    "babbles": ("tmf646.createAppointment", "{validFor: {startDateTime: '2026-03-03T08:00:00Z'}}"),
    "redirects": ("tmf648.createQuote", "{quoteItem: [{id: '1', action: add}]}"),
    "floods": ("tmf697.createWorkOrder", "{workOrderItem: [{id: '1', action: add}]}"),
    "drips": ("tmf699.createSalesLead", "{name: a lead}"),
    "odd": ("tmf641.createServiceOrder", "{serviceOrderItem: [{id: '1', action: add, service: {id: '1'}}]}"),
    "borrows": ("tmf701.createProcessFlow", "{processFlowSpecification: '1'}"),
    "breaks": ("tmf653.createServiceTest", "{name: t, relatedService: {id: '1'}, testSpecification: {id: '1'}}"),
}
"""What each is asked for; an API each, so that each is a downstream of its own."""

REASONS = {
    "refuses": "it answered 401: who is ***?",
    "babbles": "it answered 201 with nonsense: you said ***",
    "redirects": "it answered 307, and redirections are not followed",
    "floods": "it answered 201 with more than 1048576 bytes",
    "drips": f"no whole answer within {DRIPS} s",
    "odd": "it answered 201 with nonsense",
    "borrows": "no result",
    "breaks": "the connection broke in the middle of its answer",
}
AWAITS = """
    await: {event: ProcessFlowStateChangeEvent, ok: ev.processFlow.state == 'completed', fail: 'false', within: PT3S}
"""
MAPPING = """
id: NAME
title: A downstream that NAME
outcome: service
events: [create]
when: ["t.status == 'inProgress'", "t.type == 'NAME'"]
steps:
  - id: call
    call: CALL
    timeout: PT10S
    retry: {attempts: 1, backoff: PT0.1S, when: [timeout, connect, nonsense]}
    body: BODY
"""


async def refuses(received: Received, writer: asyncio.StreamWriter) -> bool:
    said = f"who is {received.headers['authorization']}?".encode()
    return await answers(401, said)(received, writer)


async def babbles(received: Received, writer: asyncio.StreamWriter) -> bool:
    said = f"you said {received.headers['x-api-key']}".encode() + b"\r\n\x00\xff\x1b[2J"
    return await answers(201, said, JSON)(received, writer)


async def drips(_received: Received, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 201 X\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(1)


async def breaks(_received: Received, writer: asyncio.StreamWriter) -> bool:
    writer.write(f"HTTP/1.1 201 X\r\n{JSON}content-length: 1000\r\n\r\n".encode() + b'{"id": "1"')
    return False


class Field:
    """The hostile downstreams by what they do; what they all are told to give as an id is ``borrowed``."""

    def __init__(self) -> None:
        self.borrowed = ""
        token = json.dumps({"access_token": ACCESS_TOKEN, "token_type": "Bearer"}).encode()
        self.elsewhere, self.token = Sink(answers(201, b'{"id": "1"}', JSON)), Sink(answers(200, token, JSON))
        tempers: dict[str, Temper] = {
            **{"refuses": refuses, "babbles": babbles, "redirects": self.redirects, "drips": drips, "breaks": breaks},
            "floods": answers(201, b'{"id": "1", "name": "' + b"x" * 10_000_000 + b'"}', JSON),
            "odd": answers(201, json.dumps({"id": "../\0\r\n\u202e"}).encode(), JSON),
            "borrows": self.borrows,
        }
        self.hostile = {name: Sink(temper) for name, temper in tempers.items()}

    async def redirects(self, received: Received, writer: asyncio.StreamWriter) -> bool:
        return await answers(307, headers=f"location: {self.elsewhere.url}\r\n")(received, writer)

    async def borrows(self, received: Received, writer: asyncio.StreamWriter) -> bool:
        return await answers(201, json.dumps({"id": self.borrowed}).encode(), JSON)(received, writer)

    def downstreams(self) -> Iterator[str]:
        """The lines of the registry."""
        oauth2 = f"{{type: oauth2, tokenUrl: '{self.token.url}', clientId: us, clientSecret: {{env: HIDDEN_SECRET}}}}"
        key = "{type: header, name: X-Api-Key, value: {env: HIDDEN_KEY}}"
        yield "downstreams:"
        for name, sink in self.hostile.items():
            api, timeout = CALLS[name][0].partition(".")[0], DRIPS if name == "drips" else 10
            auth = oauth2 if name == "refuses" else key
            yield f"  {api}: {{url: '{sink.url}', timeout: PT{timeout}S, hub: false, auth: {auth}}}"


@asynccontextmanager
async def field() -> AsyncIterator[Field]:
    here = Field()
    async with AsyncExitStack() as stack:
        for sink in (here.elsewhere, here.token, *here.hostile.values()):
            await sink.start()
            stack.push_async_callback(sink.stop)
        yield here


def write(directory: Path, here: Field) -> tuple[Path, Path]:
    """The mappings and the registry."""
    mappings = mapping_directory(directory)
    for name, (call, body) in CALLS.items():
        text = MAPPING.replace("NAME", name).replace("CALL", call).replace("BODY", body)
        (mappings / f"20-{name}.yaml").write_text(text + (AWAITS if name == "borrows" else ""))
    registry = directory / "downstreams.yaml"
    registry.write_text("\n".join(here.downstreams()))
    return mappings, registry


ECHOES = ("refuses", "babbles")
"""Those that repeat what they were shown."""


class Story:
    """What the operator sees."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.tickets: dict[str, str] = {}

    def open(self, name: str) -> None:
        answer = self.here.post(TICKETS, fault("line-1", "inProgress", ticketType=name))
        assert answer.status_code == 201, answer.text
        self.tickets[name] = answer.json()["id"]

    def recovery(self, name: str) -> Any:
        [listed] = self.here.get("/operator/v1/recovery", ticketId=self.tickets[name]).json()
        return self.here.get(f"/operator/v1/recovery/{listed['id']}").json()

    def everything_told(self) -> str:
        """All that the operator's API, the command line, the tickets and the log say."""
        assert self.here.adapter
        recoveries = {name: self.recovery(name) for name in self.tickets}
        told = [json.dumps([*recoveries.values(), *map(self.here.ticket, self.tickets.values())])]
        told += [operate(self.here, "show", recoveries[name]["id"]).stdout for name in ECHOES]
        assert [name for name, shown in zip(ECHOES, told[1:], strict=True) if REASONS[name] not in shown] == []
        return "\n".join([*told, operate(self.here, "list").stdout, self.here.adapter.log()])


def tell(here: World, found: Field) -> None:
    story = Story(here.begin())
    waiting = here.open("line-silent-1")
    [problem] = until("the good one is asked", here.problems)
    found.borrowed = problem["id"]
    for name in CALLS:
        story.open(name)
    until("one drips", lambda: found.hostile["drips"].received)
    assert here.until_reported(here.open("line-ok-1"))["status"] == "resolved"
    assert story.recovery("drips")["state"] == "running", "the good one waited for one that drips"

    until("the borrower has answered", lambda: found.hostile["borrows"].received)
    solved = {"serviceProblem": {"id": problem["id"], "status": "resolved"}}
    event = {"eventId": "e-1", "eventType": "ServiceProblemStateChangeEvent", "event": solved}
    assert here.post("/listener", event).status_code // 100 == 2
    assert here.until_reported(waiting)["status"] == "resolved"

    for name, reason in REASONS.items():
        ticket = here.until_reported(story.tickets[name])
        assert characteristic(ticket, "restorationType") == "unsuccessful", name
        recovery = story.recovery(name)
        assert recovery["outcome"] == "unsuccessful", name
        assert reason in recovery["reason"], name
    told = story.everything_told()
    assert [secret for secret in (CLIENT_SECRET, ACCESS_TOKEN, API_KEY) if secret in told] == []
    unquoted = told.replace(r"\\", "")  # what quotes an answer in which such a character is written as an escape
    assert [raw for each in "\0\x1b\u202e" for raw in (each, json.dumps(each)[1:-1]) if raw in unquoted] == []


async def test_hostile_downstreams_delay_no_other_fail_with_a_plain_reason_and_no_secret_is_told(
    empty_database_url: str, tmp_path: Path
) -> None:
    async with field() as found:
        mappings, registry = write(tmp_path, found)
        secrets = {"HIDDEN_SECRET": CLIENT_SECRET, "HIDDEN_KEY": API_KEY}
        here = World(empty_database_url, mappings, extra={**secrets, "TMF_ADAPTER_DOWNSTREAMS": str(registry)})
        try:
            await asyncio.to_thread(tell, here, found)
        finally:
            here.end()
    assert found.elsewhere.received == [], "a redirection was followed"
    shown = [one.headers["authorization"] for one in found.hostile["refuses"].received]
    assert shown == [f"Bearer {ACCESS_TOKEN}"] * 2, "once more with a new token, and that is all"
    assert {one.headers["x-api-key"] for one in found.hostile["babbles"].received} == {API_KEY}
