"""What one kind of object looks like in v4 and in v5, and how the one is turned into the other with nothing lost.

A ``Shape`` is a lens: ``view`` shows what v4 sees of a v5 object, ``put`` writes what v4 made of that back into the v5
object. Writing back what was seen changes nothing, and what was written is what will be seen. What v4 cannot see stays.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tmf_adapter.tmf.events import Doc, same
from tmf_adapter.tmf.forms import Form, uri

KEPT: Final = "@v4"
"""The member of a stored object that keeps what v4 said and v5 has no place for: v4 names with the values as sent."""

ABSENT: Final = object()
"""What a part looks like in the other version when it is not there at all."""

META: Final = ("@type", "@baseType", "@schemaLocation")
"""What any object of v5 may say of its type, in text."""
_BESIDE = frozenset({"role", KEPT, *META})
"""What v5 has beside the reference that it wraps; everything else of a v4 object is the reference."""
_EVERYWHERE: Mapping[str, Form] = {"@schemaLocation": uri}
"""What v4 asks of any object, and v5 does not."""

TypeOf = Callable[[Doc], str]


@dataclass(frozen=True, slots=True)
class Wrapped:
    """v4 has a reference flat beside its role, v5 under the member ``name``; ``type`` is the ``@type`` it has there."""

    name: str
    type: TypeOf


@dataclass(frozen=True, slots=True)
class FirstId:
    """v4's one text, v5's list of identifiers: v4 sees the ``id`` of the first and changes that one."""

    def view(self, stored: Any) -> Any:
        first = stored[0] if isinstance(stored, list) and stored else None
        id_ = first.get("id", ABSENT) if isinstance(first, dict) else ABSENT
        return id_

    def put(self, before: Any, v4: Any) -> Any:
        if v4 is ABSENT:
            return before[1:] or ABSENT if isinstance(before, list) else ABSENT
        if self.view(before) is ABSENT:
            return [{"@type": "ExternalIdentifier", "id": v4}, *(before if isinstance(before, list) else ())]
        return [{**before[0], "id": v4}, *before[1:]]


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of object.

    ``type`` is the ``@type`` that v5 requires and v4 may leave out; where v4 leaves it out it is supplied, and not
    shown to v4 again. ``v4_type`` is v4's own name of it. ``renamed`` and ``parts`` go by the v4 name: a part is an
    object of that shape, or a list of them. ``needs_id``: v5 requires an ``id`` that v4 may leave out; supplied empty.
    ``assumed``: what v4 requires and v5 may leave out, with what v4 is shown then; it is not stored, and a v4 client
    that left it out itself is not shown it. ``v4_asks`` are the forms that v4 asks of members (v4 names) and v5 does
    not: a value of another form is not shown to v4. ``v5_asks`` the opposite: from v4 it is just kept.
    """

    type: TypeOf
    v4_type: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, "Shape | FirstId"] = field(default_factory=dict)
    wrapped: Wrapped | None = None
    needs_id: Callable[[Doc], bool] = lambda _: False
    assumed: Mapping[str, Any] = field(default_factory=dict)
    v4_asks: Mapping[str, Form] = field(default_factory=dict)
    v5_asks: Mapping[str, Form] = field(default_factory=dict)

    def view(self, stored: Any) -> Any:
        """What v4 sees. What is of another kind than expected is shown as it stands."""
        if isinstance(stored, list):
            return [self.view(element) for element in stored]
        if not isinstance(stored, dict):
            return stored
        flat = self._flat(stored)
        seen = self._members(flat)
        sent = kept(stored)
        for name, value in self._supplied(flat):
            if same(seen.get(name, ABSENT), value):
                del seen[name]
                if isinstance(sent.get(name), str):
                    seen[name] = sent[name]
        missing = {name: value for name, value in self.assumed.items() if name not in seen and name not in sent}
        return seen | missing | {name: value for name, value in sent.items() if self._is_unspeakable(name, value)}

    def put(self, before: Any, v4: Any) -> Any:
        """The v5 object that v4 sees as ``v4``, with what v4 cannot see from ``before``."""
        if isinstance(v4, list):
            return self._aligned(before if isinstance(before, list) else [], v4)
        if not isinstance(v4, dict):
            return v4
        before = before if isinstance(before, dict) else {}
        seen = self.view(before) if before else {}
        if before and same(seen, v4):
            return before
        sent = {name: value for name, value in v4.items() if self._is_unspeakable(name, value)}
        body = {name: value for name, value in v4.items() if name not in sent}
        flat = self._written(self._flat(before), seen, body)
        for name, value in self._supplied(flat):
            if name not in v4:
                flat[name] = value
            elif v4[name] == value or (name == "@type" and v4[name] in (self.v4_type, "")):
                flat[name], sent[name] = value, v4[name]
        sent |= {name: None for name in self.assumed if name not in v4}
        if sent:
            flat[KEPT] = sent
        return self._wrap(before, flat)

    def misfits(self, v4: Any, at: str = "") -> Iterator[str]:
        """Pointers to what v4 has no place for in an object of v4, or in a list of them."""
        for step, value in enumerate(v4) if isinstance(v4, list) else ():
            yield from self.misfits(value, f"{at}/{step}")
        for name, value in v4.items() if isinstance(v4, dict) else ():
            part, place = self.parts.get(name), f"{at}/{name}"
            if not self._is_visible(name, value):
                yield place
            elif isinstance(part, Shape):
                yield from part.misfits(value, place)

    def path(self, steps: tuple[str, ...]) -> Iterator[str]:
        """The v5 steps of a v4 path that begins at this object."""
        if not steps:
            return
        name, rest = steps[0], steps[1:]
        if self.wrapped and name not in _BESIDE:
            yield self.wrapped.name
        yield self.renamed.get(name, name)
        part = self.parts.get(name)
        if isinstance(part, FirstId):
            yield "id"
        elif part is not None:
            yield from part.path(rest)
        else:
            yield from rest

    def v4_steps(self, steps: tuple[str, ...]) -> Iterator[str]:
        """The v4 steps of a v5 pointer that begins at this object; positions in lists stay."""
        if not steps:
            return
        step, rest = steps[0], steps[1:]
        if step.isdigit():
            yield step
            yield from self.v4_steps(rest)
        elif self.wrapped and step == self.wrapped.name:
            yield from rest
        else:
            name = next((v4 for v4, v5 in self.renamed.items() if v5 == step), step)
            yield name
            part = self.parts.get(name)
            if isinstance(part, Shape):
                yield from part.v4_steps(rest)
            elif part is None:
                yield from rest

    def _is_unspeakable(self, name: str, value: Any) -> bool:
        """Whether v4 cannot say it to v5: our own name, v5's for what v4 names otherwise, or one of v5's in another
        form. From v4 it is just kept."""
        return name == KEPT or name in self.renamed.values() or not self.v5_asks.get(name, _anything)(value)

    def _is_visible(self, name: str, value: Any) -> bool:
        """Whether v4 has a place for the value: some are of any form in v5, and not in v4."""
        return (self.v4_asks.get(name) or _EVERYWHERE.get(name, _anything))(value)

    def _supplied(self, flat: Doc) -> Iterator[tuple[str, str]]:
        """What v5 requires and v4 may leave out. The type, which is written first, says whether an id is needed."""
        yield "@type", self.type(flat)
        if self.needs_id(flat):
            yield "id", ""

    def _members(self, flat: Doc) -> Doc:
        """Every member that v4 has a place for, by its v4 name. What v5 has under a name that v4 needs is not seen."""
        names = {v5: v4 for v4, v5 in self.renamed.items()}
        seen = {}
        for name, value in flat.items():
            if name == KEPT or name in self.renamed:
                continue
            v4 = names.get(name, name)
            part = self.parts.get(v4)
            shown = part.view(value) if part else value
            if shown is not ABSENT and self._is_visible(v4, shown):
                seen[v4] = shown
        return seen

    def _written(self, flat: Doc, seen: Doc, v4: Doc) -> Doc:
        """``flat``, a v5 object, with what v4 changed of what it had ``seen``."""
        after = {name: value for name, value in flat.items() if name != KEPT}
        for name in seen.keys() - v4.keys():
            self._set(after, name, ABSENT)
        for name, value in v4.items():
            if name not in seen or not same(seen[name], value):
                self._set(after, name, value)
        return after

    def _set(self, after: Doc, name: str, v4: Any) -> None:
        target, part = self.renamed.get(name, name), self.parts.get(name)
        value = part.put(after.get(target), v4) if part and (v4 is not ABSENT or isinstance(part, FirstId)) else v4
        if value is ABSENT:
            after.pop(target, None)
        else:
            after[target] = value

    def _flat(self, stored: Doc) -> Doc:
        """The object with its reference beside the role, as v4 has it; under v5 names."""
        inner = stored.get(self.wrapped.name) if self.wrapped else None
        if self.wrapped is None or not isinstance(inner, dict):
            return stored
        beside = {name: value for name, value in stored.items() if name != self.wrapped.name}
        return beside | {name: value for name, value in inner.items() if name not in _BESIDE}

    def _wrap(self, before: Doc, flat: Doc) -> Doc:
        """The opposite; what was beside the reference stays there, and so does what v4 cannot see of it."""
        if self.wrapped is None:
            return flat
        inner = before.get(self.wrapped.name)
        old: Doc = inner if isinstance(inner, dict) else {}
        beside = (_BESIDE | (before.keys() - old.keys() if inner is old else set())) - {self.wrapped.name}
        reference = {name: value for name, value in flat.items() if name not in beside}
        hidden = {name: value for name, value in old.items() if name in _BESIDE}
        if old.get("id", ABSENT) != reference.get("id", ABSENT) or "@type" not in hidden:
            hidden["@type"] = self.wrapped.type(reference)
        outer = {name: value for name, value in flat.items() if name in beside}
        return {**outer, self.wrapped.name: {**hidden, **reference}}

    def _aligned(self, before: list[Any], v4: list[Any]) -> list[Any]:
        """Each element written into the one it came from: one that looks the same, or else has the same identity."""
        left = _Left([(self.view(element), element) for element in before])
        alike = [left.take(_text(element)) for element in v4]
        return [
            found if found is not ABSENT else self.put(left.take(_identity(element)), element)
            for found, element in zip(alike, v4, strict=True)
        ]


class _Left:
    """The elements of a list that none of another has claimed yet, by how they look and by their identity."""

    def __init__(self, elements: list[tuple[Any, Any]]) -> None:
        self._elements: list[Any] = [element for _, element in elements]
        self._places: dict[str, list[int]] = {}
        for place, (seen, _) in reversed(list(enumerate(elements))):
            for key in (_text(seen), _identity(seen)):
                if key:
                    self._places.setdefault(key, []).append(place)

    def take(self, key: str) -> Any:
        """The first that is left under ``key``, or ``ABSENT``."""
        places = self._places.get(key, [])
        while places:
            place = places.pop()
            if (element := self._elements[place]) is not ABSENT:
                self._elements[place] = ABSENT
                return element
        return ABSENT


def kept(stored: Doc) -> Doc:
    """What v4 said and v5 has no place for."""
    said = stored.get(KEPT)
    return said if isinstance(said, dict) else {}


def _anything(_value: Any) -> bool:
    return True


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _identity(v4: Any) -> str:
    """What an element of a list goes by when the rest of it changes: ``id`` and role, or, without an id, its name."""
    if not isinstance(v4, dict):
        return ""
    names = ("id", "role") if v4.get("id") else ("name",)
    found = [v4.get(name) for name in names]
    return _text(["identity", *names, *found]) if found[0] else ""
