"""Tasks and event records of TMF656 v5 over HTTP, on the real rooms: every response is held against the document."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from tests.api.rooms import FakeInbox, FakeSubscriptions
from tests.api.shelf import OPENAPI, assert_error, client_of, pointers
from tests.problems.test_desk import BODY
from tests.problems.test_tasks import BASE, Room
from tests.storage.fakes import NOW
from tmf_adapter.api.dispatch import Request
from tmf_adapter.api.resource import listener
from tmf_adapter.api.server import Document, build, load
from tmf_adapter.api.tmf656_v5 import TASKS, Tmf656V5
from tmf_adapter.engine import Engine
from tmf_adapter.problems.records import EventRecords
from tmf_adapter.problems.store import record_store
from tmf_adapter.recovery.inbox import MOST_KEYS, Inbox
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.time import stamp

API = "/tmf-api/serviceProblemManagement/v5"
RECORDS = "/serviceProblemEventRecord"


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    room, path = Room(database), OPENAPI / "tmf656-v5.yaml"
    records = EventRecords(record_store(database), f"{BASE}{RECORDS}", clock=lambda: NOW)
    inbox = Inbox(database, Engine(database), records)
    api = Tmf656V5(load(path), room.problems, FakeSubscriptions(), inbox, room.tasks, records)
    app = build([Document(path, API, api.operations())], {}, strict=False, validate_responses=True)
    async with client_of(app, API) as client:
        yield client


async def opened(client: httpx.AsyncClient, **members: Any) -> str:
    response = await client.post("/serviceProblem", json={**BODY, **members})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def task_body(task: str, *ids: str) -> dict[str, Any]:
    refs = [{"@type": "ServiceProblemRef", "id": id_} for id_ in ids]
    named = {"parentProblem": refs[0], "childProblem": refs[1:]} if "roup" in task else {"problem": refs}
    return {"@type": task[0].upper() + task[1:], **named}


# --- tasks


@pytest.mark.parametrize("task", TASKS)
async def test_a_task_is_asked_for_done_read_and_listed(client: httpx.AsyncClient, task: str) -> None:
    parent, child = await opened(client), await opened(client)
    if task == "problemUngroup":
        await client.post("/problemGroup", json=task_body(task, parent, child))
    if task == "problemUnacknowledgement":
        await client.post("/problemAcknowledgement", json=task_body(task, parent, child))
    body = task_body(task, parent, child)
    response = await client.post(f"/{task}", json=body)
    assert response.status_code == 201, response.text
    document = response.json()
    assert {**document, **body} == document  # every member that was sent comes back equal
    assert document["state"] == "done"
    assert response.headers["location"] == document["href"] == f"{BASE}/{task}/{document['id']}"
    assert (await client.get(f"/{task}/{document['id']}")).json() == document
    assert (await client.get(f"/{task}/{document['id']}?fields=state")).json().keys() == {
        "@type",
        "id",
        "href",
        "state",
    }
    listed = await client.get(f"/{task}?state=done")
    assert listed.json() == [document]
    assert listed.headers["x-total-count"] == "1"
    assert (await client.get(f"/{task}?state=inProgress")).json() == []


@pytest.mark.parametrize("task", TASKS)
async def test_a_task_on_problems_nobody_knows_is_accepted_and_ends_with_its_errors(
    client: httpx.AsyncClient, task: str
) -> None:
    response = await client.post(f"/{task}", json=task_body(task, "43", "41", "42", "43"))
    assert response.status_code == 201
    document = response.json()
    assert document["state"] == "terminatedWithError"
    assert {error["@type"] for error in document["errorMessage"]} == {"ErrorMessage"}
    assert any("41" in error["reason"] for error in document["errorMessage"])


async def test_a_task_that_names_nothing_is_told_so(client: httpx.AsyncClient) -> None:
    assert pointers(await client.post("/problemAcknowledgement", json={})) == ["/problem"]
    assert pointers(await client.post("/problemAcknowledgement", json={"problem": []})) == ["/problem"]
    assert set(pointers(await client.post("/problemGroup", json={}))) == {"/childProblem", "/parentProblem"}
    nameless = {"problem": [{"@type": "ServiceProblemRef"}]}
    assert pointers(await client.post("/problemAcknowledgement", json=nameless)) == ["/problem/0/id"]


async def test_a_task_repeated_under_its_key_is_answered_with_the_first(client: httpx.AsyncClient) -> None:
    body = task_body("problemAcknowledgement", await opened(client))
    key = {"Idempotency-Key": "k1"}
    answers = [await client.post("/problemAcknowledgement", json=body, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert (await client.get("/problemAcknowledgement")).headers["x-total-count"] == "1"


async def test_a_task_can_neither_be_changed_nor_removed(client: httpx.AsyncClient) -> None:
    task = (await client.post("/problemGroup", json=task_body("problemGroup", "1", "2"))).json()
    for method in ("PATCH", "DELETE"):
        response = await client.request(method, f"/problemGroup/{task['id']}", json={})
        assert_error(response, 405, "methodNotAllowed")
    assert_error(await client.get("/problemGroup/unknown"), 404, "notFound")
    assert_error(await client.get(f"/problemUngroup/{task['id']}"), 404, "notFound")


async def test_a_refused_transition_says_which_ones_are_allowed(client: httpx.AsyncClient) -> None:
    id_ = await opened(client)
    error = assert_error(
        await client.patch(f"/serviceProblem/{id_}", json={"status": "closed"}), 409, "illegalTransition"
    )
    assert "cancelled, inProgress, rejected" in error["message"]


# --- records

EVENT = {
    "@type": "ServiceProblemStateChangeEvent",
    "eventId": "e1",
    "eventType": "ServiceProblemStateChangeEvent",
    "eventTime": "2026-03-11T06:00:00+02:00",
    "event": {
        "serviceProblem": {"@type": "ServiceProblem", "id": "sp-1", "href": "http://there/sp-1", "status": "held"}
    },
}


@pytest.mark.parametrize("event", [[], 1, "x", None])
async def test_an_event_that_is_no_object_is_refused(event: Any) -> None:
    """The listener that belongs to no document takes any JSON."""
    inbox = FakeInbox()
    with pytest.raises(Invalid, match="not acceptable"):
        await listener(inbox)(Request("POST", {}, body=event))


async def test_an_event_of_another_system_is_on_record_once(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        response = await client.post("/listener/serviceProblemStateChangeEvent", json=EVENT)
        assert response.status_code == 204, response.text
    [record] = (await client.get(RECORDS)).json()
    assert record["href"] == f"{BASE}{RECORDS}/{record['id']}"
    assert record == {
        "id": record["id"],
        "href": record["href"],
        "@type": "ServiceProblemEventRecord",
        "recordTime": stamp(NOW),
        "eventType": EVENT["eventType"],
        "eventTime": EVENT["eventTime"],
        "notification": EVENT,
        "serviceProblem": {"@type": "ServiceProblemRef", "id": "sp-1", "href": "http://there/sp-1"},
    }
    assert (await client.get(f"{RECORDS}/{record['id']}")).json() == record
    assert_error(await client.get(f"{RECORDS}/unknown"), 404, "notFound")
    assert_error(await client.post(RECORDS, json=record), 405, "methodNotAllowed")


async def test_every_listener_makes_a_record_that_says_what_it_is_about(client: httpx.AsyncClient) -> None:
    one, both = {"id": "sp-1"}, [{"id": "sp-1"}, {"id": "sp-2"}]
    payloads = {
        "serviceProblemCreateEvent": {"serviceProblem": {"@type": "ServiceProblem", "id": "sp-1"}},
        "problemAcknowledgementCreateEvent": {
            "problemAcknowledgement": {"@type": "ProblemAcknowledgement", "problem": [typed(one)]}
        },
        "problemUnacknowledgementStateChangeEvent": {
            "problemUnacknowledgement": {"@type": "ProblemUnacknowledgement", "problem": [typed(each) for each in both]}
        },
        "problemGroupDeleteEvent": {"problemGroup": {"@type": "ProblemGroup", "parentProblem": typed(one)}},
        "problemUngroupCreateEvent": {"problemGroup": {"@type": "ProblemUngroup", "parentProblem": typed(one)}},
    }
    for name, payload in payloads.items():
        event = {"@type": name[0].upper() + name[1:], "eventId": name, "event": payload}
        assert (await client.post(f"/listener/{name}", json=event)).status_code == 204
    records = {record["eventType"]: record for record in (await client.get(RECORDS)).json()}
    assert records.keys() == {name[0].upper() + name[1:] for name in payloads}
    about = {type_: record.get("serviceProblem", {}).get("id") for type_, record in records.items()}
    assert about.pop("ProblemUnacknowledgementStateChangeEvent") is None, "it is about two"
    assert set(about.values()) == {"sp-1"}
    [found] = (await client.get(f"{RECORDS}?eventType=ProblemGroupDeleteEvent")).json()
    assert found["notification"]["eventId"] == "problemGroupDeleteEvent"
    [found] = (await client.get(f"{RECORDS}?notification.eventId=problemUngroupCreateEvent")).json()
    assert found["eventType"] == "ProblemUngroupCreateEvent"


def typed(reference: dict[str, Any]) -> dict[str, Any]:
    return {"@type": "ServiceProblemRef", **reference}


async def test_alarms_are_recorded_and_what_is_about_nothing_of_ours_is_not(database: Database) -> None:
    records = EventRecords(record_store(database), BASE, clock=lambda: NOW)
    alarm = {"eventId": "a1", "event": {"alarm": {"id": "al-1"}}, "eventTime": "yesterday"}
    kept = records.of("AlarmCreateEvent", alarm)
    assert kept is not None
    assert kept.document["notification"] == {"@type": "AlarmCreateEvent", **alarm}
    assert not kept.document.keys() & {"eventTime", "serviceProblem"}
    for event in (
        {},
        {"event": None},
        {"event": {"productOrder": {"id": "o1"}}},
        {"event": {"serviceProblem": "sp-1"}},
    ):
        assert records.of("SomeEvent", event) is None


async def test_an_event_may_name_whatever_its_sender_likes_and_not_too_much_of_it(client: httpx.AsyncClient) -> None:
    """No index takes these, and no operation goes by them."""
    long = "".join(sha256(bytes([each])).hexdigest() for each in range(250))
    named = {"id": long, "externalIdentifier": [{"id": long[1:]}]}
    event = {**EVENT, "eventId": long, "correlationId": long[2:], "event": {"serviceProblem": named}}
    path = "/listener/serviceProblemStateChangeEvent"
    assert (await client.post(path, json=event)).status_code == 204
    named["externalIdentifier"] = [{"id": str(number)} for number in range(MOST_KEYS + 1)]
    assert_error(await client.post(path, json={**event, "eventId": "another"}), 400, "invalidBody")
