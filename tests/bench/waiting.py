"""(c) What 10,000 waiting recoveries cost an adapter that does nothing else: memory, and a core's time.

``python -m tests.bench.waiting``. The rows are those that recoveries leave which wait for a result: the recovery, its
operation, and the promise that ends the wait. An adapter is served on a database without them and on one with them.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from tests.bench.adapter import Figures, adapter, postgresql
from tests.bench.load import cpu_seconds
from tests.journeys.world import mapping_directory
from tmf_adapter.demo.processes import Process
from tmf_adapter.engine import Engine
from tmf_adapter.mapping.document import load
from tmf_adapter.recovery import store
from tmf_adapter.recovery.kinds import DEADLINE
from tmf_adapter.recovery.recovery import Operation, Recovery, Stage
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.schema import upgrade
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.time import utc_now

WAITING = 10_000
SETTLE_SECONDS = 8.0
WATCHED_SECONDS = 30.0
_BATCH = 250


async def prepare(url: str, mappings: Path, waiting: int) -> None:
    """A database with so many recoveries that wait for eight hours."""
    database = Database(url)
    upgrade(database)
    engine, [mapping] = Engine(database), load(mappings)
    await engine.launch({})
    due = utc_now() + timedelta(hours=8)
    scope = {"t": {"id": "T", "status": "inProgress", "description": "No light" * 20}, "episode": 1}

    def work(tx: Connection, first: int) -> None:
        for number in range(first, first + _BATCH):
            recovery = Recovery(new_id(), mapping, f"T{number}", 1, scope)
            store.insert_recovery(tx, recovery)
            id_ = new_id()
            request = {"description": "No light" * 20}
            call = "tmf656.createServiceProblem"
            store.insert_operation(
                tx, Operation(id_, recovery.id, "problem", Stage.MINTED, call, "serviceProblem", request)
            )
            store.answer_operation(tx, id_, f"sp-{number}", {"id": f"sp-{number}", **request}, due)
            engine.start(tx, DEADLINE, id_, due)

    for first in range(0, waiting, _BATCH):
        await database.write(lambda tx, at=first: work(tx, at))
    await engine.close()
    database.close()


def cost(url: str, mappings: Path) -> dict[str, float]:
    """Resident memory (MB) and part of a core (per cent) of an adapter on that database."""
    with adapter(url, mappings) as here:
        time.sleep(SETTLE_SECONDS)
        began, cpu = time.perf_counter(), cpu_seconds(here.pid)
        time.sleep(WATCHED_SECONDS)
        seconds = time.perf_counter() - began
        return {"mb": _resident(here), "core_percent": (cpu_seconds(here.pid) - cpu) / seconds * 100}


def _resident(process: Process) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kilobytes) / 1024


def measure(database: str, empty: str, full: str, work: Path, say: Callable[[str], None]) -> Figures:
    """Without and with them, on two databases of one kind."""
    mappings = mapping_directory(work)
    asyncio.run(prepare(empty, mappings, 0))
    asyncio.run(prepare(full, mappings, WAITING))
    figures = {
        f"{database} with none waiting": cost(empty, mappings),
        f"{database} with {WAITING} waiting": cost(full, mappings),
    }
    say(f"{database}: waiting recoveries")
    return figures


def run(say: Callable[[str], None] = lambda text: None) -> Figures:
    """Both databases."""
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        figures = measure("SQLite", f"sqlite:///{work / 'none.db'}", f"sqlite:///{work / 'many.db'}", work, say)
    with tempfile.TemporaryDirectory() as directory, postgresql() as none, postgresql() as many:
        figures |= measure("PostgreSQL", none, many, Path(directory), say)
    return figures


def main() -> None:
    """Measure and print."""
    print(json.dumps(run(print), indent=1))


if __name__ == "__main__":
    main()
