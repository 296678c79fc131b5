"""(c) The query language against the same question written by hand in SQL, over 100,000 tickets.

By hand means: without an index of what is in a body, as somebody would ask of the tickets' table.

``python -m tests.bench.filters [TICKETS]``. Both sides answer with 20 tickets and the number of all that match, each in
the same process, on the same connection and in turns; the figures are the best of several rounds, and their ratio.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import Connection, text

from tests.bench.adapter import Figures, postgresql
from tests.bench.ticket import TICKET
from tmf_adapter.api.attributes import attributes
from tmf_adapter.api.server import load
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.listing import Listing
from tmf_adapter.storage.schema import upgrade
from tmf_adapter.storage.tables import ticket
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tmf.events import Stored
from tmf_adapter.tmf.query import Collection, parse
from tmf_adapter.tmf.time import stamp

TICKETS = 100_000
LINES = 5_000
ROUNDS = 5
_OPENAPI = Path(__file__).parents[2] / "openapi"
_STATUSES = ("acknowledged", "inProgress", "held", "resolved", "closed")


@dataclass(frozen=True, slots=True)
class Question:
    """A query string, and the conditions somebody would write by hand for it."""

    name: str
    query: str
    sqlite: str
    postgresql: str


QUESTIONS = (
    Question("all", "limit=20", "1 = 1", "1 = 1"),
    Question("indexed attribute", "status=held&limit=20", "status = 'held'", "status = 'held'"),
    Question(
        "a customer's tickets",
        "relatedParty.partyOrPartyRole.id=cust-77&limit=20",
        "EXISTS (SELECT 1 FROM json_each(body, '$.relatedParty') e"
        " WHERE json_extract(e.value, '$.partyOrPartyRole.id') = 'cust-77')",
        """CAST(body AS jsonb) @> '{"relatedParty": [{"partyOrPartyRole": {"id": "cust-77"}}]}'""",
    ),
    Question(
        "characteristic",
        "troubleTicketCharacteristic.accessPort=port-77&limit=20",
        "EXISTS (SELECT 1 FROM json_each(body, '$.troubleTicketCharacteristic') e"
        " WHERE json_extract(e.value, '$.name') = 'accessPort' AND json_extract(e.value, '$.value') = 'port-77')",
        """CAST(body AS jsonb) @> '{"troubleTicketCharacteristic": [{"name": "accessPort", "value": "port-77"}]}'""",
    ),
    Question(
        "nested path",
        "relatedEntity.entity.id=line-77&limit=20",
        "EXISTS (SELECT 1 FROM json_each(body, '$.relatedEntity') e"
        " WHERE json_extract(e.value, '$.entity.id') = 'line-77')",
        """CAST(body AS jsonb) @> '{"relatedEntity": [{"entity": {"id": "line-77"}}]}'""",
    ),
    Question(
        "filter on one element",
        "filter=relatedEntity[?(@.role=='affectedService' %26%26 @.entity.id=='line-77')]&limit=20",
        "EXISTS (SELECT 1 FROM json_each(body, '$.relatedEntity') e WHERE json_extract(e.value, '$.entity.id')"
        " = 'line-77' AND json_extract(e.value, '$.role') = 'affectedService')",
        """CAST(body AS jsonb) @> '{"relatedEntity": [{"role": "affectedService", "entity": {"id": "line-77"}}]}'""",
    ),
    Question(
        "nested path without an index",
        "note.author=Agent 77&limit=20",
        "EXISTS (SELECT 1 FROM json_each(body, '$.note') e WHERE json_extract(e.value, '$.author') = 'Agent 77')",
        """CAST(body AS jsonb) @> '{"note": [{"author": "Agent 77"}]}'""",
    ),
    Question(
        "first-level attribute without an index",
        "severity=critical&limit=20",
        "json_extract(body, '$.severity') = 'critical'",
        "CAST(body AS jsonb) ->> 'severity' = 'critical'",
    ),
)


def fill(database: Database, tickets: int) -> None:
    """Tickets of 2 kB, each about one of 5,000 lines and for one of 5,000 customers; the planner has its figures."""
    upgrade(database)
    chance = random.Random(1)
    store = ticket_store(database)
    with database.engine.begin() as connection:
        for first in range(0, tickets, 5_000):
            for number in range(first, min(tickets, first + 5_000)):
                store.add(connection, Stored(_document(number, chance)))
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
            "ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"
        )


def _document(number: int, chance: random.Random) -> dict[str, Any]:
    opened = stamp(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=37 * number))
    service, *entities = TICKET["relatedEntity"]
    customer, *parties = TICKET["relatedParty"]
    note, *notes = TICKET["note"]
    entity, party, port, author = (f"{kind}-{chance.randrange(LINES)}" for kind in ("line", "cust", "port", "Agent"))
    return {
        **TICKET,
        "id": f"ticket-{number:07}",
        "creationDate": opened,
        "status": chance.choice(_STATUSES),
        "severity": chance.choice(["minor", "major", "major", "critical"]),
        "note": [{**note, "author": author.replace("-", " ")}, *notes],
        "relatedEntity": [{**service, "entity": {**service["entity"], "id": entity}}, *entities],
        "relatedParty": [{**customer, "partyOrPartyRole": {**customer["partyOrPartyRole"], "id": party}}, *parties],
        "troubleTicketCharacteristic": [
            *TICKET["troubleTicketCharacteristic"],
            {"@type": "StringCharacteristic", "name": "accessPort", "value": port},
        ],
    }


def measure(database: Database, say: Callable[[str], None]) -> Iterator[tuple[str, dict[str, float]]]:
    """Each question, ours and by hand."""
    things = Collection("troubleTicket", attributes(load(_OPENAPI / "tmf621-v5.yaml"), "TroubleTicket_RES"))
    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for question in QUESTIONS:

            def ours(query: str = question.query) -> int:
                listing = Listing(database.engine.dialect.name, ticket, parse(parse_qsl(query), things))
                return listing.page(connection).total

            condition = question.sqlite if database.is_sqlite else question.postgresql
            ms, by_hand_ms = _best(ours, partial(_by_hand, connection, condition))
            yield f"{name} list by {question.name}", {"ms": ms, "by_hand_ms": by_hand_ms, "ratio": ms / by_hand_ms}
            say(f"{name}: {question.name} {ms:.1f} ms, by hand {by_hand_ms:.1f} ms, ratio {ms / by_hand_ms:.2f}")


def _by_hand(connection: Connection, condition: str) -> int:
    matching = f"FROM ticket WHERE tenant = 'default' AND {condition}"
    total: int = connection.execute(text(f"SELECT count(*) {matching}")).scalar_one()
    connection.execute(text(f"SELECT body {matching} ORDER BY creation_date DESC, id LIMIT 20")).all()
    return total


def _best(ours: Callable[[], int], by_hand: Callable[[], int]) -> tuple[float, float]:
    """Milliseconds of the fastest round of each; what they count must be the same."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        totals = []
        for place, ask in enumerate((ours, by_hand)):
            began = time.perf_counter()
            totals.append(ask())
            best[place] = min(best[place], (time.perf_counter() - began) * 1e3)
        if totals[0] != totals[1]:
            raise RuntimeError(f"{totals[0]} found, {totals[1]} by hand")
    return best[0], best[1]


def run(say: Callable[[str], None] = lambda text: None, tickets: int = TICKETS) -> Figures:
    """Both databases."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as directory:
        figures |= _on(f"sqlite:///{Path(directory) / 'bench.db'}", tickets, say)
        with postgresql() as url:
            figures |= _on(url, tickets, say)
    return figures


def _on(url: str, tickets: int, say: Callable[[str], None]) -> Figures:
    database = Database(url)
    try:
        fill(database, tickets)
        return dict(measure(database, say))
    finally:
        database.close()


if __name__ == "__main__":
    print(json.dumps(run(print, int(sys.argv[1]) if sys.argv[1:] else TICKETS), indent=1))
