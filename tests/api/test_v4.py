"""v4 and v5 of both APIs, served at once over one store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.api.shelf import client_of
from tmf_adapter.app import Adapter
from tmf_adapter.settings import Settings

Doc = dict[str, Any]
TICKETS_V4, TICKETS_V5 = "/troubleTicket/v4/troubleTicket", "/troubleTicket/v5/troubleTicket"
PROBLEMS_V4 = "/serviceProblemManagement/v4/serviceProblem"
PROBLEMS_V5 = "/serviceProblemManagement/v5/serviceProblem"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
one_database = pytest.mark.parametrize("database_kind", ["sqlite"])
"""For what does not depend on the database."""
TICKET = {
    "description": "No broadband <since> Monday, ü",
    "severity": "Major",
    "ticketType": "complaint",
    "externalId": "crm-1",
    "channel": {"id": "hotline"},
    "note": [{"id": "n1", "text": "one"}],
    "relatedEntity": [{"id": "line-1", "role": "affectedService", "@referredType": "Service"}],
    "relatedParty": [{"id": "c1", "role": "customer", "@referredType": "Customer", "name": "Jack"}],
    "troubleTicketRelationship": [{"id": "t0", "relationshipType": "dependency"}],
    "attachment": [{"url": "http://a/b", "size": {"amount": 1.5, "units": "MB"}}],
    "x-crm": {"queue": 7},
}
PROBLEM = {
    "category": "serviceProvider.declared",
    "priority": 1,
    "description": "Port down",
    "reason": "unknown",
    "originatorParty": {"id": "SP_1", "role": "ServiceProvider", "@referredType": "Organization"},
    "affectedService": [{"id": "s1"}, {"id": "s2"}],
    "affectedLocation": [{"id": "l1", "role": "endpoint", "name": "Tokyo"}],
    "characteristic": [{"name": "attempts", "value": 2}],
    "firstAlert": {"id": "a1", "role": "alarm", "@referredType": "Alarm"},
}


def settings(database_url: str, **more: Any) -> Settings:
    return Settings(database=database_url, public_url="http://adapter", validate_responses=True, **more)


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The whole adapter; nothing is delivered or recovered, since it is not started."""
    async with serving(settings(database_url)) as client:
        yield client


@asynccontextmanager
async def serving(wanted: Settings) -> AsyncIterator[httpx.AsyncClient]:
    adapter = Adapter(wanted)
    async with client_of(adapter.asgi(), "/tmf-api") as client:
        yield client
    await adapter.close()


async def opened(client: httpx.AsyncClient, path: str, body: Doc) -> Doc:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    document: Doc = answer.json()
    assert answer.headers["location"] == document["href"] == f"http://adapter/tmf-api{path}/{document['id']}"
    return document


async def seen(client: httpx.AsyncClient, path: str, **query: str) -> Any:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_ticket_opened_through_v4_is_the_same_ticket_in_v5_and_back(client: httpx.AsyncClient) -> None:
    v4 = await opened(client, TICKETS_V4, TICKET)
    assert {name: v4[name] for name in TICKET} == TICKET
    assert [change["status"] for change in v4["statusChange"]] == ["acknowledged"]
    v5 = await seen(client, f"{TICKETS_V5}/{v4['id']}")
    assert v5["href"] == f"http://adapter/tmf-api{TICKETS_V5}/{v4['id']}"
    assert v5["externalIdentifier"] == [{"@type": "ExternalIdentifier", "id": "crm-1"}]
    assert v5["relatedParty"][0]["partyOrPartyRole"]["@type"] == "PartyRoleRef"
    assert v5["relatedEntity"][0]["entity"]["id"] == "line-1"
    assert v5["x-crm"] == TICKET["x-crm"]
    patch = {
        "severity": "Minor",
        "troubleTicketCharacteristic": [
            {"@type": "StringCharacteristic", "name": "rootCauseDomain", "valueType": "string", "value": "access"}
        ],
        "externalIdentifier": [*v5["externalIdentifier"], {"@type": "ExternalIdentifier", "id": "oss-2"}],
    }
    assert (await client.patch(f"{TICKETS_V5}/{v4['id']}", json=patch)).status_code == 200
    again = await seen(client, f"{TICKETS_V4}/{v4['id']}")
    assert (again["severity"], again["externalId"]) == ("Minor", "crm-1")
    assert not {"troubleTicketCharacteristic", "externalIdentifier", "statusChangeHistory"} & again.keys()
    change = {"status": "inProgress", "statusChangeReason": "assigned", "note": [*TICKET["note"], {"text": "two"}]}
    patched = await client.patch(f"{TICKETS_V4}/{v4['id']}", json=change)
    assert patched.status_code == 200, patched.text
    assert patched.json()["statusChange"][-1]["changeReason"] == "assigned"
    after = await seen(client, f"{TICKETS_V5}/{v4['id']}")
    assert {name: after[name] for name in patch if name != "@type"} == patch
    assert [note["text"] for note in after["note"]] == ["one", "two"]
    assert after["statusChangeHistory"][-1]["statusChangeReason"] == "assigned"


async def test_a_problem_opened_through_either_version_is_read_and_patched_through_the_other(
    client: httpx.AsyncClient,
) -> None:
    v4 = await opened(client, PROBLEMS_V4, PROBLEM)
    assert {name: v4[name] for name in PROBLEM} == PROBLEM
    v5 = await seen(client, f"{PROBLEMS_V5}/{v4['id']}")
    assert v5["originatorParty"]["partyOrPartyRole"] == {
        "@type": "PartyRef",
        "id": "SP_1",
        "@referredType": "Organization",
    }
    assert v5["affectedLocation"][0]["place"]["name"] == "Tokyo"
    assert v5["characteristic"][0]["@type"] == "IntegerCharacteristic"
    assert "responsibleParty" not in v5
    error = {"errorMessage": [{"@type": "ErrorMessage", "code": "1", "reason": "down"}]}
    assert (await client.patch(f"{PROBLEMS_V5}/{v4['id']}", json=error)).status_code == 200
    assert (await client.patch(f"{PROBLEMS_V4}/{v4['id']}", json={"reason": "known"})).status_code == 200
    after = await seen(client, f"{PROBLEMS_V5}/{v4['id']}")
    assert (after["reason"], after["errorMessage"]) == ("known", error["errorMessage"])
    born = {name: value for name, value in v5.items() if name not in ("id", "href")}
    other = await opened(client, PROBLEMS_V5, born)
    assert {name: (await seen(client, f"{PROBLEMS_V4}/{other['id']}"))[name] for name in PROBLEM} == PROBLEM
    assert (await client.delete(f"{PROBLEMS_V4}/{v4['id']}")).status_code == 204
    assert (await client.get(f"{PROBLEMS_V5}/{v4['id']}")).status_code == 404


@one_database
async def test_a_json_patch_through_v4_is_of_what_v4_sees(client: httpx.AsyncClient) -> None:
    ticket = await opened(client, TICKETS_V4, TICKET)
    operations = [
        {"op": "test", "path": "/relatedParty/0/id", "value": "c1"},
        {"op": "replace", "path": "/relatedParty/0/name", "value": "Jill"},
        {"op": "add", "path": "/note", "value": {"text": "two"}},
        {"op": "remove", "path": "/externalId"},
    ]
    answer = await client.patch(f"{TICKETS_V4}/{ticket['id']}", json=operations, headers=JSON_PATCH)
    assert answer.status_code == 200, answer.text
    v5 = await seen(client, f"{TICKETS_V5}/{ticket['id']}")
    assert v5["relatedParty"][0]["partyOrPartyRole"]["name"] == "Jill"
    assert [note["text"] for note in v5["note"]] == ["one", "two"]
    assert "externalIdentifier" not in v5


@one_database
async def test_faults_name_the_places_of_v4(client: httpx.AsyncClient) -> None:
    ticket = await opened(client, TICKETS_V4, TICKET)
    path = f"{TICKETS_V4}/{ticket['id']}"
    history = [{"op": "add", "path": "/statusChange", "value": []}]
    refused = await client.patch(path, json=history, headers=JSON_PATCH)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/statusChange"
    unchanged = {name: ticket[name] for name in ("id", "href", "creationDate", "statusChange", "@type")}
    assert (await client.patch(path, json=unchanged)).status_code == 200
    number = await client.post(TICKETS_V4, json={**TICKET, "relatedParty": [{"id": 7}]})
    assert number.json()["errors"][0]["pointer"] == "/relatedParty/0/id"
    ours = await client.post(TICKETS_V4, json={**TICKET, "troubleTicketCharacteristic": 5})
    assert ours.json()["errors"][0]["pointer"] == "/troubleTicketCharacteristic"


@one_database
async def test_every_v4_problem_has_what_kits_ask_for(client: httpx.AsyncClient, database_url: str) -> None:
    problem = await opened(client, PROBLEMS_V4, PROBLEM)
    for row in [problem, *(await seen(client, PROBLEMS_V4)), await seen(client, f"{PROBLEMS_V4}/{problem['id']}")]:
        assert row["affectedNumberOfServices"] == 2
        assert row["responsibleParty"] == PROBLEM["originatorParty"]
        assert row["statusChangeDate"]
        assert "timeRaised" not in row
    async with serving(settings(database_url, tmf656_v3_names=True)) as old:
        row = await seen(old, f"{PROBLEMS_V4}/{problem['id']}")
        assert (row["timeRaised"], row["timeChanged"]) == (row["creationDate"], row["lastUpdate"])


@one_database
async def test_a_lenient_v4_takes_what_kits_send_and_a_strict_one_the_letter_of_the_standard(
    client: httpx.AsyncClient, database_url: str
) -> None:
    bare: Doc = {"id": "SP_1"}
    sloppy = {**PROBLEM, "priority": "1", "originatorParty": bare, "relatedEntity": [{"id": "e"}]}
    problem = await opened(client, PROBLEMS_V4, sloppy)
    assert (problem["priority"], problem["originatorParty"]) == (1, bare)
    ticket = await opened(client, TICKETS_V4, {**TICKET, "status": "Submitted", "relatedParty": [{"id": "c"}]})
    assert ticket["status"] == "Submitted"
    assert (await seen(client, f"{TICKETS_V5}/{ticket['id']}"))["status"] == "acknowledged"
    answer = await client.patch(f"{TICKETS_V4}/{ticket['id']}", json={"status": "In Progress"})
    assert (await seen(client, f"{TICKETS_V5}/{ticket['id']}"))["status"] == "inProgress"
    assert answer.json()["status"] == "In Progress"
    unknown = await client.patch(f"{TICKETS_V4}/{ticket['id']}", json={"status": "Nonsense"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (400, "/status")
    no_text = await client.post(TICKETS_V4, json={**TICKET, "note": {"author": "me"}})
    assert no_text.status_code == 400
    async with serving(settings(database_url, strict=True)) as strict:
        refused = (await strict.post(PROBLEMS_V4, json=sloppy)).json()
        assert {fault["pointer"] for fault in refused["errors"]} >= {"/priority", "/originatorParty/@referredType"}
        assert (await strict.post(TICKETS_V4, json={**TICKET, "status": "Submitted"})).status_code == 400
        assert (await strict.post(TICKETS_V4, json=TICKET)).status_code == 201


@one_database
async def test_what_v4_shows_finds_the_resource_again(client: httpx.AsyncClient) -> None:
    ticket = await opened(client, TICKETS_V4, {**TICKET, "status": "Submitted", "@type": ""})
    await opened(client, TICKETS_V4, {**TICKET, "status": "inProgress", "externalId": "crm-2"})
    assert ticket["@type"] == ""
    assert (await seen(client, f"{TICKETS_V5}/{ticket['id']}"))["@type"] == "TroubleTicket"
    for name, value in {"href": ticket["href"], "status": "Submitted", "externalId": "crm-1"}.items():
        found = await seen(client, TICKETS_V4, **{name: value, "fields": "severity"})
        assert found == [{"id": ticket["id"], "severity": "Major"}], name
    assert await seen(client, f"{TICKETS_V4}/{ticket['id']}", fields="severity,externalId") == {
        "severity": "Major",
        "externalId": "crm-1",
    }
    assert len(await seen(client, TICKETS_V4, **{"relatedParty.id": "c1", "sort": "-statusChange.changeDate"})) == 2
    unknown = await client.get(TICKETS_V4, params={"relatedParty.partyOrPartyRole.id": "c1"})
    assert unknown.status_code == 400


@one_database
async def test_tasks_and_event_records_in_v4(client: httpx.AsyncClient) -> None:
    problem = await opened(client, PROBLEMS_V4, PROBLEM)
    acknowledge = "/serviceProblemManagement/v4/problemAcknowledgement"
    answer = await client.post(acknowledge, json={"problem": [{"id": problem["id"]}]})
    assert answer.status_code == 201, answer.text
    task = answer.json()
    assert [one["id"] for one in task["ackProblem"]] == [problem["id"]]
    assert "state" not in task
    v5 = await seen(client, httpx.URL(answer.headers["location"]).path.removeprefix("/tmf-api"))
    assert v5["state"] == "done", "it is v5 that tells how it went"
    event = {"eventId": "e1", "event": {"serviceProblem": {"id": "remote-1"}}}
    listener = "/serviceProblemManagement/v4/listener/serviceProblemStateChangeEvent"
    assert (await client.post(listener, json=event)).status_code == 201, "the path says which event it is"
    records = await seen(client, "/serviceProblemManagement/v4/serviceProblemEventRecord")
    assert [(one["eventType"], one["serviceProblem"]["id"]) for one in records] == [
        ("ServiceProblemStateChangeEvent", "remote-1")
    ]
    assert await seen(client, records[0]["href"].partition("/tmf-api")[2]) == records[0]


@one_database
@pytest.mark.parametrize("meta", [{"@schemaLocation": 5, "@baseType": None}, {"@type": ""}, {"@type": []}])
async def test_what_an_event_of_v4_calls_its_type_is_on_record_in_any_form(
    client: httpx.AsyncClient, meta: dict[str, Any]
) -> None:
    """Answers are held against their documents here: v5's has a text there."""
    event = {"eventId": "e1", "event": {"serviceProblem": {"id": "remote-1"}}, **meta}
    listener = "/serviceProblemManagement/v4/listener/serviceProblemStateChangeEvent"
    assert (await client.post(listener, json=event)).status_code == 201
    [record] = await seen(client, "/serviceProblemManagement/v5/serviceProblemEventRecord")
    assert record["notification"]["@type"] == "ServiceProblemStateChangeEvent"
    assert record["notification"]["@v4"] == meta


@one_database
async def test_a_v4_subscription_is_an_id_a_callback_and_a_query(client: httpx.AsyncClient) -> None:
    wish = {"callback": "http://bss.example/listener", "query": "eventType=TroubleTicketCreateEvent"}
    answer = await client.post("/troubleTicket/v4/hub", json=wish)
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"id": answer.json()["id"], **wish}
    assert answer.headers["location"] == f"http://adapter/tmf-api/troubleTicket/v4/hub/{answer.json()['id']}"
    elsewhere = await client.delete(f"/troubleTicket/v5/hub/{answer.json()['id']}")
    assert elsewhere.status_code == 404
    assert (await client.delete(f"/troubleTicket/v4/hub/{answer.json()['id']}")).status_code == 204


@one_database
@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("/troubleTicket/v4/listener/troubleTicketStatusChangeEvent", "TroubleTicketStatusChangeEvent"),
        ("/serviceProblemManagement/v4/listener/serviceProblemStateChangeEvent", "ServiceProblemStateChangeEvent"),
    ],
)
async def test_v4_listeners_answer_201_and_those_of_v5_204(path: str, event: str, client: httpx.AsyncClient) -> None:
    body = {"eventId": "e1", "eventType": event, "event": {}}
    for _ in range(2):
        answer = await client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["id"] == "e1"
    v5 = await client.post(path.replace("/v4/", "/v5/"), json={**body, "@type": event})
    assert v5.status_code == 204


@one_database
async def test_an_event_that_does_not_say_its_type_has_that_of_its_path(client: httpx.AsyncClient) -> None:
    for event in ({"eventId": "e-1", "event": {}}, {"eventId": "e-2", "eventType": "", "event": {}}):
        answer = await client.post("/troubleTicket/v4/listener/troubleTicketCreateEvent", json=event)
        assert answer.status_code == 201, answer.text
    assert (await client.post("/troubleTicket/v4/listener", json={"eventId": "e-3"})).status_code in (400, 404)


async def test_a_resource_is_found_by_the_address_that_its_version_shows(client: httpx.AsyncClient) -> None:
    made = await opened(client, TICKETS_V4, TICKET)
    await opened(client, TICKETS_V4, TICKET)
    for path in (TICKETS_V4, TICKETS_V5):
        href = f"http://adapter/tmf-api{path}/{made['id']}"
        for condition in ({"href": href}, {"href": f"{href},nowhere"}, {"href.eq": href}):
            assert [row["id"] for row in await seen(client, path, **condition)] == [made["id"]], condition
        assert made["id"] not in [row["id"] for row in await seen(client, path, **{"href.ne": href})]


@one_database
async def test_links_that_no_client_would_read_are_left_out(client: httpx.AsyncClient) -> None:
    short = await client.get(TICKETS_V5, params={"fields": "description"})
    assert 'rel="self"' in short.headers["link"]
    long = await client.get(TICKETS_V5, params={"fields": ",".join(["requestedResolutionDate"] * 150)})
    assert long.status_code == 200
    assert "link" not in long.headers
    assert long.headers["x-total-count"] == "0"


@one_database
@pytest.mark.parametrize(("path", "body"), [(TICKETS_V4, TICKET), (PROBLEMS_V4, PROBLEM)])
async def test_what_is_taken_can_be_wrapped_in_whatever_it_is_sent_in(
    path: str, body: Doc, client: httpx.AsyncClient
) -> None:
    """Events wrap a resource, v5 wraps a reference, a listener's record wraps an event: none may be too much."""

    def deep(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    party = {"id": "c1", "role": "customer", "@referredType": "Customer"}
    made = await opened(client, path, body | {"x-deep": deep(239), "relatedParty": [party | {"x-deep": deep(237)}]})
    for version in ("v4", "v5"):
        assert (await client.get(f"{path.replace('v4', version)}/{made['id']}")).status_code == 200
    patched = await client.patch(f"{path}/{made['id']}", json={"x-other": deep(239)})
    assert patched.status_code == 200, patched.text
    too_deep = await client.post(path, json=body | {"x-deep": deep(240)})
    assert too_deep.status_code == 400
    assert "nested too deeply" in too_deep.text
    type_ = "TroubleTicketCreateEvent" if path == TICKETS_V4 else "ServiceProblemCreateEvent"
    event = {"eventId": "deep", "eventType": type_, "event": {"x-deep": deep(238)}}
    listener = path.rpartition("/")[0] + f"/listener/{type_[0].lower()}{type_[1:]}"
    assert (await client.post(listener, json=event)).status_code == 201


@one_database
async def test_what_v5_needs_less_of_is_whole_in_v4(client: httpx.AsyncClient) -> None:
    """Answers are held against their document here: one that lacks what v4 requires would be a 500."""
    party = {"@type": "RelatedPartyRefOrPartyRoleRef", "role": "originator"}
    v5 = {"@type": "ServiceProblem", "category": "c", "priority": 1, "description": "d", "reason": "r"}
    made = await opened(
        client,
        PROBLEMS_V5,
        v5 | {"originatorParty": party, "characteristic": [{"@type": "Characteristic", "name": "bare"}]},
    )
    seen_by_v4 = await seen(client, f"{PROBLEMS_V4}/{made['id']}")
    assert seen_by_v4["originatorParty"] == {"role": "originator", "id": "", "@referredType": "Party"}
    assert seen_by_v4["characteristic"][0]["value"] is None
    assert (await seen(client, f"{PROBLEMS_V5}/{made['id']}"))["originatorParty"] == party
    event = {
        "@type": "ServiceProblemCreateEvent",
        "eventId": "odd-address",
        "event": {"serviceProblem": {"@type": "ServiceProblem", "id": "elsewhere", "href": "not an address"}},
    }
    listener = f"{PROBLEMS_V5.rpartition('/')[0]}/listener/serviceProblemCreateEvent"
    assert (await client.post(listener, json=event)).status_code == 204
    [record] = await seen(client, f"{PROBLEMS_V4.rpartition('/')[0]}/serviceProblemEventRecord")
    assert record["serviceProblem"]["id"] == "elsewhere"


@one_database
async def test_what_v4_has_no_place_for_is_kept_from_it_and_nothing_else(client: httpx.AsyncClient) -> None:
    """Answers are held against their document: one resource that v4 could not be shown would spoil every list."""
    reference = {"@type": "PartyRef", "id": "p1"}
    party = {"@type": "RelatedPartyRefOrPartyRoleRef", "role": "originator", "partyOrPartyRole": reference}
    party |= {"name": ["beside"], "@referredType": []}
    service = {"@type": "ServiceRef", "id": "s1", "href": "no URI", "name": "Line"}
    odd = {
        "@type": "ServiceProblem",
        **{name: PROBLEM[name] for name in ("category", "priority", "description", "reason")},
        "originatorParty": party,
        "affectedService": [service],
    }
    made = await opened(client, PROBLEMS_V5, odd)
    [row] = await seen(client, PROBLEMS_V4)
    assert row["affectedService"] == [{"id": "s1", "name": "Line"}]
    assert row["originatorParty"] == {"role": "originator", "id": "p1", "@referredType": "Party"}
    renamed = [{"op": "replace", "path": "/affectedService/0/name", "value": "Another line"}]
    patched = await client.patch(f"{PROBLEMS_V4}/{made['id']}", json=renamed, headers=JSON_PATCH)
    assert patched.status_code == 200, patched.text
    kept = await seen(client, f"{PROBLEMS_V5}/{made['id']}")
    assert kept["affectedService"] == [service | {"name": "Another line"}]
    assert kept["originatorParty"] == party
    moved = [{"op": "add", "path": "/affectedService/0/href", "value": "no URI either"}]
    refused = await client.patch(f"{PROBLEMS_V4}/{made['id']}", json=moved, headers=JSON_PATCH)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/affectedService/0/href")


@one_database
async def test_what_v5_has_no_place_for_is_kept_for_v4_and_comes_back(client: httpx.AsyncClient) -> None:
    party = {"id": "c1", "role": "customer", "@referredType": "Customer", "partyId": 5}
    attachment = {"@type": "AttachmentRef", "name": "nowhere yet"}
    ticket = await opened(client, TICKETS_V4, TICKET | {"relatedParty": [party], "attachment": [attachment]})
    assert (ticket["relatedParty"], ticket["attachment"]) == ([party], [attachment])
    v5 = await seen(client, f"{TICKETS_V5}/{ticket['id']}")
    assert "partyId" not in v5["relatedParty"][0]["partyOrPartyRole"]
    assert v5["attachment"][0]["id"] == ""
    [row] = await seen(client, TICKETS_V4)
    assert row["relatedParty"] == [party]


@one_database
@pytest.mark.parametrize(("path", "body"), [(TICKETS_V4, TICKET), (PROBLEMS_V4, PROBLEM)])
async def test_a_create_may_say_any_address_since_only_the_server_sets_it(
    path: str, body: Doc, client: httpx.AsyncClient
) -> None:
    made = await opened(client, path, body | {"href": None})
    assert made["href"].endswith(made["id"])
