"""The adapter's own service problems as a downstream."""

import pytest

from tests.problems.test_desk import BODY, COLLECTION, fits
from tmf_adapter.problems.desk import TaskDesk
from tmf_adapter.problems.problem import RULES
from tmf_adapter.problems.store import problem_store, task_store
from tmf_adapter.problems.tasks import TASKS
from tmf_adapter.recovery.local import LocalProblems
from tmf_adapter.recovery.target import Found
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.desk import Desk
from tmf_adapter.storage.ledger import Ledger
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.operations import rows

CALLS = rows("tmf656", "v5")


@pytest.fixture
def local(database: Database) -> LocalProblems:
    ledger, store = Ledger(database, []), problem_store(database)
    tasks = {
        one.resource: TaskDesk(ledger, task_store(database, one.resource), store, one, f"{COLLECTION}/{one.resource}")
        for one in TASKS
    }
    return LocalProblems(Desk(ledger, store, RULES, COLLECTION, fits("ServiceProblem")), tasks)


async def test_a_problem_asked_for_twice_is_one(local: LocalProblems) -> None:
    create, id_ = CALLS["tmf656.createServiceProblem"], new_id()
    assert await local.look(create, id_, 1) is Found.NOTHING
    made = await local.create(create, id_, BODY, 1)
    assert made.document is not None
    assert made.document["id"] == id_
    assert await local.look(create, id_, 1) == made.document


async def test_a_problem_is_changed_and_removed(local: LocalProblems) -> None:
    id_ = new_id()
    await local.create(CALLS["tmf656.createServiceProblem"], id_, BODY, 1)
    patched = await local.create(CALLS["tmf656.patchServiceProblem"], new_id(), {"status": "cancelled"}, 1, id_)
    assert patched.document is not None
    assert patched.document["status"] == "cancelled"
    illegal = await local.create(CALLS["tmf656.patchServiceProblem"], new_id(), {"status": "resolved"}, 1, id_)
    assert "cannot go from cancelled" in str(illegal.error)
    assert illegal.again is None
    deleted = await local.create(CALLS["tmf656.deleteServiceProblem"], new_id(), {}, 1, id_)
    assert deleted.document == {"id": id_}
    assert await local.fetch(CALLS["tmf656.patchServiceProblem"], id_, 1) is Found.NOTHING
    gone = await local.create(CALLS["tmf656.deleteServiceProblem"], new_id(), {}, 1, id_)
    assert gone.error


async def test_problems_are_grouped_once_however_often_it_is_asked(local: LocalProblems) -> None:
    parent, child, key = new_id(), new_id(), new_id()
    for id_ in (parent, child):
        await local.create(CALLS["tmf656.createServiceProblem"], id_, BODY, 1)
    reference = {"@type": "ServiceProblemRef"}
    body = {
        "@type": "ProblemGroup",
        "parentProblem": {**reference, "id": parent},
        "childProblem": [{**reference, "id": child}],
    }
    group = CALLS["tmf656.createProblemGroup"]
    first = await local.create(group, key, body, 1)
    again = await local.create(group, key, body, 1)
    assert first.document is not None
    assert first.document["state"] == "done"
    assert again.document == first.document
    assert await local.fetch(group, first.document["id"], 1) == first.document
    problem = await local.fetch(CALLS["tmf656.createServiceProblem"], child, 1)
    assert not isinstance(problem, Found)
    assert [one["id"] for one in problem["parentProblem"]] == [parent]


async def test_what_our_document_refuses_is_refused_for_good(local: LocalProblems) -> None:
    answer = await local.create(CALLS["tmf656.createServiceProblem"], new_id(), {"description": 5}, 1)
    assert answer.again is None
    assert answer.error
