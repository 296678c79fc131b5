"""``tmf-adapter mapping ...``: what is said, and with which exit code."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from tests.mapping.changes import characteristic, ticket
from tests.mapping.recoveries import step
from tests.mapping.samples import written
from tmf_adapter.cli import main
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import Ledger
from tmf_adapter.storage.tables import TENANT, switch
from tmf_adapter.tickets import ticket as rules
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.events import Author

MAPPING = {
    "id": "cut",
    "title": "The line is cut",
    "events": ["create", "status"],
    "when": ["t.status == 'inProgress'", "t.char.cause == 'cut'"],
    "steps": [step("problem")],
}
CUT = [characteristic("cause", "cut")]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "mappings"
    path.mkdir()
    return written(path, cut=MAPPING)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], directory: Path) -> Any:
    """Run a command about the mappings of the test; its exit code and what it said."""

    def said(command: str, *options: object) -> tuple[int, str]:
        code = main(["mapping", command, *map(str, options), "--mappings", str(directory)])
        out = capsys.readouterr()
        return code, out.out + out.err

    return said


def _file(path: Path, **members: Any) -> Path:
    path.write_text(json.dumps(ticket(**members)))
    return path


def test_lint_answers_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "10-x.yaml").write_text("id: x\ntitle: y\nevents: [create]\nwehn: [true]\n")
    assert main(["mapping", "lint", str(tmp_path), "--json"]) == 1
    faults = json.loads(capsys.readouterr().out)
    assert ("wehn", 4, 1, "error") in [(one["key"], one["line"], one["column"], one["severity"]) for one in faults]


def test_explain_shows_each_line_with_its_truth(say: Any, tmp_path: Path) -> None:
    code, said = say("explain", _file(tmp_path / "t.json", status="held"))
    assert code == 0
    assert "nearest cut: 2 of 2 lines do not hold" in said
    assert "false   t.status == 'inProgress'   (t.status is 'held')" in said
    assert "missing t.char.cause == 'cut'   (t.char.cause is missing)" in said


def test_simulate_shows_the_calls_of_a_ticket_from_a_file(say: Any, tmp_path: Path) -> None:
    after = _file(tmp_path / "t.json", troubleTicketCharacteristic=CUT)
    code, said = say("simulate", after, "--before", _file(tmp_path / "before.json", status="acknowledged"))
    assert code == 0
    assert "status  acknowledged -> inProgress" in said
    assert "starts  cut" in said
    assert 'calls   problem: tmf656.createServiceProblem {"@type": "ServiceProblem"' in said
    assert "waits   for step problem" in said
    assert "nothing was sent" in said


def test_simulate_answers_as_json(say: Any, tmp_path: Path) -> None:
    code, said = say("simulate", _file(tmp_path / "t.json", troubleTicketCharacteristic=CUT), "--json")
    [change] = json.loads(said)
    assert code == 0
    assert [one["mapping"] for one in change["starts"]] == ["cut"]
    assert change["starts"][0]["calls"][0]["step"] == "problem"


@pytest.mark.parametrize("options", [(), ("t.json", "--since", "P7D")])
def test_simulate_needs_one_of_ticket_and_since(say: Any, options: tuple[str, ...]) -> None:
    code, said = say("simulate", *options)
    assert (code, "say either which ticket, or --since when" in said) == (2, True)


async def _lived(url: str) -> list[str]:
    """Three tickets with their history: cut and worked on; worked on; not yet looked at."""
    database = Database(url)
    desk = TicketDesk(
        Ledger(database, []), ticket_store(database), rules.RULES, "http://x/ticket", lambda document: document
    )
    body = {"@type": "TroubleTicket", "description": "x", "severity": "major", "ticketType": "fault"}
    cut = await desk.open({**body, "troubleTicketCharacteristic": CUT}, Author.CLIENT)
    other, idle = await desk.open(body, Author.CLIENT), await desk.open(body, Author.CLIENT)
    ids = [str(one.document["id"]) for one in (cut, other, idle)]
    for id_ in ids[:2]:
        await desk.patch(id_, {"status": "inProgress"}, "application/merge-patch+json", Author.CLIENT)
    database.close()
    return ids


def test_simulate_tells_which_stored_tickets_it_would_have_caught(say: Any, database_url: str) -> None:
    cut, _, _ = asyncio.run(_lived(database_url))
    code, said = say("simulate", "--since", "PT1H", "--database", database_url)
    assert code == 0
    [headline] = [line for line in said.splitlines() if "  ticket " in line]
    assert f"ticket {cut}  status  acknowledged -> inProgress" in headline
    assert "5 changes, 1 of them start a recovery; nothing was sent" in said
    code, said = say("simulate", "--since", "2999-01-01", "--database", database_url)
    assert "0 changes" in said


def test_explain_tells_why_a_stored_ticket_was_not_caught(say: Any, database_url: str) -> None:
    cut, other, _ = asyncio.run(_lived(database_url))
    assert "starts  cut: all lines hold" in say("explain", cut, "--database", database_url)[1]
    assert "missing t.char.cause == 'cut'" in say("explain", other, "--database", database_url)[1]
    code, said = say("explain", "nobody", "--database", database_url)
    assert (code, "there is no ticket 'nobody'" in said) == (2, True)


async def _held_and_back(url: str, id_: str) -> None:
    database = Database(url)
    desk = TicketDesk(
        Ledger(database, []), ticket_store(database), rules.RULES, "http://x/ticket", lambda document: document
    )
    for status in ("held", "inProgress"):
        await desk.report(id_, Report(status, None, None))
    database.close()


def test_what_the_adapter_changed_itself_starts_nothing_when_it_is_told_again(say: Any, database_url: str) -> None:
    cut, _, _ = asyncio.run(_lived(database_url))
    asyncio.run(_held_and_back(database_url, cut))
    said = say("simulate", "--since", "PT1H", "--database", database_url)[1]
    assert "7 changes, 1 of them start a recovery" in said
    assert "starts  cut: all lines hold" in say("explain", cut, "--database", database_url)[1]  # the client's last


async def _switched_off(url: str, name: str) -> None:
    database = Database(url)
    row = {"tenant": TENANT, "name": name, "by": "anna", "reason": "a storm of calls", "created_at": 0.0}
    await database.write(lambda tx: tx.execute(insert(switch), row))
    database.close()


@pytest.mark.parametrize(("name", "said"), [("cut", "it is switched off"), ("*", "all mappings are switched off")])
def test_explain_knows_what_is_switched_off(say: Any, database_url: str, name: str, said: str) -> None:
    cut, _, _ = asyncio.run(_lived(database_url))
    asyncio.run(_switched_off(database_url, name))
    assert said in say("explain", cut, "--database", database_url)[1]
    assert "1 of them start a recovery" in say("simulate", "--since", "PT1H", "--database", database_url)[1]


def test_one_file_of_a_directory_can_be_tried_alone(say: Any, directory: Path, tmp_path: Path) -> None:
    written(directory, other={**MAPPING, "id": "other", "when": ["t.type == 'x'"]})
    found = _file(tmp_path / "t.json", troubleTicketCharacteristic=CUT)
    assert "other" in say("explain", found)[1]
    assert main(["mapping", "explain", str(found), "--mapping", str(directory / "nobody.yaml")]) == 2
    assert main(["mapping", "explain", str(found), "--mapping", str(directory / "cut.yaml")]) == 0


def test_cases_are_run(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"ticket": {"status": "inProgress"}, "char": {"cause": "cut"}}
    good = {"name": "it is called", "given": given, "expect": {"calls": ["problem"]}}
    assert main(["mapping", "test", str(directory)]) == 1
    assert "no mapping has a case" in capsys.readouterr().out
    written(directory, cut={**MAPPING, "tests": [good]})
    assert main(["mapping", "test", str(directory)]) == 0
    assert "passed  cut: it is called\n1 passed, 0 failed" in capsys.readouterr().out
    written(directory, cut={**MAPPING, "tests": [good, {**good, "name": "nothing", "expect": {"calls": []}}]})
    assert main(["mapping", "test", str(directory)]) == 1
    assert "FAILED  cut: nothing\n        0 calls should be made" in capsys.readouterr().out


def test_faulty_mappings_are_not_tried(say: Any, directory: Path, tmp_path: Path) -> None:
    (directory / "bad.yaml").write_text("id: [")
    code, said = say("explain", _file(tmp_path / "t.json"))
    assert (code, "bad.yaml:2:1: error" in said) == (2, True)


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mapping", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "A mapping of tmf_adapter"
