"""(c) Notifications: how fast they are brought, how long from commit to arrival, what a bad neighbour costs, memory.

``python -m tests.bench.delivery [database ...]``. Everything is durable and goes over real HTTP; the adapter is a
process of its own, as it is served. The first seconds of a paced run are dropped.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import orjson
import requests

from tests.bench.adapter import QUIET, Figures, adapter, postgresql
from tests.bench.load import cpu_seconds, request
from tests.bench.pace import Kept, Pace, keep
from tests.bench.preload import owe
from tests.bench.ticket import BASE
from tests.journeys.world import mapping_directory
from tmf_adapter.demo.processes import Process, start

BACKLOG = 20_000
EVENTS_PER_SECOND = 200
WARM, SECONDS = 2.0, 8.0
TURN, TURNS = 4.0, 2
"""Seconds for which a neighbour hangs or is there, and how often it does both twice. It hangs for less than a POST may
take, and so is never parked."""
PARKED, MANY = 100_000, 1_000


def _register(here: Process, url: str) -> None:
    requests.post(f"{here.url}{BASE}/hub", json={"@type": "Hub", "callback": url}, timeout=30).raise_for_status()


@contextmanager
def _serving(url: str, work: Path, listeners: list[str]) -> Iterator[tuple[Process, Process]]:
    """An adapter and a sink, with a subscription for each path."""
    with ExitStack() as stack:
        sink = stack.enter_context(start("tests.bench.sink"))
        here = stack.enter_context(adapter(url, mapping_directory(work)))
        for path in listeners:
            _register(here, sink.url + path)
        yield here, sink


def paths(count: int) -> list[str]:
    return [f"/{number}" for number in range(count)]


def backlog(url: str, work: Path, subscribers: int) -> dict[str, float]:
    """Deliveries per second when much is owed: events were committed, and the adapter starts."""
    with start("tests.bench.sink") as sink:
        owe(url, [sink.url + path for path in paths(subscribers)], BACKLOG // subscribers)
        with adapter(url, mapping_directory(work)) as here:
            cpu, began = cpu_seconds(here.pid), time.time()
            done, last = 0, 0.0
            while done < BACKLOG and time.time() - began < 120:
                time.sleep(0.25)
                said = requests.get(sink.url, timeout=30).json()
                done, last = done + said["count"], max(last, said["last"])
            return {"per_second": done / (last - began), "cpu_us": (cpu_seconds(here.pid) - cpu) / done * 1e6}


def arrival(url: str, work: Path, listeners: list[str]) -> dict[str, float]:
    """From commit to arrival at a steady pace of new tickets, each one event for every subscriber."""
    with _serving(url, work, listeners) as (here, sink):
        _paced(here, WARM)
        requests.get(sink.url, timeout=30)
        cpu = cpu_seconds(here.pid)
        kept = _paced(here, SECONDS)
        owed = int(EVENTS_PER_SECOND * SECONDS) * len(listeners)
        said = _all_of(sink, owed)
        cpu = cpu_seconds(here.pid) - cpu
    return {
        **{f"{name}_ms": said[name] for name in ("p50", "p95", "p99")},
        "post_p50_ms": kept.p50,
        "post_p99_ms": kept.p99,
        "cpu_us": cpu / owed * 1e6,
        "cores": cpu / SECONDS,
        "load": os.getloadavg()[0],
    }


def neighbour(url: str, work: Path) -> dict[str, float]:
    """What one of ten listeners that hangs costs the other nine: in turn it hangs and is there, within one run, so that
    whatever else the machine does falls to both alike. ``ratio`` is that of the medians of p99."""
    each = int(EVENTS_PER_SECOND * TURN)
    seen: dict[str, list[float]] = {"hangs": [], "is-there": []}
    with _serving(url, work, [*paths(9), "/neighbour"]) as (here, sink):
        _paced(here, WARM)
        owed = int(EVENTS_PER_SECOND * WARM)
        for temper in ("hangs", "is-there", "is-there", "hangs") * TURNS:
            _until_caught_up(sink, owed)
            requests.get(f"{sink.url}/?{temper}", timeout=30)
            _paced(here, TURN)
            seen[temper].append(_all_of(sink, each * 9)["p99"])
            owed += each
    hanging, there = statistics.median(seen["hangs"]), statistics.median(seen["is-there"])
    return {"ratio": hanging / there, "p99_ms": hanging, "p99_without_ms": there, "load": os.getloadavg()[0]}


def _until_caught_up(sink: Process, owed: int) -> None:
    """The neighbour is there, and has everything that was kept for it; nothing is counted before that."""
    said: dict[str, float] = requests.get(sink.url + "/?is-there", timeout=30).json()
    end = time.monotonic() + 120
    while said["neighbour"] < owed:
        if time.monotonic() > end:
            raise RuntimeError(f"the neighbour has {said['neighbour']} of {owed}")
        time.sleep(0.25)
        said = requests.get(sink.url, timeout=30).json()


def _all_of(sink: Process, owed: int) -> dict[str, float]:
    """The sink's report on ``owed`` notifications, once they have all come."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        said: dict[str, float] = requests.get(sink.url + "/?keep", timeout=30).json()
        if said["count"] >= owed:
            return said
        time.sleep(0.25)
    raise RuntimeError(f"{said['count']} of {owed} notifications arrived")


def _paced(here: Process, seconds: float) -> Kept:
    create = request("POST", f"{BASE}/troubleTicket", orjson.dumps(QUIET))
    kept = keep(Pace(int(here.url.rpartition(":")[2]), create, EVENTS_PER_SECOND, seconds))
    if set(kept.statuses) != {"201"}:
        raise RuntimeError(f"answered {kept.statuses}\n{here.log()[-2000:]}")
    return kept


def memory(url: str, work: Path) -> dict[str, float]:
    """Resident memory with many subscribers that are away and much parked for them, at the start and later."""
    owe(url, [f"http://127.0.0.1:9/{number}" for number in range(MANY)], PARKED // MANY)
    with adapter(url, mapping_directory(work)) as here:
        time.sleep(10)
        before, cpu = _resident(here), cpu_seconds(here.pid)
        time.sleep(30)
        after, cpu = _resident(here), cpu_seconds(here.pid) - cpu
    return {"before_mb": before, "after_mb": after, "cores": cpu / 30}


def _resident(here: Process) -> float:
    status = Path(f"/proc/{here.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def measure(database: str, fresh: Callable[[], str], work: Path, say: Callable[[str], None]) -> Figures:
    """Every figure of one database; ``fresh`` makes an empty one."""
    figures: Figures = {}

    def note(name: str, of: dict[str, float]) -> None:
        figures[f"{database} {name}"] = of
        say(f"{database} {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in of.items()))

    for count in (1, 10):
        note(f"{BACKLOG} deliveries, {count} subscribers", backlog(fresh(), work, count))
        pace = f"commit to arrival, {EVENTS_PER_SECOND} events/s, {count} subscribers"
        note(pace, arrival(fresh(), work, paths(count)))
    note("the others' p99, one of ten hanging to none", neighbour(fresh(), work))
    note(f"{MANY} subscribers away, {PARKED} parked", memory(fresh(), work))
    return figures


@contextmanager
def databases(kind: str, work: Path) -> Iterator[Callable[[], str]]:
    """Makes empty databases of one kind."""
    made = iter(range(100))
    if kind == "SQLite":
        yield lambda: f"sqlite:///{work / f'delivery{next(made)}.db'}"
        return
    import psycopg

    with postgresql() as url:

        def create() -> str:
            name = f"delivery{next(made)}"
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return url.replace("/postgres?", f"/{name}?")

        yield create


def run(say: Callable[[str], None] = lambda text: None, kinds: tuple[str, ...] = ("SQLite", "PostgreSQL")) -> Figures:
    """Both databases."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        for kind in kinds:
            with databases(kind, work) as fresh:
                figures |= measure(kind, fresh, work, say)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", default=["SQLite", "PostgreSQL"])
    print(json.dumps(run(print, tuple(parser.parse_args().databases)), indent=1))


if __name__ == "__main__":
    main()
