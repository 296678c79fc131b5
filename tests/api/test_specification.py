"""A faulty OpenAPI document stops the start, as it does with Connexion's own validator."""

import copy
from pathlib import Path
from typing import Any

import pytest
from connexion.exceptions import InvalidSpecification
from connexion.spec import OpenAPISpecification

from tests.api.shelf import OPENAPI
from tmf_adapter.api.server import load
from tmf_adapter.api.specification import Specification

PATH = "/troubleTicket"


def _without_responses(raw: dict[str, Any]) -> None:
    del raw["paths"][PATH]["get"]["responses"]


def _with_a_parameter_that_is_nowhere(raw: dict[str, Any]) -> None:
    raw["paths"][PATH]["get"]["parameters"] = [{"name": "status", "schema": {"type": "string"}}]


def _with_a_path_that_is_none(raw: dict[str, Any]) -> None:
    raw["paths"]["troubleTicket"] = {}


def _with_an_unknown_type(raw: dict[str, Any]) -> None:
    raw["components"]["schemas"]["Thing"] = {"type": "text"}


@pytest.mark.parametrize(
    "damage",
    [_without_responses, _with_a_parameter_that_is_nowhere, _with_a_path_that_is_none, _with_an_unknown_type],
)
@pytest.mark.parametrize("read", [Specification.of, OpenAPISpecification.from_dict])
def test_a_faulty_document_is_refused(damage: Any, read: Any) -> None:
    raw = copy.deepcopy(load(OPENAPI / "tmf621-v5.yaml"))
    damage(raw)
    with pytest.raises(InvalidSpecification):
        read(raw)


@pytest.mark.parametrize("document", sorted(OPENAPI.glob("*.yaml")), ids=lambda path: path.stem)
def test_our_documents_are_taken_as_connexion_takes_them(document: Path) -> None:
    raw = load(document)
    assert Specification.of(raw).raw == OpenAPISpecification.from_dict(raw).raw
