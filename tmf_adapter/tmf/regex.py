"""Regular expressions that mean the same everywhere, and take time in proportion to the text, whatever they are.

The subset: literals, ``.``, classes, ``* + ?`` behind one character, ``^`` and ``$`` at the ends, ``|`` between wholes.
There are no groups, so that nothing nests. ``.`` is any character, a line's end included; ``^`` and ``$`` are the ends
of the whole text; letters have a case. ``\\d \\w \\s`` are ASCII.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from tmf_adapter.tmf.errors import BadQuery

LONGEST = 100
_CLASSES = {"d": "0-9", "w": "0-9A-Z_a-z", "s": "\t-\r "}
_MOST_STATES = 1_000

Range = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Atom:
    """One character out of ``ranges`` (or none of them), as often as ``quantifier`` says: "", ``*``, ``+`` or ``?``."""

    ranges: tuple[Range, ...]
    is_negated: bool = False
    quantifier: str = ""

    def takes(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) != self.is_negated

    def written(self) -> str:
        """As PostgreSQL reads it."""
        if not self.ranges:
            return "." + self.quantifier
        members = "".join(_coded(low) if low == high else f"{_coded(low)}-{_coded(high)}" for low, high in self.ranges)
        return f"[{'^' if self.is_negated else ''}{members}]{self.quantifier}"


@dataclass(frozen=True, slots=True)
class Branch:
    """What stands between two ``|``."""

    atoms: tuple[Atom, ...]
    from_start: bool
    to_end: bool

    def written(self) -> str:
        inner = "".join(atom.written() for atom in self.atoms)
        return f"{'^' if self.from_start else ''}{inner}{'$' if self.to_end else ''}"


@dataclass(slots=True)
class Regex:
    """A pattern that can be searched for. Sets of places in the pattern are bits of an integer.

    ``search`` follows all ways through the pattern at once; a step once taken is remembered (a lazily made automaton).
    """

    branches: tuple[Branch, ...]
    _atoms: list[Atom | None] = field(default_factory=list)
    _starts: int = 0
    _restarts: int = 0
    _ends: int = 0
    _last_ends: int = 0
    _steps: dict[int, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for branch in self.branches:
            first = 1 << len(self._atoms)
            self._atoms += [*branch.atoms, None]
            last = 1 << (len(self._atoms) - 1)
            self._starts |= first
            self._restarts |= 0 if branch.from_start else first
            self._last_ends |= last
            self._ends |= 0 if branch.to_end else last
        self._starts, self._restarts = self._skipped(self._starts), self._skipped(self._restarts)

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in ``text``."""
        state = self._starts
        steps = self._steps
        for character in text:
            if state & self._ends:
                return True
            known = steps.get(state)
            if known is None:
                if len(steps) > _MOST_STATES:
                    steps.clear()
                known = steps[state] = {}
            following = known.get(character)
            if following is None:
                following = known[character] = self._step(state, character)
            state = following
        return bool(state & self._last_ends)

    def written(self) -> str:
        """As PostgreSQL reads it."""
        return "|".join(branch.written() for branch in self.branches)

    def literal(self) -> str:
        """The longest text that is part of whatever the pattern is found in; empty where there is none."""
        if len(self.branches) > 1:
            return ""
        runs = [""]
        for atom in self.branches[0].atoms:
            (low, high), *others = atom.ranges or (("", "x"),)
            if low == high and not others and not atom.is_negated and not atom.quantifier:
                runs[-1] += low
            else:
                runs.append("")
        return max(runs, key=len)

    def _step(self, state: int, character: str) -> int:
        reached = 0
        for place, atom in enumerate(self._atoms):
            if atom is not None and state >> place & 1 and atom.takes(character):
                reached |= 1 << (place + 1)
                reached |= 1 << place if atom.quantifier in ("*", "+") else 0
        return self._skipped(reached) | self._restarts

    def _skipped(self, state: int) -> int:
        """With the places that are reached by taking nothing."""
        for place, atom in enumerate(self._atoms):
            if atom is not None and state >> place & 1 and atom.quantifier in ("*", "?"):
                state |= 1 << (place + 1)
        return state


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Regex:
    """Raises ``BadQuery`` for whatever is outside the subset, naming the place."""
    if not 0 < len(pattern) <= LONGEST:
        raise BadQuery(f"A regular expression has 1 to {LONGEST} characters, not {len(pattern)}.")
    return Regex(tuple(_Reader(pattern).branches()))


def _coded(character: str) -> str:
    """A character as nobody can mistake it for an operator."""
    if character.isascii() and character.isalnum():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 1 << 16 else f"\\U{ord(character):08x}"


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def branches(self) -> Iterator[Branch]:
        yield self._branch()
        while self._next() == "|":
            self._at += 1
            yield self._branch()

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        character = self._next()
        self._at += 1
        return character

    def _branch(self) -> Branch:
        from_start = self._next() == "^"
        self._at += from_start
        atoms: list[Atom] = []
        while (following := self._next()) not in ("", "|", "$"):
            if following in "*+?^(){}":
                raise self._refused(f"{following!r} cannot stand here")
            atoms.append(self._atom())
        to_end = following == "$"
        self._at += to_end
        if self._next() not in ("", "|"):
            raise self._refused("'$' stands at the end only")
        if not atoms and not (from_start or to_end):
            raise self._refused("there is nothing to find")
        return Branch(tuple(atoms), from_start, to_end)

    def _atom(self) -> Atom:
        ranges, is_negated = self._character()
        quantifier = self._take() if self._next() and self._next() in "*+?" else ""
        if quantifier and self._next() and self._next() in "*+?":
            raise self._refused("one quantifier is enough")
        return Atom(ranges, is_negated, quantifier)

    def _character(self) -> tuple[tuple[Range, ...], bool]:
        match self._take():
            case ".":
                return (), True
            case "[":
                return self._class()
            case "\\":
                return self._escaped(), False
            case character:
                return ((character, character),), False

    def _escaped(self) -> tuple[Range, ...]:
        character = self._take()
        if members := _CLASSES.get(character):
            return _ranges(members)
        if character == "" or (character.isascii() and character.isalnum()):
            raise self._refused(f"'\\{character}' is not known")
        return ((character, character),)

    def _class(self) -> tuple[tuple[Range, ...], bool]:
        is_negated = self._next() == "^"
        self._at += is_negated
        ranges: list[Range] = []
        while (character := self._take()) != "]" or not ranges:
            if character in ("", "[", "]"):
                raise self._refused("a class is written like [a-z]")
            ranges += self._escaped() if character == "\\" else ((character, self._upper(character)),)
        return tuple(ranges), is_negated

    def _upper(self, lower: str) -> str:
        """The end of a range that begins with ``lower``; ``lower`` itself where there is none."""
        if self._next() != "-" or self._pattern[self._at + 1 : self._at + 2] in ("", "]"):
            return lower
        self._at += 1
        upper = self._take()
        if upper in ("[", "\\") or upper < lower:
            raise self._refused("a range goes from a lower character to a higher one")
        return upper

    def _refused(self, why: str) -> BadQuery:
        return BadQuery(
            f"The regular expression {self._pattern!r} cannot be used: {why} (character {max(self._at, 1)}).",
            "Possible are literals, '.', classes like [a-z], '*', '+', '?', '|' and '^', '$' at the ends; no groups.",
        )


def _ranges(members: str) -> tuple[Range, ...]:
    """``0-9_`` as pairs."""
    ranges: list[Range] = []
    while members:
        is_range = members[1:2] == "-"
        ranges.append((members[0], members[2] if is_range else members[0]))
        members = members[3 if is_range else 1 :]
    return tuple(ranges)
