"""Reports name API, version, operation, clause and verdict, and decide what the exit code is."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance import exceptions, report
from conformance.verdict import Clause, Exchange, Level, Outcome, Part, Verdict

EXCHANGE = Exchange("GET", "http://x/y?a=<b>", "", (("Accept", "*/*"),), 500, (("Server", "little"),), '{"code":"<i>"}')


def verdict(outcome: Outcome, level: Level = Level.REQUIRED, version: str = "v5") -> Verdict:
    shown = (EXCHANGE,) if outcome is Outcome.FAILED else ()
    clause = Clause("A list is a list", "OAS", level)
    return Verdict("TMF621", version, Part.SCENARIOS, "GET /troubleTicket", clause, outcome, "expected 200", shown)


def run(*verdicts: Verdict, level: Level = Level.REQUIRED) -> report.Run:
    return report.Run("http://x", level, 7, datetime(2025, 3, 11, tzinfo=UTC), 1.25, verdicts)


def test_both_reports_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    page, record = report.write(run(verdict(Outcome.FAILED)), tmp_path / "deep" / "reports")
    found = json.loads(record.read_text())
    assert (found["server"], found["conforms"], found["seed"]) == ("http://x", False, 7)
    [row] = found["verdicts"]
    wanted = ("TMF621", "v5", "GET /troubleTicket", "A list is a list", "failed")
    assert tuple(row[key] for key in ("api", "version", "operation", "clause", "verdict")) == wanted
    assert row["exchanges"][0]["status"] == 500
    html = page.read_text()
    assert all(word in html for word in ("TMF621", "GET /troubleTicket", "A list is a list", "expected 200", "500"))


def test_the_page_needs_nothing_from_elsewhere_and_shows_bodies_as_text() -> None:
    html = report.as_html(run(verdict(Outcome.FAILED)))
    assert re.findall(r"(?:src|href)=|@import|url\(", html) == []
    assert "a=&lt;b&gt;" in html
    assert "<i>" not in html


def test_the_summary_counts_by_api_version_and_part() -> None:
    rows = run(verdict(Outcome.PASSED), verdict(Outcome.EXCUSED), verdict(Outcome.FAILED, version="v4")).summary
    assert [(row["version"], row["passed"], row["excused"], row["failed"]) for row in rows] == [
        ("v5", 1, 1, 0),
        ("v4", 0, 0, 1),
    ]


@pytest.mark.parametrize(
    ("failed", "asked", "conforms"),
    [
        (Level.REQUIRED, Level.REQUIRED, False),
        (Level.RECOMMENDED, Level.REQUIRED, True),
        (Level.RECOMMENDED, Level.RECOMMENDED, False),
        (Level.OPTIONAL, Level.RECOMMENDED, True),
        (Level.OPTIONAL, Level.OPTIONAL, False),
    ],
)
def test_a_clause_counts_up_to_the_level_that_is_asked_for(failed: Level, asked: Level, conforms: bool) -> None:
    result = run(verdict(Outcome.PASSED), verdict(Outcome.FAILED, failed), level=asked)
    assert result.conforms is conforms
    assert result.summary[0]["failed" if not conforms else "noted"] == 1


def test_a_server_that_offers_nothing_does_not_conform() -> None:
    assert not run(verdict(Outcome.NOT_OFFERED)).conforms
    assert not run().conforms


def test_every_exception_has_a_reason_in_words(tmp_path: Path) -> None:
    assert all(len(one.reason) >= 20 for one in exceptions.load())
    bare = tmp_path / "exceptions.yaml"
    for reason in ("", "reason: ''", "reason: known"):
        bare.write_text(f"- apis: [tmf621-v5]\n  operations: [GET /x]\n  check: not_a_server_error\n  {reason}\n")
        with pytest.raises(exceptions.BadException, match=r"exceptions\.yaml, entry 1: a reason"):
            exceptions.load(bare)


def test_an_exception_covers_only_its_operation_check_status_and_words() -> None:
    one = exceptions.Excuse("tmf621-*", "GET /troubleTicket*", "positive_data_acceptance", "why", (400,), "attribute")
    assert one.covers("tmf621-v4", "GET /troubleTicket/{id}", "positive_data_acceptance", 400, "no attribute x")
    assert not one.covers("tmf656-v4", "GET /troubleTicket", "positive_data_acceptance", 400, "no attribute x")
    assert not one.covers("tmf621-v4", "POST /troubleTicket", "positive_data_acceptance", 400, "no attribute x")
    assert not one.covers("tmf621-v4", "GET /troubleTicket", "not_a_server_error", 400, "no attribute x")
    assert not one.covers("tmf621-v4", "GET /troubleTicket", "positive_data_acceptance", 404, "no attribute x")
    assert not one.covers("tmf621-v4", "GET /troubleTicket", "positive_data_acceptance", 400, "something else")
