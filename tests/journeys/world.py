"""A world for whole stories: the adapter, a downstream and a subscriber, each a process of its own, over real HTTP."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.forked import start
from tmf_adapter.demo.processes import Process, free_port

Doc = dict[str, Any]
TICKETS = "/tmf-api/troubleTicket/v5/troubleTicket"
TICKET_HUB = "/tmf-api/troubleTicket/v5/hub"
PROBLEMS = "/tmf-api/serviceProblemManagement/v5/serviceProblem"
PATIENCE = 40.0

MAPPING = """
id: line-fault
title: A fault on a line goes to service problem management
outcome: service
events: [create, status]
when:
  - t.status == 'inProgress'
  - t.type == 'fault'
let: {lines: "t.rel.affectedService.map(r, {'@type': 'ServiceRef', 'id': r.id})"}
steps:
  - id: problem
    call: tmf656.createServiceProblem
    timeout: PT1S
    retry: {attempts: 5, backoff: PT0.2S, when: [timeout, connect, '429', '500', '502', '503', '504']}
    body:
      '@type': ServiceProblem
      category: serviceProvider.declared
      priority: 2
      description: ${t.description}
      reason: customer problem ${t.id}
      originatorParty:
        '@type': RelatedPartyRefOrPartyRoleRef
        role: originator
        partyOrPartyRole: {'@type': PartyRef, id: problem-handling, '@referredType': Organization}
      affectedService: ${lines}
    await:
      event: ServiceProblemStateChangeEvent
      workaround: ev.serviceProblem.status == 'resolved' && ev.serviceProblem.characteristic.exists(c, c.name == 'restorationType' && c.value == 'workaround')
      restored: ev.serviceProblem.status in ['resolved', 'closed']
      fail: ev.serviceProblem.status in ['rejected', 'cancelled']
      within: WITHIN
"""  # noqa: E501


def mapping_directory(path: Path, within: str = "PT1H", extra: str = "") -> Path:
    """A directory with the one mapping of these stories."""
    directory = path / "mappings"
    directory.mkdir(exist_ok=True)
    (directory / "10-line-fault.yaml").write_text(MAPPING.replace("WITHIN", within) + extra)
    return directory


def until(what: str, condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """The first truth that ``condition`` gives; an AssertionError that names ``what`` when it never does."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:g} s in vain: {what}")


@dataclass
class World:
    """``local`` leaves service problems to the adapter itself: there is no downstream then."""

    database_url: str
    mappings: Path
    local: bool = False
    strict: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    downstream: Process | None = None
    subscriber: Process | None = None
    adapter: Process | None = None
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    # -- processes -----------------------------------------------------------------------------------------------------

    def begin(self) -> "World":
        """Everything runs and the subscriber is registered."""
        with ThreadPoolExecutor(1) as beside:
            listening = beside.submit(self._listen)
            if not self.local:
                self.downstream = start("tmf_adapter.demo.downstream", "--port", "0", "--delay", "0.05")
            self.launch()
            listening.result()
        assert self.subscriber is not None
        hub = self.post(TICKET_HUB, {"@type": "Hub", "callback": f"{self.subscriber.url}/listener"})
        assert hub.status_code == 201, hub.text
        if self.downstream:
            until("the adapter registers at the downstream", self.is_registered)
        return self

    def _listen(self) -> None:
        self.subscriber = start("tmf_adapter.demo.subscriber", "--port", "0")

    def is_registered(self) -> bool:
        """Whether the adapter has put itself on the downstream's hub."""
        assert self.downstream is not None
        asked = self.control(self.downstream)["requests"]
        return any(request["path"].endswith("/hub") for request in asked)

    def launch(self, **environment: str) -> None:
        """Start the adapter, or start it again on the same port and database."""
        settings = {
            "TMF_ADAPTER_HOST": "127.0.0.1",
            "TMF_ADAPTER_PORT": str(self.port),
            "TMF_ADAPTER_DATABASE_URL": self.database_url,
            "TMF_ADAPTER_MAPPINGS": str(self.mappings),
            "TMF_ADAPTER_CALLBACK_ALLOW": "127.0.0.0/8",
            "TMF_ADAPTER_STRICT": str(self.strict).lower(),
            "TMF_ADAPTER_DELIVERY_BACKOFF": "0.2",
            "TMF_ADAPTER_HEARTBEAT": "0.3",
            "TMF_ADAPTER_DEAD_AFTER": "1.5",
            "TMF_ADAPTER_LEASE": "1.5",
            "TMF_ADAPTER_VALIDATE_RESPONSES": "true",
            **(
                {"TMF_ADAPTER_TMF656_URL": f"{self.downstream.url}{PROBLEMS.rpartition('/')[0]}"}
                if self.downstream
                else {}
            ),
            **self.extra,
            **environment,
        }
        self.adapter = start("tmf_adapter.cli", "serve", env=settings, url=self.url)

    def end(self) -> None:
        """No process is left."""
        for process in (self.adapter, self.subscriber, self.downstream):
            if process:
                process.kill()  # nothing is asserted any more, and an orderly end takes seconds
        self.session.close()

    # -- the BSS -------------------------------------------------------------------------------------------------------

    def post(self, path: str, body: Any) -> requests.Response:
        return self.session.post(self.url + path, json=body, timeout=30)

    def patch(self, path: str, body: Any) -> requests.Response:
        return self.session.patch(self.url + path, json=body, timeout=30)

    def get(self, path: str, **query: str) -> requests.Response:
        return self.session.get(self.url + path, params=query, timeout=30)

    def open(self, line: str, status: str = "inProgress", **members: Any) -> str:
        """Open a ticket about a line; its id. The line's name tells the downstream what to decide."""
        answer = self.post(TICKETS, fault(line, status, **members))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def ticket(self, id_: str) -> Doc:
        answer = self.get(f"{TICKETS}/{id_}")
        assert answer.status_code == 200, answer.text
        found: Doc = answer.json()
        return found

    def until_reported(self, id_: str) -> Doc:
        """The ticket, once a recovery has reported on it."""
        found: Doc = until("the ticket is reported on", lambda: reported(self.ticket(id_)))
        return found

    # -- SM&O ----------------------------------------------------------------------------------------------------------

    def problems(self) -> list[Doc]:
        """Every service problem, at the downstream or here."""
        if self.downstream:
            return list(self.control(self.downstream)["problems"])
        return list(self.get(PROBLEMS).json())

    def control(self, process: Process, **wish: Any) -> Doc:
        """Tell a helper process what to do next, or ask it what happened."""
        answer = (
            self.session.post(f"{process.url}/control", json=wish)
            if wish
            else self.session.get(f"{process.url}/control")
        )
        assert answer.status_code // 100 == 2, answer.text
        found: Doc = answer.json() if answer.content else {}
        return found

    # -- the subscriber ------------------------------------------------------------------------------------------------

    def received(self) -> Doc:
        assert self.subscriber is not None
        found: Doc = self.session.get(f"{self.subscriber.url}/received").json()
        return found

    def received_types(self, ticket_id: str) -> list[str]:
        """The types of the distinct events about a ticket, in the order of their first arrival."""
        seen: dict[str, str] = {}
        for event in self.received()["events"]:
            if event["id"] == ticket_id:
                seen.setdefault(event["eventId"], event["eventType"])
        return list(seen.values())

    def until_notified(self, ticket_id: str, types: list[str]) -> None:
        """Exactly these events about the ticket have arrived; statuses in their order."""
        until(f"notified of {types}", lambda: Counter(self.received_types(ticket_id)) >= Counter(types))
        assert self.received_types(ticket_id) == types


def fault(line: str, status: str | None, **members: Any) -> Doc:
    """A ticket about a line."""
    return {
        "@type": "TroubleTicket",
        "name": "No broadband",
        "description": "The customer has no broadband since this morning",
        "severity": "Major",
        "ticketType": "fault",
        **({"status": status} if status else {}),
        "relatedEntity": [
            {
                "@type": "RelatedEntity",
                "role": "affectedService",
                "entity": {"@type": "EntityRef", "id": line, "@referredType": "Service"},
            }
        ],
        **members,
    }


def characteristic(ticket: Doc, name: str) -> Any:
    """The value of a characteristic, None when the ticket has none of this name."""
    values = {entry["name"]: entry.get("value") for entry in ticket.get("troubleTicketCharacteristic", ())}
    return values.get(name)


def reported(ticket: Doc) -> Doc | None:
    """The ticket when it carries a report."""
    return ticket if characteristic(ticket, "restorationType") else None


@contextmanager
def world(database_url: str, mappings: Path, **options: Any) -> Iterator[World]:
    """A world that is gone when the block is left."""
    here = World(database_url, mappings, **options)
    try:
        yield here.begin()
    finally:
        here.end()
