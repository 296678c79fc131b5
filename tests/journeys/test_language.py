"""kill -9 where the language has points of its own: a question, an interim status, an undo; each is done once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import indent

import pytest

from tests.journeys.world import PROBLEMS, TICKETS, World, fault, until, world
from tmf_adapter.crash import CrashPoint
from tmf_adapter.tmf.operations import OPERATIONS

BODY = """body:
  '@type': ServiceProblem
  name: {name}
  category: serviceProvider.declared
  priority: 2
  description: {description}
  reason: customer problem ${{t.id}}
  originatorParty: {{'@type': RelatedPartyRefOrPartyRoleRef, role: originator}}
  affectedService: "${{[{{'@type': 'ServiceRef', 'id': t.rel.affectedService[0].id}}]}}"
"""


def body(name: str, description: str, depth: int) -> str:
    """A service problem of this name, indented but for its first line."""
    return indent(BODY.format(name=name, description=description), " " * depth).strip()


ASK = """
id: need-line
title: A fault without a line cannot be worked
order: 10
stop: true
events: [create, status]
when:
  - t.status == 'inProgress'
  - "!('affectedService' in t.rel)"
ask:
  note: Which line?
  need: [{op: add, path: /relatedEntity/-, value: {role: affectedService}}]
  within: WITHIN
"""

UNDO = """    undo:
      call: tmf656.patchServiceProblem
      target: ${step.reserve.id}
      body: {'@type': ServiceProblem, status: cancelled, statusChangeReason: taken back}
"""

REPAIR = f"""  - id: repair
    call: tmf656.createServiceProblem
    timeout: PT2S
    {body("repair", "repair", 4)}
    await:
      event: ServiceProblemStateChangeEvent
      restored: ev.serviceProblem.status == 'resolved'
      fail: ev.serviceProblem.status in ['rejected', 'cancelled']
      within: PT1H"""
"""A step that waits for what SM&O makes of it."""

WORK = f"""
id: work
title: A call with an undo, and one that waits
events: [create, status]
when:
  - t.status == 'inProgress'
  - "'affectedService' in t.rel"
steps:
  - id: reserve
    call: tmf656.createServiceProblem
    timeout: PT2S
    {body("reserve", "reserve", 4)}
UNDO{REPAIR}
    while: {{status: held, reason: in-repair}}
"""


RELAY = f"""
id: relay
title: What the downstream asks is asked of the customer, and his answer handed on
events: [create, status]
when: ["t.status == 'inProgress'"]
steps:
{REPAIR}
      ask:
        when: ev.serviceProblem.status == 'pending'
        note: ${{summary}}
        need: [{{op: add, path: /note/-}}]
        within: PT1H
        tell:
          call: tmf656.patchServiceProblem
          target: ${{step.repair.id}}
          body:
            '@type': ServiceProblem
            status: inProgress
            statusChangeReason: ${{answer.repair.note[0].text}}
"""


CAN_UNDO = "tmf656.patchServiceProblem" in OPERATIONS


def directory(path: Path, within: str = "PT1H") -> Path:
    mappings = path / "mappings"
    mappings.mkdir(exist_ok=True)
    (mappings / "10-ask.yaml").write_text(ASK.replace("WITHIN", within))
    (mappings / "20-work.yaml").write_text(WORK.replace("UNDO", UNDO if CAN_UNDO else ""))
    return mappings


@pytest.fixture
def there(database_url: str, tmp_path: Path) -> Iterator[World]:
    with world(database_url, directory(tmp_path)) as here:
        yield here


def _restart_to_die_at(here: World, point: CrashPoint) -> None:
    assert here.adapter is not None
    here.adapter.stop()
    here.launch(TMF_ADAPTER_CRASH_AT=point)


def _dead_and_back(here: World) -> None:
    until("the adapter dies", lambda: here.adapter and not here.adapter.running)
    here.launch()


def _once(here: World) -> dict[str, int]:
    """What the downstream was asked for, by name; every operation once."""
    assert here.downstream is not None
    assert set(here.control(here.downstream)["by_operation"].values()) <= {1}
    return Counter(problem["name"] for problem in here.problems())


def _without_line() -> dict[str, object]:
    ticket = fault("none", "inProgress")
    del ticket["relatedEntity"]
    return ticket


LINE = [fault("line-ok-1", None)["relatedEntity"][0]]


def test_a_question_is_put_once_and_its_answer_taken_whatever_dies(there: World) -> None:
    _restart_to_die_at(there, CrashPoint.QUESTION_PUT)
    ticket_id = there.post(TICKETS, _without_line()).json()["id"]
    _dead_and_back(there)
    until("it is pending", lambda: there.ticket(ticket_id)["status"] == "pending")
    assert len(there.ticket(ticket_id)["note"]) == 1
    types = ["TroubleTicketCreateEvent", "TroubleTicketInformationRequiredEvent"]
    until("the question is notified", lambda: set(types) <= set(there.received_types(ticket_id)))
    assert there.received_types(ticket_id).count("TroubleTicketInformationRequiredEvent") == 1
    assert there.patch(f"{TICKETS}/{ticket_id}", {"relatedEntity": LINE}).status_code == 200
    until("it is resolved", lambda: there.ticket(ticket_id)["status"] == "resolved")
    assert _once(there) == {"reserve": 1, "repair": 1}


def test_a_question_that_nobody_answered_in_time_cancels_whatever_dies(database_url: str, tmp_path: Path) -> None:
    with world(database_url, directory(tmp_path, within="PT2S")) as here:
        _restart_to_die_at(here, CrashPoint.QUESTION_EXPIRED)
        ticket_id = here.post(TICKETS, _without_line()).json()["id"]
        _dead_and_back(here)
        until("it is cancelled", lambda: here.ticket(ticket_id)["status"] == "cancelled")


def test_an_interim_status_is_given_once_and_taken_back_by_the_report(there: World) -> None:
    _restart_to_die_at(there, CrashPoint.INTERIM_WRITTEN)
    ticket_id = there.open("line-silent-1")
    _dead_and_back(there)
    until("it is held", lambda: there.ticket(ticket_id)["status"] == "held")
    walked = [entry["status"] for entry in there.ticket(ticket_id)["statusChangeHistory"]]
    assert walked == ["inProgress", "held"]
    assert _once(there) == {"reserve": 1, "repair": 1}


def reserved(here: World) -> str:
    """The status of what was reserved."""
    [problem] = [problem for problem in here.problems() if problem["name"] == "reserve"]
    return str(problem["status"])


def taken_back(here: World) -> int:
    """How often the downstream was asked to take it back."""
    assert here.downstream is not None
    asked = here.control(here.downstream)["requests"]
    return len([one for one in asked if one["method"] == "PATCH" and one["idempotency-key"]])


@pytest.mark.skipif(not CAN_UNDO, reason="no operation of the table takes a service problem back")
@pytest.mark.parametrize("point", [CrashPoint.UNDO_BEGUN, CrashPoint.OPERATION_MINTED, CrashPoint.REPORT_WRITTEN])
def test_what_was_done_is_taken_back_whatever_dies(there: World, point: CrashPoint) -> None:
    ticket_id = there.open("line-silent-1")
    until("both are done", lambda: len(there.problems()) == 2)
    _restart_to_die_at(there, point)
    [repair] = [problem for problem in there.problems() if problem["name"] == "repair"]
    there.session.patch(repair["href"], json={"status": "cancelled"})
    _dead_and_back(there)
    until("it is taken back", lambda: reserved(there) == "cancelled")
    assert there.until_reported(ticket_id)["status"] == "inProgress"
    assert _once(there) == {"reserve": 1, "repair": 1}
    assert taken_back(there) == 1


@pytest.mark.skipif(not CAN_UNDO, reason="no operation of the table takes a service problem back")
def test_a_ticket_that_is_cancelled_takes_back_what_was_done(there: World) -> None:
    ticket_id = there.open("line-silent-1", status="acknowledged")
    assert there.patch(f"{TICKETS}/{ticket_id}", {"status": "inProgress"}).status_code == 200
    until("it is held", lambda: there.ticket(ticket_id)["status"] == "held")
    assert there.patch(f"{TICKETS}/{ticket_id}", {"status": "inProgress"}).status_code == 200
    assert there.patch(f"{TICKETS}/{ticket_id}", {"status": "cancelled"}).status_code == 200
    until("it is taken back", lambda: reserved(there) == "cancelled")


@pytest.mark.parametrize(
    ("point", "times"),
    [
        (CrashPoint.AFTER_COMMIT, 1),  # the answer is written, nobody has gone on
        (CrashPoint.OPERATION_MINTED, 1),  # it has its key, the downstream was not called
        (CrashPoint.DOWNSTREAM_ANSWERED, 2),  # the downstream has it, we do not know: the same key again
    ],
)
def test_an_answer_reaches_the_downstream_under_one_key_whatever_dies(
    database_url: str, tmp_path: Path, point: CrashPoint, times: int
) -> None:
    (tmp_path / "relay").mkdir()
    (tmp_path / "relay" / "10-relay.yaml").write_text(RELAY)
    with world(database_url, tmp_path / "relay") as here:
        ticket_id = here.open("line-silent-1")
        problem_id = until("the problem is there", here.problems)[0]["id"]
        _move(here, problem_id, "pending", "which floor?")
        until("the customer is asked", lambda: here.ticket(ticket_id)["status"] == "pending")
        _restart_to_die_at(here, point)
        _answer(here, ticket_id, "The third.")
        _dead_and_back(here)
        until("the downstream hears it", lambda: here.problems()[0]["statusChangeReason"] == "The third.")
        until("it is at work again", lambda: here.ticket(ticket_id)["status"] == "inProgress")
        _move(here, problem_id, "resolved", "replaced")
        until("it is resolved", lambda: here.ticket(ticket_id)["status"] == "resolved")
        keys = _told(here)
        assert (len(keys), len(set(keys))) == (times, 1)
        assert here.downstream is not None
        assert list(here.control(here.downstream)["by_operation"].values()) == [1]


def _answer(here: World, ticket_id: str, text: str) -> None:
    """The customer answers; whether he hears that it arrived depends on when the adapter dies."""
    note = {"@type": "Note", "author": "customer", "text": text}
    with suppress(OSError):
        here.patch(f"{TICKETS}/{ticket_id}", {"note": [*here.ticket(ticket_id)["note"], note]})


def _move(here: World, problem_id: str, status: str, reason: str) -> None:
    """Somebody at the downstream gives the problem a status."""
    assert here.downstream is not None
    change = {"status": status, "statusChangeReason": reason}
    url = f"{here.downstream.url}{PROBLEMS}/{problem_id}"
    assert here.session.patch(url, json=change, timeout=10).status_code == 200


def _told(here: World) -> list[str]:
    """The key of each change that the adapter asked the downstream for."""
    assert here.downstream is not None
    asked = here.control(here.downstream)["requests"]
    return [one["idempotency-key"] for one in asked if one["method"] == "PATCH" and one["idempotency-key"]]
