"""The grammar of mapping files: which keys there are, what each may hold, and what it becomes."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, post_load, validates_schema

from tmf_adapter.mapping import parts
from tmf_adapter.mapping.expression import Expression
from tmf_adapter.mapping.faults import Place, listed, nearest
from tmf_adapter.mapping.fields import (
    IDENTIFIER,
    NAME,
    Body,
    Cause,
    Cel,
    Choice,
    Count,
    EventType,
    Filled,
    Flag,
    Inner,
    Length,
    Named,
    Plain,
    Several,
    Status,
    free,
    needed,
)
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.view import ON_EVENT
from tmf_adapter.tmf.events import Kind

ON_RUN = frozenset({"step", "ev", "summary"})
"""Names that an expression has only while a recovery runs."""

RESERVED = ON_EVENT | ON_RUN | {"group", "open", "true", "false", "null", "in"}
"""Names that a ``let`` cannot take: they have their own meaning, now or in the language to come."""

_TRAPS = {
    "on": "is no key, and YAML 1.1 reads it as true: write events",
    "True": "is no key; if it was meant as on: write events",
    "trigger": "is no key: write events",
    "if": "is a key of a step: write the conditions of a mapping as a list under when",
    "defaults": "belongs in 00-defaults.yaml",
    "<<": "is a merge, which mappings do not have: write the keys out",
}


class _Part(Schema):
    """Keys that are not known are refused, with the nearest that is."""

    makes: ClassVar[Any] = dict

    class Meta:
        unknown = EXCLUDE

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _refuse_unknown(self, _data: Any, original: Any, **_: Any) -> None:
        known = {field.data_key or name for name, field in self.load_fields.items()}
        unknown = [name for name in original if name not in known] if isinstance(original, dict) else []
        if unknown:
            raise ValidationError({name: [_unknown_key(name, known)] for name in unknown})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.makes(**data)


def _unknown_key(name: str, known: set[str]) -> str:
    return _TRAPS.get(name) or f"is no key here; there are {listed(known)}{nearest(name, known)}"


class _Retry(_Part):
    makes = parts.Retry
    attempts = Count(1, 100, **needed("how many attempts in all"))
    backoff = Length(**needed("the pause before the second attempt"))
    when = Several(Cause(), **needed("after what an attempt is repeated"))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return parts.Retry(data["attempts"], data["backoff"], tuple(data["when"]))


class _Await(_Part):
    event = EventType(**needed("the eventType that brings the result"))
    within = Length(**free())
    match = Cel(**free())
    workaround = Cel(**free())
    restored = Cel(**free())
    ok = Cel(**free())
    fail = Cel(**free())


class _Step(_Part):
    id = Plain(NAME, "must be letters, digits and _, so that step.<id> can name it", **needed("a name for the step"))
    call = Plain(**needed("the operation, such as tmf656.createServiceProblem"))
    if_ = Cel(data_key="if", **free())
    target = Filled(**free())
    body = Body(**free(lambda: Template({})))
    await_ = Inner(_Await, data_key="await", **free())
    within = Length(**free())
    timeout = Length(**needed("the limit of one HTTP attempt"))
    retry = Inner(_Retry, **needed("when an attempt is repeated"))

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_deadline(self, _data: Any, original: Any, **_: Any) -> None:
        """The deadline stands in ``await`` or beside it, once."""
        awaited = original.get("await") if isinstance(original, dict) else None
        if isinstance(awaited, dict) and "within" not in awaited and "within" not in original:
            raise ValidationError({"await": {"within": ["is missing: how long to wait for the event, such as PT8H"]}})
        if isinstance(awaited, dict) and "within" in awaited and "within" in original:
            raise ValidationError({"within": ["is given in await as well: keep one of the two"]})
        if isinstance(original, dict) and "within" in original and "await" not in original:
            message = "limits nothing: it is how long an await waits, and this step has none"
            raise ValidationError({"within": [message]})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        within, awaited = data.pop("within"), data.pop("await_")
        if awaited:
            awaited["within"] = awaited["within"] or within
        return parts.Step(await_=parts.Await(**awaited) if awaited else None, **data)


class _ReportRule(_Part):
    makes = parts.ReportRule
    status = Status(allow_none=True, **free())
    reason = Filled(allow_none=True, **free())
    note = Filled(allow_none=True, **free())
    char = Named(allow_none=True, **free(dict))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return parts.ReportRule(**{**data, "char": data["char"] or {}})


class _Report(_Part):
    makes = parts.Report
    restored = Inner(_ReportRule, **needed("what a restoration writes on the ticket"))
    workaround = Inner(_ReportRule, **needed("what a work-around writes on the ticket"))
    unsuccessful = Inner(_ReportRule, **needed("what a failure writes on the ticket"))
    timeout = Choice(parts.Outcome, **needed("the outcome of a missed deadline"))


class MappingSchema(_Part):
    """A whole mapping, with every default filled in. Loads to ``parts.Mapping``."""

    id = Plain(
        IDENTIFIER, "must be small letters, digits and -, at most 64", **needed("a name that no other mapping has")
    )
    title = Plain(**needed("one sentence that says what the mapping decides"))
    outcome = Choice(parts.Activity, **free())
    order = Count(0, 1_000_000, **free(100))
    stop = Flag(**free(False))
    events = Several(Choice(Kind, parts.KINDS), **needed("the events it listens to, such as [create, status]"))
    when = Several(Cel(), **free(list))
    let = Named(RESERVED, **free(dict))
    steps = Several(Inner(_Step), **needed("what to do"))
    report = Inner(_Report, **needed("what to write on the ticket"))

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _distinct_steps(self, _data: Any, original: Any, **_: Any) -> None:
        steps = original.get("steps") if isinstance(original, dict) else None
        ids = [
            step.get("id") if isinstance(step, dict) else None for step in (steps if isinstance(steps, list) else [])
        ]
        again = [index for index, id in enumerate(ids) if isinstance(id, str) and id in ids[:index]]
        if again:
            message = "is the id of an earlier step: choose another, so that step.<id> is one of them"
            raise ValidationError({"steps": {index: {"id": [f"{ids[index]!r} {message}"]} for index in again}})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        data["events"] = tuple(kind for kind in parts.KINDS if kind in data["events"])
        data["let"] = _ordered(data["let"])
        return parts.Mapping(**{**data, "when": tuple(data["when"]), "steps": tuple(data["steps"])})


class DefaultsSchema(_Part):
    """The key ``defaults`` of the defaults file, with the adapter's own defaults filled in."""

    timeout = Length(**needed("the limit of one HTTP attempt"))
    retry = Inner(_Retry, **needed("when an attempt is repeated"))
    report = Inner(_Report, **needed("what to write on the ticket"))


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
