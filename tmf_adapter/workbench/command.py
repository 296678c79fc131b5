"""``tmf-adapter mapping ...``: its verbs and their options."""

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

from tmf_adapter.mapping.duration import duration_of
from tmf_adapter.settings import shipped
from tmf_adapter.tmf.events import Kind
from tmf_adapter.tmf.time import utc_now


def add(commands: Any) -> None:
    """The command with all that it can do; ``commands`` are argparse's subparsers."""
    mapping = commands.add_parser("mapping", help="check mapping files and try them out")
    verbs = mapping.add_subparsers(required=True, metavar="COMMAND")

    check = verbs.add_parser("lint", help="say what is wrong with a directory of mapping files")
    check.add_argument("directory", nargs="?", type=Path, default=shipped("mappings"))
    _json_option(check)
    check.set_defaults(run=_lint)

    why = verbs.add_parser("explain", help="say why a ticket starts a recovery, or why it does not")
    why.add_argument("ticket", help="a stored ticket's id, or a JSON file that ends in .json")
    _trying_options(why)
    why.set_defaults(run=_explain)

    simulate = verbs.add_parser("simulate", help="say what mappings would do with a ticket, or with stored ones")
    simulate.add_argument("ticket", nargs="?", help="a JSON file that ends in .json, or a stored ticket's id")
    simulate.add_argument("--since", type=_moment, help="all that changed since: P7D, PT12H, 2026-11-24T08:00:00Z")
    _trying_options(simulate)
    simulate.set_defaults(run=_simulate)

    test = verbs.add_parser("test", help="run the cases of mappings")
    test.add_argument("mappings", nargs="?", type=Path, default=shipped("mappings"), help="a directory or a file of it")
    test.set_defaults(run=_test)

    schema = verbs.add_parser("schema", help="print the JSON Schema of mapping files, for editors")
    schema.set_defaults(run=_schema)


def _trying_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mappings", "--mapping", type=Path, metavar="FILE|DIR", help="default: the setting's")
    parser.add_argument("--database", metavar="URL", help="sqlite:///file.db or postgresql://...")
    parser.add_argument("--before", type=Path, metavar="FILE", help="the ticket before, for one from a file")
    kinds = [kind.value for kind in Kind if kind is not Kind.INFORMATION_REQUIRED]
    parser.add_argument("--event", action="append", choices=kinds, help="what happened to it; default: by its status")
    _json_option(parser)


def _json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def _moment(text: str) -> datetime:
    try:
        return utc_now() - duration_of(text.upper())
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a duration such as P7D nor a point in time") from error
    return found if found.tzinfo else found.astimezone()


# Whoever reads the command line needs neither CEL nor SQLAlchemy: each verb loads what it is made of.


def _lint(options: argparse.Namespace) -> int:
    from tmf_adapter.workbench.check import lint

    return lint(options)


def _test(options: argparse.Namespace) -> int:
    from tmf_adapter.workbench.check import test

    return test(options)


def _schema(options: argparse.Namespace) -> int:
    from tmf_adapter.workbench.check import schema

    return schema(options)


def _explain(options: argparse.Namespace) -> int:
    from tmf_adapter.workbench.try_out import explain

    return explain(options)


def _simulate(options: argparse.Namespace) -> int:
    from tmf_adapter.workbench.try_out import simulate

    return simulate(options)
