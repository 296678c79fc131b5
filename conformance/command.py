"""``tmf-adapter conformance``: the options, the run and its exit code."""

import argparse
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.keys import EXAMPLES, KEYS
from conformance.verdict import Level, Outcome, Part, Verdict

if TYPE_CHECKING:  # what judges is loaded when something is judged, not whenever the command line is read
    from conformance.judge import Order
    from conformance.listener import Listener


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--base-url", metavar="URL", help="the server to judge; default: this adapter, started for it")
    parser.add_argument(
        "--api",
        metavar="KEY[=URL],...",
        default="",
        help=f"which of {', '.join(KEYS)}, each if need be with its own address; default: all that are offered",
    )
    parser.add_argument("--token", help="sent as a bearer token")
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'", help="sent with each request")
    parser.add_argument("--seed", type=int, default=1, help="decides the generated requests (%(default)s)")
    generated = parser.add_mutually_exclusive_group()
    generated.add_argument(
        "--examples",
        type=int,
        metavar="N",
        default=EXAMPLES,
        help="random requests to each operation: the same ones each time, however long they take (%(default)s)",
    )
    generated.add_argument(
        "--seconds",
        type=int,
        metavar="N",
        default=0,
        help="instead: generated requests for so long in all, every member of every body in turn among them; "
        "how many there are depends on the machine",
    )
    parser.add_argument(
        "--level",
        type=Level,
        choices=list(Level),
        default=Level.REQUIRED,
        help="up to which level a clause that is not met counts (%(default)s)",
    )
    parser.add_argument("--parts", default=",".join(Part), help="which parts look (%(default)s)")
    parser.add_argument("--samples", type=Path, metavar="DIR", help="TM Forum's samples, with a MANIFEST.json")
    parser.add_argument(
        "--standard", type=Path, metavar="DIR", help="the standard's files, to compare our documents with"
    )
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="where notifications are taken")
    parser.add_argument(
        "--callback", default="", metavar="URL", help="what the server is to call it; default: that address"
    )
    parser.add_argument("--no-events", action="store_true", help="the server cannot reach this machine")
    parser.add_argument(
        "--patience", type=float, default=10.0, metavar="SECONDS", help="for a notification (%(default)s)"
    )
    parser.add_argument(
        "--reports", type=Path, default=Path("conformance/reports"), metavar="DIR", help="(%(default)s)"
    )


def run(options: argparse.Namespace, documents: Path) -> int:
    """Judge a server and write the reports: 0 when nothing counts against it, 1 when something does, 2 without it."""
    from conformance import judge, own, report
    from conformance.listener import Listener

    with ExitStack() as stack:
        try:
            url, log = (options.base_url, None) if options.base_url else stack.enter_context(own.running())
            listener = None
            if not options.no_events:
                host, _, port = options.listen.rpartition(":")
                listener = stack.enter_context(Listener(host, int(port), options.callback))
            order = _order(options, url, documents, listener)
            started, clock = datetime.now(UTC), time.monotonic()
            verdicts = [_told(verdict) for verdict in judge.judge(order)]
            if log:  # what an incident in a report was
                options.reports.mkdir(parents=True, exist_ok=True)
                (options.reports / "adapter.log").write_bytes(log.read_bytes())
        except (own.DidNotStart, judge.Unreachable) as error:
            print(f"tmf-adapter: nothing to judge: {error}", file=sys.stderr)
            return 2
    seconds = time.monotonic() - clock
    result = report.Run(url, options.level, options.seed, started, seconds, verdicts)
    page, record = report.write(result, options.reports)
    print("\n".join(["", *report.lines(result)]))
    print(f"{page}  {record}")
    return 0 if result.conforms else 1


def _order(options: argparse.Namespace, url: str, documents: Path, listener: "Listener | None") -> "Order":
    from conformance.judge import Order
    from conformance.properties import Amount

    headers = dict(_header(text) for text in options.header)
    if options.token:
        headers["Authorization"] = f"Bearer {options.token}"
    return Order(
        base_url=url,
        documents=documents,
        apis=dict(_chosen(text) for text in options.api.split(",") if text),
        headers=headers,
        seed=options.seed,
        amount=Amount(options.examples, options.seconds),
        samples=options.samples,
        standard=options.standard,
        parts=frozenset(Part(part) for part in options.parts.split(",")),
        listener=listener,
        patience=options.patience,
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise SystemExit(f"--header {text!r}: write it as 'Name: value'")
    return name.strip(), value.strip()


def _chosen(text: str) -> tuple[str, str]:
    key, _, url = text.partition("=")
    if key not in KEYS:
        raise SystemExit(f"--api {key!r}: choose from {', '.join(KEYS)}")
    return key, url


def _told(verdict: Verdict) -> Verdict:
    """The verdict, shown while the next one is looked for."""
    mark = {Outcome.PASSED: ".", Outcome.FAILED: "F", Outcome.EXCUSED: "e"}.get(verdict.outcome, "s")
    print(mark, end="", flush=True)
    return verdict
