"""Patch documents: merge-patch (RFC 7396), json-patch (RFC 6902) and json-patch-query, as TMF630 uses them."""

import json
from typing import Any

import jsonpatch
import jsonpointer

from tmf_adapter.tmf.errors import Conflict, Invalid, UnsupportedMediaType
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.selection import places

MERGE = frozenset({"application/json", "application/merge-patch+json"})
"""``application/json`` on PATCH means merge-patch."""
JSON_PATCH = "application/json-patch+json"
JSON_PATCH_QUERY = "application/json-patch-query+json"

OPERATIONS = 1_000
"""A json-patch may have this many operations, and one that picks elements may change this many places."""
COPIED = 1 << 20
"""And its copies may add this many characters, since each may double what the one before it made."""
PICKED = 1 << 25
"""The conditions of a json-patch-query may look through this many characters in all."""
LEVELS = 240
"""A document may nest this deep. Serializers write 254; the rest is for what it is wrapped in, such as an event."""


def apply(document: Doc, body: Any, media_type: str, lists: frozenset[str] = frozenset()) -> Doc:
    """``document`` as ``body`` changes it; ``document`` itself is left alone. ``lists``: members that are arrays.

    Raises ``Invalid`` for a patch that cannot be applied, ``Conflict`` for a failed ``test``.
    """
    if media_type in MERGE:
        if not isinstance(body, dict):
            raise Invalid.at("", "a merge-patch must be an object")
        merged: Doc = _merged(document, body)
        return merged
    if media_type in (JSON_PATCH, JSON_PATCH_QUERY):
        operations = body if isinstance(body, list) else [body]
        return _json_patched(document, operations, lists, picks=media_type == JSON_PATCH_QUERY)
    raise UnsupportedMediaType(f"{media_type} is no patch format.")


def touches(body: Any, media_type: str, member: str) -> bool:
    """Whether the patch says anything of this first-level member."""
    if media_type in MERGE:
        return member in body
    operations = body if isinstance(body, list) else [body]
    return any(_writes(operation, member) for operation in operations)


def _writes(operation: Doc, member: str) -> bool:
    """Whether a json-patch operation puts or takes away this member, or all of them."""
    if operation["op"] == "test":
        return False
    written = [operation["path"], *([operation["from"]] if operation["op"] == "move" else ())]
    return any(place == "" or place.partition("?")[0].split("/")[1:2] == [member] for place in written)


def _merged(target: Any, patch: Any) -> Any:
    """RFC 7396 section 2: null removes, objects merge, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


def _json_patched(document: Doc, operations: list[Doc], lists: frozenset[str], *, picks: bool) -> Doc:
    """``picks``: paths may pick elements of lists by what they hold."""
    if len(operations) > OPERATIONS:
        raise Invalid(f"A json-patch may have at most {OPERATIONS} operations, this one has {len(operations)}.")
    text = json.dumps(document)
    if picks and len(text) * sum(map(_conditions, operations)) > PICKED:
        raise Invalid("The patch picks elements too often in a document of this size.", "Send it in several parts.")
    result: Any = json.loads(text)
    allowance, done = COPIED, 0
    for number, operation in enumerate(operations):
        plain = _picked(result, operation, f"/{number}") if picks else [operation]
        done += len(plain)
        if done > OPERATIONS:
            raise Invalid.at(f"/{number}", f"the patch changes more than {OPERATIONS} places")
        for one in plain:
            result, allowance = _operated(result, one, f"/{number}", allowance, lists)
    if not isinstance(result, dict):
        raise Invalid.at("", "the patch must leave an object")
    if _is_deep(result):
        raise Invalid.at("", f"the patch must not nest deeper than {LEVELS} levels")
    return result


def _conditions(operation: Doc) -> int:
    """How many conditions its paths are picked by."""
    paths = [path for path in (operation["path"], operation.get("from", "")) if "?" in path]
    return sum(1 + path.count("&") for path in paths)


def _is_deep(document: Any) -> bool:
    """Whether it nests deeper than ``LEVELS``; without recursion, which is what such a document breaks."""
    level = [document]
    for _ in range(LEVELS):
        level = [
            inner
            for part in level
            for inner in (part.values() if isinstance(part, dict) else part)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _picked(document: Any, operation: Doc, place: str) -> list[Doc]:
    """The plain operations that one of a json-patch-query stands for; none is done yet. Raises ``Invalid``.

    TMF630 and the official examples: putting an object where a picked element stands merges the two.
    """
    try:
        paths = places(document, operation["path"])
        named = places(document, operation["from"]) if "from" in operation else []
        if len(named) > 1:
            raise LookupError(f"{operation['from']} picks several elements, and only one can be taken")
    except LookupError as error:
        raise Invalid.at(place, f"cannot be applied: {error.args[0]}") from None
    where = {"from": named[0]} if named else {}
    # Backwards: what is taken out of a list, or put into it, must not move what is still to be done.
    plain = ({**operation, **where, "path": path} for path in reversed(paths))
    return [_at(document, one) if "?" in operation["path"] else one for one in plain]


def _at(document: Any, operation: Doc) -> Doc:
    element = _element(document, operation["path"])
    if operation["op"] not in ("add", "replace") or element is None or not isinstance(operation.get("value"), dict):
        return operation
    return {**operation, "op": "replace", "value": _merged(element, operation["value"])}


def _element(document: Any, path: str) -> Doc | None:
    """The object at ``path``, if that is a place in a list."""
    parent = jsonpointer.resolve_pointer(document, path.rpartition("/")[0], None) if path else None
    found = jsonpointer.resolve_pointer(document, path, None) if isinstance(parent, list) else None
    return found if isinstance(found, dict) else None


def _operated(document: Any, operation: Doc, place: str, allowance: int, lists: frozenset[str]) -> tuple[Any, int]:
    """One operation, in place; what it may still copy comes back beside the result."""
    try:
        if operation.get("op") == "copy":
            copied = jsonpointer.resolve_pointer(document, operation["from"])
            allowance -= len(json.dumps(copied))
            if allowance < 0:
                raise Invalid.at(place, "the patch copies too much")
        patch = jsonpatch.JsonPatch([_appending(document, operation, lists)])
        return patch.apply(document, in_place=True), allowance
    except jsonpatch.JsonPatchTestFailed:
        raise Conflict("A test of the patch failed.", f"Operation {place[1:]} on {operation['path']}.") from None
    except RecursionError:
        raise Invalid.at(place, f"nests deeper than {LEVELS} levels") from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError) as error:
        raise Invalid.at(place, f"cannot be applied: {_short(error)}") from None


def _appending(document: Any, operation: Doc, lists: frozenset[str]) -> Doc:
    """TMF's own reading: ``add /note`` with one object appends it to the list that is there (official v5 example).

    That, and ``add /note/-``, make the list where there is none yet: whoever appends need not have looked.
    """
    path, value = operation["path"], operation.get("value")
    if operation["op"] != "add" or not path or not isinstance(value, dict) or not isinstance(document, dict):
        return operation
    member = path[1:].removesuffix("/-")
    if member in lists and document.get(member) is None:
        return {**operation, "path": f"/{member}", "value": [value]}
    parent = jsonpointer.resolve_pointer(document, path.rpartition("/")[0], None)
    target = jsonpointer.resolve_pointer(document, path, None) if isinstance(parent, dict) else None
    return {**operation, "path": path + "/-"} if isinstance(target, list) else operation


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
