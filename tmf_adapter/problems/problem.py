"""The service problem: TMF656's rules for a tracked resource."""

from tmf_adapter.tmf.lifecycle import PROBLEM
from tmf_adapter.tmf.tracked import Tracked

RULES = Tracked(
    resource="serviceProblem",
    type="ServiceProblem",
    lifecycle=PROBLEM,
    server_set=frozenset({"id", "href", "creationDate", "lastUpdate", "statusChangeDate"}),
    mandatory=frozenset({"@type", "category", "priority", "description", "reason", "originatorParty"}),
    history=False,
    resolved_event=False,
    lists=frozenset(
        {
            "affectedLocation",
            "affectedResource",
            "affectedService",
            "characteristic",
            "externalIdentifier",
            "note",
            "parentProblem",
            "relatedEntity",
            "relatedEvent",
            "relatedParty",
            "rootCauseResource",
            "rootCauseService",
            "slaViolation",
            "troubleTicket",
            "underlyingAlarm",
            "underlyingProblem",
        }
    ),
)
