"""How a mapping ends: what can never be reached, statuses that cannot be taken, and what would have no effect."""

from collections.abc import Iterator
from itertools import chain

from tmf_adapter.mapping.claims import statuses
from tmf_adapter.mapping.faults import Graded, Place, Severity, listed, nearest
from tmf_adapter.mapping.parts import Mapping, Outcome, Part, ReportRule, Step, Verdict
from tmf_adapter.tmf.lifecycle import TICKET

WRITABLE = frozenset(
    {
        *("attachment", "channel", "description", "expectedResolutionDate", "externalIdentifier", "name", "note"),
        *("priority", "relatedEntity", "relatedParty", "requestedResolutionDate", "severity", "ticketType"),
        *("troubleTicketCharacteristic", "troubleTicketRelationship", "troubleTicketSpecification"),
    }
)
"""The members of a trouble ticket that a client may change (TMF621 v5.0.1, schema TroubleTicket_MVO)."""


def wrong_endings(mapping: Mapping) -> Iterator[Graded]:
    """Everything about steps, reports and questions that concerns the mapping as a whole."""
    yield from chain(_unreached(mapping), _rules(mapping), _expiry(mapping), _group(mapping), _needs(mapping))


def _unreached(mapping: Mapping) -> Iterator[Graded]:
    for index, part in enumerate(mapping.steps[:-1]):
        if last := _always_ends(part):
            message = f"is never reached: step {last} before it always ends the recovery"
            remedy = "give it an if, an ok in its await, or leave finish out"
            yield ("steps", index + 1), f"{message}; {remedy}", Severity.ERROR
            return


def _always_ends(part: Part) -> str | None:
    """The step of a part after which nothing follows, whatever happens."""
    return next((step.id for step in part.steps if step.if_ is None and _ends(step)), None)


def _ends(step: Step) -> bool:
    return step.finish is not None or (step.await_ is not None and step.await_.ok is None)


def _rules(mapping: Mapping) -> Iterator[Graded]:
    starts = statuses(mapping)
    if mapping.report.now:
        yield from _rule(("report", "now"), mapping.report.now, starts)
    elif mapping.steps:
        for outcome in Outcome:
            yield from _rule(("report", outcome.value), mapping.report[outcome], starts)
    if mapping.ask:
        yield from _reach(("ask",), "pending", starts)
        yield from _rule(("ask", "then"), mapping.ask.then, frozenset({"pending"}))
    for at, step in mapping.placed_steps:
        if step.await_ and step.await_.asking:
            yield from _rule((*at, "await", "ask", "then"), step.await_.asking.then, frozenset({"pending"}))


def _rule(place: Place, rule: ReportRule, starts: frozenset[str]) -> Iterator[Graded]:
    if rule.status:
        yield from _reach((*place, "status"), rule.status, starts)
    elif rule.reason:
        message = "is not written without a status, since a reason belongs to a change of status; put it in note"
        yield (*place, "reason"), message, Severity.WARNING


def _reach(place: Place, status: str, starts: frozenset[str]) -> Iterator[Graded]:
    """Whether a ticket can come to ``status`` from where it is when the mapping matches."""
    stuck = {start for start in starts if start != status and TICKET.path(start, status) is None}
    if not stuck:
        return
    from_ = listed(start for start in TICKET.edges if TICKET.path(start, status))
    if stuck == starts:
        message = f"no ticket gets from {listed(stuck)} to {status}; it is reached from {from_}"
        yield place, message, Severity.ERROR
    elif not all(TICKET.is_final(start) or start == "resolved" for start in stuck):
        message = f"a ticket in {listed(stuck)} does not get to {status}; add a line for t.status to when ({from_})"
        yield place, message, Severity.WARNING


def _expiry(mapping: Mapping) -> Iterator[Graded]:
    expiry = mapping.report.workaround.expiry
    if expiry is None or not mapping.steps:
        return
    place = ("report", "workaround", "expiry")
    if not any(_may_work_around(step) for step in mapping.every_step) and mapping.report.timeout != Outcome.WORKAROUND:
        yield place, "never comes: no step can end with a work-around", Severity.WARNING
    if expiry.undo and not any(step.undo for step in mapping.every_step):
        yield (*place, "undo"), "undoes nothing: no step says how it is undone", Severity.WARNING
    if mapping.report.workaround.status == "resolved" and expiry.then == "unsuccessful":
        message = "a resolved ticket is not reopened by us: with status held it goes on, with resolved write remind"
        yield (*place, "then"), message, Severity.WARNING


def _may_work_around(step: Step) -> bool:
    awaited = step.await_
    late = awaited is not None and awaited.late is Verdict.WORKAROUND
    return late or step.finish is Outcome.WORKAROUND or (awaited is not None and awaited.workaround is not None)


def _group(mapping: Mapping) -> Iterator[Graded]:
    if mapping.group and not any(step.once for step in mapping.every_step):
        yield ("group",), "shares nothing: mark a step with once: group, or leave group out", Severity.WARNING


def _needs(mapping: Mapping) -> Iterator[Graded]:
    asks: list[tuple[Place, object]] = [(("ask",), mapping.ask.need.source)] if mapping.ask else []
    for at, step in mapping.placed_steps:
        if step.await_ and step.await_.asking:
            asks.append(((*at, "await", "ask"), step.await_.asking.need.source))
    for place, need in asks:
        for index, operation in enumerate(need if isinstance(need, list) else []):
            member = str(operation["path"]).split("/")[1]
            if member not in WRITABLE:
                known = f"; there are {listed(WRITABLE)}" if not (close := nearest(member, WRITABLE)) else close
                message = f"{member!r} is no member of a ticket that a customer can change{known}"
                yield (*place, "need", index, "path"), message, Severity.WARNING
