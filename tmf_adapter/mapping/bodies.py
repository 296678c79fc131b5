"""What the steps of a mapping ask of their operations: the call, its body as rendered for a sample, and the wait."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from tmf_adapter.mapping.expression import RenderError
from tmf_adapter.mapping.faults import Graded, Place, Severity, listed, nearest
from tmf_adapter.mapping.names import uses
from tmf_adapter.mapping.parts import Mapping, Step, Tell, Undo, awaited
from tmf_adapter.mapping.plan import bind
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.sample import PLACEHOLDER, sample_scope
from tmf_adapter.tmf.operations import Json, Member, Operation, Operations, api_of

_KINDS: dict[Json, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def wrong_steps(mapping: Mapping, operations: Operations) -> Iterator[Graded]:
    """Everything that an operation would refuse, or that could not end as it should."""
    sample = _Sample(mapping)
    for at, step in mapping.placed_steps:
        operation = operations.get(step.call)
        if operation is None:
            yield (*at, "call"), _no_operation(step.call, operations), Severity.ERROR
        else:
            told = operations.get(awaited(step, mapping.every_step, operations).call, operation)
            found = chain(_call(step, operation, sample.bodies[step.id]), _wait(step, told))
            yield from (((*at, *place), message, severity) for place, message, severity in found)
        if step.undo:
            undoing = _undo(step, step.undo, operation, operations, sample)
            yield from (((*at, "undo", *place), message, severity) for place, message, severity in undoing)
        if step.tell:
            telling = _deed(step.tell, operations, sample)
            yield from (((*at, "await", "ask", "tell", *place), message, grade) for place, message, grade in telling)


class _Sample:
    """Each body as the sample fills it, or as it is written where the sample cannot."""

    def __init__(self, mapping: Mapping) -> None:
        paths = tuple(path for use in uses(mapping) for path in use.expression.paths)
        self.scope = sample_scope(mapping, paths)
        self.bodies: dict[str, Any] = {}
        self.works = True
        try:
            self.scope = bind(mapping, self.scope)
        except RenderError:
            self.works = False
        for step in mapping.every_step:
            self.bodies[step.id] = body = self.filled(step.body)
            self.scope["step"] = {**self.scope["step"], step.id: {**body, "id": PLACEHOLDER}}

    def filled(self, template: Template) -> Any:
        """``template`` filled in, or as it is written."""
        try:
            return template.render(self.scope) if self.works else template.source
        except RenderError:
            return template.source


def _no_operation(call: str, operations: Operations) -> str:
    api = api_of(call)
    apis = {api_of(name) for name in operations}
    if api not in apis:
        return f"{call!r} is no operation; the APIs are {listed(apis)}{nearest(call, operations)}"
    siblings = [name for name in operations if api_of(name) == api]
    return f"{call!r} is no operation; {api} has {listed(siblings)}{nearest(call, operations)}"


def _call(step: Step | Undo | Tell, operation: Operation, body: Any) -> Iterator[Graded]:
    if operation.needs_target and step.target is None:
        yield ("target",), f"is missing: {step.call} is for one {operation.resource}, name its id", Severity.ERROR
    if not operation.needs_target and step.target is not None:
        yield ("target",), f"is not used: {step.call} makes a new {operation.resource}", Severity.ERROR
    yield from _body(body, operation)


def _undo(
    step: Step, undo: Undo, undone: Operation | None, operations: Operations, sample: _Sample
) -> Iterator[Graded]:
    if undone and undo.call in operations and undo.call not in undone.undone_by:
        ways = f"it is undone by {listed(undone.undone_by)}" if undone.undone_by else "nothing can, leave undo out"
        yield ("call",), f"{undo.call} does not take back {step.call}; {ways}", Severity.ERROR
    yield from _deed(undo, operations, sample)


def _deed(deed: Undo | Tell, operations: Operations, sample: _Sample) -> Iterator[Graded]:
    operation = operations.get(deed.call)
    if operation is None:
        yield ("call",), _no_operation(deed.call, operations), Severity.ERROR
        return
    yield from _call(deed, operation, sample.filled(deed.body))


def _wait(step: Step, operation: Operation) -> Iterator[Graded]:
    """``operation`` is the one whose event is awaited."""
    wait = step.await_
    if wait is None:
        return
    if wait.event not in operation.results:
        known = f"{listed(operation.results)}{nearest(wait.event, operation.results)}"
        message = f"{wait.event!r} brings no result of {step.call}; there are {known}"
        yield ("await", "event"), message, Severity.ERROR
    if wait.fail is None:
        remedy = 'say when the operation has failed (fail: "false" if only its deadline can tell)'
        yield ("await", "fail"), f"is missing: {remedy}", Severity.ERROR
    if wait.ok is None and wait.restored is None and wait.workaround is None:
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
