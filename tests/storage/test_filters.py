"""Filters: the same answer on SQLite, on PostgreSQL and in plain Python."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, inspect

from tests.storage.fakes import opening
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.schema import upgrade
from tmf_adapter.storage.tables import TENANT, ticket
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.query import Query

ODD_NAMES = [
    "it's",
    'say "x"',
    "a.b",
    "a b",
    "größe",
    "日本",
    "$",
    "$.name",
    "[0]",
    "0",
    "a\\b",
    "a\nb",
    "%s",
    ":name",
    "x') OR 1=1 --",
    'x" OR 1=1 --',
    "'; DROP TABLE ticket; --",
    '"; DROP TABLE ticket; --',
]
WITHOUT_A_PATH = {name for name in ODD_NAMES if set(name) & set('"\\\n')}


class Shelf:
    """Some tickets in a database, and what a query finds among them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = ticket_store(database)

    def fill(self, documents: list[dict[str, Any]]) -> None:
        def work(tx: Connection) -> None:
            tx.execute(delete(ticket))
            for number, members in enumerate(documents):
                stored = opening(f"{number:03}").subject
                body = orjson.dumps({**stored.document, **members}).decode()
                tx.execute(
                    insert(ticket).values(
                        tenant=TENANT,
                        id=stored.id,
                        version=1,
                        episode=1,
                        status=stored.status,
                        creation_date=stored.document["creationDate"],
                        body=body,
                    )
                )

        asyncio.run(self._database.write(work))

    def find(self, *filters: tuple[str, tuple[str, ...]]) -> list[int]:
        page = asyncio.run(self._store.page(Query(filters)))
        assert page.total == len(page.items)
        return [int(orjson.loads(item)["id"]) for item in page.items]

    def tables(self) -> set[str]:
        with self._database.engine.connect() as connection:
            return set(inspect(connection).get_table_names())


@pytest.fixture
def shelf(database_url: str) -> Iterator[Shelf]:
    database = Database(database_url)
    upgrade(database)
    yield Shelf(database)
    database.close()


def written(value: Any) -> str | None:
    """A value as it is written in JSON, text without its quotes; null equals nothing."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def expected(documents: list[dict[str, Any]], *filters: tuple[str, tuple[str, ...]]) -> list[int]:
    """The plain Python of it."""
    return [
        number
        for number, document in enumerate(documents)
        if all(written(document.get(name)) in values for name, values in filters)
    ]


VALUES: list[Any] = [
    "text",
    "",
    " text",
    "Text",
    "größe 日本 \U0001f600",
    'say "x" \\ \n\t',
    "it's",
    "true",
    "null",
    "1",
    "1.0",
    "[]",
    True,
    False,
    None,
    0,
    1,
    -1,
    10,
    2**31,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64 - 1,
    0.0,
    -0.0,
    1.0,
    1.5,
    0.1,
    0.1 + 0.2,
    1e16,
    1e22,
    1e-7,
    1.7976931348623157e308,
    5e-324,
    100000.0,
    [],
    [1, "a", None],
    {},
    {"a": {"b": [True]}},
    {"b": 1, "a": 2},
    ["größe", 'x"y'],
]


def test_a_value_is_found_as_it_is_written_in_json_and_nothing_else_is(shelf: Shelf) -> None:
    documents = [{"name": value} for value in VALUES] + [{}]
    shelf.fill(documents)
    sought = {"null" if value is None else str(written(value)) for value in VALUES}
    wrong = {}
    for text in sorted(sought):
        condition = ("name", (text,))
        if (found := shelf.find(condition)) != (right := expected(documents, condition)):
            wrong[text] = (found, right)
    assert wrong == {}


def test_an_odd_name_is_a_name_and_never_a_piece_of_sql_or_of_a_path(shelf: Shelf) -> None:
    others: list[dict[str, Any]] = [{"name": "x"}, {"a": {"b": "x"}}, {"a": ["x"]}, {}]
    shelf.fill([*({name: value} for name in ODD_NAMES for value in ("x", "y")), *others])
    for number, name in enumerate(ODD_NAMES):
        for value, right in (("x", [2 * number]), ("y", [2 * number + 1]), ("nothing", [])):
            found = shelf.find((name, (value,)))
            # SQLite has no path to a name with a quote in it, and our documents have no such name
            assert found == right or (found == [] and name in WITHOUT_A_PATH), name
    assert "ticket" in shelf.tables()


ODD_VALUES = ["' OR '1'='1", '" OR ""="', "x'); DROP TABLE ticket; --", "%", "_", "*", "\\", "$", "1 OR 1=1", "a,b"]


def test_an_odd_value_is_a_value(shelf: Shelf) -> None:
    shelf.fill([{"name": value} for value in [*ODD_VALUES, "x", ""]])
    assert [shelf.find(("name", (value,))) for value in ODD_VALUES] == [[n] for n in range(len(ODD_VALUES))]


CONDITIONS: list[tuple[list[tuple[str, tuple[str, ...]]], list[int]]] = [
    # different attributes: all of them
    ([("a", ("1",)), ("b", ("x",))], [0]),
    # several values: any of them
    ([("a", ("1", "2"))], [0, 1, 2]),
    ([("a", ("1", "2")), ("b", ("y",))], [1, 2]),
    # the same one twice
    ([("a", ("1", "1"))], [0, 1]),
    # one that nobody has
    ([("c", ("1",))], []),
    # with a column of its own, and without
    ([("id", ("001", "002")), ("a", ("2",))], [2]),
    ([("status", ("acknowledged",)), ("b", ("x",))], [0]),
    ([("creationDate", ("2026-03-11T06:00:00.000Z",))], [0, 1, 2, 3]),
    ([("status", ("Acknowledged",))], []),
    # none at all
    ([], [0, 1, 2, 3]),
]


def test_several_conditions_are_all_to_hold(shelf: Shelf) -> None:
    shelf.fill([{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "y"}, {"a": 3}])
    for filters, found in CONDITIONS:
        assert shelf.find(*filters) == found


def test_a_value_that_no_database_takes_is_equal_to_nothing(shelf: Shelf) -> None:
    """``?name=%00``: PostgreSQL knows no text with a NUL in it, which is no reason for a 500."""
    shelf.fill([{"name": "a"}, {"name": "ab"}])
    for name, value in itertools.product(("name", "id", "status"), ("\x00", "a\x00b")):
        with suppress(BadQuery):
            assert shelf.find((name, (value,))) == []


def test_very_many_alternatives_are_found_or_refused_as_a_bad_query(shelf: Shelf) -> None:
    """Neither database takes as many parameters as a query string of some hundred kilobytes can hold values."""
    shelf.fill([{"name": "a"}, {"name": "7"}])
    with suppress(BadQuery):
        assert shelf.find(("name", tuple(str(number) for number in range(70_000)))) == [1]


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), max_size=8)
    | st.sampled_from(["true", "false", "null", "1", "1.0", "[]", "{}", ""])
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\"'é", max_size=2), inner, max_size=3),
)
_NAMES = st.sampled_from(["name", "severity", *(name for name in ODD_NAMES if name not in WITHOUT_A_PATH)])
_DOCUMENTS = st.lists(st.dictionaries(_NAMES, _VALUES, max_size=4), min_size=1, max_size=6)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data(), documents=_DOCUMENTS)
def test_a_database_finds_what_plain_python_finds(shelf: Shelf, data: st.DataObject, documents: Any) -> None:
    shelf.fill(documents)
    present = [(name, text) for document in documents for name, value in document.items() if (text := written(value))]
    pair = st.tuples(_NAMES, st.sampled_from(["x", "true", "1", "null"]))
    if present:
        pair = st.sampled_from(present) | pair
    asked = data.draw(st.lists(pair, min_size=1, max_size=2))
    for name, value in asked:
        assert shelf.find((name, (value,))) == expected(documents, (name, (value,)))
    filters = tuple((name, (value, "x")) for name, value in asked)
    assert shelf.find(*filters) == expected(documents, *filters)
