"""The grammar of what a recovery does: ``steps``, and ``ask`` in both of its places."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from tmf_adapter.mapping import parts
from tmf_adapter.mapping.fields import (
    NAME,
    Body,
    Cause,
    Cel,
    Choice,
    Count,
    EventType,
    Filled,
    Inner,
    Length,
    Operations,
    Plain,
    Several,
    Status,
    Word,
    free,
    needed,
)
from tmf_adapter.mapping.keys import Keys, member
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.report_keys import ReportRuleKeys


class RetryKeys(Keys):
    """The key ``retry``. Loads to ``parts.Retry``."""

    attempts = Count(1, 100, **needed("how many attempts in all"))
    backoff = Length(**needed("the pause before the second attempt"))
    when = Several(Cause(), **needed("after what an attempt is repeated"))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return parts.Retry(data["attempts"], data["backoff"], tuple(data["when"]))


class AskKeys(Keys):
    """The key ``ask`` of a mapping. Loads to ``parts.Ask``."""

    makes = parts.Ask
    reason = Filled(**needed("the reason of the status pending, a code such as information-required"))
    note = Filled(**needed("the question to the customer"))
    need = Operations(**free(lambda: Template([])))
    within = Length(**needed("how long the customer has"))
    then = Inner(ReportRuleKeys, **needed("what is written when no answer came"))


class _Deed(Keys):
    call = Plain(**needed("the operation, such as tmf656.patchServiceProblem"))
    target = Filled(**free())
    body = Body(**free(lambda: Template({})))


class _Undo(_Deed):
    makes = parts.Undo


class _Tell(_Deed):
    makes = parts.Tell


class AwaitAsk(AskKeys):
    """Within ``await``: with the condition on which it is asked, and what hands on the answer. Loads to both parts."""

    tell = Inner(_Tell, **free())
    when = Cel(**needed("on which event it is asked, such as ev.productOrder.state == 'pending'"))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return data.pop("when"), parts.Ask(**data)


class _Await(Keys):
    event = EventType(**needed("the eventType that brings the result"))
    within = Length(**free())
    match = Cel(**free())
    workaround = Cel(**free())
    restored = Cel(**free())
    ok = Cel(**free())
    ask = Inner(AwaitAsk, **free())
    fail = Cel(**free())
    late = Choice(parts.Verdict, (verdict for verdict in parts.Verdict if verdict.ends_wait), **free())

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        condition, asking = data.pop("ask") or (None, None)
        return {**data, "ask": condition, "asking": asking}


class _Interim(Keys):
    makes = parts.Interim
    status = Status(only=frozenset({"held", "pending"}), **needed("held or pending"))
    reason = Filled(**free())
    note = Filled(**free())


class _Step(Keys):
    id = Plain(NAME, "must be letters, digits and _, so that step.<id> can name it", **needed("a name for the step"))
    call = Plain(**needed("the operation, such as tmf656.createServiceProblem"))
    if_ = Cel(data_key="if", **free())
    target = Filled(**free())
    body = Body(**free(lambda: Template({})))
    await_ = Inner(_Await, data_key="await", **free())
    while_ = Inner(_Interim, data_key="while", **free())
    undo = Inner(_Undo, **free())
    finish = Choice(parts.Outcome, **free())
    once = Word("group", **free())
    within = Length(**free())
    timeout = Length(**needed("the limit of one HTTP attempt"))
    retry = Inner(RetryKeys, **needed("when an attempt is repeated"))

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_deadline(self, _data: Any, original: Any, **_: Any) -> None:
        """The deadline stands in ``await`` or beside it, once."""
        awaited = member(original, "await")
        within = member(original, "within")
        if isinstance(awaited, dict) and "within" not in awaited and within is None:
            raise ValidationError({"await": {"within": ["is missing: how long to wait for the event, such as PT8H"]}})
        if isinstance(awaited, dict) and "within" in awaited and within is not None:
            raise ValidationError({"within": ["is given in await as well: keep one of the two"]})
        for name in ("within", "while"):
            if member(original, name) is not None and "await" not in original:
                raise ValidationError({name: [f"{_IDLE[name]}, and this step has none"]})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        within, awaited, once = data.pop("within"), data.pop("await_"), data.pop("once")
        if awaited:
            awaited["within"] = awaited["within"] or within
        return parts.Step(await_=parts.Await(**awaited) if awaited else None, once=once is not None, **data)


_IDLE = {
    "within": "limits nothing: it is how long an await waits",
    "while": "is never written: it is the ticket's status while an await waits",
}


class _Branch(_Step):
    """A step of a parallel block."""

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _no_while(self, _data: Any, original: Any, **_: Any) -> None:
        if member(original, "while") is not None:
            raise ValidationError({"while": ["belongs to the whole block: write it beside parallel"]})


class _Parallel(Keys):
    parallel = Several(Inner(_Branch), **needed("the steps that are done at once"))
    while_ = Inner(_Interim, data_key="while", **free())

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _waits(self, _data: Any, original: Any, **_: Any) -> None:
        inner = member(original, "parallel")
        steps = [step for step in inner if isinstance(step, dict)] if isinstance(inner, list) else []
        if member(original, "while") is not None and not any("await" in step for step in steps):
            raise ValidationError({"while": [f"{_IDLE['while']}, and no step of the block has one"]})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return parts.Parallel(tuple(data["parallel"]), data["while_"])


class PartField(Inner):
    """A step, or a block of steps that are done at once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_Step, **options)
        self.block = Inner(_Parallel)

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> Any:
        if isinstance(value, dict) and "parallel" in value:
            return self.block.deserialize(value, *args, **options)
        return super()._deserialize(value, *args, **options)


def written_steps(steps: Any) -> list[tuple[tuple[str | int, ...], Any]]:
    """Every step of a ``steps`` as the file has it, with its place; whatever stands there."""
    found: list[tuple[tuple[str | int, ...], Any]] = []
    for index, part in enumerate(steps if isinstance(steps, list) else []):
        inner = member(part, "parallel")
        if isinstance(inner, list):
            found += [(("steps", index, "parallel", at), step) for at, step in enumerate(inner)]
        else:
            found.append((("steps", index), part))
    return found
