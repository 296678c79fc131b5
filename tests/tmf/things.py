"""A small resource to ask for: its attributes, and shorthands to ask."""

from typing import Any

from tmf_adapter.tmf.attributes import Attribute
from tmf_adapter.tmf.condition import matches
from tmf_adapter.tmf.query import Collection, Query, parse

SCALAR = Attribute()


def _object(*names: str, required: str = "", **members: Attribute) -> Attribute:
    scalars = dict.fromkeys(names, SCALAR)
    return Attribute({**scalars, **members}, frozenset(required.split()))


ATTRIBUTES = _object(
    *("id", "href", "@type", "name", "severity", "status", "description", "creationDate", "priority", "a", "b", "c"),
    note=_object("id", "@type", "author", "text", "date", required="author"),
    relatedEntity=_object("role", entity=_object("id", "@type", "name")),
    characteristic=Attribute(
        {"name": SCALAR, "valueType": SCALAR, "value": Attribute(is_open=True)}, is_characteristic=True
    ),
    attachment=_object("id", "size", "name"),
)

THINGS = Collection("thing", ATTRIBUTES)


def asked(*pairs: tuple[str, str]) -> Query:
    """The query of decoded pairs."""
    return parse(pairs, THINGS)


def finds(document: Any, *pairs: tuple[str, str]) -> bool:
    """Whether the query finds the document."""
    return matches(asked(*pairs).condition, document)
