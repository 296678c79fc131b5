"""The grammar of mapping files: which keys there are, what each may hold, and what it becomes.

Steps stand in step_keys.py, reports in report_keys.py, what all groups of keys share in keys.py.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from tmf_adapter.mapping import parts
from tmf_adapter.mapping.cases import CaseKeys
from tmf_adapter.mapping.expression import Expression
from tmf_adapter.mapping.faults import Place, listed
from tmf_adapter.mapping.fields import (
    IDENTIFIER,
    Cel,
    Choice,
    Count,
    Filled,
    Flag,
    Inner,
    Length,
    Named,
    Plain,
    Several,
    free,
    needed,
    put,
)
from tmf_adapter.mapping.keys import Keys, member
from tmf_adapter.mapping.report_keys import MappingReportKeys, ReportKeys
from tmf_adapter.mapping.step_keys import AskKeys, PartField, RetryKeys, written_steps
from tmf_adapter.mapping.view import ON_EVENT
from tmf_adapter.tmf.events import Kind

ON_RUN = frozenset({"step", "answer", "ev", "summary", "group"})
"""Names that an expression has only while a recovery runs."""

RESERVED = ON_EVENT | ON_RUN | {"true", "false", "null", "in"}
"""Names that a ``let`` cannot take: they have their own meaning."""


class _Group(Keys):
    makes = parts.Group
    by = Cel(**needed("what the tickets of a group have in common, such as t.rel.accessNode[0].id"))
    window = Length(**needed("how long after the first ticket others may join, such as PT15M"))


class _Approve(Keys):
    makes = parts.Approve
    by = Plain(**needed("who decides, such as retention-desk"))
    within = Length(**needed("how long they have, such as PT8H"))
    otherwise = Choice(parts.Otherwise, **free(parts.Otherwise.SKIP))
    note = Filled(**free())


class MappingSchema(Keys):
    """A whole mapping, with every default filled in. Loads to ``parts.Mapping``."""

    id = Plain(
        IDENTIFIER, "must be small letters, digits and -, at most 64", **needed("a name that no other mapping has")
    )
    title = Plain(**needed("one sentence that says what the mapping decides"))
    outcome = Choice(parts.Activity, **free())
    order = Count(0, 1_000_000, **free(100))
    stop = Flag(**free(False))
    mode = Choice(parts.Mode, **free(parts.Mode.LIVE))
    again = Flag(**free(False))
    events = Several(Choice(Kind, parts.KINDS), **needed("the events it listens to, such as [create, status]"))
    when = Several(Cel(), **free(list))
    let = Named(RESERVED, **free(dict))
    group = Inner(_Group, **free())
    approve = Inner(_Approve, **free())
    ask = Inner(AskKeys, **free())
    steps = Several(PartField(), **free(list))
    report = Inner(MappingReportKeys, **needed("what to write on the ticket"))
    tests = Several(Inner(CaseKeys), **free(list))

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_thing_to_do(self, _data: Any, original: Any, **_: Any) -> None:
        """Steps, a question, or a report at once."""
        given = [name for name in ("steps", "ask") if member(original, name) is not None]
        given += ["report.now"] if member(member(original, "report"), "now") is not None else []
        if not given:
            raise ValidationError({"steps": ["is missing: what to do (or ask, or report.now, in its place)"]})
        if len(given) > 1:
            message = f"stands beside {given[0]}, and a mapping does one of the two: {_APART[given[1]]}"
            raise ValidationError({"report": {"now": [message]}} if given[1] == "report.now" else {given[1]: [message]})
        idle = [name for name in ("group", "approve") if member(original, name) is not None and given != ["steps"]]
        if idle:
            raise ValidationError({name: ["decides over steps, and this mapping has none"] for name in idle})

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _distinct_steps(self, _data: Any, original: Any, **_: Any) -> None:
        found: dict[Any, Any] = {}
        earlier: set[str] = set()
        for place, step in written_steps(member(original, "steps")):
            id = member(step, "id")
            if isinstance(id, str) and id in earlier:
                message = f"{id!r} is the id of an earlier step: choose another, so that step.<id> is one of them"
                put(found, (*place, "id"), message)
            earlier |= {id} if isinstance(id, str) else set()
        if found:
            raise ValidationError(found)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _shares_in_a_group(self, _data: Any, original: Any, **_: Any) -> None:
        found: dict[Any, Any] = {}
        for place, step in written_steps(member(original, "steps")):
            if member(step, "once") == "group" and member(original, "group") is None:
                put(found, (*place, "once"), "needs a group: say by what the tickets belong together, under group")
        if found:
            raise ValidationError(found)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        data["events"] = tuple(kind for kind in parts.KINDS if kind in data["events"])
        data["let"] = _ordered(data["let"])
        data["tests"] = tuple(data["tests"])
        return parts.Mapping(**{**data, "when": tuple(data["when"]), "steps": tuple(data["steps"])})


_APART = {
    "ask": "a question while a step waits belongs in its await",
    "report.now": "write what the end of the steps reports under restored, workaround and unsuccessful",
}


class DefaultsSchema(Keys):
    """The key ``defaults`` of the defaults file, with the adapter's own defaults filled in."""

    timeout = Length(**needed("the limit of one HTTP attempt"))
    retry = Inner(RetryKeys, **needed("when an attempt is repeated"))
    ask = Inner(AskKeys, **needed("how the customer is asked"))
    report = Inner(ReportKeys, **needed("what to write on the ticket"))


def _ordered(let: Mapping[str, Expression]) -> dict[str, Expression]:
    """The values in an order in which each reads only earlier ones. Raises ``ValidationError`` for a circle."""
    waiting, ordered = dict(sorted(let.items())), dict[str, Expression]()
    while waiting:
        ready = [name for name, value in waiting.items() if not value.variables & waiting.keys()]
        if not ready:
            message = f"needs itself in the end ({listed(waiting)} go in a circle): break the circle"
            raise ValidationError({"let": {name: [message] for name in waiting}})
        ordered |= {name: waiting.pop(name) for name in ready}
    return ordered


def complaints(messages: Any, place: Place = ()) -> list[tuple[Place, str]]:
    """Marshmallow's tree of messages as places and messages."""
    if isinstance(messages, dict):
        found = [complaints(inner, place if key == "_schema" else (*place, key)) for key, inner in messages.items()]
        return [one for several in found for one in several]
    return [(place, str(message)) for message in (messages if isinstance(messages, list) else [messages])]
