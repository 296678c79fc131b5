"""Patch documents: merge-patch (RFC 7396) and json-patch (RFC 6902), as TMF630 uses them."""

import json
from typing import Any

import jsonpatch
import jsonpointer

from tmf_adapter.tmf.errors import Conflict, Invalid, NotYetSupported, UnsupportedMediaType
from tmf_adapter.tmf.events import Doc

MERGE = frozenset({"application/json", "application/merge-patch+json"})
"""``application/json`` on PATCH means merge-patch."""
JSON_PATCH = "application/json-patch+json"
JSON_PATCH_QUERY = "application/json-patch-query+json"

OPERATIONS = 1_000
"""A json-patch may have this many operations."""
COPIED = 1 << 20
"""And its copies may add this many characters, since each may double what the one before it made."""


def apply(document: Doc, body: Any, media_type: str) -> Doc:
    """``document`` as ``body`` changes it; ``document`` itself is left alone.

    Raises ``Invalid`` for a patch that cannot be applied, ``Conflict`` for a failed ``test``.
    """
    if media_type in MERGE:
        merged: Doc = _merged(document, body)
        return merged
    if media_type == JSON_PATCH:
        return _json_patched(document, body if isinstance(body, list) else [body])
    if media_type == JSON_PATCH_QUERY:
        raise NotYetSupported("json-patch-query is not supported yet.", f"Use {JSON_PATCH} or a merge-patch.")
    raise UnsupportedMediaType(f"{media_type} is no patch format.")


def touches(body: Any, media_type: str, member: str) -> bool:
    """Whether the patch says anything of this first-level member."""
    if media_type in MERGE:
        return member in body
    operations = body if isinstance(body, list) else [body]
    return any(operation["path"].split("/")[1:2] == [member] for operation in operations)


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


def _json_patched(document: Doc, operations: list[Doc]) -> Doc:
    if len(operations) > OPERATIONS:
        raise Invalid(f"A json-patch may have at most {OPERATIONS} operations, this one has {len(operations)}.")
    result: Any = json.loads(json.dumps(document))
    allowance = COPIED
    for number, operation in enumerate(operations):
        result, allowance = _operated(result, operation, f"/{number}", allowance)
    if not isinstance(result, dict):
        raise Invalid.at("", "the patch must leave an object")
    return result


def _operated(document: Any, operation: Doc, place: str, allowance: int) -> tuple[Any, int]:
    """One operation, in place; what it may still copy comes back beside the result."""
    try:
        if operation.get("op") == "copy":
            copied = jsonpointer.resolve_pointer(document, operation["from"])
            allowance -= len(json.dumps(copied))
            if allowance < 0:
                raise Invalid.at(place, "the patch copies too much")
        patch = jsonpatch.JsonPatch([_appending(document, operation)])
        return patch.apply(document, in_place=True), allowance
    except jsonpatch.JsonPatchTestFailed:
        raise Conflict("A test of the patch failed.", f"Operation {place[1:]} on {operation['path']}.") from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError) as error:
        raise Invalid.at(place, f"cannot be applied: {_short(error)}") from None


def _appending(document: Any, operation: Doc) -> Doc:
    """TMF's own reading: ``add /note`` with one object appends it to the list that is there (official v5 example)."""
    if operation.get("op") != "add" or isinstance(operation.get("value"), list):
        return operation
    target = jsonpointer.resolve_pointer(document, operation["path"], None) if operation["path"] else None
    return {**operation, "path": operation["path"] + "/-"} if isinstance(target, list) else operation


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
