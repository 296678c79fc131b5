"""CEL, the language of conditions and values: compiled once, evaluated without ever ending the caller.

The only module that calls the CEL library (library.py loads it). What an evaluation may cost is bounded in cost.py.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from tmf_adapter.mapping.cost import LENGTH_LIMIT, LIGHT_LIST, VALUE_LIMIT, Weights, beyond, too_much, weight
from tmf_adapter.mapping.library import cel
from tmf_adapter.mapping.plain import json_of
from tmf_adapter.mapping.scan import MACROS, Path, Reading, Reads, narrowed, read, reads_of

Names = Mapping[str, Any]
"""What an expression may read, by name: JSON values only."""

FUNCTIONS = MACROS | {
    *("has", "size", "contains", "startsWith", "endsWith", "matches"),
    *("string", "int", "uint", "double", "bytes", "timestamp", "duration", "type", "dyn"),
    *("getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek"),
    *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
}
"""All that an expression can call."""

_FAILURES = (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError)
"""What the library raises when it evaluates."""


class BadExpression(Exception):
    """The source does not compile. ``column`` counts from 1 within the expression."""

    def __init__(self, source: str, column: int, message: str) -> None:
        super().__init__(f"{message} at column {column} of {shortened(source)!r}")
        self.source, self.column, self.message = source, column, message


class RenderError(Exception):
    """A value cannot be made: ``place`` (RFC 6901 pointer, if any) and ``expression`` say which, ``cause`` why."""

    def __init__(self, expression: str, cause: str, place: str = "") -> None:
        super().__init__(f"{place + ': ' if place else ''}{shortened(expression)}: {cause}")
        self.expression, self.cause, self.place = expression, cause, place

    def at(self, place: str) -> "RenderError":
        """The same error, further out: ``place`` leads to where it says it is."""
        return RenderError(self.expression, self.cause, place + self.place)


class Truth(StrEnum):
    """How a condition came out. What is missing counts as false."""

    TRUE = "true"
    FALSE = "false"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition's truth, and for a condition that does not hold the reason in words."""

    truth: Truth
    reason: str = ""

    def __bool__(self) -> bool:
        return self.truth is Truth.TRUE


_LIGHT = 8
"""Values so small that they cannot matter for what may be walked or copied."""


class Scope:
    """Names made ready for expressions: converted once, then read by any number of them. For one thread at a time."""

    def __init__(self, names: Names) -> None:
        self.names = dict(names)
        self._context: cel.Context | None = None
        self._weights: Weights | None = None

    @classmethod
    def of(cls, scope: "Scope | Names", reads: Reads | None = None) -> "Scope":
        """``scope`` itself, or its names made ready: those that ``reads`` needs, all of them without it."""
        if isinstance(scope, Scope):
            return scope
        return cls(scope if reads is None else narrowed(scope, reads))

    def put(self, name: str, value: Any) -> None:
        """Add a name, or give it another value."""
        self.names[name] = value
        if weight(value) > _LIGHT:
            self._weights = None
        if self._context is not None:
            self._context.add_variable(name, value)

    @property
    def context(self) -> cel.Context:
        """The names in the library's own form. Raises ``ValueError`` for what is no JSON value."""
        if self._context is None:
            self._context = cel.Context(self.names)
        return self._context

    @property
    def is_plain(self) -> bool:
        """Whether the library can read its names, and no list in it is so long that a condition may not walk it."""
        try:
            return self.context is not None and self.weights.longest <= LIGHT_LIST
        except _FAILURES:
            return False

    @property
    def weights(self) -> Weights:
        """How large its names are."""
        if self._weights is None:
            self._weights = Weights(self.names)
        return self._weights


class Expression:
    """A CEL expression that compiles. Equal when its source is; safe to share between threads."""

    __slots__ = ("_execute", "_walks", "reading", "reads", "source")

    def __init__(self, source: str) -> None:
        """Raises ``BadExpression``."""
        self.source = source
        program, self.reading = _compile(source)
        self._execute = program.execute
        self._walks = self.reading.depth > 0
        self.reads = reads_of(self.reading.paths)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    @property
    def paths(self) -> tuple[Path, ...]:
        """What it reads from its scope, names bound by macros left out."""
        return self.reading.paths

    @property
    def variables(self) -> Set[str]:
        """The names it needs in its scope."""
        return self.reads.keys()

    def is_true(self, scope: Scope) -> bool:
        """Whether it is true; false when it is false, no condition, or cannot be evaluated."""
        try:
            if self._walks:
                return self._run(scope) is True
            return self._execute(scope.context) is True
        except _FAILURES:
            return False

    def holds(self, scope: Scope | Names) -> Finding:
        """Like ``is_true``, with the reason: ``t.char.x is missing``, or the values that it read."""
        prepared = Scope.of(scope, self.reads)
        try:
            value = self._run(prepared)
        except _FAILURES as error:
            return self._failed(error, prepared)
        if value is True:
            return Finding(Truth.TRUE)
        if value is False:
            return Finding(Truth.FALSE, self._seen(prepared))
        return Finding(Truth.FALSE, f"the value is {shortened(repr(value))}, which is neither true nor false")

    def value(self, scope: Scope | Names) -> Any:
        """Its value as JSON; points in time as RFC 3339, durations as ISO 8601 text. Raises ``RenderError``."""
        prepared = Scope.of(scope, self.reads)
        try:
            value = json_of(self._run(prepared))
            if (size := weight(value)) > VALUE_LIMIT:
                raise _TooMuch(f"the result has {size} values, and at most {VALUE_LIMIT} may be")
            return value
        except _FAILURES as error:
            raise RenderError(self.source, self._failed(error, prepared).reason) from error

    def _run(self, scope: Scope) -> Any:
        if self._walks and (why := beyond(self.reading, scope.weights)):
            raise _TooMuch(why)
        return self._execute(scope.context)

    def _failed(self, error: Exception, scope: Scope) -> Finding:
        if isinstance(error, _TooMuch):
            return Finding(Truth.FALSE, str(error))
        if isinstance(error, LookupError):
            return Finding(Truth.MISSING, f"{self._missing(error, scope)} is missing")
        if isinstance(error, TypeError):
            return Finding(Truth.FALSE, f"these types do not go together: {self._seen(scope)}")
        name = re.match(r"Undefined variable or function: '(\w+)'", str(error))
        if name and name[1] in FUNCTIONS:
            return Finding(Truth.FALSE, f"{name[1]}() does not take this: {self._seen(scope)}")
        if name:
            return Finding(Truth.MISSING, f"{name[1]} is missing")
        return Finding(Truth.FALSE, shortened(str(error).partition("\n")[0]))

    def _missing(self, error: LookupError, scope: Scope) -> str:
        """The first of its paths that leads nowhere, up to the step that does not exist."""
        for path in self.paths:
            value: Any = scope.names
            for index, step in enumerate(path.steps):
                if not _has(value, step):
                    return str(Path(path.steps[: index + 1]))
                value = value[step]
        return str(error.args[0]) if error.args else "a key"

    def _seen(self, scope: Scope) -> str:
        """The values that its paths have: ``t.status is 'held'``."""
        return ", ".join(dict.fromkeys(f"{path} is {_value_text(path, scope)}" for path in self.paths))


class _TooMuch(RuntimeError):
    pass


def _has(value: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(value, list) and -len(value) <= step < len(value)
    return isinstance(value, Mapping) and step in value


def _value_text(path: Path, scope: Scope) -> str:
    value: Any = scope.names
    for step in path.steps:
        if not _has(value, step):
            return "missing"
        value = value[step]
    return shortened(repr(value))


def shortened(text: str, length: int = 60) -> str:
    """``text`` with at most ``length`` characters."""
    return text if len(text) <= length else text[: length - 3] + "..."


@lru_cache(maxsize=8192)
def _compile(source: str) -> tuple[cel.Program, Reading]:
    """Compile each source once per process: mappings repeat their conditions, recoveries their mappings."""
    if not source.strip():
        raise BadExpression(source, 1, "empty: write a CEL expression")
    if len(source.encode("utf-8", "surrogatepass")) > LENGTH_LIMIT:
        raise BadExpression(source, LENGTH_LIMIT, f"longer than {LENGTH_LIMIT} bytes: split it into let values")
    reading = read(source)
    if wrong := too_much(reading):
        raise BadExpression(source, 1, wrong)
    try:
        return cel.compile(source), reading
    except ValueError as error:
        raise BadExpression(source, *_complaint(str(error))) from None


_CEL_FOR = {
    "and": "&&",
    "or": "||",
    "not": "!",
    "=": "==",
    "is": "==",
    "None": "null",
    "True": "true",
    "False": "false",
}
"""What other languages write, and CEL."""


def _complaint(text: str) -> tuple[int, str]:
    """Column and message of the library's first complaint, without its list of all tokens that it would have liked."""
    found = re.search(r"ERROR: <input>:(\d+):(\d+): (.*)", text)
    if found is None:
        return 1, shortened(text.partition("\n")[0], 200)
    column = int(found[2])
    if "'<EOF>'" in found[3]:
        return column, "it ends too early"
    wrong = re.match(r"Syntax error: .*?(?:input|at:?) '(.*?)'(?: expecting|$)", found[3])
    if wrong is None:
        return column, "it is not complete" if found[3].startswith("Incomplete") else found[3]
    piece = wrong[1].strip()
    right = _CEL_FOR.get(piece)
    return column, f"unexpected {piece!r}" + (f" (CEL writes {right})" if right else "")
