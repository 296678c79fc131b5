"""What is next in a recovery, which change starts or stops one, and by what an event is known: pure."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tmf_adapter.mapping.document import DEFAULTS, parse
from tmf_adapter.mapping.parts import Outcome, Verdict
from tmf_adapter.recovery.inbox import _identity, _keys
from tmf_adapter.recovery.recovery import Act, Finish, Operation, Recovery, Stage, Wait, next_move, step_scope
from tmf_adapter.recovery.report import report_of
from tmf_adapter.recovery.start import _why_stop
from tmf_adapter.recovery.target import external_ids, is_ours, with_identity
from tmf_adapter.tmf.events import Author, Change, Kind, Stored, raise_event

BODY = {
    "@type": "ServiceProblem",
    "category": "x",
    "priority": 1,
    "description": "d",
    "reason": "r",
    "originatorParty": {"@type": "RelatedPartyRefOrPartyRoleRef", "role": "originator"},
}
AWAIT = {
    "event": "ServiceProblemStateChangeEvent",
    "ok": "ev.serviceProblem.status == 'resolved'",
    "fail": "ev.serviceProblem.status == 'rejected'",
    "within": "PT1H",
}
MAPPING = parse(
    {
        "id": "two-steps",
        "title": "Two steps, one after the other",
        "events": ["status"],
        "steps": [
            {"id": "first", "call": "tmf656.createServiceProblem", "body": BODY, "await": AWAIT},
            {"id": "second", "call": "tmf656.createServiceProblem", "body": BODY, "if": "t.id == 'T1'"},
        ],
    },
    DEFAULTS,
)
RECOVERY = Recovery("R1", MAPPING, "T1", 1, {"t": {"id": "T1"}})


def operation(step: str, stage: Stage, verdict: Verdict | None = None, reason: str | None = None) -> Operation:
    return Operation(
        f"op-{step}",
        "R1",
        step,
        stage,
        "tmf656.createServiceProblem",
        "serviceProblem",
        {},
        verdict=verdict,
        reason=reason,
    )


FIRST, SECOND = MAPPING.steps
MINTED = operation("first", Stage.MINTED)
WAITING = operation("first", Stage.WAITING)
DONE = operation("first", Stage.ENDED, Verdict.OK)


@pytest.mark.parametrize(
    ("operations", "second_runs", "move"),
    [
        ([], True, Act(FIRST, None)),  # nothing was done
        ([MINTED], True, Act(FIRST, MINTED)),  # an id is written: was the call made?
        ([WAITING], True, Wait(FIRST, WAITING)),  # the answer is there, the result is not
        ([DONE], True, Act(SECOND, None)),  # on to the next
        ([DONE], False, Finish(Outcome.RESTORED, "every step was done")),  # its if does not hold
        ([DONE, operation("second", Stage.ENDED, Verdict.OK, "done")], True, Finish(Outcome.RESTORED, "done")),
        ([operation("first", Stage.ENDED, Verdict.FAIL, "no")], True, Finish(Outcome.UNSUCCESSFUL, "no")),
        ([operation("first", Stage.ENDED, Verdict.WORKAROUND, "4G")], True, Finish(Outcome.WORKAROUND, "4G")),
        ([operation("first", Stage.ENDED, Verdict.RESTORED, "up")], True, Finish(Outcome.RESTORED, "up")),
    ],
)
def test_what_is_next_follows_from_what_was_done(operations: list[Operation], second_runs: bool, move: object) -> None:
    assert next_move(RECOVERY, operations, lambda _step: second_runs) == move


def test_a_step_reads_the_answers_of_those_before_it() -> None:
    answered = replace(DONE, response={"id": "p1"})
    assert step_scope(RECOVERY, [answered])["step"] == {"first": {"id": "p1"}}


def test_a_report_points_at_what_was_done_and_says_why() -> None:
    answered = replace(DONE, remote_id="p1", response={"id": "p1", "href": "http://x/p1"})
    said = report_of(RECOVERY, [answered, SECOND_NEVER_ANSWERED], Finish(Outcome.RESTORED, "line card replaced"))
    assert said.status == "resolved"
    assert said.reason == "restored"
    assert said.note is not None
    assert "line card replaced" in said.note
    assert said.characteristics == {"restorationType": "permanent"}
    assert said.related == (
        {"role": "serviceProblem", "id": "p1", "href": "http://x/p1", "@referredType": "ServiceProblem"},
    )


SECOND_NEVER_ANSWERED = operation("second", Stage.ENDED, Verdict.FAIL)


def test_a_note_that_cannot_be_rendered_does_not_hold_the_report_back() -> None:
    document = MAPPING.to_document()
    document["report"]["restored"]["note"] = "Mended by ${step.nobody.name}"
    recovery = replace(RECOVERY, mapping=parse(document))
    said = report_of(recovery, [], Finish(Outcome.RESTORED, "up"))
    assert said.status == "resolved"
    assert said.note is not None
    assert said.note.startswith("Mended by ${step.nobody.name} (")


NOW = datetime(2026, 11, 24, tzinfo=UTC)


def changed(before: str | None, after: str | None) -> Change:
    def stored(status: str | None) -> Stored | None:
        return Stored({"@type": "TroubleTicket", "id": "T1", "status": status}) if status else None

    return Change("troubleTicket", stored(before), stored(after), (), Author.CLIENT)


@pytest.mark.parametrize(
    ("before", "after", "stops"),
    [
        ("inProgress", "cancelled", True),
        ("acknowledged", "rejected", True),
        ("inProgress", "resolved", True),  # somebody else mended it
        ("resolved", "closed", True),
        ("inProgress", None, True),  # deleted
        ("inProgress", "held", False),
        ("inProgress", "pending", False),
        ("resolved", "inProgress", False),  # reopened: a new episode
        ("resolved", "resolved", False),  # another attribute changed
        (None, "inProgress", False),
        (None, "resolved", False),  # born so: nothing runs
    ],
)
def test_a_ticket_that_needs_no_recovery_any_more_stops_those_that_run(
    before: str | None, after: str | None, stops: bool
) -> None:
    assert bool(_why_stop(changed(before, after))) is stops


@pytest.mark.parametrize(
    ("event", "keys"),
    [
        ({}, set()),
        ({"event": {"serviceProblem": {"id": "p1"}}}, {"p1"}),
        (
            {"event": {"serviceProblem": {"id": "p1", "externalIdentifier": [{"id": "op"}]}}},
            {"p1", "op"},
        ),  # v5
        ({"event": {"serviceProblem": {"id": "p1", "externalId": "op"}}}, {"p1", "op"}),  # v4
        ({"correlationId": "op", "event": {}}, {"op"}),
        ({"event": ["nonsense"]}, set()),
        ({"event": {"serviceProblem": "nonsense"}}, set()),
        ({"event": {"serviceProblem": {"id": 7, "externalIdentifier": "nonsense"}}}, set()),
        ({"event": {"serviceProblem": {"externalIdentifier": [7, {"id": None}, {"id": "op"}]}}}, {"op"}),
        ({"correlationId": 7}, set()),
    ],
)
def test_an_event_is_found_by_every_identifier_it_names(event: dict[str, Any], keys: set[str]) -> None:
    assert set(_keys(event)) == keys


def test_an_event_without_an_id_is_known_by_its_content() -> None:
    assert _identity({"a": 1, "b": 2}) == _identity({"b": 2, "a": 1})
    assert _identity({"a": 1}) != _identity({"a": 2})
    assert _identity({"eventId": "e1"}) == "e1"
    assert len(_identity({"eventId": "e" * 10_000})) == 64


def test_our_operation_id_goes_beside_the_identifiers_that_are_there() -> None:
    body = with_identity({"externalIdentifier": [{"id": "theirs", "owner": "crm"}]}, "op-1")
    assert external_ids(body) == {"theirs", "op-1"}
    assert is_ours(body)
    assert not is_ours({"externalIdentifier": [{"id": "theirs", "owner": "crm"}]})
    assert not is_ours({})


def test_an_event_of_the_adapter_itself_carries_the_operation_id_only_when_it_was_changed() -> None:
    """The reason why a recovery is found by the problem's own id as well."""
    document = with_identity({"@type": "ServiceProblem", "id": "p1", "status": "resolved"}, "op-1")
    event = raise_event(kind=Kind.STATUS, resource="serviceProblem", document=document, now=NOW, names=("status",))
    assert external_ids(event.payload) == set()
    assert set(_keys(event.envelope())) == {"p1"}
