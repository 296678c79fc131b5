"""TMF656 v5: service problems, the tasks on them and what is recorded about them, an operation a line."""

from collections.abc import Mapping

from tmf_adapter.api.attributes import attributes
from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.resource import (
    Desk,
    Hub,
    Inbox,
    Openable,
    Readable,
    Records,
    Resources,
    Subscriptions,
    Tasks,
    listener,
)
from tmf_adapter.tmf.condition import Sort
from tmf_adapter.tmf.query import Collection

API = "tmf656-v5"
"""The name that subscriptions are kept under."""

TASKS = ("problemAcknowledgement", "problemUnacknowledgement", "problemGroup", "problemUngroup")
NEWEST_RECORD_FIRST = (Sort(("recordTime",), is_descending=True),)


class Tmf656V5:
    """The functions of the ``document``, over the rooms that do the work."""

    def __init__(
        self,
        document: Schema,
        problems: Desk,
        subscriptions: Subscriptions,
        inbox: Inbox,
        tasks: Mapping[str, Openable],
        records: Readable,
    ) -> None:
        self._problems = Resources(problems, Collection("serviceProblem", attributes(document, "ServiceProblem")))
        self._tasks = {name: Tasks(tasks[name], Collection(name, attributes(document, _type(name)))) for name in TASKS}
        record = attributes(document, "ServiceProblemEventRecord")
        self._records = Records(records, Collection("serviceProblemEventRecord", record, order=NEWEST_RECORD_FIRST))
        self._hub = Hub(subscriptions, API)
        self._listener = listener(inbox)

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            **self._problems.operations("ServiceProblem"),
            **{f"list{_type(name)}": tasks.list for name, tasks in self._tasks.items()},
            **{f"create{_type(name)}": tasks.create for name, tasks in self._tasks.items()},
            **{f"retrieve{_type(name)}": tasks.retrieve for name, tasks in self._tasks.items()},
            "listServiceProblemEventRecord": self._records.list,
            "retrieveServiceProblemEventRecord": self._records.retrieve,
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


def _type(task: str) -> str:
    return task[0].upper() + task[1:]
