"""Lint, test and schema: what is wrong with mapping files, and what their cases say."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from tmf_adapter.mapping.faults import BadMapping, MappingFault
from tmf_adapter.mapping.lint import lint as faults_of
from tmf_adapter.mapping.lint import load_checked, report_lines
from tmf_adapter.mapping.mappings import Mappings
from tmf_adapter.mapping.schema import mapping_schema
from tmf_adapter.recovery.registry import BadDownstreams, Registry
from tmf_adapter.recovery.trying import failures
from tmf_adapter.settings import BadSetting, Settings
from tmf_adapter.tmf.time import utc_now
from tmf_adapter.workbench.shown import say


def lint(options: argparse.Namespace) -> int:
    """Exit code 1 when there is an error."""
    faults = faults_of(options.directory, registry().operations)
    errors = [fault for fault in faults if fault.severity == "error"]
    if options.json:
        print(json.dumps([asdict(fault) for fault in faults], indent=1))
    else:
        say(*report_lines(faults), *([] if errors else [f"{options.directory}: ok"]))
    return 1 if errors else 0


def test(options: argparse.Namespace) -> int:
    """Exit code 1 when a case fails, and when there is none: nobody should think that something was tested."""
    passed = failed = 0
    for mapping in chosen(options.mappings):
        for case in mapping.tests:
            wrong = failures(mapping, case, utc_now())
            say(f"{'FAILED' if wrong else 'passed'}  {mapping.id}: {case.name}", *(f"        {one}" for one in wrong))
            passed, failed = passed + (not wrong), failed + bool(wrong)
    say(f"{passed} passed, {failed} failed" if passed or failed else f"{options.mappings}: no mapping has a case")
    return 0 if passed and not failed else 1


def schema(_options: argparse.Namespace) -> int:
    """For editors."""
    print(json.dumps(mapping_schema(), indent=2))
    return 0


def chosen(path: Path) -> Mappings:
    """The mappings of a directory, or one file of it with the directory's defaults. Raises ``BadSetting``."""
    directory = path if path.is_dir() else path.parent
    try:
        found = load_checked(directory, registry().operations)
    except BadMapping as error:
        raise BadSetting("the mappings have faults:\n" + "\n".join(report_lines(_of(path, error.faults)))) from error
    if path.is_dir():
        return found
    alone = [mapping for mapping in found if Path(mapping.file) == path]
    if not alone:
        raise BadSetting(f"{path}: is no mapping file")
    return Mappings(alone, found.reasons)


def registry() -> Registry:
    """The downstreams as the server would have them. Raises ``BadSetting``."""
    settings = Settings.read()
    try:
        return Registry.of(settings.downstreams, settings.tmf656_url)
    except BadDownstreams as error:
        raise BadSetting(f"the downstreams have faults:\n{error}") from error


def _of(path: Path, faults: tuple[MappingFault, ...]) -> list[MappingFault]:
    own = [fault for fault in faults if Path(fault.file) == path]
    return own or list(faults)
