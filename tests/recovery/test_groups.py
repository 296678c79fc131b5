"""Storms: many tickets, one cause; what they share is done once, whoever comes first, on both databases."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.recovery.room import back, entity, mapping, room, sent, step
from tmf_adapter.mapping.document import DEFAULTS, Mappings, parse
from tmf_adapter.recovery import counts, groups, store
from tmf_adapter.recovery.recovery import Recovery
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import open_ticket, recovery_group

CELL = {"description": "Outage at ${group.key}", "reason": "storm"}


def storm(**members: Any) -> dict[str, Any]:
    """A parent problem for all, a problem for each, and a grouping that waits for the parent."""
    return mapping(
        "storm",
        **{
            "stop": True,
            "when": ["t.status == 'inProgress'", "'accessNode' in t.rel"],
            "group": {"by": "t.rel.accessNode[0].id", "window": "PT15M"},
            "steps": [
                sent("parent", once="group", body=CELL, undo=back("parent")),
                sent("child", undo=back("child")),
                step("join", await_={"match": "ev.serviceProblem.id == step.parent.id"}),
            ],
            **members,
        },
    )


def on(node: str) -> dict[str, Any]:
    return {"relatedEntity": [entity("accessNode", node)]}


@pytest.fixture
def open_room(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *documents, **options: room(database, monkeypatch, *documents, **options)


async def test_a_storm_has_one_parent_and_its_end_is_reported_to_every_ticket(open_room: Any) -> None:
    async with open_room(storm()) as here:
        first = [await here.open(**on("node-1")) for _ in range(2)]
        others = await asyncio.gather(*(here.open(**on("node-1")) for _ in range(4)))
        alien = await here.open(**on("node-2"))
        tickets = [*first, *others]
        await here.until_made(*["parent", "parent"], *["child", "join"] * 7)
        parents = {one["description"]: one for one in here.downstream.made if one["name"] == "parent"}
        assert set(parents) == {"Outage at node-1", "Outage at node-2"}
        # All wait for the one parent.
        problem = parents["Outage at node-1"]
        problem["status"] = "closed"
        event = {"serviceProblem": {"id": problem["id"], "status": "closed"}}
        await here.inbox.receive({"eventId": "e1", "eventType": "ServiceProblemStateChangeEvent", "event": event})
        for ticket in tickets:
            await here.until_status(ticket, "resolved")
            related = {one["entity"]["id"] for one in (await here.ticket(ticket))["relatedEntity"]}
            assert problem["id"] in related
        assert await here.status(alien) == "inProgress"
        # The storm is over: who comes now opens another.
        await here.open(**on("node-1"))
        await here.until_made(*["parent"] * 3, *["child", "join"] * 8)


async def test_what_is_shared_waits_for_its_result_once_and_tells_everybody(open_room: Any) -> None:
    shared = storm(steps=[step("parent", once="group", body=CELL), sent("child")])
    async with open_room(shared) as here:
        tickets = [await here.open(**on("node-1")) for _ in range(5)]
        await here.until_made("parent")
        await here.tell("parent", "resolved")
        for ticket in tickets:
            await here.until_status(ticket, "resolved")
        assert sorted(here.downstream.names()) == ["child"] * 5 + ["parent"]


async def test_who_comes_while_the_shared_call_is_under_way_waits_for_it(open_room: Any) -> None:
    async with open_room(storm(steps=[sent("parent", once="group", body=CELL), step("child")])) as here:
        gate = here.downstream.gates["parent"] = asyncio.Event()
        for _ in range(4):
            await here.open(**on("node-1"))

        async def called() -> bool:
            return bool(here.downstream.calls)

        await here.until(called)
        gate.set()
        await here.until_made("parent", *["child"] * 4)


async def test_the_last_member_takes_back_what_they_share(open_room: Any) -> None:
    async with open_room(storm()) as here:
        tickets = [await here.open(**on("node-1")) for _ in range(3)]
        await here.until_made("parent", *["child", "join"] * 3)
        for ticket in tickets:
            assert "undo parent" not in here.downstream.names()
            await here.patch(ticket, status="cancelled")
            await here.until_state(ticket, "stopped")
        assert here.downstream.names().count("undo child") == 3
        assert here.downstream.names().count("undo parent") == 1


# -- joining, exactly --------------------------------------------------------------------------------------------------

STORM = parse(storm(), DEFAULTS)


async def joined(database: Database, id_: str, window: timedelta = timedelta(minutes=15)) -> str:
    def work(tx: Any) -> str:
        store.insert_recovery(tx, Recovery(id_, STORM, f"ticket-{id_}", 1, {}))
        return groups.join(tx, id_, STORM.id, "node-1", window)

    return await database.write(work)


async def test_of_many_that_open_a_storm_at_once_one_does(database: Database) -> None:
    found = await asyncio.gather(*(joined(database, f"r{number}") for number in range(24)))
    assert len(set(found)) == 1
    rows = await database.read(lambda connection: connection.execute(recovery_group.select()).all())
    assert [(row.number, row.members) for row in rows] == [(1, 24)]
    assert len(await groups.members(database, found[0])) == 24


async def test_nobody_joins_a_storm_that_is_over_or_older_than_its_window(database: Database) -> None:
    first = await joined(database, "r1")
    assert await joined(database, "r2") == first
    second = await joined(database, "r3", timedelta(0))
    assert second != first
    await database.write(lambda tx: groups.close(tx, second))
    assert await joined(database, "r4") not in (first, second)


# -- counts ------------------------------------------------------------------------------------------------------------

COUNTING = storm(when=["t.status == 'inProgress'", "open.byAccessNode[t.rel.accessNode[0].id] >= 3"])


async def test_a_storm_begins_with_as_many_open_tickets_as_the_mapping_says(open_room: Any) -> None:
    async with open_room(COUNTING) as here:
        first = await here.open("acknowledged", **on("node-1"))
        await here.open("acknowledged", **on("node-2"))
        await here.open(**on("node-1"))
        await here.settled()
        assert here.downstream.calls == []
        await here.patch(first, status="cancelled")  # is not open any more
        await here.open(**on("node-1"))
        await here.settled()
        assert here.downstream.calls == []
        await here.open(**on("node-1"))
        await here.until_made("parent", "child", "join")


async def test_tickets_from_before_a_mapping_counted_are_counted(open_room: Any, database: Database) -> None:
    async with open_room(storm(when=["false"])) as here:
        for _ in range(2):
            await here.open(**on("node-1"))
        done = await here.open(**on("node-1"))
        await here.patch(done, status="cancelled")
    assert await tallied(database) == 0  # a mapping that does not count costs nothing
    await counts.complete(database, Mappings([parse(COUNTING, DEFAULTS)]))
    await counts.complete(database, Mappings([parse(COUNTING, DEFAULTS)]))
    assert await tallied(database) == 2
    await counts.complete(database, Mappings([]))  # nobody counts any more: what is not kept is not there
    assert await tallied(database) == 0


async def tallied(database: Database) -> int:
    return len(await database.read(lambda connection: connection.execute(open_ticket.select()).all()))
