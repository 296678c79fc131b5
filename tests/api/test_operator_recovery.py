"""The operator's side of recoveries: over real tables, a real engine, and through the document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from tests.api.shelf import OPENAPI, with_others
from tests.journeys.world import mapping_directory
from tests.recovery.room import Room, back, mapping, room, sent, step
from tmf_adapter.api.access import Access
from tmf_adapter.api.operator_recovery import RecoveryOperator
from tmf_adapter.api.server import Document, build
from tmf_adapter.mapping.live import LiveMappings
from tmf_adapter.recovery.decisions import Decisions
from tmf_adapter.recovery.overview import Overview
from tmf_adapter.recovery.reload import Reloading
from tmf_adapter.recovery.target import Answer
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import operation

BASE, PATH = "/operator/v1", OPENAPI / "operator-v1.yaml"
ANN = {"X-Operator": "ann"}


@pytest.fixture
def opened(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A room, and a client of the operator's API on this machine; every answer is held against the document."""

    @asynccontextmanager
    async def open_room(*documents: Any) -> AsyncIterator[tuple[Room, httpx.AsyncClient]]:
        async with room(database, monkeypatch, *documents) as here:
            live = LiveMappings(mapping_directory(tmp_path))
            overview = Overview(
                database, here.tickets, live, here.runs.switches, here.runs.trail.mask, frozenset({"pending"})
            )
            decisions = Decisions(database, here.engine, here.runs)
            operations = RecoveryOperator(overview, decisions, Reloading(live, database)).operations()
            document = Document(PATH, BASE, with_others(PATH, operations), access=Access(), strict=True)
            app = build([document], {}, strict=False, validate_responses=True)
            transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
            async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1{BASE}") as client:
                yield here, client

    return open_room


async def found(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    answered = await client.get(path, params=query)
    assert answered.status_code == 200, answered.text
    return answered.json()


async def done(client: httpx.AsyncClient, path: str, reason: str = "because") -> Any:
    answered = await client.post(path, json={"reason": reason}, headers=ANN)
    assert answered.status_code == 200, answered.text
    return answered.json()


async def test_a_recovery_is_shown_with_all_that_happened_and_what_it_waits_for(opened: Any) -> None:
    async with opened(mapping(steps=[step("first")])) as (here, client):
        ticket = await here.open(description="ring 0664 123 45 67")
        await here.until_made("first")
        id_ = await here.recovery_id(ticket)

        async def waits() -> bool:
            shown = await found(client, f"/recovery/{id_}")
            return bool(shown.get("waitingFor", {}).get("what") == "a result")

        await here.until(waits)
        [listed] = await found(client, "/recovery", open="true", ticketId=ticket)
        assert (listed["id"], listed["mappingId"], listed["state"]) == (id_, "m", "running")
        assert listed["waitingFor"]["what"] == "a result"
        assert (await found(client, f"/recovery/{id_}"))["operationList"][0]["dueAt"] == listed["waitingFor"]["until"]
        await here.tell("first", "closed")
        await here.until_status(ticket, "resolved")
        shown = await found(client, f"/recovery/{id_}")
        assert [entry["entry"] for entry in shown["trail"]] == ["planned", "called", "judged", "reported"]
        assert "dueAt" not in shown["operationList"][0]  # nothing is due any more
        assert shown["operationList"][0]["request"]["description"] == "ring ***"
        assert shown["clock"]["repairSeconds"][0] > 0
        assert shown["outcome"] == "restored"
        assert await found(client, "/recovery", open="true") == []
        assert len(await found(client, "/recovery", outcome="restored", mappingId="m")) == 1
        assert (await found(client, f"/ticket/{ticket}/clock"))["running"] is False


async def test_what_waited_before_deadlines_were_kept_is_due_at_no_moment(opened: Any) -> None:
    async with opened(mapping(steps=[step("first")])) as (here, client):
        id_ = await here.recovery_id(await here.open())
        await here.until_made("first")

        async def shown() -> Any:
            operations = (found_ := await found(client, f"/recovery/{id_}"))["operationList"]
            return found_ if operations and operations[0]["stage"] == "waiting" else None

        await here.until(shown)
        zero = sa.update(operation).values(due_at=0.0)  # as the migration left it
        await here.database.write(lambda tx: tx.execute(zero))
        waiting = await shown()
        assert "dueAt" not in waiting["operationList"][0]
        assert "until" not in waiting["waitingFor"]


async def test_an_approval_is_listed_and_decided_with_a_name_and_a_reason(opened: Any) -> None:
    asking = mapping(approve={"by": "the-desk", "within": "PT1H", "note": "Shall we?"}, steps=[step("first")])
    async with opened(asking) as (here, client):
        await here.open()
        [approval] = await here.until(lambda: found(client, "/approval"))
        assert (approval["by"], approval["question"]) == ("the-desk", "Shall we?")
        decided = await done(client, f"/approval/{approval['id']}/approve", "go on")
        assert decided["reply"] == "approved"
        assert decided["answeredBy"].startswith("ann at ")
        await here.until_made("first")
        again = await client.post(f"/approval/{approval['id']}/deny", json={"reason": "too late"})
        assert again.status_code == 409
        assert await found(client, "/approval") == []


async def test_a_recovery_that_an_operator_stops_takes_back_what_it_did(opened: Any) -> None:
    async with opened(mapping(steps=[sent("first", undo=back("first")), step("second")])) as (here, client):
        ticket = await here.open()
        await here.until_made("first", "second")
        id_ = await here.recovery_id(ticket)
        assert (await done(client, f"/recovery/{id_}/stop", "wrong customer"))["state"] in ("undoing", "stopped")
        await here.until_state(ticket, "stopped")
        assert here.downstream.names() == ["first", "second", "undo first"]
        assert "wrong customer" in (await found(client, f"/recovery/{id_}"))["reason"]
        refused = await client.post(f"/recovery/{id_}/stop", json={"reason": "again"})
        assert refused.status_code == 409


async def test_what_failed_is_replayed_under_the_same_key(opened: Any) -> None:
    async with opened(mapping(steps=[step("first")])) as (here, client):
        here.downstream.answers["first"] = [Answer(error="it answered 400: closed today", status=400)]
        ticket = await here.open()
        await here.until_state(ticket, "reported")
        [failed] = (await here.run(ticket)).operations
        id_ = await here.recovery_id(ticket)
        assert (await done(client, f"/recovery/{id_}/replay", "they are open again"))["id"] == id_
        await here.until_made("first")
        [again] = (await here.run(ticket)).operations
        assert again.id == failed.id
        assert here.downstream.made[0]["operation"] == failed.id
        await here.tell("first", "closed")
        await here.until_status(ticket, "resolved")
        refused = await client.post(f"/recovery/{id_}/replay", json={"reason": "again"})
        assert refused.status_code == 409
        assert "replayed" in [entry["entry"] for entry in (await found(client, f"/recovery/{id_}"))["trail"]]


async def test_a_bad_result_is_awaited_again_and_nothing_is_called_twice(opened: Any) -> None:
    async with opened(mapping(steps=[step("first")])) as (here, client):
        ticket = await here.open()
        await here.until_made("first")
        await here.tell("first", "rejected")
        await here.until_state(ticket, "reported")
        await done(client, f"/recovery/{await here.recovery_id(ticket)}/replay", "they rejected it by mistake")
        await here.tell("first", "closed")
        await here.until_status(ticket, "resolved")
        assert here.downstream.names() == ["first"]


async def test_the_kill_switch_names_a_mapping_that_is_there(opened: Any) -> None:
    async with opened() as (_here, client):
        missing = await client.post("/switch/no-such-mapping/off", json={"reason": "x"})
        assert missing.status_code == 404
        assert "line-fault" in missing.json()["message"]
        [switch] = await done(client, "/switch/*/off", "storm")
        assert (switch["name"], switch["reason"]) == ("*", "storm")
        assert await found(client, "/switch") == [switch]
        assert await done(client, "/switch/*/on") == {"resumed": 0}
        assert await found(client, "/switch") == []


async def test_the_mappings_that_hold_are_listed_and_read_again_all_or_none(opened: Any, tmp_path: Path) -> None:
    async with opened() as (_here, client):
        before = await found(client, "/mapping")
        assert [one["id"] for one in before["mapping"]] == ["line-fault"]
        file = mapping_directory(tmp_path) / "10-line-fault.yaml"
        file.write_text("id: broken")
        refused = await client.post("/mapping/reload")
        assert refused.status_code == 409
        shown = await found(client, "/mapping")
        assert (shown["hash"], shown["fault"] != []) == (before["hash"], True)
        mapping_directory(tmp_path, within="PT2H")
        assert (await client.post("/mapping/reload")).json()["hash"] != before["hash"]


@pytest.mark.parametrize("path", ["/recovery/none", "/ticket/none/clock"])
async def test_what_is_not_there_is_404(opened: Any, path: str) -> None:
    async with opened() as (_here, client):
        assert (await client.get(path)).status_code == 404
