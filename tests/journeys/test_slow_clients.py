"""Subscribers of every ill temper beside good ones, over real processes: nobody waits for another, it is said why each
was not notified, and no secret is told to anybody."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from tests.certificates import Authority
from tests.hub.sinks import Sink, Temper, TlsSink, accepts, answers, drips
from tests.journeys.world import TICKET_HUB, World, mapping_directory, until

SECRETS = {
    "TMF_ADAPTER_SECRET_KEY": "5ec7e7" * 10 + "abcd",
    "TMF_ADAPTER_OPERATOR_TOKEN": "operators-token-0f-32-characters",
}
CLIENT_SECRET, ACCESS_TOKEN, SIGNING_SECRET = "cl1ent-s3cret", "acc3ss-t0ken", "whsec_" + "c2VjcmV0" * 4
TIMEOUT = 6.0
EVENTS = 4
GOOD = ("plain", "oauth2", "mutual")
REASONS = {
    "drips": f"no answer within {TIMEOUT:g} s",
    "never reads": f"no answer within {TIMEOUT:g} s",
    "refuses": "answered 401",
    "stranger": "its certificate is not trusted",
    "no tls": "it does not speak TLS",
}


class HttpSink(Sink):
    """A listener that takes what is said to it for bad HTTP, whatever it is."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()


@contextmanager
def never_reads() -> Iterator[str]:
    """Connections are made, and that is all that ever happens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/listener"


@asynccontextmanager
async def sinks(directory: Path) -> AsyncIterator[dict[str, Sink]]:
    """Those that answer in some way, and the endpoint that gives out tokens."""
    token = json.dumps({"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3_600}).encode()
    tempers: dict[str, Temper] = {
        **{"plain": accepts, "oauth2": accepts, "drips": drips, "refuses": answers(401)},
        "token": answers(200, token, "content-type: application/json\r\n"),
    }
    found = {name: Sink(temper) for name, temper in tempers.items()}
    ours, theirs = Authority(directory), Authority(directory, "strangers")
    contexts = {"mutual": ours.server("mutual", clients=ours), "stranger": theirs.server("stranger")}
    ours.sign("adapter")
    found["no tls"] = HttpSink()
    for name, context in contexts.items():
        found[name] = tls = TlsSink()
        tls.context = context
    async with AsyncExitStack() as stack:
        for sink in found.values():
            await sink.start()
            stack.push_async_callback(sink.stop)
        yield found


class Story:
    """A world whose operator has a token; ``directory`` holds the certificates."""

    def __init__(self, here: World, directory: Path) -> None:
        self.here = here
        self.directory = directory
        self.subscriptions: dict[str, str] = {}
        here.session.headers["Authorization"] = f"Bearer {SECRETS['TMF_ADAPTER_OPERATOR_TOKEN']}"

    def operator(self, method: str, path: str, body: Any = None) -> Any:
        answered = self.here.session.request(method, f"{self.here.url}/operator/v1{path}", json=body, timeout=30)
        assert answered.status_code // 100 == 2, answered.text
        return answered.json()

    def subscribe(self, name: str, url: str, **terms: Any) -> None:
        hub = self.here.post(TICKET_HUB, {"@type": "Hub", "callback": url})
        assert hub.status_code == 201, hub.text
        self.subscriptions[name] = id_ = hub.json()["id"]
        self.operator("PATCH", f"/subscription/{id_}/terms", {"timeout": TIMEOUT, **terms})

    def deliveries(self, name: str) -> list[Any]:
        return list(self.operator("GET", f"/delivery?subscriptionId={self.subscriptions[name]}"))

    def reason(self, name: str) -> str:
        """What is said of the oldest that has not arrived."""
        oldest = self.deliveries(name)[-1]
        return json.dumps(self.operator("GET", f"/delivery/{oldest['id']}/explanation"))

    def register(self, found: dict[str, Sink], deaf: str) -> None:
        oauth2 = {"type": "oauth2", "tokenUrl": found["token"].url, "clientId": "us", "clientSecret": CLIENT_SECRET}
        ca = {"ca": str(self.directory / "test-authority.pem")}
        pair = {kind: str(self.directory / f"adapter.{end}") for kind, end in (("certificate", "pem"), ("key", "key"))}
        self.subscribe("drips", found["drips"].url)
        self.subscribe("never reads", deaf)
        self.subscribe("refuses", found["refuses"].url, auth=oauth2)
        self.subscribe("stranger", found["stranger"].url, tls=ca)
        self.subscribe("no tls", found["no tls"].url.replace("http:", "https:"))
        self.subscribe("plain", found["plain"].url)
        self.subscribe("oauth2", found["oauth2"].url, auth=oauth2)
        self.subscribe("mutual", found["mutual"].url, tls={**ca, **pair})
        self.operator("PUT", f"/subscription/{self.subscriptions['plain']}/secret", {"secret": SIGNING_SECRET})

    def everything_told(self) -> str:
        """All that the operator's API and the log say."""
        paths = ["/subscription", "/audit"]
        for name, id_ in self.subscriptions.items():
            each = self.deliveries(name)[0]["id"]
            paths += [f"/subscription/{id_}", f"/delivery/{each}", f"/delivery/{each}/explanation"]
        assert self.here.adapter
        return "".join(json.dumps(self.operator("GET", path)) for path in paths) + self.here.adapter.log()


def tell(story: Story, found: dict[str, Sink], deaf: str) -> None:
    story.here.launch()
    story.register(found, deaf)
    began = monotonic()
    for number in range(EVENTS):
        story.here.open(f"line-{number}", "acknowledged")
    until("the good ones have it all", lambda: all(len(found[name].received) == EVENTS for name in GOOD))
    assert max(found[name].received[-1].at for name in GOOD) - began < TIMEOUT, "someone waited for a slow one"
    for name, reason in REASONS.items():
        until(f"{name}: {reason}", lambda name=name, reason=reason: reason in story.reason(name))
    assert {request.headers["authorization"] for request in found["oauth2"].received} == {f"Bearer {ACCESS_TOKEN}"}
    told = story.everything_told()
    key = (story.directory / "adapter.key").read_text().splitlines()[1]
    hidden = [
        *SECRETS.values(),
        CLIENT_SECRET,
        ACCESS_TOKEN,
        SIGNING_SECRET,
        SIGNING_SECRET.removeprefix("whsec_"),
        key,
    ]
    assert [secret for secret in hidden if secret in told] == []


async def test_slow_and_broken_subscribers_delay_nobody_say_why_and_no_secret_is_told(
    database_url: str, tmp_path: Path
) -> None:
    here = World(database_url, mapping_directory(tmp_path), local=True)
    here.extra = {**SECRETS, "TMF_ADAPTER_DELIVERY_BACKOFF": "60"}
    async with sinks(tmp_path) as found:
        with never_reads() as deaf:
            try:
                await asyncio.to_thread(tell, Story(here, tmp_path), found, deaf)
            finally:
                here.end()
    assert found["stranger"].received == found["no tls"].received == []
