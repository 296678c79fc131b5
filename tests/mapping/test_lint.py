"""What lint does not complain about; what it does stands in bad/."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.mapping.recoveries import ASK, NOT_OURS, STORM
from tests.mapping.samples import BODY, sample, written
from tmf_adapter.mapping.lint import lint, load_checked, report_lines
from tmf_adapter.tmf.operations import OPERATIONS, Member, Operation


def _lines(directory: Path, **documents: dict[str, Any]) -> list[str]:
    return report_lines(lint(written(directory, **documents)))


def _step(**members: Any) -> dict[str, Any]:
    return {"id": "a", "call": "tmf656.createServiceProblem", "body": BODY, **members}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"when": ["t.raw.anything.at.all == 1", "was.raw['@type'] == 'x'"]},  # raw is free
        {"when": ["t.char.anything > 5", "t.ext.crm == 'x'", "t.party.customer.id == 'x'"]},  # so are names in it
        {"when": ["t.rel.line.exists(l, l.id == 'x' && l.type in ['Service', 'Odd Kind'])"]},  # types of others
        {"when": ["t.type == 'billDispute' && t.severity in ['1Critical', 'high']"]},
        {"when": ["t.status == was.status", "t.description == 'in progress'"]},
        {"when": ["timestamp(now).getHours() < 8", "size(t.note) > 0"]},
        {"steps": [_step(body={**BODY, "priority": "${t.char.urgency}"})]},  # the sample cannot know its type
        {"steps": [_step(body={**BODY, "priority": "${int(t.char.urgency)}"})]},  # which it cannot render either
        {"steps": [_step(body={**BODY, "affectedService": "${t.char.services}"})]},
        {"steps": [_step(body={**BODY, "characteristic": [{"@type": "X", "name": "x", "value": {"free": 1}}]})]},
        {"steps": [_step(), _step(id="b", body={**BODY, "reason": "${step.a.id} ${step.a.status}"})]},
        {"let": {"x": "t.char.a + 1"}, "report": None},  # which the sample cannot make
    ],
)
def test_what_may_be_right_passes(tmp_path: Path, members: dict[str, Any]) -> None:
    assert _lines(tmp_path, sample=sample(**{"report": None, **members})) == []


def _joining(**awaited: str) -> list[dict[str, Any]]:
    """A problem, and a grouping whose end is that of the problem."""
    references = {"parentProblem": {"@type": "X", "id": "${step.a.id}"}, "childProblem": []}
    group = {"id": "join", "call": "tmf656.createProblemGroup", "body": {"@type": "ProblemGroup", **references}}
    conditions = {"restored": "ev.serviceProblem.status == 'resolved'", "fail": "false", "within": "PT1H", **awaited}
    return [_step(), {**group, "await": {"event": "ServiceProblemStateChangeEvent", **conditions}}]


def test_a_step_may_wait_for_the_event_of_the_step_that_its_match_names(tmp_path: Path) -> None:
    named = _joining(match="ev.serviceProblem.id == step.a.id")
    assert _lines(tmp_path, sample=sample(steps=named, report=None)) == []
    [alien, *_] = _lines(tmp_path, sample=sample(steps=_joining(), report=None))
    assert "'ServiceProblemStateChangeEvent' brings no result of tmf656.createProblemGroup" in alien


def test_a_mapping_before_which_somebody_stops_conditionally_is_reached(tmp_path: Path) -> None:
    first = sample(id="first", order=1, when=["t.type == 'x'"])
    assert _lines(tmp_path, a=first, b=sample(order=2)) == []


def test_a_mapping_that_hears_more_than_the_one_that_stops_is_reached(tmp_path: Path) -> None:
    first = sample(id="first", order=1, when=None, events=["create"])
    assert _lines(tmp_path, a=first, b=sample(order=2, events=["create", "status"])) == []


def test_two_kinds_of_work_may_run_together(tmp_path: Path) -> None:
    first = sample(id="first", order=1, stop=False, outcome="education")
    assert _lines(tmp_path, a=first, b=sample(order=2)) == []


def test_only_the_sample_decides_what_a_template_of_the_ticket_becomes(tmp_path: Path) -> None:
    [line] = _lines(tmp_path, a=sample(steps=[_step(body={**BODY, "priority": "${t.priority}"})], report=None))
    assert "steps[0].body.priority: becomes 'high' for the sample ticket, and must be of type integer" in line


def test_hundreds_of_mappings_are_checked(tmp_path: Path) -> None:
    documents = {
        f"m{number:03}": sample(id=f"m{number}", order=number, when=[f"t.type == 'x{number}'"]) for number in range(200)
    }
    assert len(load_checked(written(tmp_path, **documents))) == 200


CREATE = OPERATIONS["tmf656.createServiceProblem"]
CANCEL = Operation(
    api="tmf656",
    version="v5",
    base=CREATE.base,
    method="PATCH",
    path="/serviceProblem/{id}",
    resource="serviceProblem",
    required=frozenset({"@type", "status"}),
    members={"@type": Member("string"), "status": Member("string")},
    results=CREATE.results,
    statuses=frozenset(),
)
ROWS = {
    "tmf656.createServiceProblem": replace(CREATE, undone_by=frozenset({"tmf656.cancel"})),
    "tmf656.cancel": CANCEL,
}
"""Rows of the test's own: what can be called is for the table of operations to say, not for lint."""


def _undo(directory: Path, **undo: Any) -> list[str]:
    document = sample(steps=[_step(undo={"call": "tmf656.cancel", **undo})], report=None)
    return report_lines(lint(written(directory, a=document), ROWS))


def test_a_step_is_undone_by_what_the_table_says(tmp_path: Path) -> None:
    assert _undo(tmp_path, target="${step.a.id}", body={"@type": "ServiceProblem", "status": "cancelled"}) == []
    [line] = _undo(tmp_path, target="${step.b.id}", body={"@type": "ServiceProblem", "status": "cancelled"})
    assert "undo.target: step.b.id names no step" in line


def test_a_call_that_undoes_is_held_to_its_row_as_well(tmp_path: Path) -> None:
    found = _undo(tmp_path, body={"@type": "ServiceProblem", "state": "cancelled"})
    assert ["undo.target: is missing" in line for line in found].count(True) == 1
    assert any("undo.body.status: is missing" in line for line in found)
    assert any("undo.body.state: is no member of serviceProblem" in line for line in found)


def test_what_does_not_undo_a_step_is_refused(tmp_path: Path) -> None:
    document = sample(steps=[_step(undo={"call": "tmf656.createServiceProblem", "body": BODY})], report=None)
    [line] = report_lines(lint(written(tmp_path, a=document), ROWS))
    assert "does not take back tmf656.createServiceProblem; it is undone by tmf656.cancel" in line


def test_a_state_that_is_free_text_may_be_compared_with_any(tmp_path: Path) -> None:
    rows = {**ROWS, "tmf656.createServiceProblem": replace(CREATE, statuses=frozenset())}
    awaited = {"event": "ServiceProblemStateChangeEvent", "within": "PT1H", "fail": False}
    document = sample(steps=[_step(**{"await": {**awaited, "ok": "ev.serviceProblem.status == 'whatever'"}})])
    assert report_lines(lint(written(tmp_path, a={**document, "report": {}}), rows)) == []


@pytest.mark.parametrize("document", [ASK, NOT_OURS], ids=lambda document: document["id"])
def test_mappings_without_steps_pass(tmp_path: Path, document: dict[str, Any]) -> None:
    assert _lines(tmp_path, a=document) == []


def test_a_storm_passes(tmp_path: Path) -> None:
    storm = copy.deepcopy(STORM)
    del storm["steps"][1]["parallel"][0]["undo"]
    storm["steps"][0]["body"] = {**BODY, "description": "Outage at ${group.key}", "reason": "storm"}
    storm["report"]["workaround"]["expiry"]["undo"] = False
    assert _lines(tmp_path, a=storm) == []
