"""What the downstream remembers and decides: its service problems, and how each of them ends."""

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tmf_adapter.demo.serving import Doc

REQUIRED = ("category", "priority", "description", "reason", "originatorParty", "@type")
"""Members without which TMF656 v5 accepts no problem."""

CREATED = "ServiceProblemCreateEvent"
CHANGED = "ServiceProblemStateChangeEvent"

_WORKAROUND = {
    "@type": "StringCharacteristic",
    "name": "restorationType",
    "valueType": "string",
    "value": "workaround",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """How a problem goes on: the statuses to come (staying is no change), the last reason, what is added at the end.

    The ways are legal in TMF656: a problem under work can be cancelled, but rejected only before that.
    """

    way: tuple[str, ...]
    reason: str | None = None
    characteristic: tuple[Doc, ...] = ()


DECISIONS = {
    "line-ok": Decision(("inProgress", "resolved"), "line card replaced"),
    "line-workaround": Decision(("inProgress", "resolved"), "moved to a spare port", (_WORKAROUND,)),
    "line-broken": Decision(("acknowledged", "rejected"), "no spare pair in this cable"),
    "line-cancelled": Decision(("inProgress", "cancelled"), "withdrawn by the access team"),
    "line-silent": Decision(("inProgress",)),
}
"""By the start of the first affected service's id."""
OTHERWISE = Decision(("inProgress", "resolved"), "repaired")


def decide(problem: Doc) -> Decision:
    """How this problem will end."""
    services = problem.get("affectedService") or [{}]
    line = str(services[0].get("id", "")) if isinstance(services[0], dict) else ""
    return next((decision for start, decision in DECISIONS.items() if line.startswith(start)), OTHERWISE)


def missing(body: Doc) -> list[str]:
    """The required members that a request to create lacks."""
    return [name for name in REQUIRED if body.get(name) in (None, "")]


@dataclass(slots=True)
class Problems:
    """Every problem ever asked for, by id. An operation that is asked for twice makes two: nobody here looks."""

    by_id: dict[str, Doc] = field(default_factory=dict)

    def create(self, body: Doc, collection: str) -> Doc:
        """A new problem; ``href`` continues ``collection``."""
        id_ = str(uuid.uuid4())
        dates = dict.fromkeys(("creationDate", "lastUpdate", "statusChangeDate"), now())
        problem = {**body, "id": id_, "href": f"{collection}/{id_}", "status": "acknowledged", **dates}
        self.by_id[id_] = problem
        return problem

    def find(self, operation_ids: list[str], statuses: list[str]) -> list[Doc]:
        """Those that carry one of the operation ids and have one of the statuses; an empty list asks for nothing."""
        return [
            problem
            for problem in self.by_id.values()
            if (not operation_ids or not external_ids(problem).isdisjoint(operation_ids))
            and (not statuses or problem["status"] in statuses)
        ]

    def by_operation(self) -> Counter[str]:
        """How often each operation was carried out."""
        return Counter(id_ for problem in self.by_id.values() for id_ in external_ids(problem))


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396, in place where there is an object."""
    if not isinstance(patch, dict):
        return patch
    result = target if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def move(problem: Doc, status: str, reason: str | None = None, characteristic: Iterable[Doc] = ()) -> None:
    """Give a problem its next status."""
    moment = now()
    problem.update(status=status, statusChangeDate=moment, lastUpdate=moment)
    problem.pop("statusChangeReason", None)
    if reason:
        problem["statusChangeReason"] = reason
    if status == "resolved":
        problem["resolutionDate"] = moment
    if added := list(characteristic):
        problem["characteristic"] = [*problem.get("characteristic", ()), *added]


def event_of(problem: Doc, type_: str) -> Doc:
    """A v5 notification, thin: what it is about and its status; the rest is to be fetched."""
    names = ("@type", "id", "href", "status", "externalIdentifier")
    moment = now()
    return {
        "@type": type_,
        "@baseType": "Event",
        "eventId": str(uuid.uuid4()),
        "eventType": type_,
        "eventTime": moment,
        "timeOccurred": moment,
        "title": type_,
        "domain": "serviceAssurance",
        "event": {"serviceProblem": {name: problem[name] for name in names if name in problem}},
    }


def external_ids(problem: Doc) -> set[str]:
    """The ids that others know the problem by."""
    listed = problem.get("externalIdentifier") or []
    return {str(entry["id"]) for entry in listed if isinstance(entry, dict) and "id" in entry}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
