"""Requests at a steady pace, over as many connections as are busy; sends on time whether or not answers are late.

``python -m tests.bench.pace``: its order on stdin, its report on stdout, both JSON. Latency counts from the moment a
request was to be sent, so that a server which stalls cannot hide it.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Pace:
    """``request`` is sent ``per_second`` times a second for ``seconds``."""

    port: int
    request: str
    per_second: float
    seconds: float


@dataclass(frozen=True)
class Kept:
    """How the pace was kept: answers by status, and their latency in milliseconds."""

    statuses: dict[str, int]
    p50: float
    p99: float


def keep(pace: Pace) -> Kept:
    """Run it in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.pace"],
        input=json.dumps(asdict(pace)),
        capture_output=True,
        text=True,
        cwd=_ROOT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the pace was not kept: {done.stderr[-2000:]}")
    return Kept(**json.loads(done.stdout))


class _Paced:
    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._request = pace.request.encode("latin-1")
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []

    async def run(self) -> None:
        began, tasks = time.perf_counter(), set()
        for number in range(int(self._pace.per_second * self._pace.seconds)):
            at = began + number / self._pace.per_second
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            tasks.add(asyncio.create_task(self._send(at)))
        await asyncio.gather(*tasks)

    async def _send(self, at: float) -> None:
        reader, writer, head = await self._exchanged()
        length = head.lower().find(b"content-length: ")
        if length >= 0:
            await reader.readexactly(int(head[length + 16 :].partition(b"\r")[0]))
        self.statuses[head[9:12].decode()] += 1
        self.latencies.append((time.perf_counter() - at) * 1_000)
        self._idle.append((reader, writer))

    async def _exchanged(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        """The request is sent and the head of its answer read; once more if the server closed an idle connection."""
        while True:
            used = bool(self._idle)
            reader, writer = self._idle.pop() if used else await asyncio.open_connection("127.0.0.1", self._pace.port)
            try:
                writer.write(self._request)
                return reader, writer, await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                if not used:
                    raise


def main() -> None:
    """Keep the pace that stdin asks for."""
    import uvloop

    paced = _Paced(Pace(**json.loads(sys.stdin.read())))
    uvloop.run(paced.run())
    latencies = sorted(paced.latencies)
    p50, p99 = (latencies[int(part * (len(latencies) - 1))] for part in (0.5, 0.99))
    print(json.dumps({"statuses": paced.statuses, "p50": p50, "p99": p99}))


if __name__ == "__main__":
    main()
