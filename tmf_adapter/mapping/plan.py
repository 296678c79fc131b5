"""From a change of a ticket to the recoveries that it starts, and why: pure, and quick where nothing matches."""

import json
from collections import abc
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tmf_adapter.mapping.document import Mappings
from tmf_adapter.mapping.expression import Expression, Names, RenderError, Scope, Truth
from tmf_adapter.mapping.faults import listed
from tmf_adapter.mapping.forms import Form
from tmf_adapter.mapping.parts import Mapping, Mode
from tmf_adapter.mapping.scan import Reads, narrowed, reads_of
from tmf_adapter.mapping.view import counter_of, scope_of, view_of
from tmf_adapter.tmf.events import Author, Change, Kind

Counted = tuple[str, str]
"""A role of related entities, and the id of one of them."""


@dataclass(frozen=True)
class Facts:
    """What planning has to know besides the change itself.

    ``open`` counts, for each of ``wanted_counts``, the tickets that are not final and have that related entity, the
    ticket of this change among them if it is one; a condition reads it as ``open.byAccessNode['node-7']``. ``failed``
    are the ids of mappings whose recovery in an earlier episode of this ticket ended unsuccessful, ``tried`` of those
    whose recovery in this episode ended without restoring it. ``off`` are the ids
    of mappings that are switched off, ``all_off`` is the switch for all. ``reachable`` are the APIs that there is a
    downstream for, None for all of them.
    """

    open: abc.Mapping[Counted, int] = field(default_factory=dict)
    failed: Set[str] = frozenset()
    tried: Set[str] = frozenset()
    off: Set[str] = frozenset()
    all_off: bool = False
    reachable: Set[str] | None = None


NOTHING_ELSE = Facts()


@dataclass(frozen=True)
class Planned:
    """A recovery to start. ``scope`` is JSON: all that its expressions may read of the change, for it to keep.

    ``group`` is the key of the group that it joins or opens, None without one. A ``shadow`` one calls nothing.
    """

    mapping: Mapping
    scope: dict[str, Any]
    group: str | None = None

    @property
    def shadow(self) -> bool:
        """Whether it is only recorded."""
        return self.mapping.mode is Mode.SHADOW


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


def plan(
    mappings: Sequence[Mapping], change: Change, now: datetime, facts: Facts = NOTHING_ELSE
) -> tuple[Planned, ...]:
    """The recoveries that ``change`` starts, in order; never raises for what a mapping or a ticket contains.

    A mapping is asked when it listens to one of the change's events, and matches when all its lines hold. One that
    says ``stop`` and matches ends the search. What the adapter itself changed starts nothing.
    """
    if _why_nothing(change, facts):
        return ()
    ordered = Mappings.of(mappings)
    read = _names(change, now, facts, ordered.reads)
    asked = ordered.filed(_kinds(change)).candidates(read)
    if not asked or not (matching := tuple(_matching(asked, ordered, read, facts))):
        return ()
    names = _names(change, now, facts)
    return tuple(_planned(mapping, key, names) for mapping, key in matching)


def wanted_counts(mappings: Sequence[Mapping], change: Change) -> frozenset[Counted]:
    """What ``Facts.open`` has to count for ``change``; empty unless a mapping that listens to it reads ``open``."""
    ordered = Mappings.of(mappings)
    if not ordered.counters or change.resource != "troubleTicket" or not ordered.listening(_kinds(change)):
        return frozenset()
    related = view_of(change.subject.document, ("rel",))["rel"]
    counted = {role: entities for role, entities in related.items() if counter_of(role) in ordered.counters}
    ids = ((role, entity.get("id")) for role, entities in counted.items() for entity in entities)
    return frozenset((role, id) for role, id in ids if isinstance(id, str))


def _planned(mapping: Mapping, key: str | None, names: dict[str, Any]) -> Planned:
    group = {"group": {"key": key}} if key is not None else {}
    return Planned(mapping, {**names, "mapping": {"id": mapping.id}, **group}, key)


def _why_nothing(change: Change, facts: Facts) -> str | None:
    if change.resource != "troubleTicket":
        return "only changes of tickets start recoveries"
    if facts.all_off:
        return "all mappings are switched off"
    return "the adapter itself made the change" if change.by is Author.ADAPTER else None


def _why_off(mapping: Mapping, facts: Facts) -> str | None:
    """Why a mapping is not even asked."""
    if mapping.mode is Mode.OFF:
        return "its mode is off"
    if mapping.id in facts.off:
        return "it is switched off"
    if facts.reachable is not None and (missing := mapping.apis - facts.reachable):
        return f"it calls {listed(missing)}, for which no downstream is configured"
    if mapping.id in facts.tried:
        return "it has had its turn in this episode of the ticket, and did not restore it"
    if mapping.id in facts.failed and not mapping.again:
        return "it was unsuccessful in an earlier episode of this ticket, and does not say again"
    return None


def _kinds(change: Change) -> frozenset[Kind]:
    return frozenset(event.kind for event in change.events)


def _names(change: Change, now: datetime, facts: Facts, reads: Reads | None = None) -> dict[str, Any]:
    open_: dict[str, dict[str, int]] = {}
    for (role, id), count in facts.open.items():
        open_.setdefault(counter_of(role), {})[id] = count
    return scope_of(change, "", change.subject.episode, now, reads, open_)


def _matching(
    asked: Sequence[Mapping], ordered: Mappings, names: Names, facts: Facts
) -> Iterator[tuple[Mapping, str | None]]:
    """Written for speed: hundreds of mappings may be asked for one change, and many of their lines are the same."""
    scope = Scope(narrowed(names, ordered.reads))
    known: dict[str, bool] = {}
    is_plain = scope.is_plain
    for mapping in asked:
        if "mapping" in ordered.reads:
            scope.put("mapping", {"id": mapping.id})
        if not _holds(mapping, mapping.form if is_plain else None, scope, known) or _why_off(mapping, facts):
            continue
        if mapping.group and (key := _group_key(mapping, scope)) is None:
            continue
        yield mapping, key if mapping.group else None
        if mapping.stop and mapping.mode is Mode.LIVE:
            return


def _holds(mapping: Mapping, form: Form | None, scope: Scope, known: dict[str, bool]) -> bool:
    """Whether all its lines hold: Python has the first word, the library, asked once for each source, the last."""
    lines = mapping.when
    if form is not None:
        try:
            if not form.test(scope.names):
                return False
            lines = mapping.formless
        except LookupError:
            if form.needs_all:
                return False
        except TypeError:
            pass
    return all(_is_true(line, scope, known) for line in lines)


def _is_true(line: Expression, scope: Scope, known: dict[str, bool]) -> bool:
    if "mapping" in line.reads:
        return line.is_true(scope)
    holds = known.get(line.source)
    if holds is None:
        holds = known[line.source] = line.is_true(scope)
    return holds


def _group_key(mapping: Mapping, scope: Scope) -> str | None:
    """The key of its group as text; None when it has a group and the key cannot be worked out."""
    assert mapping.group is not None
    try:
        key = mapping.group.by.value(scope)
    except RenderError:
        return None
    return key if isinstance(key, str) else json.dumps(key) if key is not None else None


def explain(
    mappings: Sequence[Mapping], change: Change, now: datetime, facts: Facts = NOTHING_ELSE
) -> tuple[Explanation, ...]:
    """Every mapping in order, each line with its truth; agrees with ``plan`` on what starts."""
    ordered, names = Mappings.of(mappings), _names(change, now, facts)
    nothing, stopped = _why_nothing(change, facts), ""
    explanations, scope = list[Explanation](), Scope(narrowed(names, ordered.reads))
    for mapping in ordered:
        lines = _lines(mapping, scope)
        reason = nothing or _why_not(mapping, lines, change, facts, scope) or stopped
        explanations.append(Explanation(mapping.id, mapping.file, not reason, reason or _why(mapping), lines))
        if not reason and mapping.stop and mapping.mode is Mode.LIVE:
            stopped = f"{mapping.id} matched before it and stopped the search"
    return _with_nearest(explanations, ordered.listening(_kinds(change)))


def _why(mapping: Mapping) -> str:
    return "all lines hold" + ("; in shadow, so nothing is called" if mapping.mode is Mode.SHADOW else "")


def _lines(mapping: Mapping, scope: Scope) -> tuple[Line, ...]:
    scope.put("mapping", {"id": mapping.id})
    found = ((line, line.holds(scope)) for line in mapping.when)
    return tuple(Line(line.source, finding.truth, finding.reason) for line, finding in found)


def _why_not(mapping: Mapping, lines: Sequence[Line], change: Change, facts: Facts, scope: Scope) -> str | None:
    if _kinds(change).isdisjoint(mapping.events):
        return f"it listens to {listed(mapping.events)}, not to {listed(_kinds(change)) or 'nothing'}"
    if off := _why_off(mapping, facts):
        return off
    if false := [line for line in lines if line.truth is not Truth.TRUE]:
        return f"{len(false)} of {len(lines)} lines do not hold"
    if mapping.group and _group_key(mapping, scope) is None:
        return f"the key of its group cannot be worked out: {mapping.group.by.holds(scope).reason}"
    return None


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
