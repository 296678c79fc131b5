"""Documents of mappings that use the whole language."""

from typing import Any

from tests.mapping.samples import BODY

CALL = "tmf656.createServiceProblem"
EVENT = "ServiceProblemStateChangeEvent"


def awaiting(**members: Any) -> dict[str, Any]:
    """An ``await`` that tells a resolution from a rejection."""
    return {
        "event": EVENT,
        "ok": "ev.serviceProblem.status == 'resolved'",
        "fail": "ev.serviceProblem.status in ['rejected', 'cancelled']",
        "within": "PT8H",
        **members,
    }


def step(id: str, **members: Any) -> dict[str, Any]:
    """A step that opens a service problem and waits for it."""
    return {"id": id, "call": CALL, "body": BODY, "await": awaiting(), **members}


NEED = [{"op": "add", "path": "/relatedEntity/-", "value": {"role": "affectedService"}}]

STORM: dict[str, Any] = {
    "id": "storm",
    "title": "Many tickets on one access node",
    "outcome": "service",
    "order": 50,
    "stop": True,
    "mode": "shadow",
    "again": True,
    "events": ["create", "status"],
    "when": ["'accessNode' in t.rel", "open.byAccessNode[t.rel.accessNode[0].id] >= 10"],
    "group": {"by": "t.rel.accessNode[0].id", "window": "PT15M"},
    "approve": {"by": "duty-officer", "within": "PT1H", "otherwise": "approve", "note": "Outage at ${group.key}?"},
    "steps": [
        step("parent", once="group", body={**BODY, "description": "Outage at ${group.key}", "reason": "storm"}),
        {
            "parallel": [
                step("child", undo={"call": CALL, "target": "${step.child.id}", "body": {"status": "cancelled"}}),
                step("other", **{"if": "t.severity == 'critical'"}),
            ],
            "while": {"status": "held", "reason": "awaiting-crew", "note": "A crew goes to ${group.key}."},
        },
        step(
            "last",
            finish="workaround",
            **{
                "await": awaiting(
                    ask={
                        "when": "ev.serviceProblem.status == 'pending'",
                        "note": "What does the modem show? (${summary})",
                        "need": NEED,
                        "within": "P1D",
                    }
                ),
                "while": {"status": "pending"},
            },
        ),
    ],
    "report": {
        "mode": "propose",
        "workaround": {
            "status": "held",
            "expiry": {
                "after": "P7D",
                "then": "unsuccessful",
                "restored": "ev.serviceProblem.status == 'closed'",
                "undo": True,
                "note": "No permanent repair yet: ${summary}",
            },
        },
    },
}
"""Everything that has to do with steps."""

ASK: dict[str, Any] = {
    "id": "need-line-id",
    "title": "A fault without an affected service cannot be worked",
    "stop": True,
    "events": ["create", "status", "attribute"],
    "when": ["t.status == 'inProgress'", "!('affectedService' in t.rel)"],
    "ask": {"note": "Which line is affected?", "need": NEED, "within": "P2D"},
}
"""A question instead of steps."""

NOT_OURS: dict[str, Any] = {
    "id": "not-ours",
    "title": "Billing questions are not for us",
    "events": ["create"],
    "when": ["t.type == 'billDispute'", "t.status == 'acknowledged'"],
    "report": {"now": {"status": "rejected", "reason": "out-of-scope", "note": "Please ask billing (${t.type})."}},
}
"""A report at once instead of steps."""
