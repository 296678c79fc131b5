"""What an awaited event says of a step."""

from typing import Any

import pytest

from tests.mapping.samples import mapping
from tmf_adapter.mapping.parts import VERDICT_ORDER, Await, Outcome, Verdict

STEP = {"problem": {"id": "sp-1"}}


def _await(**conditions: str) -> Await:
    steps = [{"id": "a", "call": "x.y", "await": {"event": "E", "within": "PT1H", **conditions}}]
    awaited = mapping(steps=steps, report=None).steps[0].await_
    assert awaited is not None
    return awaited


@pytest.mark.parametrize(
    ("problem", "verdict"),
    [
        ({"id": "sp-1", "status": "held"}, Verdict.WORKAROUND),
        ({"id": "sp-1", "status": "closed"}, Verdict.RESTORED),
        ({"id": "sp-1", "status": "resolved"}, Verdict.OK),
        ({"id": "sp-1", "status": "rejected"}, Verdict.FAIL),
        ({"id": "sp-1", "status": "inProgress"}, None),  # nothing yet
        ({"id": "sp-2", "status": "closed"}, None),  # somebody else's
        ({"id": "sp-1"}, None),  # an event that says nothing of the status
        ({}, None),
    ],
)
def test_an_event_is_judged_by_its_conditions(problem: dict[str, Any], verdict: Verdict | None) -> None:
    awaited = mapping().steps[0].await_
    assert awaited is not None
    assert awaited.judge({"step": STEP, "ev": {"serviceProblem": problem}}) is verdict


def test_the_first_condition_that_holds_decides() -> None:
    every = {verdict.value: "true" for verdict in Verdict}
    for index, verdict in enumerate(VERDICT_ORDER):
        left = {one.value: every[one.value] for one in VERDICT_ORDER[index:]}
        assert _await(**left).judge({}) is verdict


def test_without_match_every_event_is_ours_and_a_missing_key_in_it_matches_nothing() -> None:
    assert _await(ok="true").judge({}) is Verdict.OK
    assert _await(ok="true", match="ev.x == 1").judge({"ev": {}}) is None


def test_a_condition_that_cannot_be_evaluated_leaves_it_to_the_next() -> None:
    awaited = _await(workaround="ev.p.characteristic.exists(c, c.name == 'x')", restored="ev.p.status == 'resolved'")
    assert awaited.judge({"ev": {"p": {"status": "resolved"}}}) is Verdict.RESTORED
    found = {"status": "resolved", "characteristic": [{"name": "x"}]}
    assert awaited.judge({"ev": {"p": found}}) is Verdict.WORKAROUND


def test_verdicts_end_in_outcomes() -> None:
    assert [verdict.outcome for verdict in VERDICT_ORDER] == [
        Outcome.WORKAROUND,
        Outcome.RESTORED,
        None,
        None,
        Outcome.UNSUCCESSFUL,
    ]
    assert [verdict for verdict in VERDICT_ORDER if not verdict.ends_wait] == [Verdict.ASK]
