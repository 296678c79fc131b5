"""The README is true: its worked example runs as it is printed, its table of settings is complete."""

import json
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from tests.journeys.world import World, characteristic
from tmf_adapter.settings import Settings, shipped, variable

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.skipif(not shutil.which("curl"), reason="the example is written for curl, which is not installed")
def test_the_worked_example_runs_from_ticket_to_report(tmp_path: Path) -> None:
    here = World(f"sqlite:///{tmp_path / 'readme.db'}", shipped("mappings"), local=True)
    [script] = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    try:
        here.launch()
        said = subprocess.run(
            ["bash", "-eu", "-c", script.replace("http://127.0.0.1:8621", here.url)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
    finally:
        here.end()
    problem, ticket = (json.loads(text) for text in re.split(r"(?<=^\})\n", said.strip(), flags=re.MULTILINE))
    assert problem["affectedService"][0]["id"] == "line-4711"
    assert ticket["status"] == "resolved"
    assert characteristic(ticket, "restorationType") == "permanent"
    assert ticket["relatedEntity"][1]["entity"]["id"] == problem["id"]


def test_every_setting_stands_in_the_table_as_the_code_describes_it() -> None:
    for setting in fields(Settings):
        [row] = [line for line in README.splitlines() if line.startswith(f"| `{variable(setting)}` |")]
        assert row.endswith(f"| {setting.metadata['help']} |")
