"""What a recovery reports, which change stops one, and by what an event is known: pure."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tmf_adapter.mapping.document import DEFAULTS, parse
from tmf_adapter.mapping.parts import Outcome, Verdict
from tmf_adapter.recovery.inbox import _identity, _keys
from tmf_adapter.recovery.next import Finish, Taken
from tmf_adapter.recovery.recovery import Operation, Recovery, Run, Stage
from tmf_adapter.recovery.report import report_of
from tmf_adapter.recovery.start import _why_stop
from tmf_adapter.recovery.target import external_ids, is_ours, with_identity
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.events import Author, Change, Kind, Stored, raise_event
from tmf_adapter.tmf.operations import OPERATIONS

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


DONE = operation("first", Stage.ENDED, Verdict.OK)
SECOND_NEVER_ANSWERED = operation("second", Stage.ENDED, Verdict.FAIL)


def test_the_values_of_let_are_those_of_its_own_scope_and_mapping() -> None:
    let = parse({**MAPPING.to_document(), "let": {"own": "t.id"}}, DEFAULTS)
    one = replace(RECOVERY, mapping=let)
    assert one.bound.scope["own"] == "T1"
    assert replace(one, scope={"t": {"id": "T2"}}).bound.scope["own"] == "T2"
    assert "own" not in replace(one, mapping=MAPPING).bound.scope


def test_a_step_reads_the_answers_of_those_before_it() -> None:
    answered = replace(DONE, response={"id": "p1"})
    assert Run(RECOVERY, [answered]).scope["step"] == {"first": {"id": "p1"}}


def told(run: Run, finish: Finish) -> Report:
    said = report_of(run, finish)
    assert said is not None
    return said


def test_a_report_points_at_what_was_done_and_says_why() -> None:
    answered = replace(DONE, remote_id="p1", response={"id": "p1", "href": "http://x/p1"})
    run = Run(RECOVERY, [answered, SECOND_NEVER_ANSWERED])
    said = told(run, Finish(Outcome.RESTORED, "line card replaced"))
    assert said.status == "resolved"
    assert said.reason == "restored"
    assert said.note is not None
    assert "line card replaced" in said.note
    assert said.characteristics == {"restorationType": "permanent"}
    assert said.related == (
        {"role": "serviceProblem", "id": "p1", "href": "http://x/p1", "@referredType": "ServiceProblem"},
    )


def test_a_note_that_cannot_be_rendered_does_not_hold_the_report_back() -> None:
    document = MAPPING.to_document()
    document["report"]["restored"]["note"] = "Mended by ${step.nobody.name}"
    said = told(Run(replace(RECOVERY, mapping=parse(document))), Finish(Outcome.RESTORED, "up"))
    assert said.status == "resolved"
    assert said.note is not None
    assert said.note.startswith("Mended by ${step.nobody.name} (")


CREATE = OPERATIONS["tmf656.createServiceProblem"]
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
        ("resolved", "inProgress", True),  # reopened: what runs was for the episode that is over
        ("inProgress", "held", False),
        ("inProgress", "pending", False),
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
    ("before", "after", "taken"),
    [
        ("inProgress", "cancelled", Taken.ALL),  # nobody wants it any more
        ("acknowledged", "rejected", Taken.ALL),
        ("inProgress", None, Taken.ALL),
        ("inProgress", "resolved", Taken.UNFINISHED),  # what helped stays
        ("resolved", "inProgress", Taken.UNFINISHED),
    ],
)
def test_what_is_taken_back_depends_on_why_it_is_stopped(before: str, after: str | None, taken: Taken) -> None:
    stop = _why_stop(changed(before, after))
    assert stop is not None
    assert stop.undo is taken


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
    body = with_identity({"externalIdentifier": [{"id": "theirs", "owner": "crm"}]}, "op-1", CREATE)
    assert external_ids(body) == {"theirs", "op-1"}
    assert is_ours(body)
    assert not is_ours({"externalIdentifier": [{"id": "theirs", "owner": "crm"}]})
    assert not is_ours({})


def test_an_event_of_the_adapter_itself_carries_the_operation_id_only_when_it_was_changed() -> None:
    """The reason why a recovery is found by the problem's own id as well."""
    document = with_identity({"@type": "ServiceProblem", "id": "p1", "status": "resolved"}, "op-1", CREATE)
    event = raise_event(kind=Kind.STATUS, resource="serviceProblem", document=document, now=NOW, names=("status",))
    assert external_ids(event.payload) == set()
    assert set(_keys(event.envelope())) == {"p1"}
