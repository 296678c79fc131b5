"""Servers to be measured: uvicorn as in production, each a process of its own on a free port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    pid: int
    port: int


@contextmanager
def uvicorn(name: str, app: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """``app`` (``module:name``) on uvloop and httptools, without access log; stopped at the end."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    process = subprocess.Popen(
        [*command, "--no-access-log", "--log-level", "warning"], cwd=_ROOT, env={**os.environ, **(environment or {})}
    )
    try:
        _wait(process, port)
        yield Server(name, process.pid, port)
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", port: int, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start on port {port}")
