"""The mappings that hold now, read again when their files change: all of them, or none."""

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tmf_adapter.mapping.document import Mappings
from tmf_adapter.mapping.faults import BadMapping, MappingFault
from tmf_adapter.mapping.lint import load_checked
from tmf_adapter.tmf.operations import OPERATIONS, Operations
from tmf_adapter.tmf.time import utc_now

Fingerprint = tuple[tuple[str, int, int], ...]
"""Name, time of change (ns) and size of each file that may be read."""


@dataclass(frozen=True)
class Held:
    """A set of mappings, since when it holds, and the fingerprint of the files it was read from."""

    mappings: Mappings
    since: datetime
    fingerprint: Fingerprint


class LiveMappings:
    """One reference to an immutable set of mappings: call it for those that hold now.

    A set is exchanged as a whole. A directory with a fault, or without any mapping where there were some, changes
    nothing: the old set goes on, and ``faults`` says
    why until a good one is read. Recoveries that run keep the copy they began with. Safe to use from several threads.
    """

    def __init__(self, directory: Path, operations: Operations = OPERATIONS) -> None:
        """Reads the directory. Raises ``BadMapping``: nothing starts with faulty mappings."""
        self.directory = directory
        self.faults: tuple[MappingFault, ...] = ()
        self._operations = operations
        self._one_at_a_time = threading.Lock()
        self._refused: Fingerprint | None = None
        self._seen: Fingerprint | None = None
        fingerprint = self.fingerprint()
        self.held = Held(load_checked(directory, operations), utc_now(), fingerprint)

    def __call__(self) -> Mappings:
        """The mappings that hold now."""
        return self.held.mappings

    def reload(self) -> bool:
        """Read the directory; whether another set holds from now on. Raises ``BadMapping``, and the old set goes on."""
        with self._one_at_a_time:
            fingerprint = self.fingerprint()
            try:
                found = load_checked(self.directory, self._operations)
                self._not_emptied(found)
            except BadMapping as error:
                self.faults, self._refused = error.faults, fingerprint
                raise
            self.faults, self._refused = (), None
            changed = found.hash != self.held.mappings.hash
            kept = self.held
            self.held = Held(found if changed else kept.mappings, utc_now() if changed else kept.since, fingerprint)
            return changed

    def _not_emptied(self, found: Mappings) -> None:
        """A directory may be empty for a moment of a deployment. Raises ``BadMapping``."""
        if len(self.held.mappings) and not len(found):
            said = (
                f"no mapping is left of {len(self.held.mappings)}, which still hold; to have none, switch all off "
                "(tmf-adapter recovery off '*') or give each the mode off"
            )
            raise BadMapping([MappingFault(str(self.directory), 0, 0, "", said)])

    def is_stale(self) -> bool:
        """Whether the files have changed and come to rest: they looked the same the last time this was asked.

        A directory that was refused is not stale until it changes again, be it back to what it was before.
        """
        now = self.fingerprint()
        rested, self._seen = now == self._seen, now
        return rested and now != (self.held.fingerprint if self._refused is None else self._refused)

    def fingerprint(self) -> Fingerprint:
        """What the files look like from outside; a directory that cannot be read looks empty."""
        try:
            found = [(path, path.stat()) for path in self.directory.iterdir() if path.suffix == ".yaml"]
        except OSError:
            return ()
        return tuple(sorted((path.name, stat.st_mtime_ns, stat.st_size) for path, stat in found))
