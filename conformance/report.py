"""Writes down what was found: ``report.json`` for programs and ``report.html`` for people, self-contained."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from conformance.verdict import Level, Outcome, Verdict


@dataclass(frozen=True)
class Run:
    """One judgement as a whole."""

    server: str
    level: Level
    """Up to which level clauses count."""
    seed: int
    started: datetime
    seconds: float
    verdicts: Sequence[Verdict]

    @property
    def failures(self) -> list[Verdict]:
        """What counts against the server."""
        return [verdict for verdict in self.verdicts if verdict.counts_against(self.level)]

    @property
    def conforms(self) -> bool:
        """Whether nothing counts against the server, and it offers anything at all."""
        judged = (Outcome.PASSED, Outcome.FAILED, Outcome.EXCUSED)
        return not self.failures and any(verdict.outcome in judged for verdict in self.verdicts)

    @property
    def summary(self) -> list[dict[str, Any]]:
        """For each API, version and part, how many verdicts there are of each outcome."""
        counts: dict[tuple[str, str, str], Counter[str]] = {}
        for verdict in self.verdicts:
            key = (verdict.api, verdict.version, verdict.part.value)
            outcome = verdict.outcome.value
            if verdict.outcome is Outcome.FAILED and not verdict.counts_against(self.level):
                outcome = "noted"
            counts.setdefault(key, Counter())[outcome] += 1
        return [
            {"api": api, "version": version, "part": part, **{name: found[name] for name in COLUMNS}}
            for (api, version, part), found in counts.items()
        ]


COLUMNS = ("passed", "failed", "noted", "excused", "skipped", "not offered")
"""``noted``: failed, but of a level that the run does not ask for."""


def write(run: Run, directory: Path) -> tuple[Path, Path]:
    """Write both reports into ``directory``; the paths of the HTML and of the JSON."""
    directory.mkdir(parents=True, exist_ok=True)
    page, record = directory / "report.html", directory / "report.json"
    record.write_text(json.dumps(as_json(run), indent=1, ensure_ascii=False))
    page.write_text(as_html(run))
    return page, record


def as_json(run: Run) -> dict[str, Any]:
    """The run as JSON: API, version, operation, clause and verdict of each, and the exchanges of what failed."""
    return {
        "server": run.server,
        "conforms": run.conforms,
        "level": run.level,
        "seed": run.seed,
        "started": run.started.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": round(run.seconds, 1),
        "summary": run.summary,
        "verdicts": [_flat(verdict) for verdict in run.verdicts],
    }


def _flat(verdict: Verdict) -> dict[str, Any]:
    clause = verdict.clause
    return {
        "api": verdict.api,
        "version": verdict.version,
        "part": verdict.part,
        "operation": verdict.operation,
        "clause": clause.text,
        "source": clause.source,
        "level": clause.level,
        "verdict": verdict.outcome,
        "detail": verdict.detail,
        "exchanges": [asdict(exchange) for exchange in verdict.exchanges],
    }


def as_html(run: Run) -> str:
    """The run as one page without anything to fetch."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    order = [Outcome.FAILED, Outcome.EXCUSED, Outcome.SKIPPED, Outcome.NOT_OFFERED, Outcome.PASSED]
    verdicts = sorted(run.verdicts, key=lambda one: (one.api, one.version, order.index(one.outcome)))
    template = environment.get_template("report.html.j2")
    return template.render(run=run, columns=COLUMNS, verdicts=verdicts)


def lines(run: Run) -> list[str]:
    """The run as a terminal shows it: a table, then what counts against the server."""
    head = f"{'':28}" + "".join(f"{name:>12}" for name in COLUMNS)
    table = [
        f"{row['api']} {row['version']} {row['part']:16}" + "".join(f"{row[name]:>12}" for name in COLUMNS)
        for row in run.summary
    ]
    faults = [
        f"FAILED {one.api} {one.version} {one.operation}: {one.clause.text} ({one.clause.level}; {one.clause.source})\n"
        f"       {one.detail.splitlines()[0][:300] if one.detail else ''}"
        for one in run.failures
    ]
    verdict = "conforms" if run.conforms else "does not conform"
    return [head, *table, "", *faults, f"{run.server} {verdict} up to the level {run.level}."]
