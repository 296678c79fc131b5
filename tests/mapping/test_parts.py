"""What the keys of a recovery become, and that they survive being kept."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.mapping.recoveries import ASK, NEED, NOT_OURS, STORM, awaiting, step
from tests.mapping.samples import mapping
from tmf_adapter.mapping.document import DEFAULTS, parse
from tmf_adapter.mapping.expression import Expression
from tmf_adapter.mapping.faults import BadMapping
from tmf_adapter.mapping.parts import (
    Approve,
    Expired,
    Group,
    Interim,
    Mode,
    Otherwise,
    Outcome,
    Parallel,
    ReportMode,
    Step,
    Verdict,
)
from tmf_adapter.mapping.render import Template


@pytest.mark.parametrize("document", [STORM, ASK, NOT_OURS], ids=lambda document: document["id"])
def test_a_recovery_keeps_the_whole_of_its_mapping(document: dict[str, Any]) -> None:
    one = parse(document, DEFAULTS)
    again = parse(json.loads(json.dumps(one.to_document())))
    assert again == one
    assert again.hash == one.hash


def test_what_was_kept_before_there_were_modes_is_still_read() -> None:
    kept = mapping().to_document()
    for name in ("mode", "again"):
        del kept[name]
    del kept["report"]["mode"]
    assert parse(kept) == mapping()


def test_group_and_approval_become_what_they_say() -> None:
    storm = parse(STORM, DEFAULTS)
    assert storm.group == Group(Expression("t.rel.accessNode[0].id"), timedelta(minutes=15))
    assert storm.approve == Approve(
        "duty-officer", timedelta(hours=1), Otherwise.APPROVE, Template("Outage at ${group.key}?")
    )
    assert (storm.mode, storm.again, storm.report.mode) == (Mode.SHADOW, True, ReportMode.PROPOSE)


def test_steps_and_parallel_blocks_stand_in_order() -> None:
    storm = parse(STORM, DEFAULTS)
    first, block, last = storm.steps
    assert isinstance(first, Step)
    assert isinstance(block, Parallel)
    assert isinstance(last, Step)
    assert [one.id for one in storm.every_step] == ["parent", "child", "other", "last"]
    assert [place for place, _ in storm.placed_steps] == [
        ("steps", 0),
        ("steps", 1, "parallel", 0),
        ("steps", 1, "parallel", 1),
        ("steps", 2),
    ]
    assert (first.once, last.once) == (True, False)
    assert block.while_ == Interim("held", Template("awaiting-crew"), Template("A crew goes to ${group.key}."))
    assert last.while_ == Interim("pending")
    assert storm.step("other").retry.attempts == 4  # the defaults reach into a block


def test_a_step_ends_the_recovery_by_its_verdict_or_when_it_finishes() -> None:
    last, plain = parse(STORM, DEFAULTS).step("last"), parse(STORM, DEFAULTS).step("child")
    assert [last.ending(verdict) for verdict in (Verdict.OK, Verdict.FAIL, Verdict.ASK)] == [
        Outcome.WORKAROUND,
        Outcome.UNSUCCESSFUL,
        None,
    ]
    assert plain.ending(Verdict.OK) is None


def test_a_step_may_say_how_it_is_undone() -> None:
    undo = parse(STORM, DEFAULTS).step("child").undo
    assert undo is not None
    assert undo.target == Template("${step.child.id}")
    assert undo.operation.resource == "serviceProblem"


def test_a_workaround_has_an_end() -> None:
    expiry = parse(STORM, DEFAULTS).report["workaround"].expiry
    assert expiry is not None
    assert (expiry.after, expiry.then, expiry.undo) == (timedelta(days=7), Expired.UNSUCCESSFUL, True)
    assert expiry.restored == Expression("ev.serviceProblem.status == 'closed'")
    assert mapping().report["workaround"].expiry is None


def test_a_question_has_the_defaults_where_it_says_nothing() -> None:
    asked = parse(ASK, DEFAULTS).ask
    assert asked is not None
    assert (asked.reason, asked.note) == (Template("information-required"), Template("Which line is affected?"))
    assert (asked.within, asked.need) == (timedelta(days=2), Template(NEED))
    assert (asked.then.status, asked.then.reason) == ("cancelled", Template("information-not-provided"))


def test_a_condition_alone_asks_with_the_defaults() -> None:
    short = parse(mapping_with(ask="ev.x == 1"), DEFAULTS).steps[0]
    long = parse(mapping_with(ask={"when": "ev.x == 1", "within": "P3D"}), DEFAULTS).steps[0]
    assert short == long
    assert isinstance(short, Step)
    assert short.await_ is not None
    assert short.await_.judge({"ev": {"x": 1}}) is Verdict.ASK


def test_what_is_written_at_once_may_reject() -> None:
    now = parse(NOT_OURS, DEFAULTS).report.now
    assert now is not None
    assert (now.status, now.reason) == ("rejected", Template("out-of-scope"))
    assert parse(NOT_OURS, DEFAULTS).steps == ()


def mapping_with(**members: Any) -> dict[str, Any]:
    """A mapping with one step, whose ``await`` has ``members``."""
    return {
        "id": "a",
        "title": "b",
        "events": ["create"],
        "steps": [step("one", **{"await": awaiting(**members)})],
    }


_STEP = step("one")


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"steps": None}, "steps: is missing: what to do"),
        ({"ask": {}}, "ask: stands beside steps"),
        ({"report": {"now": {}}}, "report.now: stands beside steps"),
        ({"steps": None, "ask": {}, "group": STORM["group"]}, "group: decides over steps"),
        ({"steps": None, "ask": {}, "approve": STORM["approve"]}, "approve: decides over steps"),
        ({"steps": [_STEP, {"parallel": [_STEP]}]}, "steps[1].parallel[0].id: 'one' is the id of an earlier step"),
        ({"steps": [step("one", once="group")]}, "steps[0].once: needs a group"),
        ({"steps": [step("one", once="always")]}, "steps[0].once: must be group"),
        ({"steps": [{**_STEP, "while": {"status": "resolved"}}]}, "steps[0].while.status: 'resolved' is no status"),
        ({"steps": [{"id": "one", "call": "x.y", "while": {"status": "held"}}]}, "steps[0].while: is never written"),
        ({"steps": [{"parallel": [{**_STEP, "while": {"status": "held"}}]}]}, "while: belongs to the whole block"),
        ({"steps": [{"parallel": []}]}, "steps[0].parallel: is an empty list"),
        ({"steps": [{"parallel": [{"parallel": [_STEP]}]}]}, "steps[0].parallel[0].parallel: is no key here"),
        ({"steps": [{**_STEP, "undo": {}}]}, "steps[0].undo.call: is missing"),
        ({"steps": [{**_STEP, "finish": "ok"}]}, "steps[0].finish: 'ok' is none of"),
        ({"approve": {"by": "x", "within": "PT1H", "otherwise": "maybe"}}, "approve.otherwise: 'maybe' is none of"),
        ({"mode": "dark"}, "mode: 'dark' is none of live, off, shadow"),
        ({"report": {"mode": "tell"}}, "report.mode: 'tell' is none of propose, set"),
        ({"report": {"restored": {"expiry": {"after": "P1D"}}}}, "report.restored.expiry: is no key here"),
        ({"steps": None, "report": {"now": {"status": "closed"}}}, "report.now.status: 'closed' is set by whoever"),
        ({"steps": None, "ask": {"need": [{"op": "move", "path": "x"}]}}, "ask.need[0].op: 'move' is none of"),
        ({"steps": None, "ask": {"need": [{"op": "add", "path": "x"}]}}, "ask.need[0].path: 'x' is no JSON pointer"),
    ],
)
def test_what_does_not_go_together_is_refused(members: dict[str, Any], complaint: str) -> None:
    document = {"id": "a", "title": "b", "events": ["create"], "steps": [_STEP], **members}
    with pytest.raises(BadMapping) as raised:
        parse({name: value for name, value in document.items() if value is not None}, DEFAULTS)
    assert any(complaint in str(fault) for fault in raised.value.faults), str(raised.value)
