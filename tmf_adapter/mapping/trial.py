"""Expressions tried on the sample: conditions that are none, and types that do not go together."""

from collections.abc import Iterator
from contextlib import suppress

from tmf_adapter.mapping.expression import RenderError, shortened
from tmf_adapter.mapping.names import Complaint, Use, uses
from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.mapping.plan import bind
from tmf_adapter.mapping.sample import sample_scope
from tmf_adapter.mapping.scan import Path
from tmf_adapter.tmf.operations import Operations

_TYPED = frozenset({"id", "status", "priority", "description", "type", "severity", "party", "rel", "note"})
"""Members of a ticket whose types are the same for every ticket."""


def wrong_types(mapping: Mapping, operations: Operations) -> Iterator[Complaint]:
    """Expressions that fail for every ticket. Where a type is known at run time only, nothing is said."""
    found = list(uses(mapping, operations))
    scope = sample_scope(mapping, tuple(path for use in found for path in use.expression.paths))
    with suppress(RenderError):  # the let value is complained of in its own place
        scope = bind(mapping, scope)
    for use in found:
        if all(_is_typed(path) for path in use.expression.paths) and (wrong := _wrong(use, scope)):
            yield use.place, wrong


def _is_typed(path: Path) -> bool:
    if path.root in ("t", "was", "answer"):
        below = path.steps[2:] if path.root == "answer" else path.steps[1:]
        return bool(below) and below[0] in _TYPED
    return path.root in ("changed", "episode", "now", "mapping", "group")


def _wrong(use: Use, scope: dict[str, object]) -> str | None:
    try:
        value = use.expression.value(scope)
    except RenderError as error:
        return error.cause if error.cause.startswith(("these types", "size() does not")) else None
    if use.condition and not isinstance(value, bool):
        return f"becomes {shortened(repr(value))}, and a condition must be true or false; compare it with something"
    return None
