"""The listeners of every API that a mapping may call: where result events arrive."""

from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.resource import Inbox, listener


def inbound(raw: Schema, inbox: Inbox) -> dict[str, Handler]:
    """Every operation of the document, each answering with the status that it declares."""
    listeners = {status: listener(inbox, status) for status in (201, 204)}
    return {
        item["post"]["operationId"]: listeners[201 if "201" in item["post"]["responses"] else 204]
        for item in raw["paths"].values()
    }
