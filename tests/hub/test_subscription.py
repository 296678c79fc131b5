"""What a listener wants: tables of queries, accepted and refused."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmf_adapter.documents import known_apis
from tmf_adapter.hub.apis import APIS, Apis
from tmf_adapter.hub.subscription import Subscription
from tmf_adapter.hub.wish import Wish, parse
from tmf_adapter.tmf.condition import matches
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
    "statusChangeDate": "2026-11-24T03:01:06.000Z",
    "externalIdentifier": [{"@type": "ExternalIdentifier", "id": "crm-1"}],
    "relatedParty": [
        {
            "@type": "RelatedPartyRefOrPartyRoleRef",
            "role": "customer",
            "partyOrPartyRole": {"@type": "PartyRoleRef", "id": "c1", "@referredType": "Customer"},
        }
    ],
    "statusChangeHistory": [{"@type": "StatusChange", "status": "inProgress", "statusChangeReason": "assigned"}],
    "troubleTicketCharacteristic": [{"@type": "StringCharacteristic", "name": "rootCauseDomain", "value": "access"}],
}
RENAMED = {"externalIdentifier", "relatedParty", "statusChangeHistory", "troubleTicketCharacteristic"}
UNCHANGED = DOCUMENT.keys() - RENAMED
V5_PATH = "/tmf-api/troubleTicket/v5/troubleTicket"
KNOWN = known_apis()


def an_event(kind: Kind = Kind.STATUS, resource: Resource = "troubleTicket", payload: Any = DOCUMENT) -> Event:
    return Event("e1", kind, resource, "t1", NOW, payload)


def wants(query: str | None, event: Event, api: str = TICKET, apis: Apis = APIS) -> bool:
    return Subscription.of("s1", api, "http://a.test", query, apis=apis).wants(event)


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
    ("query", "wanted"),
    [
        ("troubleTicket.severity=Urgent", True),  # without "event", as teams write it
        ("severity=Urgent", True),  # or the member alone
        ("severity!=Urgent", False),
        ("severity.ne=Low", True),
        ("severity.regex=^Ur.ent$", True),
        ("severity=Urg*", True),
        ("severity=Low;eventType=TroubleTicketStatusChangeEvent", True),  # either
        ("severity=Low;eventType=TroubleTicketResolvedEvent", False),
        ("statusChangeDate>2026-11-24T00:00:00Z", True),
        ("statusChangeDate.lt=2026-11-24T00:00:00Z", False),
        ("event.troubleTicket.statusChangeDate>=2026-11-24T04:01:06%2B01:00", True),  # instants, not texts
        ("note.author=bob&note.author=ann", True),
        ("eventType!=TroubleTicketCreateEvent", True),
        ("eventType=troubleTicketStatus*", True),
        ("eventType=*Delete*", False),
        ("title=TroubleTicketStatusChangeEvent", True),  # of the envelope, whatever a ticket may have
        ("description=TroubleTicketStatusChangeEvent", False),  # of the ticket: we say none on the envelope
        ("fields=id,severity", True),
        ("troubleTicketCharacteristic.rootCauseDomain=access", True),
        ("filter=$.event.troubleTicket.note[?(@.author=='bob')]", True),
        ("filter=$.event.troubleTicket.note[?(@.author=='eve')]", False),
    ],
)
def test_a_query_is_written_like_that_of_a_list(query: str, wanted: bool) -> None:
    assert wants(query, an_event(), apis=KNOWN) is wanted


def test_a_condition_is_held_against_the_whole_resource_not_only_what_the_event_carries() -> None:
    severe = Subscription.of("s1", TICKET, "http://a.test", "severity=Urgent&status=held", apis=KNOWN)
    moved = an_event(payload={"@type": "TroubleTicket", "id": "t1", "status": "held"})
    assert severe.wants(moved, {**DOCUMENT, "status": "resolved"}), "and what it carries counts more"
    assert not severe.wants(moved, {**DOCUMENT, "severity": "Low"})
    assert not severe.wants(moved)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("event.troubleTicket.relatedParty.id=c1", True),  # flat, as v4 has it
        ("relatedParty.@referredType=Customer&relatedParty.role=customer", True),
        ("externalId=crm-1", True),
        ("externalId=crm-2", False),
        ("statusChange.changeReason=assigned", True),
        ("timeOcurred>=2026-11-24T00:00:00Z", True),
        ("eventType=troubleTicketStatusChangeEvent", True),
    ],
)
def test_a_query_of_v4_is_in_the_words_of_v4(query: str, wanted: bool) -> None:
    assert wants(query, an_event(), "tmf621-v4", apis=KNOWN) is wanted


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("eventType=TroubleTicketExplodedEvent", "TroubleTicketExplodedEvent"),  # no such event
        ("eventType=ServiceProblemCreateEvent", "ServiceProblemCreateEvent"),  # another API's
        ("eventType=", "'' is no event type"),
        ("eventType=,", "'' is no event type"),
        ("eventType==TroubleTicketCreateEvent", "=TroubleTicketCreateEvent"),
        ("event.serviceProblem.status=x", "event.serviceProblem"),
        ("event=x", "event"),
        ("event.troubleTicket=x", "event.troubleTicket"),
        ("event..severity=x", "event..severity"),
        ("sevrity=Urgent", "sevrity"),
        ("event.troubleTicket.relatedParty.id=x", "relatedParty.id"),  # v5 has it deeper
        ("severity.like=x", "severity.like"),
        ("severity.regex=(", "("),
        ("fields=sevrity", "sevrity"),
        ("fields=event.troubleTicket.note.colour", "note.colour"),
        ("sort=-severity", "sort"),
        ("severity=x&limit=5", "limit"),
        ("$.event=x", "$"),
        ("eventType=TroubleTicketCreateEvent&data", "data"),
        ("eventType=TroubleTicketCreateEvent&&domain=x", "''"),
        ("timeOcurred=x", "timeOcurred"),  # v4's spelling
        ("((((", "'((((' is no condition; write name=value"),
        ("eventType", "'eventType' is no condition"),  # which would be a wish for everything
        ("TroubleTicketCreateEvent", "is no condition"),
        ("severity&eventType=TroubleTicketCreateEvent", "'severity' is no condition"),
        ("%ff", "'%ff' is not percent-encoded UTF-8"),
        ("severity=%ff", "'%ff' is not percent-encoded UTF-8"),
        ("%C3%28=x", "is not percent-encoded UTF-8"),
        ("severity=a%00b", "U+0000"),
        ("severity=a\0b", "U+0000"),
        ("datum", "'datum' is no condition"),
        ("?", "'' is no condition"),
        ("&", "'' is no condition"),
        ("fields", "'fields' is no condition"),
        ("fields=((((", "(((("),
        ("filter=((((", "column 1"),
        ("filter", "'filter' is no condition"),
        ("filter=", "the end"),
        (f"severity={'x' * 8_000}", "8009 characters"),
    ],
)
def test_a_query_that_cannot_be_followed_is_refused_naming_the_part(query: str, named: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(query, KNOWN[TICKET])
    assert refused.value.faults[0].pointer == "/query"
    assert named in refused.value.faults[0].message


_PIECES = st.sampled_from(
    [
        *("eventType", "severity", "note.author", "troubleTicketCharacteristic.x", "fields", "filter", "event", "data"),
        *("=", "!=", ">", "<=", "=~", "*=", ".ne", ".regex", ".gt", "&", ";", ",", "*", "?", "%3D", "%26", "%ff", "%"),
        *("Urgent", "TroubleTicketCreateEvent", "'", '"', "$", "[?(", ")]", "(", "@.author", "==", "5", "é", "\0", " "),
    ]
)
_QUERIES = st.lists(_PIECES | st.text(max_size=3), max_size=8).map("".join)
_EVENTS = [
    an_event(),
    an_event(Kind.CREATE),
    an_event(payload={"@type": "TroubleTicket", "id": "t1", "note": [None, 5, {"author": ["x", {}]}], "severity": 5}),
]


def parsed(query: str, api: str) -> Wish | None:
    """None for a query that is refused as it should be."""
    try:
        return parse(query, KNOWN[api])
    except Invalid as error:
        refused = error
    assert [fault.pointer for fault in refused.faults] == ["/query"]
    return None


@settings(max_examples=1_500, deadline=None)
@given(query=_QUERIES, api=st.sampled_from([TICKET, "tmf621-v4"]))
def test_any_text_is_refused_or_narrows_as_its_parts_say(query: str, api: str) -> None:
    """Whatever is taken can be answered for every event; the rest is ``Invalid`` at its place."""
    wish = parsed(query, api)
    if wish is None:
        return
    if wish == Wish():
        assert query.strip() in ("", "data"), "nobody is told everything without having asked for it"
    for event in _EVENTS:
        is_of_type = wish.types is None or event.type in wish.types
        assert wish.passes(event, event.payload) == (is_of_type and matches(wish.condition, event.envelope()))
        orjson.dumps(wish.selected(event.envelope()))


_WORDS = st.sampled_from(["Urgent", "Low", "ann", "web", "é"])
_ASKED = st.sampled_from(["severity", "note.author", "channel.name", "event.troubleTicket.severity"])
_FOUND = {
    "severity": {"Urgent"},
    "event.troubleTicket.severity": {"Urgent"},
    "note.author": {"ann", "bob"},
    "channel.name": {"web"},
}


@settings(deadline=None)
@given(
    groups=st.lists(st.lists(st.tuples(_ASKED, _WORDS, st.booleans()), min_size=1, max_size=3), min_size=1, max_size=3)
)
def test_what_is_written_as_it_should_be_means_what_it_says(groups: list[list[tuple[str, str, bool]]]) -> None:
    """``&`` between different attributes joins, ``;`` separates, the same attribute twice is either value."""
    parts = [[f"{name}{'!=' if is_not else '='}{quote(word)}" for name, word, is_not in group] for group in groups]
    expected = any(_holds(group) for group in groups)
    assert wants(";".join("&".join(group) for group in parts), an_event(), apis=KNOWN) == expected


def _holds(group: list[tuple[str, str, bool]]) -> bool:
    wanted: dict[tuple[str, bool], set[str]] = {}
    for name, word, is_not in group:
        wanted.setdefault((name, is_not), set()).add(word)
    return all(bool(_FOUND[name] & words) != is_not for (name, is_not), words in wanted.items())


@pytest.mark.parametrize("query", ["troubleTicketCharacteristic.name=x", "timeOccurred=x", "@type=x&fieldPath=y"])
def test_a_query_of_v4_cannot_name_what_only_v5_has(query: str) -> None:
    with pytest.raises(Invalid):
        parse(query, KNOWN["tmf621-v4"])


def test_a_registered_query_that_cannot_be_followed_any_more_lets_everything_through() -> None:
    one = Subscription.kept("s1", TICKET, "http://a.test", "was.possible=once", "{}", apis=KNOWN)
    assert one.wants(an_event())
    assert one.wish == Wish()


# ------------------------------------------------------------------------------------- what is sent


def sent(query: str | None, event: Event, api: str = TICKET) -> Any:
    one = Subscription.of("s1", api, "http://a.test", query, apis=KNOWN)
    stored = orjson.dumps(event.envelope()).decode()
    assert one.notification(stored) == one.notification(stored)
    return orjson.loads(one.notification(stored))


def test_a_listener_of_v5_is_sent_what_is_stored() -> None:
    stored = '{"any": "text",   "as it is": 1}'
    assert Subscription.of("s1", TICKET, "http://a.test", None).notification(stored) == stored.encode()


@pytest.mark.parametrize("fields", ["severity,note.author", "event.troubleTicket.severity,troubleTicket.note.author"])
def test_fields_say_which_members_of_the_resource_come_along(fields: str) -> None:
    notification = sent(f"fields={fields}&fields=eventType", an_event())
    assert notification["event"] == {
        "troubleTicket": {
            "@type": "TroubleTicket",
            "id": "t1",
            "severity": "Urgent",
            "note": [{"author": "ann"}, {"author": "bob"}],
        }
    }
    assert {name: value for name, value in notification.items() if name != "event"} == {
        name: value for name, value in an_event().envelope().items() if name != "event"
    }
    assert list(sent("fields=none", an_event())["event"]["troubleTicket"]) == ["@type", "id"]


def test_a_listener_of_v4_is_sent_v4() -> None:
    moment = "2026-11-24T03:01:06.000Z"
    assert sent(None, an_event(payload={**DOCUMENT, "href": f"http://a{V5_PATH}/t1"}), "tmf621-v4") == {
        "id": "t1",
        "href": f"http://a{V5_PATH}/t1".replace("v5", "v4"),
        "eventId": "e1",
        "eventType": "TroubleTicketStatusChangeEvent",
        "eventTime": moment,
        "timeOcurred": moment,
        "title": "TroubleTicketStatusChangeEvent",
        "domain": "serviceAssurance",
        "event": {
            "troubleTicket": {
                **{name: value for name, value in DOCUMENT.items() if name in UNCHANGED},
                "href": f"http://a{V5_PATH}/t1".replace("v5", "v4"),
                "externalId": "crm-1",
                "relatedParty": [{"role": "customer", "id": "c1", "@referredType": "Customer"}],
                "statusChange": [{"status": "inProgress", "changeReason": "assigned"}],
            }
        },
    }
    selected = sent("fields=externalId", an_event(), "tmf621-v4")
    assert selected["event"]["troubleTicket"] == {"@type": "TroubleTicket", "id": "t1", "externalId": "crm-1"}


def test_v4_names_the_fields_that_an_event_is_about() -> None:
    one = an_event(Kind.ATTRIBUTE, payload={"id": "t1", "severity": "Low", "lastUpdate": "x"})
    assert sent(None, one, "tmf621-v4")["fieldPath"] == "$.severity"
    two = an_event(Kind.ATTRIBUTE, payload={"id": "t1", "severity": "Low", "externalIdentifier": [{"id": "a"}]})
    assert sent(None, two, "tmf621-v4")["fieldPath"] == "$['externalId','severity']"


def test_a_listener_of_v4_hears_nothing_of_what_v4_does_not_have() -> None:
    characteristic = an_event(Kind.ATTRIBUTE, payload={"id": "t1", "troubleTicketCharacteristic": [], "lastUpdate": ""})
    assert not wants(None, characteristic, "tmf621-v4")
    assert wants(None, characteristic, TICKET)
    assert not wants(None, an_event(Kind.DELETE, "serviceProblem"), "tmf656-v4")
    assert wants(None, an_event(Kind.DELETE, "serviceProblem"), PROBLEM)
    assert wants(None, an_event(Kind.DELETE), "tmf621-v4")
    assert not wants(None, an_event(Kind.CREATE, "problemGroup"), "tmf656-v4")
    assert not wants(None, an_event(Kind.CREATE, "troubleTicketSpecification"), "tmf621-v4")


def test_every_event_type_of_a_resource_can_be_asked_for() -> None:
    for kind in (Kind.CREATE, Kind.STATUS, Kind.ATTRIBUTE, Kind.INFORMATION_REQUIRED, Kind.DELETE):
        event = an_event(kind, "serviceProblem", {})
        assert wants(f"eventType={event.type.upper()}", event, PROBLEM)
