"""What the expressions of a mapping refer to: every name, path, call and literal that cannot be right is found here."""

from collections.abc import Iterator
from dataclasses import dataclass

from tmf_adapter.mapping.expression import FUNCTIONS, Expression
from tmf_adapter.mapping.faults import Place, listed, nearest
from tmf_adapter.mapping.parts import Ask, Expiry, Interim, Mapping, Outcome, ReportRule, Step
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.scan import Path
from tmf_adapter.mapping.view import MEMBERS, ON_EVENT, SPELLINGS, name_of
from tmf_adapter.tmf.lifecycle import TICKET
from tmf_adapter.tmf.operations import OPERATIONS, Operation

Complaint = tuple[Place, str]


@dataclass(frozen=True)
class Use:
    """An expression in its place, with the names that it has there."""

    place: Place
    expression: Expression
    names: frozenset[str]
    steps: frozenset[str] = frozenset()
    """The steps whose answers it can read."""
    operation: Operation | None = None
    """The operation whose event ``ev`` is."""


def uses(mapping: Mapping) -> Iterator[Use]:
    """Every expression of ``mapping``."""
    for index, line in enumerate(mapping.when):
        yield Use(("when", index), line, ON_EVENT)
    running = ON_EVENT | mapping.let.keys()
    if mapping.group:
        yield Use(("group", "by"), mapping.group.by, ON_EVENT)
        running |= {"group"}
    for name, value in mapping.let.items():
        yield Use(("let", name), value, running)
    if mapping.approve:
        yield from _template_uses(("approve", "note"), mapping.approve.note, running, frozenset())
    yield from _ask_uses(("ask",), mapping.ask, running, frozenset())
    yield from _rule_uses(("report", "now"), mapping.report.now, running | {"summary"}, frozenset())
    yield from _steps_uses(mapping, running | {"step"})
    every = frozenset(step.id for step in mapping.every_step)
    for outcome in Outcome:
        place, rule = ("report", outcome.value), mapping.report[outcome]
        yield from _rule_uses(place, rule, running | {"step", "summary"}, every)
        if rule.expiry:
            yield from _expiry_uses((*place, "expiry"), rule.expiry, running | {"step"}, every)


def _steps_uses(mapping: Mapping, names: frozenset[str]) -> Iterator[Use]:
    ran: frozenset[str] = frozenset()
    for index, part in enumerate(mapping.steps):
        here = ran | {step.id for step in part.steps}
        yield from _interim_uses(("steps", index, "while"), part.while_, names, here)
        for at, step in enumerate(part.steps):
            place: Place = ("steps", index) if isinstance(part, Step) else ("steps", index, "parallel", at)
            yield from _step_uses(place, step, names, ran)
        ran = here


def _step_uses(place: Place, step: Step, names: frozenset[str], ran: frozenset[str]) -> Iterator[Use]:
    if step.if_:
        yield Use((*place, "if"), step.if_, names, ran)
    yield from _template_uses((*place, "target"), step.target, names, ran)
    yield from _template_uses((*place, "body"), step.body, names, ran)
    ran |= {step.id}
    if step.undo:
        yield from _template_uses((*place, "undo", "target"), step.undo.target, names, ran)
        yield from _template_uses((*place, "undo", "body"), step.undo.body, names, ran)
    if step.await_:
        operation = OPERATIONS.get(step.call)
        for key in ("match", "workaround", "restored", "ok", "fail"):
            if condition := getattr(step.await_, key):
                yield Use((*place, "await", key), condition, names | {"ev"}, ran, operation)
        if step.await_.ask:
            yield Use((*place, "await", "ask", "when"), step.await_.ask, names | {"ev"}, ran, operation)
        yield from _ask_uses((*place, "await", "ask"), step.await_.asking, names, ran)


def _ask_uses(place: Place, ask: Ask | None, names: frozenset[str], ran: frozenset[str]) -> Iterator[Use]:
    if ask:
        names |= {"summary"}
        yield from _template_uses((*place, "reason"), ask.reason, names, ran)
        yield from _template_uses((*place, "note"), ask.note, names, ran)
        yield from _template_uses((*place, "need"), ask.need, names, ran)
        yield from _rule_uses((*place, "then"), ask.then, names, ran)


def _interim_uses(place: Place, interim: Interim | None, names: frozenset[str], ran: frozenset[str]) -> Iterator[Use]:
    if interim:
        yield from _template_uses((*place, "reason"), interim.reason, names, ran)
        yield from _template_uses((*place, "note"), interim.note, names, ran)


def _rule_uses(place: Place, rule: ReportRule | None, names: frozenset[str], ran: frozenset[str]) -> Iterator[Use]:
    if rule:
        yield from _template_uses((*place, "reason"), rule.reason, names, ran)
        yield from _template_uses((*place, "note"), rule.note, names, ran)
        for name, template in rule.char.items():
            yield from _template_uses((*place, "char", name), template, names, ran)


def _expiry_uses(place: Place, expiry: Expiry, names: frozenset[str], ran: frozenset[str]) -> Iterator[Use]:
    if expiry.restored:
        yield Use((*place, "restored"), expiry.restored, names | {"ev"}, ran)
    yield from _template_uses((*place, "note"), expiry.note, names | {"summary"}, ran)


def _template_uses(
    place: Place, template: Template | None, names: frozenset[str], ran: frozenset[str]
) -> Iterator[Use]:
    for inner, expression in template.placed if template else ():
        yield Use((*place, *inner), expression, names, ran)


def wrong_names(mapping: Mapping) -> Iterator[Complaint]:
    """Everything that an expression of ``mapping`` refers to and that is not there."""
    for use in uses(mapping):
        for path in use.expression.paths:
            complaint = _unknown_name(use, path, mapping) or _wrong_path(use, path) or _wrong_literal(use, path)
            if complaint:
                yield use.place, complaint
        for call in use.expression.reading.calls:
            if call not in FUNCTIONS:
                yield use.place, f"{call}() is no function; there are {listed(FUNCTIONS)}{nearest(call, FUNCTIONS)}"


def _unknown_name(use: Use, path: Path, mapping: Mapping) -> str | None:
    root = path.root
    if root in use.names:
        return None
    if root in mapping.let:
        return f"{root} is a let value, and those are made only after the lines of when hold"
    if root == "ev":
        return "ev is the awaited event: only the conditions of an await have it"
    if root == "step":
        return "step holds the answers of steps, and none has run here"
    if root == "summary":
        return "summary is how the recovery ended: only report has it"
    return f"{root} is no name here; there are {listed(use.names)}{nearest(root, use.names)}"


def _wrong_path(use: Use, path: Path) -> str | None:
    root, *rest = path.steps
    if not rest:
        return None
    if root in ("t", "was"):
        return _wrong_view(path)
    if root == "step" and rest[0] not in use.steps:
        known = f"there are {listed(use.steps)}" if use.steps else "there is none"
        return f"{path} names no step that has run before; {known}{nearest(str(rest[0]), use.steps)}"
    if root == "mapping" and rest[0] != "id":
        return f"{path} does not exist; there is mapping.id"
    if root == "ev" and use.operation and rest[0] != use.operation.resource:
        return f"{path} does not exist; the event holds ev.{use.operation.resource}"
    return None


def _wrong_view(path: Path) -> str | None:
    """A path below ``t`` or ``was`` that no ticket can have."""
    root, member = path.steps[:2]
    if member not in MEMBERS:
        right = SPELLINGS.get(str(member))
        known = f"; write {root}.{right}" if right else nearest(str(member), MEMBERS)
        rest = f"; there are {listed(MEMBERS)}, and {root}.raw.<member> for the rest"
        return f"{root}.{member} does not exist{known or rest}"
    if member == "rel" and len(path.steps) > 3 and isinstance(path.steps[3], str):
        role, inner = path.steps[2:4]
        return f"{path} does not exist: {root}.rel.{role} is a list; write {root}.rel.{role}[0].{inner}"
    return None


def _wrong_literal(use: Use, path: Path) -> str | None:
    """A comparison with a text that the path can never have."""
    known = _values(use, path)
    for literal in path.literals:
        if known is not None and literal not in known:
            return f"{path} is never {literal!r}; it can be {listed(known)}{nearest(literal, known)}"
        if path.steps[1:] in (("type",), ("severity",)) and path.root in ("t", "was") and name_of(literal) != literal:
            return f"{path} is never {literal!r}: it is a name in lowerCamelCase; write {name_of(literal)!r}"
    return None


def _values(use: Use, path: Path) -> frozenset[str] | None:
    if path.steps in (("t", "status"), ("was", "status")):
        return frozenset(TICKET.edges)
    operation = use.operation
    if operation and path.steps == ("ev", operation.resource, operation.state_member):
        return operation.statuses
    return None
