"""Sees what happens at the adapter, the downstream and the subscriber, and has it told as it happens."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import requests

from tmf_adapter.demo.client import Client
from tmf_adapter.demo.narrator import Narrator
from tmf_adapter.demo.owed import restoration_type
from tmf_adapter.demo.serving import Doc

ENDED = ("resolved", "rejected", "cancelled", "closed")


@dataclass(slots=True)
class Opened:
    """A ticket of the story: what it was opened with and how it was when last seen."""

    name: str
    line: str
    sent: Doc
    seen: Doc


@dataclass(slots=True)
class Watch:
    """``look`` asks all three once. ``downstream`` and ``subscriber`` hold what they answered last."""

    client: Client
    narrator: Narrator
    downstream_url: str
    subscriber_url: str
    tickets: list[Opened] = field(default_factory=list)
    downstream: Doc = field(default_factory=dict)
    subscriber: Doc = field(default_factory=dict)
    _statuses: dict[str, str] = field(default_factory=dict)

    def look(self) -> None:
        """Notice and tell everything new. The adapter may be dead at the moment; its tickets are as last seen then."""
        self._look_at_downstream()
        for ticket in self.tickets:
            self._look_at_ticket(ticket)
        self._look_at_subscriber()

    def waiting(self) -> int:
        """How many problems are not decided."""
        return sum(problem["status"] not in ENDED for problem in self.downstream["problems"])

    def _look_at_downstream(self) -> None:
        self.downstream = self.client.get(f"{self.downstream_url}/control")
        for problem in self.downstream["problems"]:
            if self._statuses.get(problem["id"]) != problem["status"]:
                self.narrator.say("downstream", self._of_problem(problem))
                self._statuses[problem["id"]] = problem["status"]

    def _of_problem(self, problem: Doc) -> str:
        name = self._name_of_line(problem["affectedService"][0]["id"])
        if problem["id"] not in self._statuses:
            return f"asked to recover {name}: opens service problem {problem['id'][:8]}"
        if problem["status"] not in ENDED:
            return f"works on {name}"
        with_workaround = " with a work-around" if problem.get("characteristic") else ""
        return f"decides {name}: {problem['status']}{with_workaround} - {problem.get('statusChangeReason')}"

    def _look_at_ticket(self, ticket: Opened) -> None:
        with suppress(requests.RequestException):
            now = self.client.get(ticket.seen["href"])
            if said := ", ".join(_differences(ticket.seen, now)):
                self.narrator.say("adapter", f"{ticket.name}: {said}")
            ticket.seen = now

    def _look_at_subscriber(self) -> None:
        known = {record["eventId"] for record in self.subscriber.get("events", ())}
        told = len(self.subscriber.get("events", ()))
        self.subscriber = self.client.get(f"{self.subscriber_url}/received")
        for record in self.subscriber["events"][told:]:
            again = " (again)" if record["eventId"] in known else ""
            known.add(record["eventId"])
            self.narrator.say("subscriber", self._of_notification(record) + again)

    def _of_notification(self, record: Doc) -> str:
        name = next((ticket.name for ticket in self.tickets if ticket.seen["id"] == record["id"]), record["id"])
        what = str(record["eventType"]).removeprefix("TroubleTicket").removesuffix("Event")
        status = f" to {record['status']}" if what == "StatusChange" else ""
        return f"hears of {name}: {what}{status}"

    def _name_of_line(self, line: str) -> str:
        return next((ticket.name for ticket in self.tickets if ticket.line == line), line)


def _differences(before: Doc, now: Doc) -> Iterator[str]:
    """What to say of a ticket that changed."""
    if now["status"] != before["status"]:
        reason = now.get("statusChangeReason")
        yield f"is {now['status']}" + (f", because: {reason}" if reason else "")
    if (said := restoration_type(now)) != restoration_type(before):
        yield f"restorationType={said}"
    for note in now.get("note", [])[len(before.get("note", [])) :]:
        yield f'note "{note["text"]}"'
