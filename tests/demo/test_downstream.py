"""The downstream is a decent TMF656 server that decides how a problem ends, and tells its listeners until they hear."""

import asyncio
import contextlib
from typing import Any

import aiohttp
import pytest

from tmf_adapter.demo.downstream import COLLECTION, MODES
from tmf_adapter.demo.problems import REQUIRED

HUB = "/tmf-api/serviceProblemManagement/v5/hub"
Client = aiohttp.ClientSession
Doc = dict[str, Any]


def problem(line: str = "line-ok-1", operation: str = "op-1") -> Doc:
    return {
        "@type": "ServiceProblem",
        "category": "serviceProvider.originated",
        "priority": 1,
        "description": "No synchronisation",
        "reason": "customer problem",
        "originatorParty": {
            "@type": "RelatedPartyRefOrPartyRoleRef",
            "role": "originator",
            "partyOrPartyRole": {"@type": "PartyRef", "id": "problem-handling"},
        },
        "affectedService": [{"@type": "ServiceRef", "id": line}],
        "externalIdentifier": [{"@type": "ExternalIdentifier", "id": operation, "owner": "tests"}],
    }


async def create(client: Client, url: str, body: Doc | None = None) -> tuple[int, Doc]:
    async with client.post(url + COLLECTION, json=body or problem(), headers={"Idempotency-Key": "key-1"}) as response:
        return response.status, await response.json()


async def get(client: Client, url: str) -> Any:
    async with client.get(url) as response:
        return await response.json()


async def control(client: Client, url: str, **what: Any) -> None:
    async with client.post(f"{url}/control", json=what) as response:
        assert response.status == 204


async def subscribe(client: Client, downstream: str, subscriber: str) -> Doc:
    async with client.post(downstream + HUB, json={"@type": "Hub", "callback": f"{subscriber}/listener"}) as response:
        assert response.status == 201
        hub: Doc = await response.json()
        return hub


async def events(client: Client, subscriber: str, count: int) -> list[tuple[str, str]]:
    """Type and status of each event, once there are ``count``."""
    for _ in range(500):
        records = (await get(client, f"{subscriber}/received"))["events"]
        if len(records) >= count:
            return [(record["eventType"], record["status"]) for record in records]
        await asyncio.sleep(0.02)
    pytest.fail(f"{count} events were expected, there are: {records}")


# -- the resource ------------------------------------------------------------------------------------------------------


async def test_a_created_problem_is_acknowledged_and_echoes_everything(client: Client, downstream: str) -> None:
    status, created = await create(client, downstream, {**problem(), "vendorMember": [1, {"a": None}]})
    assert status == 201
    assert created["href"] == f"{downstream}{COLLECTION}/{created['id']}"
    assert created["status"] == "acknowledged"
    assert {name: created[name] for name in problem()} == problem()
    assert created["vendorMember"] == [1, {"a": None}]


@pytest.mark.parametrize("name", REQUIRED)
async def test_a_required_member_that_is_missing_is_named(client: Client, downstream: str, name: str) -> None:
    status, error = await create(client, downstream, {k: v for k, v in problem().items() if k != name})
    assert (status, error["@type"], error["reason"]) == (400, "Error", f"required: {name}")
    assert (await get(client, f"{downstream}/control"))["creates"] == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3"])
async def test_what_is_no_object_is_refused(client: Client, downstream: str, content: bytes) -> None:
    async with client.post(downstream + COLLECTION, data=content) as response:
        assert response.status == 400


async def test_a_problem_is_found_by_the_operation_that_asked_for_it(client: Client, downstream: str) -> None:
    _, first = await create(client, downstream, problem(operation="op-1"))
    await create(client, downstream, problem(operation="op-2"))
    listed = await get(client, f"{downstream}{COLLECTION}?externalIdentifier.id=op-1")
    assert [found["id"] for found in listed] == [first["id"]]
    assert len(await get(client, downstream + COLLECTION)) == 2
    assert await get(client, f"{downstream}{COLLECTION}?externalIdentifier.id=op-1&status=closed") == []
    assert (await get(client, f"{downstream}{COLLECTION}/{first['id']}"))["id"] == first["id"]


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"{COLLECTION}/none", 404), (f"{COLLECTION}?externalId=op-1", 400), ("/nowhere", 404)],
)
async def test_what_is_not_there_is_an_error(client: Client, downstream: str, path: str, status: int) -> None:
    async with client.get(downstream + path) as response:
        assert response.status == status


async def test_the_idempotency_key_is_recorded_and_ignored(client: Client, downstream: str) -> None:
    for _ in range(2):
        await create(client, downstream)
    told = await get(client, f"{downstream}/control")
    assert told["creates"] == 2
    assert told["by_operation"] == {"op-1": 2}
    assert [entry["idempotency-key"] for entry in told["requests"]] == ["key-1", "key-1"]
    assert {entry["method"] + entry["path"] for entry in told["requests"]} == {"POST" + COLLECTION}


async def test_a_patch_merges_and_a_new_status_is_told_and_ends_the_work(
    client: Client, downstream: str, subscriber: str
) -> None:
    await subscribe(client, downstream, subscriber)
    _, created = await create(client, downstream)
    patch = {"status": "cancelled", "description": None, "id": "other", "priority": 3}
    async with client.patch(created["href"], json=patch) as response:
        changed = await response.json()
    assert (changed["id"], changed["status"], changed["priority"]) == (created["id"], "cancelled", 3)
    assert "description" not in changed
    await asyncio.sleep(0.3)
    assert (await get(client, created["href"]))["status"] == "cancelled"
    told = await events(client, subscriber, 2)
    assert told == [("ServiceProblemCreateEvent", "acknowledged"), ("ServiceProblemStateChangeEvent", "cancelled")]


# -- what it decides ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        ("line-ok-1", ["acknowledged", "inProgress", "resolved"]),
        ("line-workaround-2", ["acknowledged", "inProgress", "resolved"]),
        ("line-broken-3", ["acknowledged", "rejected"]),  # TMF656 knows no way from inProgress to rejected
        ("line-cancelled-4", ["acknowledged", "inProgress", "cancelled"]),
        ("line-silent-5", ["acknowledged", "inProgress"]),
        ("anything else", ["acknowledged", "inProgress", "resolved"]),
    ],
)
async def test_the_line_decides_how_the_problem_ends(
    client: Client, downstream: str, subscriber: str, line: str, statuses: list[str]
) -> None:
    await subscribe(client, downstream, subscriber)
    _, created = await create(client, downstream, problem(line))
    told = await events(client, subscriber, len(statuses))
    assert [status for _, status in told] == statuses
    assert [type_ for type_, _ in told] == ["ServiceProblemCreateEvent"] + ["ServiceProblemStateChangeEvent"] * (
        len(statuses) - 1
    )
    ended = await get(client, created["href"])
    assert ended["status"] == statuses[-1]
    assert ("statusChangeReason" in ended) == (statuses[-1] != "inProgress")
    assert [entry["value"] for entry in ended.get("characteristic", [])] == (
        ["workaround"] if "workaround" in line else []
    )


async def test_a_problem_without_a_service_is_resolved(client: Client, downstream: str, subscriber: str) -> None:
    await subscribe(client, downstream, subscriber)
    await create(client, downstream, {**problem(), "affectedService": []})
    assert (await events(client, subscriber, 3))[-1][1] == "resolved"


# -- whom it tells -----------------------------------------------------------------------------------------------------


async def test_events_are_repeated_in_order_until_they_are_heard(
    client: Client, downstream: str, subscriber: str
) -> None:
    await subscribe(client, downstream, subscriber)
    await control_subscriber(client, subscriber, mode="error", times=3)
    await create(client, downstream)
    told = await events(client, subscriber, 3)
    assert [status for _, status in told] == ["acknowledged", "inProgress", "resolved"]
    report = await get(client, f"{subscriber}/received")
    assert (report["refused"], report["notifications"], report["duplicates"]) == (3, 3, 0)


async def test_a_repetition_has_the_same_event_id(client: Client, downstream: str, subscriber: str) -> None:
    await subscribe(client, downstream, subscriber)
    await control_subscriber(client, subscriber, mode="hang", times=2, seconds=0)  # taken, but it does not say so
    await create(client, downstream, problem("line-silent"))
    await events(client, subscriber, 4)
    report = await get(client, f"{subscriber}/received")
    assert (report["notifications"], report["duplicates"]) == (2, 2)


async def test_a_callback_is_registered_once_and_can_leave(client: Client, downstream: str, subscriber: str) -> None:
    hub = await subscribe(client, downstream, subscriber)
    async with client.post(downstream + HUB, json={"@type": "Hub", "callback": hub["callback"]}) as response:
        assert response.status == 409
    for expected in (204, 404):
        async with client.delete(f"{downstream}{HUB}/{hub['id']}") as response:
            assert response.status == expected
    await create(client, downstream)
    await asyncio.sleep(0.2)
    assert (await get(client, f"{subscriber}/received"))["events"] == []


async def test_who_cannot_be_reached_keeps_nobody_else_waiting(
    client: Client, downstream: str, subscriber: str
) -> None:
    async with client.post(downstream + HUB, json={"callback": "http://127.0.0.1:1/"}) as response:
        assert response.status == 201
    await subscribe(client, downstream, subscriber)
    await create(client, downstream)
    await events(client, subscriber, 3)
    assert (await get(client, f"{downstream}/control"))["undelivered"] == 3


async def test_a_registration_without_callback_is_refused(client: Client, downstream: str) -> None:
    async with client.post(downstream + HUB, json={"query": "x"}) as response:
        assert response.status == 400


# -- how it misbehaves -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "expected"), [("error500", 500), ("error400", 400)])
async def test_a_refusal_creates_nothing(client: Client, downstream: str, mode: str, expected: int) -> None:
    await control(client, downstream, create=mode, times=1)
    status, error = await create(client, downstream)
    assert (status, error["@type"]) == (expected, "Error")
    assert (await get(client, f"{downstream}/control"))["creates"] == 0
    assert (await create(client, downstream))[0] == 201


async def test_nonsense_is_a_success_that_is_none(client: Client, downstream: str) -> None:
    await control(client, downstream, create="nonsense", times=1)
    async with client.post(downstream + COLLECTION, json=problem()) as response:
        assert (response.status, response.content_type) == (201, "text/html")
    assert (await get(client, f"{downstream}/control"))["creates"] == 0


@pytest.mark.parametrize(
    ("mode", "created"),
    [("hang", 0), ("reset", 0), ("drip", 1), ("drop-after-create", 1), ("hang-after-create", 1)],
)
async def test_no_whole_answer_says_nothing_about_what_was_created(
    client: Client, downstream: str, mode: str, created: int
) -> None:
    await control(client, downstream, create=mode, times=1)
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        async with client.post(
            downstream + COLLECTION, json=problem(), timeout=aiohttp.ClientTimeout(total=0.4)
        ) as response:
            await response.read()
    assert (await get(client, f"{downstream}/control"))["creates"] == created


async def test_every_event_may_come_before_the_answer(client: Client, downstream: str, subscriber: str) -> None:
    await subscribe(client, downstream, subscriber)
    await control(client, downstream, create="late-event-first", times=1)
    status, created = await create(client, downstream)
    assert (status, created["status"]) == (201, "acknowledged")
    report = await get(client, f"{subscriber}/received")
    assert [record["status"] for record in report["events"]] == ["acknowledged", "inProgress", "resolved"]


@pytest.mark.parametrize("mode", sorted(MODES))
async def test_a_fault_ends_after_its_times(client: Client, downstream: str, mode: str) -> None:
    await control(client, downstream, create=mode, times=0)
    assert (await create(client, downstream))[0] == 201


async def test_a_fault_that_does_not_exist_is_refused(client: Client, downstream: str) -> None:
    async with client.post(f"{downstream}/control", json={"create": "sulk"}) as response:
        assert response.status == 400


async def control_subscriber(client: Client, subscriber: str, **what: Any) -> None:
    async with client.post(f"{subscriber}/control", json=what) as response:
        assert response.status == 204


async def test_hanging_up_ends_a_hanging_request(client: Client, downstream: str) -> None:
    """Otherwise the server could not be stopped."""
    await control(client, downstream, create="hang", times=1)
    with contextlib.suppress(TimeoutError):
        await client.post(downstream + COLLECTION, json=problem(), timeout=aiohttp.ClientTimeout(total=0.1))
    assert (await create(client, downstream))[0] == 201
