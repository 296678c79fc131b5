"""A query as a WHERE clause that gives the same answer on SQLite and PostgreSQL."""

from sqlalchemy import ColumnElement, Table, case, cast, func, literal, type_coerce
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.types import Text

from tmf_adapter.tmf.query import Query

_COLUMNS = {"id": "id", "status": "status", "creationDate": "creation_date"}


def conditions(dialect: str, table: Table, query: Query) -> list[ColumnElement[bool]]:
    """One condition per filtered attribute."""
    return [attribute(dialect, table, name).in_(values) for name, values in query.filters]


def attribute(dialect: str, table: Table, name: str) -> ColumnElement[str]:
    """The first-level attribute as text: its column where it has one, else read from the body.

    Numbers and booleans compare as they are written in JSON; an absent attribute equals nothing.
    """
    if name in _COLUMNS:
        return table.c[_COLUMNS[name]]
    if dialect == "sqlite":
        return _sqlite_text(table, name)
    return type_coerce(cast(table.c.body, JSON).op("->>")(name), Text)


def _sqlite_text(table: Table, name: str) -> ColumnElement[str]:
    path = literal(f'$."{name}"')
    kind = func.json_type(table.c.body, path)
    value = cast(func.json_extract(table.c.body, path), Text)
    return case((kind == "true", "true"), (kind == "false", "false"), else_=value)
