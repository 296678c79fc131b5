"""What the expressions of a mapping refer to: every name, path, call and literal that cannot be right is found here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tmf_adapter.mapping.asking import UNSAID
from tmf_adapter.mapping.expression import FUNCTIONS, Expression
from tmf_adapter.mapping.faults import Place, listed, nearest
from tmf_adapter.mapping.parts import Ask, Expiry, Interim, Mapping, Outcome, ReportRule, Step, Tell, Undo, awaited
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.scan import Path
from tmf_adapter.mapping.view import MEMBERS, ON_EVENT, SPELLINGS, name_of
from tmf_adapter.tmf.lifecycle import TICKET
from tmf_adapter.tmf.operations import OPERATIONS, Operation, Operations

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
    condition: bool = False
    """Whether it must be true or false."""


def uses(mapping: Mapping, operations: Operations = OPERATIONS) -> Iterator[Use]:
    """Every expression of ``mapping``."""
    for index, line in enumerate(mapping.when):
        yield Use(("when", index), line, ON_EVENT, condition=True)
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
    acting = running | {"step", "answer"}
    yield from _steps_uses(mapping, acting, operations)
    every = frozenset(step.id for step in mapping.every_step)
    for outcome in Outcome:
        place, rule = ("report", outcome.value), mapping.report[outcome]
        yield from _rule_uses(place, rule, acting | {"summary"}, every)
        if rule.expiry:
            yield from _expiry_uses((*place, "expiry"), rule.expiry, acting, every)


def _steps_uses(mapping: Mapping, names: frozenset[str], operations: Operations) -> Iterator[Use]:
    ran: frozenset[str] = frozenset()
    for index, part in enumerate(mapping.steps):
        here = ran | {step.id for step in part.steps}
        yield from _interim_uses(("steps", index, "while"), part.while_, names, here)
        for at, step in enumerate(part.steps):
            place: Place = ("steps", index) if isinstance(part, Step) else ("steps", index, "parallel", at)
            told = operations.get(awaited(step, mapping.every_step, operations).call)
            yield from _step_uses(place, step, names, ran, told)
        ran = here


def _step_uses(
    place: Place, step: Step, names: frozenset[str], ran: frozenset[str], operation: Operation | None
) -> Iterator[Use]:
    if step.if_:
        yield Use((*place, "if"), step.if_, names, ran, condition=True)
    yield from _template_uses((*place, "target"), step.target, names, ran)
    yield from _template_uses((*place, "body"), step.body, names, ran)
    ran |= {step.id}
    yield from _deed_uses((*place, "undo"), step.undo, names, ran)
    if step.await_:
        for key in ("match", "workaround", "restored", "ok", "fail"):
            if condition := getattr(step.await_, key):
                yield Use((*place, "await", key), condition, names | {"ev"}, ran, operation, condition=True)
        if step.await_.ask:
            asks = (*place, "await", "ask", "when")
            yield Use(asks, step.await_.ask, names | {"ev"}, ran, operation, condition=True)
        yield from _ask_uses((*place, "await", "ask"), step.await_.asking, names, ran)
        yield from _deed_uses((*place, "await", "ask", "tell"), step.tell, names, ran)


def _deed_uses(place: Place, deed: Undo | Tell | None, names: frozenset[str], ran: frozenset[str]) -> Iterator[Use]:
    if deed:
        yield from _template_uses((*place, "target"), deed.target, names, ran)
        yield from _template_uses((*place, "body"), deed.body, names, ran)


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
        yield Use((*place, "restored"), expiry.restored, names | {"ev"}, ran, condition=True)
    yield from _template_uses((*place, "note"), expiry.note, names | {"summary"}, ran)


def _template_uses(
    place: Place, template: Template | None, names: frozenset[str], ran: frozenset[str]
) -> Iterator[Use]:
    for inner, expression in template.placed if template else ():
        yield Use((*place, *inner), expression, names, ran)


def wrong_names(mapping: Mapping, operations: Operations) -> Iterator[Complaint]:
    """Everything that an expression of ``mapping`` refers to and that is not there."""
    for use in uses(mapping, operations):
        for path in use.expression.paths:
            complaint = (
                _unknown_name(use, path, mapping)
                or _wrong_answer(use, path, mapping)
                or _wrong_path(use, path)
                or _wrong_literal(use, path)
            )
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
    if root == "answer":
        return "answer is what the customer said to the question of a step, and none has run here"
    if root == "summary":
        return "summary is how the recovery ended: only report has it"
    if root == "group":
        when = "when a group is planned, its key is not known yet" if mapping.group else "this mapping has no group"
        return f"group.key is what the tickets of a group have in common, and {when}"
    return f"{root} is no name here; there are {listed(use.names)}{nearest(root, use.names)}"


def _wrong_path(use: Use, path: Path) -> str | None:
    root, *rest = path.steps
    if root == "open" and not (rest and re.match("by[A-Z]", str(rest[0]))):
        return f"{path} counts nothing; write open.by<Role>['<id>'], such as open.byAccessNode[t.rel.accessNode[0].id]"
    if not rest:
        return None
    if root in ("t", "was"):
        return _wrong_view(path, str(root), rest)
    if root == "step" and rest[0] not in use.steps:
        known = f"there are {listed(use.steps)}" if use.steps else "there is none"
        return f"{path} names no step that has run before; {known}{nearest(str(rest[0]), use.steps)}"
    if (only := _ONLY.get(path.root)) and rest[0] != only:
        return f"{path} does not exist; there is {root}.{only}"
    if root == "ev" and use.operation and rest[0] != use.operation.resource:
        return f"{path} does not exist; the event holds ev.{use.operation.resource}"
    return None


def _wrong_answer(use: Use, path: Path, mapping: Mapping) -> str | None:
    """A path below ``answer`` that no answer of the customer can have."""
    if path.root != "answer" or len(path.steps) == 1:
        return None
    asked = frozenset(step.id for step in mapping.every_step if step.asks) & use.steps
    _, name, *members = path.steps
    if name not in asked:
        known = f"there are {listed(asked)}" if asked else "there is none"
        return f"{path} names no step before it whose await asks; {known}{nearest(str(name), asked)}"
    if members and members[0] in UNSAID:
        return f"{path} does not exist: an answer has what it added to the ticket, and that is never its {members[0]}"
    return _wrong_view(path, f"answer.{name}", members)


_ONLY = {"mapping": "id", "group": "key"}
_REFERENCE = frozenset({"id", "name", "href", "type"})


def _wrong_view(path: Path, root: str, below: list[str | int]) -> str | None:
    """A path with these steps ``below`` the view ``root`` that no ticket can have."""
    if not below:
        return None
    member = below[0]
    if member not in MEMBERS:
        right = SPELLINGS.get(str(member))
        known = f"; write {root}.{right}" if right else nearest(str(member), MEMBERS)
        rest = f"; there are {listed(MEMBERS)}, and {root}.raw.<member> for the rest"
        return f"{root}.{member} does not exist{known or rest}"
    if member == "rel" and len(below) > 2 and isinstance(below[2], str):
        role, inner = below[1:3]
        return f"{path} does not exist: {root}.rel.{role} is a list; write {root}.rel.{role}[0].{inner}"
    last = below[{"rel": 3, "party": 2}.get(str(member), len(below)) :][:1]
    if last and last[0] not in _REFERENCE:
        return f"{path} does not exist; there are {listed(_REFERENCE)}{nearest(str(last[0]), _REFERENCE)}"
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
        return operation.statuses or None
    return None
