"""Mappings tried before they run: their cases, and a change as they would take it. Nothing is sent or written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tmf_adapter.mapping.cases import Call, Case, Expected, Happening
from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.mapping.plan import NOTHING_ELSE, Counted, Explanation, Facts, explain, plan
from tmf_adapter.mapping.view import counter_of
from tmf_adapter.recovery.rehearse import Called, Rehearsal, rehearse
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.events import Change


@dataclass(frozen=True)
class Tried:
    """What one change would do: each mapping explained, and the recoveries that start as far as they go."""

    explanations: tuple[Explanation, ...]
    starts: tuple[tuple[str, Rehearsal], ...]


def attempt(
    mappings: Sequence[Mapping],
    change: Change,
    now: datetime,
    happens: Sequence[Happening] = (),
    facts: Facts = NOTHING_ELSE,
) -> Tried:
    """What ``change`` would start, and what would come of it when ``happens`` happens."""
    planned = plan(mappings, change, now, facts)
    starts = tuple((one.mapping.id, rehearse(one, happens, now)) for one in planned)
    return Tried(explain(mappings, change, now, facts), starts)


def failures(mapping: Mapping, case: Case, now: datetime) -> list[str]:
    """What is not as the case expects of its mapping, asked alone; empty when all is."""
    tried = attempt([mapping], case.given.change(now), now, case.happens, facts_given(case))
    if not case.expect.starts:
        return ["it starts, and should not"] if tried.starts else []
    if not tried.starts:
        return [f"it does not start: {line}" for line in _why_not(tried.explanations[0])]
    return list(_differences(case.expect, tried.starts[0][1]))


def facts_given(case: Case) -> Facts:
    """What a case says of the world around its ticket."""
    roles = {counter_of(role): role for role in _roles(case)}
    counted: dict[Counted, int] = {}
    for counter, counts in case.given.open.items():
        counted |= {(roles.get(counter, counter), id_): count for id_, count in counts.items()}
    return Facts(open=counted)


def _roles(case: Case) -> Iterator[str]:
    return (str(one.get("role")) for one in case.given.ticket.get("relatedEntity", ()) if isinstance(one, dict))


def _why_not(explained: Explanation) -> list[str]:
    lines = [f"{line.condition} is {line.truth}: {line.reason}" for line in explained.lines if line.truth != "true"]
    return lines or [explained.reason]


def _differences(expect: Expected, seen: Rehearsal) -> Iterator[str]:
    if expect.calls is not None:
        yield from _calls(expect.calls, seen.calls)
    if expect.outcome is not None and seen.outcome is not expect.outcome:
        stands = f"it is {seen.outcome} ({seen.reason})" if seen.how else f"it waits for {seen.waits}"
        yield f"the outcome should be {expect.outcome}, and {stands}"
    if expect.waits and seen.how is not None:
        yield f"it should still wait, and is over: {seen.reason}"
    if expect.asks is not None and not any(expect.asks in question for question in seen.questions):
        yield f"it should ask {expect.asks!r}, and asks {seen.questions}"
    if expect.report is not None:
        yield from _report(expect.report, seen.reports[-1] if seen.reports else None)


def _calls(expected: Sequence[Call], seen: Sequence[Called]) -> Iterator[str]:
    made = ", ".join(f"{one.step} ({one.call})" for one in seen) or "none"
    if len(expected) != len(seen):
        yield f"{len(expected)} calls should be made, and these are: {made}"
        return
    for number, (wanted, call) in enumerate(zip(expected, seen, strict=True), 1):
        for name in ("step", "call", "target"):
            value = getattr(wanted, name)
            if value is not None and value != getattr(call, name):
                yield f"call {number}: {name} should be {value!r}, and is {getattr(call, name)!r}"
        yield from (f"call {number}: {place} {wrong}" for place, wrong in _lacking(wanted.body, call.body, "body"))


def _lacking(wanted: Any, value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Where ``value`` does not contain what is ``wanted``; of objects only the named members are looked at."""
    if isinstance(wanted, dict) and isinstance(value, dict):
        for name, one in wanted.items():
            yield from _lacking(one, value.get(name), f"{place}.{name}")
    elif wanted is not None and wanted != value:
        yield place, f"should be {wanted!r}, and is {value!r}"


def _report(expected: Any, seen: Report | None) -> Iterator[str]:
    if seen is None:
        yield "a report should be written, and none is"
        return
    for name, wanted in expected.items():
        if name == "note":
            if str(wanted) not in (seen.note or ""):
                yield f"the note should contain {wanted!r}, and is {seen.note!r}"
        elif name == "char":
            yield from (f"report: {place} {wrong}" for place, wrong in _lacking(wanted, seen.characteristics, "char"))
        elif wanted != getattr(seen, name, None):
            yield f"report: {name} should be {wanted!r}, and is {getattr(seen, name, None)!r}"
