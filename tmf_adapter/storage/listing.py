"""A page of a list: one statement that finds the resources and counts all that match."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, CursorResult, Table

from tmf_adapter.storage.filters import Dialect, Parameters
from tmf_adapter.storage.postgresql import Postgresql
from tmf_adapter.storage.references import ANY, Numbers, sought
from tmf_adapter.storage.sqlite import Sqlite
from tmf_adapter.storage.tables import TENANT, columns_of, references_of
from tmf_adapter.tmf.cursor import Cursor
from tmf_adapter.tmf.query import Page, Query

_DIALECTS: dict[str, type[Dialect]] = {"sqlite": Sqlite, "postgresql": Postgresql}

PAGE_BYTES = 4 << 20
"""A page ends with the resource that makes it this large, however many were asked for."""
FEW = 1_000
"""Bodies that may be looked into without making those wait who look up a row."""
_INTERSECTED = 4


class Listing:
    """What a query asks of a table. The page and the count are seen at the same moment.

    Its statements go to the driver as they are: compiled ones would be kept, and a long one takes a megabyte.
    """

    def __init__(self, dialect: str, table: Table, query: Query) -> None:
        self._query = query
        self._is_reversed = query.before is not None
        form = _DIALECTS[dialect]
        parameters = Parameters(form.PARAMETER)
        tenant, limit, offset = map(parameters.add, (TENANT, query.limit + 1, query.offset))
        self._write = write = form(columns_of(table), parameters)
        self._few = _referring(table, sought(references_of(table), query.condition), parameters)
        narrowed = f"{write.among(self._few)} AND " if self._few else ""
        matching = f"FROM {table.name} WHERE tenant = {tenant} AND {narrowed}{write.filtered(query.condition)}"
        beyond = ""
        if cursor := query.before or query.after:
            beyond = f" AND {write.beyond(query.sort, cursor.keys, cursor.id, is_reversed=self._is_reversed)}"
        order = write.order(query.sort, is_reversed=self._is_reversed)
        self._count = f"SELECT count(*) {matching}"
        page = (
            f"SELECT body, ({self._count}) AS total {matching}{beyond} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
        )
        self._page = write.within(page, PAGE_BYTES)
        self._parameters = parameters.bound

    @property
    def reads_bodies(self) -> bool:
        """Whether it has to look into bodies: into every one, unless it ``is_narrowed``."""
        return self._write.reads_bodies

    @property
    def is_narrowed(self) -> bool:
        """Whether the index of references says which bodies it has to look into."""
        return bool(self._few)

    def page_of_few(self, connection: Connection) -> Page | None:
        """Run it if no more than ``FEW`` bodies are to be looked into."""
        counted = f"SELECT count(*) FROM (SELECT 1 FROM ({self._few}) AS referring LIMIT {FEW + 1}) AS few"
        is_few = self._run(connection, counted).scalar_one() <= FEW
        return self.page(connection) if is_few else None

    def page(self, connection: Connection) -> Page:
        """Run it."""
        rows, has_more = self._rows(connection) if self._query.limit else ([], False)
        if not rows:
            return Page([], self._run(connection, self._count).scalar_one())
        items = [body for body, _ in rows]
        if self._is_reversed:
            items.reverse()
        return Page(
            items,
            rows[0][1],
            self._place(items[0]) if self._has_front(has_more) else None,
            self._place(items[-1]) if has_more or self._is_reversed else None,
        )

    def _rows(self, connection: Connection) -> tuple[list[tuple[bytes, int]], bool]:
        """Bodies and the number of all that match, and whether there are more beyond the page.

        The page ends early where it has become too large; one resource it always has.
        """
        rows: list[tuple[bytes, int]] = []
        size = 0
        with self._run(connection, self._page) as found:
            for text_, total in found:
                if len(rows) == self._query.limit or text_ is None or size >= PAGE_BYTES:
                    return rows, True
                rows.append((text_.encode(), total))
                size += len(rows[-1][0])
        return rows, False

    def _run(self, connection: Connection, statement: str) -> CursorResult[*tuple[Any, ...]]:
        return connection.exec_driver_sql(statement, self._parameters)

    def _has_front(self, has_more: bool) -> bool:
        if self._is_reversed:
            return has_more
        return self._query.offset > 0 or self._query.after is not None

    def _place(self, item: bytes) -> Cursor:
        return Cursor.of(orjson.loads(item), self._query.sort)


def _referring(table: Table, wanted: Sequence[Numbers], parameters: Parameters) -> str:
    """A select of the ids of those that the index says may fulfil the condition; empty when it says nothing."""
    mine = f"SELECT resource_id FROM reference WHERE tenant = {parameters.add(TENANT)} AND resource = '{table.name}'"
    fewest = sorted(wanted, key=len)[:_INTERSECTED]
    return " INTERSECT ".join(f"{mine} AND key IN ({parameters.all(sorted({*keys, ANY}))})" for keys in fewest)
