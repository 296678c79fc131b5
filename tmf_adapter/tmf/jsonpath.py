"""The JSONPath (RFC 9535) of the ``filter`` parameter, as far as it can be asked of a database.

``note[?(@.author=='hotline')]`` finds the resources of which it selects something. The path begins with a member,
``$.`` and a member, or is ``$[?(...)]``, a condition on the resource itself. Brackets may be left out of ``?(...)``.
Conditions inside one ``[?...]`` hold for one and the same element. Anything else of JSONPath is refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tmf_adapter.tmf.attributes import Attribute, below, find
from tmf_adapter.tmf.condition import ANYTHING, And, Compare, Condition, Element, Exists, Not, Operator, Or, Path, Value
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.regex import compiled

LONGEST = 2_000
_DEEPEST = 20

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<regex>(?<==~)\s*/(?:[^/\\]|\\.)*/[a-z]*)
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[A-Za-z_\u0080-\U0010ffff][\w-]*)
    |(?P<at_name>@[A-Za-z]\w*(?=\s*[.\[=<>!&|)\]]|\s*$))
    |(?P<sign>&&|\|\||==|!=|<=|>=|=~|\.\.|[$@.\[\]()?!<>*,:])
    )""",
    re.VERBOSE,
)
_ORDERS = {"<": Operator.LT, "<=": Operator.LTE, ">": Operator.GT, ">=": Operator.GTE}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_WORDS = {"true": Value(boolean=True), "false": Value(boolean=False), "null": Value(null=True)}
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A regular expression, the right side of ``=~``."""

    text: str


def parse(text: str, root: Attribute, stored: Callable[[Path], Path]) -> Condition:
    """The condition that the expression is. Raises ``BadQuery``, naming the column or the unknown attribute."""
    if len(text) > LONGEST:
        raise BadQuery(f"The filter has {len(text)} characters.", f"At most {LONGEST} are possible.")
    return _Reader(text, root, stored).whole()


class _Reader:
    """Reads an expression from left to right. ``at`` is where in the resource ``@`` stands."""

    def __init__(self, text: str, root: Attribute, stored: Callable[[Path], Path]) -> None:
        self._tokens = _tokens(text)
        self._place = 0
        self._depth = 0
        self._root = root
        self._stored = stored

    def whole(self) -> Condition:
        if self._passes("$"):
            if self._next.text not in (".", "["):
                raise self._refused("a path goes on with '.' or '['")
            condition = self._selection((), is_first=False)
        else:
            condition = self._selection((), is_first=True)
        if self._next.kind != "end":
            raise self._refused("the expression should end here")
        return condition

    # --- tokens ---

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._next
        self._place += token.kind != "end"
        return token

    def _passes(self, *signs: str) -> bool:
        found = self._next.kind == "sign" and self._next.text in signs
        self._place += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._passes(sign):
            raise self._refused(f"{sign!r} is expected")

    def _refused(self, why: str) -> BadQuery:
        token = self._next
        is_end = token.kind == "end"
        found, remedy = ("the end", "In an address && is written %26%26.") if is_end else (repr(token.text[:40]), None)
        return BadQuery(f"The filter cannot be read at column {token.column}, {found}: {why}.", remedy)

    # --- paths ---

    def _selection(self, at: Path, *, is_first: bool) -> Condition:
        """A path with conditions on its way, and that it leads to something."""
        path = self._steps(at, is_first=is_first)
        if not self._is_condition():
            return Exists(self._relative(at, path))
        self._expect("[")
        self._expect("?")
        condition = self._any(path)
        self._expect("]")
        if self._next.text in (".", "["):
            condition = And((condition, self._selection(path, is_first=False)))
        return Element(self._relative(at, path), condition) if path != at else condition

    def _is_condition(self) -> bool:
        return self._next.text == "[" and self._tokens[self._place + 1].text == "?"

    def _steps(self, at: Path, *, is_first: bool) -> Path:
        """Members, from ``at`` on; ``[*]`` is every element, as is no bracket at all."""
        path = at
        while True:
            if is_first or self._passes("."):
                is_first = False
                path = (*path, self._name())
            elif self._next.text == "[" and not self._is_condition():
                path = self._bracket(path)
            else:
                return path

    def _bracket(self, path: Path) -> Path:
        self._expect("[")
        if self._passes("*"):
            pass
        elif self._next.kind == "string":
            path = (*path, _unescaped(self._take().text))
        else:
            raise self._refused("only '[?...]', '[*]' and a name in quotes are supported between brackets")
        self._expect("]")
        return path

    def _name(self) -> str:
        if self._next.kind not in ("name", "at_name"):
            raise self._refused("the name of a member is expected; '..', '.*' and functions are not supported")
        return self._take().text

    def _relative(self, at: Path, path: Path) -> Path:
        """How to get from ``at`` to ``path`` in what is stored. Raises ``BadQuery`` for what there is not."""
        found = find(self._root, path) if path else None
        if found is not None and found.characteristic is not None:
            raise BadQuery(
                f"There is no attribute {'.'.join(path)[:200]!r}.",
                f"Use {'.'.join(found.path)}[?(@.name=='{found.characteristic}' && @.value==...)].",
            )
        start, whole = (self._stored(each) if each else each for each in (at, path))
        return whole[len(start) :] if whole[: len(start)] == start else whole

    # --- conditions ---

    def _any(self, at: Path) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._refused("this is nested too deeply")
        parts = [self._all(at)]
        while self._passes("||"):
            parts.append(self._all(at))
        self._depth -= 1
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def _all(self, at: Path) -> Condition:
        parts = [self._one(at)]
        while self._passes("&&"):
            parts.append(self._one(at))
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def _one(self, at: Path) -> Condition:
        is_negated = False
        while self._passes("!"):
            is_negated = not is_negated
        if self._passes("("):
            condition = self._any(at)
            self._expect(")")
        else:
            condition = self._comparison(at)
        return Not(condition) if is_negated else condition

    def _comparison(self, at: Path) -> Condition:
        left = self._operand(at)
        sign = self._next
        if sign.text not in ("==", "!=", "=~", *_ORDERS):
            if isinstance(left, Value | _Pattern):
                raise self._refused("a comparison is expected")
            return self._exists(at, left) if isinstance(left, tuple) else left
        self._take()
        right = self._operand(at)
        if isinstance(left, Value | _Pattern):
            left, right = right, left
            sign = _Token(sign.kind, _TURNED.get(sign.text, sign.text), sign.column)
        if not isinstance(left, tuple) or not isinstance(right, Value | _Pattern):
            raise self._refused("one side is a path beginning with '@', the other a value")
        return self._compare(self._relative(at, left), sign.text, right)

    def _exists(self, at: Path, path: Path) -> Condition:
        return Exists(self._relative(at, path)) if path != at else ANYTHING

    def _compare(self, path: Path, sign: str, value: Value | _Pattern) -> Condition:
        if sign == "=~":
            pattern = value.text
            if pattern is None:
                raise self._refused("'=~' is followed by /a pattern/")
            compiled(pattern)
            return Compare(path, Operator.REGEX, (Value(pattern),))
        if isinstance(value, _Pattern):
            raise self._refused("a pattern stands behind '=~' only")
        if sign in _ORDERS:
            return Compare(path, _ORDERS[sign], (value,))
        equal = Compare(path, Operator.EQ, (value,))
        return Not(equal) if sign == "!=" else equal

    def _operand(self, at: Path) -> Value | _Pattern | Path | Condition:
        """A literal, a path that has been walked, or a path with conditions of its own."""
        token = self._next
        if token.kind == "at_name" or self._passes("@"):
            if token.kind == "at_name":
                return self._short(at)
            path = self._steps(at, is_first=False)
            return self._nested(at, path) if self._is_condition() else path
        if token.kind == "name" and token.text not in _WORDS:
            return self._steps(at, is_first=True)  # "[?(size==300)]", without its "@."
        if token.kind not in ("string", "number", "regex", "name"):
            raise self._refused("a value, or a path beginning with '@', is expected")
        return self._literal(self._take())

    def _short(self, at: Path) -> Path:
        """``@type`` for ``@['@type']``, and ``@size`` for ``@.size`` as in TMF630's own example."""
        name = self._take().text
        is_member = name in below(self._root, at).members
        return self._steps((*at, name if is_member else name[1:]), is_first=False)

    def _nested(self, at: Path, path: Path) -> Condition:
        inner = self._selection(path, is_first=False)
        return Element(self._relative(at, path), inner) if path != at else inner

    def _literal(self, token: _Token) -> Value | _Pattern:
        match token.kind:
            case "string":
                return Value.string(_unescaped(token.text))
            case "number":
                return Value(number=float(token.text))
            case "name":
                return _WORDS[token.text]
        pattern, _, flags = token.text.strip()[1:].rpartition("/")
        if flags:
            raise BadQuery(f"The flag {flags!r} of the regular expression /{pattern}/ is not supported.")
        return _Pattern(pattern.replace("\\/", "/"))


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            column = place + len(text[place:]) - len(text[place:].lstrip()) + 1
            raise BadQuery(f"The filter cannot be read at column {column}, {text[column - 1 : column + 19]!r}.")
        start = found.start(found.lastgroup)
        tokens.append(_Token(found.lastgroup, found[found.lastgroup], start + 1))
        place = found.end()
    return [*tokens, _Token("end", "", end + 1), _Token("end", "", end + 1)]


def _unescaped(quoted: str) -> str:
    def one(found: re.Match[str]) -> str:
        if code := found["code"]:
            return chr(int(code, 16))
        return _SIMPLE.get(found["simple"], found["simple"])

    text = re.sub(r"\\(?:u(?P<code>[0-9a-fA-F]{4})|(?P<simple>.))", one, quoted[1:-1], flags=re.DOTALL)
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise BadQuery(f"The filter holds half a character: {quoted[:40]}.") from None
