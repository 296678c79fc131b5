"""This adapter as a server to judge: a process on a free port, with a temporary database and loopback callbacks."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

START = 180
"""Seconds that the adapter has to come up: a few on a machine of one's own, many more where others build as well."""


class DidNotStart(Exception):
    """The adapter did not come up; the message holds what it wrote."""


@contextmanager
def running(settings: Mapping[str, str] | None = None) -> Iterator[tuple[str, Path]]:
    """The address of a strict adapter that checks its own answers, and the file it logs to, while it runs."""
    with tempfile.TemporaryDirectory(prefix="tmf-adapter-conformance-") as directory:
        port = _free_port()
        url, log = f"http://127.0.0.1:{port}", Path(directory) / "adapter.log"
        chosen = {
            "TMF_ADAPTER_HOST": "127.0.0.1",
            "TMF_ADAPTER_PORT": str(port),
            "TMF_ADAPTER_DATABASE_URL": f"sqlite:///{directory}/conformance.db",
            "TMF_ADAPTER_CALLBACK_ALLOW": "127.0.0.0/8,::1/128",
            "TMF_ADAPTER_STRICT": "true",
            "TMF_ADAPTER_VALIDATE_RESPONSES": "true",
            **(settings or {}),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TMF_ADAPTER_")}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tmf_adapter.cli", "serve"],
                env={**inherited, **chosen},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_ready(process, url, log)
            yield url, log
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"{url}/health/ready", timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise DidNotStart(log.read_text(errors="replace")[-4000:])


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
