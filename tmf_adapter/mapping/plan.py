"""From a change of a ticket to the recoveries that it starts, and why: pure, and quick where nothing matches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tmf_adapter.mapping.document import Mapping, Mappings
from tmf_adapter.mapping.expression import Names, RenderError, Scope, Truth
from tmf_adapter.mapping.faults import listed
from tmf_adapter.mapping.scan import Reads, narrowed, reads_of
from tmf_adapter.mapping.view import scope_of
from tmf_adapter.tmf.events import Author, Change, Kind


@dataclass(frozen=True)
class Planned:
    """A recovery to start. ``scope`` is JSON: all that its expressions may read of the change, for it to keep."""

    mapping: Mapping
    scope: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A condition of a mapping, how it came out, and for one that does not hold the reason."""

    condition: str
    truth: Truth
    reason: str


@dataclass(frozen=True)
class Explanation:
    """What became of one mapping for one change: whether it ``starts``, why or why not, and each of its lines.

    ``nearest`` marks, where nothing starts, the mapping that listened and came closest.
    """

    mapping: str
    file: str
    starts: bool
    reason: str
    lines: tuple[Line, ...]
    nearest: bool = False

    @property
    def misses(self) -> int:
        """How many lines do not hold."""
        return sum(line.truth is not Truth.TRUE for line in self.lines)


def plan(mappings: Sequence[Mapping], change: Change, now: datetime) -> tuple[Planned, ...]:
    """The recoveries that ``change`` starts, in order; never raises for what a mapping or a ticket contains.

    A mapping is asked when it listens to one of the change's events, and matches when all its lines hold. One that
    says ``stop`` and matches ends the search. What the adapter itself changed starts nothing.
    """
    if _why_nothing(change):
        return ()
    ordered = Mappings.of(mappings)
    asked = ordered.listening(_kinds(change))
    if not asked or not (matching := tuple(_matching(asked, ordered, change, now))):
        return ()
    names = _names(change, now)
    return tuple(Planned(mapping, {**names, "mapping": {"id": mapping.id}}) for mapping in matching)


def _why_nothing(change: Change) -> str | None:
    if change.resource != "troubleTicket":
        return "only changes of tickets start recoveries"
    return "the adapter itself made the change" if change.by is Author.ADAPTER else None


def _kinds(change: Change) -> frozenset[Kind]:
    return frozenset(event.kind for event in change.events)


def _names(change: Change, now: datetime, reads: Reads | None = None) -> dict[str, Any]:
    return scope_of(change, "", change.subject.episode, now, reads)


def _matching(asked: Sequence[Mapping], ordered: Mappings, change: Change, now: datetime) -> Iterator[Mapping]:
    """Written for speed: hundreds of mappings are asked for one change, and many of their lines are the same."""
    scope = Scope(narrowed(_names(change, now, ordered.reads), ordered.reads))
    known: dict[str, bool] = {}
    for mapping in asked:
        if "mapping" in ordered.reads:
            scope.put("mapping", {"id": mapping.id})
        for line in mapping.when:
            holds = known.get(line.source)
            if holds is None:
                holds = line.is_true(scope)
                if "mapping" not in line.reads:
                    known[line.source] = holds
            if not holds:
                break
        else:
            yield mapping
            if mapping.stop:
                return


def explain(mappings: Sequence[Mapping], change: Change, now: datetime) -> tuple[Explanation, ...]:
    """Every mapping in order, each line with its truth; agrees with ``plan`` on what starts."""
    ordered, names = Mappings.of(mappings), _names(change, now)
    nothing, stopped = _why_nothing(change), ""
    explanations, scope = list[Explanation](), Scope(narrowed(names, ordered.reads))
    for mapping in ordered:
        lines = _lines(mapping, scope)
        reason = nothing or _why_not(mapping, lines, change) or stopped
        explanations.append(Explanation(mapping.id, mapping.file, not reason, reason or "all lines hold", lines))
        if not reason and mapping.stop:
            stopped = f"{mapping.id} matched before it and stopped the search"
    return _with_nearest(explanations, ordered.listening(_kinds(change)))


def _lines(mapping: Mapping, scope: Scope) -> tuple[Line, ...]:
    scope.put("mapping", {"id": mapping.id})
    found = ((line, line.holds(scope)) for line in mapping.when)
    return tuple(Line(line.source, finding.truth, finding.reason) for line, finding in found)


def _why_not(mapping: Mapping, lines: Sequence[Line], change: Change) -> str | None:
    if _kinds(change).isdisjoint(mapping.events):
        return f"it listens to {listed(mapping.events)}, not to {listed(_kinds(change)) or 'nothing'}"
    false = [line for line in lines if line.truth is not Truth.TRUE]
    return f"{len(false)} of {len(lines)} lines do not hold" if false else None


def _with_nearest(found: Sequence[Explanation], listening: Sequence[Mapping]) -> tuple[Explanation, ...]:
    ids = {mapping.id for mapping in listening}
    close = [one for one in found if one.mapping in ids]
    if not close or any(one.starts for one in found):
        return tuple(found)
    nearest = min(close, key=lambda one: one.misses)
    return tuple(replace(one, nearest=one is nearest) for one in found)


def bind(mapping: Mapping, scope: Names) -> dict[str, Any]:
    """``scope`` with the values of the mapping's ``let``: JSON again. Raises ``RenderError`` at ``/let/<name>``."""
    values, bound = (
        dict[str, Any](),
        Scope(narrowed(scope, reads_of(path for value in mapping.let.values() for path in value.paths))),
    )
    for name, value in mapping.let.items():
        try:
            values[name] = value.value(bound)
        except RenderError as error:
            raise error.at(f"/let/{name}") from error
        bound.put(name, values[name])
    return {**scope, **values}
