"""Ten minutes of notifications to one listener that is there and one that comes and goes: nothing lost, memory flat.

``python -m tests.soak.delivery [--seconds 600] [--rate 200] [database ...]``: both databases unless one is named; they
share the time. Ends with 1 when a notification did not arrive or memory grew. What came twice is counted: it had the
same id.
"""

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import orjson
import requests

from tests.bench.adapter import QUIET, adapter
from tests.bench.delivery import databases
from tests.bench.load import cpu_seconds, request
from tests.bench.pace import Pace, keep
from tests.bench.ticket import BASE
from tests.journeys.world import mapping_directory
from tmf_adapter.demo.processes import Process, start

PIECE = 10.0
"""Seconds of load between two words to whoever watches."""
CATCH_UP = 420.0
"""Seconds that the rest may take when the listener stays: more than the longest pause of a breaker."""
GROWTH = 1.15
"""What the last quarter's memory may be of the second's: caches are warm by then."""


class Memory:
    """Resident megabytes of a process, every second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.samples: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            status = Path(f"/proc/{self._pid}/status").read_text()
            self.samples.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)

    def quarters(self) -> list[float]:
        """The median of each quarter of the time."""
        self._over.set()
        self._thread.join()
        size = max(1, len(self.samples) // 4)
        return [round(statistics.median(self.samples[at * size : (at + 1) * size]), 1) for at in range(4)]


def soak(seconds: float, rate: float, database: str) -> dict[str, object]:
    """The figures of one run."""
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(databases(database, work))()
        listener = stack.enter_context(start("tests.soak.listener"))
        here = stack.enter_context(adapter(url, mapping_directory(work)))
        for path in ("/steady", "/flapping"):
            body = {"@type": "Hub", "callback": listener.url + path}
            requests.post(f"{here.url}{BASE}/hub", json=body, timeout=30).raise_for_status()
        memory, cpu = Memory(here.pid), cpu_seconds(here.pid)
        committed, refused = _load(here, seconds, rate)
        quarters, cpu = memory.quarters(), cpu_seconds(here.pid) - cpu
        requests.post(listener.url + "/up", timeout=30).raise_for_status()
        arrived, waited = _arrived(listener, committed)
        return {
            **{"database": database, "seconds": seconds, "rate": rate, "committed": committed, "refused": refused},
            **{path[1:]: {**figures, "lost": committed - figures["different"]} for path, figures in arrived.items()},
            **{"memory_mb": quarters, "cpu_cores": round(cpu / seconds, 2), "caught_up_after_s": round(waited, 1)},
        }


def _load(here: Process, seconds: float, rate: float) -> tuple[int, int]:
    """How many tickets were answered with 201, each of them one event, and how many with anything else."""
    create = request("POST", f"{BASE}/troubleTicket", orjson.dumps(QUIET))
    port = int(here.url.rpartition(":")[2])
    committed = refused = 0
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0.5:
        kept = keep(Pace(port, create, rate, min(PIECE, left)))
        committed += kept.statuses.get("201", 0)
        refused += sum(kept.statuses.values()) - kept.statuses.get("201", 0)
        print(f"{committed} committed, POST p99 {kept.p99:.0f} ms", file=sys.stderr, flush=True)
    return committed, refused


def _arrived(listener: Process, owed: int) -> tuple[dict[str, dict[str, int]], float]:
    """What each path accepted, once everything came or nothing more can be expected; and how long that took."""
    began = time.monotonic()
    while True:
        arrived: dict[str, dict[str, int]] = requests.get(listener.url, timeout=30).json()
        waited = time.monotonic() - began
        if all(figures["different"] >= owed for figures in arrived.values()) or waited > CATCH_UP:
            return arrived, waited
        time.sleep(0.5)


def holds(figures: dict[str, object]) -> bool:
    """Whether nothing was lost and memory stayed flat."""
    lost = sum(of["lost"] for of in figures.values() if isinstance(of, dict))
    quarters = figures["memory_mb"]
    assert isinstance(quarters, list)
    return bool(lost == 0 and quarters[3] <= GROWTH * quarters[1])


def main() -> None:
    """Run, print the figures, judge them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("databases", nargs="*", default=["SQLite", "PostgreSQL"], metavar="SQLite|PostgreSQL")
    options = parser.parse_args()
    held = []
    for database in options.databases:
        figures = soak(options.seconds / len(options.databases), options.rate, database)
        print(json.dumps(figures, indent=1), flush=True)
        held.append(holds(figures))
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
