"""Says what happens: when, who, what; one line each, for a terminal of 80 columns or more."""

import os
import sys
import textwrap
import time
from typing import TextIO

_COLOURS = {"adapter": "35", "downstream": "33", "subscriber": "36", "demo": "1", "customer": "32"}
_WHO = 10
_TEXT_BEGINS = 9 + _WHO + 2


class Narrator:
    """Times are seconds since it was made. Colours only where somebody watches."""

    def __init__(self, out: TextIO | None = None, width: int = 98) -> None:
        self._out = out or sys.stdout
        self._began = time.monotonic()
        self._width = width
        self._colourful = self._out.isatty() and "NO_COLOR" not in os.environ

    def title(self, text: str) -> None:
        """A new part of the story."""
        self._write(f"\n{self._painted(text, '1')}")

    def say(self, who: str, text: str) -> None:
        """One thing that happened."""
        first, *rest = textwrap.wrap(text, self._width - _TEXT_BEGINS, break_on_hyphens=False) or [""]
        name = self._painted(f"{who:<{_WHO}}", _COLOURS.get(who, "32"))
        self._write(f"{self.elapsed:6.2f} s {name}  {first}")
        for line in rest:
            self._write(" " * _TEXT_BEGINS + line)

    def plain(self, text: str) -> None:
        """A line as it is."""
        self._write(text)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colourful else text

    def _write(self, line: str) -> None:
        print(line, file=self._out, flush=True)
