"""Templates."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmf_adapter.mapping.expression import RenderError
from tmf_adapter.mapping.render import BadTemplate, Template, render

NAMES: dict[str, Any] = {
    "t": {"id": "t-1", "n": 3, "ok": True, "list": [1, 2], "map": {"a": 1}, "none": None, "d": 0.5}
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("${t.n}", 3),  # one whole expression keeps its type
        ("${ t.list }", [1, 2]),
        ("${{'a': t.n, 'b': '}'}}", {"a": 3, "b": "}"}),  # braces of its own, and one in a text
        ("${t.none}", None),
        (" ${t.n}", " 3"),  # a space makes it text
        ("ticket ${t.id}: ${t.n}", "ticket t-1: 3"),
        ("${t.ok} ${t.d} ${t.list} ${t.map}", 'true 0.5 [1, 2] {"a": 1}'),  # as JSON has it
        ("${t.id}${t.n}", "t-13"),
        ("costs $5, {t.id}, $t.id, }", "costs $5, {t.id}, $t.id, }"),  # none of these is an expression
        ("$${t.id} is ${t.id}", "${t.id} is t-1"),
        ("$${", "${"),
        ("$$${t.id}", "$${t.id}"),  # the dollar before the escape is only a dollar
        ("${'$' + '{'}", "${"),
        ({"a": ["${t.n}", {"${t.id}": "${t.id}"}], "b": 1}, {"a": [3, {"${t.id}": "t-1"}], "b": 1}),  # keys stay
        (None, None),
        (5, 5),
    ],
)
def test_a_template_is_filled(source: Any, value: Any) -> None:
    assert render(Template(source), NAMES) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"a": {"b": ["x", "no ${t.missing}"]}}, "/a/b/1: t.missing: t.missing is missing"),
        ({"a/b~": "${t.id + 1}"}, "/a~1b~0: t.id + 1: these types do not go together: t.id is 't-1'"),
        ("${t.none}!", "t.none: null has no form within text"),
    ],
)
def test_what_cannot_be_filled_names_place_and_expression(source: Any, message: str) -> None:
    with pytest.raises(RenderError) as raised:
        render(Template(source), NAMES)
    assert str(raised.value) == message


def test_every_expression_that_does_not_compile_is_told() -> None:
    with pytest.raises(BadTemplate) as raised:
        Template({"a": "${t.}", "b": ["${", "fine"], "c": "${}"})
    assert [place for place, _ in raised.value.complaints] == [("a",), ("b", 0), ("c",)]


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)  # a busy machine is no fault
@given(_json)
def test_a_whole_expression_keeps_value_and_type(value: Any) -> None:
    found = render(Template("${x}"), {"x": value})
    assert found == value
    assert type(found) is type(value)


@settings(deadline=None)  # a busy machine is no fault
@given(_json.filter(lambda value: "${" not in str(value)))
def test_a_template_without_expressions_renders_to_itself(value: Any) -> None:
    assert render(Template(value), {}) == value


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(alphabet="${}'\"a. \\"))
def test_any_text_renders_or_is_refused(text: str) -> None:
    with suppress(BadTemplate, RenderError):
        render(Template({"x": text}), {"a": "1"})
