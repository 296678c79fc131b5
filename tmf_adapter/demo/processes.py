"""Start a module as a process of its own, wait until it serves, read what it said, end it."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import requests

START_SECONDS = 120.0
"""How long a process may take until it serves."""
STOP_SECONDS = 5.0
"""How long a process may take to end by itself before it is killed."""
_LISTENING = re.compile(r"^listening on (http://\S+)$", re.MULTILINE)


class NotStarted(Exception):
    """The process ended, or its time was over, before it served; the text holds the end of its log."""


class Child(Protocol):
    """What can be done with a process that was begun; ``subprocess.Popen`` is one."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


Begin = Callable[[str, tuple[str, ...], Mapping[str, str], int], Child]
"""Begins ``python -m module args`` in that environment; both streams are written to the file descriptor."""


def fresh(module: str, args: tuple[str, ...], env: Mapping[str, str], log: int) -> "subprocess.Popen[bytes]":
    """A new interpreter, with a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *args],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


class Process:
    """A running process. ``url`` is where it serves, without a slash at the end."""

    def __init__(self, begin: Begin, module: str, args: tuple[str, ...], env: Mapping[str, str]) -> None:
        self.url = ""
        self._file, path = tempfile.mkstemp(prefix="tmf-adapter-log-")
        os.unlink(path)
        self._said: str | None = None
        self._child = begin(module, args, {**os.environ, "PYTHONUNBUFFERED": "1", **env}, self._file)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    def kill(self) -> None:
        """SIGKILL; it is gone when this returns."""
        self._child.kill()
        self._child.wait()
        self._keep_log()

    def stop(self) -> int:
        """SIGTERM, and SIGKILL for one that does not heed it; the exit code. Stopping twice is harmless."""
        self._child.terminate()
        try:
            code = self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._keep_log()
        return code

    def log(self) -> str:
        """Everything it has written so far, to either stream."""
        if self._said is None:
            return os.pread(self._file, os.fstat(self._file).st_size, 0).decode(errors="replace")
        return self._said

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _keep_log(self) -> None:
        if self._said is None:
            self._said = self.log()
            os.close(self._file)


def _pause() -> None:
    time.sleep(0.05)


def start(
    module: str,
    *args: str,
    env: Mapping[str, str] | None = None,
    url: str | None = None,
    meanwhile: Callable[[], None] = _pause,
    begin: Begin = fresh,
) -> Process:
    """Run ``python -m module args`` and return once it serves. ``env`` is added to our own environment.

    Without ``url`` it serves when it writes ``listening on http://...``; with it, when ``GET url/health/ready`` is
    answered 200. ``meanwhile`` is called again and again while that is waited for. ``begin`` makes
    the process. Raises ``NotStarted``; no process is left behind then.
    """
    process = Process(begin, module, args, env or {})
    try:
        process.url = _until_serving(process, url, module, meanwhile)
    except BaseException:
        process.kill()
        raise
    return process


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def tail(log: str, lines: int = 30) -> str:
    """The end of a log."""
    return "\n".join(log.splitlines()[-lines:])


def _until_serving(process: Process, url: str | None, module: str, meanwhile: Callable[[], None]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        running = process.running
        if url and running and is_ready(url):
            return url
        if not url and (found := _LISTENING.search(process.log())):
            return found[1]
        if not running:
            raise NotStarted(f"{module} ended before it served. The end of its log:\n{tail(process.log())}")
        meanwhile()
    raise NotStarted(f"{module} did not serve within {START_SECONDS:g} s. The end of its log:\n{tail(process.log())}")


def is_ready(url: str) -> bool:
    """Whether ``GET url/health/ready`` is answered 200."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(f"{url}/health/ready", timeout=2).status_code == 200
        except requests.RequestException:
            return False
