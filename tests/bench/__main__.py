"""``make bench``: everything in one run; figures to ``bench.json`` and as a table."""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tests.bench import adapter, codec, delivery, filters, planning, waiting

_COLUMNS = (
    "per_second",
    "cpu_us",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "of_bare",
    "before_mb",
    "after_mb",
    "mb",
    "core_percent",
)
_FILTERS = ("ms", "by_hand_ms", "ratio")


def main() -> None:
    """Measure the codec path, the whole adapter and its notifications; relate requests to bare Starlette's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of the codec comparison")
    options = parser.parse_args()
    path = codec.summary(codec.measure(options.rounds, say=print))
    whole = adapter.run(print) | delivery.run(print) | waiting.run(print)
    for name, figures in whole.items():
        method = next((word for word in ("GET", "POST") if f" {word}" in name), None)
        if method:
            figures["of_bare"] = figures["per_second"] / path[method]["bare"]["per_second"]
    planned = {"indexed": planning.measure(), "every line": planning.measure(indexed=False)}
    lists = filters.run(print)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    Path("bench.json").write_text(
        json.dumps(
            {"machine": machine, "codec": path, "planning": planned, "adapter": whole, "filters": lists}, indent=1
        )
    )
    print(codec.table(path), "", planning.table(planned), "", table(whole), "", table(lists, _FILTERS), sep="\n")


def table(figures: adapter.Figures, columns: Sequence[str] = _COLUMNS) -> str:
    """The whole adapter's figures for people."""
    width = max(map(len, figures)) + 2
    lines = [" " * width + "".join(f"{column:>12}" for column in columns)]
    for name, of in figures.items():
        lines.append(f"{name:{width}}" + "".join(f"{_shown(of.get(column)):>12}" for column in columns))
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


if __name__ == "__main__":
    main()
