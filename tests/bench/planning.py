"""Planning: what one change of a ticket costs against many mappings."""

from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

from tests.bench.ticket import TICKET
from tmf_adapter.mapping.document import DEFAULTS, Mappings, parse
from tmf_adapter.mapping.plan import plan
from tmf_adapter.tmf.events import Author, Change, Kind, Stored, raise_event
from tmf_adapter.tmf.time import utc_now

MAPPINGS = 500
ROUNDS = 200

_LINES: tuple[Callable[[int], str], ...] = (
    lambda n: "t.status == 'inProgress' && was.status != 'inProgress'",
    lambda n: f"t.type in ['fault', 'serviceFailure', 'kind{n}']",
    lambda n: f"t.severity in ['critical', 'major'] || t.char.urgency > {n}",
    lambda n: f"has(t.rel.affectedService) && t.rel.affectedService.exists(s, s.id != 'x{n}')",
    lambda n: f"t.char.rootCauseDomain == 'domain{n}'",
)
"""Each mapping has five lines, of which the last is true for one mapping only."""


def mappings(count: int = MAPPINGS, *, indexed: bool = True) -> Mappings:
    """Mappings that differ in every line but the first. Unless ``indexed``, no line names a text that the ticket could
    be looked up by, and only the last and dearest is false, so that every line of every mapping is evaluated."""
    return Mappings(parse(_document(number, indexed), DEFAULTS) for number in range(count))


def _plain(number: int) -> str:
    return f"size(t.char.rootCauseDomain) > 0 && !(t.char.rootCauseDomain == 'other{number}')"


def _walking(number: int) -> str:
    return f"has(t.rel.affectedService) && t.rel.affectedService.exists(s, s.id == 'service-{number}')"


def _document(number: int, indexed: bool) -> dict[str, Any]:
    lines = _LINES if indexed else (_LINES[0], _LINES[2], _plain, _walking)
    return {
        "id": f"mapping-{number}",
        "title": "One of many",
        "order": number,
        "events": ["create", "status"],
        "when": [line(number) for line in lines],
        "steps": [{"id": "problem", "call": "tmf656.createServiceProblem", "body": {"reason": "${t.id}"}}],
    }


def change() -> Change:
    """A ticket of 2 kB comes under work; the last of the mappings matches."""
    members = {"id": "ticket-1", "href": "/ticket-1", "ticketType": "fault", "severity": "major"}
    cause = {"@type": "StringCharacteristic", "name": "rootCauseDomain", "value": f"domain{MAPPINGS - 1}"}
    service = {"@type": "EntityRef", "id": f"service-{MAPPINGS - 1}", "@referredType": "Service"}
    before = {
        **TICKET,
        **members,
        "status": "acknowledged",
        "troubleTicketCharacteristic": [cause],
        "relatedEntity": [{"@type": "RelatedEntity", "role": "affectedService", "entity": service}],
    }
    after = {**before, "status": "inProgress"}
    event = raise_event(Kind.STATUS, "troubleTicket", after, utc_now())
    return Change("troubleTicket", Stored(before), Stored(after), (event,), Author.CLIENT)


def measure(rounds: int = ROUNDS, *, indexed: bool = True) -> dict[str, float]:
    """Milliseconds of CPU for one change: the median of ``rounds``, and the worst."""
    many, event, now = mappings(indexed=indexed), change(), utc_now()
    assert [one.mapping.id for one in plan(many, event, now)] == [f"mapping-{MAPPINGS - 1}"]
    found = []
    for _ in range(rounds):
        started = process_time()
        plan(many, event, now)
        found.append((process_time() - started) * 1000)
    return {
        "mappings": MAPPINGS,
        "lines": sum(len(one.when) for one in many),
        "cpu_ms": median(found),
        "worst_cpu_ms": max(found),
    }


def table(figures: dict[str, dict[str, float]]) -> str:
    """What planning costs, for people."""
    lines = (
        f"planning, {name:12} {of['cpu_ms']:8.2f} ms of CPU for {MAPPINGS} mappings" for name, of in figures.items()
    )
    return "\n".join(lines)


if __name__ == "__main__":
    print(measure())
    print(measure(indexed=False))
