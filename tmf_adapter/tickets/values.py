"""What a specification says of one value: its type, the forms that it may have, and when that is so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tmf_adapter.tmf.events import Doc, same
from tmf_adapter.tmf.time import instant

Matches = Callable[[str], bool]
Compile = Callable[[str], Matches]
"""Makes a regular expression into a test of a whole text, in time linear in it; ``ValueError`` says what is wrong."""

INTERVALS = ("closed", "open", "closedBottom", "closedTop")
"""Which ends of a range belong to it; the first goes without saying."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of value, by what it is called in a sentence."""

    noun: str
    fits_one: Callable[[Any], bool]
    is_ordered: bool = False
    is_list: bool = False

    def fits(self, value: Any) -> bool:
        """Whether the value, as it stands under ``value``, is of the kind; a list may hold several."""
        if isinstance(value, list):
            return all(map(self.fits_one, value))
        return not self.is_list and self.fits_one(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()


def _is_instant(value: Any) -> bool:
    return isinstance(value, str) and instant(value) is not None


_TEXT = Kind("a text", lambda value: isinstance(value, str))
_INTEGER = Kind("an integer", _is_integer, is_ordered=True)
_NUMBER = Kind("a number", _is_number, is_ordered=True)
_BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))
_OBJECT = Kind("an object", lambda value: isinstance(value, dict))
_DATE = Kind("a date", lambda value: _is_instant(value) and len(value) == 10)
_INSTANT = Kind("a date and time", lambda value: _is_instant(value) and len(value) > 10)

_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("string", "text"), _TEXT),
    **dict.fromkeys(("integer", "int", "long"), _INTEGER),
    **dict.fromkeys(("number", "numeric", "float", "double", "decimal"), _NUMBER),
    **dict.fromkeys(("boolean", "bool"), _BOOLEAN),
    **dict.fromkeys(("object", "map"), _OBJECT),
    "date": _DATE,
    **dict.fromkeys(("datetime", "timestamp"), _INSTANT),
}


def kind_of(value_type: Any) -> Kind | None:
    """What ``valueType`` means, a free text in the standard; None where that is not known and nothing can be held."""
    if not isinstance(value_type, str):
        return None
    word = value_type.lower().replace("-", "").replace("_", "").replace("[]", "array").strip()
    if not word.endswith("array"):
        return _KINDS.get(word)
    one = _KINDS.get(word.removesuffix("array"))
    return one and Kind(f"a list, each {one.noun}", one.fits_one, one.is_ordered, is_list=True)


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when, in microseconds since 1970; None for an open end."""

    start: int | None
    end: int | None

    @classmethod
    def of(cls, holder: Doc) -> "Period":
        said = holder.get("validFor", {})
        return cls(instant(said.get("startDateTime", "")), instant(said.get("endDateTime", "")))

    def holds(self, now: int) -> bool:
        return (self.start is None or self.start <= now) and (self.end is None or now <= self.end)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One form that a value may have: a ``characteristicValueSpecification``."""

    document: Doc
    matches: Matches | None
    period: Period

    @classmethod
    def of(cls, document: Doc, compile: Compile) -> "Allowed":
        return cls(document, matcher(document, compile), Period.of(document))

    def fits(self, value: Any) -> bool:
        """Whether the value is the one named, lies in the range and matches the expression, as far as there are any."""
        said = self.document
        if "value" in said and not any(same(value, one) for one in each(said["value"])):
            return False
        if ("valueFrom" in said or "valueTo" in said) and not (_is_number(value) and self._is_within(value)):
            return False
        return is_match(self.matches, value)

    def _is_within(self, value: float) -> bool:
        interval = self.document.get("rangeInterval", INTERVALS[0])
        low, high = self.document.get("valueFrom", value), self.document.get("valueTo", value)
        above = value > low if interval in ("open", "closedTop") and "valueFrom" in self.document else value >= low
        below = value < high if interval in ("open", "closedBottom") and "valueTo" in self.document else value <= high
        return bool(above and below)

    def __str__(self) -> str:
        said = self.document
        words = [repr(said["value"])] if "value" in said else []
        if "valueFrom" in said or "valueTo" in said:
            words.append(f"{said.get('valueFrom', '...')} to {said.get('valueTo', '...')}")
        return ", ".join([*words, *([f"matching {said['regex']}"] if "regex" in said else [])])


def each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def matcher(holder: Doc, compile: Compile) -> Matches | None:
    return compile(holder["regex"]) if "regex" in holder else None


def is_match(matches: Matches | None, value: Any) -> bool:
    return matches is None or (isinstance(value, str) and matches(value))
