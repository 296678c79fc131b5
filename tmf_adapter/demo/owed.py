"""What the adapter owes its subscriber, worked out from the tickets alone, and how that compares with what came."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tmf_adapter.demo.serving import Doc

Notice = tuple[str, str, str | None]
"""What a notification says: of which ticket (its id), the event type, and for a change of status the new one."""

CREATED = "TroubleTicketCreateEvent"
STATUS = "TroubleTicketStatusChangeEvent"
RESOLVED = "TroubleTicketResolvedEvent"
ATTRIBUTE = "TroubleTicketAttributeValueChangeEvent"

REPORTED_IN = ("note", "relatedEntity", "troubleTicketCharacteristic")
"""The members that a report writes besides the status."""


def owed_for(sent: Doc, ticket: Doc) -> Counter[Notice]:
    """The notifications owed for one ticket: ``sent`` is what it was opened with, ``ticket`` how it stands now.

    - one create event;
    - one status event for each entry of its history after the first, which came with its creation;
    - one resolved event for each time that its status became ``resolved``;
    - one attribute event if it says more than was sent: our own patches change nothing but the status, and the
      adapter writes its report in one commit.
    """
    id_ = str(ticket["id"])
    owed: Counter[Notice] = Counter({(id_, CREATED, None): 1})
    for entry in ticket["statusChangeHistory"][1:]:
        owed[id_, STATUS, entry["status"]] += 1
        if entry["status"] == "resolved":
            owed[id_, RESOLVED, None] += 1
    if any(ticket.get(name) != sent.get(name) for name in REPORTED_IN):
        owed[id_, ATTRIBUTE, None] += 1
    return owed


@dataclass(frozen=True, slots=True)
class Balance:
    """``lost`` was owed and did not come; ``unowed`` came and nothing in the tickets says why."""

    lost: Counter[Notice]
    unowed: Counter[Notice]


def balance(owed: Counter[Notice], records: Iterable[Doc]) -> Balance:
    """Compare with what the subscriber recorded; an event that came twice counts once."""
    distinct = {record["eventId"]: record for record in records}
    came = Counter(map(_notice, distinct.values()))
    return Balance(owed - came, came - owed)


def _notice(record: Doc) -> Notice:
    type_ = str(record["eventType"])
    return str(record["id"]), type_, record["status"] if type_ == STATUS else None


def outcome(ticket: Doc) -> str | None:
    """What the report on a ticket says: ``restored``, ``workaround``, ``unsuccessful``; None while there is none."""
    said = restoration_type(ticket)
    if said in ("workaround", "unsuccessful"):
        return said
    if ticket["status"] == "resolved" and ticket.get("statusChangeReason") == "restored":
        return "restored"
    return None


def restoration_type(ticket: Doc) -> str | None:
    """The value of the characteristic that says how the customer was helped."""
    listed = ticket.get("troubleTicketCharacteristic") or []
    return next((str(entry["value"]) for entry in listed if entry.get("name") == "restorationType"), None)
