"""A notification as v4 wants it, made of the one that is stored, which is v5's.

v4 (TMF621 v4.0.0, TMF656 v4.0.0) knows no ``@type`` on an envelope and no source; it says ``timeOcurred``, names what
an attribute event or a request for information is about in ``fieldPath``, and TMF621 repeats the ticket's ``id`` and
``href`` on some envelopes. The payload is the v4 view of v5's.
"""

import re
from collections.abc import Iterable

from tmf_adapter.tmf.events import ALWAYS, Doc, Kind, Resource, event_type
from tmf_adapter.tmf.shapes import KEPT
from tmf_adapter.tmf.versions import V4

_KINDS: dict[Resource, tuple[Kind, ...]] = {
    "troubleTicket": (
        *(Kind.CREATE, Kind.STATUS, Kind.RESOLVED, Kind.ATTRIBUTE, Kind.INFORMATION_REQUIRED),
        Kind.DELETE,
    ),
    "serviceProblem": (Kind.CREATE, Kind.STATUS, Kind.ATTRIBUTE, Kind.INFORMATION_REQUIRED),
}
_ADDRESSED = frozenset(
    event_type("troubleTicket", kind) for kind in (Kind.CREATE, Kind.STATUS, Kind.RESOLVED, Kind.DELETE)
)
_ENVELOPE = ("eventId", "eventTime", "eventType", "correlationId", "domain", "title", "description", "priority")
_is_name = re.compile(r"[A-Za-z_]\w*", re.ASCII).fullmatch


def v4_event_types(resource: Resource) -> frozenset[str]:
    """The events of this resource that v4 has; TMF656 has no Delete there, and nothing of tasks."""
    return frozenset(event_type(resource, kind) for kind in _KINDS.get(resource, ()))


def v4_sees(resource: Resource, kind: Kind, payload: Doc) -> bool:
    """Whether anything in the payload concerns v4: a change of what only v5 has does not."""
    return kind is not Kind.ATTRIBUTE or bool(_changed(payload) - V4[resource].v5_only)


def in_v4(stored: Doc) -> Doc:
    """The v4 notification."""
    resource = next(name for name in stored["event"] if name in V4)
    lens, payload = V4[resource], stored["event"][resource]
    seen = lens.whole(payload) if stored["eventType"].endswith("CreateEvent") else lens.view(payload)
    notification = {name: stored[name] for name in _ENVELOPE if name in stored}
    if "timeOccurred" in stored:
        notification["timeOcurred"] = stored["timeOccurred"]
    if stored["eventType"] in _ADDRESSED:
        notification |= {name: seen[name] for name in ("id", "href") if name in seen}
    if path := _field_path(resource, stored):
        notification["fieldPath"] = path
    return {**notification, "event": {resource: seen}}


def _field_path(resource: str, stored: Doc) -> str | None:
    lens, event = V4[resource], stored["event"]
    if stored["eventType"].endswith("InformationRequiredEvent"):
        asked = event.get("informationRequired", {"path": "/note"})  # where nothing is named, a note says what it is
        operation = asked[0] if isinstance(asked, list) else asked
        return json_path(lens.pointer(operation["path"]).split("/")[1:])
    if stored["eventType"].endswith("AttributeValueChangeEvent"):
        changed = _changed(event[resource]) - lens.v5_only
        return _json_path_of(sorted(lens.pointer(f"/{name}").removeprefix("/") for name in changed))
    return None


def _changed(payload: Doc) -> frozenset[str]:
    return frozenset(payload) - {*ALWAYS, "lastUpdate", KEPT}


def json_path(steps: Iterable[str]) -> str:
    """One JSONPath (RFC 9535) for the steps of a pointer; the place behind the end of a list is the list."""
    return "$" + "".join(f"[{step}]" if step.isdigit() else _selector(step) for step in steps if step != "-")


def _json_path_of(names: list[str]) -> str | None:
    """One JSONPath for one member, or for several of them at once."""
    if len(names) < 2:
        return json_path(names) if names else None
    return f"$[{','.join(_quoted(name) for name in names)}]"


def _selector(name: str) -> str:
    return f".{name}" if _is_name(name) else f"[{_quoted(name)}]"


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
