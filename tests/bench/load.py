"""A load generator that is never the bottleneck: prebuilt requests, keep-alive, no more parsing than it takes.

It runs as a process of its own (``python -m tests.bench.load``, its order on stdin and its report on stdout, both
JSON), so that what it costs is not charged to the server, and reads the server's CPU time at both ends of its window.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")
_LENGTH = b"\r\ncontent-length: "
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Order:
    """``requests`` are sent in turn, over all connections, until ``seconds`` are over or ``limit`` are answered.

    ``pid`` is the server's, whose CPU is read; 0 for none. Latin-1 text, to be JSON.
    """

    port: int
    requests: list[str]
    connections: int = 32
    seconds: float = 2.0
    limit: int = 0
    pid: int = 0
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class Report:
    """What came back. ``cpu`` is the server's, user and system, in seconds; latencies are in milliseconds."""

    requests: int
    seconds: float
    cpu: float
    p50: float
    p95: float
    p99: float
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def cpu_per_request(self) -> float:
        """Microseconds of server CPU."""
        return self.cpu / self.requests * 1e6


def request(method: str, target: str, body: bytes = b"", content_type: str = "application/json") -> str:
    """The bytes of one HTTP/1.1 request, as text."""
    lines = [f"{method} {target} HTTP/1.1", "Host: bench", "Accept: application/json", "User-Agent: bench"]
    if body:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]) + body.decode("latin-1")


def apply(order: Order) -> Report:
    """Run the load in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        cwd=_ROOT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the load generator failed: {done.stderr}")
    return Report(**json.loads(done.stdout))


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its threads have used since it began."""
    if not pid:
        return 0.0
    # the name, in parentheses, may hold spaces; utime and stime are the 14th and 15th field
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class _Connection(asyncio.Protocol):
    """One request at a time; the next goes out as soon as the response is whole."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._received = b""
        self._missing = 0
        self._sent = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._received += data
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._received[:end]
            self._load.statuses[head[9:12]] += 1
            at = head.find(_LENGTH)
            length = int(head[at + len(_LENGTH) :].partition(b"\r")[0]) if at >= 0 else 0
            self._missing = end + 4 + length - len(self._received)
            self._received = b""
        if not self._missing:
            self._load.latencies.append(time.perf_counter() - self._sent)
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._load.done.done():
            self._load.done.set_exception(ConnectionError(f"the server closed a connection: {exc}"))

    def _send(self) -> None:
        if self._load.over():
            return
        self._sent = time.perf_counter()
        self._transport.write(next(self._load.requests))


class _Load:
    """What all connections share."""

    def __init__(self, order: Order) -> None:
        self.requests: Iterator[bytes] = cycle([text.encode("latin-1") for text in order.requests])
        self.latencies: list[float] = []
        self.statuses: Counter[bytes] = Counter()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._limit = order.limit or sys.maxsize
        self._end = time.perf_counter() + order.seconds

    def over(self) -> bool:
        """Whether nothing more is to be sent; up to one response a connection is under way then and not counted."""
        if len(self.latencies) < self._limit and time.perf_counter() < self._end:
            return False
        if not self.done.done():
            self.done.set_result(None)
        return True


async def _run(order: Order) -> Report:
    load = _Load(order)
    loop = asyncio.get_running_loop()
    began, cpu = time.perf_counter(), cpu_seconds(order.pid)
    for _ in range(order.connections):
        await loop.create_connection(lambda: _Connection(load), order.host, order.port)
    await load.done
    seconds, cpu = time.perf_counter() - began, cpu_seconds(order.pid) - cpu
    latencies = sorted(load.latencies)
    statuses = {status.decode(): count for status, count in load.statuses.items()}
    return Report(len(latencies), seconds, cpu, *_percentiles(latencies), statuses)


def _percentiles(latencies: Sequence[float]) -> list[float]:
    return [1_000 * latencies[int(part * (len(latencies) - 1))] for part in (0.5, 0.95, 0.99)]


def main() -> None:
    """Take an order, deliver a report."""
    import uvloop

    order = Order(**json.load(sys.stdin))
    json.dump(asdict(uvloop.run(_run(order))), sys.stdout)


if __name__ == "__main__":
    main()
