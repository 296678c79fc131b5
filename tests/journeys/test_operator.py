"""``tmf-adapter recovery ...`` against a running adapter."""

import json
import subprocess
import sys

from tests.journeys.world import World, until


def operate(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tmf_adapter.cli", "recovery", *arguments, "--url", world.url],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_lists_shows_and_steers_recoveries(remote: World) -> None:
    ticket_id = remote.open("line-silent-1")
    until("the problem is opened", remote.problems)
    [listed] = json.loads(operate(remote, "list", "--open", "--ticket", ticket_id, "--json").stdout)
    shown = operate(remote, "show", listed["id"])
    assert shown.returncode == 0, shown.stderr
    for word in ("line-fault", "planned", "t.status == 'inProgress'", "tmf656.createServiceProblem"):
        assert word in shown.stdout
    assert '"running": true' in operate(remote, "clock", ticket_id, "--json").stdout
    assert "line-fault" in operate(remote, "mappings").stdout
    assert operate(remote, "off", "line-fault", "--reason", "maintenance").returncode == 0
    assert "maintenance" in operate(remote, "switches").stdout
    assert operate(remote, "on", "line-fault").returncode == 0
    assert operate(remote, "stop", listed["id"], "--reason", "wrong customer").returncode == 0
    until("it is stopped", lambda: "stopped" in operate(remote, "list", "--ticket", ticket_id).stdout)
    refused = operate(remote, "replay", listed["id"], "--reason", "again")
    assert refused.returncode == 1
    assert "can be replayed" in refused.stderr


def test_an_adapter_that_is_not_there_is_said_to_be_so() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "tmf_adapter.cli", "recovery", "list", "--url", "http://127.0.0.1:9"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 2
    assert "cannot be reached" in asked.stderr
