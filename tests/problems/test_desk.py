"""The service problems' desk: the common desk with the rules of TMF656."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.storage.fakes import Owed, equal, events, rows
from tmf_adapter.api.schemas import Schemas
from tmf_adapter.problems.problem import RULES
from tmf_adapter.problems.store import problem_store
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.desk import Desk
from tmf_adapter.storage.ledger import Duty, Ledger
from tmf_adapter.tmf.condition import And
from tmf_adapter.tmf.errors import IllegalTransition, Invalid, NotFound
from tmf_adapter.tmf.events import Author, Change
from tmf_adapter.tmf.patch import JSON_PATCH
from tmf_adapter.tmf.query import Query

MERGE = "application/merge-patch+json"
COLLECTION = "https://smo.example/tmf-api/serviceProblemManagement/v5/serviceProblem"
BODY: dict[str, Any] = {
    "@type": "ServiceProblem",
    "category": "supplier.originated",
    "priority": 1,
    "description": "No light.",
    "reason": "Port down.",
    "originatorParty": {
        "@type": "RelatedPartyRefOrPartyRoleRef",
        "role": "originator",
        "partyOrPartyRole": {"@type": "PartyRef", "@referredType": "Organization", "id": "bss"},
    },
}


@cache
def schemas() -> Schemas:
    text = (Path(__file__).parents[2] / "openapi" / "tmf656-v5.yaml").read_text()
    return Schemas(yaml.load(text, yaml.CSafeLoader), "urn:tests:tmf656")


def fits(name: str) -> Callable[[Any], None]:
    return lambda document: schemas().check(f"#/components/schemas/{name}", document)


@pytest.fixture
def changes() -> list[Change]:
    return []


@pytest.fixture
def desk(database: Database, changes: list[Change]) -> Desk:
    async def listen(change: Change) -> Duty:
        changes.append(change)
        return Owed(f"{change.subject.id}:{len(changes)}")

    return Desk(Ledger(database, [listen]), problem_store(database), RULES, COLLECTION, fits("ServiceProblem"))


async def test_a_problem_lives_from_its_opening_to_its_deletion(
    database: Database, desk: Desk, changes: list[Change]
) -> None:
    opened = await desk.open(BODY)
    assert opened.document["href"] == f"{COLLECTION}/{opened.id}"
    assert opened.document["priority"] == 1
    assert opened.status == "acknowledged"
    for status in ("inProgress", "held", "resolved", "closed", "inProgress", "pending", "cancelled"):
        assert (await desk.patch(opened.id, {"status": status}, MERGE)).status == status
    left = await desk.load(opened.id)
    assert left.version == 8
    assert "statusChangeHistory" not in left.document
    await desk.delete(opened.id)
    with pytest.raises(NotFound):
        await desk.fetch(opened.id)
    told = [event["eventType"].removeprefix("ServiceProblem") for event in await events(database)]
    assert told == ["CreateEvent", *["StateChangeEvent"] * 7, "DeleteEvent"]
    assert len(await rows(database)) == len(changes) == 9


async def test_every_notification_of_a_problems_life_fits_the_standards_schema(database: Database, desk: Desk) -> None:
    id_ = (await desk.open({**BODY, "note": [{"@type": "Note", "text": "x"}]})).id
    await desk.patch(id_, {"status": "inProgress", "statusChangeReason": "Work began."}, MERGE)
    await desk.patch(id_, {"status": "resolved", "priority": 3}, MERGE)
    await desk.delete(id_)
    told = await events(database)
    assert len(told) == 5
    for event in told:
        fits(event["eventType"])(event)


async def test_the_adapter_opens_a_problem_under_the_id_it_promised(desk: Desk, changes: list[Change]) -> None:
    opened = await desk.open(BODY, Author.ADAPTER, "operation-1")
    assert opened.id == "operation-1"
    assert (await desk.load("operation-1")).document["href"] == f"{COLLECTION}/operation-1"
    assert [change.by for change in changes] == [Author.ADAPTER]


async def test_a_problem_is_not_opened_twice_under_one_id(database: Database, desk: Desk) -> None:
    """Whatever is raised: there is one, as it was, and it was told of once."""
    first = await desk.open(BODY, Author.ADAPTER, "operation-1")
    with pytest.raises(Exception):  # noqa: B017, PT011
        await desk.open({**BODY, "description": "Again."}, Author.ADAPTER, "operation-1")
    assert await desk.load("operation-1") == first
    assert (await desk.list(Query())).total == 1
    assert len(await events(database)) == 1


async def test_what_tmf656_demands_is_demanded(desk: Desk) -> None:
    for missing in ("category", "priority", "description", "reason", "originatorParty"):
        with pytest.raises(Invalid) as refused:
            await desk.open({name: value for name, value in BODY.items() if name != missing})
        assert f"/{missing}" in [fault.pointer for fault in refused.value.faults]


REFUSED: list[tuple[str, Any, str, type[Exception]]] = [
    # the diagram of TMF656
    ("acknowledged", {"status": "resolved"}, MERGE, IllegalTransition),
    ("rejected", {"status": "inProgress"}, MERGE, IllegalTransition),
    # a status of older releases
    ("inProgress", {"status": "inProgress.held"}, MERGE, Invalid),
    # a number stays a number
    ("inProgress", {"priority": "1"}, MERGE, Invalid),
    # what the server sets
    ("inProgress", [{"op": "replace", "path": "/statusChangeDate", "value": "x"}], JSON_PATCH, Invalid),
]


async def test_a_refused_patch_leaves_no_trace(database: Database, desk: Desk) -> None:
    for number, (status, body, media_type, error) in enumerate(REFUSED, 1):
        opened = await desk.open({**BODY, "status": status})
        with pytest.raises(error):
            await desk.patch(opened.id, body, media_type)
        assert await desk.load(opened.id) == opened
        assert len(await events(database)) == number


async def test_problems_are_found_by_number_and_text(desk: Desk) -> None:
    for priority in (1, 2, 2):
        await desk.open({**BODY, "priority": priority})
    found = await desk.list(Query(And((equal("priority", "2"), equal("reason", "Port down.")))))
    assert found.total == 2
    assert {orjson.loads(item)["priority"] for item in found.items} == {2}
