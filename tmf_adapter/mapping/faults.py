"""What can be wrong with a mapping file, and how it is said: file, line, column, key, message with the remedy."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

Place = tuple[str | int, ...]
"""Where in a document: the keys and indices that lead there."""


class Severity(StrEnum):
    """An error stops ``serve`` at its start, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


Graded = tuple[Place, str, Severity]
"""Something wrong in one place of a mapping."""


@dataclass(frozen=True, slots=True, order=True)
class MappingFault:
    """One thing wrong with one mapping file.

    ``line`` and ``column`` count from 1, and are 0 where there is no file. ``key`` reads ``steps[0].await.event`` and
    is empty for the whole file; ``message`` says the remedy.
    """

    file: str
    line: int
    column: int
    key: str
    message: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{where}{self.severity}: {self.key + ': ' if self.key else ''}{self.message}"


class BadMapping(Exception):
    """At least one mapping cannot be used; ``faults`` are all that were found, in the order of files and lines."""

    def __init__(self, faults: Iterable[MappingFault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(map(str, self.faults)))


def key_text(place: Place) -> str:
    """A place as an engineer writes it: ``steps[0].await.event``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` for the known name that looks most like ``name``, or nothing."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    folded = [one for one in sorted(known) if one.lower() == name.lower()]
    return f"; did you mean {(folded or close)[0]!r}?" if folded or close else ""


def listed(names: Iterable[str]) -> str:
    """Names for a message: sorted, with commas."""
    return ", ".join(sorted(names))
