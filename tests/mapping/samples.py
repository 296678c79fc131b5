"""A mapping with everything in it, and directories to load it from."""

import copy
from pathlib import Path
from typing import Any

import yaml

from tmf_adapter.mapping.document import DEFAULTS, Mappings, load, parse
from tmf_adapter.mapping.parts import Mapping

BODY = {
    "@type": "ServiceProblem",
    "category": "serviceProvider.originated",
    "priority": 3,
    "description": "${t.description}",
    "reason": "Customer problem ${t.id}",
    "originatorParty": {"@type": "RelatedPartyRefOrPartyRoleRef", "role": "originator"},
}

FULL: dict[str, Any] = {
    "id": "full",
    "title": "Everything that a mapping can say",
    "outcome": "service",
    "order": 7,
    "stop": True,
    "events": ["create", "status"],
    "when": ["t.status == 'inProgress'", "episode >= 1"],
    "let": {"line": "t.rel.affectedService[0].id", "greeting": "'line ' + line"},
    "steps": [
        {
            "id": "problem",
            "call": "tmf656.createServiceProblem",
            "if": "t.severity != 'minor'",
            "body": BODY,
            "timeout": "PT5S",
            "retry": {"attempts": 2, "backoff": "PT0.5S", "when": ["timeout", 503]},
            "await": {
                "event": "serviceProblemStateChangeEvent",
                "match": "ev.serviceProblem.id == step.problem.id",
                "workaround": "ev.serviceProblem.status == 'held'",
                "restored": "ev.serviceProblem.status == 'closed'",
                "ok": "ev.serviceProblem.status == 'resolved'",
                "fail": "ev.serviceProblem.status in ['rejected', 'cancelled']",
                "within": "P1DT12H",
            },
        },
        {"id": "again", "call": "tmf656.createServiceProblem", "body": {**BODY, "reason": "After ${step.problem.id}"}},
    ],
    "report": {
        "restored": {"reason": "restored-line", "note": "${greeting}: ${summary}", "char": {"line": "${line}"}},
        "workaround": {"status": "held", "char": {"restorationType": None}},
        "timeout": "workaround",
    },
}


def sample(**members: Any) -> dict[str, Any]:
    """A document of its own, like ``FULL`` with ``members`` on top; one that is None is left out."""
    document = copy.deepcopy({**FULL, **members})
    return {name: value for name, value in document.items() if value is not None}


def mapping(**members: Any) -> Mapping:
    """The mapping of ``sample``."""
    return parse(sample(**members), DEFAULTS)


def mappings(*documents: dict[str, Any]) -> Mappings:
    """These mappings, in the order in which they are asked."""
    return Mappings(parse(document, DEFAULTS) for document in documents)


def written(directory: Path, **documents: dict[str, Any]) -> Path:
    """``directory`` with each document in a file of its name."""
    for name, document in documents.items():
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return directory


def loaded(directory: Path, **documents: dict[str, Any]) -> Mappings:
    """What is loaded from ``written``."""
    return load(written(directory, **documents))
