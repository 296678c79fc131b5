"""The canonical view of a ticket: what a condition reads instead of versions, ``@type`` and partners' spellings.

==================  =================================================================================================
``t.id``            as it stands; so are ``t.status``, ``t.priority`` and ``t.description``
``t.type``          ``ticketType`` as a name, see ``name_of``; so is ``t.severity``
``t.char``          the value of each characteristic by its name: ``t.char.productFamily``
``t.rel``           related entities by role, each a list: ``t.rel.affectedService[0].id``, ``name``, ``href``, ``type``
``t.party``         related parties by role, the first of each: ``t.party.customer.id``, ``name``, ``href``, ``type``
``t.ext``           external identifiers by their type, or else their owner: ``t.ext.crmCase``
``t.note``          the list of notes as it stands: ``t.note[0].text``
``t.raw``           the whole v5 document, with members that no standard knows
==================  =================================================================================================

What the ticket does not have the view does not have either, except ``char``, ``rel``, ``party`` and ``ext`` (empty
objects) and ``note`` (an empty list). JSON in, JSON out; parts of the document are shared with the view, not copied.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from tmf_adapter.mapping.scan import Reads
from tmf_adapter.tmf.events import Change, Doc
from tmf_adapter.tmf.time import stamp

_AS_IT_STANDS = ("id", "status", "priority", "description")

MEMBERS = frozenset({*_AS_IT_STANDS, "type", "severity", "char", "rel", "party", "ext", "note", "raw"})
"""Everything that ``t`` and ``was`` can have."""

SPELLINGS = {
    "ticketType": "type",
    "troubleTicketCharacteristic": "char",
    "relatedEntity": "rel",
    "relatedParty": "party",
    "externalIdentifier": "ext",
}
"""What the standard calls a member of the view."""

ON_EVENT = frozenset({"t", "was", "changed", "episode", "mapping", "now", "open"})
"""The names that ``scope_of`` gives."""

_SERVED = {"Product": "affectedProduct", "Service": "affectedService"}


def name_of(text: str) -> str:
    """A free text as a name in lowerCamelCase, so that different spellings of it compare equal.

    The text is cut at everything that is neither letter nor digit. A piece all in capitals becomes small; the first
    letter of the first piece becomes small, that of each later piece a capital; every other letter stays. So
    ``Bill Dispute``, ``bill_dispute``, ``BILL-DISPUTE`` and ``billDispute`` are all ``billDispute``. What was written
    as one word stays one: ``billdispute`` is another name.
    """
    pieces: list[str] = [piece.lower() if piece.isupper() else piece for piece in re.findall(r"[^\W_]+", text)]
    first, *others = pieces or [""]
    return first[:1].lower() + first[1:] + "".join(piece[:1].upper() + piece[1:] for piece in others)


def counter_of(role: str) -> str:
    """What counts the open tickets that have a related entity in ``role``: ``accessNode`` is ``byAccessNode``."""
    return f"by{role[:1].upper()}{role[1:]}"


def view_of(document: Doc, members: Collection[str] | None = None) -> dict[str, Any]:
    """The canonical view of a v5 ``document``; a member of the wrong type is left out rather than refused.

    ``members`` are those that will be read, None for all of them; the others cost nothing.
    """
    view: dict[str, Any] = {name: document[name] for name in _AS_IT_STANDS if name in document}
    for name, member in (("type", "ticketType"), ("severity", "severity")):
        if isinstance(text := document.get(member), str):
            view[name] = name_of(text)
    for name, read in _READ.items():
        if members is None or name in members:
            view[name] = read(document)
    return view


def scope_of(
    change: Change,
    mapping_id: str,
    episode: int,
    now: datetime,
    reads: Reads | None = None,
    open_: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a condition of the mapping ``mapping_id`` reads when ``change`` happens: the names of ``ON_EVENT``.

    On create ``was`` is empty: ``was.status`` is then missing, and a line that reads it unguarded is false. On delete
    ``t`` is the ticket as it was. ``now`` is RFC 3339 text: ``timestamp(now)`` counts with it. With ``reads``, what
    nobody reads is left out of ``t`` and ``was``, and ``changed`` is empty unless somebody reads it. ``open_`` are the
    counts of open tickets, see ``plan.Facts``.
    """
    reads = reads if reads is not None else {"t": None, "was": None, "changed": None}
    was = change.before.document if change.before and "was" in reads else None
    return {
        "t": view_of(change.subject.document, reads.get("t", frozenset())),
        "was": view_of(was, reads["was"]) if was is not None else {},
        "changed": list(change.changed) if "changed" in reads else [],
        "episode": episode,
        "mapping": {"id": mapping_id},
        "now": stamp(now),
        "open": dict(open_ or {}),
    }


def _objects(document: Doc, member: str) -> Iterator[Doc]:
    value = document.get(member)
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _characteristics(document: Doc) -> dict[str, Any]:
    found = _objects(document, "troubleTicketCharacteristic")
    return {one["name"]: one["value"] for one in found if isinstance(one.get("name"), str) and "value" in one}


def _entities(document: Doc) -> dict[str, list[dict[str, Any]]]:
    roles: dict[str, list[dict[str, Any]]] = {}
    for one in _objects(document, "relatedEntity"):
        entity = _reference(one, "entity")
        referred = entity.get("type")
        role = one.get("role") or _SERVED.get(str(referred), referred)
        if isinstance(role, str):
            roles.setdefault(role, []).append(entity)
    return roles


def _parties(document: Doc) -> dict[str, dict[str, Any]]:
    roles: dict[str, dict[str, Any]] = {}
    for one in _objects(document, "relatedParty"):
        party = _reference(one, "partyOrPartyRole")
        role = one.get("role") or party.get("type")
        if isinstance(role, str):
            roles.setdefault(role, party)
    return roles


def _reference(holder: Doc, member: str) -> dict[str, Any]:
    """What a related thing refers to, flat; the reference may stand in ``member`` or be the holder itself."""
    inner = holder.get(member)
    source = inner if isinstance(inner, dict) else holder
    flat = {name: source[name] for name in ("id", "href", "name") if name in source}
    referred = source.get("@referredType")
    return {**flat, "type": referred} if isinstance(referred, str) else flat


def _identifiers(document: Doc) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in _objects(document, "externalIdentifier"):
        kind = one.get("externalIdentifierType") or one.get("owner")
        if isinstance(kind, str) and "id" in one:
            found.setdefault(kind, one["id"])
    return found


_READ: Mapping[str, Callable[[Doc], Any]] = {
    "char": _characteristics,
    "rel": _entities,
    "party": _parties,
    "ext": _identifiers,
    "note": lambda document: list(_objects(document, "note")),
    "raw": lambda document: document,
}
