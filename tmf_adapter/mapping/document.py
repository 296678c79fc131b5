"""Mapping files and documents: read a directory, or a recovery's copy, into mappings; every fault with file, line, key.

The one module of this room that reads files; live.py only looks when they changed.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from tmf_adapter import files
from tmf_adapter.mapping.cases import CASES_ENDING, Case, CasesSchema
from tmf_adapter.mapping.faults import BadMapping, MappingFault, nearest
from tmf_adapter.mapping.grammar import DefaultsSchema, MappingSchema, complaints
from tmf_adapter.mapping.mappings import NO_REASONS, Mappings
from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.mapping.reasons import REASONS_FILE, Reasons, ReasonsSchema
from tmf_adapter.mapping.source import BYTES_LIMIT, Source, read_source

__all__ = [
    "DEFAULTS",
    "DEFAULTS_FILE",
    "BadMapping",
    "Loaded",
    "Mapping",
    "MappingFault",
    "Mappings",
    "load",
    "parse",
    "read_directory",
]

DEFAULTS_FILE = "00-defaults.yaml"

DEFAULTS: dict[str, Any] = {
    "timeout": "PT10S",
    "retry": {
        "attempts": 4,
        "backoff": "PT1S",
        "when": ["timeout", "connect", "nonsense", 429, 502, 503, 504],
    },
    "ask": {
        "reason": "information-required",
        "note": "More information is needed: ${summary}",
        "within": "P3D",
        "then": {
            "status": "cancelled",
            "reason": "information-not-provided",
            "note": "The information that was asked for did not come.",
            "char": {},
        },
    },
    "report": {
        "restored": {
            "status": "resolved",
            "reason": "restored",
            "note": "Service restored: ${summary}",
            "char": {"restorationType": "permanent"},
        },
        "workaround": {
            "status": "resolved",
            "reason": "restored-workaround",
            "note": "Temporary work-around in place: ${summary}",
            "char": {"restorationType": "workaround"},
        },
        "unsuccessful": {
            "note": "Restoration attempt failed: ${summary}",
            "char": {"restorationType": "unsuccessful"},
        },
        "timeout": "unsuccessful",
        "mode": "set",
    },
}
"""What holds where neither the defaults file nor a mapping says anything; the shipped defaults file says the same."""


@dataclass(frozen=True)
class Loaded:
    """A directory as it was read: each file with its mapping, where it became one, and the faults of all."""

    files: tuple[tuple[Source, Mapping | None], ...]
    faults: tuple[MappingFault, ...]
    reasons: Reasons = NO_REASONS
    defaults: Source | None = None

    @property
    def mappings(self) -> Mappings:
        """Those that could be read."""
        return Mappings((mapping for _, mapping in self.files if mapping), self.reasons)


def load(directory: Path) -> Mappings:
    """Every mapping of ``directory``, defaults filled in. Raises ``BadMapping`` with all faults of all files."""
    loaded = read_directory(directory)
    if loaded.faults:
        raise BadMapping(loaded.faults)
    return loaded.mappings


def read_directory(directory: Path) -> Loaded:
    """Read ``*.yaml`` in the order of their names; files without fault become mappings whatever the others are."""
    faults: list[MappingFault] = []
    sources = {Path(source.file).name: source for source in _sources(directory, faults)}
    said, vocabulary = sources.get(DEFAULTS_FILE), sources.get(REASONS_FILE)
    defaults, reasons = _defaults(said, faults), _reasons(vocabulary, faults)
    mappings = [source for name, source in sources.items() if _is_mapping(name)]
    files = [(source, _mapping(source, defaults, faults)) for source in mappings]
    beside = [source for name, source in sources.items() if name.endswith(CASES_ENDING)]
    files = _with_cases(files, beside, faults)
    faults.extend(fault for source in sources.values() for fault in source.faults)
    faults.extend(_repeated(files))
    return Loaded(tuple(files), tuple(sorted(faults)), reasons, said)


def parse(document: dict[str, Any], defaults: dict[str, Any] | None = None) -> Mapping:
    """The mapping of a ``document`` such as ``Mapping.to_document`` gives. Raises ``BadMapping``.

    Such a document is complete, and what the defaults are now does not touch it; ``defaults`` are for one that is not.
    """
    return _parsed(json.dumps(document), json.dumps(defaults))


@lru_cache(maxsize=1024)
def _parsed(document: str, defaults: str) -> Mapping:
    """A recovery is read at each of its steps, and most share their mapping."""
    source, faults = Source("", json.loads(document)), list[MappingFault]()
    mapping = _mapping(source, json.loads(defaults), faults)
    if mapping is None:
        raise BadMapping(faults)
    return mapping


def _sources(directory: Path, faults: list[MappingFault]) -> Iterator[Source]:
    try:
        paths = sorted(path for path in directory.iterdir() if path.suffix == ".yaml")
    except OSError as error:
        faults.append(MappingFault(str(directory), 0, 0, "", f"cannot be read as a directory: {error.strerror}"))
        return
    for path in paths:
        try:
            yield read_source(str(path), files.read(path, BYTES_LIMIT))
        except OSError as error:
            faults.append(MappingFault(str(path), 0, 0, "", f"cannot be read: {error.strerror}"))


def _is_mapping(name: str) -> bool:
    return name not in (DEFAULTS_FILE, REASONS_FILE) and not name.endswith(CASES_ENDING)


def _with_cases(
    files: list[tuple[Source, Mapping | None]], beside: Sequence[Source], faults: list[MappingFault]
) -> list[tuple[Source, Mapping | None]]:
    """The mappings with the cases of the files beside them."""
    found: dict[str, tuple[Case, ...]] = {}
    for source in beside:
        if source.value is None:
            continue
        if not isinstance(source.value, dict):
            faults.append(source.fault((), "must have two keys: mapping, the id of one, and tests, its cases"))
            continue
        try:
            id_, cases = CasesSchema().load(source.value)
        except ValidationError as error:
            faults.extend(source.fault(place, message) for place, message in complaints(error.messages))
            continue
        known = [mapping.id for _, mapping in files if mapping]
        if id_ not in known and len(known) == len(files):
            faults.append(source.fault(("mapping",), f"{id_!r} is no mapping of this directory{nearest(id_, known)}"))
        found[id_] = found.get(id_, ()) + cases
    more = [(source, mapping, found.get(mapping.id, ()) if mapping else ()) for source, mapping in files]
    return [(source, replace(one, tests=one.tests + cases) if one and cases else one) for source, one, cases in more]


def _defaults(source: Source | None, faults: list[MappingFault]) -> dict[str, Any]:
    """The adapter's defaults with those of the file on top; a faulty file changes nothing."""
    if source is None or source.value is None:
        return DEFAULTS
    said = source.value.get("defaults") if isinstance(source.value, dict) else None
    if not isinstance(said, dict) or len(source.value) > 1:
        faults.append(source.fault((), "must have one key, defaults, with what all mappings share"))
        return DEFAULTS
    merged: dict[str, Any] = _merged(DEFAULTS, said)
    if wrong := complaints(DefaultsSchema().validate(merged), ("defaults",)):
        faults.extend(source.fault(place, message) for place, message in wrong)
        return DEFAULTS
    return merged


def _reasons(source: Source | None, faults: list[MappingFault]) -> Reasons:
    """The vocabulary of the file; a faulty one is none, so that not every mapping has a fault because of it."""
    if source is None or source.value is None:
        return NO_REASONS
    if not isinstance(source.value, dict):
        faults.append(source.fault((), "must have one key, reasons, with each code and what it means"))
        return NO_REASONS
    try:
        found: Reasons = ReasonsSchema().load(source.value)
    except ValidationError as error:
        faults.extend(source.fault(place, message) for place, message in complaints(error.messages))
        return NO_REASONS
    return found


_SCHEMA = MappingSchema()


def _mapping(source: Source, defaults: dict[str, Any] | None, faults: list[MappingFault]) -> Mapping | None:
    if source.value is None:
        return None
    if not isinstance(source.value, dict):
        faults.append(source.fault((), "is no mapping: it must hold keys and values, such as id: broadband-fault"))
        return None
    try:
        mapping: Mapping = _SCHEMA.load(_completed(source.value, defaults) if defaults else source.value)
    except ValidationError as error:
        faults.extend(source.fault(place, message) for place, message in complaints(error.messages))
        return None
    return replace(mapping, file=source.file)


def _completed(document: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """The document with defaults where it says nothing; what has the wrong type stays for the grammar to refuse."""
    completed = {**document, "report": _merged(defaults["report"], document.get("report", {}))}
    if "ask" in document:
        completed["ask"] = _merged(defaults["ask"], document["ask"])
    if isinstance(steps := document.get("steps"), list):
        completed["steps"] = [_completed_part(part, defaults) for part in steps]
    return completed


def _completed_part(part: Any, defaults: dict[str, Any]) -> Any:
    if isinstance(part, dict) and isinstance(inner := part.get("parallel"), list):
        return {**part, "parallel": [_completed_step(step, defaults) for step in inner]}
    return _completed_step(part, defaults)


def _completed_step(step: Any, defaults: dict[str, Any]) -> Any:
    """``ask: <condition>`` in an ``await`` is short for ``ask: {when: <condition>}``."""
    whole = _merged({name: defaults[name] for name in ("timeout", "retry")}, step)
    awaited = whole.get("await") if isinstance(whole, dict) else None
    if not isinstance(awaited, dict) or "ask" not in awaited:
        return whole
    said = awaited["ask"] if isinstance(awaited["ask"], dict) else {"when": awaited["ask"]}
    return {**whole, "await": {**awaited, "ask": {**_merged(defaults["ask"], said)}}}


def _merged(below: Any, above: Any) -> Any:
    """``above`` laid over ``below``: objects member by member, everything else as a whole."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{name: _merged(below.get(name), value) for name, value in above.items()}}


def _repeated(files: Sequence[tuple[Source, Mapping | None]]) -> Iterator[MappingFault]:
    first: dict[str, str] = {}
    for source, mapping in files:
        if mapping is not None and (other := first.setdefault(mapping.id, source.file)) != source.file:
            yield source.fault(("id",), f"{mapping.id!r} is the id of {other} as well: choose another")
