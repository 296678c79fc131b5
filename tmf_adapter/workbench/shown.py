"""What was tried, for people and for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from tmf_adapter.mapping.plan import Explanation
from tmf_adapter.recovery.rehearse import Rehearsal
from tmf_adapter.recovery.trying import Tried
from tmf_adapter.tmf.events import Change, Doc
from tmf_adapter.tmf.time import stamp


def headline(moment: datetime, change: Change) -> str:
    """One line: when, which ticket, what happened to it."""
    was = f"{change.before.status} -> " if change.before else ""
    kinds = ", ".join(event.kind for event in change.events)
    return f"{stamp(moment)}  ticket {change.subject.id}  {kinds}  {was}{change.subject.status}"


def explained(one: Explanation) -> list[str]:
    """A mapping and how each line of its conditions held."""
    mark = "starts" if one.starts else "nearest" if one.nearest else "no"
    lines = (
        f"      {line.truth:8}{line.condition}" + (f"   ({line.reason})" if line.reason else "") for line in one.lines
    )
    return [f"  {mark:8}{one.mapping}: {one.reason}", *lines]


def simulated(tried: Tried) -> Iterator[str]:
    """What is started and all that it would do; else the mapping that came nearest."""
    for mapping, seen in tried.starts:
        yield f"  starts  {mapping}"
        yield from _rehearsed(seen)
    nearest = next((one for one in tried.explanations if one.nearest), None)
    if nearest:
        yield from explained(nearest)


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


def as_json(moment: datetime, change: Change, tried: Tried) -> Doc:
    """All of it, for programs."""
    return {
        "at": stamp(moment),
        "ticket": change.subject.id,
        "events": [event.kind.value for event in change.events],
        "starts": [{"mapping": mapping, **asdict(seen)} for mapping, seen in tried.starts],
        "explanations": [asdict(one) for one in tried.explanations],
    }


def say(*lines: str) -> None:
    """Print them."""
    for line in lines:
        print(line)
