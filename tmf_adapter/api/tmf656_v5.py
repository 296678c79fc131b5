"""TMF656 v5: service problems, an operation a line."""

from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.resource import Desk, Hub, Inbox, Resources, Subscriptions, listener

API = "tmf656-v5"
"""The name that subscriptions are kept under."""

ATTRIBUTES = frozenset(
    {
        "@baseType",
        "@schemaLocation",
        "@type",
        "affectedLocation",
        "affectedNumberOfServices",
        "affectedResource",
        "affectedService",
        "category",
        "characteristic",
        "creationDate",
        "description",
        "errorMessage",
        "externalIdentifier",
        "firstAlert",
        "href",
        "id",
        "impactImportanceFactor",
        "impactPattern",
        "lastUpdate",
        "name",
        "note",
        "originatingSystem",
        "originatorParty",
        "parentProblem",
        "priority",
        "problemEscalation",
        "reason",
        "relatedEntity",
        "relatedEvent",
        "relatedParty",
        "resolutionDate",
        "responsibleParty",
        "rootCauseResource",
        "rootCauseService",
        "slaViolation",
        "status",
        "statusChangeDate",
        "statusChangeReason",
        "trackingRecord",
        "troubleTicket",
        "underlyingAlarm",
        "underlyingProblem",
    }
)
"""The first-level members of a problem: what can be selected, and filtered by."""

TASKS = ("problemAcknowledgement", "problemUnacknowledgement", "problemGroup", "problemUngroup")


class Tmf656V5:
    """The functions of the document, over the rooms that do the work."""

    def __init__(self, problems: Desk, subscriptions: Subscriptions, inbox: Inbox) -> None:
        self._problems = Resources(problems, ATTRIBUTES)
        self._hub = Hub(subscriptions, API)
        self._listener = listener(inbox)

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            "listServiceProblem": self._problems.list,
            "createServiceProblem": self._problems.create,
            "retrieveServiceProblem": self._problems.retrieve,
            "patchServiceProblem": self._problems.patch,
            "deleteServiceProblem": self._problems.delete,
            "createHub": self._hub.create,
            "hubDelete": self._hub.delete,
            "serviceProblemCreateEvent": self._listener,
            "serviceProblemAttributeValueChangeEvent": self._listener,
            "serviceProblemStateChangeEvent": self._listener,
            "serviceProblemInformationRequiredEvent": self._listener,
            "serviceProblemDeleteEvent": self._listener,
            **{
                f"{task}{change}Event": self._listener
                for task in TASKS
                for change in ("Create", "StateChange", "Delete")
            },
        }
