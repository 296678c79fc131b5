"""A query as a WHERE clause that gives the same answer on SQLite and PostgreSQL."""

from sqlalchemy import ColumnElement, Table, case, cast, func, literal, null, type_coerce
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.types import Text

from tmf_adapter.storage.tables import columns_of
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.query import Query

VALUES = 1_000
"""A query may name this many values; a statement of PostgreSQL takes 65,535."""


def conditions(dialect: str, table: Table, query: Query) -> list[ColumnElement[bool]]:
    """One condition per filtered attribute. Raises ``BadQuery``."""
    values = [value for _, alternatives in query.filters for value in alternatives]
    if len(values) > VALUES:
        raise BadQuery(f"The query names {len(values)} values.", f"At most {VALUES} are possible.")
    if any("\0" in value for value in values):
        raise BadQuery("The query names a value with the character U+0000.")
    return [attribute(dialect, table, name).in_(values) for name, values in query.filters]


def attribute(dialect: str, table: Table, name: str) -> ColumnElement[str]:
    """The first-level attribute as text: its column where it has one, else read from the body.

    Numbers and booleans compare as they are written in JSON; an absent attribute equals nothing.
    """
    if column := columns_of(table).get(name):
        return table.c[column]
    if dialect == "sqlite":
        return _sqlite_text(table, name)
    return type_coerce(cast(table.c.body, JSON).op("->>")(name), Text)


def _sqlite_text(table: Table, name: str) -> ColumnElement[str]:
    path = literal(f'$."{name}"')
    kind = func.json_type(table.c.body, path)
    text = func.json_extract(table.c.body, path)
    return case((kind == "null", null()), (kind == "text", text), else_=table.c.body.op("->")(path))
