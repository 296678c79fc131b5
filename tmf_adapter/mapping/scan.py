"""What a CEL expression refers to, read from its tokens: paths, calls, compared literals, nesting of its macros.

The CEL library tells names only, and counts those that a macro binds among them. This reader is exact about paths or
says less: where a path goes on in a way that is known at run time only, it ends.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_WORDS = frozenset({"true", "false", "null", "in"})

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>[rRbB]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"
                               |'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?[uU]?)
      | (?P<sign>==|!=|<=|>=|&&|\|\||.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression: string, name, number or sign; ``at`` counts characters from 0."""

    kind: str
    text: str
    at: int


def tokens(source: str, start: int = 0) -> Iterator[Token]:
    """The tokens of ``source`` from ``start``; any text has tokens, an illegal character is a sign."""
    for match in _TOKEN.finditer(source, start):
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), match.start())


@dataclass(frozen=True, slots=True)
class Path:
    """``t.rel.line[0].id`` as its steps; ``literals`` are the texts it is compared with."""

    steps: tuple[str | int, ...]
    literals: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        return str(self.steps[0])

    def __str__(self) -> str:
        return self.root + "".join(map(_step_text, self.steps[1:]))


def _step_text(step: str | int) -> str:
    plain = isinstance(step, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", step)
    return f".{step}" if plain else f"[{step!r}]"


@dataclass(frozen=True, slots=True)
class Reading:
    """All that an expression refers to. ``depth`` is how deep its macros nest, 0 without any."""

    paths: tuple[Path, ...]
    calls: tuple[str, ...]
    depth: int
    inner: tuple[Path, ...] = ()
    """What is read again for each element that a macro walks: those of ``paths`` that stand within one."""
    bound: tuple[Path, ...] = ()
    """What is read of the elements themselves, by the names that macros bind."""
    made: int = 0
    """How many literals, lists and objects stand within macros: each is made anew for each element."""
    sums: int = 0
    """How many + it has."""
    patterns: tuple[str | None, ...] = ()
    """The pattern of each ``matches``; None for one that is known at run time only."""


def read(source: str) -> Reading:
    """Read a ``source`` that compiles; names bound by a macro are no paths."""
    return _Reader(source).read()


Reads = Mapping[str, frozenset[str] | None]
"""What expressions read: of each name which members, None for all of it."""


def reads_of(paths: Iterable[Path]) -> Reads:
    """What ``paths`` read together."""
    found: dict[str, frozenset[str] | None] = {}
    for path in paths:
        member = path.steps[1] if len(path.steps) > 1 else None
        before = found.get(path.root, frozenset())
        found[path.root] = before | {member} if before is not None and isinstance(member, str) else None
    return found


def narrowed(names: Mapping[str, Any], reads: Reads) -> dict[str, Any]:
    """The part of ``names`` that is read. Making names ready costs far more than evaluating, and a ticket is large."""
    found: dict[str, Any] = {}
    for name, members in reads.items():
        if name in names and (members is None or not isinstance(names[name], dict)):
            found[name] = names[name]
        elif name in names and members is not None:
            found[name] = {member: names[name][member] for member in members if member in names[name]}
    return found


class _Reader:
    def __init__(self, source: str) -> None:
        self.tokens = list(tokens(source))
        self.at = 0
        self.open: list[str | None] = []
        """One entry per open parenthesis: the name that its macro binds, if it is a macro's."""
        self.paths: list[Path] = []
        self.calls: list[str] = []
        self.inner: list[Path] = []
        self.bound: list[Path] = []
        self.patterns: list[str | None] = []
        self.depth = 0
        self.made = 0

    def read(self) -> Reading:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.made += any(self.open) and (token.kind in ("string", "number") or token.text in ("[", "{"))
            if token.text == "(":
                self._open()
            elif token.text == ")" and self.open:
                self.open.pop()
            elif token.kind == "name" and token.text not in _WORDS and self._text(-1) != ".":
                self._name(token)
                continue
            self.at += 1
        sums = sum(token.text == "+" for token in self.tokens)
        within = (tuple(self.inner), tuple(self.bound))
        return Reading(tuple(self.paths), tuple(self.calls), self.depth, *within, self.made, sums, tuple(self.patterns))

    def _text(self, offset: int) -> str:
        index = self.at + offset
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def _kind(self, offset: int) -> str:
        index = self.at + offset
        return self.tokens[index].kind if 0 <= index < len(self.tokens) else ""

    def _open(self) -> None:
        called = self._kind(-1) == "name" and self._text(-1) not in _WORDS
        if called:
            self.calls.append(self._text(-1))
        if called and self._text(-1) == "matches":
            self.patterns.append(self._pattern())
        binds = called and self._text(-1) in MACROS and self._text(-2) == "." and self._kind(1) == "name"
        self.open.append(self._text(1) if binds else None)
        self.depth = max(self.depth, sum(name is not None for name in self.open))

    def _name(self, token: Token) -> None:
        self.at += 1
        if self._text(0) == "(" or (self._text(-2) == "(" and self._binding(token.text)):
            return
        steps = [token.text, *self._steps()]
        if token.text in self.open:
            self.bound.append(Path(tuple(steps)))
            return
        self.paths.append(Path(tuple(steps), self._literals()))
        if any(self.open):
            self.inner.append(self.paths[-1])

    def _pattern(self) -> str | None:
        """The text that is the only argument of the call whose parenthesis opens here."""
        alone = self._kind(1) == "string" and self._text(2) == ")"
        pattern = _literal(self._text(1)) if alone else None
        return pattern if isinstance(pattern, str) else None

    def _binding(self, name: str) -> bool:
        """Whether the name just read is the first argument of the macro that binds it."""
        return bool(self.open) and self.open[-1] == name and self._text(0) == ","

    def _steps(self) -> Iterator[str | int]:
        while True:
            if self._text(0) == "." and self._kind(1) == "name" and self._text(2) != "(":
                yield self._text(1)
                self.at += 2
            elif self._text(0) == "[" and self._text(2) == "]" and self._kind(1) in ("string", "number"):
                key = _literal(self._text(1))
                if not isinstance(key, str | int):
                    return
                yield key
                self.at += 3
            else:
                return

    def _literals(self) -> tuple[str, ...]:
        """The texts right of ``==``, ``!=`` or ``in [...]`` behind a path; the position stays."""
        if self._text(0) in ("==", "!=") and self._kind(1) == "string" and self._text(2) not in ("+", ".", "["):
            found = [self._text(1)]
        elif self._text(0) == "in" and self._text(1) == "[":
            found = self._listed()
        else:
            return ()
        return tuple(text for text in map(_literal, found) if isinstance(text, str))

    def _listed(self) -> list[str]:
        rest = self.tokens[self.at + 2 :]
        end = next((index for index, token in enumerate(rest) if token.text == "]"), 0)
        alone = [token for token in rest[:end] if token.text != ","]
        both = any(one.text != "," and two.text != "," for one, two in pairwise(rest[:end]))
        return [] if both else [token.text for token in alone if token.kind == "string"]


def _literal(text: str) -> object:
    """The value of a literal; CEL's are close enough to Python's, what is not has no value here."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
