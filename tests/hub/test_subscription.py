"""What a listener wants: tables of queries, accepted and refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tmf_adapter.hub.subscription import Subscription, parse
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Event, Kind, Resource

TICKET, PROBLEM = "tmf621-v5", "tmf656-v5"
NOW = datetime(2026, 11, 24, 3, 1, 6, tzinfo=UTC)
DOCUMENT = {
    "@type": "TroubleTicket",
    "id": "t1",
    "severity": "Urgent",
    "name": "R&D, line 1",
    "escalated": True,
    "level": 3,
    "note": [{"author": "ann", "tag": ["a", "b"]}, {"author": "bob"}],
    "channel": {"name": "web"},
    "gone": None,
}


def an_event(kind: Kind = Kind.STATUS, resource: Resource = "troubleTicket", payload: Any = DOCUMENT) -> Event:
    return Event("e1", kind, resource, "t1", NOW, payload)


def wants(query: str | None, event: Event, api: str = TICKET) -> bool:
    return Subscription.of("s1", api, "http://a.test", query).wants(event)


@pytest.mark.parametrize(
    ("api", "resource", "wanted"),
    [
        (TICKET, "troubleTicket", True),
        (TICKET, "serviceProblem", False),
        (PROBLEM, "serviceProblem", True),
        (PROBLEM, "troubleTicket", False),
        (TICKET, "troubleTicketSpecification", True),
        (PROBLEM, "troubleTicketSpecification", False),
        (TICKET, "problemGroup", False),
        (PROBLEM, "problemGroup", True),
        (PROBLEM, "problemUngroup", True),
        (PROBLEM, "problemAcknowledgement", True),
        (PROBLEM, "problemUnacknowledgement", True),
    ],
)
def test_an_api_is_told_of_its_own_resources_only(api: str, resource: Resource, wanted: bool) -> None:
    assert wants(None, an_event(resource=resource), api) is wanted


def test_an_ungrouping_is_asked_for_by_the_name_it_travels_under() -> None:
    ungrouped = an_event(Kind.STATUS, "problemUngroup", {"id": "u1", "state": "done"})
    assert wants("event.problemGroup.state=done", ungrouped, PROBLEM)
    assert not wants("event.problemGroup.state=inProgress", ungrouped, PROBLEM)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (None, True),
        ("", True),
        ("data", True),  # the standard's own example: no condition in it
        ("eventType=TroubleTicketStatusChangeEvent", True),
        ("eventtype=troubleTicketStatusChangeEvent", True),  # any case, on both sides
        ("?eventType=TroubleTicketStatusChangeEvent", True),  # copied with its question mark
        ("eventType = TroubleTicketStatusChangeEvent", True),  # TMF630 prints it so
        ("eventType=TroubleTicketResolvedEvent", False),
        ("eventType=TroubleTicketResolvedEvent,TroubleTicketStatusChangeEvent", True),
        ("eventType=TroubleTicketResolvedEvent&eventType=TroubleTicketStatusChangeEvent", True),
        ("event.troubleTicket.severity=Urgent", True),
        ("event.troubleTicket.severity='Urgent'", True),
        ("event.troubleTicket.severity=urgent", False),  # values are compared as they are
        ("event.troubleTicket.severity=Low,Urgent", True),
        ("event.troubleTicket.severity=Low&event.troubleTicket.severity=Urgent", True),
        ("event.troubleTicket.severity=Urgent&eventType=TroubleTicketResolvedEvent", False),  # both must hold
        ("event.troubleTicket.severity=Urgent&event.troubleTicket.id=t2", False),
        ("event.troubleTicket.note.author=bob", True),  # any element
        ("event.troubleTicket.note.tag=b", True),  # arrays in arrays
        ("event.troubleTicket.note.author=eve", False),
        ("event.troubleTicket.channel.name=web", True),
        ("event.troubleTicket.channel=web", False),  # an object equals no text
        ("event.troubleTicket.escalated=true", True),
        ("event.troubleTicket.level=3", True),
        ("event.troubleTicket.gone=null", False),
        ("event.troubleTicket.absent=x", False),
        ("event.troubleTicket.name=R%26D%2C line 1", True),  # what separates, encoded, separates nothing
        ("event.troubleTicket.@type=TroubleTicket", True),
        ("domain=serviceAssurance", True),
        ("eventId=e1&title=TroubleTicketStatusChangeEvent", True),
    ],
)
def test_a_query_narrows_what_is_wanted(query: str | None, wanted: bool) -> None:
    assert wants(query, an_event()) is wanted


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("eventType=TroubleTicketExplodedEvent", "TroubleTicketExplodedEvent"),  # no such event
        ("eventType=ServiceProblemCreateEvent", "ServiceProblemCreateEvent"),  # another API's
        ("eventType=", "eventType="),
        ("eventType=,", "eventType="),
        ("eventType!=TroubleTicketCreateEvent", "eventType!"),
        ("eventType==TroubleTicketCreateEvent", "eventType=="),
        ("event.troubleTicket.severity>=2", "severity>"),
        ("event.serviceProblem.status=x", "event.serviceProblem"),
        ("event=x", "event"),
        ("event..severity=x", "event..severity"),
        ("severity=Urgent", "severity"),  # paths begin at the envelope
        ("fields=event.troubleTicket.id", "fields"),
        ("$.event=x", "$.event"),
        ("eventType=TroubleTicketCreateEvent&data", "data"),
        ("eventType=TroubleTicketCreateEvent&&domain=x", "''"),
    ],
)
def test_a_query_that_cannot_be_followed_is_refused_naming_the_part(query: str, named: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(query, TICKET)
    assert refused.value.faults[0].pointer == "/query"
    assert named in refused.value.faults[0].message


def test_every_event_type_of_a_resource_can_be_asked_for() -> None:
    for kind in (Kind.CREATE, Kind.STATUS, Kind.ATTRIBUTE, Kind.INFORMATION_REQUIRED, Kind.DELETE):
        event = an_event(kind, "serviceProblem", {})
        assert wants(f"eventType={event.type.upper()}", event, PROBLEM)
