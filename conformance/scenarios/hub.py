"""Subscriptions and what reaches a listener."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conformance.client import NotJudged
from conformance.scenarios.lifecycle import START
from conformance.scenarios.subject import TICKETS, V4, V5, Doc, Subject, document, require, scenario
from conformance.verdict import Level

QUIET = 1.0
"""Seconds to wait for what must not arrive."""


@contextmanager
def subscribed(subject: Subject, **members: str) -> Iterator[str]:
    """A listener registered at the hub for as long as it is needed; the path where its notifications arrive."""
    if subject.listener is None:
        raise NotJudged("no listener: started with --no-events")
    path = f"/{subject.marker()}"
    subscription = register(subject, subject.listener.url + path, **members)
    try:
        yield path
    finally:
        subject.send("DELETE", f"/hub/{subscription.get('id')}")


def register(subject: Subject, callback: str, **members: str) -> Doc:
    """A new subscription, as the server answers it."""
    body = {**subject.typed("Hub"), "callback": callback, **members}
    return document(subject.send("POST", "/hub", body).must_be(201))


def about(notification: Doc, subject: Subject) -> Any:
    """The id of the resource that a notification is about."""
    event = notification.get("event")
    resource = event.get(subject.api.resource) if isinstance(event, dict) else None
    return resource.get("id") if isinstance(resource, dict) else None


def told(subject: Subject, path: str, resource: Doc, *types: str) -> list[Doc]:
    """The notifications about a resource, once one of each type has arrived; raises ``Unmet`` when one does not."""
    assert subject.listener is not None, "subscribed() has seen to it"

    def of_resource(all_: list[Doc]) -> list[Doc]:
        return [one for one in all_ if about(one, subject) == resource["id"]]

    def enough(all_: list[Doc]) -> bool:
        return set(types) <= {one.get("eventType") for one in of_resource(all_)}

    arrived = of_resource(subject.listener.wait(path, enough, subject.patience))
    missing = set(types) - {one.get("eventType") for one in arrived}
    require(
        not missing,
        f"{', '.join(sorted(missing))} about {resource['id']} should have reached {subject.listener.url}{path} within "
        f"{subject.patience:g} s; arrived: {', '.join(str(one.get('eventType')) for one in arrived) or 'nothing'}",
    )
    return arrived


def only(notifications: list[Doc], type_: str) -> Doc:
    """The first of this type."""
    return next(one for one in notifications if one.get("eventType") == type_)


def fits(subject: Subject, notification: Doc) -> None:
    """Raise ``Unmet`` unless the notification is what the listener's operation would take."""
    type_ = str(notification["eventType"])
    path = f"/listener/{type_[0].lower()}{type_[1:]}"
    require(subject.api.operation("POST", path), f"{type_} is no event of this API")
    faults = subject.api.request_faults("POST", path, notification)
    require(not faults, f"{type_} should fit the listener's request schema: {'; '.join(faults[:5])}")


@scenario("POST /hub", "A registration answers 201 with id, callback and query", "OAS 201; user guide")
def registration(subject: Subject) -> None:
    callback, query = f"https://example.com/{subject.marker()}", f"eventType={subject.api.status_event}"
    answer = subject.send("POST", "/hub", {**subject.typed("Hub"), "callback": callback, "query": query}).must_be(201)
    made = document(answer)
    subject.send("DELETE", f"/hub/{made.get('id')}").must_be(204)
    require(isinstance(made.get("id"), str), "a subscription should have an id")
    require(made.get("callback") == callback and made.get("query") == query, "callback and query should come back")
    faults = subject.api.response_faults("POST", "/hub", 201, made)
    require(not faults, f"the answer should fit the document: {'; '.join(faults[:5])}")


@scenario("POST /hub", "Location leads to the subscription", "user guide; RFC 9110", Level.RECOMMENDED)
def location(subject: Subject) -> None:
    callback = f"https://example.com/{subject.marker()}"
    answer = subject.send("POST", "/hub", {**subject.typed("Hub"), "callback": callback}).must_be(201)
    id_ = document(answer).get("id")
    subject.send("DELETE", f"/hub/{id_}")
    where = answer.headers.get("Location", "")
    require(where.endswith(f"/hub/{id_}"), f"Location should end with /hub/{id_}, not be {where!r}")


@scenario("GET /hub/{id}", "A subscription can be read", "OAS v5", apis=["tmf621-v5"])
def readable(subject: Subject) -> None:
    made = register(subject, f"https://example.com/{subject.marker()}")
    found = document(subject.get(f"/hub/{made['id']}").must_be(200))
    subject.send("DELETE", f"/hub/{made['id']}")
    require(found.get("callback") == made["callback"], "the subscription should be as it was registered")


@scenario("DELETE /hub/{id}", "A subscription ends with 204 and is gone afterwards", "OAS 204, 404")
def ended(subject: Subject) -> None:
    made = register(subject, f"https://example.com/{subject.marker()}")
    subject.send("DELETE", f"/hub/{made['id']}").must_be(204)
    subject.is_error(subject.send("DELETE", f"/hub/{made['id']}").must_be(404))


@scenario("POST /hub", "A registration without a callback is refused with 400", "OAS required")
def without_callback(subject: Subject) -> None:
    subject.is_error(subject.send("POST", "/hub", subject.typed("Hub")).must_be(400))


@scenario("POST /hub", "A callback that is no http address is refused with 400", "OAS callback", Level.RECOMMENDED)
def no_address(subject: Subject) -> None:
    for callback in ("nowhere", "ftp://example.com/x", "/relative"):
        subject.is_error(subject.send("POST", "/hub", {**subject.typed("Hub"), "callback": callback}).must_be(400))


@scenario(
    "POST /hub",
    "The same subscription again is one subscription (409, or the same id)",
    "user guide 409",
    Level.OPTIONAL,
)
def duplicate(subject: Subject) -> None:
    callback = f"https://example.com/{subject.marker()}"
    made = register(subject, callback)
    answer = subject.send("POST", "/hub", {**subject.typed("Hub"), "callback": callback})
    subject.send("DELETE", f"/hub/{made['id']}")
    answer.must_be(409, 200, 201)
    require(answer.status == 409 or answer.json.get("id") == made["id"], "one callback should not be called twice")


@scenario("POST /hub", "A create reaches the listener with the whole resource", "profile R18 notifications; user guide")
def create_event(subject: Subject) -> None:
    with subscribed(subject) as path:
        created = subject.create()
        type_ = f"{subject.api.type}CreateEvent"
        event = only(told(subject, path, created, type_), type_)
        fits(subject, event)
        sent = event["event"][subject.api.resource]
        different = [name for name in created if name != "lastUpdate" and sent.get(name) != created[name]]
        require(not different, f"the event should hold the resource as created; different: {', '.join(different)}")


@scenario("POST /hub", "A transition reaches the listener with the new status", "profile R18 notifications; user guide")
def status_event(subject: Subject) -> None:
    with subscribed(subject) as path:
        created = subject.create(status=START)
        subject.changed(created, status="inProgress")
        event = only(told(subject, path, created, subject.api.status_event), subject.api.status_event)
        fits(subject, event)
        status = event["event"][subject.api.resource].get("status")
        require(status == "inProgress", f"the event should tell the new status, not {status}")


@scenario(
    "POST /hub", "Another change reaches the listener with the new value", "profile R18 notifications; user guide"
)
def change_event(subject: Subject) -> None:
    with subscribed(subject) as path:
        created = subject.create()
        subject.changed(created, description="changed")
        type_ = f"{subject.api.type}AttributeValueChangeEvent"
        event = only(told(subject, path, created, type_), type_)
        fits(subject, event)
        found = event["event"][subject.api.resource].get("description")
        require(found == "changed", f"the event should tell the new value, not {found!r}")


@scenario(
    "POST /hub", "A resolved ticket is told of as resolved too", "profile R18 (optional event)", Level.OPTIONAL, TICKETS
)
def resolved_event(subject: Subject) -> None:
    with subscribed(subject) as path:
        created = subject.create(status=START)
        for status in ("inProgress", "resolved"):
            subject.changed(created, status=status)
        events = told(subject, path, created, subject.api.status_event, "TroubleTicketResolvedEvent")
        fits(subject, only(events, "TroubleTicketResolvedEvent"))


@scenario("POST /hub", "A removed resource reaches the listener", "OAS events", Level.RECOMMENDED, (*V5, "tmf621-v4"))
def delete_event(subject: Subject) -> None:
    with subscribed(subject) as path:
        created = subject.create()
        answer = subject.send("DELETE", subject.at(created))
        if answer.status in (403, 405):
            raise NotJudged("the server lets nobody delete")
        answer.must_be(204)
        type_ = f"{subject.api.type}DeleteEvent"
        fits(subject, only(told(subject, path, created, type_), type_))


ENVELOPE = ("eventId", "eventTime", "eventType", "event")


def envelope(subject: Subject, *expected: str, forbidden: str = "") -> None:
    """Raise ``Unmet`` unless an event's envelope has the members, and not the one that belongs to another version."""
    with subscribed(subject) as path:
        created = subject.create()
        type_ = f"{subject.api.type}CreateEvent"
        event = only(told(subject, path, created, type_), type_)
        missing = [name for name in expected if name not in event]
        require(not missing, f"the envelope should have {', '.join(missing)}")
        require(forbidden not in event, f"{forbidden} belongs to the other version's envelope")


@scenario("POST /hub", "An event has the envelope of version 4", "OAS v4 events (timeOcurred)", Level.RECOMMENDED, V4)
def envelope_v4(subject: Subject) -> None:
    envelope(subject, *ENVELOPE, forbidden="timeOccurred")


@scenario("POST /hub", "An event has the envelope of version 5", "OAS v5 events (@type)", Level.RECOMMENDED, V5)
def envelope_v5(subject: Subject) -> None:
    envelope(subject, *ENVELOPE, "@type")


@scenario("POST /hub", "Every event has an id of its own", "OAS eventId", Level.RECOMMENDED)
def own_ids(subject: Subject) -> None:
    with subscribed(subject) as path:
        created = subject.create(status=START)
        subject.changed(created, status="inProgress", description="changed")
        types = (f"{subject.api.type}CreateEvent", subject.api.status_event)
        events = told(subject, path, created, *types, f"{subject.api.type}AttributeValueChangeEvent")
        require(len({event.get("eventId") for event in events}) == len(events), "no two events should share an eventId")


@scenario("POST /hub", "Events of one resource arrive in order", "user guide", Level.OPTIONAL)
def in_order(subject: Subject) -> None:
    with subscribed(subject) as path:
        created = subject.create(status=START)
        for status in ("inProgress", "held", "inProgress", "pending"):
            subject.changed(created, status=status)
        assert subject.listener is not None
        subject.listener.wait(path, lambda all_: len(all_) >= 5, subject.patience)
        events = told(subject, path, created, subject.api.status_event)
        statuses = [one["event"][subject.api.resource].get("status") for one in events]
        require(statuses[1:] == ["inProgress", "held", "inProgress", "pending"], f"arrived in this order: {statuses}")


@scenario("POST /hub", "A query on eventType keeps other events away", "user guide (query)", Level.RECOMMENDED)
def only_asked(subject: Subject) -> None:
    with subscribed(subject, query=f"eventType={subject.api.status_event}") as path:
        created = subject.create(status=START)
        subject.changed(created, status="inProgress")
        events = told(subject, path, created, subject.api.status_event)
        types = {event.get("eventType") for event in events}
        require(
            types == {subject.api.status_event},
            f"only the event asked for should arrive, not {sorted(map(str, types))}",
        )


@scenario("POST /hub", "A query on a member keeps other resources away", "TMF630 notifications", Level.OPTIONAL)
def only_matching(subject: Subject) -> None:
    marker = subject.marker()
    query = f"eventType={subject.api.type}CreateEvent&event.{subject.api.resource}.name={marker}"
    with subscribed(subject, query=query) as path:
        other = subject.create(name=subject.marker())
        created = subject.create(name=marker)
        told(subject, path, created, f"{subject.api.type}CreateEvent")
        assert subject.listener is not None
        seen = {about(one, subject) for one in subject.listener.received(path)}
        require(other["id"] not in seen, "the other resource should not be told of")


@scenario("DELETE /hub/{id}", "After the end of a subscription nothing arrives", "OAS 204", Level.RECOMMENDED)
def quiet(subject: Subject) -> None:
    with subscribed(subject) as path:
        told(subject, path, subject.create(), f"{subject.api.type}CreateEvent")
    assert subject.listener is not None
    before = len(subject.listener.received(path))
    subject.create()
    after = subject.listener.wait(path, lambda all_: len(all_) > before, QUIET)
    require(len(after) == before, "the listener should be left alone once its subscription has ended")


@scenario("POST /hub", "A hub tells of its own API's resources only", "one hub per API", Level.RECOMMENDED)
def own_api_only(subject: Subject) -> None:
    other = next((api for api in subject.others if api.number != subject.api.number), None)
    if other is None:
        raise NotJudged("the server offers one API only")
    neighbour = Subject(other, subject.client, subject.listener, subject.patience)
    with subscribed(subject) as path:
        neighbour.create()
        told(subject, path, subject.create(), f"{subject.api.type}CreateEvent")
        assert subject.listener is not None
        foreign = [
            one.get("eventType") for one in subject.listener.received(path) if other.resource in one.get("event", {})
        ]
        require(not foreign, f"the other API's events should stay away: {foreign}")


@scenario(
    "POST /listener/RESOURCECreateEvent", "A listener takes an event of its type, twice the same", "OAS", Level.OPTIONAL
)
def listening(subject: Subject) -> None:
    type_ = f"{subject.api.type}CreateEvent"
    path = f"/listener/{type_[0].lower()}{type_[1:]}"
    event = {
        **subject.typed(type_),
        "eventId": subject.marker(),
        "eventType": type_,
        "eventTime": "2025-03-11T07:20:30Z",
        "event": {subject.api.resource: {**subject.new(), "id": "elsewhere-1"}},
    }
    expected = 204 if subject.api.is_v5 else 201
    answers = [subject.send("POST", path, event) for _ in range(2)]
    for answer in answers:
        answer.must_be(expected)
    require(answers[0].content == answers[1].content, "a repeated event should get the same answer")
    subject.is_error(subject.send("POST", path, {**event, "event": "not an object"}).must_be(400))
