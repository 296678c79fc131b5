"""One YAML file as it was written: plain values, and the line and column of each key.

A narrow reading of YAML, so that a file means what it looks like: ``on``, ``off``, ``yes`` and ``no`` are text, as are
dates, sexagesimals and numbers with a leading zero; keys are text and stand once; there are no tags and no merges; an
alias counts as much as it stands for. Every breach is a fault with its remedy, never an exception.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import yaml

from tmf_adapter.mapping.faults import MappingFault, Place, key_text

BYTES_LIMIT = 256 * 1024
DEPTH_LIMIT = 32
SIZE_LIMIT = 20_000
"""Values in a file, aliases written out."""

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"(?=.*[.eE])[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_HINTS = (
    ("cannot start any token", "\t", "indent with spaces, not with tabs"),
    ("", "${", "put quotes around a value with ${...} where it stands within { } or [ ]"),
    ("expected ',' or", "[", "within { } a value with [ ] in it needs quotes around it"),
    ("-' indicator", "- '", "a condition that begins with a quote needs quotes around the whole: - \"'x' in t.rel\""),
    ("-' indicator", '- "', "a condition that begins with a quote needs quotes around the whole: - '\"x\" in t.rel'"),
    ("mapping values", ": ", "a value with a colon and a space needs quotes around it"),
)
"""What goes with a parser's complaint when the line has a sign in it."""


@dataclass
class Source:
    """A file's value, where its keys stand, and what is wrong with it as YAML."""

    file: str
    value: Any = None
    places: dict[Place, tuple[int, int]] = field(default_factory=dict)
    faults: list[MappingFault] = field(default_factory=list)

    def at(self, place: Place) -> tuple[int, int]:
        """Line and column of the key or item at ``place``, or of the nearest one around it; (0, 0) without file."""
        while place and place not in self.places:
            place = place[:-1]
        return self.places.get(place, (0, 0))

    def fault(self, place: Place, message: str) -> MappingFault:
        """A fault of this file at ``place``."""
        return MappingFault(self.file, *self.at(place), key_text(place), message)


class _Refused(Exception):
    def __init__(self, mark: Any, place: Place, message: str) -> None:
        super().__init__(message)
        self.mark, self.place, self.message = mark, place, message


def read_source(file: str, data: bytes) -> Source:
    """Read ``data``, the content of ``file``: a value, or at least one fault."""
    source = Source(file)
    text = _decoded(source, data)
    if text is None:
        return source
    source.places[()] = (1, 1)
    try:
        source.value = _Builder(source, text).document()
    except _Refused as refused:
        _add(source, refused.mark.line, refused.mark.column, refused.message, refused.place)
    except yaml.MarkedYAMLError as error:
        _add_syntax(source, text, error)
    except yaml.YAMLError as error:
        before = text[: getattr(error, "position", 0)]
        line = before.count("\n")
        _add(source, line, len(before) - before.rfind("\n") - 1, "is no YAML: it contains a control character")
    if source.value is None and not source.faults:
        _add(source, 0, 0, "is empty: write a mapping, or remove the file")
    return source


def _decoded(source: Source, data: bytes) -> str | None:
    if len(data) > BYTES_LIMIT:
        _add(source, 0, 0, f"has {len(data)} bytes; one mapping may have {BYTES_LIMIT}: split it")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = error.start - before.rfind(b"\n") - 1
        _add(source, before.count(b"\n"), column, f"is not UTF-8 (byte {data[error.start]:#04x}): save it as UTF-8")
        return None


def _add(source: Source, line: int, column: int, message: str, place: Place = ()) -> None:
    source.faults.append(MappingFault(source.file, line + 1, column + 1, key_text(place), message))


def _add_syntax(source: Source, text: str, error: yaml.MarkedYAMLError) -> None:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.splitlines()
    near = "\n".join(lines[max(0, line - 1) : line + 1])
    problem = str(error.problem or error.context)
    hint = next((f"; {remedy}" for said, sign, remedy in _HINTS if said in problem and sign in near), "")
    _add(source, line, column, f"is no YAML here: {problem}{hint}")


class _Builder:
    """Builds values from the parser's events, which know their places and do not recurse."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.events: Iterator[Any] = yaml.parse(text, Loader=_PARSER)
        self.anchors: dict[str, tuple[Any, int]] = {}
        """What an anchor stands for, and how many values that is; size 0 while it is being built."""
        self.size = 0

    def document(self) -> Any:
        event = next(self.events)
        while not isinstance(event, yaml.StreamEndEvent | yaml.NodeEvent):
            event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        self.source.places[()] = _point(event)
        value = self.value(event, ())
        for later in self.events:
            if isinstance(later, yaml.DocumentStartEvent):
                raise _Refused(later.start_mark, (), "has a second document after ---: one mapping per file")
        return value

    def value(self, event: Any, place: Place) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, place)
        self.grow(1, event, place)
        if event.tag is not None:
            raise _Refused(
                event.start_mark, place, "a value that begins with ! needs quotes around it: there are no tags"
            )
        before = self.size
        if event.anchor:
            self.anchors[event.anchor] = (None, 0)
        if len(place) > DEPTH_LIMIT:
            raise _Refused(event.start_mark, place[:3], f"is nested more than {DEPTH_LIMIT} deep")
        value = self.built(event, place)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.size - before + 1)
        return value

    def built(self, event: Any, place: Place) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style in ("'", '"', "|", ">") else _scalar(event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self.items(place))
        return self.members(place)

    def grow(self, size: int, event: Any, place: Place) -> None:
        self.size += size
        if self.size > SIZE_LIMIT:
            message = f"has more than {SIZE_LIMIT} values, aliases written out: split it, or use fewer aliases"
            raise _Refused(event.start_mark, place[:3], message)

    def alias(self, event: Any, place: Place) -> Any:
        value, size = self.anchors.get(event.anchor, (None, 0))
        if not size:
            raise _Refused(event.start_mark, place, f"*{event.anchor} stands for nothing that is complete before it")
        self.grow(size, event, place)
        return value

    def items(self, place: Place) -> Iterator[Any]:
        for index, event in enumerate(iter(self.events.__next__, None)):
            if isinstance(event, yaml.SequenceEndEvent):
                return
            self.mark((*place, index), event)
            yield self.value(event, (*place, index))

    def members(self, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refused(event.start_mark, place, "a key must be text; quote it if it holds brackets or braces")
            inner = (*place, event.value)
            again = event.value in found
            if again:
                first = self.source.places[inner][0]
                message = f"is given twice, first in line {first}: join the two, the second would replace the first"
                self.source.faults.append(MappingFault(self.source.file, *_point(event), key_text(inner), message))
            else:
                self.mark(inner, event)
            value = self.value(next(self.events), inner)
            if not again:
                found[event.value] = value
        return found

    def mark(self, place: Place, event: Any) -> None:
        self.source.places.setdefault(place, _point(event))


def _point(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and isfinite(number := float(text)):
        return number
    return text
