"""What the steps of a mapping ask of their operations: the call, its body as rendered for a sample, and the wait."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from tmf_adapter.mapping.expression import RenderError
from tmf_adapter.mapping.faults import Place, Severity, listed, nearest
from tmf_adapter.mapping.names import uses
from tmf_adapter.mapping.parts import Mapping, Outcome, Step
from tmf_adapter.mapping.plan import bind
from tmf_adapter.mapping.sample import PLACEHOLDER, sample_scope
from tmf_adapter.tmf.operations import OPERATIONS, Json, Member, Operation

Graded = tuple[Place, str, Severity]

_KINDS: dict[Json, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def wrong_steps(mapping: Mapping) -> Iterator[Graded]:
    """Everything that an operation would refuse, or that could not end as it should."""
    bodies = _rendered(mapping)
    for at, step in mapping.placed_steps:
        operation = OPERATIONS.get(step.call)
        if operation is None:
            message = f"{step.call!r} is no operation; there are {listed(OPERATIONS)}{nearest(step.call, OPERATIONS)}"
            yield (*at, "call"), message, Severity.ERROR
            continue
        for place, message, severity in chain(_step(step, operation), _body(bodies[step.id], operation)):
            yield (*at, *place), message, severity
    for outcome in Outcome:
        rule = mapping.report[outcome]
        if rule.reason and not rule.status:
            message = "is not written without a status, since a reason belongs to a change of status; put it in note"
            yield ("report", outcome.value, "reason"), message, Severity.WARNING


def _rendered(mapping: Mapping) -> dict[str, Any]:
    """Each step's body as the sample fills it, or as it is written where the sample cannot."""
    paths = tuple(path for use in uses(mapping) for path in use.expression.paths)
    scope, bodies = sample_scope(mapping, paths), dict[str, Any]()
    try:
        scope = bind(mapping, scope)
    except RenderError:
        return {step.id: step.body.source for step in mapping.every_step}
    for step in mapping.every_step:
        try:
            bodies[step.id] = step.body.render(scope)
        except RenderError:
            bodies[step.id] = step.body.source
        scope["step"] = {**scope["step"], step.id: {**bodies[step.id], "id": PLACEHOLDER}}
    return bodies


def _step(step: Step, operation: Operation) -> Iterator[Graded]:
    if operation.needs_target and step.target is None:
        yield ("target",), f"is missing: {step.call} is for one {operation.resource}, name its id", Severity.ERROR
    if not operation.needs_target and step.target is not None:
        yield ("target",), f"is not used: {step.call} makes a new {operation.resource}", Severity.ERROR
    awaited = step.await_
    if awaited is None:
        return
    if awaited.event not in operation.results:
        known = f"{listed(operation.results)}{nearest(awaited.event, operation.results)}"
        message = f"{awaited.event!r} brings no result of {step.call}; there are {known}"
        yield ("await", "event"), message, Severity.ERROR
    if awaited.fail is None:
        remedy = 'say when the operation has failed (fail: "false" if only its deadline can tell)'
        yield ("await", "fail"), f"is missing: {remedy}", Severity.ERROR
    if awaited.ok is None and awaited.restored is None and awaited.workaround is None:
        yield ("await",), "can never end well: add ok, restored or workaround", Severity.ERROR


def _body(body: dict[str, Any], operation: Operation) -> Iterator[Graded]:
    for name in sorted(operation.required - body.keys()):
        yield ("body", name), f"is missing: the operation requires {listed(operation.required)}", Severity.ERROR
    for name, value in body.items():
        member = operation.members.get(name)
        if member is None:
            message = f"is no member of {operation.resource}{nearest(name, operation.members)}"
            yield ("body", name), message, Severity.WARNING
        for place, message in _shape(value, member) if member else ():
            yield ("body", name, *place), message, Severity.ERROR
        for place in _untyped(value, ("body", name)) if operation.typed else ():
            yield place, "needs an @type: every object has one in v5", Severity.ERROR


def _shape(value: Any, member: Member) -> Iterator[tuple[Place, str]]:
    """Where ``value``, as the sample made it, has another form than ``member``."""
    if _open(value):
        return
    if isinstance(value, bool) != (member.kind == "boolean") or not isinstance(value, _KINDS[member.kind]):
        hint = "; a value that is one whole ${...} keeps its type" if isinstance(value, str) else ""
        yield (), f"becomes {value!r} for the sample ticket, and must be of type {member.kind}{hint}"
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from (((index,), message) for message in _lacking(one, member))
    elif isinstance(value, dict):
        yield from (((), message) for message in _lacking(value, member))


def _lacking(value: Any, member: Member) -> Iterator[str]:
    if _open(value):
        return
    if not isinstance(value, dict):
        yield f"becomes {value!r} for the sample ticket, and must be an object"
    elif missing := member.required - value.keys():
        yield f"lacks {listed(missing)}"


def _open(value: Any) -> bool:
    """Whether the sample cannot tell what stands here for a real ticket."""
    return isinstance(value, str) and (PLACEHOLDER in value or "${" in value)


def _untyped(value: Any, place: Place) -> Iterator[Place]:
    """Objects without ``@type``; what a characteristic holds under ``value`` is its own affair."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _untyped(one, (*place, index))
    if isinstance(value, dict):
        if "@type" not in value:
            yield place
        for name, one in value.items():
            if name != "value":
                yield from _untyped(one, (*place, name))
