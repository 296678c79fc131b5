"""The kinds of value a mapping file has, each with a message that says how to write it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from marshmallow import ValidationError, fields

from tmf_adapter.mapping.duration import duration_of
from tmf_adapter.mapping.expression import BadExpression, Expression
from tmf_adapter.mapping.faults import Place, listed, nearest
from tmf_adapter.mapping.render import BadTemplate, Template
from tmf_adapter.tmf.lifecycle import TICKET

Kind = TypeVar("Kind", bound=StrEnum)

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
IDENTIFIER = re.compile(r"[a-z][a-z0-9-]{0,63}")


def said(value: Any) -> str:
    """What kind of YAML value it is, in words."""
    kinds = {dict: "keys and values", list: "a list", str: "text", bool: "true or false", int: "a number"}
    return kinds.get(type(value), "nothing" if value is None else "a number")


def refuse_type(wanted: str, value: Any, hint: str = "") -> ValidationError:
    """The complaint about a value of the wrong type."""
    return ValidationError(f"must be {wanted}, not {said(value)}{hint}")


def needed(remedy: str) -> dict[str, Any]:
    """Options of a field that must be there."""
    return {"required": True, "error_messages": {"required": f"is missing: {remedy}", **_NULL}}


def free(default: Any = None) -> dict[str, Any]:
    """Options of a field that may be left out."""
    return {"load_default": default, "error_messages": _NULL}


_NULL = {"null": "has no value: give it one, or leave the key out"}


class Plain(fields.Field[str]):
    """Text that is not empty; a ``pattern`` narrows it, ``remedy`` says to what."""

    def __init__(self, pattern: re.Pattern[str] | None = None, remedy: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.pattern, self.remedy = pattern, remedy

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> str:
        if not isinstance(value, str):
            raise refuse_type("text", value, "; put quotes around it" if isinstance(value, bool | int | float) else "")
        if not value.strip():
            raise ValidationError("is empty: write a text")
        if self.pattern and not self.pattern.fullmatch(value):
            raise ValidationError(f"{value!r} {self.remedy}")
        return value


class Flag(fields.Field[bool]):
    """``true`` or ``false``; YAML's old ``yes`` and ``on`` are refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(f"must be true or false, not {value!r}")
        return value


class Count(fields.Field[int]):
    """A whole number within bounds."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        super().__init__(**options)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            raise ValidationError(f"must be a whole number from {self.least} to {self.most}, not {value!r}")
        return value


class Length(fields.Field[timedelta]):
    """An ISO 8601 duration."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> timedelta:
        if not isinstance(value, str):
            raise refuse_type("a duration such as PT30S, PT8H or P3D", value)
        try:
            return duration_of(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Choice(fields.Field[Kind], Generic[Kind]):
    """One of the words of an enumeration, or of the ``known`` ones among them."""

    def __init__(self, kind: type[Kind], known: Iterable[Kind] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.known: dict[Any, Kind] = {word.value: word for word in known or kind}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Kind:
        if not isinstance(value, str):
            raise refuse_type(f"one of {listed(self.known)}", value)
        if value not in self.known:
            raise ValidationError(f"{value!r} is none of {listed(self.known)}{nearest(value, self.known)}")
        return self.known[value]


class Inner(fields.Nested):
    """Keys and values of a schema of their own."""

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(value, dict):
            raise refuse_type("keys and values", value)
        return super()._deserialize(value, *args, **options)


class Several(fields.List[Any]):
    """A list with at least one item."""

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> list[Any]:
        if not isinstance(value, list):
            raise refuse_type("a list", value, "; begin each item on a line of its own with -")
        if not value:
            raise ValidationError("is an empty list: give it an item, or leave the key out")
        return super()._deserialize(value, *args, **options)


class EventType(Plain):
    """The ``eventType`` of a result event; a small first letter, as in the paths of listeners, is the same."""

    def _deserialize(self, *args: Any, **options: Any) -> str:
        text = super()._deserialize(*args, **options)
        return text[:1].upper() + text[1:]


class Cause(fields.Field[str]):
    """A reason to try again: a word, or an HTTP status code."""

    WORDS = frozenset({"timeout", "connect", "nonsense"})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> str:
        text = str(value)
        if text not in self.WORDS and not re.fullmatch(r"[45]\d\d", text):
            raise ValidationError(f"{text!r} is none of {listed(self.WORDS)} and no HTTP status from 400 to 599")
        return text


class Word(fields.Field[str]):
    """One word that is the only one there is."""

    def __init__(self, word: str, **options: Any) -> None:
        super().__init__(**options)
        self.word = word

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> str:
        if value != self.word:
            raise ValidationError(f"must be {self.word}, not {value!r}")
        return self.word


class Status(Plain):
    """A status that a ticket under work can be given, ``also`` some others; ``closed`` is for whoever closes reports.

    ``only`` narrows it.
    """

    ALLOWED = frozenset(status for status in TICKET.edges if TICKET.path("inProgress", status)) - {"closed"}

    def __init__(self, also: frozenset[str] = frozenset(), only: frozenset[str] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.allowed = only or self.ALLOWED | also

    def _deserialize(self, *args: Any, **options: Any) -> str:
        text = super()._deserialize(*args, **options)
        if text == "closed":
            raise ValidationError("'closed' is set by whoever closes problem reports, never here: write resolved")
        if text not in self.allowed:
            known = f"is no status that the adapter can set here ({listed(self.allowed)})"
            raise ValidationError(f"{text!r} {known}{nearest(text, self.allowed)}")
        return text


class Cel(fields.Field[Expression]):
    """A CEL expression."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Expression:
        return expression_of(value)


class Filled(fields.Field[Template]):
    """A text with ``${...}`` in it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Template:
        if not isinstance(value, str):
            raise refuse_type("text", value)
        return template_of(value)


class Body(fields.Field[Template]):
    """Keys and values with ``${...}`` in them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Template:
        if not isinstance(value, dict):
            raise refuse_type("keys and values, the members of the request", value)
        return template_of(value)


class Operations(fields.Field[Template]):
    """A list of RFC 6902 operations with ``${...}`` in them: what the customer is asked to change on the ticket."""

    OPS = frozenset({"add", "replace", "remove"})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Template:
        if not isinstance(value, list):
            raise refuse_type("a list of operations, such as - {op: add, path: /attachment/-}", value)
        found: dict[Any, Any] = {}
        for index, one in enumerate(value):
            for place, message in self._wrong(one):
                put(found, (index, *place), message)
        if found:
            raise ValidationError(found)
        return template_of(value)

    def _wrong(self, one: Any) -> Iterator[tuple[Place, str]]:
        if not isinstance(one, dict):
            yield (), f"must be keys and values (op, path, value), not {said(one)}"
            return
        if one.get("op") not in self.OPS:
            yield ("op",), f"{one.get('op')!r} is none of {listed(self.OPS)}"
        if not isinstance(path := one.get("path"), str) or not path.startswith("/"):
            yield ("path",), f"{path!r} is no JSON pointer: it begins with /, such as /relatedEntity/-"
        for name in sorted(one.keys() - {"op", "path", "value"}):
            yield (name,), "is no key here; there are op, path, value"


class Named(fields.Field[Mapping[str, Any]]):
    """Keys of the writer's own choice, each with an expression (``let``) or with a template (``char``)."""

    def __init__(self, reserved: frozenset[str] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.reserved = reserved
        """Names that an expression has already; None: the values are templates, the keys are free."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise refuse_type("keys and values", value)
        complaints: dict[str, Any] = {}
        found: dict[str, Any] = {}
        for name, one in value.items():
            try:
                found[name] = self._one(name, one)
            except ValidationError as error:
                complaints[name] = error.messages
        if complaints:
            raise ValidationError(complaints)
        return {name: one for name, one in found.items() if one is not None}

    def _one(self, name: str, value: Any) -> Any:
        if self.reserved is None:
            return None if value is None else template_of(value)
        if name in self.reserved:
            raise ValidationError(f"{name!r} has its own meaning in expressions: choose another name")
        if not NAME.fullmatch(name):
            raise ValidationError("must be a name of letters, digits and _ that an expression can use")
        return expression_of(value)


class Keyed(fields.Field[Mapping[str, Any]]):
    """Keys of the writer's own choice, each with a value of one kind; ``short`` is the key that a text stands for."""

    def __init__(self, inner: fields.Field[Any], short: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.inner, self.short = inner, short

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise refuse_type("keys and values", value)
        found: dict[str, Any] = {}
        complaints: dict[str, Any] = {}
        for name, one in value.items():
            whole = {self.short: one} if self.short and isinstance(one, str) else one
            try:
                found[name] = self.inner.deserialize(whole)
            except ValidationError as error:
                complaints[name] = error.messages
        if complaints:
            raise ValidationError(complaints)
        return found


def expression_of(value: Any) -> Expression:
    """Compile what stands for an expression; a plain true, false or number is one. Raises ``ValidationError``."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        hint = '; put quotes around it if it contains ": "' if isinstance(value, dict) else ""
        raise refuse_type("a CEL expression", value, hint)
    try:
        return Expression(value)
    except BadExpression as error:
        raise ValidationError(f"is no CEL expression: {error}") from None


def template_of(value: Any) -> Template:
    """Compile a template. Raises ``ValidationError`` with the place of each fault in it."""
    try:
        return Template(value)
    except BadTemplate as error:
        complaints: dict[Any, Any] = {}
        for place, message in error.complaints:
            put(complaints, place, message)
        raise ValidationError(complaints.get("", complaints)) from None


def put(tree: dict[Any, Any], place: Place, message: str) -> None:
    """Add a complaint to a tree of them, as ``ValidationError`` takes it."""
    *way, last = place or ("",)
    for step in way:
        tree = tree.setdefault(step, {})
    tree.setdefault(last, []).append(message)
