"""Whether a change of the ticket answers a question that was asked of the customer, and with what: pure."""

from collections.abc import Sequence
from typing import Any

from tmf_adapter.mapping.view import view_of
from tmf_adapter.tmf.events import OUR_NAME, Doc, changed_members

_BOOKKEEPING = frozenset({"lastUpdate", "statusChangeDate", "statusChangeHistory", "statusChangeReason", "status"})
UNSAID = frozenset({"id", "status"})
"""Members of the view of a ticket that no answer has."""

_NOTHING: Any = object()


def answered(need: Sequence[Doc], before: Doc, after: Doc) -> bool:
    """Whether ``after`` has all that ``need`` (RFC 6902 operations) asked for of the ticket as it was ``before``.

    ``before`` is the ticket as it was when it was asked. ``add`` to a list (``/note/-``) needs an item that was not
    there and that has everything in ``value``; ``add`` and ``replace`` elsewhere need another value than before;
    ``remove`` needs that nothing is there. Without ``need``, any change besides the status is an answer. The adapter's
    own notes, the question itself among them, answer nothing.
    """
    if not need:
        return bool(set(changed_members(before, after)) - _BOOKKEEPING - {"note"} or said_since(before, after))
    return all(_done(operation, before, after) for operation in need)


def said_since(before: Doc, after: Doc) -> Doc:
    """What ``after`` has that was not there ``before``, member by member: of lists, the items that are new."""
    found: Doc = {}
    for name in changed_members(before, after):
        if name not in _BOOKKEEPING and name in after:
            value = after[name]
            found[name] = _added(name, before.get(name), value) if isinstance(value, list) else value
    return {name: value for name, value in found.items() if value != []}


def answer_view(said: Doc) -> dict[str, Any]:
    """What expressions read of an answer that ``said_since`` found: like ``t``, without what was not said."""
    return {name: value for name, value in view_of(said).items() if value not in ({}, [])}


def _added(name: str, old: Any, new: list[Any]) -> list[Any]:
    """What is new in a list; of notes, only what others wrote."""
    known = old if isinstance(old, list) else []
    return [one for one in new if one not in known and not (name == "note" and _is_ours(one))]


def _is_ours(note: Any) -> bool:
    return isinstance(note, dict) and note.get("author") == OUR_NAME


def _done(operation: Doc, before: Doc, after: Doc) -> bool:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in str(operation.get("path", "")).split("/")[1:]]
    if operation.get("op") == "remove":
        return _at(after, steps) is _NOTHING
    if steps and steps[-1] == "-":
        old, new = _at(before, steps[:-1]), _at(after, steps[:-1])
        added = _added(steps[0], old, new) if isinstance(new, list) else []
        return any(_covers(one, operation.get("value")) for one in added)
    now = _at(after, steps)
    return now is not _NOTHING and now != _at(before, steps)


def _at(document: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return _NOTHING
    return document


def _covers(value: Any, wanted: Any) -> bool:
    """Whether ``value`` has everything that is ``wanted``; of what nothing is said it may have more."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(
            name in value and _covers(value[name], one) for name, one in wanted.items()
        )
    return wanted is None or bool(value == wanted)
