"""Processes: started, waited for, read, ended."""

import os
from pathlib import Path

import pytest
import requests

from tmf_adapter.demo import processes
from tmf_adapter.demo.processes import NotStarted, free_port, start

SERVERS = ["tmf_adapter.demo.downstream", "tmf_adapter.demo.subscriber"]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("module", SERVERS)
def test_a_server_says_where_it_listens_and_ends_when_told(module: str) -> None:
    with start(module) as process:
        assert process.url.startswith("http://127.0.0.1:")
        assert process.log() == f"listening on {process.url}\n"
        assert requests.get(process.url, timeout=5).status_code in (404, 405)
    assert not is_alive(process.pid)
    assert process.stop() == 0
    assert process.log() == f"listening on {process.url}\n"


def test_a_port_can_be_given() -> None:
    port = free_port()
    with start(SERVERS[0], "--port", str(port), "--delay", "0") as process:
        assert process.url == f"http://127.0.0.1:{port}"


def test_a_killed_process_is_gone() -> None:
    process = start(SERVERS[1])
    process.kill()
    assert not is_alive(process.pid)
    assert not process.running
    process.stop()


def test_a_process_that_ends_early_is_reported_with_its_log() -> None:
    with pytest.raises(NotStarted, match="unrecognized arguments: --nonsense"):
        start(SERVERS[1], "--nonsense")


def test_a_process_that_never_serves_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "START_SECONDS", 1.5)
    (tmp_path / "mute.py").write_text("import os, time\nprint('pid', os.getpid())\ntime.sleep(60)\n")
    with pytest.raises(NotStarted, match="did not serve") as caught:
        start("mute", env={"PYTHONPATH": str(tmp_path)})
    assert not is_alive(int(str(caught.value).split()[-1]))


def test_a_process_may_be_waited_for_by_its_health(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "health").mkdir()
    (tmp_path / "health" / "ready").write_text("{}")
    url = f"http://127.0.0.1:{port}"
    args = [str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with start("http.server", *args, url=url) as process:
        assert process.url == url
