"""The schema that editors use says what the grammar says."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.mapping.recoveries import ASK, NOT_OURS, STORM
from tests.mapping.samples import FULL
from tmf_adapter.mapping.document import CASES_ENDING, DEFAULTS_FILE
from tmf_adapter.mapping.reasons import REASONS_FILE
from tmf_adapter.mapping.schema import mapping_schema

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "mappings" / "mapping.schema.json"


Validator = jsonschema_rs.Draft7Validator


@pytest.fixture(scope="module")
def schema() -> Validator:
    return jsonschema_rs.Draft7Validator(mapping_schema())


def test_the_shipped_schema_is_what_the_grammar_makes() -> None:
    """If not: tmf-adapter mapping schema > mappings/mapping.schema.json"""
    assert json.loads(SHIPPED.read_text()) == mapping_schema()


def _without_nothing(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}


@pytest.mark.parametrize("document", [FULL, STORM, ASK, NOT_OURS], ids=lambda document: document["id"])
def test_what_the_grammar_takes_the_schema_takes(document: dict[str, Any], schema: Validator) -> None:
    schema.validate(_without_nothing(document))


def test_every_shipped_mapping_passes(schema: Validator) -> None:
    files = [path for path in (ROOT / "mappings").glob("*.yaml") if path.name not in (DEFAULTS_FILE, REASONS_FILE)]
    for path in files:
        if not path.name.endswith(CASES_ENDING):
            schema.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "case",
    [
        *("unknown-key", "unknown-key-in-await", "unknown-key-in-report", "unknown-key-in-step", "missing-title"),
        *("unknown-outcome", "unknown-event-kind", "steps-not-a-list", "let-not-keys", "order-negative"),
        *("mode-unknown", "once-unknown", "report-illegal-status", "while-resolved", "ask-operation-unknown"),
        *("finish-unknown", "approve-otherwise-unknown", "report-not-keys", "expiry-of-a-restoration", "stop-yes"),
    ],
)
def test_what_is_no_mapping_the_editor_sees_too(case: str, schema: Validator) -> None:
    document = yaml.load((Path(__file__).parent / "bad" / f"{case}.yaml").read_text(), Loader=yaml.BaseLoader)
    assert not schema.is_valid(_typed(document))


def _typed(value: Any) -> Any:
    """Numbers and truths as the adapter reads them, so that yes stays text."""
    if isinstance(value, dict):
        return {key: _typed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_typed(one) for one in value]
    words = {"true": True, "false": False}
    return words.get(value, int(value) if value.lstrip("-").isdigit() else value)
