"""Mapping files become mappings, and mappings documents."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mapping.samples import FULL, loaded, mapping, sample, written
from tmf_adapter.mapping.document import DEFAULTS, DEFAULTS_FILE, Mappings, load, parse
from tmf_adapter.mapping.expression import Expression
from tmf_adapter.mapping.faults import BadMapping
from tmf_adapter.mapping.parts import Activity, Outcome, Report, ReportRule, Verdict
from tmf_adapter.mapping.render import Template
from tmf_adapter.tmf.events import Kind

SHIPPED = Path(__file__).parents[2] / "mappings"


def test_every_key_becomes_what_it_means() -> None:
    full = mapping()
    assert (full.id, full.title, full.outcome) == ("full", "Everything that a mapping can say", Activity.SERVICE)
    assert (full.order, full.stop, full.events) == (7, True, (Kind.CREATE, Kind.STATUS))
    assert full.when == (Expression("t.status == 'inProgress'"), Expression("episode >= 1"))
    assert list(full.let) == ["line", "greeting"]
    step = full.step("problem")
    assert (step.call, step.if_) == ("tmf656.createServiceProblem", Expression("t.severity != 'minor'"))
    assert step.timeout == timedelta(seconds=5)
    assert (step.retry.attempts, step.retry.backoff) == (2, timedelta(seconds=0.5))
    assert step.retry.when == ("timeout", "503")
    assert step.operation.resource == "serviceProblem"
    assert step.await_ is not None
    assert step.await_.event == "ServiceProblemStateChangeEvent"
    assert step.await_.within == timedelta(days=1, hours=12)
    assert full.step("again").await_ is None


def test_a_mapping_that_says_little_has_the_defaults() -> None:
    steps = [{"id": "a", "call": "x.y"}]
    little = parse({"id": "a", "title": "b", "events": ["delete"], "steps": steps}, DEFAULTS)
    assert (little.outcome, little.order, little.stop, little.when, dict(little.let)) == (None, 100, False, (), {})
    assert little.steps[0].body == Template({})
    assert little.steps[0].timeout == timedelta(seconds=10)
    assert little.steps[0].retry.attempts == 4
    assert little.report == Report(
        restored=ReportRule(
            "resolved",
            Template("restored"),
            Template("Service restored: ${summary}"),
            {"restorationType": Template("permanent")},
        ),
        workaround=ReportRule(
            "resolved",
            Template("restored-workaround"),
            Template("Temporary work-around in place: ${summary}"),
            {"restorationType": Template("workaround")},
        ),
        unsuccessful=ReportRule(
            None,
            None,
            Template("Restoration attempt failed: ${summary}"),
            {"restorationType": Template("unsuccessful")},
        ),
        timeout=Outcome.UNSUCCESSFUL,
    )
    assert little.on_timeout(little.steps[0]) is Verdict.FAIL


def test_a_mapping_overrides_the_defaults_down_to_a_single_key() -> None:
    report = mapping().report
    assert report["restored"].status == "resolved"  # from the defaults
    assert report["restored"].reason == Template("restored-line")
    assert report["restored"].char.keys() == {"restorationType", "line"}
    assert report["workaround"].status == "held"
    assert report["workaround"].char == {}  # null takes a value away
    assert mapping().on_timeout(mapping().every_step[0]) is Verdict.WORKAROUND


def test_the_defaults_file_changes_what_all_mappings_share(tmp_path: Path) -> None:
    (tmp_path / DEFAULTS_FILE).write_text(
        "defaults: {timeout: PT3S, retry: {attempts: 9}, report: {restored: {status: null, reason: null}}}"
    )
    [found] = loaded(tmp_path, sample=sample(steps=[{"id": "a", "call": "x.y"}], report=None))
    assert found.steps[0].timeout == timedelta(seconds=3)
    assert (found.steps[0].retry.attempts, found.steps[0].retry.backoff) == (9, timedelta(seconds=1))
    assert (found.report["restored"].status, found.report["restored"].reason) == (None, None)


def test_the_shipped_defaults_say_what_the_adapter_does_without_them() -> None:
    assert yaml.safe_load((SHIPPED / DEFAULTS_FILE).read_text()) == {"defaults": DEFAULTS}


def test_the_deadline_may_stand_beside_await(tmp_path: Path) -> None:
    document = sample()
    step = document["steps"][0]
    step["within"] = step["await"].pop("within")
    assert parse(document, DEFAULTS) == mapping()


def test_mappings_are_asked_by_order_then_by_file(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        a=sample(id="late", order=200),
        b=sample(id="default", order=None),
        c=sample(id="early", order=1),
        d=sample(id="default-too", order=100),
    )
    assert [one.id for one in found] == ["early", "default", "default-too", "late"]
    assert [Path(one.file).name for one in found[:2]] == ["c.yaml", "b.yaml"]


def test_only_yaml_files_are_read(tmp_path: Path) -> None:
    for name in ("README.md", "10-a.yaml.bak", ".hidden"):
        (tmp_path / name).write_text("not a mapping: [")
    assert [one.id for one in loaded(tmp_path, sample=sample())] == ["full"]


def test_a_document_gives_the_same_mapping_again() -> None:
    full = mapping()
    assert parse(full.to_document()) == full
    assert parse(json.loads(json.dumps(full.to_document()))).hash == full.hash


def test_the_shipped_mappings_survive_being_kept() -> None:
    for shipped in load(SHIPPED):
        assert parse(shipped.to_document()) == shipped


def test_a_store_that_forgets_the_order_of_members_changes_nothing() -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shuffled(value[name]) for name in random.Random(1).sample(sorted(value), len(value))}
        return [shuffled(one) for one in value] if isinstance(value, list) else value

    again = parse(shuffled(mapping().to_document()))
    assert again == mapping()
    assert again.hash == mapping().hash
    assert list(again.let) == ["line", "greeting"]  # greeting needs line first


_word = st.text(alphabet="abcxyz", min_size=1, max_size=5)


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.fixed_dictionaries(
        {
            "id": _word,
            "title": st.text(min_size=1).filter(str.strip),
            "events": st.lists(st.sampled_from(["create", "status", "resolved", "attribute", "delete"]), min_size=1),
            "steps": st.lists(
                st.fixed_dictionaries(
                    {"id": _word, "call": _word},
                    optional={
                        "if": st.sampled_from(["true", "t.id == 'x'"]),
                        "target": st.sampled_from(["${t.id}", "x"]),
                        "body": st.dictionaries(
                            _word, st.integers() | st.text(alphabet="ab ") | st.lists(st.booleans())
                        ),
                        "timeout": st.sampled_from(["PT5S", "P1W"]),
                        "await": st.fixed_dictionaries(
                            {"event": _word, "within": st.sampled_from(["PT1H", "P2D"])},
                            optional={"ok": st.booleans(), "fail": st.just("ev.x == 1"), "restored": st.integers(0, 3)},
                        ),
                    },
                ),
                min_size=1,
                max_size=3,
                unique_by=lambda step: step["id"],
            ),
        },
        optional={
            "order": st.integers(0, 1000),
            "stop": st.booleans(),
            "outcome": st.sampled_from(list(Activity)).map(str),
            "let": st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["1", "t.id", "[1]"])),
            "report": st.fixed_dictionaries(
                {},
                optional={
                    "restored": st.fixed_dictionaries({}, optional={"status": st.sampled_from(["held", None])}),
                    "timeout": st.sampled_from(["restored", "unsuccessful"]),
                },
            ),
        },
    )
)
def test_any_mapping_survives_its_document(document: dict[str, Any]) -> None:
    one = parse(document, DEFAULTS)
    assert parse(one.to_document()) == one
    assert parse(one.to_document()).hash == one.hash


def test_the_hash_tells_versions_apart_and_the_file_does_not_count() -> None:
    assert replace(mapping(), file="elsewhere.yaml").hash == mapping().hash
    assert mapping(title="Another").hash != mapping().hash
    assert mapping(when=[*reversed(FULL["when"])]).hash != mapping().hash
    assert len(mapping().hash) == 64


def test_a_document_with_a_fault_says_so_without_a_place() -> None:
    with pytest.raises(BadMapping, match="error: events: is missing"):
        parse(sample(events=None), DEFAULTS)


def test_mappings_that_listen_are_found_by_their_events(tmp_path: Path) -> None:
    found = loaded(tmp_path, a=sample(id="a", events=["create"]), b=sample(id="b", events=["status", "delete"]))
    assert [one.id for one in found.listening(frozenset({Kind.CREATE}))] == ["a"]
    assert [one.id for one in found.listening(frozenset({Kind.DELETE, Kind.CREATE}))] == ["a", "b"]
    assert found.listening(frozenset({Kind.INFORMATION_REQUIRED})) == ()
    assert Mappings.of(found) is found
    assert list(Mappings.of(list(found))) == list(found)


def test_a_duplicate_id_names_both_files(tmp_path: Path) -> None:
    with pytest.raises(BadMapping) as raised:
        load(written(tmp_path, a=sample(), b=sample()))
    assert str(tmp_path / "a.yaml") in raised.value.faults[0].message
    assert raised.value.faults[0].file == str(tmp_path / "b.yaml")
