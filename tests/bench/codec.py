"""(a) What routing, validation and dispatch cost, as a ratio to a bare Starlette handler that parses and answers.

``python -m tests.bench.codec [--rounds N] [--seconds S]``. Rounds alternate between the servers, so that whatever else
the machine does meets all of them; a ratio is the median over the rounds.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from contextlib import ExitStack

import orjson

from tests.bench.load import Order, Report, apply, request
from tests.bench.servers import Server, uvicorn
from tests.bench.ticket import BASE, TICKET

TARGET = 1.25

_APPS = ("bare", "stub", "desk")
_REQUESTS = {
    "POST": request("POST", f"{BASE}/troubleTicket", orjson.dumps(TICKET)),
    "GET": request("GET", f"{BASE}/troubleTicket/0199f6a2-7c1e-7f10-9d58-3b1a4c5e6f70"),
}
_EXPECTED = {"POST": "201", "GET": "200"}

Measured = dict[tuple[str, str], list[Report]]


def measure(rounds: int = 7, seconds: float = 1.5, say: Callable[[str], None] = lambda text: None) -> Measured:
    """Reports by server and method, one a round."""
    measured: Measured = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(uvicorn(app, f"tests.bench.codec_apps:{app}_app")) for app in _APPS]
        for number in range(rounds + 1):
            for method in _REQUESTS:
                for server in servers:
                    report = _load(server, method, seconds)
                    if number:  # the first round warms up
                        measured.setdefault((server.name, method), []).append(report)
            say(f"round {number} of {rounds}")
    return measured


def summary(measured: Measured) -> dict[str, dict[str, dict[str, float]]]:
    """By method and server: requests per second, CPU microseconds per request, and the ratio of these to bare."""
    return {
        method: {app: _figures(measured[app, method], measured["bare", method]) for app in _APPS}
        for method in _REQUESTS
    }


def table(figures: dict[str, dict[str, dict[str, float]]]) -> str:
    """The summary for people."""
    lines = [f"{'':16}{'req/s':>9}{'CPU us':>9}{'ratio':>8}{'lowest':>8}{'highest':>9}   target {TARGET}"]
    for method, apps in figures.items():
        for app, of in apps.items():
            numbers = (
                f"{of['per_second']:9.0f}{of['cpu_us']:9.1f}{of['ratio']:8.2f}{of['lowest']:8.2f}{of['highest']:9.2f}"
            )
            lines.append(f"{method + ' ' + app:16}{numbers}")
    return "\n".join(lines)


def _load(server: Server, method: str, seconds: float) -> Report:
    report = apply(Order(server.port, [_REQUESTS[method]], seconds=seconds, pid=server.pid))
    if set(report.statuses) != {_EXPECTED[method]}:
        raise RuntimeError(f"{server.name} answered {report.statuses} to {method}")
    return report


def _figures(ours: list[Report], bare: list[Report]) -> dict[str, float]:
    ratios = [one.cpu_per_request / other.cpu_per_request for one, other in zip(ours, bare, strict=True)]
    return {
        "per_second": statistics.median(report.per_second for report in ours),
        "cpu_us": statistics.median(report.cpu_per_request for report in ours),
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--json", action="store_true", help="figures as JSON instead of a table")
    options = parser.parse_args()
    figures = summary(measure(options.rounds, options.seconds))
    print(json.dumps(figures) if options.json else table(figures))


if __name__ == "__main__":
    main()
