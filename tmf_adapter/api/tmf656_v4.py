"""TMF656 v4: service problems, an operation a line. Tasks are asked for here; how they went is read through v5."""

from collections.abc import Mapping

from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.resource import Inbox, Openable, Readable, Records, Resources, Subscriptions, Tasks
from tmf_adapter.api.tmf656_v5 import NEWEST_RECORD_FIRST, TASKS
from tmf_adapter.api.v4 import V4Desk, V4Hub, V4Records, V4Tasks, as_it_is, collection, listener
from tmf_adapter.storage.desk import Desk
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.versions import V4

API = "tmf656-v4"
"""The name that subscriptions are kept under."""

CHANGES = ("Create", "StateChange", "AttributeValueChange", "InformationRequired")


class Tmf656V4:
    """The functions of the ``document``, over the rooms that do the work.

    ``url`` is where the API is served; ``v3_names``: problems also say when they were raised and changed in the names
    of version 3.
    """

    def __init__(
        self,
        document: Schema,
        problems: Desk,
        subscriptions: Subscriptions,
        inbox: Inbox,
        url: str,
        tasks: Mapping[str, Openable],
        records: Readable,
        *,
        v3_names: bool = False,
    ) -> None:
        desk = V4Desk(problems, V4["serviceProblem"], with_v3_names if v3_names else as_it_is)
        self._problems = Resources(desk, collection("serviceProblem", document))
        self._tasks = {name: Tasks(V4Tasks(tasks[name], V4[name]), collection(name, document)) for name in TASKS}
        listed = collection("serviceProblemEventRecord", document, NEWEST_RECORD_FIRST)
        self._records = Records(V4Records(records, V4["serviceProblemEventRecord"]), listed)
        self._hub = V4Hub(subscriptions, API)
        self._listener = listener(inbox, f"{url}/listener")

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            **self._problems.operations("ServiceProblem"),
            **{f"create{name[0].upper()}{name[1:]}": tasks.create for name, tasks in self._tasks.items()},
            "listServiceProblemEventRecord": self._records.list,
            "retrieveServiceProblemEventRecord": self._records.retrieve,
            "registerListener": self._hub.create,
            "unregisterListener": self._hub.delete,
            **{f"listenToServiceProblem{change}Event": self._listener for change in CHANGES},
        }


def with_v3_names(seen: Doc) -> Doc:
    """The problem with version 3's names of when it was raised and changed, which old conformance kits ask for."""
    return {"timeRaised": seen["creationDate"], "timeChanged": seen["lastUpdate"], **seen}
