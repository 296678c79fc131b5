"""kill -9 in the middle of an approval and of a storm: asked once, counted once, one parent for every ticket."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.journeys.test_language import REPAIR, body
from tests.journeys.world import TICKETS, Doc, World, fault, until, world
from tmf_adapter.crash import CrashPoint

APPROVALS = "/operator/v1/approval"

APPROVE = f"""
id: approved
title: A repair that somebody has to agree to
events: [create, status]
when: ["t.status == 'inProgress'"]
approve: {{by: retention-desk, within: WITHIN, otherwise: reject}}
steps:
{REPAIR}
"""

STORM = f"""
id: storm
title: Every ticket of a node waits for the one parent
events: [create, status]
when: ["t.status == 'inProgress'", "has(t.rel.accessNode)"]
group: {{by: "t.rel.accessNode[0].id", window: PT15M}}
steps:
  - id: parent
    once: group
    call: tmf656.createServiceProblem
    timeout: PT2S
    {body("parent", "outage", 4).replace("${t.id}", "${group.key}").replace("t.rel.affectedService[0].id", "'line-silent-0'")}
  - id: child
    call: tmf656.createServiceProblem
    timeout: PT2S
    {body("child", "${t.id}", 4)}
    await:
      event: ServiceProblemStateChangeEvent
      match: ev.serviceProblem.id == step.parent.id
      restored: ev.serviceProblem.status == 'resolved'
      fail: ev.serviceProblem.status in ['rejected', 'cancelled']
      within: PT1H
"""  # noqa: E501


def _directory(path: Path, mapping: str) -> Path:
    mappings = path / "mappings"
    mappings.mkdir()
    (mappings / "10-one.yaml").write_text(mapping)
    return mappings


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[World]:
    with world(database_url, _directory(tmp_path, APPROVE.replace("WITHIN", "PT1H"))) as here:
        yield here


def _restart_to_die_at(here: World, point: CrashPoint) -> None:
    assert here.adapter is not None
    here.adapter.kill()
    here.launch(TMF_ADAPTER_CRASH_AT=point)


def _dead_and_back(here: World, **environment: str) -> None:
    until("the adapter dies", lambda: here.adapter and not here.adapter.running)
    here.launch(**environment)


def _asked(here: World) -> Doc:
    """The one approval that is waited for."""
    [approval] = until("it is asked", lambda: here.get(APPROVALS).json())
    found: Doc = approval
    return found


def _calls(here: World) -> list[int]:
    assert here.downstream is not None
    return list(here.control(here.downstream)["by_operation"].values())


def test_an_approval_is_asked_once_and_one_given_just_before_the_end_counts(desk: World) -> None:
    _restart_to_die_at(desk, CrashPoint.QUESTION_PUT)
    with suppress(OSError):
        desk.post(TICKETS, fault("line-ok-1", "inProgress"))
    _dead_and_back(desk)
    asked = _asked(desk)
    _restart_to_die_at(desk, CrashPoint.QUESTION_REPLIED)
    assert _asked(desk) == asked  # its deadline among it
    assert _calls(desk) == []
    with pytest.raises(requests.ConnectionError):
        desk.post(f"{APPROVALS}/{asked['id']}/approve", {"reason": "go on"})
    _dead_and_back(desk)
    assert desk.until_reported(asked["ticketId"])["status"] == "resolved"
    assert _calls(desk) == [1]
    assert desk.get(APPROVALS).json() == []


def test_the_deadline_of_an_approval_survives(database_url: str, tmp_path: Path) -> None:
    with world(database_url, _directory(tmp_path, APPROVE.replace("WITHIN", "PT3S"))) as here:
        _restart_to_die_at(here, CrashPoint.QUESTION_PUT)
        with suppress(OSError):
            here.post(TICKETS, fault("line-ok-1", "inProgress"))
        _dead_and_back(here)
        [ticket] = here.get(TICKETS).json()
        assert here.until_reported(ticket["id"])["status"] == "inProgress"
        assert "has not approved it in time" in here.ticket(ticket["id"])["note"][0]["text"]
        assert _calls(here) == []


@pytest.mark.parametrize(
    "point",
    [
        *(CrashPoint.AFTER_COMMIT, CrashPoint.RECOVERY_STARTED, CrashPoint.OPERATION_MINTED),
        *(CrashPoint.DOWNSTREAM_ANSWERED, CrashPoint.OPERATION_WAITING),
    ],
)
def test_a_storm_has_one_parent_and_every_ticket_whatever_dies(
    database_url: str, tmp_path: Path, point: CrashPoint
) -> None:
    with world(database_url, _directory(tmp_path, STORM)) as here:
        _restart_to_die_at(here, point)
        with suppress(OSError):
            for number in range(3):
                here.post(TICKETS, _of_node(number))
        _dead_and_back(here)
        for number in range(3, 5):
            assert here.post(TICKETS, _of_node(number)).status_code == 201
        tickets = {ticket["id"] for ticket in here.get(TICKETS).json()}
        assert len(tickets) >= 3
        until("each has its problem", lambda: tickets <= _children(here))
        [parent] = [problem for problem in here.problems() if problem["name"] == "parent"]
        assert set(_calls(here)) == {1}
        here.session.patch(parent["href"], json={"status": "resolved"})
        for id_ in tickets:
            assert here.until_reported(id_)["status"] == "resolved"


def _of_node(number: int) -> Doc:
    ticket = fault(f"line-silent-{number}", "inProgress")
    node = {"@type": "EntityRef", "id": "node-1", "@referredType": "Resource"}
    ticket["relatedEntity"].append({"@type": "RelatedEntity", "role": "accessNode", "entity": node})
    return ticket


def _children(here: World) -> set[str]:
    """The tickets that have a problem of their own."""
    return {problem["description"] for problem in here.problems() if problem["name"] == "child"}
