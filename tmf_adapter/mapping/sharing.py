"""What the tickets of a group share: a step marked ``once: group`` is done for all, so it may read nothing of one."""

from collections.abc import Iterator

from tmf_adapter.mapping.faults import Place, listed
from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.mapping.render import Template
from tmf_adapter.mapping.scan import Path

VISIBLE = frozenset({"group", "mapping", "now", "open"})
"""What is the same for every ticket of a group, or says nothing of any of them."""


_TOLD = "hands on what the customer of one ticket said, and this step is done for all of a group; leave it out"


def leaks(mapping: Mapping) -> Iterator[tuple[Place, str]]:
    """Where a shared step would show one ticket's data to the others of its group."""
    shared = {step.id for step in mapping.every_step if step.once}
    private = _private_values(mapping)
    for at, step in mapping.placed_steps:
        if step.once and step.tell:
            yield (*at, "await", "ask", "tell"), _TOLD
        templates: list[tuple[Place, Template | None]] = [(("target",), step.target), (("body",), step.body)]
        if step.undo:
            templates += [(("undo", "target"), step.undo.target), (("undo", "body"), step.undo.body)]
        for place, template in templates if step.once else ():
            for inner, expression in template.placed if template else ():
                for path in expression.paths:
                    if why := _why_private(path, shared, private):
                        yield (*at, *place, *inner), f"{path} {why}"


def _private_values(mapping: Mapping) -> frozenset[str]:
    """The names of ``let`` that read something of one ticket."""
    private: set[str] = set()
    for name, value in mapping.let.items():
        if any(path.root not in VISIBLE | mapping.let.keys() or path.root in private for path in value.paths):
            private.add(name)
    return frozenset(private)


def _why_private(path: Path, shared: set[str], private: frozenset[str]) -> str | None:
    if path.root == "step":
        step = path.steps[1] if len(path.steps) > 1 else ""
        return None if step in shared else "is the answer to a step of one ticket, and this step is done for all"
    if path.root in private or path.root in ("t", "answer", "was", "changed", "episode"):
        known = f"it may read {listed(VISIBLE)} and the answers of steps with once: group"
        return f"belongs to one ticket, and this step is done for all of a group; {known}"
    return None
