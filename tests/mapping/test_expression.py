"""CEL as the adapter uses it: no evaluation ends in an exception that the caller did not ask for."""

import threading
from typing import Any

import pytest

from tmf_adapter.mapping.expression import BadExpression, Expression, RenderError, Scope, Truth

NAMES: dict[str, Any] = {
    "t": {
        "id": "t-1",
        "status": "held",
        "char": {"count": 3, "name": "x"},
        "rel": {"line": [{"id": "l-1"}]},
        "none": None,
    },
    "was": {},
}


@pytest.mark.parametrize(
    ("source", "truth", "reason"),
    [
        ("t.status == 'held'", Truth.TRUE, ""),
        ("t.status == 'pending'", Truth.FALSE, "t.status is 'held'"),
        ("t.char.count > 5 && t.id == 't-1'", Truth.FALSE, "t.char.count is 3, t.id is 't-1'"),
        ("t.char.missing == 1", Truth.MISSING, "t.char.missing is missing"),
        ("t.char.missing.deeper == 1", Truth.MISSING, "t.char.missing is missing"),  # the first that is not there
        ("t.char['no such'] == 1", Truth.MISSING, "t.char['no such'] is missing"),
        ("t.rel.line[1].id == 'x'", Truth.MISSING, "t.rel.line[1] is missing"),  # beyond the list
        ("was.status == 'held'", Truth.MISSING, "was.status is missing"),  # a new ticket was nothing
        ("t.rel.line.exists(l, l.name == 'x')", Truth.MISSING, "name is missing"),  # below a macro's own name
        ("unknown == 1", Truth.MISSING, "unknown is missing"),
        ("t.char.missing == 1 || t.status == 'held'", Truth.TRUE, ""),  # one side is enough
        ("t.status == 'x' && t.char.missing == 1", Truth.FALSE, "t.status is 'held', t.char.missing is missing"),
        ("!has(t.char.missing)", Truth.TRUE, ""),
        ("!('product' in t.rel)", Truth.TRUE, ""),
        ("t.char.count > 'x'", Truth.FALSE, "these types do not go together: t.char.count is 3"),
        ("t.char.count == 'x'", Truth.FALSE, "t.char.count is 3"),  # different types are unequal, not an error
        ("t.none > 3", Truth.FALSE, "these types do not go together: t.none is None"),
        ("t.char.count.startsWith('x')", Truth.FALSE, "startsWith() does not take this: t.char.count is 3"),
        ("t.id", Truth.FALSE, "the value is 't-1', which is neither true nor false"),  # no condition
        ("t.char.count / 0 == 1", Truth.FALSE, "division by zero in CEL expression"),
        ("t.id.matches('(')", Truth.FALSE, "Function 'matches' error: '(' not a valid regex:"),
        (
            "timestamp(t.id) > timestamp(t.id)",
            Truth.FALSE,
            "Function 'timestamp' error: premature end of input. Check...",
        ),
    ],
)
def test_a_condition_holds_or_says_why_not(source: str, truth: Truth, reason: str) -> None:
    finding = Expression(source).holds(NAMES)
    assert (finding.truth, finding.reason) == (truth, reason)
    assert bool(finding) is Expression(source).is_true(Scope(NAMES)) is (truth is Truth.TRUE)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("t.char.count", 3),
        ("t.char.count > 2", True),
        ("t.rel.line.map(l, {'id': l.id})", [{"id": "l-1"}]),
        ("t.none", None),
        ("1.5", 1.5),
        ("timestamp('2026-03-02T08:05:00.123456Z')", "2026-03-02T08:05:00.123Z"),  # RFC 3339
        ("timestamp('2026-03-02T09:05:00+01:00')", "2026-03-02T08:05:00.000Z"),  # in UTC
        ("[timestamp('2026-03-02T08:05:00Z') + duration('24h')]", ["2026-03-03T08:05:00.000Z"]),  # also within
        ("duration('90m')", "PT1H30M"),  # ISO 8601
        ("duration('-36h')", "-P1DT12H"),
        ("string(t.char.count) + t.id", "3t-1"),
        ("size('é')", 2),  # bytes, not characters, as mappings/README.md says
        ("'éé'.matches('^.{1,2}$')", True),  # characters
    ],
)
def test_a_value_is_json(source: str, value: Any) -> None:
    found = Expression(source).value(NAMES)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("t.char.missing", "t.char.missing is missing"),
        ("t.id + 1", "these types do not go together: t.id is 't-1'"),
        ("b'abc'", "a bytes has no form in JSON"),
        ("{1: 2}", "a dict has no form in JSON"),  # keys are texts
        ("0.0 / 0.0", "the number is not finite"),
        ("optional.none()", "a OptionalValue has no form in JSON"),
    ],
)
def test_a_value_that_cannot_be_is_an_error_with_its_cause(source: str, cause: str) -> None:
    with pytest.raises(RenderError) as raised:
        Expression(source).value(NAMES)
    assert (raised.value.expression, raised.value.cause) == (source, cause)
    assert str(raised.value) == f"{source}: {cause}"


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        ("t.status ==", 12, "it ends too early"),
        ("t.status = 'held'", 10, "unexpected '=' (CEL writes ==)"),
        ("t.a and t.b", 5, "unexpected 'and' (CEL writes &&)"),
        ("t.@type", 3, "unexpected '@'"),
        ("has(t)", 5, "invalid argument to has() macro"),
        ("a ? b", 1, "it is not complete"),
        (" ", 1, "empty: write a CEL expression"),
        ("(" * 300 + "1" + ")" * 300, 1, None),  # refused by the parser, which would otherwise recurse
        ("'" + "é" * 1100 + "'", 2048, "longer than 2048 bytes: split it into let values"),  # bytes, not characters
        ("a.all(x, x.all(y, y.all(z, z)))", 1, "macros nested 3 deep: at most 2, use a let value"),
    ],
)
def test_a_source_that_does_not_compile_is_refused_with_its_column(
    source: str, column: int, message: str | None
) -> None:
    with pytest.raises(BadExpression) as raised:
        Expression(source)
    if message is not None:
        assert (raised.value.column, raised.value.message) == (column, message)


@pytest.mark.parametrize(
    ("length", "source", "holds"),
    [
        (1000, "t.note.exists(n, n == 999)", True),
        (1001, "t.note.exists(n, n == 999)", False),  # a list that long would cost too much
        (100_000, "size(t.note) > 1000", True),  # nothing is walked
        (100, "t.note.exists(a, t.note.exists(b, a + b == 198))", True),
        (101, "t.note.exists(a, t.note.exists(b, a + b == 198))", False),
    ],
)
def test_walking_is_bounded_by_the_length_of_what_is_walked(length: int, source: str, holds: bool) -> None:
    finding = Expression(source).holds({"t": {"note": list(range(length))}})
    assert bool(finding) is holds
    assert holds or f"a list of {length}" in finding.reason


def test_the_variables_are_those_of_the_scope() -> None:
    assert Expression("t.note.exists(n, n.x == was.y) && episode > 1").variables == {"t", "was", "episode"}


def test_a_scope_is_made_ready_once_and_takes_names_later() -> None:
    scope = Scope({"t": {"x": 1}})
    assert Expression("t.x == 1").is_true(scope)
    context = scope.context
    scope.put("line", "l-1")
    assert Expression("line == 'l-1'").is_true(scope)
    assert scope.context is context


def test_a_number_beyond_64_bits_loses_digits_and_nothing_else() -> None:
    assert Expression("t.x > 1").is_true(Scope({"t": {"x": 10**30}}))


def test_what_is_no_json_makes_a_condition_false() -> None:
    assert not Expression("t.x == 1").holds({"t": {"x": object()}})


def test_an_expression_may_be_shared_between_threads() -> None:
    expression, found = Expression("t.x.map(x, x + 1)"), list[Any]()
    threads = [threading.Thread(target=lambda: found.append(expression.value({"t": {"x": [1]}}))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[2]] * 8


def test_expressions_are_equal_when_their_sources_are() -> None:
    assert Expression("t.x") == Expression("t.x") != Expression("t.y")
    assert len({Expression("t.x"), Expression("t.x")}) == 1
