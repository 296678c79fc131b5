"""One verb of a command: what it asks of the adapter, how it shows the answer, and what its exit code says."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # requests are loaded when something is asked, not whenever the command line is read
    from tmf_adapter.commands.client import Client

URL_VARIABLE = "TMF_ADAPTER_URL"
DEFAULT_URL = "http://127.0.0.1:8621"

Run = Callable[["Client", argparse.Namespace], Any]
Show = Callable[[Any], str]


def verb(verbs: Any, name: str, help_: str, run: Run, show: Show) -> argparse.ArgumentParser:
    """Add it to argparse's subparsers ``verbs``; its own arguments are the caller's to add."""
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help_, parents=[_connecting()])
    parser.set_defaults(run=lambda options: _answered(options, run, show))
    return parser


def _answered(options: argparse.Namespace, run: Run, show: Show) -> int:
    """0 when it was done, 1 when the adapter refused, 2 when it could not be asked."""
    from tmf_adapter.commands.client import Client, Refused, Unreachable

    try:
        with Client(options.url, options.ca) as client:
            document = run(client, options)
    except Refused as error:
        print(f"tmf-adapter: {error}", file=sys.stderr)
        return 1
    except (Unreachable, OSError, ValueError) as error:
        print(f"tmf-adapter: {error}", file=sys.stderr)
        return 2
    print(_printed(document) if options.json else show(document))
    return 0


def _connecting() -> argparse.ArgumentParser:
    """The options that every command has; a parent for its parser."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--url", help=f"the adapter; default: ${URL_VARIABLE} or {DEFAULT_URL}")
    parent.add_argument("--ca", metavar="FILE", help="certificates to trust instead of the usual ones")
    parent.add_argument("--json", action="store_true", help="print what was answered as JSON")
    return parent


def _printed(document: Any) -> str:
    """As JSON for a program."""
    return json.dumps(document, indent=2, ensure_ascii=False)
