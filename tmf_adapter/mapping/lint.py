"""Every fault that can be found before run time, in the words of the engineer who wrote the file."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from tmf_adapter.mapping.bodies import wrong_steps
from tmf_adapter.mapping.claims import exclusive, implies, never_together
from tmf_adapter.mapping.document import DEFAULTS_FILE, Loaded, Mappings, read_directory
from tmf_adapter.mapping.endings import wrong_endings
from tmf_adapter.mapping.faults import BadMapping, Graded, MappingFault, Place, Severity, nearest
from tmf_adapter.mapping.names import wrong_names
from tmf_adapter.mapping.parts import Mapping, Mode
from tmf_adapter.mapping.reasons import REASONS_FILE, Reasons
from tmf_adapter.mapping.sharing import leaks
from tmf_adapter.mapping.source import Source
from tmf_adapter.mapping.trial import wrong_types
from tmf_adapter.tmf.operations import OPERATIONS, Operations


def lint(directory: Path, operations: Operations = OPERATIONS) -> tuple[MappingFault, ...]:
    """Every error and warning of the mapping files in ``directory``, in the order of files and lines."""
    loaded = read_directory(directory)
    return tuple(sorted({*loaded.faults, *_checks(loaded, operations), *_ignored(directory, loaded)}))


def load_checked(directory: Path, operations: Operations = OPERATIONS) -> Mappings:
    """The mappings of ``directory``, free of errors. Raises ``BadMapping`` with every error; warnings stay unsaid."""
    loaded = read_directory(directory)
    checks = _checks(loaded, operations)
    errors = {*loaded.faults, *(fault for fault in checks if fault.severity is Severity.ERROR)}
    if errors:
        raise BadMapping(errors)
    return loaded.mappings


def report_lines(faults: Iterable[MappingFault]) -> list[str]:
    """One line per fault: ``file:line:column: error: key: message``."""
    return [str(fault) for fault in faults]


def _checks(loaded: Loaded, operations: Operations) -> Iterator[MappingFault]:
    sources = {mapping.file: source for source, mapping in loaded.files if mapping}
    for mapping in loaded.mappings:
        source = sources[mapping.file]
        yield from _graded(source, _mapping(mapping, operations))
        yield from _unknown_reasons(source, mapping.to_document(), loaded.reasons)
    if loaded.defaults and isinstance(loaded.defaults.value, dict):
        yield from _unknown_reasons(loaded.defaults, loaded.defaults.value, loaded.reasons)
    yield from _between(loaded.mappings, sources)


def _mapping(mapping: Mapping, operations: Operations) -> Iterator[Graded]:
    wrong = list(wrong_names(mapping, operations))
    yield from _errors(wrong)
    yield from _errors(leaks(mapping))
    yield from wrong_steps(mapping, operations)
    if not wrong:  # what does not exist has neither type nor value
        yield from _errors(chain(wrong_types(mapping, operations), never_together(mapping)))
        yield from wrong_endings(mapping)


def _errors(complaints: Iterable[tuple[Place, str]]) -> Iterator[Graded]:
    return ((place, message, Severity.ERROR) for place, message in complaints)


def _unknown_reasons(source: Source, document: Any, reasons: Reasons, place: Place = ()) -> Iterator[MappingFault]:
    """Reasons that the file itself gives and that the vocabulary does not have."""
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        here = (*place, key)
        if key == "body" or here not in source.places:
            continue
        if isinstance(value, dict | list):
            yield from _unknown_reasons(source, value, reasons, here)
        elif key == "reason" and isinstance(value, str) and not reasons.knows(value):
            message = f"{value!r} is not in {REASONS_FILE}{nearest(value, reasons.codes) or '; add it there'}"
            yield source.fault(here, message)


def _graded(source: Source, found: Iterable[Graded]) -> Iterator[MappingFault]:
    for place, message, severity in found:
        yield replace(source.fault(place, message), severity=severity)


def _between(mappings: Mappings, sources: dict[str, Source]) -> Iterator[MappingFault]:
    """What is wrong with a mapping because of those that are asked before it."""
    for index, mapping in enumerate(mappings):
        source, earlier = sources[mapping.file], mappings[:index]
        barrier = next((one for one in earlier if _hides(one, mapping)), None)
        if barrier:
            when = "has no when" if not barrier.when else "its lines hold whenever these do"
            reason = f"{barrier.id} is asked first, listens to all of its events, {when}, and stops the search"
            remedy = f"give {barrier.id} a when" if not barrier.when else "ask for more here, or less there,"
            yield source.fault(("id",), f"is never reached: {reason}; {remedy} or a higher order")
            continue
        rival = next((one for one in earlier if _rivals(one, mapping)), None)
        if rival:
            message = f"is {mapping.outcome} work like {rival.id}, and both may run for one event; let {rival.id} stop"
            yield replace(source.fault(("outcome",), message), severity=Severity.WARNING)


def _hides(earlier: Mapping, mapping: Mapping) -> bool:
    stops = earlier.stop and earlier.mode is Mode.LIVE and earlier.group is None
    return stops and set(mapping.events) <= set(earlier.events) and implies(mapping, earlier)


def _rivals(earlier: Mapping, mapping: Mapping) -> bool:
    if mapping.outcome is None or earlier.outcome is not mapping.outcome or earlier.stop:
        return False
    live = earlier.mode is mapping.mode is Mode.LIVE
    return live and not set(mapping.events).isdisjoint(earlier.events) and not exclusive(mapping, earlier)


def _ignored(directory: Path, loaded: Loaded) -> Iterator[MappingFault]:
    """Files that are not read although they look as if they should be, and a directory without any mapping."""
    if not directory.is_dir():
        return
    for path in sorted(directory.glob("*.yml")):
        message = "is not read: mapping files end in .yaml, rename it"
        yield MappingFault(str(path), 1, 1, "", message, Severity.WARNING)
    if not loaded.files and not loaded.faults:
        message = f"holds no mapping besides {DEFAULTS_FILE}: nothing will ever be recovered"
        yield MappingFault(str(directory), 0, 0, "", message, Severity.WARNING)
