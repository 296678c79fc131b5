"""TMF656 v5: service problems, an operation a line."""

from tmf_adapter.api.attributes import attributes
from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.resource import Desk, Hub, Inbox, Resources, Subscriptions, listener
from tmf_adapter.tmf.query import Collection

API = "tmf656-v5"
"""The name that subscriptions are kept under."""

TASKS = ("problemAcknowledgement", "problemUnacknowledgement", "problemGroup", "problemUngroup")


class Tmf656V5:
    """The functions of the ``document``, over the rooms that do the work."""

    def __init__(self, document: Schema, problems: Desk, subscriptions: Subscriptions, inbox: Inbox) -> None:
        self._problems = Resources(problems, Collection("serviceProblem", attributes(document, "ServiceProblem")))
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
