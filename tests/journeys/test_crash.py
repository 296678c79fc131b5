"""kill -9 at every labelled point of the way: one problem downstream, one report, every notification."""

from pathlib import Path

import pytest

from tests.journeys.world import TICKET_HUB, TICKETS, World, fault, mapping_directory, until, world
from tmf_adapter.crash import CrashPoint

EVENTS = [
    "TroubleTicketCreateEvent",
    "TroubleTicketStatusChangeEvent",
    "TroubleTicketResolvedEvent",
    "TroubleTicketAttributeValueChangeEvent",
]


ELSEWHERE = frozenset(
    {
        *(CrashPoint.QUESTION_PUT, CrashPoint.QUESTION_REPLIED, CrashPoint.QUESTION_EXPIRED),
        *(CrashPoint.INTERIM_WRITTEN, CrashPoint.UNDO_BEGUN),
        *(CrashPoint.FANOUT_ADVANCED, CrashPoint.DELIVERY_PARKED, CrashPoint.DELIVERY_REPLAYED),
    }
)
"""Points that this story does not come to: see test_language.py, test_storm_crash.py and the crash tests of the hub."""


@pytest.mark.parametrize("point", [point for point in CrashPoint if point not in ELSEWHERE])
def test_a_crash_anywhere_loses_nothing_and_repeats_nothing_but_a_notification(
    empty_database_url: str, tmp_path: Path, point: CrashPoint
) -> None:
    with world(empty_database_url, mapping_directory(tmp_path), extra={"TMF_ADAPTER_CRASH_AT": point}) as here:
        try:
            accepted = here.post(TICKETS, fault("line-ok-1", "inProgress")).status_code == 201
        except OSError:
            accepted = False  # it died before it could answer: the client does not know, and asks
        until(f"the adapter dies at {point}", lambda: here.adapter and not here.adapter.running)
        here.launch(TMF_ADAPTER_CRASH_AT="")

        tickets = here.get(TICKETS).json()
        if point is CrashPoint.BEFORE_COMMIT:
            assert not accepted
            assert tickets == []
            return
        [ticket] = tickets
        assert here.until_reported(ticket["id"])["status"] == "resolved"
        here.until_notified(ticket["id"], EVENTS)
        assert len(here.ticket(ticket["id"])["note"]) == 1
        assert here.downstream is not None
        assert list(here.control(here.downstream)["by_operation"].values()) == [1]


def test_a_process_killed_again_and_again_still_keeps_every_promise(remote: World) -> None:
    assert remote.adapter is not None
    ids = []
    for number in range(9):
        kind = ("ok", "workaround", "broken")[number % 3]
        ids.append(remote.open(f"line-{kind}-{number}"))
        if number % 3 == 2:
            remote.adapter.kill()
            remote.launch()
    for id_ in ids:
        remote.until_reported(id_)
    for number, id_ in enumerate(ids):
        wanted = EVENTS if number % 3 != 2 else [EVENTS[0], EVENTS[3]]
        remote.until_notified(id_, wanted)
    assert remote.downstream is not None
    assert set(remote.control(remote.downstream)["by_operation"].values()) == {1}


def test_a_registration_answered_with_201_survives(remote: World) -> None:
    assert remote.adapter is not None
    callback = "http://127.0.0.1:9/never"
    hub = remote.post(TICKET_HUB, {"@type": "Hub", "callback": callback}).json()
    remote.adapter.kill()
    remote.launch()
    assert remote.get(f"{TICKET_HUB}/{hub['id']}").json()["callback"] == callback


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_when_one_of_two_processes_dies_the_other_keeps_its_promises(remote: World) -> None:
    other = World(remote.database_url, remote.mappings, session=remote.session)
    other.downstream = remote.downstream
    other.launch()
    try:
        ids = [remote.open(f"line-ok-{number}") for number in range(6)]
        ids += [other.open(f"line-workaround-{number}") for number in range(6)]
        assert remote.adapter is not None
        remote.adapter.kill()
        remote.url = other.url
        for id_ in ids:
            assert remote.until_reported(id_)["status"] == "resolved"
            remote.until_notified(id_, EVENTS)
        assert remote.downstream is not None
        assert set(remote.control(remote.downstream)["by_operation"].values()) == {1}
    finally:
        assert other.adapter is not None
        other.adapter.kill()
