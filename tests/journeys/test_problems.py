"""Tasks on service problems through a crash, and who is told of them."""

from typing import Any

import pytest

from tests.journeys.world import PROBLEMS, TICKET_HUB, World, until
from tests.problems.test_desk import BODY
from tmf_adapter.crash import CrashPoint

API = PROBLEMS.rpartition("/")[0]
GROUPS = f"{API}/problemGroup"
TASK = ["ProblemGroupCreateEvent", "ProblemGroupStateChangeEvent", "ProblemGroupStateChangeEvent"]


def opened(world: World) -> str:
    answer = world.post(PROBLEMS, BODY)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def grouping(parent: str, child: str) -> dict[str, Any]:
    refs = [{"@type": "ServiceProblemRef", "id": id_} for id_ in (parent, child)]
    return {"@type": "ProblemGroup", "parentProblem": refs[0], "childProblem": refs[1:]}


def told_on(world: World, path: str) -> list[str]:
    """The types of the distinct events that came to this path."""
    events = {event["eventId"]: event for event in world.received()["events"] if event["path"] == path}
    return [event["eventType"] for event in events.values()]


@pytest.mark.parametrize("point", [CrashPoint.BEFORE_COMMIT, CrashPoint.AFTER_COMMIT])
def test_a_task_is_there_with_all_it_did_and_owes_or_not_at_all(local: World, point: CrashPoint) -> None:
    assert local.subscriber is not None
    hub = {"@type": "Hub", "callback": f"{local.subscriber.url}/problems", "query": "eventType=" + ",".join({*TASK})}
    assert local.post(f"{API}/hub", hub).status_code == 201
    parent, child = opened(local), opened(local)
    body, key = grouping(parent, child), {"Idempotency-Key": "the one grouping"}
    assert local.adapter is not None
    local.adapter.stop()
    local.launch(TMF_ADAPTER_CRASH_AT=point)
    with pytest.raises(OSError):  # noqa: PT011 - the connection is cut, one way or another
        local.session.post(local.url + GROUPS, json=body, headers=key, timeout=30)
    until(f"the adapter dies at {point}", lambda: local.adapter and not local.adapter.running)
    local.launch()

    done = point is CrashPoint.AFTER_COMMIT
    assert [task["state"] for task in local.get(GROUPS).json()] == ["done"] * done
    above = [one["id"] for one in local.get(f"{PROBLEMS}/{child}").json().get("parentProblem", [])]
    below = [one["id"] for one in local.get(f"{PROBLEMS}/{parent}").json().get("underlyingProblem", [])]
    assert (above, below) == (([parent], [child]) if done else ([], []))

    # the client got no answer, so it asks again; either way there is one grouping in the end
    again = local.session.post(local.url + GROUPS, json=body, headers=key, timeout=30)
    assert (again.status_code, again.json()["state"]) == (201, "done")
    assert [task["id"] for task in local.get(GROUPS).json()] == [again.json()["id"]]
    until("every state of the task is told", lambda: len(told_on(local, "/problems")) >= len(TASK))
    assert told_on(local, "/problems") == TASK


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_each_hub_delivers_the_events_of_its_own_api_only(local: World) -> None:
    assert local.subscriber is not None
    for path, hub in (("/of-tickets", TICKET_HUB), ("/of-problems", f"{API}/hub")):
        callback = f"{local.subscriber.url}{path}"
        assert local.post(hub, {"@type": "Hub", "callback": callback}).status_code == 201
    answer = local.post(GROUPS, grouping(opened(local), opened(local)))
    assert answer.json()["state"] == "done"
    specification = {"@type": "TroubleTicketSpecification", "name": "line fault"}
    assert local.post(TICKET_HUB.replace("hub", "troubleTicketSpecification"), specification).status_code == 201
    wanted = ["ServiceProblemCreateEvent"] * 2 + ["ServiceProblemAttributeValueChangeEvent"] * 2 + TASK
    until("the problems' hub has told everything", lambda: sorted(told_on(local, "/of-problems")) == sorted(wanted))
    own = ["TroubleTicketSpecificationCreateEvent"]
    until("the tickets' hub has told everything", lambda: told_on(local, "/of-tickets") == own)
