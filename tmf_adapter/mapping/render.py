"""Templates: JSON with ``${CEL}`` in its texts, compiled once and filled for each recovery.

A text that is one whole ``${...}`` becomes the value itself, of whatever type; ``${...}`` within text becomes text;
``$${`` stands for a plain ``${``. Keys are never filled.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from tmf_adapter.mapping.cost import VALUE_LIMIT, weight
from tmf_adapter.mapping.expression import BadExpression, Expression, Names, RenderError, Scope
from tmf_adapter.mapping.faults import Place
from tmf_adapter.mapping.scan import reads_of, tokens

Value = TypeVar("Value")


class BadTemplate(Exception):
    """Some ``${...}`` do not compile; ``complaints`` are the place within the template and the message of each."""

    def __init__(self, complaints: list[tuple[Place, str]]) -> None:
        super().__init__("; ".join(f"{pointer(place) or '/'}: {message}" for place, message in complaints))
        self.complaints = complaints


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that is not the same for all: fixed parts and expressions in turn."""

    parts: tuple[str | Expression, ...]

    @property
    def whole(self) -> Expression | None:
        """The expression that is all there is."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if isinstance(only, Expression) else None


class Template:
    """JSON with expressions in it. Equal when its source is; safe to share between threads."""

    __slots__ = ("_reads", "_tree", "placed", "source")

    def __init__(self, source: Any) -> None:
        """Raises ``BadTemplate`` with every complaint."""
        complaints: list[tuple[Place, str]] = []
        placed: list[tuple[Place, Expression]] = []
        self.source = source
        self._tree = _compiled(source, (), complaints, placed)
        if complaints:
            raise BadTemplate(complaints)
        self._reads = reads_of(path for _, expression in placed for path in expression.paths)
        self.placed = tuple(placed)
        """Every expression with its place within the template."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and other.source == self.source

    def __hash__(self) -> int:
        return hash(json.dumps(self.source, sort_keys=True))

    def __repr__(self) -> str:
        return f"Template({self.source!r})"

    def __str__(self) -> str:
        return self.source if isinstance(self.source, str) else json.dumps(self.source)

    def render(self, scope: Scope | Names) -> Any:
        """Fill it: fresh JSON each time. Raises ``RenderError`` with the place."""
        return _Filling(Scope.of(scope, self._reads)).filled(self._tree, ())


def render(template: Template, scope: Scope | Names) -> Any:
    """``template`` filled from ``scope``: fresh JSON each time. Raises ``RenderError`` with the place."""
    return template.render(scope)


def pointer(place: Place) -> str:
    """A place as an RFC 6901 pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)


def _compiled(
    source: Any, place: Place, complaints: list[tuple[Place, str]], placed: list[tuple[Place, Expression]]
) -> Any:
    if isinstance(source, dict):
        return {key: _compiled(value, (*place, key), complaints, placed) for key, value in source.items()}
    if isinstance(source, list):
        return [_compiled(value, (*place, index), complaints, placed) for index, value in enumerate(source)]
    if not isinstance(source, str) or "${" not in source:
        return source
    try:
        text = _text(source)
    except BadExpression as error:
        complaints.append((place, str(error)))
        return source
    placed.extend((place, part) for part in text.parts if isinstance(part, Expression))
    return text


@lru_cache(maxsize=8192)
def _text(source: str) -> _Text:
    return _Text(tuple(_parts(source)))


def _parts(source: str) -> Iterator[str | Expression]:
    fixed, at = "", 0
    while (start := source.find("${", at)) >= 0:
        if start > at and source[start - 1] == "$":
            fixed, at = fixed + source[at : start - 1] + "${", start + 2
            continue
        end = _end(source, start + 2)
        if fixed + source[at:start]:
            yield fixed + source[at:start]
        yield Expression(source[start + 2 : end].strip())
        fixed, at = "", end + 1
    if fixed + source[at:]:
        yield fixed + source[at:]


def _end(source: str, start: int) -> int:
    """Where the brace closes that opened before ``start``; braces in texts of the expression do not count."""
    depth = 1
    for token in tokens(source, start):
        depth += (token.text == "{") - (token.text == "}")
        if depth == 0:
            return token.at
    raise BadExpression(source, start + 1, "${ is never closed by }: close it, or write $${ for a plain ${,")


class _Filling:
    """One filling of one template: counts what it puts in, so that a small template cannot become a huge request."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.left = VALUE_LIMIT

    def filled(self, tree: Any, place: Place) -> Any:
        if isinstance(tree, dict):
            return {key: self.filled(value, (*place, key)) for key, value in tree.items()}
        if isinstance(tree, list):
            return [self.filled(value, (*place, index)) for index, value in enumerate(tree)]
        if not isinstance(tree, _Text):
            return tree
        try:
            if tree.whole is not None:
                return self.counted(tree.whole, tree.whole.value(self.scope))
            return "".join(part if isinstance(part, str) else self.text(part) for part in tree.parts)
        except RenderError as error:
            raise error.at(pointer(place)) from error

    def text(self, expression: Expression) -> str:
        return self.counted(expression, _as_text(expression, self.scope))

    def counted(self, expression: Expression, value: Value) -> Value:
        self.left -= weight(value)
        if self.left < 0:
            raise RenderError(expression.source, f"all values together are too large: at most {VALUE_LIMIT} may be")
        return value


def _as_text(expression: Expression, scope: Scope) -> str:
    value = expression.value(scope)
    if value is None:
        raise RenderError(expression.source, "null has no form within text")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
