"""The TMF630 query string, as far as it goes today: equality on first-level attributes, fields, offset and limit."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.events import ALWAYS, Doc

PAGE = 1_000
"""An unpaged list returns at most this many."""

_ALWAYS_SELECTED = frozenset(ALWAYS) - {"@baseType", "@schemaLocation"}


@dataclass(frozen=True, slots=True)
class Query:
    """What a list request asks for. ``filters``: each attribute with the values of which one must match."""

    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fields: frozenset[str] | None = None
    offset: int = 0
    limit: int = PAGE


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: the resources' JSON, and how many match in all."""

    items: list[bytes]
    total: int


def parse(pairs: Sequence[tuple[str, str]], attributes: Collection[str]) -> Query:
    """Read decoded ``name=value`` pairs. ``attributes`` are the names that may be filtered by and selected.

    Repeated or comma-separated values are alternatives (TMF630 part 1, filtering); a pair of quotes around a value is
    dropped. Raises ``BadQuery``, naming what is wrong.
    """
    filters: dict[str, tuple[str, ...]] = {}
    fields: frozenset[str] | None = None
    offset, limit = 0, PAGE
    for name, value in pairs:
        match name:
            case "fields":
                fields = (fields or frozenset()) | parse_fields(value, attributes)
            case "offset":
                offset = _number(name, value)
            case "limit":
                limit = min(_number(name, value), PAGE)
            case _:
                _known(name, attributes)
                filters[name] = filters.get(name, ()) + _alternatives(value)
    return Query(tuple(filters.items()), fields, offset, limit)


def parse_fields(value: str, attributes: Collection[str]) -> frozenset[str]:
    """The first-level members asked for; ``none`` asks for the identifying ones only."""
    names = frozenset(name.strip() for name in value.split(",")) - {"", "none"}
    for name in sorted(names):
        _known(name, attributes)
    return names


def select(document: Doc, fields: frozenset[str] | None) -> Doc:
    """The members asked for, and in v5 always ``id``, ``href`` and ``@type``; all of them for None."""
    if fields is None:
        return document
    return {name: value for name, value in document.items() if name in fields or name in _ALWAYS_SELECTED}


def _known(name: str, attributes: Collection[str]) -> None:
    if name in attributes:
        return
    if "." in name:
        raise BadQuery(f"The query names {name!r}.", "Only equality on first-level attributes is possible.")
    raise BadQuery(f"There is no attribute {name!r}.", f"Known: {', '.join(sorted(attributes))}.")


def _number(name: str, value: str) -> int:
    """Any integer; one out of range is clamped."""
    if not re.fullmatch(r"[ +-]?[0-9]+", value):
        raise BadQuery(f"The query parameter {name} must be an integer, not {value[:40]!r}.")
    if value.startswith("-"):
        return 0
    digits = value.lstrip(" +").lstrip("0") or "0"
    return min(int(digits[:20]), 2**62)


def _alternatives(value: str) -> tuple[str, ...]:
    """A quoted value whole; else what stands between the commas, and, for a text that has commas itself, all of it."""
    if (whole := _unquoted(value)) != value and value[0] not in whole:
        return (whole,)
    parts = tuple(_unquoted(part) for part in value.split(","))
    return parts if len(parts) == 1 else (*parts, value)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value
