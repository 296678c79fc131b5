"""The ``fields`` parameter: which members of a resource are answered, at any depth."""

from collections.abc import Mapping, Sequence

from tmf_adapter.tmf.attributes import Attribute, below, find
from tmf_adapter.tmf.condition import Path
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.events import ALWAYS, Doc

FIELDS = 200
"""A query may name this many."""

ALWAYS_SELECTED = frozenset(ALWAYS) - {"@baseType", "@schemaLocation"}
"""What identifies a resource or a part of one, and stays in every selection of version 5."""

Fields = Mapping[str, "Fields | None"]
"""The members that are selected, and of each the members that are; None is all of it."""


def fields_of(texts: Sequence[str], attributes: Attribute) -> Fields | None:
    """The members asked for, at any depth; None for everything, when there is no ``fields`` at all.

    ``none`` asks for the identifying members only. Members that the schema requires stay with those beside them.
    """
    if not texts:
        return None
    names = {name.strip() for text in texts for name in text.split(",")} - {"", "none"}
    if len(names) > FIELDS:
        raise BadQuery(f"The query names {len(names)} fields.", f"At most {FIELDS} are possible.")
    fields: Fields = {}
    for path in sorted((tuple(name.split(".")) for name in names), key=len):
        fields = _with(fields, path, path, attributes)
    return fields


def _with(fields: Fields, path: Path, whole: Path, root: Attribute) -> Fields:
    """``fields`` and what ``path`` leads to. Shorter paths come first: what is wholly selected stays so."""
    name, *rest = path
    at = whole[: len(whole) - len(rest)]
    if find(root, at).characteristic is not None:
        raise BadQuery(f"There is no attribute {'.'.join(whole)[:200]!r}.", f"Select {'.'.join(at[:-1])} as a whole.")
    if name in fields and fields[name] is None:
        find(root, whole)
        return fields
    if not rest:
        return {**fields, name: None}
    inner = fields.get(name) or dict.fromkeys(below(root, at).required | ALWAYS_SELECTED)
    return {**fields, name: _with(inner, tuple(rest), whole, root)}


def select(document: Doc, fields: Fields | None, kept: frozenset[str] = ALWAYS_SELECTED) -> Doc:
    """The members asked for, and those in ``kept``; all of them for None."""
    if fields is None:
        return document
    return {name: _part(value, fields.get(name)) for name, value in document.items() if name in fields or name in kept}


def _part(value: object, fields: Fields | None) -> object:
    if fields is None:
        return value
    if isinstance(value, list):
        return [_part(item, fields) for item in value]
    return select(value, fields, frozenset()) if isinstance(value, dict) else value
