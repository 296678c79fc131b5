"""How a partner's messages differ from the standard, as data: other names, other words, flat references.

``Hearing`` turns what a partner sends into what the standard means, ``Saying`` turns our answers into the partner's
words. Members that neither knows are left alone, as everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tmf_adapter.tmf.events import Doc

Words = Mapping[str, Mapping[str, str]]
"""For each member (dots lead into objects, and through lists) the words that are replaced, in any case."""

_OUTSIDE = frozenset({"role", "@type", "@baseType", "@schemaLocation"})
"""What belongs to the relation itself when a flat one is taken apart: the rest is the reference."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """From the partner's words to the standard's, in this order.

    ``rename``: their first-level member to ours. ``nest``: in each object of the member, the reference that stands flat
    goes into the inner member. ``words``: see ``Words``. ``types``: the ``@type`` of objects that name none, by the
    member they stand in, at any depth: for places where the standard leaves doubt.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    nest: Mapping[str, str] = field(default_factory=dict)
    words: Words = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    def read(self, body: Any) -> Any:
        """A body, or the operations of a json-patch, as the standard has it; ``body`` is left alone."""
        if isinstance(body, list):
            return [self._operation(one) for one in body]
        if isinstance(body, dict) and "op" in body and "path" in body:
            return self._operation(body)
        return self._resource(body) if isinstance(body, dict) else body

    def _resource(self, body: Doc) -> Doc:
        heard = {self.rename.get(name, name): value for name, value in body.items()}
        heard |= {name: _nested(heard[name], inner) for name, inner in self.nest.items() if name in heard}
        heard = _reworded(heard, self.words)
        typed: Doc = _typed(heard, self.types) if _misses_a_type(heard, self.types) else heard
        return typed

    def _operation(self, operation: Any) -> Any:
        """One that writes a whole first-level member says of it what a body would."""
        path = operation.get("path") if isinstance(operation, dict) else None
        if not isinstance(path, str) or not path.startswith("/") or "value" not in operation:
            return operation
        member, *rest = path[1:].split("/")
        name = self.rename.get(member, member)
        way = "/".join(["", name, *rest])
        if rest not in ([], ["-"]):
            return {**operation, "path": way}
        value = [operation["value"]] if rest else operation["value"]
        heard = self._resource({name: value})[name]
        return {**operation, "path": way, "value": heard[0] if rest else heard}


@dataclass(frozen=True, slots=True)
class Saying:
    """From the standard's words to the partner's: the way back of ``Hearing``. ``flatten`` is the opposite of nest."""

    rename: Mapping[str, str] = field(default_factory=dict)
    flatten: Mapping[str, str] = field(default_factory=dict)
    words: Words = field(default_factory=dict)

    def write(self, document: Any) -> Any:
        """A resource, or a list of them, in the partner's words; ``document`` is left alone."""
        if isinstance(document, list):
            return [self.write(one) for one in document]
        if not isinstance(document, dict):
            return document
        said = _reworded(document, self.words)
        said = {**said, **{name: _flat(said[name], inner) for name, inner in self.flatten.items() if name in said}}
        return {self.rename.get(name, name): value for name, value in said.items()}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one partner, or everybody (``header`` is empty), says of each kind of resource.

    ``apis`` are the documents it is spoken to, such as ``tmf621-v5``; it is spoken by requests whose ``header`` has the
    ``value``, in any case.
    """

    name: str
    apis: frozenset[str]
    header: str = ""
    value: str = ""
    hears: Mapping[str, Hearing] = field(default_factory=dict)
    says: Mapping[str, Saying] = field(default_factory=dict)

    def is_spoken(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request with these headers, their names in small letters, is the partner's."""
        if not self.header:
            return True
        given = headers.get(self.header.encode("latin-1"))
        return given is not None and given.decode("latin-1").strip().lower() == self.value.lower()


def _nested(value: Any, inner: str) -> Any:
    if isinstance(value, list):
        return [_nested(one, inner) for one in value]
    if not isinstance(value, dict) or inner in value:
        return value
    reference = {name: member for name, member in value.items() if name not in _OUTSIDE}
    outside = {name: member for name, member in value.items() if name in _OUTSIDE}
    return {**outside, inner: reference} if reference else value


def _flat(value: Any, inner: str) -> Any:
    if isinstance(value, list):
        return [_flat(one, inner) for one in value]
    if not isinstance(value, dict) or not isinstance(value.get(inner), dict):
        return value
    reference = {name: member for name, member in value[inner].items() if name not in _OUTSIDE}
    return {**{name: member for name, member in value.items() if name != inner}, **reference}


def _reworded(document: Doc, words: Words) -> Doc:
    for path, table in words.items():
        document = _at(document, path.split("."), table)
    return document


def _at(part: Any, path: list[str], table: Mapping[str, str]) -> Any:
    if isinstance(part, list):
        return [_at(one, path, table) for one in part]
    if not path:
        return table.get(part.lower(), part) if isinstance(part, str) else part
    if not isinstance(part, dict) or path[0] not in part:
        return part
    return {**part, path[0]: _at(part[path[0]], path[1:], table)}


def _misses_a_type(document: Doc, types: Mapping[str, str]) -> bool:
    """Whether ``_typed`` would change anything: most bodies name every type, and none of them is copied."""
    waiting: list[tuple[str, Any]] = [*document.items()] if types else []
    for name, part in waiting:  # which grows meanwhile
        if isinstance(part, dict):
            if name in types and "@type" not in part:
                return True
            waiting += part.items()
        elif isinstance(part, list):
            waiting += [(name, one) for one in part]
    return False


def _typed(part: Any, types: Mapping[str, str], member: str = "") -> Any:
    if isinstance(part, list):
        return [_typed(one, types, member) for one in part]
    if not isinstance(part, dict):
        return part
    named = {"@type": types[member]} if member in types and "@type" not in part else {}
    return named | {name: _typed(value, types, name) for name, value in part.items()}
