"""Processes that begin with everything imported: tests start hundreds, and each would read the libraries anew.

Each is a process of its own all the same and can be killed; it is forked from a server that has only imported.
"""

import importlib
import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from multiprocessing.context import ForkServerProcess
from multiprocessing.reduction import DupFd
from typing import Any

from tmf_adapter import crash
from tmf_adapter.demo import processes

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tmf_adapter.serving",
        "tmf_adapter.demo.downstream",
        "tmf_adapter.demo.subscriber",
        "tests.journeys.apis",
        __name__,
    ]
)


class Forked:
    """A process that was forked, to be waited for as ``subprocess.Popen`` is."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        process.start()
        self.terminate, self.kill = process.terminate, process.kill

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return code


def forked(module: str, args: tuple[str, ...], env: Mapping[str, str], log: int) -> Forked:
    """Begins ``python -m module args`` in that environment; both streams are written to the file descriptor."""
    return Forked(_CONTEXT.Process(target=_run, args=(module, args, dict(env), DupFd(log))))


def _run(module: str, args: tuple[str, ...], env: dict[str, str], log: Any) -> None:
    os.setsid()
    file = log.detach()
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
    os.environ.clear()
    os.environ.update(env)
    importlib.reload(crash)  # which reads the environment once
    sys.argv = [module, *args]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


start = partial(processes.start, begin=forked)
"""As ``tmf_adapter.demo.processes.start``."""
