"""Which recoveries a change starts, and why."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mapping.changes import NOW, change, characteristic, entity, ticket
from tests.mapping.samples import mapping, mappings, sample
from tmf_adapter.mapping.document import Mappings
from tmf_adapter.mapping.expression import RenderError, Scope, Truth
from tmf_adapter.mapping.plan import Facts, bind, explain, plan, wanted_counts
from tmf_adapter.tmf.events import Author, Change, Kind

WAITING = ticket(status="acknowledged")
MOVED = change(ticket(), WAITING)


def _ids(found: Mappings, event: Change) -> list[str]:
    planned = [one.mapping.id for one in plan(found, event, NOW)]
    assert planned == [one.mapping for one in explain(found, event, NOW) if one.starts], "explain agrees with plan"
    return planned


def _rule(id: str, **members: Any) -> dict[str, Any]:
    return sample(**{"id": id, "stop": False, "order": None, "when": None, **members})


@pytest.mark.parametrize(
    ("members", "event", "starts"),
    [
        ({}, MOVED, True),
        ({"events": ["create"]}, MOVED, False),  # it does not listen
        (
            {"events": ["create", "attribute"]},
            change(ticket(), WAITING, Kind.STATUS, Kind.ATTRIBUTE),
            True,
        ),  # one is enough
        ({"events": ["delete"]}, change(None, ticket()), True),
        ({"when": ["t.status == 'inProgress'"]}, MOVED, True),
        ({"when": ["t.status == 'inProgress'", "t.type == 'x'"]}, MOVED, False),  # all lines must hold
        ({"when": ["was.status != 'inProgress'"]}, MOVED, True),
        ({"when": ["was.status != 'inProgress'"]}, change(ticket()), False),  # born so: was.status is missing
        ({"when": ["!has(was.status) || was.status != 'inProgress'"]}, change(ticket()), True),  # how to write it
        ({"when": ["'status' in changed"]}, MOVED, True),
        ({"when": ["episode == 1", "mapping.id == 'a'"]}, MOVED, True),
        ({"when": ["timestamp(now) > timestamp('2026-01-01T00:00:00Z')"]}, MOVED, True),
        ({"when": ["t.char.x == 1"]}, MOVED, False),
        ({"when": ["t.char.x + 1"]}, MOVED, False),  # no condition
        ({"when": ["t.raw.vendorMember == 'x'"]}, change(ticket(vendorMember="x")), True),  # what no standard knows
    ],
)
def test_a_mapping_starts_when_it_listens_and_all_its_lines_hold(
    members: dict[str, Any], event: Change, starts: bool
) -> None:
    assert _ids(mappings(_rule("a", **members)), event) == (["a"] if starts else [])


def test_what_the_adapter_itself_changed_starts_nothing() -> None:
    assert _ids(mappings(_rule("a")), replace(MOVED, by=Author.ADAPTER)) == []
    [why] = explain(mappings(_rule("a")), replace(MOVED, by=Author.ADAPTER), NOW)
    assert why.reason == "the adapter itself made the change"


def test_a_service_problem_starts_nothing() -> None:
    assert plan(mappings(_rule("a")), replace(MOVED, resource="serviceProblem"), NOW) == ()


def test_several_may_start_in_order_and_the_first_that_stops_is_the_last() -> None:
    found = mappings(
        _rule("c", order=3),
        _rule("b", order=2, stop=True),
        _rule("a", order=1),
        _rule("z", order=0, stop=True, when=["false"]),  # it would stop the search, but does not match
    )
    assert _ids(found, MOVED) == ["a", "b"]


def test_a_line_that_reads_its_own_mapping_is_asked_for_each() -> None:
    line = "mapping.id == 'b'"
    assert _ids(mappings(_rule("a", when=[line]), _rule("b", when=[line])), MOVED) == ["b"]


def test_what_a_recovery_keeps_is_json_and_complete() -> None:
    event = change(ticket(troubleTicketCharacteristic=[characteristic("x", 1)]), WAITING)
    [planned] = plan(mappings(_rule("a", when=["t.char.x == 1"])), event, NOW)
    assert json.loads(json.dumps(planned.scope)) == planned.scope
    assert planned.scope["mapping"] == {"id": "a"}
    assert planned.scope["t"]["raw"] == event.subject.document  # not only what the lines read
    assert planned.scope["was"]["status"] == "acknowledged"


def test_an_explanation_names_each_line_and_the_nearest_miss() -> None:
    found = mappings(
        _rule("deaf", events=["delete"]),
        _rule("far", when=["t.status == 'held'", "t.char.x == 1", "t.type == 'fault'"]),
        _rule("near", when=["t.status == 'inProgress'", "t.char.x == 1"]),
    )
    deaf, far, near = explain(found, MOVED, NOW)
    assert (deaf.reason, deaf.nearest) == ("it listens to delete, not to status", False)
    assert [(line.truth, line.reason) for line in far.lines] == [
        (Truth.FALSE, "t.status is 'inProgress'"),
        (Truth.MISSING, "t.char.x is missing"),
        (Truth.TRUE, ""),
    ]
    assert (far.reason, far.misses, far.nearest) == ("2 of 3 lines do not hold", 2, False)
    assert (near.reason, near.misses, near.nearest) == ("1 of 2 lines do not hold", 1, True)


def test_an_explanation_names_what_stopped_the_search() -> None:
    first, second = explain(mappings(_rule("a", stop=True, order=1), _rule("b")), MOVED, NOW)
    assert (first.starts, first.reason) == (True, "all lines hold")
    assert (second.starts, second.reason) == (False, "a matched before it and stopped the search")
    assert not second.nearest


_LINES = [
    "t.status == 'inProgress'",
    "t.char.x == 1",
    "t.char['x'] in [1, 2]",
    "has(was.status)",
    "'x' in t.char",
    "t.rel.line.exists(l, l.id == '1')",
    "size(t.note) == 0 && t.raw.status == t.status",
    "t == was",
    "'rel' in t",
    "[t].exists(x, x.type == 'fault')",
    "t[changed[0]] == 'inProgress'",
    "t.type in ['fault', 'other']",
    "t.type == 'other' || t.type == 'fault'",
    "t.rel.line[0].id == '1' && t.status != 'held'",
    "(t.char.x == '1') && t.type == 'fault'",
    "t.rel.line[0].id != '1'",
]


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.sampled_from(_LINES), min_size=1, max_size=4), st.booleans(), st.integers(0, 2))
def test_reading_only_what_is_needed_changes_no_answer(lines: list[str], born: bool, x: int) -> None:
    members = {"troubleTicketCharacteristic": [characteristic("x", x)], "relatedEntity": [entity("line", None, str(x))]}
    event = change(ticket(**members), None if born else ticket(status="acknowledged"))
    rule = mapping(id="a", when=lines)
    [explained] = explain([rule], event, NOW)
    scope = Scope({**_full_scope(event), "mapping": {"id": "a"}})
    assert [line.truth is Truth.TRUE for line in explained.lines] == [line.is_true(scope) for line in rule.when]
    assert bool(plan([rule], event, NOW)) is explained.starts


def _full_scope(event: Change) -> dict[str, Any]:
    from tmf_adapter.mapping.view import scope_of

    return scope_of(event, "a", 1, NOW)


def test_let_values_are_bound_in_the_order_they_need() -> None:
    rule = mapping(let={"a": "b + '!'", "b": "c[0]", "c": "t.rel.line.map(l, l.id)"}, report=None, steps=[_step()])
    [planned] = plan([rule], change(ticket(relatedEntity=[entity("line", None, "1")])), NOW)
    bound = bind(rule, planned.scope)
    assert (bound["a"], bound["b"], bound["c"]) == ("1!", "1", ["1"])
    assert bound["t"] == planned.scope["t"]
    assert bind(rule, bound) == bound  # again is the same


def test_a_let_value_that_cannot_be_made_is_an_error_with_its_name() -> None:
    rule = mapping(let={"line": "t.rel.line[0].id"}, report=None, steps=[_step()])
    with pytest.raises(RenderError) as raised:
        bind(rule, {"t": {"rel": {}}})
    assert str(raised.value) == "/let/line: t.rel.line[0].id: t.rel.line is missing"


def _step() -> dict[str, Any]:
    return {"id": "a", "call": "x.y"}


_NODE = change(ticket(relatedEntity=[entity("accessNode", "Resource", "node-7")]), WAITING)
_GROUP = {"group": {"by": "t.rel.accessNode[0].id", "window": "PT15M"}}


def test_a_mapping_counts_the_open_tickets_of_an_entity() -> None:
    found = mappings(_rule("a", when=["open.byAccessNode[t.rel.accessNode[0].id] >= 10"]))
    assert wanted_counts(found, _NODE) == {("accessNode", "node-7")}
    assert [len(plan(found, _NODE, NOW, Facts({("accessNode", "node-7"): count}))) for count in (9, 10)] == [0, 1]
    assert plan(found, _NODE, NOW) == ()  # nobody counted
    [why] = explain(found, _NODE, NOW, Facts({("accessNode", "node-7"): 9}))
    assert why.lines[0].truth is Truth.FALSE


def test_nothing_is_counted_that_nobody_reads() -> None:
    assert wanted_counts(mappings(_rule("a")), _NODE) == frozenset()
    deaf = mappings(_rule("a", events=["delete"], when=["open.byAccessNode['x'] > 1"]))
    assert wanted_counts(deaf, _NODE) == frozenset()
    assert wanted_counts(mappings(_rule("a", when=["open.byPlace['x'] > 1"])), _NODE) == frozenset()


def test_a_recovery_knows_the_key_of_its_group() -> None:
    [planned] = plan(mappings(_rule("a", **_GROUP)), _NODE, NOW)
    assert (planned.group, planned.scope["group"]) == ("node-7", {"key": "node-7"})
    [alone] = plan(mappings(_rule("a")), _NODE, NOW)
    assert (alone.group, "group" in alone.scope) == (None, False)


def test_without_a_key_there_is_no_group_and_no_recovery() -> None:
    found = mappings(_rule("a", stop=True, order=1, **_GROUP), _rule("b"))
    assert _ids(found, MOVED) == ["b"]
    assert explain(found, MOVED, NOW)[0].reason.startswith("the key of its group cannot be worked out: t.rel.access")


def test_a_shadow_stops_nobody() -> None:
    found = mappings(_rule("a", order=1, stop=True, mode="shadow"), _rule("b"))
    assert [(one.mapping.id, one.shadow) for one in plan(found, MOVED, NOW)] == [("a", True), ("b", False)]
    assert _ids(found, MOVED) == ["a", "b"]
    assert "in shadow" in explain(found, MOVED, NOW)[0].reason


@pytest.mark.parametrize(
    ("members", "facts", "reason"),
    [
        ({"mode": "off"}, Facts(), "its mode is off"),
        ({}, Facts(off={"a"}), "it is switched off"),
        ({}, Facts(failed={"a"}), "it was unsuccessful in an earlier episode of this ticket, and does not say again"),
    ],
)
def test_a_mapping_that_is_off_lets_the_next_one_be_asked(members: dict[str, Any], facts: Facts, reason: str) -> None:
    found = mappings(_rule("a", order=1, stop=True, **members), _rule("b"))
    assert [one.mapping.id for one in plan(found, MOVED, NOW, facts)] == ["b"]
    assert [one.reason for one in explain(found, MOVED, NOW, facts)] == [reason, "all lines hold"]


def test_what_failed_is_done_again_when_it_says_so() -> None:
    assert plan(mappings(_rule("a", again=True)), MOVED, NOW, Facts(failed={"a"})) != ()


def test_all_can_be_switched_off_at_once() -> None:
    found = mappings(_rule("a"), _rule("b"))
    assert plan(found, MOVED, NOW, Facts(all_off=True)) == ()
    assert {one.reason for one in explain(found, MOVED, NOW, Facts(all_off=True))} == {"all mappings are switched off"}


def test_a_mapping_that_calls_what_nobody_works_for_lets_the_next_one_be_asked() -> None:
    found = mappings(_rule("a", order=1, stop=True))
    assert found[0].apis == {"tmf656"}
    assert plan(found, MOVED, NOW, Facts(reachable={"tmf656", "tmf622"})) != ()
    assert plan(found, MOVED, NOW, Facts(reachable={"tmf622"})) == ()
    [told] = explain(found, MOVED, NOW, Facts(reachable=frozenset()))
    assert told.reason == "it calls tmf656, for which no downstream is configured"
