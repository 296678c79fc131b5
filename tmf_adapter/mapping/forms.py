"""The commonest forms of conditions, compiled to Python: several times quicker than the CEL library, never otherwise.

=======  ==========================================================================================
any      ``all || all``
all      ``one && one``
one      ``!one``, ``(any)``, ``has(path)``, ``'text' in path``, ``path in ['text', ...]``, ``path.startsWith('text')``,
         ``path.exists(name, any)``, ``path.all(name, any)``; ``path`` or ``size(path)`` compared with a number or,
         by ``==`` and ``!=``, with a text
=======  ==========================================================================================

What is true or false here is so in the library. Where Python cannot say (a type that does not go with its operator, a
text beyond ASCII whose size is asked for) it says nothing, and the library is asked. Syntax trees are built, not text.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tmf_adapter.mapping.scan import tokens

_NAMES = "names"
_PLAIN_TEXT = re.compile(r"""'[^'\\]*'|"[^"\\]*\"""")
_PLAIN_NUMBER = re.compile(r"0|[1-9]\d{0,14}|(?:0|[1-9]\d{0,8})\.\d{1,6}")
_SIGNS: Mapping[str, type[ast.cmpop]] = {
    **{"==": ast.Eq, "!=": ast.NotEq},
    **{"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE},
}
_WALKS = {"exists": "any", "all": "all"}
_DEEP = 16
_EXACT = 2**53
"""Up to here whole numbers and fractions compare alike everywhere."""


@dataclass(frozen=True, slots=True)
class Form:
    """Conditions that must all hold, as one function of Python.

    ``test`` takes the names of a scope that is plain, since it asks for no leave to walk a list. It raises
    ``LookupError`` where something is missing, ``TypeError`` where the library has to be asked. With ``needs_all``
    nothing can make up for what is missing.
    """

    test: Callable[[Mapping[str, Any]], bool]
    needs_all: bool


@lru_cache(maxsize=8192)
def has_form(source: str) -> bool:
    """Whether ``source``, which compiles, has one of the forms."""
    try:
        _Reader(source).whole()
    except _NoForm:
        return False
    return True


def form_of(sources: Sequence[str]) -> Form:
    """The form of several conditions that have one; those that walk lists are tried last."""
    readers = sorted((_Reader(source) for source in sources), key=lambda reader: reader.walks)
    body = ast.BoolOp(ast.And(), [ast.Constant(True), *(reader.whole() for reader in readers)])
    names = ast.arguments(posonlyargs=[], args=[ast.arg(_NAMES)], kwonlyargs=[], kw_defaults=[], defaults=[])
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(names, body)))
    test = eval(compile(tree, "<conditions>", "eval"), _CHECKS)
    decided = any(token.text in ("||", "!") for reader in readers for token in reader.tokens)
    return Form(test, not decided)


class _NoForm(Exception):
    pass


class _Reader:
    """Reads tokens from the left. ``bound`` are the names that stand for elements."""

    def __init__(self, source: str) -> None:
        self.tokens = list(tokens(source))
        self.walks = any(token.kind == "name" and token.text in _WALKS for token in self.tokens)
        self.at = 0
        self.depth = 0

    def whole(self) -> ast.expr:
        """The whole source. Raises ``_NoForm``."""
        found = self.any(frozenset())
        if self.at != len(self.tokens):
            raise _NoForm
        return found

    def any(self, bound: Set[str]) -> ast.expr:
        return self._joined(bound, "||", ast.Or(), self._all)

    def _all(self, bound: Set[str]) -> ast.expr:
        return self._joined(bound, "&&", ast.And(), self._one)

    def _joined(
        self, bound: Set[str], sign: str, operator: ast.boolop, operand: Callable[[Set[str]], ast.expr]
    ) -> ast.expr:
        found = [operand(bound)]
        while self._takes(sign):
            found.append(operand(bound))
        return found[0] if len(found) == 1 else ast.BoolOp(operator, found)

    def _one(self, bound: Set[str]) -> ast.expr:
        """Anything between two ``&&``; a comparison is no operand of ``!``, which binds closer."""
        if (closed := self._closed(bound)) is not None:
            return closed
        if self._kind() == "string":
            text = self._literal()
            self._must("in")
            return _compared(ast.Constant(text), ast.In(), _call("holder", self._path(bound)))
        if self._text() == "size" and self._text(1) == "(":
            self.at += 2
            size = _call("size", self._path(bound))
            self._must(")")
            return self._against_number(size)
        value = self._path(bound)
        if self._takes("."):
            return self._called(value, bound)
        if self._takes("in"):
            return _compared(_call("text_or_none", value), ast.In(), self._texts())
        if self._kind(1) == "string" and self._text() in ("==", "!="):
            return _compared(value, self._sign(), ast.Constant(self._literal()))
        return self._against_number(_call("number", value))

    def _closed(self, bound: Set[str]) -> ast.expr | None:
        self.depth += 1
        if self.depth > _DEEP:
            raise _NoForm
        try:
            if self._takes("!"):
                inner = self._closed(bound)
                return ast.UnaryOp(ast.Not(), inner if inner is not None else self._call_on_path(bound))
            if self._takes("("):
                inner = self.any(bound)
                self._must(")")
                return inner
            return self._has(bound) if self._text() == "has" and self._text(1) == "(" else None
        finally:
            self.depth -= 1

    def _call_on_path(self, bound: Set[str]) -> ast.expr:
        value = self._path(bound)
        self._must(".")
        return self._called(value, bound)

    def _has(self, bound: Set[str]) -> ast.expr:
        self.at += 2
        path = self._path(bound)
        self._must(")")
        if not isinstance(path, ast.Subscript) or self._text(-2) == "]":
            raise _NoForm
        return _compared(path.slice, ast.In(), _call("thing", path.value))

    def _called(self, value: ast.expr, bound: Set[str]) -> ast.expr:
        name = self._word()
        self._must("(")
        if name == "startsWith":
            start = ast.Attribute(_call("text", value), "startswith", ast.Load())
            found: ast.expr = ast.Call(start, [ast.Constant(self._literal())], [])
        elif name in _WALKS:
            found = self._walk(name, value, bound)
        else:
            raise _NoForm
        self._must(")")
        return found

    def _walk(self, name: str, value: ast.expr, bound: Set[str]) -> ast.expr:
        element = self._word()
        self._must(",")
        body = self.any(bound | {element})
        each = ast.comprehension(ast.Name(_local(element), ast.Store()), _call("several", value), [], 0)
        return _call(_WALKS[name], ast.GeneratorExp(body, [each]))

    def _against_number(self, value: ast.expr) -> ast.expr:
        sign = self._sign()
        return _compared(value, sign, ast.Constant(self._number()))

    # -- pieces --------------------------------------------------------------------------------------------------------

    def _path(self, bound: Set[str]) -> ast.expr:
        root = self._word()
        value: ast.expr = (
            ast.Name(_local(root), ast.Load()) if root in bound else _at(ast.Name(_NAMES, ast.Load()), root)
        )
        while True:
            if self._text() == "." and self._kind(1) == "name" and self._text(2) != "(":
                self.at += 1
                value = _at(value, self._word())
            elif self._takes("["):
                numbered = self._kind() == "number"
                value = _at(_call("several", value), self._index()) if numbered else _at(value, self._literal())
                self._must("]")
            else:
                return value

    def _texts(self) -> ast.Set:
        self._must("[")
        found = [self._literal()]
        while self._takes(","):
            found.append(self._literal())
        self._must("]")
        return ast.Set([ast.Constant(text) for text in found])

    def _text(self, offset: int = 0) -> str:
        index = self.at + offset
        return self.tokens[index].text if index < len(self.tokens) else ""

    def _kind(self, offset: int = 0) -> str:
        index = self.at + offset
        return self.tokens[index].kind if index < len(self.tokens) else ""

    def _takes(self, text: str) -> bool:
        found = self._text() == text
        self.at += found
        return found

    def _must(self, text: str) -> None:
        if not self._takes(text):
            raise _NoForm

    def _piece(self, kind: str) -> str:
        if self._kind() != kind:
            raise _NoForm
        self.at += 1
        return self._text(-1)

    def _word(self) -> str:
        if (word := self._piece("name")) in ("true", "false", "null", "in"):
            raise _NoForm
        return word

    def _literal(self) -> str:
        if not _PLAIN_TEXT.fullmatch(text := self._piece("string")):
            raise _NoForm
        return text[1:-1]

    def _number(self) -> int | float:
        if not _PLAIN_NUMBER.fullmatch(text := self._piece("number")):
            raise _NoForm
        return float(text) if "." in text else int(text)

    def _index(self) -> int:
        if not isinstance(number := self._number(), int):
            raise _NoForm
        return number

    def _sign(self) -> ast.cmpop:
        if (sign := _SIGNS.get(self._piece("sign"))) is None:
            raise _NoForm
        return sign()


def _local(name: str) -> str:
    """What an element is called, so that it can be no name of ours."""
    return f"each_{name}"


def _at(value: ast.expr, step: str | int) -> ast.Subscript:
    return ast.Subscript(value, ast.Constant(step), ast.Load())


def _call(name: str, value: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [value], [])


def _compared(left: ast.expr, sign: ast.cmpop, right: ast.expr) -> ast.Compare:
    return ast.Compare(left, [sign], [right])


# -- what a value must be for Python to say what the library says ------------------------------------------------------


def _thing(value: Any) -> Any:
    if type(value) is dict:
        return value
    raise TypeError


def _several(value: Any) -> Any:
    if type(value) is list:
        return value
    raise TypeError


def _holder(value: Any) -> Any:
    if type(value) is list or type(value) is dict:
        return value
    raise TypeError


def _text(value: Any) -> Any:
    if type(value) is str:
        return value
    raise TypeError


def _text_or_none(value: Any) -> Any:
    return value if type(value) is str else None


def _number(value: Any) -> Any:
    if (type(value) is int or type(value) is float) and -_EXACT < value < _EXACT:
        return value
    raise TypeError


def _size(value: Any) -> int:
    """The library counts the bytes of a text."""
    if type(value) is list or type(value) is dict or (type(value) is str and value.isascii()):
        return len(value)
    raise TypeError


_CHECKS: dict[str, Any] = {
    "__builtins__": {},
    **{"any": any, "all": all, "thing": _thing, "several": _several, "holder": _holder, "text": _text},
    **{"text_or_none": _text_or_none, "number": _number, "size": _size},
}
