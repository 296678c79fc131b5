"""TMF656 v4: service problems, an operation a line."""

from functools import partial

from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.resource import Inbox, Resources, Subscriptions
from tmf_adapter.api.v4 import V4Desk, V4Hub, collection, listener
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
        *,
        v3_names: bool = False,
    ) -> None:
        lens = V4["serviceProblem"]
        desk = V4Desk(problems, lens, partial(complete, v3_names=v3_names))
        self._problems = Resources(desk, collection("serviceProblem", lens, document, "ServiceProblem"))
        self._hub = V4Hub(subscriptions, API)
        self._listener = listener(inbox, f"{url}/listener")

    def operations(self) -> dict[str, Handler]:
        """Every operation that is built, by its operationId."""
        return {
            "listServiceProblem": self._problems.list,
            "createServiceProblem": self._problems.create,
            "retrieveServiceProblem": self._problems.retrieve,
            "patchServiceProblem": self._problems.patch,
            "deleteServiceProblem": self._problems.delete,
            "registerListener": self._hub.create,
            "unregisterListener": self._hub.delete,
            **{f"listenToServiceProblem{change}Event": self._listener for change in CHANGES},
        }


def complete(seen: Doc, *, v3_names: bool = False) -> Doc:
    """The problem with what clients of v4 count on in every answer (conformance kits ask for it in every row).

    Nobody else being named, the originator is responsible; the number of affected services is that of those named.
    """
    supplied: Doc = {"affectedNumberOfServices": len(seen.get("affectedService", ()))}
    if "originatorParty" in seen:
        supplied["responsibleParty"] = seen["originatorParty"]
    if v3_names:
        supplied |= {"timeRaised": seen["creationDate"], "timeChanged": seen["lastUpdate"]}
    return supplied | seen
