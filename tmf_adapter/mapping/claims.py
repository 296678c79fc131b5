"""What the lines of ``when`` claim of a ticket, as far as it can be told without one: which can never hold.

Read are comparisons of a path with texts (``t.status == 'held'``, ``t.type in ['fault']``, ``was.status != 'held'``),
alone or joined by ``&&``, and several of the same path joined by ``||``. Everything else claims nothing.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from tmf_adapter.mapping.expression import Expression
from tmf_adapter.mapping.faults import Place, listed
from tmf_adapter.mapping.parts import Mapping as MappingFile
from tmf_adapter.mapping.scan import Path, Token, read, tokens
from tmf_adapter.tmf.events import Kind
from tmf_adapter.tmf.lifecycle import TICKET

Steps = tuple[str | int, ...]
_NOW: Steps = ("t", "status")
_BEFORE: Steps = ("was", "status")
_STATUSES = frozenset(TICKET.edges)
_OPERATORS = frozenset({"==", "!=", "<", ">", "<=", ">=", "in", "+", "-", "*", "/", "%", "!", "?", "&&", "||"})


@dataclass(frozen=True)
class Claim:
    """A path has one of ``texts``, or none of them."""

    steps: Steps
    texts: frozenset[str]
    among: bool = True


@lru_cache(maxsize=4096)
def claims_of(source: str) -> tuple[Claim, ...]:
    """What a line claims; all of it must be true for the line to hold."""
    found = (_alternatives(part) for part in _split(source, "&&"))
    return tuple(claim for claim in found if claim)


def _split(source: str, operator: str) -> list[str]:
    """The operands of a chain of ``operator`` outside all brackets; the whole where there is none."""
    cuts, depth, pieces = [0], 0, list(tokens(source))
    for token in pieces:
        depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "sign" else 0
        if depth == 0 and token.text == "?":
            return [source]
        if depth == 0 and token.text == operator:
            cuts += [token.at, token.at + len(operator)]
    cuts.append(len(source))
    return [source[start:end] for start, end in zip(cuts[::2], cuts[1::2], strict=True)]


def _alternatives(part: str) -> Claim | None:
    """``a == 'x' || a == 'y'`` claims that a is one of the two."""
    found = [_claim(operand) for operand in _split(_bare(part), "||")]
    first = found[0]
    same = all(one is not None and first is not None and one.steps == first.steps and one.among for one in found)
    if first is None or (len(found) > 1 and not same):
        return None
    return Claim(first.steps, frozenset().union(*(one.texts for one in found if one)), first.among)


def _bare(part: str) -> str:
    """``(a == 'x' || a == 'y')`` without the parentheses around the whole."""
    text = part.strip()
    depth = 0
    for token in tokens(text):
        depth += (token.text == "(") - (token.text == ")") if token.kind == "sign" else 0
        if depth == 0 and token.at < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _claim(part: str) -> Claim | None:
    reading, pieces = read(part), list(tokens(part))
    if len(reading.paths) != 1 or reading.calls or not pieces or pieces[0].kind != "name":
        return None
    operators = [piece for piece in pieces if piece.text in _OPERATORS]
    if len(operators) != 1 or operators[0].text not in ("==", "!=", "in"):
        return None
    path, right = reading.paths[0], pieces[pieces.index(operators[0]) + 1 :]
    if not path.literals or not _only_texts(right):
        return None
    return Claim(path.steps, frozenset(path.literals), operators[0].text != "!=")


def _only_texts(pieces: Sequence[Token]) -> bool:
    return all(piece.kind == "string" or piece.text in "[,]" for piece in pieces)


@lru_cache(maxsize=4096)
def facts_of(when: tuple[Expression, ...]) -> Mapping[Steps, frozenset[str]]:
    """The texts that paths can have when all lines hold, as far as lines name them."""
    facts: dict[Steps, frozenset[str]] = {}
    for claim in (claim for line in when for claim in claims_of(line.source)):
        known = facts.get(claim.steps, _STATUSES if claim.steps in (_NOW, _BEFORE) else None)
        if claim.among:
            facts[claim.steps] = claim.texts if known is None else known & claim.texts
        elif known is not None:
            facts[claim.steps] = known - claim.texts
    return facts


def statuses(mapping: MappingFile) -> frozenset[str]:
    """Every status that a ticket can have when the mapping matches."""
    return frozenset(now for _, now in _moves(mapping, facts_of(mapping.when)))


def never_together(mapping: MappingFile) -> Iterator[tuple[Place, str]]:
    """Lines that cannot hold together with those before them, or with what the mapping listens to."""
    for index in range(len(mapping.when)):
        before, facts = facts_of(mapping.when[:index]), facts_of(mapping.when[: index + 1])
        if empty := next((steps for steps, texts in facts.items() if not texts), None):
            known = before.get(empty)
            earlier = f"{Path(empty)} is {listed(known)} by an earlier line" if known else f"{Path(empty)} has no other"
            yield ("when", index), f"can never hold: {earlier}; a condition on which both are false alone may need ||"
            return
        if facts.keys() & {_NOW, _BEFORE} and not list(_moves(mapping, facts)):
            yield ("when", index), f"can never hold for {listed(mapping.events)}: {_why_never(mapping, facts)}"
            return


def _why_never(mapping: MappingFile, facts: Mapping[Steps, Set[str]]) -> str:
    if mapping.events == (Kind.CREATE,) and _BEFORE in facts:
        return "a ticket that is created was nothing before"
    now, before = (listed(facts.get(steps, _STATUSES)) for steps in (_NOW, _BEFORE))
    return f"no ticket goes from {before} to {now}"


def _moves(mapping: MappingFile, facts: Mapping[Steps, Set[str]]) -> Iterator[tuple[str | None, str]]:
    """The statuses before and after that are possible for an event that the mapping listens to."""
    now, before = facts.get(_NOW, _STATUSES), facts.get(_BEFORE)
    for kind in mapping.events:
        if kind is Kind.CREATE:
            yield from ((None, status) for status in sorted(now) if before is None)
        else:
            pairs = product(sorted(before if before is not None else _STATUSES), sorted(now))
            yield from (pair for pair in pairs if _possible(kind, *pair))


def _possible(kind: Kind, before: str, now: str) -> bool:
    """Whether one PATCH can do it; on delete ``t`` is the ticket as it was."""
    if kind is Kind.DELETE:
        return before == now
    if kind is Kind.ATTRIBUTE and before == now:
        return True
    return now in TICKET.edges[before] and (kind is not Kind.RESOLVED or now == "resolved")


def implies(mapping: MappingFile, earlier: MappingFile) -> bool:
    """Whether every line of ``earlier`` holds whenever all lines of ``mapping`` do, as far as it can be told."""
    lines, facts = {line.source for line in mapping.when}, facts_of(mapping.when)
    return all(line.source in lines or _follows(line, facts) for line in earlier.when)


def _follows(line: Expression, facts: Mapping[Steps, Set[str]]) -> bool:
    claims = claims_of(line.source)
    whole = len(claims) == len(_split(line.source, "&&"))
    return whole and all(_holds(claim, facts.get(claim.steps)) for claim in claims)


def _holds(claim: Claim, known: Set[str] | None) -> bool:
    if known is None:
        return False
    return known <= claim.texts if claim.among else known.isdisjoint(claim.texts)


def exclusive(one: MappingFile, other: MappingFile) -> bool:
    """Whether the lines of the two can never hold for the same ticket, as far as it can be told."""
    first, second = facts_of(one.when), facts_of(other.when)
    return any(texts.isdisjoint(second[steps]) for steps, texts in first.items() if steps in second)
