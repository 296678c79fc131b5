"""Ticket specifications over HTTP on the whole adapter: every response and every event is held against the document."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.shelf import assert_error, client_of, pointers
from tests.problems.test_desk import BODY as PROBLEM
from tests.storage.fakes import events
from tests.tickets.test_desk import BODY, fits
from tmf_adapter.app import TMF621_V4, TMF621_V5, TMF656_V4, TMF656_V5, Adapter
from tmf_adapter.settings import Settings

PATH = "/troubleTicketSpecification"
TICKETS = "/troubleTicket"
SPECIFICATION: dict[str, Any] = {
    "@type": "TroubleTicketSpecification",
    "name": "line fault",
    "lifecycleStatus": "active",
    "specCharacteristic": [
        {
            "@type": "CharacteristicSpecification",
            "name": "lineId",
            "valueType": "string",
            "minCardinality": 1,
            "maxCardinality": 1,
            "regex": "[a-z]+-[0-9]+",
        },
        {
            "@type": "CharacteristicSpecification",
            "name": "attenuation",
            "valueType": "integer",
            "characteristicValueSpecification": [
                {"@type": "CharacteristicValueSpecification", "valueFrom": 0, "valueTo": 90, "unitOfMeasure": "dB"}
            ],
        },
    ],
}


@pytest.fixture
async def adapter(database_url: str) -> AsyncIterator[Adapter]:
    """Nothing of it runs but what answers requests."""
    adapter = Adapter(Settings(database=database_url, validate_responses=True))
    yield adapter
    adapter.database.close()


@pytest.fixture
async def client(adapter: Adapter) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(adapter.asgi(), TMF621_V5) as client:
        yield client


async def specified(client: httpx.AsyncClient, **members: Any) -> str:
    response = await client.post(PATH, json={**SPECIFICATION, **members})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def naming(id_: str, **values: Any) -> dict[str, Any]:
    """A ticket of that specification with those characteristics."""
    return {**BODY, "troubleTicketSpecification": {"id": id_}, "troubleTicketCharacteristic": characteristics(**values)}


def characteristics(**values: Any) -> list[dict[str, Any]]:
    types = {int: "IntegerCharacteristic", str: "StringCharacteristic"}
    return [{"@type": types[type(value)], "name": name, "value": value} for name, value in values.items()]


async def test_a_specification_lives_from_its_description_to_its_end(
    client: httpx.AsyncClient, adapter: Adapter
) -> None:
    body = {name: value for name, value in SPECIFICATION.items() if name != "lifecycleStatus"}
    response = await client.post(PATH, json=body)
    assert response.status_code == 201, response.text
    document = response.json()
    assert {**document, **body} == document
    assert document["lifecycleStatus"] == "inDesign"
    assert document["creationDate"] == document["lastUpdate"]
    assert response.headers["location"] == document["href"]
    address = f"{PATH}/{document['id']}"
    assert (await client.get(address)).json() == document
    for patch in ({"lifecycleStatus": "active", "description": "x"}, {"version": "2"}, {"lifecycleStatus": "retired"}):
        response = await client.patch(address, json={"@type": "TroubleTicketSpecification", **patch})
        assert response.status_code == 200, response.text
        assert {**response.json(), **patch} == response.json()
    assert (await client.get(f"{PATH}?lifecycleStatus=retired&sort=-name")).json() == [response.json()]
    assert (await client.get(f"{PATH}?lifecycleStatus=active")).headers["x-total-count"] == "0"
    assert (await client.delete(address)).status_code == 204
    assert_error(await client.get(address), 404, "notFound")
    told = await events(adapter.database)
    for event in told:
        fits(event["eventType"])(event)
    kinds = [event["eventType"].removeprefix("TroubleTicketSpecification").removesuffix("Event") for event in told]
    assert Counter(kinds) == {"Create": 1, "StatusChange": 2, "AttributeValueChange": 2, "Delete": 1}
    changed = [event["event"]["troubleTicketSpecification"] for event in told]
    for kind, member, other in (
        ("StatusChange", "lifecycleStatus", "description"),
        ("AttributeValueChange", "description", "lifecycleStatus"),
    ):
        about = [document for document, its_kind in zip(changed, kinds, strict=True) if its_kind == kind]
        assert any(member in document for document in about)
        assert not any(other in document for document in about)


async def test_a_specification_is_refused_that_has_no_name_or_contradicts_itself(client: httpx.AsyncClient) -> None:
    assert pointers(await client.post(PATH, json={})) == ["/name"]
    wrong = {"@type": "CharacteristicSpecification", "name": "a", "valueType": "string", "regex": "("}
    assert pointers(await client.post(PATH, json={"name": "x", "specCharacteristic": [wrong]})) == [
        "/specCharacteristic/0/regex"
    ]
    address = f"{PATH}/{await specified(client)}"
    assert pointers(await client.patch(address, json={"specCharacteristic": [wrong]})) == [
        "/specCharacteristic/0/regex"
    ]
    assert pointers(await client.patch(address, json={"name": None})) == ["/name"]
    assert pointers(await client.patch(address, json={"creationDate": "2020-01-01T00:00:00Z"})) == ["/creationDate"]


async def test_a_refused_transition_says_which_ones_are_allowed(client: httpx.AsyncClient) -> None:
    specification = f"{PATH}/{await specified(client)}"
    response = await client.patch(specification, json={"lifecycleStatus": "inDesign"})
    assert "From active a client may set: retired." in assert_error(response, 409, "illegalTransition")["message"]
    assert pointers(response) == ["/lifecycleStatus"]
    ticket = (await client.post(TICKETS, json=BODY)).json()["id"]
    problem = (await client.post(f"http://adapter{TMF656_V5}/serviceProblem", json=PROBLEM)).json()["id"]
    for version in (f"{TMF621_V5}{TICKETS}/{ticket}", f"{TMF621_V4}{TICKETS}/{ticket}"):
        response = await client.patch(f"http://adapter{version}", json={"status": "closed"})
        assert "cancelled, inProgress, rejected" in assert_error(response, 409, "illegalTransition")["message"]
    for version in (TMF656_V5, TMF656_V4):
        response = await client.patch(f"http://adapter{version}/serviceProblem/{problem}", json={"status": "held"})
        assert "cancelled, inProgress, rejected" in assert_error(response, 409, "illegalTransition")["message"]


async def test_a_ticket_is_held_to_the_specification_it_names(client: httpx.AsyncClient) -> None:
    id_ = await specified(client)
    response = await client.post(TICKETS, json=naming(id_, attenuation=91))
    assert_error(response, 400, "invalidBody")
    assert pointers(response) == ["/troubleTicketCharacteristic", "/troubleTicketCharacteristic/0/value"]
    assert pointers(await client.post(TICKETS, json=naming("unknown"))) == ["/troubleTicketSpecification/id"]
    assert (await client.get(TICKETS)).headers["x-total-count"] == "0"
    response = await client.post(TICKETS, json=naming(id_, lineId="dsl-1", attenuation=12))
    assert response.status_code == 201, response.text

    ticket = f"{TICKETS}/{response.json()['id']}"
    refused = {"troubleTicketCharacteristic": characteristics(lineId="DSL 1")}
    assert pointers(await client.patch(ticket, json=refused)) == ["/troubleTicketCharacteristic/0/value"]
    replaced = [{"op": "replace", "path": "/troubleTicketCharacteristic/1/value", "value": 99}]
    response = await client.patch(ticket, json=replaced, headers={"content-type": "application/json-patch+json"})
    assert pointers(response) == ["/troubleTicketCharacteristic/1/value"], "the merged ticket counts"
    accepted = {"troubleTicketCharacteristic": characteristics(lineId="dsl-2")}
    assert (await client.patch(ticket, json=accepted)).status_code == 200


async def test_a_ticket_is_held_to_the_specification_as_it_is_now(client: httpx.AsyncClient) -> None:
    id_ = await specified(client)
    assert (await client.post(TICKETS, json=naming(id_, lineId="dsl-1"))).status_code == 201
    assert (await client.patch(f"{PATH}/{id_}", json={"specCharacteristic": []})).status_code == 200
    assert (await client.post(TICKETS, json=naming(id_))).status_code == 201
    assert (await client.patch(f"{PATH}/{id_}", json={"lifecycleStatus": "retired"})).status_code == 200
    assert pointers(await client.post(TICKETS, json=naming(id_))) == ["/troubleTicketSpecification/id"]


async def test_a_repeated_create_gets_its_first_ticket_though_the_specification_is_retired_since(
    client: httpx.AsyncClient,
) -> None:
    id_ = await specified(client)
    body, key = naming(id_, lineId="dsl-1"), {"Idempotency-Key": "once"}
    first = await client.post(TICKETS, json=body, headers=key)
    assert first.status_code == 201, first.text
    await client.patch(f"{PATH}/{id_}", json={"lifecycleStatus": "retired"})
    again = await client.post(TICKETS, json=body, headers=key)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert_error(await client.post(TICKETS, json=body | {"severity": "other"}, headers=key), 409, "conflict")
    assert pointers(await client.post(TICKETS, json=body)) == ["/troubleTicketSpecification/id"]


async def test_a_ticket_goes_on_whatever_becomes_of_its_specification(client: httpx.AsyncClient) -> None:
    id_ = await specified(client)
    body = naming(id_, lineId="dsl-1")
    ticket = f"{TICKETS}/{(await client.post(TICKETS, json=body)).json()['id']}"
    await client.patch(f"{PATH}/{id_}", json={"lifecycleStatus": "retired"})
    assert (await client.patch(ticket, json={"status": "inProgress"})).status_code == 200
    assert (await client.patch(ticket, json={"troubleTicketCharacteristic": []})).status_code == 400
    assert (await client.delete(f"{PATH}/{id_}")).status_code == 204
    assert (await client.patch(ticket, json={"troubleTicketCharacteristic": []})).status_code == 200
    assert (await client.patch(ticket, json={"troubleTicketSpecification": None})).status_code == 200
    again = {"troubleTicketSpecification": {"id": id_}}
    assert pointers(await client.patch(ticket, json=again)) == ["/troubleTicketSpecification/id"]


UNIQUE = {"@type": "CharacteristicSpecification", "name": "cardId", "valueType": "any", "isUnique": True}


async def with_cards(client: httpx.AsyncClient) -> str:
    return await specified(client, specCharacteristic=[UNIQUE])


async def test_a_unique_value_is_on_one_ticket_of_the_specification_only(client: httpx.AsyncClient) -> None:
    id_, other = await with_cards(client), await with_cards(client)
    first = await client.post(TICKETS, json=naming(id_, cardId="c-1"))
    assert first.status_code == 201, first.text
    twin = await client.post(TICKETS, json=naming(id_, cardId="c-1"))
    assert_error(twin, 409, "conflict")
    assert pointers(twin) == ["/troubleTicketCharacteristic/0/value"]
    assert first.json()["id"] in twin.json()["message"]
    for body in (naming(id_, cardId="C-1"), naming(id_, cardId=1), naming(other, cardId="c-1"), naming(id_)):
        assert (await client.post(TICKETS, json=body)).status_code == 201, "another value, another specification"
    assert (await client.get(TICKETS)).headers["x-total-count"] == "5"

    second = f"{TICKETS}/{(await client.post(TICKETS, json=naming(id_, cardId='c-2'))).json()['id']}"
    taken = {"troubleTicketCharacteristic": characteristics(cardId="c-1")}
    assert pointers(await client.patch(second, json=taken)) == ["/troubleTicketCharacteristic/0/value"]
    again = {"troubleTicketCharacteristic": characteristics(cardId="c-2", other="x")}
    assert (await client.patch(second, json=again)).status_code == 200, "its own value is no other ticket's"
    await client.delete(f"{TICKETS}/{first.json()['id']}")
    assert (await client.patch(second, json=taken)).status_code == 200, "whoever had it is gone"


async def test_of_tickets_with_the_same_unique_value_that_come_at_once_one_is_opened(client: httpx.AsyncClient) -> None:
    id_ = await with_cards(client)
    opened = await asyncio.gather(*(client.post(TICKETS, json=naming(id_, cardId="c-1")) for _ in range(12)))
    assert Counter(response.status_code for response in opened) == {201: 1, 409: 11}


async def test_a_repeated_create_is_answered_with_the_first_one_whatever_is_unique(client: httpx.AsyncClient) -> None:
    body, key = naming(await with_cards(client), cardId="c-1"), {"Idempotency-Key": "k-1"}
    first, repeated = [await client.post(TICKETS, json=body, headers=key) for _ in range(2)]
    assert (first.status_code, repeated.status_code) == (201, 201)
    assert first.json()["id"] == repeated.json()["id"]


async def test_what_becomes_unique_later_counts_with_the_tickets_that_there_are(client: httpx.AsyncClient) -> None:
    id_ = await specified(client, specCharacteristic=[{**UNIQUE, "isUnique": False}])
    twins = [await client.post(TICKETS, json=naming(id_, cardId="c-1")) for _ in range(2)]
    assert (await client.patch(f"{PATH}/{id_}", json={"specCharacteristic": [UNIQUE]})).status_code == 200
    assert (await client.post(TICKETS, json=naming(id_, cardId="c-1"))).status_code == 409
    twin = f"{TICKETS}/{twins[0].json()['id']}"
    assert (await client.patch(twin, json={"name": "still in use"})).status_code == 200
    assert (
        await client.patch(twin, json={"troubleTicketCharacteristic": characteristics(cardId="c-2")})
    ).status_code == 200


async def test_unique_values_of_one_ticket_are_bounded(client: httpx.AsyncClient) -> None:
    many = [characteristics(cardId=f"c-{number}")[0] for number in range(101)]
    body = {**naming(await with_cards(client)), "troubleTicketCharacteristic": many}
    assert pointers(await client.post(TICKETS, json=body)) == ["/troubleTicketCharacteristic/100/value"]


@pytest.mark.parametrize(
    ("sent", "kept"), [("submitted", "acknowledged"), ("inProgress.held", "held"), ("inProgress.pending", "pending")]
)
async def test_a_status_of_an_older_release_is_understood(adapter: Adapter, sent: str, kept: str) -> None:
    async with client_of(adapter.asgi(), TMF656_V5) as client:
        response = await client.post("/serviceProblem", json={**PROBLEM, "status": sent})
        assert (response.status_code, response.json()["status"]) == (201, kept)


async def test_what_is_no_specification_and_no_characteristic_is_refused_in_every_version(
    adapter: Adapter, client: httpx.AsyncClient
) -> None:
    known = {"id": await specified(client)}
    named: list[tuple[Any, Any]] = [
        ("text", []),
        (7, []),
        ([], []),
        (known, "text"),
        (known, [7]),
        (known, [{"name": 7}]),
    ]
    for base in (TMF621_V5, TMF621_V4):
        client.base_url = httpx.URL(f"http://adapter{base}")
        for reference, said in named:
            body = {**BODY, "troubleTicketSpecification": reference, "troubleTicketCharacteristic": said}
            assert_error(await client.post(TICKETS, json=body), 400, "invalidBody")
