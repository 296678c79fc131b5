"""From a trouble ticket to its report, on real HTTP, with a remote downstream and with none."""

from collections import Counter
from pathlib import Path

import pytest

from tests.journeys.world import (
    PROBLEMS,
    TICKETS,
    Doc,
    World,
    characteristic,
    fault,
    mapping_directory,
    reported,
    until,
    world,
)

CREATE = "TroubleTicketCreateEvent"
STATUS = "TroubleTicketStatusChangeEvent"
RESOLVED = "TroubleTicketResolvedEvent"
ATTRIBUTE = "TroubleTicketAttributeValueChangeEvent"

OUTCOMES = [
    # line,            status,       reason,                restorationType, events
    ("line-ok-1", "resolved", "restored", "permanent", [CREATE, STATUS, RESOLVED, ATTRIBUTE]),
    ("line-workaround-1", "resolved", "restored-workaround", "workaround", [CREATE, STATUS, RESOLVED, ATTRIBUTE]),
    ("line-broken-1", "inProgress", None, "unsuccessful", [CREATE, ATTRIBUTE]),
]


@pytest.mark.parametrize(("line", "status", "reason", "kind", "events"), OUTCOMES)
def test_the_downstream_decides_and_the_ticket_is_told(
    remote: World, line: str, status: str, reason: str | None, kind: str, events: list[str]
) -> None:
    ticket_id = remote.open(line)
    ticket = remote.until_reported(ticket_id)
    assert ticket["status"] == status
    assert ticket.get("statusChangeReason") == reason
    assert characteristic(ticket, "restorationType") == kind
    assert len(ticket["note"]) == 1
    remote.until_notified(ticket_id, events)
    [problem] = remote.problems()
    related = [entry for entry in ticket["relatedEntity"] if entry["role"] == "serviceProblem"]
    assert related[0]["entity"]["id"] == problem["id"]
    assert remote.received()["duplicates"] == 0


@pytest.mark.parametrize(
    ("patch", "status", "kind"),
    [
        ({"status": "resolved"}, "resolved", "permanent"),
        (
            {
                "status": "resolved",
                "characteristic": [
                    {
                        "@type": "StringCharacteristic",
                        "name": "restorationType",
                        "valueType": "string",
                        "value": "workaround",
                    }
                ],
            },
            "resolved",
            "workaround",
        ),
        ({"status": "cancelled", "statusChangeReason": "not our line"}, "inProgress", "unsuccessful"),
    ],
)
def test_a_patch_of_our_own_service_problem_is_the_result(local: World, patch: Doc, status: str, kind: str) -> None:
    ticket_id = local.open("line-1")
    [problem] = until("the problem is opened", local.problems)
    assert problem["affectedService"][0]["id"] == "line-1"
    path = f"{PROBLEMS}/{problem['id']}"
    assert local.patch(path, {"status": "inProgress"}).status_code == 200
    assert local.patch(path, patch).status_code == 200
    ticket = local.until_reported(ticket_id)
    assert ticket["status"] == status
    assert characteristic(ticket, "restorationType") == kind


def test_a_problem_deleted_here_ends_its_recovery_unsuccessfully(local: World) -> None:
    ticket_id = local.open("line-1")
    [problem] = until("the problem is opened", local.problems)
    assert local.session.delete(f"{local.url}{PROBLEMS}/{problem['id']}").status_code == 204
    assert characteristic(local.until_reported(ticket_id), "restorationType") == "unsuccessful"


def test_a_ticket_that_is_acknowledged_waits_for_its_work_to_be_assigned(remote: World) -> None:
    ticket_id = remote.open("line-ok-1", status="acknowledged")
    assert remote.patch(f"{TICKETS}/{ticket_id}", {"severity": "Minor"}).status_code == 200
    assert remote.problems() == []
    assert remote.patch(f"{TICKETS}/{ticket_id}", {"status": "inProgress"}).status_code == 200
    assert remote.until_reported(ticket_id)["status"] == "resolved"
    remote.until_notified(ticket_id, [CREATE, ATTRIBUTE, STATUS, STATUS, RESOLVED, ATTRIBUTE])


def test_a_held_ticket_is_reported_on_through_in_progress(local: World) -> None:
    ticket_id = local.open("line-1")
    [problem] = until("the problem is opened", local.problems)
    assert local.patch(f"{TICKETS}/{ticket_id}", {"status": "held"}).status_code == 200
    local.patch(f"{PROBLEMS}/{problem['id']}", {"status": "inProgress"})
    local.patch(f"{PROBLEMS}/{problem['id']}", {"status": "resolved"})
    ticket = local.until_reported(ticket_id)
    walked = [entry["status"] for entry in ticket["statusChangeHistory"]]
    assert walked == ["inProgress", "held", "inProgress", "resolved"]


def test_a_reopened_ticket_is_a_new_episode_with_a_recovery_of_its_own(remote: World) -> None:
    ticket_id = remote.open("line-ok-1")
    remote.until_reported(ticket_id)
    assert remote.patch(f"{TICKETS}/{ticket_id}", {"status": "inProgress"}).status_code == 200
    until("a second problem", lambda: len(remote.problems()) == 2)
    until("a second report", lambda: remote.ticket(ticket_id)["status"] == "resolved")
    assert len(remote.ticket(ticket_id)["note"]) == 2


def test_what_the_adapter_itself_changed_starts_nothing(remote: World) -> None:
    ticket_id = remote.open("line-broken-1")
    remote.until_reported(ticket_id)
    assert remote.patch(f"{TICKETS}/{ticket_id}", {"severity": "Critical"}).status_code == 200
    remote.until_notified(ticket_id, [CREATE, ATTRIBUTE, ATTRIBUTE])
    assert len(remote.problems()) == 1


@pytest.mark.parametrize("stop", ["cancelled", "deleted"])
def test_a_ticket_that_is_cancelled_or_deleted_stops_its_recovery(local: World, stop: str) -> None:
    ticket_id = local.open("line-1")
    until("the problem is opened", local.problems)
    if stop == "cancelled":
        assert local.patch(f"{TICKETS}/{ticket_id}", {"status": "cancelled"}).status_code == 200
    else:
        assert local.session.delete(f"{local.url}{TICKETS}/{ticket_id}").status_code == 204
    other = local.open("line-2")
    for _ in range(2):
        for entry in local.problems():
            local.patch(f"{PROBLEMS}/{entry['id']}", {"status": "inProgress"})
            local.patch(f"{PROBLEMS}/{entry['id']}", {"status": "resolved"})
        until("the other problem", lambda: len(local.problems()) == 2)
    local.until_reported(other)
    if stop == "cancelled":
        assert reported(local.ticket(ticket_id)) is None
        assert local.ticket(ticket_id)["status"] == "cancelled"
    else:
        assert local.get(f"{TICKETS}/{ticket_id}").status_code == 404


@pytest.mark.parametrize("line", ["line-silent-1"])
def test_a_downstream_that_never_comes_to_an_end_is_not_waited_for_beyond_the_deadline(
    database_url: str, tmp_path: Path, line: str
) -> None:
    with world(database_url, mapping_directory(tmp_path, within="PT1S")) as here:
        ticket = here.until_reported(here.open(line))
        assert characteristic(ticket, "restorationType") == "unsuccessful"
        assert "no result" in ticket["note"][0]["text"]


@pytest.mark.parametrize(
    ("mode", "times"),
    [
        ("drop-after-create", 1),  # done, and the connection closes without an answer
        ("hang-after-create", 1),  # done, and no answer ever
        ("drip", 1),  # done, and the answer takes for ever
        ("reset", 2),  # not done
        ("error500", 2),  # not done, and who knows
        ("hang", 1),  # not done, no answer
        ("late-event-first", 1),  # the result is here before the answer
    ],
)
def test_a_downstream_that_fails_on_the_way_has_the_problem_once_and_the_ticket_its_report(
    remote: World, mode: str, times: int
) -> None:
    assert remote.downstream is not None
    remote.control(remote.downstream, create=mode, times=times)
    ticket_id = remote.open("line-ok-1")
    assert remote.until_reported(ticket_id)["status"] == "resolved"
    assert list(remote.control(remote.downstream)["by_operation"].values()) == [1]
    remote.until_notified(ticket_id, [CREATE, STATUS, RESOLVED, ATTRIBUTE])


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("error400", "400"),  # refused for good: not asked again
        ("nonsense", "nonsense"),  # 201 with a page of HTML
    ],
)
def test_a_downstream_that_refuses_or_talks_nonsense_ends_the_recovery_with_its_words(
    remote: World, mode: str, said: str
) -> None:
    assert remote.downstream is not None
    remote.control(remote.downstream, create=mode, times=99)
    ticket = remote.until_reported(remote.open("line-ok-1"))
    assert characteristic(ticket, "restorationType") == "unsuccessful"
    assert said in ticket["note"][0]["text"]
    creates = [
        r for r in remote.control(remote.downstream)["requests"] if r["method"] == "POST" and "Problem" in r["path"]
    ]
    assert len([r for r in creates if r["path"].endswith("serviceProblem")]) == 1


def test_a_downstream_that_is_away_is_asked_until_it_is_back(database_url: str, tmp_path: Path) -> None:
    with world(database_url, mapping_directory(tmp_path)) as here:
        assert here.downstream is not None
        here.control(here.downstream, create="reset", times=3)
        assert here.until_reported(here.open("line-ok-1"))["status"] == "resolved"


def test_a_mapping_that_fails_at_run_time_is_recorded_and_the_ticket_still_opens(
    database_url: str, tmp_path: Path
) -> None:
    with world(database_url, mapping_directory(tmp_path)) as here:
        without_line = fault("line-ok-1", "inProgress")
        del without_line["relatedEntity"]
        answer = here.post(TICKETS, without_line)
        assert answer.status_code == 201
        ticket = here.until_reported(answer.json()["id"])
        assert characteristic(ticket, "restorationType") == "unsuccessful"
        assert "affectedService" in ticket["note"][0]["text"]
        assert here.problems() == []


def test_many_tickets_at_once_each_come_to_their_own_end(remote: World) -> None:
    lines = [f"line-{kind}-{number}" for number in range(5) for kind in ("ok", "workaround", "broken")]
    ids = [remote.open(line) for line in lines]
    kinds = Counter(characteristic(remote.until_reported(id_), "restorationType") for id_ in ids)
    assert kinds == {"permanent": 5, "workaround": 5, "unsuccessful": 5}
    assert remote.downstream is not None
    assert set(remote.control(remote.downstream)["by_operation"].values()) == {1}
