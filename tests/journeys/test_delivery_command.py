"""``tmf-adapter delivery`` and the README's verification, against an adapter and a listener over real HTTP."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.journeys.test_readme import README
from tests.journeys.world import TICKET_HUB, World, until
from tmf_adapter.cli import main
from tmf_adapter.settings import shipped

TOKEN = "a-token-of-32-characters-or-more"


class Listener(ThreadingHTTPServer):
    """Takes everything, and keeps it as it came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/listener"


class _Take(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, Listener)
        self.server.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    here = World(f"sqlite:///{tmp_path / 'adapter.db'}", shipped("mappings"), local=True)
    here.extra = {"TMF_ADAPTER_SECRET_KEY": "ab" * 32, "TMF_ADAPTER_OPERATOR_TOKEN": TOKEN}
    monkeypatch.setenv("TMF_ADAPTER_URL", here.url)
    monkeypatch.setenv("TMF_ADAPTER_OPERATOR_TOKEN", TOKEN)
    try:
        here.launch()
        yield here
    finally:
        here.end()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command: what it printed, having ended as expected."""

    def run(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        ended = main(["delivery", *words])
        printed = capsys.readouterr()
        assert ended == code, printed
        return printed.err if code else printed.out

    return run


def test_an_operator_finds_out_why_and_sets_it_right(adapter: World, listener: Listener, said: Any) -> None:
    assert said("subscriptions") == "nothing\n"
    hub = adapter.post(TICKET_HUB, {"@type": "Hub", "callback": listener.url}).json()["id"]
    heading, row = said("subscriptions").splitlines()
    assert heading.split()[:3] == ["id", "api", "state"]
    assert row.split()[:3] == [hub, "tmf621-v5", "enabled"]
    assert listener.url in said("subscription", hub)

    # Paused: what is owed is listed, and explained.
    assert "maintenance" in said("pause", hub, "--reason", "maintenance")
    ticket = adapter.open("line-1", status="acknowledged")
    [waiting] = json.loads(said("list", "--state", "pending", "--resource", ticket, "--json"))
    assert waiting["eventType"] == "TroubleTicketCreateEvent"
    explained = said("explain", waiting["id"])
    assert "The subscription is paused: maintenance." in explained
    assert "Resume the subscription." in explained
    assert listener.received == []

    # Resumed: it arrives.
    said("resume", hub)
    until("it arrives", lambda: len(listener.received) == 1)
    until("that is known", lambda: "delivered" in said("show", waiting["id"]))

    # A secret of its own, made by the command, shown once.
    printed = said("rotate-secret", hub)
    secret = re.search(r"whsec_\S+", printed)
    assert secret, printed
    assert secret[0] not in said("subscription", hub) + said("audit", "--json")
    adapter.open("line-2", status="acknowledged")
    until("another arrives", lambda: len(listener.received) == 2)
    headers, body = listener.received[1]
    assert Webhook(secret[0]).verify(body.decode(), headers)

    # Sent again, after it was counted.
    assert re.search(r"matched +2\nreplayed +0", said("replay", "--subscription", hub, "--dry-run"))
    assert re.search(r"matched +1\nreplayed +1", said("replay", waiting["id"], "--yes"))
    until("it comes again", lambda: len(listener.received) == 3)
    assert listener.received[2][0]["webhook-id"] == listener.received[0][0]["webhook-id"]

    # Who did all that.
    actions = [line.split() for line in said("audit").splitlines()[1:]]
    assert [words[4] for words in actions] == ["replay", "rotate", "resume", "pause"]


def test_terms_come_from_a_file_and_keys_rotate(adapter: World, listener: Listener, said: Any, tmp_path: Path) -> None:
    hub = adapter.post(TICKET_HUB, {"@type": "Hub", "callback": listener.url}).json()["id"]
    (tmp_path / "auth.json").write_text('{"type": "bearer", "token": "s3cr3t"}')
    printed = said("terms", hub, "--order", "none", "--timeout", "5", "--auth", str(tmp_path / "auth.json"))
    assert "s3cr3t" not in printed
    assert re.search(r"token +\*\*\*", printed)
    adapter.open("line-1", status="acknowledged")
    until("it arrives", lambda: len(listener.received) == 1)
    assert listener.received[0][0]["authorization"] == "Bearer s3cr3t"
    assert "auth" not in json.loads(said("terms", hub, "--auth", "none", "--json"))["terms"]

    [old] = json.loads(said("keys", "--json"))
    new = json.loads(said("rotate-keys", "--json"))
    assert [line.split()[0] for line in said("keys").splitlines()] == ["kid", new["kid"], old["kid"]]
    assert len(adapter.get("/.well-known/webhook-keys").json()["keys"]) == 2


def test_what_the_adapter_refuses_is_said_and_what_cannot_be_asked_as_well(
    adapter: World, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There is no subscription with this id." in said("pause", "nobody", code=1)
    assert "must be an instant" not in said("list", "--since", "2026-11-24T06:00:00Z")
    assert "2026-11-24T06:00:00Z" in said("list", "--since", "yesterday", code=1)
    assert "cannot be reached" in said("keys", "--url", "http://127.0.0.1:1", code=2)
    monkeypatch.setenv("TMF_ADAPTER_OPERATOR_TOKEN", "another-token-altogether")
    refused = said("keys", code=1)
    assert "token" in refused
    assert TOKEN not in refused


def test_the_readme_verifies_a_notification(adapter: World, listener: Listener) -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet.replace("http://127.0.0.1:8621", adapter.url), names)
    adapter.post(TICKET_HUB, {"@type": "Hub", "callback": listener.url})
    adapter.open("line-1", status="acknowledged")
    until("it arrives", lambda: listener.received)
    headers, body = listener.received[0]
    names["verify"](headers, body)
    for altered in (body + b" ", body.replace(b"acknowledged", b"resolved    ")):
        with pytest.raises(ValueError, match="not signed"):
            names["verify"](headers, altered)
    with pytest.raises(ValueError, match="too old"):
        names["verify"]({**headers, "webhook-timestamp": "1764000000"}, body)
