"""The command: what it is told, what it writes, and how it ends."""

import argparse
import json
from pathlib import Path

import pytest

from conformance import command
from tests.conformance.little import BASE, Little, serving

DOCUMENTS = Path(__file__).parents[2] / "openapi"


def judged(tmp_path: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    return command.run(parser.parse_args([*arguments, "--reports", str(tmp_path)]), DOCUMENTS)


def record(tmp_path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((tmp_path / "report.json").read_text())
    return found


def test_a_server_that_offers_one_of_four_is_judged_by_that_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Little()) as url:
        judged(tmp_path, "--base-url", url, "--parts", "scenarios", "--patience", "0.3")
    verdicts = record(tmp_path)["verdicts"]
    assert isinstance(verdicts, list)
    not_offered = {(one["api"], one["version"]) for one in verdicts if one["verdict"] == "not offered"}
    assert not_offered == {("TMF621", "v4"), ("TMF656", "v5"), ("TMF656", "v4")}
    assert {(one["api"], one["version"]) for one in verdicts if one["verdict"] == "passed"} == {("TMF621", "v5")}
    shown = capsys.readouterr().out
    assert "TMF621 v5 scenarios" in shown
    assert str(tmp_path / "report.html") in shown


def test_an_api_that_was_asked_for_and_is_not_there_counts_against_the_server(tmp_path: Path) -> None:
    with serving(Little()) as url:
        assert judged(tmp_path, "--base-url", url, "--api", "tmf656-v4", "--parts", "scenarios") == 1


def test_an_api_may_have_an_address_of_its_own(tmp_path: Path) -> None:
    with serving(Little("ignores filters")) as url:
        elsewhere = f"tmf621-v5={url}{BASE}"
        code = judged(tmp_path, "--base-url", "http://127.0.0.1:9", "--api", elsewhere, "--parts", "samples")
    assert code == 1
    assert record(tmp_path)["conforms"] is False


def test_headers_and_token_are_sent_and_the_token_is_not_shown(tmp_path: Path) -> None:
    with serving(Little()) as url:
        arguments = ("--base-url", url, "--api", "tmf621-v5", "--parts", "scenarios", "--no-events")
        judged(tmp_path, *arguments, "--token", "s3cret", "--header", "X-Tenant: acme")
    text = (tmp_path / "report.json").read_text()
    assert '"X-Tenant",\n' in text
    assert "s3cret" not in text


def test_without_a_server_nothing_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(tmp_path, "--base-url", "http://127.0.0.1:9", "--no-events") == 2
    assert "nothing to judge" in capsys.readouterr().err
    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize("wrong", [("--api", "tmf999-v1"), ("--header", "nonsense")])
def test_an_option_that_cannot_be_meant_is_refused_with_the_remedy(wrong: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"choose from|write it as"):
        judged(tmp_path, "--base-url", "http://127.0.0.1:9", *wrong)


def test_a_run_is_bounded_by_examples_or_by_time_and_not_by_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        judged(tmp_path, "--base-url", "http://127.0.0.1:9", "--examples", "3", "--seconds", "3")
    assert "not allowed with" in capsys.readouterr().err
