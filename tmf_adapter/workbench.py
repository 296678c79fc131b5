"""``tmf-adapter mapping ...``: mappings checked, explained, simulated and tested; nothing is sent, nothing written."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tmf_adapter.mapping.document import Mappings
from tmf_adapter.mapping.duration import duration_of
from tmf_adapter.mapping.faults import BadMapping, MappingFault
from tmf_adapter.mapping.lint import lint, load_checked, report_lines
from tmf_adapter.mapping.plan import NOTHING_ELSE, Explanation, Facts
from tmf_adapter.recovery.facts import facts_of, switched_off
from tmf_adapter.recovery.history import changed_since, changes_of, stored_ticket
from tmf_adapter.recovery.registry import BadDownstreams, Registry
from tmf_adapter.recovery.rehearse import Rehearsal
from tmf_adapter.recovery.trying import Tried, attempt, failures
from tmf_adapter.settings import BadSetting, Settings, shipped
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.errors import AdapterError
from tmf_adapter.tmf.events import Author, Change, Doc, Kind, Stored, raise_event
from tmf_adapter.tmf.time import stamp, utc_now

TICKETS_LIMIT = 10_000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


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


# -- lint and test -----------------------------------------------------------------------------------------------------


def _lint(options: argparse.Namespace) -> int:
    faults = lint(options.directory, _registry().operations)
    errors = [fault for fault in faults if fault.severity == "error"]
    if options.json:
        print(json.dumps([asdict(fault) for fault in faults], indent=1))
    else:
        _say(*report_lines(faults), *([] if errors else [f"{options.directory}: ok"]))
    return 1 if errors else 0


def _test(options: argparse.Namespace) -> int:
    """Exit code 1 when a case fails, and when there is none: nobody should think that something was tested."""
    passed = failed = 0
    for mapping in chosen(options.mappings):
        for case in mapping.tests:
            wrong = failures(mapping, case, utc_now())
            _say(f"{'FAILED' if wrong else 'passed'}  {mapping.id}: {case.name}", *(f"        {one}" for one in wrong))
            passed, failed = passed + (not wrong), failed + bool(wrong)
    _say(f"{passed} passed, {failed} failed" if passed or failed else f"{options.mappings}: no mapping has a case")
    return 0 if passed and not failed else 1


def _schema(_options: argparse.Namespace) -> int:
    from tmf_adapter.mapping.schema import mapping_schema

    print(json.dumps(mapping_schema(), indent=2))
    return 0


def chosen(path: Path) -> Mappings:
    """The mappings of a directory, or one file of it with the directory's defaults. Raises ``BadSetting``."""
    directory = path if path.is_dir() else path.parent
    try:
        found = load_checked(directory, _registry().operations)
    except BadMapping as error:
        raise BadSetting("the mappings have faults:\n" + "\n".join(report_lines(_of(path, error.faults)))) from error
    if path.is_dir():
        return found
    alone = [mapping for mapping in found if Path(mapping.file) == path]
    if not alone:
        raise BadSetting(f"{path}: is no mapping file")
    return Mappings(alone, found.reasons)


def _registry() -> Registry:
    """The downstreams as the server would have them. Raises ``BadSetting``."""
    settings = Settings.read()
    try:
        return Registry.of(settings.downstreams, settings.tmf656_url)
    except BadDownstreams as error:
        raise BadSetting(f"the downstreams have faults:\n{error}") from error


def _of(path: Path, faults: tuple[MappingFault, ...]) -> list[MappingFault]:
    own = [fault for fault in faults if Path(fault.file) == path]
    return own or list(faults)


# -- explain and simulate ----------------------------------------------------------------------------------------------


def _explain(options: argparse.Namespace) -> int:
    moment, change, facts = next(iter(_changes(options, options.ticket)))
    tried = attempt(_mappings(options), change, moment, facts=facts)
    if options.json:
        print(json.dumps([asdict(one) for one in tried.explanations], indent=1, default=str))
    else:
        _say(_headline(moment, change), *(line for one in tried.explanations for line in _explained(one)))
    return 0


def _simulate(options: argparse.Namespace) -> int:
    if bool(options.ticket) == bool(options.since):
        raise BadSetting("say either which ticket, or --since when")
    mappings = _mappings(options)
    seen = caught = 0
    answer: list[Doc] = []
    for moment, change, facts in _changes(options, options.ticket):
        tried = attempt(mappings, change, moment, facts=facts)
        seen, caught = seen + 1, caught + bool(tried.starts)
        if options.json:
            answer.append(_as_json(moment, change, tried))
        elif tried.starts or options.ticket:
            _say(_headline(moment, change), *_simulated(tried))
    if options.json:
        print(json.dumps(answer, indent=1, default=str))
    else:
        _say(f"{seen} changes, {caught} of them start a recovery; nothing was sent")
    return 0


def _mappings(options: argparse.Namespace) -> Mappings:
    return chosen(options.mappings or Settings.read().mappings or shipped("mappings"))


Told = tuple[datetime, Change, Facts]


def _changes(options: argparse.Namespace, ticket: str | None) -> Iterator[Told]:
    if ticket and ticket.endswith(".json"):
        yield utc_now(), _from_file(Path(ticket), options.before, options.event), NOTHING_ELSE
        return
    database = Database(Settings.read(database=options.database).database)
    try:
        yield from _stored(database, options, ticket)
    except AdapterError as error:
        raise BadSetting(f"{database.url}: {error.reason} {error.__cause__ or ''}") from error
    finally:
        database.close()


def _stored(database: Database, options: argparse.Namespace, ticket: str | None) -> Iterator[Told]:
    mappings = _mappings(options)
    # What is switched off explains why a ticket was not caught; what it would do is asked of mappings as they are.
    explains = options.run is _explain
    off = asyncio.run(database.read(switched_off)) if explains else frozenset[str]()
    reachable = _registry().reachable if explains else None
    since: datetime = _LONG_AGO if ticket else options.since
    ids = [ticket] if ticket else asyncio.run(database.read(lambda tx: changed_since(tx, since)))
    if len(ids) > TICKETS_LIMIT:
        print(f"only the first {TICKETS_LIMIT} of {len(ids)} tickets are looked at", file=sys.stderr)
    for id_ in ids[:TICKETS_LIMIT]:
        found = asyncio.run(database.read(lambda tx, id_=id_: list(changes_of(tx, id_))))  # type: ignore[misc]
        told = [one for one in found if one[0] >= since]
        if ticket:
            told = told[-1:] or _as_it_stands(database, ticket)
        for moment, change in told:
            facts = asyncio.run(facts_of(database, mappings, change, off))
            yield moment, change, replace(facts, reachable=reachable)


def _as_it_stands(database: Database, ticket: str) -> list[tuple[datetime, Change]]:
    """A ticket whose events are no longer kept, as if it had just been opened."""
    stored = asyncio.run(database.read(lambda tx: stored_ticket(tx, ticket)))
    if stored is None:
        raise BadSetting(f"there is no ticket {ticket!r} in {database.url}")
    event = raise_event(Kind.CREATE, "troubleTicket", stored.document, utc_now())
    return [(utc_now(), Change("troubleTicket", None, stored, (event,), Author.CLIENT))]


def _from_file(path: Path, before: Path | None, kinds: list[str] | None) -> Change:
    after, was = _read(path), _read(before) if before else None
    told = [Kind(kind) for kind in kinds or ()]
    if not told:
        moved = was is not None and was.get("status") != after.get("status")
        told = [Kind.CREATE if was is None else Kind.STATUS if moved else Kind.ATTRIBUTE]
    events = tuple(raise_event(kind, "troubleTicket", after, utc_now()) for kind in told)
    return Change("troubleTicket", Stored(was) if was else None, Stored(after), events, Author.CLIENT)


def _read(path: Path) -> Doc:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadSetting(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadSetting(f"{path}: must hold one trouble ticket")
    return {"id": path.stem, "status": "acknowledged", **found}


# -- what is shown -----------------------------------------------------------------------------------------------------


def _headline(moment: datetime, change: Change) -> str:
    was = f"{change.before.status} -> " if change.before else ""
    kinds = ", ".join(event.kind for event in change.events)
    return f"{stamp(moment)}  ticket {change.subject.id}  {kinds}  {was}{change.subject.status}"


def _explained(one: Explanation) -> list[str]:
    mark = "starts" if one.starts else "nearest" if one.nearest else "no"
    lines = (
        f"      {line.truth:8}{line.condition}" + (f"   ({line.reason})" if line.reason else "") for line in one.lines
    )
    return [f"  {mark:8}{one.mapping}: {one.reason}", *lines]


def _simulated(tried: Tried) -> Iterator[str]:
    for mapping, seen in tried.starts:
        yield f"  starts  {mapping}"
        yield from _rehearsed(seen)
    nearest = next((one for one in tried.explanations if one.nearest), None)
    if nearest:
        yield from _explained(nearest)


def _rehearsed(seen: Rehearsal) -> Iterator[str]:
    for call in seen.calls:
        target = f" {call.target}" if call.target else ""
        yield f"      calls   {call.step}: {call.call}{target} {json.dumps(call.body, ensure_ascii=False)}"
    yield from (f"      asks    {question}" for question in seen.questions)
    for said in seen.reports:
        written = {name: value for name, value in asdict(said).items() if value and name != "related"}
        yield f"      reports {json.dumps(written, ensure_ascii=False, default=str)}"
    if seen.waits:
        yield f"      waits   for {seen.waits}"


def _as_json(moment: datetime, change: Change, tried: Tried) -> Doc:
    return {
        "at": stamp(moment),
        "ticket": change.subject.id,
        "events": [event.kind.value for event in change.events],
        "starts": [{"mapping": mapping, **asdict(seen)} for mapping, seen in tried.starts],
        "explanations": [asdict(one) for one in tried.explanations],
    }


def _say(*lines: str) -> None:
    for line in lines:
        print(line)
