"""The whole story, as ``tmf-adapter demo`` plays it."""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tmf_adapter.demo import story
from tmf_adapter.demo.processes import NotStarted

pytestmark = pytest.mark.xdist_group("demo")

LAST = re.compile(r"demo: restored=1 workaround=1 unsuccessful=1 notifications=(\d+) lost=0 duplicated=\d+")
COMMAND = [sys.executable, "-m", "tmf_adapter.demo.story"]
MARK = "TMF_DEMO_TEST_MARK"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Everything it starts carries a mark, and its temporary files have a place of their own."""
    return {**os.environ, "TMPDIR": str(tmp_path), MARK: uuid.uuid4().hex}


def marked(mark: str) -> Iterator[int]:
    """The ids of the processes that carry the mark (where there is a /proc to read it from)."""
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={mark}".encode() in entry.read_bytes():
                yield int(entry.parent.name)
        except OSError:
            continue


def test_the_story_ends_well_and_leaves_nothing_behind(environment: dict[str, str], tmp_path: Path) -> None:
    began = time.monotonic()
    played = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=90)
    assert played.returncode == 0, played.stdout + played.stderr
    assert time.monotonic() - began < 60
    lines = played.stdout.splitlines()
    assert (last := LAST.fullmatch(lines[-1])), lines[-1]
    assert int(last[1]) == 13  # 5 for each resolved ticket, 3 for the one that is not
    assert "\x1b" not in played.stdout
    assert max(map(len, lines)) <= 100
    assert "KILL -9" in played.stdout
    assert not [*marked(environment[MARK])]
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_story_leaves_nothing_behind(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(COMMAND, env=environment, stdout=subprocess.PIPE, text=True) as playing:
        assert playing.stdout is not None
        for line in playing.stdout:
            if "registered at the adapter's hub" in line:
                break
        playing.send_signal(number)
        rest = playing.stdout.read()
    assert playing.returncode == 130
    assert rest.splitlines()[-1] == "demo interrupted"
    assert not [*marked(environment[MARK])]
    assert not [*tmp_path.iterdir()]


def test_a_story_that_cannot_be_played_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(module: str, *_args: str, **_options: object) -> None:
        raise NotStarted(f"{module} ended before it served.")

    monkeypatch.setattr(story, "start", start)
    assert story.run() == 1
    assert capsys.readouterr().out == "demo failed: tmf_adapter.demo.downstream ended before it served.\n"
