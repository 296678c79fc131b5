"""No expression takes long, whatever it says and whatever it is given."""

from typing import Any

import pytest

from tmf_adapter.mapping.cost import VALUE_LIMIT, weight
from tmf_adapter.mapping.expression import BadExpression, Expression, RenderError, Truth
from tmf_adapter.mapping.render import Template


def _entities(count: int) -> list[dict[str, Any]]:
    return [{"id": str(number), "name": "n" * 20, "href": "h" * 50, "type": "Service"} for number in range(count)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("+".join(["1"] * 66), "65 times +: at most 64"),
        (" || ".join(["t.x.matches('a')"] * 9), "9 times matches(): at most 8"),
        ("t.x.matches(t.y)", "matches() takes a pattern that is written out"),
        ("t.x.matches('a' + t.y)", "matches() takes a pattern that is written out"),
        ("t.x.matches('" + "a" * 257 + "')", "a pattern of 257 characters: at most 256"),
        ("t.x.matches('((a{1,100}){1,100}){2}')", "a pattern that repeats something 20000 times: at most 1000"),
    ],
)
def test_what_could_take_long_is_refused_when_it_is_written(source: str, message: str) -> None:
    with pytest.raises(BadExpression) as raised:
        Expression(source)
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("source", "names", "reason"),
    [
        ("l.exists(x, x.id == 'a')", {"l": _entities(1001)}, "the data has a list of 1001"),
        ("l.all(x, l.all(y, y == x))", {"l": _entities(101)}, "the data has a list of 101"),
        ("l.exists(x, x.id.matches('a'))", {"l": _entities(51)}, "may walk at most 50"),
        ("l.map(x, l) == l", {"l": _entities(100)}, "it would copy"),  # was 1 s of CPU, minutes for 1,000
        ("l.map(x, x) == l", {"l": _entities(1000)}, "it would copy"),
        ("l.filter(x, true) == l", {"l": _entities(1000)}, "it would copy"),
        ("l.map(x, l.map(y, x.id)) == l", {"l": _entities(100)}, "it would copy"),
    ],
)
def test_what_would_take_long_with_this_data_is_not_evaluated(source: str, names: dict[str, Any], reason: str) -> None:
    finding = Expression(source).holds(names)
    assert finding.truth is Truth.FALSE
    assert reason in finding.reason
    with pytest.raises(RenderError, match=reason.split(":")[0]):
        Expression(source).value(names)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("l.map(s, {'@type': 'ServiceRef', 'id': s.id})", {"l": _entities(600)}),
        ("l.exists(s, s.id == '999')", {"l": _entities(1000)}),
        ("l.filter(s, s.id == '1')", {"l": _entities(500)}),
        ("l.exists(s, s.id.matches('^[0-9]{1,3}$'))", {"l": _entities(50)}),
        ("l.exists(a, l.exists(b, b.id != a.id))", {"l": _entities(100)}),
        ("text.contains('zz')", {"text": "x" * 1_000_000}),
    ],
)
def test_what_mappings_do_is_far_from_the_limits(source: str, names: dict[str, Any]) -> None:
    Expression(source).value(names)


def test_let_values_cannot_double_for_ever() -> None:
    def doubled(value: str, times: int) -> str:
        return doubled(Expression("v + v").value({"v": value}), times - 1) if times else value

    assert weight(doubled("x" * 1000, 10)) <= VALUE_LIMIT
    with pytest.raises(RenderError, match="the result has"):
        doubled("x" * 1000, 40)


def test_a_short_template_cannot_become_a_huge_request() -> None:
    with pytest.raises(RenderError, match="all values together are too large"):
        Template(["${v}"] * 100).render({"v": list(range(1000))})
    with pytest.raises(RenderError, match="all values together are too large"):
        Template("${v}" * 100).render({"v": "x" * 100_000})
