"""One verb of a command: what it asks of the adapter, how it shows the answer, and what its exit code says."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from tmf_adapter.commands.client import Client, Refused, Unreachable, connecting, printed

Run = Callable[[Client, argparse.Namespace], Any]
Show = Callable[[Any], str]


def verb(verbs: Any, name: str, help_: str, run: Run, show: Show) -> argparse.ArgumentParser:
    """Add it to argparse's subparsers ``verbs``; its own arguments are the caller's to add."""
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help_, parents=[connecting()])
    parser.set_defaults(run=lambda options: _answered(options, run, show))
    return parser


def _answered(options: argparse.Namespace, run: Run, show: Show) -> int:
    """0 when it was done, 1 when the adapter refused, 2 when it could not be asked."""
    try:
        with Client(options.url, options.ca) as client:
            document = run(client, options)
    except Refused as error:
        print(f"tmf-adapter: {error}", file=sys.stderr)
        return 1
    except (Unreachable, OSError, ValueError) as error:
        print(f"tmf-adapter: {error}", file=sys.stderr)
        return 2
    print(printed(document) if options.json else show(document))
    return 0
