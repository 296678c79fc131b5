"""Changes of tickets: one from a file, or those that are stored, told again."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tmf_adapter.mapping.mappings import Mappings
from tmf_adapter.mapping.plan import NOTHING_ELSE, Facts
from tmf_adapter.recovery.facts import facts_of, switched_off, tried
from tmf_adapter.recovery.history import changed_since, changes_of, stored_ticket
from tmf_adapter.settings import BadSetting, Settings
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.errors import AdapterError
from tmf_adapter.tmf.events import Author, Change, Doc, Kind, Stored, raise_event
from tmf_adapter.tmf.time import utc_now
from tmf_adapter.workbench.check import registry

TICKETS_LIMIT = 10_000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

Told = tuple[datetime, Change, Facts]


def changes(options: argparse.Namespace, mappings: Mappings, *, explains: bool) -> Iterator[Told]:
    """Those that the options ask for, with the facts that the mappings want to know.

    What is switched off explains why a ticket was not caught; what it would do is asked of mappings as they are.
    """
    ticket: str | None = options.ticket
    if ticket and ticket.endswith(".json"):
        yield utc_now(), _from_file(Path(ticket), options.before, options.event), NOTHING_ELSE
        return
    database = Database(Settings.read(database=options.database).database)
    try:
        yield from _stored(database, ticket, options.since if ticket is None else _LONG_AGO, mappings, explains)
    except AdapterError as error:
        raise BadSetting(f"{database.url}: {error.reason} {error.__cause__ or ''}") from error
    finally:
        database.close()


def _stored(
    database: Database, ticket: str | None, since: datetime, mappings: Mappings, explains: bool
) -> Iterator[Told]:
    off = asyncio.run(database.read(switched_off)) if explains else frozenset[str]()
    reachable = registry().reachable if explains else None
    ids = [ticket] if ticket else asyncio.run(database.read(lambda tx: changed_since(tx, since)))
    if len(ids) > TICKETS_LIMIT:
        print(f"only the first {TICKETS_LIMIT} of {len(ids)} tickets are looked at", file=sys.stderr)
    for id_ in ids[:TICKETS_LIMIT]:
        found = asyncio.run(database.read(lambda tx, id_=id_: list(changes_of(tx, id_))))  # type: ignore[misc]
        told = [one for one in found if one[0] >= since]
        if ticket:
            told = _last(told) or _as_it_stands(database, ticket)
        for moment, change in told:
            facts = asyncio.run(facts_of(database, mappings, change, off))
            had_their_turn = asyncio.run(tried(database, change)) if explains else frozenset[str]()
            yield moment, change, replace(facts, reachable=reachable, tried=had_their_turn)


def _last(told: list[tuple[datetime, Change]]) -> list[tuple[datetime, Change]]:
    """The last change that may start something: the adapter's own starts nothing, and comes after those that do."""
    others = [one for one in told if one[1].by is not Author.ADAPTER]
    return others[-1:] or told[-1:]


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
