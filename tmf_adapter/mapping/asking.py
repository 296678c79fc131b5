"""Whether a change of the ticket answers a question that was asked of the customer: pure."""

from collections.abc import Sequence
from typing import Any

from tmf_adapter.tmf.events import Doc, changed_members

_BOOKKEEPING = frozenset({"lastUpdate", "statusChangeDate", "statusChangeHistory", "statusChangeReason", "status"})
_NOTHING: Any = object()


def answered(need: Sequence[Doc], before: Doc, after: Doc) -> bool:
    """Whether ``after`` has all that ``need`` (RFC 6902 operations) asked for of the ticket as it was ``before``.

    ``before`` is the ticket as it was when it was asked. ``add`` to a list (``/note/-``) needs an item that was not
    there and that has everything in ``value``; ``add`` and ``replace`` elsewhere need another value than before;
    ``remove`` needs that nothing is there. Without ``need``, any change besides the status is an answer.
    """
    if not need:
        return bool(set(changed_members(before, after)) - _BOOKKEEPING)
    return all(_done(operation, before, after) for operation in need)


def _done(operation: Doc, before: Doc, after: Doc) -> bool:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in str(operation.get("path", "")).split("/")[1:]]
    if operation.get("op") == "remove":
        return _at(after, steps) is _NOTHING
    if steps and steps[-1] == "-":
        old, new = _at(before, steps[:-1]), _at(after, steps[:-1])
        known = old if isinstance(old, list) else []
        added = [one for one in new if one not in known] if isinstance(new, list) else []
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
