"""The shipped mappings: which ticket each is for, what it asks for, and that it can end in all three ways."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.mapping.changes import NOW, change, characteristic, entity, ticket
from tmf_adapter.api.schemas import Schemas
from tmf_adapter.api.server import load as load_document
from tmf_adapter.mapping.lint import lint, load_checked, report_lines
from tmf_adapter.mapping.parts import Mapping, Outcome, Verdict
from tmf_adapter.mapping.plan import Facts, bind, plan
from tmf_adapter.tmf.events import Change, Doc, Kind

ROOT = Path(__file__).parents[2]
SHIPPED = load_checked(ROOT / "mappings")
PROBLEMS = [one for one in SHIPPED if one.id in ("broadband-fault", "voice-fault", "service-degradation")]
"""Those that open one service problem and leave all else to it."""
IDS = [mapping.id for mapping in PROBLEMS]

LINE = entity("affectedService", "Service", "line-1")
ACCESS = [characteristic("rootCauseDomain", "access")]
BILL_DISPUTE: Doc = {  # the standard's own example, in short
    "@type": "TroubleTicket",
    "id": "3180",
    "description": "I do not accept the last VOD charge",
    "severity": "Major",
    "priority": "High",
    "ticketType": "Bill Dispute",
    "relatedEntity": [entity("disputedBill", "CustomerBill", "3472")],
}


def test_there_are_no_faults_and_no_warnings() -> None:
    assert report_lines(lint(ROOT / "mappings")) == []


def _starts(event: Change) -> list[str]:
    return [planned.mapping.id for planned in plan(SHIPPED, event, NOW)]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"troubleTicketCharacteristic": ACCESS}, ["broadband-fault"]),
        ({"troubleTicketCharacteristic": ACCESS, "ticketType": "Service Failure"}, ["broadband-fault"]),
        ({"ticketType": "Broadband Fault"}, ["broadband-fault"]),  # the type says it all, as in v4
        ({"ticketType": "BROADBAND_FAULT"}, ["broadband-fault"]),  # in whatever spelling
        ({"ticketType": "broadbandFault", "relatedEntity": []}, ["broadband-fault"]),  # and names no line
        ({"ticketType": "voice fault"}, ["voice-fault"]),
        ({"troubleTicketCharacteristic": [characteristic("rootCauseDomain", "voice")]}, ["voice-fault"]),
        ({"troubleTicketCharacteristic": [characteristic("rootCauseDomain", "voip")]}, ["voice-fault"]),
        ({"ticketType": "Service Degradation"}, ["service-degradation"]),
        ({"ticketType": "slowService"}, ["service-degradation"]),
        ({"ticketType": "slowService", "troubleTicketCharacteristic": ACCESS}, ["service-degradation"]),
        ({}, []),  # a fault that nobody has diagnosed yet
        ({"relatedEntity": []}, []),
        ({"troubleTicketCharacteristic": [characteristic("rootCauseDomain", "elsewhere")]}, []),
        ({"troubleTicketCharacteristic": [characteristic("rootCauseDomain", 7)]}, []),
        ({"troubleTicketCharacteristic": ACCESS, "ticketType": "complaint"}, []),
    ],
)
def test_exactly_one_mapping_is_for_a_ticket(members: dict[str, Any], expected: list[str]) -> None:
    document = ticket(**{"relatedEntity": [LINE], **members})
    assert _starts(change(document)) == expected  # born in progress
    assert _starts(change(document, {**document, "status": "acknowledged"})) == expected  # put to work
    assert _starts(change(document, {**document, "status": "resolved"})) == expected  # reopened
    assert _starts(change({**document, "status": "acknowledged"})) == []  # not yet
    assert _starts(change({**document, "status": "held"}, document)) == []
    assert _starts(change({**document, "name": "new"}, document, Kind.ATTRIBUTE)) == []


def test_a_fault_without_a_line_is_asked_about_once() -> None:
    document = ticket(troubleTicketCharacteristic=ACCESS, relatedEntity=[])
    assert _starts(change(document)) == ["need-line-id"]
    assert _starts(change(document, {**document, "status": "acknowledged"})) == ["need-line-id"]
    assert _starts(change(document, {**document, "status": "pending"})) == ["broadband-fault"]


@pytest.mark.parametrize("status", ["acknowledged", "pending", "inProgress", "resolved"])
def test_the_standards_example_ticket_is_not_for_problem_recovery(status: str) -> None:
    document = {**BILL_DISPUTE, "status": status}
    assert _starts(change(document)) == []
    assert _starts(change(document, {**document, "status": "held"})) == []


def _ticket_for(mapping: Mapping) -> Doc:
    types = {"broadband-fault": "broadbandFault", "voice-fault": "voiceFault", "service-degradation": "degradation"}
    return ticket(ticketType=types[mapping.id], relatedEntity=[LINE, {**LINE, "entity": {"id": "line-2"}}])


def _scope(mapping: Mapping, document: Doc) -> dict[str, Any]:
    [planned] = plan(SHIPPED, change(document), NOW)
    assert planned.mapping == mapping
    return bind(mapping, json.loads(json.dumps(planned.scope)))


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas(load_document(ROOT / "openapi" / "tmf656-v5.yaml"), "urn:test:shipped")


@pytest.mark.parametrize("mapping", PROBLEMS, ids=IDS)
@pytest.mark.parametrize("severity", ["critical", "Major", "minor", "whatever"])
def test_what_is_asked_for_is_a_complete_service_problem(mapping: Mapping, severity: str, schemas: Schemas) -> None:
    document = {**_ticket_for(mapping), "severity": severity}
    body = mapping.steps[0].body.render(_scope(mapping, document))
    schemas.check("#/components/schemas/ServiceProblem_FVO", body)
    assert [service["id"] for service in body["affectedService"]] == ["line-1", "line-2"]
    assert body["troubleTicket"][0]["id"] == "t-1"
    assert "externalIdentifier" not in body  # the recovery adds the operation's
    assert 1 <= body["priority"] <= 10


@pytest.mark.parametrize("mapping", PROBLEMS, ids=IDS)
def test_a_ticket_that_names_no_service_is_worked_on_all_the_same(mapping: Mapping, schemas: Schemas) -> None:
    document = {name: value for name, value in _ticket_for(mapping).items() if name != "relatedEntity"}
    body = mapping.steps[0].body.render(_scope(mapping, document))
    schemas.check("#/components/schemas/ServiceProblem_FVO", body)
    assert body["affectedService"] == []


_BY_WORKAROUND = [{"@type": "StringCharacteristic", "name": "restorationType", "value": "workaround"}]
_FOR_GOOD = [{"@type": "StringCharacteristic", "name": "restorationType", "value": "permanent"}]


@pytest.mark.parametrize("mapping", PROBLEMS, ids=IDS)
@pytest.mark.parametrize(
    ("problem", "outcome"),
    [
        ({"status": "resolved"}, Outcome.RESTORED),
        ({"status": "closed"}, Outcome.RESTORED),
        ({"status": "resolved", "characteristic": []}, Outcome.RESTORED),
        ({"status": "resolved", "characteristic": _FOR_GOOD}, Outcome.RESTORED),
        ({"status": "resolved", "characteristic": _BY_WORKAROUND}, Outcome.WORKAROUND),
        ({"status": "closed", "characteristic": _FOR_GOOD + _BY_WORKAROUND}, Outcome.WORKAROUND),
        ({"status": "rejected"}, Outcome.UNSUCCESSFUL),
        ({"status": "cancelled", "characteristic": _BY_WORKAROUND}, Outcome.UNSUCCESSFUL),
        ({"status": "inProgress", "characteristic": _BY_WORKAROUND}, None),  # not yet
        ({"status": "pending"}, None),
        ({"status": "held"}, None),
        ({}, None),
    ],
)
def test_the_downstream_decides_how_it_ends(mapping: Mapping, problem: Doc, outcome: Outcome | None) -> None:
    awaited = mapping.steps[0].await_
    assert awaited is not None
    verdict = awaited.judge({**_scope(mapping, _ticket_for(mapping)), "ev": {"serviceProblem": problem}})
    assert (verdict and verdict.outcome) == outcome


@pytest.mark.parametrize("mapping", PROBLEMS, ids=IDS)
def test_the_reports_are_those_of_the_process(mapping: Mapping) -> None:
    def written(outcome: Outcome) -> tuple[str | None, str | None, list[str]]:
        rule = mapping.report[outcome]
        assert rule.note is not None
        assert rule.note.render({"summary": "port reset"}).endswith(": port reset")
        chars = [f"{name}={value.render({})}" for name, value in rule.char.items()]
        return rule.status, rule.reason.render({}) if rule.reason else None, chars

    assert written(Outcome.RESTORED) == ("resolved", "restored", ["restorationType=permanent"])
    assert written(Outcome.WORKAROUND) == ("resolved", "restored-workaround", ["restorationType=workaround"])
    assert written(Outcome.UNSUCCESSFUL) == (None, None, ["restorationType=unsuccessful"])
    assert mapping.on_timeout(mapping.every_step[0]) is Verdict.FAIL


def test_without_any_downstream_what_needs_none_is_still_done() -> None:
    """The adapter has service problems of its own; all else waits for a downstream."""
    facts = Facts(reachable=frozenset({"tmf656"}))
    fault = {"troubleTicketCharacteristic": [*ACCESS, characteristic("accessTechnology", "vdsl")]}
    document = ticket(relatedEntity=[LINE], **fault)
    assert [one.mapping.id for one in plan(SHIPPED, change(document), NOW, facts)] == ["broadband-fault"]
    assert [one.mapping.id for one in plan(SHIPPED, change(document), NOW)] == ["line-test"]


def _example() -> str:
    """The worked example of the page that teaches the language."""
    text = (ROOT / "mappings" / "README.md").read_text()
    return text.partition("```yaml\n")[2].partition("```")[0]


def test_the_example_that_teaches_the_language_works(tmp_path: Path, schemas: Schemas) -> None:
    (tmp_path / "20-example.yaml").write_text(_example())
    assert report_lines(lint(tmp_path)) == []
    members = {"relatedEntity": [entity("affectedService", "Service", "line-1")]}
    document = ticket(troubleTicketCharacteristic=[characteristic("cause", "fibreCut")], **members)
    [planned] = plan(load_checked(tmp_path), change(document), NOW)
    scope = bind(planned.mapping, planned.scope)
    schemas.check("#/components/schemas/ServiceProblem_FVO", planned.mapping.steps[0].body.render(scope))
    note = planned.mapping.report["restored"].note
    assert note is not None
    assert note.render({**scope, "summary": "spliced"}) == "Fibre of line line-1 repaired: spliced"
