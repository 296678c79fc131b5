"""What TMF621 tickets and their specifications and TMF656 problems share: a status with a lifecycle, dates that the
server sets, and their events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tmf_adapter.tmf.errors import Fault, Invalid
from tmf_adapter.tmf.events import (
    Author,
    Change,
    Doc,
    Event,
    Kind,
    Resource,
    Stored,
    changed_members,
    raise_event,
)
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.lifecycle import REOPENING, Lifecycle
from tmf_adapter.tmf.patch import apply, touches
from tmf_adapter.tmf.time import stamp
from tmf_adapter.tmf.versions import Lens

Validate = Callable[[Doc], Doc]
"""A whole document, completed where it leaves out what goes without saying. Raises ``Invalid`` for one that does not
fit its schema."""

_STATUS_MEMBERS = (
    "status",
    "lifecycleStatus",
    "statusChangeReason",
    "statusChangeDate",
    "statusChangeHistory",
    "resolutionDate",
    "lastUpdate",
)


@dataclass(frozen=True, slots=True)
class Tracked:
    """The rules of one kind of resource.

    ``server_set`` are the members that only the server sets: ignored on create; on PATCH an equal value passes,
    another is 400. ``mandatory`` must be there on create and may not be patched away (TMF's patch form requires none).
    ``lists`` are the members that hold several. ``history`` and ``resolved_event`` are what only a ticket has.
    ``reopened`` takes back what a resolution wrote that is refused now.
    ``status`` is the member that has the status, ``first_status`` what it is when nobody says; ``dates_status``: the
    resource tells when and why it got it.
    """

    resource: Resource
    type: str
    lifecycle: Lifecycle
    server_set: frozenset[str]
    mandatory: frozenset[str]
    history: bool
    resolved_event: bool
    lists: frozenset[str]
    status: str = "status"
    first_status: str = "acknowledged"
    dates_status: bool = True
    reopened: Callable[[Doc], None] | None = None

    def open(
        self, body: Doc, collection: str, now: datetime, by: Author, validate: Validate, id_: str | None = None
    ) -> Change:
        """A new resource from what was sent. ``collection`` is the absolute URL that ``href`` continues."""
        sent = {name: value for name, value in body.items() if name not in self.server_set}
        moment, id_ = stamp(now), id_ or new_id()
        document: Doc = {
            "id": id_,
            "href": f"{collection}/{id_}",
            **sent,
            self.status: sent.get(self.status, self.first_status),
            "creationDate": moment,
            "lastUpdate": moment,
        }
        self._mark_status(document, moment)
        self._require_mandatory(document)
        document = validate(document)
        event = raise_event(Kind.CREATE, self.resource, document, now)
        return Change(self.resource, None, Stored(document), (event,), by)

    def patch(
        self,
        before: Stored,
        body: Any,
        media_type: str,
        now: datetime,
        by: Author,
        validate: Validate,
        lens: Lens | None = None,
    ) -> Change | None:
        """What a patch makes of it; None when it changes nothing. Raises ``Invalid`` or ``IllegalTransition``.

        With a ``lens`` the patch is of what is seen through that.
        """
        merged = self._patched(before, body, media_type, lens)
        self._refuse_server_set(before.document, merged)
        if not changed_members(before.document, merged):
            return None
        self._require_mandatory(merged)
        merged = validate(merged)
        was, wanted = str(before.document[self.status]), str(merged[self.status])
        self.lifecycle.check(was, wanted, self.status)
        way = (wanted,) if wanted != was else ()
        if way and self.dates_status and not touches(body, media_type, "statusChangeReason"):
            merged.pop("statusChangeReason", None)
        keeps = touches(body, media_type, "resolutionDate")
        return self.settle(before, merged, way, now, by, keeps_resolution_date=keeps)

    def _patched(self, before: Stored, body: Any, media_type: str, lens: Lens | None) -> Doc:
        patch = self._without_type(body, before)
        if lens is None:
            return apply(before.document, patch, media_type, self.lists)
        return lens.put(before.document, apply(lens.view(before.document), patch, media_type, self.lists))

    def delete(self, before: Stored, now: datetime, by: Author) -> Change:
        """The end of a resource."""
        event = raise_event(Kind.DELETE, self.resource, before.document, now)
        return Change(self.resource, before, None, (event,), by)

    def settle(
        self,
        before: Stored,
        document: Doc,
        way: Sequence[str],
        now: datetime,
        by: Author,
        *,
        keeps_resolution_date: bool = False,
    ) -> Change:
        """Walk ``document`` along ``way``, one StatusChange event a step, then name what else changed.

        The reason that ``document`` carries belongs to the last step.
        """
        moment = stamp(now)
        reason = document.get("statusChangeReason")
        status, episode, events = str(before.document[self.status]), before.episode, list[Event]()
        for number, following in enumerate(way):
            document[self.status] = following
            if self.dates_status:
                _set_or_drop(document, "statusChangeReason", reason if number == len(way) - 1 else None)
            if following == "resolved" and not keeps_resolution_date:
                document["resolutionDate"] = moment
            elif following == "inProgress" and status in ("resolved", "closed") and not keeps_resolution_date:
                document.pop("resolutionDate", None)
            if (status, following) == REOPENING and self.reopened:
                self.reopened(document)
            document["lastUpdate"] = moment
            self._mark_status(document, moment)
            events.append(raise_event(Kind.STATUS, self.resource, document, now, _STATUS_MEMBERS))
            if (status, following) == REOPENING:
                episode += 1
            status = following
        document["lastUpdate"] = moment
        if way and status == "resolved" and self.resolved_event:
            events.append(raise_event(Kind.RESOLVED, self.resource, document, now, _STATUS_MEMBERS))
        events += self._attribute_event(before.document, document, bool(way), keeps_resolution_date, now)
        after = Stored(document, before.version + 1, episode)
        return Change(self.resource, before, after, tuple(events), by)

    def _attribute_event(
        self, before: Doc, after: Doc, moved: bool, keeps_resolution_date: bool, now: datetime
    ) -> list[Event]:
        ours = self.server_set | {self.status}
        if moved:
            ours |= {"statusChangeReason"} if keeps_resolution_date else {"statusChangeReason", "resolutionDate"}
        names = tuple(name for name in changed_members(before, after) if name not in ours)
        if not names:
            return []
        return [raise_event(Kind.ATTRIBUTE, self.resource, after, now, (*names, "lastUpdate"))]

    def _mark_status(self, document: Doc, moment: str) -> None:
        """Date the status and, where the standard has one, continue its history."""
        if self.dates_status:
            document["statusChangeDate"] = moment
        if not self.history:
            return
        said = ("status", "statusChangeReason", "statusChangeDate")
        entry = {"@type": "StatusChange", **{name: document[name] for name in said if name in document}}
        document["statusChangeHistory"] = [*document.get("statusChangeHistory", ()), entry]

    def _without_type(self, body: Any, before: Stored) -> Any:
        """The ``@type`` of a merge-patch says what is patched; it does not turn a subtype into its base type."""
        if isinstance(body, dict) and body.get("@type") in (self.type, before.document["@type"]):
            return {name: value for name, value in body.items() if name != "@type"}
        return body

    def _require_mandatory(self, document: Doc) -> None:
        missing = sorted((self.mandatory | {self.status}) - document.keys())
        if missing:
            faults = [Fault(f"/{name}", "is mandatory") for name in missing]
            raise Invalid(f"A {self.type} would lack what is mandatory.", faults=faults)

    def _refuse_server_set(self, before: Doc, merged: Doc) -> None:
        fixed = self.server_set | {"@type"}
        faults = [
            Fault(f"/{name}", "is set by the server; leave it out or send it unchanged")
            for name in sorted(fixed)
            if merged.get(name) != before.get(name)
        ]
        if faults:
            raise Invalid("The patch changes what only the server sets.", faults=faults)


def _set_or_drop(document: Doc, name: str, value: Any) -> None:
    if value is None:
        document.pop(name, None)
    else:
        document[name] = value
