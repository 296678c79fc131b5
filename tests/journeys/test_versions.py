"""A ticket and a problem that clients of both versions work on, with a listener at each of the four hubs."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.journeys.world import Doc, World, until

APIS = {
    "621-v4": "/tmf-api/troubleTicket/v4",
    "621-v5": "/tmf-api/troubleTicket/v5",
    "656-v4": "/tmf-api/serviceProblemManagement/v4",
    "656-v5": "/tmf-api/serviceProblemManagement/v5",
}
TICKET = {
    "description": "The bill is wrong",
    "severity": "Major",
    "ticketType": "complaint",
    "externalId": "crm-1",
    "relatedParty": [{"id": "c1", "role": "customer", "@referredType": "Customer"}],
    "note": [{"id": "n1", "text": "one"}],
}
PROBLEM = {
    "@type": "ServiceProblem",
    "category": "serviceProvider.declared",
    "priority": 1,
    "description": "Port down",
    "reason": "unknown",
    "originatorParty": {
        "@type": "RelatedPartyRefOrPartyRoleRef",
        "role": "originator",
        "partyOrPartyRole": {"@type": "PartyRef", "id": "p1", "@referredType": "Organization"},
    },
}


@contextmanager
def listening() -> Iterator[tuple[str, dict[str, list[Doc]]]]:
    """A listener for all four, and what was posted to it, by path."""
    taken: dict[str, list[Doc]] = {f"/{name}": [] for name in APIS}

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken[self.path].append(json.loads(body))
            self.send_response(201 if self.path.endswith("v4") else 204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", taken
        server.shutdown()
        thread.join()


def hears(notifications: list[Doc], wanted: Counter[str]) -> bool:
    return Counter(one["eventType"] for one in notifications) == wanted


def test_clients_and_listeners_of_both_versions_share_one_ticket_and_one_problem(local: World) -> None:
    with listening() as (url, taken):
        for name, base in APIS.items():
            hub = local.post(f"{base}/hub", {"callback": f"{url}/{name}"})
            assert hub.status_code == 201, hub.text
        ticket_id = tickets(local)
        problem_id = problems(local)
        expected = {
            "/621-v4": ("TroubleTicket", ["Create", "AttributeValueChange", "AttributeValueChange", "StatusChange"]),
            "/621-v5": ("TroubleTicket", ["Create", *["AttributeValueChange"] * 2, "StatusChange"]),
            "/656-v4": ("ServiceProblem", ["Create", "StateChange", "AttributeValueChange"]),
            "/656-v5": ("ServiceProblem", ["Create", "StateChange", "AttributeValueChange", "Delete"]),
        }
        for path, (resource, changes) in expected.items():
            wanted = Counter(f"{resource}{change}Event" for change in changes)
            until(f"{path} hears {wanted}", partial(hears, taken[path], wanted))
        for path, notifications in taken.items():
            for one in notifications:
                about = one["event"].get("troubleTicket") or one["event"]["serviceProblem"]
                assert about["id"] in (ticket_id, problem_id)
                assert f"{APIS[path[1:]]}/" in about["href"]
                assert ("timeOcurred" in one) is path.endswith("v4")
        opened = taken["/621-v4"][0]["event"]["troubleTicket"]
        assert {name: opened[name] for name in TICKET} == TICKET
        assert taken["/621-v5"][0]["event"]["troubleTicket"]["externalIdentifier"][0]["id"] == "crm-1"


def tickets(local: World) -> str:
    """Open v4, read v5, patch v5, read v4, patch v4."""
    v4, v5 = f"{APIS['621-v4']}/troubleTicket", f"{APIS['621-v5']}/troubleTicket"
    opened = local.post(v4, TICKET)
    assert opened.status_code == 201, opened.text
    id_ = str(opened.json()["id"])
    in_v5 = local.get(f"{v5}/{id_}").json()
    assert in_v5["relatedParty"][0]["partyOrPartyRole"]["id"] == "c1"
    characteristic = {"@type": "StringCharacteristic", "name": "rootCauseDomain", "value": "billing"}
    patch = {"severity": "Minor", "troubleTicketCharacteristic": [characteristic]}
    assert local.patch(f"{v5}/{id_}", patch).status_code == 200
    in_v4 = local.get(f"{v4}/{id_}").json()
    assert (in_v4["severity"], in_v4["externalId"]) == ("Minor", "crm-1")
    assert "troubleTicketCharacteristic" not in in_v4
    change = {"status": "inProgress", "note": [*TICKET["note"], {"text": "two"}]}
    assert local.patch(f"{v4}/{id_}", change).status_code == 200
    after = local.get(f"{v5}/{id_}").json()
    assert after["troubleTicketCharacteristic"] == [characteristic]
    assert after["relatedParty"] == in_v5["relatedParty"]
    found = local.get(v4, **{"relatedParty.id": "c1", "fields": "severity", "sort": "-lastUpdate"})
    assert found.json() == [{"id": id_, "severity": "Minor"}]
    assert local.get(f"{v4}/{id_}", fields="severity").json() == {"severity": "Minor"}
    assert set(local.get(f"{v5}/{id_}", fields="severity").json()) == {"@type", "id", "href", "severity"}
    assert local.get(v4, externalId="crm-1").headers["x-total-count"] == "1"
    return id_


def problems(local: World) -> str:
    """Open v5, read v4, patch v4, read v5, delete v4."""
    v4, v5 = f"{APIS['656-v4']}/serviceProblem", f"{APIS['656-v5']}/serviceProblem"
    opened = local.post(v5, PROBLEM)
    assert opened.status_code == 201, opened.text
    id_ = str(opened.json()["id"])
    in_v4 = local.get(f"{v4}/{id_}").json()
    assert in_v4["originatorParty"] == {"role": "originator", "id": "p1", "@referredType": "Organization"}
    change = {"status": "inProgress", "affectedLocation": [{"id": "l1", "role": "endpoint"}]}
    assert local.patch(f"{v4}/{id_}", change).status_code == 200
    in_v5 = local.get(f"{v5}/{id_}").json()
    assert in_v5["affectedLocation"][0]["place"]["id"] == "l1"
    assert in_v5["originatorParty"] == PROBLEM["originatorParty"]
    assert local.session.delete(f"{local.url}{v4}/{id_}").status_code == 204
    return id_
