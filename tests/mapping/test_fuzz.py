"""Whatever a mapping file or an expression contains, the worst that happens is a fault."""

import copy
import string
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.mapping.changes import NOW, change, ticket
from tests.mapping.recoveries import ASK, NOT_OURS, STORM
from tests.mapping.samples import FULL
from tmf_adapter.mapping.document import load, parse
from tmf_adapter.mapping.expression import BadExpression, Expression, RenderError
from tmf_adapter.mapping.faults import BadMapping
from tmf_adapter.mapping.lint import lint, load_checked, report_lines
from tmf_adapter.mapping.plan import explain, plan

TEXT = yaml.safe_dump(FULL, sort_keys=False)
WHOLE = "".join(yaml.safe_dump(document, sort_keys=False) for document in (STORM, ASK, NOT_OURS))
"""Every line of the language; whatever is left of it after some damage is read as one file."""

_PIECES = st.sampled_from(
    [
        *("t", "t.char", "was", "x", "ev", "1", "0", "-1", "1.5", "9223372036854775807", "'a'", '"b"', "null", "true"),
        *(".x", ".id", "[0]", "['a']", "[-1]", "(", ")", "[", "]", "{", "}", ",", ":", "?", ".", "in"),
        *("+", "-", "*", "/", "%", "==", "!=", "<", ">", "&&", "||", "!", "size(", "has(", "string(", "int("),
        *(
            "timestamp('2026-01-01T00:00:00Z')",
            "duration('1h')",
            "b'x'",
            "r'\\d'",
            "'''",
            "\\",
            "//",
            "\n",
            "é",
            "\x00",
        ),
        *(".map(x, x)", ".exists(x, x == 1)", ".filter(x, x > 1)", ".all(x, x)", ".matches('(a+)+$')", ".size()"),
    ]
)


@given(
    st.lists(_PIECES, max_size=12).map("".join) | st.lists(_PIECES, max_size=12).map(" ".join) | st.text(max_size=40)
)
@settings(max_examples=400, deadline=None)
def test_any_expression_is_refused_or_evaluates_to_something(source: str) -> None:
    try:
        expression = Expression(source)
    except BadExpression:
        return
    scope: dict[str, Any] = {"t": {"char": {"a": 1}, "id": "x", "list": [1, 2, [3]]}, "was": {}, "x": [1, "a"]}
    finding = expression.holds(scope)
    assert bool(finding) is (finding.truth == "true")
    with suppress(RenderError):
        expression.value(scope)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mappings")


def _try(directory: Path, data: bytes) -> None:
    (directory / "10-fuzzed.yaml").write_bytes(data)
    assert all(report_lines(lint(directory)))
    try:
        found = load(directory)
    except BadMapping:
        return
    event = change(ticket(), ticket(status="acknowledged"))
    for planned in plan(found, event, NOW):
        assert planned.mapping in found
    explain(found, event, NOW)
    assert all(parse(mapping.to_document()) == mapping for mapping in found)
    with suppress(BadMapping):
        load_checked(directory)


_careful = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@given(st.binary(max_size=200))
@_careful
def test_any_bytes_load_or_are_refused(directory: Path, data: bytes) -> None:
    _try(directory, data)


@given(st.lists(st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), st.text(max_size=8)), min_size=1, max_size=4))
@_careful
def test_any_damage_to_a_good_file_loads_or_is_refused(directory: Path, wounds: list[tuple[int, int, str]]) -> None:
    text = TEXT
    for at, length, replacement in wounds:
        text = text[:at] + replacement + text[at + length :]
    _try(directory, text.encode("utf-8", "surrogatepass"))


@given(st.lists(st.sampled_from((TEXT + WHOLE).splitlines(keepends=True)), max_size=40).map("".join))
@_careful
def test_any_order_of_good_lines_loads_or_is_refused(directory: Path, text: str) -> None:
    _try(directory, text.encode())


_nested = st.recursive(
    st.integers(0, 3) | st.sampled_from(["a", "b", ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "x"]), inner, max_size=3),
    max_leaves=30,
)


@given(
    st.lists(st.sampled_from(["map", "filter", "exists", "all"]), min_size=1, max_size=3),
    st.sampled_from(["x", "l", "[x, l]", "{'a': x}", "x == l", "true", "l + [x]"]),
    _nested,
)
@settings(max_examples=200, deadline=None)
def test_nested_macros_over_any_data_end(macros: list[str], body: str, value: Any) -> None:
    source = body
    for macro in macros:
        source = f"l.{macro}(x, {source})"
    try:
        expression = Expression(source)
    except BadExpression:
        assert len(macros) > 2
        return
    with suppress(RenderError):
        expression.value({"l": value})


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["t.id", "PT5S", "${t.id}", "${", "create", "held", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*FULL, "await", "body", "event", "char", "note", "status", "on"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from([STORM, ASK, NOT_OURS]), st.data())
@_careful
def test_any_damage_to_any_key_loads_or_is_refused(
    directory: Path, document: dict[str, Any], data: st.DataObject
) -> None:
    damaged = copy.deepcopy(document)
    place: Any = damaged
    while isinstance(place, dict | list) and place:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) or not isinstance(place[key], dict | list):
            place[key] = data.draw(_values)
            break
        place = place[key]
    _try(directory, yaml.safe_dump(damaged, sort_keys=False).encode())


@given(st.dictionaries(st.sampled_from(sorted(FULL)), _values, max_size=4), st.sampled_from(sorted(FULL)))
@_careful
def test_any_value_in_any_place_loads_or_is_refused(directory: Path, members: dict[str, Any], without: str) -> None:
    document = {name: value for name, value in {**FULL, **members}.items() if name != without or name in members}
    _try(directory, yaml.safe_dump(document, sort_keys=False).encode())


@given(st.text(alphabet=string.printable, max_size=60))
@_careful
def test_any_line_of_when_loads_or_is_refused(directory: Path, line: str) -> None:
    _try(directory, TEXT.replace("- episode >= 1", f"- {line}").encode())
