"""The shipped mappings, tried whole: their cases, that no two want the same ticket, and what they would send."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.mapping.changes import NOW
from tests.tmf.documents import OURS, declared, document, resolved, shape
from tmf_adapter.api.schemas import Schemas
from tmf_adapter.mapping.cases import Case, Happens
from tmf_adapter.mapping.lint import lint, load_checked, report_lines
from tmf_adapter.mapping.parts import Activity, Mapping, Outcome, Step
from tmf_adapter.recovery.next import How
from tmf_adapter.recovery.rehearse import Rehearsal
from tmf_adapter.recovery.target import with_identity
from tmf_adapter.recovery.trying import attempt, facts_given, failures
from tmf_adapter.tmf.operations import OPERATIONS, Operation, api_of, operations_of, rows, versions_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "mappings" / "README.md"
SHIPPED = load_checked(ROOT / "mappings")
CASES = [(mapping, case) for mapping in SHIPPED for case in mapping.tests]
ALONGSIDE = {"repeat-fault-upgrade"}
"""Those that let others work on the same ticket."""

every_case = pytest.mark.parametrize(("mapping", "case"), CASES, ids=[f"{one.id}: {case.name}" for one, case in CASES])


@every_case
def test_a_case_comes_out_as_it_is_written(mapping: Mapping, case: Case) -> None:
    assert failures(mapping, case, NOW) == []


@every_case
def test_nobody_else_wants_the_ticket_of_a_case(mapping: Mapping, case: Case) -> None:
    tried = attempt(SHIPPED, case.given.change(NOW), NOW, facts=facts_given(case))
    started = [id_ for id_, _ in tried.starts]
    if case.expect.starts:
        assert [id_ for id_ in started if id_ not in ALONGSIDE - {mapping.id}] == [mapping.id]
    else:
        assert mapping.id not in started


def _rehearsals(mapping: Mapping) -> list[Rehearsal]:
    told = ((case.given.change(NOW), case.happens, facts_given(case)) for case in mapping.tests if case.expect.starts)
    return [attempt([mapping], change, NOW, happens, facts).starts[0][1] for change, happens, facts in told]


@pytest.mark.parametrize("mapping", SHIPPED, ids=[mapping.id for mapping in SHIPPED])
def test_every_way_a_mapping_can_go_has_a_case(mapping: Mapping) -> None:
    seen = _rehearsals(mapping)
    if mapping.steps:
        assert {one.outcome for one in seen} >= _endings(mapping)
    assert any(not case.expect.starts for case in mapping.tests), "no near miss"
    happens = {happening.kind for case in mapping.tests for happening in case.happens}
    assert Happens.LATE in happens or not any(step.await_ for step in mapping.every_step), "no deadline"
    called = {call.step for one in seen for call in one.calls}
    undone = {f"{step.id}.undo" for step in mapping.every_step if step.undo and step.await_}
    # What is tried last is taken back last; a step whose own end decides may never come to its undo.
    assert called >= {step.id for step in mapping.every_step}
    assert not undone or called & undone
    if mapping.ask or mapping.approve or any(step.await_ and step.await_.ask for step in mapping.every_step):
        assert any(one.questions for one in seen)
        assert {How.ANSWERED, How.UNANSWERED, How.REPORT} & {one.how for one in seen}


def _endings(mapping: Mapping) -> set[Outcome]:
    """Every outcome that the steps can come to."""
    found = {Outcome.RESTORED, Outcome.UNSUCCESSFUL}
    return found | {Outcome.WORKAROUND} if any(map(_may_work_around, mapping.every_step)) else found


def _may_work_around(step: Step) -> bool:
    return step.finish is Outcome.WORKAROUND or bool(step.await_ and step.await_.workaround)


def test_every_kind_of_work_and_every_report_is_there() -> None:
    assert len(SHIPPED) >= 10
    assert {mapping.outcome for mapping in SHIPPED} == {*Activity, None}
    for activity in Activity:
        endings = {one.outcome for mapping in SHIPPED if mapping.outcome is activity for one in _rehearsals(mapping)}
        assert endings >= set(Outcome), activity


def test_every_api_that_mappings_can_call_is_called_by_one() -> None:
    assert {api for mapping in SHIPPED for api in mapping.apis} == {operation.api for operation in OPERATIONS.values()}


def test_the_page_lists_what_is_shipped() -> None:
    row = re.compile(r"^\| (\d+) \| `([a-z0-9-]+)` \| ([a-z]*) ?\| ([A-Z0-9, ]*?) ?\| \S", re.MULTILINE)
    rows = row.findall(PAGE.read_text())
    expected = [
        (str(one.order), one.id, str(one.outcome or ""), ", ".join(sorted(api.upper() for api in one.apis)))
        for one in SHIPPED
    ]
    assert rows == expected


# -- what is sent ------------------------------------------------------------------------------------------------------


def _sent() -> dict[str, list[tuple[str, Any]]]:
    """Every body of every case by its operation."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for mapping in SHIPPED:
        for call in (call for seen in _rehearsals(mapping) for call in seen.calls):
            if OPERATIONS[call.call].method != "DELETE":
                found.setdefault(call.call, []).append((f"{mapping.id}.{call.step}", call.body))
    return found


CALLS = _sent()
SPOKEN = [(call, version) for call in sorted(CALLS) for version in versions_of(api_of(call))]


def _schema(operation: Operation) -> Any:
    found = declared(operation.api, operation.version)
    return next(schema for _, *named, schema in found if named == [operation.method, operation.path])


@pytest.mark.parametrize(("call", "version"), SPOKEN)
def test_the_operation_takes_what_is_sent_in_each_version(call: str, version: str) -> None:
    operation = rows(api_of(call), version)[call]
    whole, schema = document(operation.api, version), _schema(operation)
    for place, written in CALLS[call]:
        body = json.loads(json.dumps(with_identity(written, "operation-1", operation)))
        if (operation.api, version) in OURS:
            Schemas(whole, "urn:test:sent").check(schema["$ref"], body)
            continue
        validator = jsonschema_rs.Draft4Validator({**whole, **schema}, validate_formats=True)
        wrong = [f"{place}: {error.instance_path} {error.message}" for error in validator.iter_errors(body)]
        wrong += [f"{place}: {member} is no member" for member in _unknown(whole, schema, body)]
        assert wrong == []


@pytest.mark.parametrize("api", ["tmf621", "tmf656"])
def test_a_downstream_may_speak_either_version(api: str) -> None:
    for version in versions_of(api):
        assert report_lines(lint(ROOT / "mappings", operations_of({api: version}))) == []


def _unknown(whole: Any, schema: Any, value: Any, place: str = "") -> Iterator[str]:
    """Members that the document does not have, however deep."""
    schema = resolved(whole, schema)
    if isinstance(value, list):
        for one in value:
            yield from _unknown(whole, schema.get("items", {}), one, f"{place}[]")
    properties, required = shape(whole, schema)  # TMF702 requires what it does not describe
    for name, one in value.items() if isinstance(value, dict) and properties else ():
        if name in properties:
            yield from _unknown(whole, properties[name], one, f"{place}.{name}")
        elif name not in required:
            yield f"{place}.{name}"
