"""Cases of mappings: what is as expected, and how the difference is said."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.mapping.changes import NOW
from tests.mapping.recoveries import CALL, step
from tests.mapping.samples import written
from tmf_adapter.mapping.document import Mappings
from tmf_adapter.mapping.faults import BadMapping
from tmf_adapter.mapping.lint import load_checked
from tmf_adapter.recovery.trying import failures

MAPPING = {
    "id": "m",
    "title": "A mapping",
    "events": ["create", "status"],
    "when": ["t.type == 'fault'", "t.char.cause == 'cut'", "'line' in t.rel", "t.status == 'inProgress'"],
    "steps": [step("problem")],
    "report": {"restored": {"note": "Line ${t.rel.line[0].id}: ${summary}"}},
}
GIVEN = {"ticket": {"status": "inProgress"}, "char": {"cause": "cut"}, "rel": {"line": ["l-1"]}}
RESOLVED = {"event": "problem", "with": {"status": "resolved"}}


def _failures(directory: Path, expect: dict[str, Any], happens: Any = (), given: Any = GIVEN) -> list[str]:
    case = {"name": "a case", "given": given, "expect": expect}
    case |= {"happens": list(happens)} if happens else {}
    [mapping] = load_checked(written(directory, m={**MAPPING, "tests": [case]}))
    [found] = mapping.tests
    return failures(mapping, found, NOW)


@pytest.mark.parametrize(
    ("expect", "happens"),
    [
        ({"starts": True}, ()),
        ({"waits": True, "calls": [CALL]}, ()),
        ({"calls": ["problem"], "outcome": "restored"}, [RESOLVED]),
        ({"calls": [{"step": "problem", "body": {"priority": 3}}]}, ()),
        ({"report": {"status": "resolved", "reason": "restored", "note": "Line l-1"}}, [RESOLVED]),
        ({"outcome": "unsuccessful", "report": {"status": None}}, [{"late": "problem"}]),
        ({"report": {"char": {"restorationType": "unsuccessful"}}}, [{"refused": "problem"}]),
    ],
)
def test_a_case_passes_when_all_is_as_expected(tmp_path: Path, expect: dict[str, Any], happens: Any) -> None:
    assert _failures(tmp_path, expect, happens) == []


@pytest.mark.parametrize(
    ("expect", "happens", "said"),
    [
        ({"starts": False}, (), "it starts, and should not"),
        ({"calls": []}, (), "0 calls should be made, and these are: problem (tmf656.createServiceProblem)"),
        ({"calls": [{"body": {"priority": 1}}]}, (), "call 1: body.priority should be 1, and is 3"),
        ({"outcome": "restored"}, (), "the outcome should be restored, and it waits for step problem"),
        ({"outcome": "restored"}, [{"late": "problem"}], "the outcome should be restored, and it is unsuccessful (no"),
        ({"waits": True}, [RESOLVED], "it should still wait, and is over"),
        ({"report": {"status": "held"}}, [RESOLVED], "report: status should be 'held', and is 'resolved'"),
        ({"report": {"note": "Fibre"}}, [RESOLVED], "the note should contain 'Fibre'"),
        ({"report": {"status": "held"}}, (), "a report should be written, and none is"),
        ({"asks": "Which"}, (), "it should ask 'Which', and asks []"),
    ],
)
def test_a_case_says_what_is_different(tmp_path: Path, expect: dict[str, Any], happens: Any, said: str) -> None:
    [line] = _failures(tmp_path, expect, happens)
    assert line.startswith(said)


def test_a_case_that_does_not_start_says_which_lines_do_not_hold(tmp_path: Path) -> None:
    found = _failures(tmp_path, {"starts": True}, given={"ticket": {"status": "inProgress"}, "rel": {"line": "l-1"}})
    assert found == ["it does not start: t.char.cause == 'cut' is missing: t.char.cause is missing"]


def test_cases_may_stand_in_a_file_beside_the_mapping(tmp_path: Path) -> None:
    directory = written(tmp_path, m=MAPPING)
    cases = {"mapping": "m", "tests": [{"name": "one", "given": GIVEN, "expect": {"calls": [CALL]}}]}
    (directory / "m.cases.yaml").write_text(yaml.safe_dump(cases))
    found = load_checked(directory)
    assert isinstance(found, Mappings)
    assert [case.name for case in found[0].tests] == ["one"]
    assert found[0].hash == load_checked(written(directory, m=MAPPING))[0].hash  # cases are no part of what it does


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mapping: mm\ntests: [{name: a, expect: {}}]", "m.cases.yaml:1:1: error: mapping: 'mm' is no mapping of this"),
        ("mapping: m\ntests: [{name: a}]", "tests[0].expect: is missing"),
        ("mapping: m\ntests: [{name: a, expect: {}, happens: [{}]}]", "must say one thing that happens"),
        ("mapping: m\ntests: [{name: a, expect: {calls: [{boby: {}}]}}]", "must be a call such as"),
        ("- x", "must have two keys"),
    ],
)
def test_a_faulty_case_is_a_fault_of_its_file(tmp_path: Path, text: str, said: str) -> None:
    directory = written(tmp_path, m=MAPPING)
    (directory / "m.cases.yaml").write_text(text)
    with pytest.raises(BadMapping) as raised:
        load_checked(directory)
    assert said in str(raised.value)


def test_the_case_of_the_page_that_teaches_the_language_passes(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "mappings" / "README.md").read_text()
    (tmp_path / "20-example.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    [mapping] = load_checked(tmp_path)
    [case] = mapping.tests
    assert failures(mapping, case, NOW) == []
