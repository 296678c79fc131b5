"""The command line: ``tmf-adapter serve | demo | conformance | mapping ... | delivery ... | recovery ... | db ...``."""

import argparse
import gc
import logging
import sys
from collections.abc import Sequence
from dataclasses import fields

from conformance import command as conformance
from tmf_adapter import __version__
from tmf_adapter.commands import delivery, recovery
from tmf_adapter.settings import BadSetting, Settings, shipped, unusable, variable
from tmf_adapter.tmf.errors import AdapterError
from tmf_adapter.workbench import command as mapping


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code. Bad settings and faulty mappings are 2, with their cause on standard error."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every look at the schema
    try:
        return int(options.run(options))
    except BadSetting as error:
        print(f"tmf-adapter: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tmf-adapter", description=__doc__.split(":")[0])
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser(
        "serve",
        help="run the adapter",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Settings from the environment:\n" + _variables(),
    )
    _database_option(serve)
    serve.add_argument("--host", metavar="H")
    serve.add_argument("--port", metavar="P")
    serve.add_argument("--mappings", metavar="DIR")
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="play three tickets against a downstream and a subscriber")
    demo.set_defaults(run=_demo)

    judge = commands.add_parser("conformance", help="judge a TMF621 or TMF656 server, this one or any other")
    conformance.add_options(judge)
    judge.set_defaults(run=lambda options: conformance.run(options, shipped("openapi")))

    mapping.add(commands)
    delivery.add(commands)
    recovery.add(commands)

    db = commands.add_parser("db", help="work with the database").add_subparsers(required=True)
    upgrade = db.add_parser("upgrade", help="bring the tables to this version; serve does so by itself")
    _database_option(upgrade)
    upgrade.set_defaults(run=_upgrade)
    return parser


def _database_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", metavar="URL", help="sqlite:///file.db or postgresql://...")


def _variables() -> str:
    lines = (f"  {variable(each)}\n      {each.metadata['help']}" for each in fields(Settings))
    return "\n".join(lines)


def _serve(options: argparse.Namespace) -> int:
    settings = Settings.read(host=options.host, port=options.port, database=options.database, mappings=options.mappings)
    gc.disable()  # what the start makes stays: looking for garbage in it is a seventh of the work, until it settles
    try:
        from tmf_adapter.serving import serve

        return serve(settings)
    finally:
        gc.enable()


def _demo(_options: argparse.Namespace) -> int:
    from tmf_adapter.demo.story import run

    return run()


def _upgrade(options: argparse.Namespace) -> int:
    from tmf_adapter.storage.database import Database
    from tmf_adapter.storage.schema import upgrade

    url = Settings.read(database=options.database).database
    database = Database(url)
    try:
        upgrade(database)
    except AdapterError as error:
        raise unusable(url, error) from error
    finally:
        database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
