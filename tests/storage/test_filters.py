"""Filters and orders: the same answer on SQLite, on PostgreSQL and in plain Python."""

import asyncio
from collections.abc import Iterator
from functools import cmp_to_key
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, inspect

from tests.storage.fakes import equal, opening
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import reference, ticket
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tmf.condition import (
    ORDER,
    And,
    Compare,
    Condition,
    Element,
    Exists,
    Not,
    Operator,
    Or,
    Sort,
    Value,
    matches,
    sort_key,
)
from tmf_adapter.tmf.events import Stored
from tmf_adapter.tmf.query import NEWEST_FIRST, Query

Doc = dict[str, Any]


class Shelf:
    """Some tickets in a database, and what a query finds among them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._store = ticket_store(database)
        self.documents: list[Doc] = []

    def fill(self, documents: list[Doc]) -> None:
        """Tickets with these members, numbered from 0, all of them opened at the same moment."""
        self.documents = [{**opening(f"{n:03}").subject.document, **members} for n, members in enumerate(documents)]

        def work(tx: Connection) -> None:
            tx.execute(delete(ticket))
            tx.execute(delete(reference))
            for document in self.documents:
                self._store.add(tx, Stored(document))

        asyncio.run(self._database.write(work))

    def find(self, condition: Condition, sort: tuple[Sort, ...] = NEWEST_FIRST) -> list[int]:
        page = asyncio.run(self._store.page(Query(condition, sort=sort)))
        assert page.total == len(page.items)
        return [int(orjson.loads(item)["id"]) for item in page.items]

    def pages(self, query: Query) -> Iterator[list[int]]:
        """Page by page, following the cursors of ``after``, or of ``before`` when the query has one."""
        backwards = query.before is not None
        while True:
            page = asyncio.run(self._store.page(query))
            yield [int(orjson.loads(item)["id"]) for item in page.items]
            following = page.first if backwards else page.last
            if following is None:
                return
            place: dict[str, Any] = {"before": following} if backwards else {"after": following}
            query = Query(query.condition, None, query.sort, 0, query.limit, **place)

    def expected(self, condition: Condition) -> list[int]:
        """The plain Python of it."""
        return [number for number, document in enumerate(self.documents) if matches(condition, document)]

    def ordered(self, sort: tuple[Sort, ...]) -> list[int]:
        """The plain Python of the order."""

        def compare(one: Doc, other: Doc) -> int:
            for key in sort:
                left, right = sort_key(one, key), sort_key(other, key)
                if left != right:
                    return 1 if (left > right) != key.is_descending else -1
            return 1 if one["id"] > other["id"] else -1

        return [int(document["id"]) for document in sorted(self.documents, key=cmp_to_key(compare))]

    def tables(self) -> set[str]:
        with self._database.engine.connect() as connection:
            return set(inspect(connection).get_table_names())


@pytest.fixture
def shelf(database_url: str) -> Iterator[Shelf]:
    database = Database(database_url)
    yield Shelf(database)
    database.close()


VALUES: list[Any] = [
    *(
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
    ),
    *(True, False, None, 0, 1, -1, 10, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1),
    *(0.0, -0.0, 1.0, 1.5, 0.1, 0.1 + 0.2, 1e16, 1e22, 1e-7, 1.7976931348623157e308, 5e-324, 100000.0),
    *([], [1, "a", None], {}, {"a": {"b": [True]}}, ["größe", 'x"y'], [["x"]]),
    *("2026-03-11T06:00:00.000Z", "2026-03-11T08:00:00+02:00", "2026-03-11", "2026-02-29", "2024-02-29"),
    *("2026-03-11T06:00:00.123456789Z", "2026-03-11 06:00:00", "2026-13-01", "0000-01-01", "0001-01-01T00:00:00+14:00"),
]


def written(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


@pytest.mark.parametrize("operator", [Operator.EQ, *ORDER])
def test_every_kind_of_value_compares_with_every_other_as_in_plain_python(shelf: Shelf, operator: Operator) -> None:
    shelf.fill([{"name": value} for value in VALUES] + [{}])
    wrong = {}
    for text in sorted({written(value) for value in VALUES}):
        condition = Compare(("name",), operator, (Value.literal(text),))
        if (found := shelf.find(condition)) != (right := shelf.expected(condition)):
            wrong[text] = (found, right)
    assert wrong == {}


def test_a_scalar_is_found_by_its_value_as_it_is_echoed(shelf: Shelf) -> None:
    scalars = [value for value in VALUES if isinstance(value, str | bool | int | float)]
    shelf.fill([{"name": value} for value in scalars])
    for number, value in enumerate(scalars):
        assert number in shelf.find(equal("name", written(value))), value


ODD_NAMES = ["it's", "a.b", "a b", "größe", "日本", "$", "$.name", "[0]", "0", "%s", ":name", "x') OR 1=1 --", "*", "?"]


def test_an_odd_name_is_a_name_and_never_a_piece_of_sql_or_of_a_path(shelf: Shelf) -> None:
    others: list[Doc] = [{"name": "x"}, {"a": {"b": "x"}}, {"a": ["x"]}, {}]
    shelf.fill([*({name: value} for name in ODD_NAMES for value in ("x", "y")), *others])
    for number, name in enumerate(ODD_NAMES):
        for value, right in (("x", [2 * number]), ("y", [2 * number + 1]), ("nothing", [])):
            assert shelf.find(Compare((name,), Operator.EQ, (Value(value),))) == right, name
    assert "ticket" in shelf.tables()


ODD_VALUES = ["' OR '1'='1", '" OR ""="', "x'); DROP TABLE ticket; --", "%", "_", "\\", "$", "1 OR 1=1", "a,b", ":p0"]


def test_an_odd_value_is_a_value(shelf: Shelf) -> None:
    shelf.fill([{"name": value} for value in [*ODD_VALUES, "x", ""]])
    assert [shelf.find(equal("name", value)) for value in ODD_VALUES] == [[n] for n in range(len(ODD_VALUES))]


PATTERNS = ["*", "a*", "*a", "*a*", "a*b", "a?*", "[a]*", "%*", "_*", "\\*", "**", "*é*", "*\n*", "a*a*a*a*a*a*a*b"]
TEXTS = ["a", "ab", "ba", "bab", "a?b", "[a]b", "%x", "_x", "\\x", "é", "x\ny", "A", "", "a" * 2_000, "axxb"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_star_stands_for_any_characters(shelf: Shelf, pattern: str) -> None:
    shelf.fill([{"name": text, "note": [{"text": text}]} for text in TEXTS] + [{"name": 1}, {}])
    for path in (("name",), ("note", "text")):
        condition = Compare(path, Operator.EQ, (Value(pattern, is_pattern=True),))
        assert shelf.find(condition) == shelf.expected(condition)


REGEXES = [
    "a",
    "^a",
    "a$",
    "^a$",
    "a|b",
    "^$",
    "a.b",
    "a*b",
    "a+b",
    "ab?$",
    "[a-c]x",
    "[^a]",
    "\\?",
    "\\d",
    "[\\]\\-^]",
    "é",
]


@pytest.mark.parametrize("pattern", REGEXES)
def test_a_regular_expression_finds_the_same_everywhere(shelf: Shelf, pattern: str) -> None:
    shelf.fill([{"name": text} for text in [*TEXTS, "a\nb", "\na", "a\n", "]", "-", "^", "7"]] + [{"name": 1}, {}])
    condition = Compare(("name",), Operator.REGEX, (Value(pattern),))
    assert shelf.find(condition) == shelf.expected(condition)


def test_a_column_answers_as_the_body_would(shelf: Shelf) -> None:
    dates = [
        "2026-03-11T06:00:00.000Z",
        "2026-03-11T06:00:00.123Z",
        "2026-03-11T06:00:00.124Z",
        "2026-03-12T00:00:00.000Z",
    ]
    shelf.fill([{"creationDate": date, "status": f"s{number}"} for number, date in enumerate(dates)])
    sought = [
        *dates,
        "2026-03-11T08:00:00+02:00",
        "2026-03-11T06:00:00.1235Z",
        "2026-03-12",
        "2026-03-11*",
        "s1",
        "001",
    ]
    for member in ("creationDate", "status", "id"):
        for operator in (Operator.EQ, *ORDER):
            for text in (*sought, "0001-01-01T00:00:00+14:00", "zzz", "1"):
                condition = Compare((member,), operator, (Value.literal(text),))
                assert sorted(shelf.find(condition)) == shelf.expected(condition), (member, operator, text)
    for pattern in ("^2026-03-11", "s[12]", "0.1$"):
        for member in ("creationDate", "status", "id"):
            condition = Compare((member,), Operator.REGEX, (Value(pattern),))
            assert sorted(shelf.find(condition)) == shelf.expected(condition)


def test_conditions_in_an_element_hold_for_the_same_one(shelf: Shelf) -> None:
    shelf.fill(
        [
            {"note": [{"author": "a", "text": "x"}, {"author": "b", "text": "y"}]},
            {"note": [{"author": "a", "text": "y"}]},
            {"note": {"author": "a", "text": "y"}},
            {"note": ["a", "y"]},
        ]
    )
    author, text = equal("author", "a"), equal("text", "y")
    assert shelf.find(Element(("note",), And((author, text)))) == [1, 2]
    assert shelf.find(And((equal("note.author", "a"), equal("note.text", "y")))) == [0, 1, 2]
    assert shelf.find(Element(("note",), Compare((), Operator.EQ, (Value("y"),)))) == [3]


def test_not_equal_means_that_no_value_is_equal(shelf: Shelf) -> None:
    shelf.fill([{"name": "a"}, {"name": "b"}, {"name": None}, {}, {"name": ["a", "b"]}])
    assert shelf.find(Not(equal("name", "a"))) == [1, 2, 3]


def test_very_many_alternatives_are_found(shelf: Shelf) -> None:
    shelf.fill([{"name": "a"}, {"name": "7"}, {"name": 8}])
    assert shelf.find(equal("name", *map(str, range(1_000)))) == [1, 2]


# --- anything at all --------------------------------------------------------------------------------------------------

_WORDS = ["", "a", "b", "ab", "A", "é", "1", "true", "2026-03-11T06:00:00Z", "2026-03-11T08:00:00+02:00", "2026-03-11"]
_NUMBERS = st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 1e20, -1e-5, 2**53, 2**63])
_SCALARS = st.none() | st.booleans() | _NUMBERS | st.sampled_from(_WORDS) | st.text("ab*\n%", max_size=3)
_NAMES = st.sampled_from(["name", "note", "value"])
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3), max_leaves=8
)
_DOCUMENTS = st.lists(st.dictionaries(_NAMES, _TREES, max_size=3), min_size=1, max_size=6)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map(tuple)
_LITERALS = st.sampled_from([*_WORDS, "-1", "0.5", "1e20", "a*", "*", "null"]) | _NUMBERS.map(str)
_COMPARED = st.lists(_LITERALS.map(Value.literal) | st.just(Value(null=True)), min_size=1, max_size=3).map(tuple)
_COMPARISONS = st.builds(Compare, _PATHS, st.sampled_from([Operator.EQ, *ORDER]), _COMPARED)
_FOUND = st.builds(
    Compare,
    _PATHS,
    st.just(Operator.REGEX),
    st.sampled_from(["a", "^a", "b$", ".", "a*b", "[^a]"]).map(lambda p: (Value(p),)),
)
_CONDITIONS = st.recursive(
    _COMPARISONS | _FOUND | st.builds(Exists, _PATHS),
    lambda inner: (
        st.builds(And, st.lists(inner, max_size=2).map(tuple))
        | st.builds(Or, st.lists(inner, max_size=2).map(tuple))
        | st.builds(Not, inner)
        | st.builds(Element, _PATHS, inner | st.builds(Compare, st.just(()), st.sampled_from([Operator.EQ]), _COMPARED))
    ),
    max_leaves=4,
)
_SORTS = st.lists(
    st.builds(Sort, _PATHS | st.sampled_from([("status",), ("creationDate",)]), st.booleans()),
    min_size=1,
    max_size=2,
    unique_by=lambda key: key.path,
).map(tuple)

anything = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@anything
@given(documents=_DOCUMENTS, conditions=st.lists(_CONDITIONS, min_size=1, max_size=5))
def test_a_database_finds_what_plain_python_finds(shelf: Shelf, documents: Any, conditions: list[Condition]) -> None:
    shelf.fill(documents)
    for condition in conditions:
        assert shelf.find(condition) == shelf.expected(condition)


_REFERRING = st.sampled_from(
    [
        *(("externalIdentifier", "id"), ("relatedEntity", "entity", "id"), ("relatedEntity", "entity")),
        *(("relatedParty", "partyOrPartyRole", "id"), ("relatedParty",), ("troubleTicketCharacteristic", "value")),
    ]
)
_VALUES = st.lists(_SCALARS, max_size=2) | _SCALARS | st.just({"id": "a"})
_IDS = st.fixed_dictionaries({}, optional={"id": _VALUES, "role": _SCALARS})
_ENTITIES = st.fixed_dictionaries({}, optional={"entity": _IDS | st.lists(_IDS, max_size=2), "role": _SCALARS})
_PARTIES = st.fixed_dictionaries({}, optional={"partyOrPartyRole": _IDS | _SCALARS})
_CHARACTERISTICS = st.fixed_dictionaries({}, optional={"name": _SCALARS | st.lists(_SCALARS), "value": _VALUES})
_TICKETS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "externalIdentifier": st.lists(_IDS, max_size=2) | _SCALARS,
            "relatedEntity": st.lists(_ENTITIES, max_size=2),
            "relatedParty": st.lists(_PARTIES, max_size=2) | _PARTIES,
            "troubleTicketCharacteristic": st.lists(_CHARACTERISTICS, max_size=3) | _CHARACTERISTICS,
        },
    ),
    min_size=1,
    max_size=6,
)
_EQUAL = st.builds(Compare, _REFERRING, st.sampled_from([Operator.EQ, Operator.GT]), _COMPARED)
_NAMED = st.builds(
    lambda names, values, also: Element(
        ("troubleTicketCharacteristic",),
        And((Compare(("name",), Operator.EQ, names), Compare(("value",), Operator.EQ, values), *also)),
    ),
    _COMPARED,
    _COMPARED,
    st.lists(st.builds(Compare, st.just(("value",)), st.just(Operator.EQ), _COMPARED), max_size=1),
)
_OF_ONE = st.builds(
    lambda values, also: Element(("relatedEntity",), And((Compare(("entity", "id"), Operator.EQ, values), *also))),
    _COMPARED,
    st.lists(st.builds(Compare, st.just(("role",)), st.just(Operator.EQ), _COMPARED), max_size=1),
)
_REFERENCES = st.recursive(
    _EQUAL | _NAMED | _OF_ONE,
    lambda inner: (
        st.builds(And, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=4,
)


@anything
@given(documents=_TICKETS, conditions=st.lists(_REFERENCES, min_size=1, max_size=5))
def test_a_database_finds_by_its_references_what_plain_python_finds(
    shelf: Shelf, documents: Any, conditions: list[Condition]
) -> None:
    shelf.fill(documents)
    for condition in conditions:
        assert shelf.find(condition) == shelf.expected(condition)


@anything
@given(documents=_DOCUMENTS, sort=_SORTS, limit=st.integers(1, 3))
def test_every_resource_is_on_one_page_in_the_order_of_plain_python(
    shelf: Shelf, documents: Any, sort: tuple[Sort, ...], limit: int
) -> None:
    shelf.fill([{**document, "status": "ab"[number % 2]} for number, document in enumerate(documents)])
    right = shelf.ordered(sort)
    assert shelf.find(And(), sort) == right
    pages = list(shelf.pages(Query(sort=sort, limit=limit)))
    assert [number for page in pages for number in page] == right
    assert all(len(page) <= limit for page in pages)
