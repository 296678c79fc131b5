"""The adapter as the story runs it: a process on one port and one database, which can be killed and started again."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from tmf_adapter.demo.processes import Process, free_port, start

_UNSET = {name: "" for name in os.environ if name.startswith("TMF_ADAPTER_")}
"""The story has settings of its own; an empty variable is none."""


class Adapter:
    """Use as a context manager: the process and the directory with its database are gone afterwards."""

    def __init__(self, tmf656_url: str) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._env = {
            **_UNSET,
            "TMF_ADAPTER_PUBLIC_URL": self.url,
            "TMF_ADAPTER_CALLBACK_ALLOW": "127.0.0.0/8,::1/128",
            "TMF_ADAPTER_TMF656_URL": tmf656_url,
        }
        self._process: Process | None = None
        self._logs: list[str] = []
        self._directory = tempfile.TemporaryDirectory(prefix="tmf-adapter-demo-")

    def __enter__(self) -> "Adapter":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._process:
                self._process.stop()
                self._logs.append(self._process.log())
        finally:
            self._process = None
            self._directory.cleanup()

    def start(self, meanwhile: Callable[[], None]) -> int:
        """Run it, on the same port and database every time; its process id once it is ready.

        ``meanwhile`` is called again and again while that is waited for.
        """
        database = f"sqlite:///{Path(self._directory.name) / 'demo.db'}"
        arguments = ("serve", "--host", "127.0.0.1", "--port", str(self._port), "--database", database)
        self._process = start("tmf_adapter.cli", *arguments, env=self._env, url=self.url, meanwhile=meanwhile)
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: nothing in it gets to finish anything."""
        assert self._process is not None, "it runs"
        self._process.kill()
        self._logs.append(self._process.log())
        self._process = None

    def log(self) -> str:
        """What all its processes have written."""
        running = [self._process.log()] if self._process else []
        return "\n".join([*self._logs, *running])
