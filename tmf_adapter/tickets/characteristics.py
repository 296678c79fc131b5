"""What a recovery writes among a ticket's characteristics, and takes away again."""

from collections.abc import Mapping

from tmf_adapter.tmf.events import Doc

WORKAROUND = ("restorationType", "workaroundUntil")
"""The characteristics that say that a work-around is in place, and until when."""


def counted(document: Doc, values: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """With the number of the attempt that was unsuccessful, one more than the ticket has."""
    if values.get("restorationType") != "unsuccessful" or "attempt" in values:
        return values
    entries = document.get("troubleTicketCharacteristic", ())
    known = [str(entry.get("value")) for entry in entries if entry.get("name") == "attempt"]
    return {**values, "attempt": str(int(known[0]) + 1 if known and known[0].isdecimal() else 1)}


def set_characteristics(document: Doc, values: Mapping[str, str | None]) -> None:
    """Set ours among the ticket's; of those with the same name, ours stands in place of the first."""
    ours = {
        name: {"@type": "StringCharacteristic", "name": name, "valueType": "string", "value": value}
        for name, value in values.items()
        if value is not None
    }
    placed: set[str] = set()
    kept = []
    for entry in document.get("troubleTicketCharacteristic", ()):
        name = entry.get("name")
        if name not in values:
            kept.append(entry)
        elif name in ours and name not in placed:
            placed.add(name)
            kept.append(ours[name])
    kept += [entry for name, entry in ours.items() if name not in placed]
    if kept or "troubleTicketCharacteristic" in document:
        document["troubleTicketCharacteristic"] = kept


def retract(document: Doc) -> None:
    """A resolution that was refused takes the work-around with it: it did not help."""
    if any(_is_workaround(entry) for entry in document.get("troubleTicketCharacteristic", ())):
        set_characteristics(document, dict.fromkeys(WORKAROUND))


def _is_workaround(entry: Doc) -> bool:
    return entry.get("name") == "restorationType" and str(entry.get("value")).startswith("workaround")
