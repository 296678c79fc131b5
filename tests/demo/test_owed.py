"""What is owed follows from the tickets alone."""

from collections import Counter
from typing import Any

import pytest

from tmf_adapter.demo.owed import ATTRIBUTE, CREATED, RESOLVED, STATUS, balance, outcome, owed_for

Doc = dict[str, Any]
SENT: Doc = {"@type": "TroubleTicket", "description": "dead", "relatedEntity": [{"role": "affectedService"}]}
TYPES = {"created": CREATED, "resolved": RESOLVED, "attribute": ATTRIBUTE}


def ticket(*statuses: str, **members: Any) -> Doc:
    return {**SENT, "id": "t", "statusChangeHistory": [{"status": status} for status in statuses], **members}


def characteristic(value: str) -> Doc:
    return {"troubleTicketCharacteristic": [{"name": "other", "value": 1}, {"name": "restorationType", "value": value}]}


def notices(*words: str) -> Counter[Any]:
    return Counter(("t", TYPES[word], None) if word in TYPES else ("t", STATUS, word) for word in words)


@pytest.mark.parametrize(
    ("now", "owed"),
    [
        # just opened: what the history begins with came with the create event
        (ticket("acknowledged"), notices("created")),
        # taken on, nothing said yet
        (ticket("acknowledged", "inProgress"), notices("created", "inProgress")),
        # restored: the report adds a note
        (
            ticket("acknowledged", "inProgress", "resolved", note=[{"text": "x"}]),
            notices("created", "inProgress", "resolved", "attribute") + Counter({("t", STATUS, "resolved"): 1}),
        ),
        # unsuccessful: no status, but a characteristic
        (
            ticket("acknowledged", "inProgress", **characteristic("unsuccessful")),
            notices("created", "inProgress", "attribute"),
        ),
        # reopened: every entry counts
        (ticket("a", "inProgress", "held", "inProgress"), notices("created", "inProgress", "held", "inProgress")),
    ],
)
def test_a_ticket_owes_what_its_history_and_its_report_say(now: Doc, owed: Counter[Any]) -> None:
    assert owed_for(SENT, now) == owed


def record(event_id: str, type_: str, status: str | None = None) -> Doc:
    return {"eventId": event_id, "eventType": type_, "id": "t", "status": status}


def test_what_is_owed_and_did_not_come_is_lost() -> None:
    found = balance(notices("created", "inProgress", "attribute"), [record("e1", CREATED, "acknowledged")])
    assert found.lost == notices("inProgress", "attribute")
    assert not found.unowed


def test_what_came_and_is_not_owed_is_named() -> None:
    came = [record("e1", CREATED), record("e2", STATUS, "held")]
    assert balance(notices("created"), came).unowed == notices("held")


def test_an_event_that_came_twice_counts_once_and_two_events_count_twice() -> None:
    twice = [record("e1", CREATED), record("e1", CREATED)]
    assert not balance(notices("created"), twice).unowed
    assert balance(notices("created"), [*twice, record("e2", CREATED)]).unowed == notices("created")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"status": "inProgress"}, None),
        ({"status": "resolved", "statusChangeReason": "restored"}, "restored"),
        ({"status": "resolved", "statusChangeReason": "went away"}, None),
        ({"status": "resolved", **characteristic("workaround")}, "workaround"),
        ({"status": "inProgress", **characteristic("unsuccessful")}, "unsuccessful"),
    ],
)
def test_the_report_on_a_ticket_is_read_from_the_ticket(now: Doc, expected: str | None) -> None:
    assert outcome(now) == expected
