"""Tasks on service problems: what they do to the problems, how they end, and what is told of it, in one commit."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.problems.test_desk import BODY, COLLECTION, fits
from tests.storage.fakes import NOW, events
from tmf_adapter.problems.desk import TaskDesk
from tmf_adapter.problems.problem import RULES
from tmf_adapter.problems.store import problem_store, task_store
from tmf_adapter.problems.tasks import (
    ACKNOWLEDGEMENT,
    GROUP,
    PROBLEMS,
    UNACKNOWLEDGEMENT,
    UNGROUP,
    TaskRules,
    is_acknowledged,
)
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.desk import Desk
from tmf_adapter.storage.ledger import Ledger
from tmf_adapter.tmf.errors import Conflict, Invalid
from tmf_adapter.tmf.events import Doc, Stored
from tmf_adapter.tmf.query import Query
from tmf_adapter.tmf.time import stamp

MERGE = "application/merge-patch+json"
BASE = "https://smo.example/tmf-api/serviceProblemManagement/v5"
KINDS = (ACKNOWLEDGEMENT, UNACKNOWLEDGEMENT, GROUP, UNGROUP)
TYPES = {
    ACKNOWLEDGEMENT: "ProblemAcknowledgement",
    UNACKNOWLEDGEMENT: "ProblemUnacknowledgement",
    GROUP: "ProblemGroup",
    UNGROUP: "ProblemUngroup",
}


class Room:
    """The problems and the four desks of their tasks, as one process has them."""

    def __init__(self, database: Database) -> None:
        ledger, problems = Ledger(database, []), problem_store(database)
        self.problems = Desk(ledger, problems, RULES, COLLECTION, fits("ServiceProblem"))
        self.tasks: Mapping[str, TaskDesk] = {
            rules.resource: TaskDesk(
                ledger,
                task_store(database, rules.resource),
                problems,
                rules,
                f"{BASE}/{rules.resource}",
                clock=lambda: NOW,
            )
            for rules in KINDS
        }

    async def open(self, **members: Any) -> str:
        return (await self.problems.open({**BODY, **members})).id

    async def problem(self, id_: str) -> Doc:
        return (await self.problems.load(id_)).document

    async def do(self, rules: TaskRules, *ids: str, key: str | None = None, **members: Any) -> Doc:
        """The task as it ended; of a group, the first id is the parent."""
        refs = [{"@type": "ServiceProblemRef", "id": id_} for id_ in ids]
        named = {"problem": refs} if rules.says_who else {"parentProblem": refs[0], "childProblem": refs[1:]}
        body = {"@type": TYPES[rules], **named, **members}
        fits(f"{TYPES[rules]}_FVO")(body)
        task: Stored = await self.tasks[rules.resource].open(body, key=key)
        fits(TYPES[rules])(task.document)
        return task.document

    async def relations(self, id_: str) -> tuple[list[str], list[str]]:
        """The ids of the problems above and below this one."""
        problem = await self.problem(id_)
        above, below = ([one["id"] for one in problem.get(name, [])] for name in ("parentProblem", "underlyingProblem"))
        return above, below


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


async def known(database: Database) -> set[str]:
    """The ids of the events that there are."""
    return {event["eventId"] for event in await events(database)}


async def told(database: Database, before: set[str]) -> list[tuple[str, Doc]]:
    """Every event that came since, which fits its schema: its type and what it holds."""
    found = [event for event in await events(database) if event["eventId"] not in before]
    for event in found:
        fits(event["eventType"])(event)
    return [(event["eventType"], next(iter(event["event"].values()))) for event in found]


# --- acknowledgement --------------------------------------------------------------------------------------------------


async def test_an_acknowledged_problem_says_who_took_notice_and_keeps_its_status(room: Room) -> None:
    first, second = await room.open(), await room.open(status="held")
    said = {"@type": "TrackingRecord", "description": "Crew is on its way", "user": "mara", "systemId": "noc"}
    task = await room.do(ACKNOWLEDGEMENT, first, second, trackingRecord=said)
    assert task["state"] == "done"
    assert task["href"] == f"{BASE}/problemAcknowledgement/{task['id']}"
    assert [one["id"] for one in task["ackProblem"]] == [first, second]
    assert task["ackProblem"][0]["href"] == f"{COLLECTION}/{first}"
    assert "errorMessage" not in task
    for id_, status in ((first, "acknowledged"), (second, "held")):
        problem = await room.problem(id_)
        fits("ServiceProblem")(problem)
        assert problem["status"] == status
        [record] = problem["trackingRecord"]
        assert {**record, **said} == record == task["trackingRecord"]
        assert record["time"] == stamp(NOW)
        assert is_acknowledged(problem)


async def test_the_adapter_says_what_the_client_left_out(room: Room) -> None:
    id_ = await room.open()
    record = (await room.do(ACKNOWLEDGEMENT, id_))["trackingRecord"]
    assert (record["description"], record["time"], "user" in record) == ("acknowledge", stamp(NOW), False)
    record = (await room.do(UNACKNOWLEDGEMENT, id_))["trackingRecord"]
    assert record["description"] == "unacknowledge"


async def test_an_acknowledgement_is_taken_back_and_all_of_it_stays_on_record(room: Room) -> None:
    id_ = await room.open()
    for rules, acknowledged in ((ACKNOWLEDGEMENT, True), (UNACKNOWLEDGEMENT, False), (ACKNOWLEDGEMENT, True)):
        assert (await room.do(rules, id_))["state"] == "done"
        assert is_acknowledged(await room.problem(id_)) is acknowledged
    assert len((await room.problem(id_))["trackingRecord"]) == 3


async def test_a_problem_that_is_at_fault_keeps_no_other_from_being_acknowledged(room: Room) -> None:
    good, over = await room.open(), await room.open(status="rejected")
    task = await room.do(ACKNOWLEDGEMENT, "43", good, over)
    assert task["state"] == "terminatedWithError"
    assert [one["id"] for one in task["ackProblem"]] == [good]
    assert is_acknowledged(await room.problem(good))
    assert "trackingRecord" not in await room.problem(over)
    assert [(error["code"], error["status"]) for error in task["errorMessage"]] == [
        ("notFound", "404"),
        ("conflict", "409"),
    ]
    assert "43" in task["errorMessage"][0]["reason"]
    assert "/problem/0" in task["errorMessage"][0]["message"]
    assert "rejected" in task["errorMessage"][1]["reason"]


@pytest.mark.parametrize("status", ["rejected", "cancelled", "closed"])
async def test_nobody_takes_notice_of_what_is_over(room: Room, status: str) -> None:
    task = await room.do(ACKNOWLEDGEMENT, await room.open(status=status))
    assert (task["state"], task["ackProblem"]) == ("terminatedWithError", [])


async def test_what_nobody_acknowledged_cannot_be_unacknowledged(room: Room) -> None:
    id_ = await room.open(
        trackingRecord=[{"@type": "TrackingRecord", "description": "acknowledge"}]
    )  # a client's words
    task = await room.do(UNACKNOWLEDGEMENT, id_)
    assert (task["state"], task["unackProblem"], len(task["errorMessage"])) == ("terminatedWithError", [], 1)


async def test_a_problem_named_twice_is_acknowledged_once(room: Room) -> None:
    id_ = await room.open()
    assert len((await room.do(ACKNOWLEDGEMENT, id_, id_))["ackProblem"]) == 1
    assert len((await room.problem(id_))["trackingRecord"]) == 1


# --- groups -----------------------------------------------------------------------------------------------------------


async def test_a_group_stands_on_the_parent_and_on_each_child(room: Room) -> None:
    parent, first, second = await room.open(), await room.open(), await room.open()
    task = await room.do(GROUP, parent, first, second)
    assert task["state"] == "done"
    assert await room.relations(parent) == ([], [first, second])
    assert await room.relations(first) == await room.relations(second) == ([parent], [])
    child = await room.problem(first)
    fits("ServiceProblem")(child)
    assert child["parentProblem"] == [
        {"@type": "ServiceProblemRef", "id": parent, "href": f"{COLLECTION}/{parent}"},
    ]


async def test_grouping_again_changes_and_tells_nothing_of_the_problems(room: Room, database: Database) -> None:
    parent, child, other = await room.open(), await room.open(), await room.open()
    await room.do(GROUP, parent, child)
    before = await known(database)
    assert (await room.do(GROUP, parent, child))["state"] == "done"
    assert {type_ for type_, _ in await told(database, before)} == {
        "ProblemGroupCreateEvent",
        "ProblemGroupStateChangeEvent",
    }
    assert (await room.do(GROUP, other, child))["state"] == "done"
    assert await room.relations(child) == ([parent, other], []), "a problem can have several causes"


async def test_ungrouping_removes_what_grouping_wrote_and_nothing_else(room: Room) -> None:
    parent, first, second = await room.open(), await room.open(), await room.open()
    await room.do(GROUP, parent, first, second)
    assert (await room.do(UNGROUP, parent, first))["state"] == "done"
    assert await room.relations(parent) == ([], [second])
    assert "parentProblem" not in await room.problem(first)
    assert await room.relations(second) == ([parent], [])


async def test_what_is_left_of_a_deleted_problem_can_be_ungrouped(room: Room) -> None:
    parent, gone, orphan = await room.open(), await room.open(), await room.open()
    await room.do(GROUP, parent, gone)
    await room.problems.delete(gone)
    assert (await room.do(UNGROUP, parent, gone))["state"] == "done"
    assert await room.relations(parent) == ([], [])
    await room.do(GROUP, parent, orphan)
    await room.problems.delete(parent)
    assert (await room.do(UNGROUP, parent, orphan))["state"] == "done"
    assert await room.relations(orphan) == ([], [])


async def test_a_group_that_cannot_be_made_changes_nothing(room: Room, database: Database) -> None:
    top, middle, bottom = await room.open(), await room.open(), await room.open()
    await room.do(GROUP, top, middle)
    await room.do(GROUP, middle, bottom)
    before = {id_: await room.problem(id_) for id_ in (top, middle, bottom)}
    refused = [
        # the parent, its children, the codes of the errors
        ((top, top), ["conflict"]),  # nothing stands above itself
        ((bottom, top), ["conflict"]),  # nor in a circle, however long
        ((bottom, middle), ["conflict"]),
        ((middle, bottom, "43"), ["notFound"]),  # one at fault, none is grouped
        (("43", "41", "42", "43"), ["notFound"] * 4 + ["conflict"]),  # the standard's own example
    ]
    for ids, codes in refused:
        task = await room.do(GROUP, *ids)
        assert task["state"] == "terminatedWithError"
        assert [error["code"] for error in task["errorMessage"]] == codes
    for ids, codes in [((top, bottom), ["conflict"]), ((top, middle, "43"), ["notFound"])]:
        task = await room.do(UNGROUP, *ids)
        assert task["state"] == "terminatedWithError"
        assert [error["code"] for error in task["errorMessage"]] == codes
    assert {id_: await room.problem(id_) for id_ in before} == before
    changed = [type_ for type_, _ in await told(database, set()) if type_ == "ServiceProblemAttributeValueChangeEvent"]
    assert len(changed) == 4


async def test_a_circle_that_clients_have_patched_does_not_keep_a_task_for_ever(room: Room) -> None:
    one, other, child = await room.open(), await room.open(), await room.open()
    for id_, parent in ((one, other), (other, one)):
        refs = [{"@type": "ServiceProblemRef", "id": parent}]
        await room.problems.patch(id_, {"parentProblem": refs}, MERGE)
    assert (await room.do(GROUP, one, child))["state"] == "done"


async def test_two_processes_that_group_at_once_make_no_circle(room: Room, database: Database) -> None:
    """A over B and C over D; then B over C here and D over A there, which share no problem."""
    a, b, c, d = [await room.open() for _ in range(4)]
    await room.do(GROUP, a, b)
    await room.do(GROUP, c, d)
    there = Room(database)
    tasks = await asyncio.gather(room.do(GROUP, b, c), there.do(GROUP, d, a))
    assert sorted(task["state"] for task in tasks) == ["done", "terminatedWithError"]


# --- the task itself --------------------------------------------------------------------------------------------------


async def test_every_step_of_a_task_and_every_change_of_a_problem_is_told(room: Room, database: Database) -> None:
    parent, child = await room.open(), await room.open()
    for rules, listed in (
        (ACKNOWLEDGEMENT, "trackingRecord"),
        (UNACKNOWLEDGEMENT, "trackingRecord"),
        (GROUP, None),
        (UNGROUP, None),
    ):
        before = await known(database)
        task = await room.do(rules, parent, child)
        name = TYPES[rules]
        found = await told(database, before)
        of_task = [(type_, payload["state"]) for type_, payload in found if payload["id"] == task["id"]]
        assert sorted(of_task) == [
            (f"{name}CreateEvent", "acknowledged"),
            (f"{name}StateChangeEvent", "done"),
            (f"{name}StateChangeEvent", "inProgress"),
        ]
        of_problems = {payload["id"]: payload for type_, payload in found if type_.startswith("ServiceProblem")}
        assert of_problems.keys() == {parent, child}
        if listed:
            assert all(listed in payload for payload in of_problems.values())


async def test_what_only_the_server_knows_is_not_taken_from_the_client(room: Room) -> None:
    task = await room.do(
        ACKNOWLEDGEMENT, "43", id="mine", state="done", ackProblem=[], creationDate="2020-01-01T00:00:00Z"
    )
    assert task["id"] != "mine"
    assert task["state"] == "terminatedWithError"
    assert task["creationDate"] == stamp(NOW)


async def test_a_task_stays_as_it_ended(room: Room) -> None:
    id_ = await room.open()
    task = await room.do(ACKNOWLEDGEMENT, id_)
    desk = room.tasks["problemAcknowledgement"]
    again = await desk.store.load(task["id"])
    assert again.document == task
    page = await desk.list(Query())
    assert (page.total, page.items) == (1, [(await desk.fetch(task["id"])).body])
    assert (await room.tasks["problemGroup"].list(Query())).total == 0


@pytest.mark.parametrize("number", [0, PROBLEMS + 1])
async def test_a_task_names_some_problems_but_not_too_many(room: Room, number: int) -> None:
    for rules, first in ((ACKNOWLEDGEMENT, []), (GROUP, ["parent"])):
        with pytest.raises(Invalid) as refused:
            await room.do(rules, *first, *map(str, range(number)))
        assert refused.value.faults[0].pointer == f"/{rules.members[-1]}"


async def test_a_task_repeated_under_its_key_is_done_once(room: Room, database: Database) -> None:
    id_ = await room.open()
    first = await room.do(ACKNOWLEDGEMENT, id_, key="k1")
    before = await known(database)
    assert await room.do(ACKNOWLEDGEMENT, id_, key="k1") == first
    assert await known(database) == before
    assert len((await room.problem(id_))["trackingRecord"]) == 1
    with pytest.raises(Conflict):
        await room.do(ACKNOWLEDGEMENT, id_, id_, key="k1")


async def test_tasks_on_one_problem_at_once_lose_nothing(room: Room, database: Database) -> None:
    ids = [await room.open() for _ in range(3)]
    there = Room(database)
    tasks = [(room, there)[n % 2].do(ACKNOWLEDGEMENT, *ids[:: (-1) ** n]) for n in range(8)]
    assert {task["state"] for task in await asyncio.gather(*tasks)} == {"done"}
    for id_ in ids:
        assert len((await room.problem(id_))["trackingRecord"]) == 8
