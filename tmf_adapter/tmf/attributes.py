"""The attributes of a resource, as deep as its schema goes: what can be filtered by, sorted by and selected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from tmf_adapter.tmf.condition import Path
from tmf_adapter.tmf.errors import BadQuery

DEEPEST = 16
_UNSPEAKABLE = frozenset('"\\\0')


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute, or the resource itself; an array is what its elements are.

    ``required``: the members that stay in every selection. ``is_open``: anything may be below. ``is_characteristic``:
    a name with a value, which can be asked for by that name.
    """

    members: Mapping[str, "Attribute"] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    is_open: bool = False
    is_characteristic: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: to ``path``, or to the value (at ``rest`` below it) of the ``characteristic`` there."""

    path: Path
    characteristic: str | None = None
    rest: Path = ()


def locate(root: Attribute, text: str) -> Place:
    """What ``text``, names with dots between them, leads to. Raises ``BadQuery`` for what there is not."""
    return find(root, tuple(text.split(".")))


def find(root: Attribute, path: Path) -> Place:
    """What ``path`` leads to. Raises ``BadQuery``, naming the attribute and the nearest right one."""
    if len(path) > DEEPEST:
        raise BadQuery(f"The path {'.'.join(path)[:80]!r}... is too deep.", f"At most {DEEPEST} steps are possible.")
    attribute = root
    for depth, name in enumerate(path):
        if attribute.is_open:
            _require_speakable(path)
            return Place(path)
        following = attribute.members.get(name)
        if following is None and attribute.is_characteristic and name:
            _require_speakable(path)
            return Place(path[:depth], name, path[depth + 1 :])
        if following is None:
            raise _unknown(path, depth, attribute)
        attribute = following
    return Place(path)


def below(root: Attribute, path: Path) -> Attribute:
    """The attribute at a path that ``find`` has found."""
    attribute = root
    for name in path:
        if attribute.is_open:
            return attribute
        attribute = attribute.members[name]
    return attribute


def _require_speakable(path: Path) -> None:
    for name in path:
        if not name or _UNSPEAKABLE & set(name) or not name.isprintable():
            raise BadQuery(f"The attribute name {name[:80]!r} cannot be asked for.")


def _unknown(path: Path, depth: int, attribute: Attribute) -> BadQuery:
    reason = f"There is no attribute {'.'.join(path)[:200]!r}."
    where = ".".join(path[:depth])
    if not attribute.members:
        return BadQuery(reason, f"{where} has no members; the operators are .eq .ne .gt .gte .lt .lte .regex.")
    close = get_close_matches(path[depth], attribute.members, 1, 0.6)
    nearest = f"Did you mean {'.'.join((*path[:depth], *close))!r}? " if close else ""
    return BadQuery(reason, f"{nearest}{where or 'The resource'} has: {', '.join(sorted(attribute.members))}.")
