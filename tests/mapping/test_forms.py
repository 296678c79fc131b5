"""Conditions in Python: never true or false where the CEL library says otherwise."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.planning import change
from tmf_adapter.mapping.document import DEFAULTS, Mappings, parse
from tmf_adapter.mapping.expression import Expression, Scope
from tmf_adapter.mapping.forms import form_of, has_form
from tmf_adapter.mapping.plan import explain, plan
from tmf_adapter.tmf.time import utc_now

WITH_FORM = [
    "t.status == 'inProgress'",
    "t.status != \"held\" && was.status == 'acknowledged'",
    "!has(was.status) || was.status != 'pending'",
    "t.type in ['fault', 'serviceFailure']",
    "t.char.n >= 3",
    "t.char.n == 2.5",
    "size(t.char.a) > 0",
    "'severity' in changed",
    "t.char['a'].startsWith('do')",
    "t.rel.a[0].id == 'x'",
    "t.rel.a.exists(c, c.id == 'x' && has(c.name))",
    "t.rel.a.all(t, t.id != 'x' || t.id == 'y')",
    "!(t.char.a == 'x') && !!has(t.char.b)",
]
WITHOUT_FORM = [
    "t.char.vip",
    "t.char.a == t.char.b",
    "!t.status == 'x'",
    "t.status == 'it\\'s'",
    "t.status == r'x'",
    "t.char.n == 3u",
    "t.char.n + 1 > 3",
    "(t.status == 'x') == true",
    "t.status == 'x' ? true : false",
    "t.status.matches('x')",
    "t.rel.a.map(c, c.id) == ['x']",
    "open.byNode[t.rel.a[0].id] >= 10",
    "t.status == 'x' + 'y'",
    "!" * 40 + "has(t.status)",
]


@pytest.mark.parametrize("source", WITH_FORM)
def test_a_common_condition_has_a_form(source: str) -> None:
    assert has_form(source)


@pytest.mark.parametrize("source", WITHOUT_FORM)
def test_any_other_is_left_to_the_library(source: str) -> None:
    assert not has_form(source)


_TEXTS = st.sampled_from(["x", "y", "do", "", "ä", "n"])
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.integers(-3, 3)
    | st.sampled_from([2.5, 1.0])
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abn"), inner, max_size=3),
    max_leaves=6,
)
_SCOPES = st.fixed_dictionaries({"t": st.dictionaries(st.sampled_from("abn"), _VALUES, max_size=3), "was": _VALUES})
_PATHS = st.sampled_from(["t.a", "t.b", "t.n", "t.a.b", "t.a[0]", "t.a[1].n", "t['b']", "was.a", "was", "nobody.a"])
_SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_NUMBERS = st.sampled_from(["0", "1", "2.5", "100", "3"])


def _atoms(path: str) -> st.SearchStrategy[str]:
    text = _TEXTS.map(repr)
    return st.one_of(
        st.builds(lambda sign, one: f"{path} {sign} {one}", st.sampled_from(["==", "!="]), text),
        st.builds(lambda sign, one: f"{path} {sign} {one}", _SIGNS, _NUMBERS),
        st.builds(lambda sign, one: f"size({path}) {sign} {one}", _SIGNS, _NUMBERS),
        st.builds(lambda several: f"{path} in [{', '.join(several)}]", st.lists(text, min_size=1, max_size=3)),
        text.map(lambda one: f"{one} in {path}"),
        text.map(lambda one: f"{path}.startsWith({one})"),
        st.just(f"has({path}.b)"),
    )


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        pairs.map(" && ".join),
        pairs.map(" || ".join),
        inner.map(lambda one: f"!({one})"),
        inner.map(lambda one: f"({one})"),
    )


def _walks(path: str) -> st.SearchStrategy[str]:
    body = st.recursive(st.sampled_from(["e", "e.b", "e.n", "t.a"]).flatmap(_atoms), _joined, max_leaves=3)
    return st.builds(lambda macro, one: f"{path}.{macro}(e, {one})", st.sampled_from(["exists", "all"]), body)


_CONDITIONS = st.recursive(_PATHS.flatmap(_atoms) | _PATHS.flatmap(_walks), _joined, max_leaves=5)


@settings(max_examples=100, deadline=None)
@given(source=_CONDITIONS, several=st.lists(_SCOPES, min_size=5, max_size=5))
def test_a_form_says_what_the_library_says_or_nothing(source: str, several: list[dict[str, Any]]) -> None:
    assert has_form(source)
    form = form_of([source])
    for names in several:
        in_the_library = Expression(source).is_true(Scope(names))
        try:
            assert form.test(names) is in_the_library
        except LookupError:
            assert not (form.needs_all and in_the_library)
        except TypeError:
            pass


def _mapping(number: int, when: list[str]) -> Any:
    steps = [{"id": "one", "call": "tmf656.createServiceProblem", "body": {"reason": "x"}}]
    members: dict[str, Any] = {
        "id": f"m-{number}",
        "title": "One",
        "order": number,
        "events": ["status"],
        "steps": steps,
    }
    members |= {"when": when} if when else {}
    return parse(members, DEFAULTS)


def test_plan_starts_what_explain_says_with_and_without_forms_in_one_mapping() -> None:
    lines = [
        "t.status == 'inProgress'",
        "t.status.matches('^in')",
        "t.char.missing == 'x'",
        "t.char.missing == 'x' || t.status == 'inProgress'",
        "!has(t.char.missing)",
        "t.rel.affectedService.exists(s, s.id == 'service-499')",
        "t.rel.affectedService.map(s, s.id) == ['service-499']",
        "mapping.id == 'm-7'",
    ]
    dice = random.Random(1)
    many = Mappings(_mapping(number, dice.sample(lines, dice.randint(0, 4))) for number in range(200))
    started = [one.mapping.id for one in plan(many, change(), utc_now())]
    assert started == [one.mapping for one in explain(many, change(), utc_now()) if one.starts]
    assert 20 < len(started) < 200


def test_a_list_that_no_condition_may_walk_is_not_walked_in_python_either() -> None:
    line = "t.note.exists(n, n.text == 'last')"
    many = Mappings([_mapping(1, [line])])
    event = change()
    assert event.after is not None
    event.after.document["note"] = [{"text": "other"}] * 1000 + [{"text": "last"}]
    assert plan(many, event, utc_now()) == ()
    event.after.document["note"] = [{"text": "other"}] * 900 + [{"text": "last"}]
    assert len(plan(many, event, utc_now())) == 1
