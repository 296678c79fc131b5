"""Every fault that can be found before run time, in the words of the engineer who wrote the file."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tmf_adapter.mapping.bodies import Graded, wrong_steps
from tmf_adapter.mapping.document import DEFAULTS_FILE, Loaded, Mappings, read_directory
from tmf_adapter.mapping.faults import BadMapping, MappingFault, Severity
from tmf_adapter.mapping.names import wrong_names
from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.mapping.source import Source


def lint(directory: Path) -> tuple[MappingFault, ...]:
    """Every error and warning of the mapping files in ``directory``, in the order of files and lines."""
    loaded = read_directory(directory)
    return tuple(sorted({*loaded.faults, *_checks(loaded), *_ignored(directory, loaded)}))


def load_checked(directory: Path) -> Mappings:
    """The mappings of ``directory``, free of errors. Raises ``BadMapping`` with every error; warnings stay unsaid."""
    loaded = read_directory(directory)
    errors = {*loaded.faults, *(fault for fault in _checks(loaded) if fault.severity is Severity.ERROR)}
    if errors:
        raise BadMapping(errors)
    return loaded.mappings


def report_lines(faults: Iterable[MappingFault]) -> list[str]:
    """One line per fault: ``file:line:column: error: key: message``."""
    return [str(fault) for fault in faults]


def _checks(loaded: Loaded) -> Iterator[MappingFault]:
    sources = {mapping.file: source for source, mapping in loaded.files if mapping}
    for mapping in loaded.mappings:
        yield from _graded(sources[mapping.file], _mapping(mapping))
    yield from _between(loaded.mappings, sources)


def _mapping(mapping: Mapping) -> Iterator[Graded]:
    yield from ((place, message, Severity.ERROR) for place, message in wrong_names(mapping))
    yield from wrong_steps(mapping)


def _graded(source: Source, found: Iterable[Graded]) -> Iterator[MappingFault]:
    for place, message, severity in found:
        yield replace(source.fault(place, message), severity=severity)


def _between(mappings: Mappings, sources: dict[str, Source]) -> Iterator[MappingFault]:
    """What is wrong with a mapping because of those that are asked before it."""
    for index, mapping in enumerate(mappings):
        source, earlier = sources[mapping.file], mappings[:index]
        barrier = next((one for one in earlier if _hides(one, mapping)), None)
        if barrier:
            reason = f"{barrier.id} is asked first, listens to all of its events, has no when, and stops the search"
            yield source.fault(("id",), f"is never reached: {reason}; give {barrier.id} a when or a higher order")
            continue
        rival = next((one for one in earlier if _rivals(one, mapping)), None)
        if rival:
            message = f"is {mapping.outcome} work like {rival.id}, and both may run for one event; let {rival.id} stop"
            yield replace(source.fault(("outcome",), message), severity=Severity.WARNING)


def _hides(earlier: Mapping, mapping: Mapping) -> bool:
    return earlier.stop and not earlier.when and set(mapping.events) <= set(earlier.events)


def _rivals(earlier: Mapping, mapping: Mapping) -> bool:
    same = mapping.outcome is not None and earlier.outcome is mapping.outcome
    return same and not earlier.stop and not set(mapping.events).isdisjoint(earlier.events)


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
