"""The command line: exit codes, and what is said."""

import argparse
import re
from pathlib import Path

import pytest

from tmf_adapter.cli import main
from tmf_adapter.commands import delivery
from tmf_adapter.settings import shipped


def test_lint_of_the_shipped_mappings_says_ok(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mapping", "lint", str(shipped("mappings"))]) == 0
    assert capsys.readouterr().out.endswith("ok\n")


def test_lint_names_file_line_and_key_of_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "10-x.yaml").write_text("id: x\ntitle: y\nevents: [create]\nwehn: [true]\n")
    assert main(["mapping", "lint", str(tmp_path)]) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if "wehn" in line]
    assert "10-x.yaml:4:" in line
    assert "when" in line


def test_a_bad_setting_ends_serve_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMF_ADAPTER_PORT", "none")
    assert main(["serve"]) == 2
    assert "TMF_ADAPTER_PORT='none'" in capsys.readouterr().err


def test_a_database_that_cannot_be_reached_ends_serve_with_the_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["serve", "--database", f"sqlite:///{tmp_path}/no/such/directory/x.db"]) == 2
    said = capsys.readouterr().err
    assert "cannot be reached" in said
    assert "unable to open database file" in said


def test_db_upgrade_brings_the_tables_and_may_be_repeated(tmp_path: Path) -> None:
    for _ in range(2):
        assert main(["db", "upgrade", "--database", f"sqlite:///{tmp_path / 'x.db'}"]) == 0


def test_every_delivery_command_stands_in_the_guide() -> None:
    guide = (Path(__file__).parents[1] / "docs" / "notifications.md").read_text()
    commands: argparse._SubParsersAction[argparse.ArgumentParser] = argparse.ArgumentParser().add_subparsers()
    delivery.add(commands)
    [verbs] = [each for each in commands.choices["delivery"]._actions if isinstance(each, argparse._SubParsersAction)]
    assert [verb for verb in verbs.choices if not re.search(rf"`[^`\n]*\b{verb}\b", guide)] == []
