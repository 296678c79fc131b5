"""Clients that others wrote, and clients that make mistakes, against the running adapter."""

import http.client
import logging
from pathlib import Path

import pytest
import tmforum

from tests.journeys.world import PROBLEMS, TICKET_HUB, TICKETS, World, fault, until, world


def test_the_client_package_tmforum_opens_reads_patches_and_lists_tickets(local: World) -> None:
    context = tmforum.Context(api_base_url=f"{local.url}/tmf-api", access_token="none", currency_code="EUR")
    context.headers = {"Content-Type": "application/json", "Accept": "application/json"}
    context.strict_parsing = True
    context.logger = logging.getLogger("tmforum")
    ticket = tmforum.TroubleTicket.from_dict(fault("line-1", "acknowledged"), strict=True)
    opened = ticket.create(context)
    assert isinstance(opened, tmforum.TroubleTicket)
    assert opened.id
    read = opened.read(context)
    assert read.description == ticket.description
    assert read.relatedEntity[0].entity.id == "line-1"
    patched = read.update({"@type": "TroubleTicket", "severity": "Critical"}, context)
    assert patched.severity == "Critical"
    listed = tmforum.TroubleTicket.query_get("severity=Critical&limit=5", context)
    assert [entry.id for entry in listed] == [opened.id]
    assert tmforum.TroubleTicket.from_id(opened.id, context).severity == "Critical"
    assert tmforum.TroubleTicket.from_id("no-such-ticket", context) is None


MALFORMED = [
    # method, path, content type, body, status, code
    ("POST", TICKETS, "application/json", b"{nope", 400, "invalidBody"),
    (
        "POST",
        TICKETS,
        "application/json",
        b'{"severity": 7, "description": "d", "ticketType": "f"}',
        400,
        "invalidBody",
    ),
    ("POST", TICKETS, "application/json", b'{"description": "d"}', 400, "invalidBody"),
    ("POST", TICKETS, "application/json", b"[]", 400, "invalidBody"),
    ("POST", TICKETS, "application/json", b"", 400, "invalidBody"),
    ("POST", TICKETS, "text/plain", b"{}", 415, "unsupportedMediaType"),
    ("POST", TICKETS, "application/json", b'{"x": "' + b"a" * (1 << 20) + b'"}', 413, "tooLarge"),
    ("POST", TICKET_HUB, "application/json", b'{"callback": "not a url"}', 400, "invalidBody"),
    ("POST", TICKET_HUB, "application/json", b'{"callback": "ftp://x/y"}', 400, "invalidBody"),
    ("PUT", TICKETS, "application/json", b"{}", 405, "methodNotAllowed"),
    ("GET", TICKETS + "?limit=x", "", b"", 400, "invalidQuery"),
    ("GET", TICKETS + "?severty=Major", "", b"", 400, "invalidQuery"),
    ("GET", TICKETS + "?sort=-nmae", "", b"", 400, "invalidQuery"),
    ("GET", TICKETS + "/none", "", b"", 404, "notFound"),
    ("DELETE", TICKETS + "/none", "", b"", 404, "notFound"),
    ("GET", "/nowhere", "", b"", 404, "notFound"),
    ("POST", "/listener", "application/json", b"{}", 400, "invalidBody"),
]


def test_bad_input_gets_a_tmf_error_and_changes_nothing(local: World) -> None:
    for method, path, media_type, body, status, code in MALFORMED:
        headers = {"Content-Type": media_type} if media_type else {}
        answer = local.session.request(method, local.url + path, data=body, headers=headers)
        error = answer.json()
        assert (answer.status_code, error["code"]) == (status, code), (method, path, body[:60], error)
        assert error["@type"] == "Error"
        assert error["status"] == str(status)
        assert error["reason"]
        assert "Traceback" not in answer.text
    assert local.get(TICKETS).json() == []
    assert local.received()["events"] == []


def test_an_unknown_status_and_an_illegal_transition_are_refused_with_what_is_allowed(local: World) -> None:
    ticket_id = local.open("line-1", status="acknowledged")
    unknown = local.patch(f"{TICKETS}/{ticket_id}", {"status": "finished"})
    assert unknown.status_code == 400
    assert unknown.json()["errors"][0]["pointer"] == "/status"
    illegal = local.patch(f"{TICKETS}/{ticket_id}", {"status": "resolved"})
    assert illegal.status_code == 409
    assert "cancelled, inProgress, rejected" in illegal.json()["message"]
    assert local.ticket(ticket_id)["status"] == "acknowledged"


def test_what_a_client_adds_beyond_the_schema_comes_back(local: World) -> None:
    extra = {"dateFirstFound": "2026-11-24T00:00:00Z", "x-crm": {"queue": 7, "tags": ["a", None]}, "ü": "ß<>&"}
    ticket_id = local.open("line-1", status="acknowledged", **extra)
    assert local.patch(f"{TICKETS}/{ticket_id}", {"severity": "Minor"}).status_code == 200
    ticket = local.ticket(ticket_id)
    assert {name: ticket[name] for name in extra} == extra


def test_strict_refuses_what_tolerance_supplies(database_url: str, tmp_path: Path) -> None:
    bare = {"description": "d", "severity": "Major", "ticketType": "fault"}
    from tests.journeys.world import mapping_directory

    with world(database_url, mapping_directory(tmp_path), local=True) as tolerant:
        assert tolerant.post(TICKETS, bare).json()["@type"] == "TroubleTicket"
        assert tolerant.post(TICKET_HUB, {"callback": "http://127.0.0.1:9/x"}).status_code == 201
    with world(database_url, mapping_directory(tmp_path), local=True, strict=True) as strict:
        refused = strict.post(TICKETS, bare)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == "/@type"


def test_a_subscriber_that_cannot_be_reached_delays_nobody_and_loses_nothing(local: World) -> None:
    dead = local.post(TICKET_HUB, {"@type": "Hub", "callback": "http://127.0.0.1:9/dead"})
    assert dead.status_code == 201
    assert local.subscriber is not None
    local.control(local.subscriber, mode="error", times=3)
    ticket_id = local.open("line-1", status="acknowledged")
    local.patch(f"{TICKETS}/{ticket_id}", {"severity": "Minor"})
    local.until_notified(ticket_id, ["TroubleTicketCreateEvent", "TroubleTicketAttributeValueChangeEvent"])


def test_a_callback_on_a_private_network_waits_until_it_is_allowed(database_url: str, tmp_path: Path) -> None:
    from tests.journeys.world import mapping_directory

    options = {"local": True, "extra": {"TMF_ADAPTER_CALLBACK_ALLOW": ""}}
    with world(database_url, mapping_directory(tmp_path), **options) as here:
        ticket_id = here.open("line-1", status="acknowledged")
        assert here.adapter is not None
        here.adapter.stop()
        assert here.received()["events"] == []
        here.launch(TMF_ADAPTER_CALLBACK_ALLOW="127.0.0.0/8")
        here.until_notified(ticket_id, ["TroubleTicketCreateEvent"])


def test_subscribers_of_one_api_are_not_told_of_the_other(local: World) -> None:
    assert local.subscriber is not None
    hub = PROBLEMS.rpartition("/")[0] + "/hub"
    assert local.post(hub, {"@type": "Hub", "callback": f"{local.subscriber.url}/problems"}).status_code == 201
    ticket_id = local.open("line-1")
    until("the problem's event", lambda: [e for e in local.received()["events"] if e["path"] == "/problems"])
    paths = {event["path"]: event["eventType"] for event in local.received()["events"]}
    assert paths == {"/listener": "TroubleTicketCreateEvent", "/problems": "ServiceProblemCreateEvent"}
    assert local.received_types(ticket_id) == ["TroubleTicketCreateEvent"]


def test_health_says_what_is_up(local: World) -> None:
    assert local.get("/health/live").status_code == 200
    ready = local.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json() == {"database": "up", "engine": "up", "mappings": "up"}


def test_head_and_options_answer_without_a_body(local: World) -> None:
    ticket_id = local.open("line-1", status="acknowledged")
    connection = http.client.HTTPConnection("127.0.0.1", local.port)
    connection.request("HEAD", f"{TICKETS}/{ticket_id}")
    head = connection.getresponse()
    assert (head.status, head.read()) == (200, b"")
    connection.request("OPTIONS", TICKETS)
    options = connection.getresponse()
    assert (options.status, options.read()) == (204, b"")
    assert {"GET", "POST", "HEAD", "OPTIONS"} == set((options.getheader("Allow") or "").split(", "))
    connection.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: x\n  title: y\n", "10-faulty.yaml:2"),  # not YAML
        ('id: x\ntitle: y\nevents: [create]\nwhen: ["t.status =="]\nreport: {}\n', "10-faulty.yaml"),  # not CEL
        ("id: x\ntitle: y\nwehn: []\n", "wehn"),  # an unknown key
    ],
)
def test_a_faulty_mapping_stops_serve_with_its_line_and_cause(tmp_path: Path, text: str, said: str) -> None:
    import subprocess
    import sys

    directory = tmp_path / "mappings"
    directory.mkdir()
    (directory / "10-faulty.yaml").write_text(text)
    command = [sys.executable, "-m", "tmf_adapter.cli", "serve", "--mappings", str(directory)]
    command += ["--database", f"sqlite:///{tmp_path / 'x.db'}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
