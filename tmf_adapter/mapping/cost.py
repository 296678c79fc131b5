"""What evaluating an expression may cost, so that none takes long: limits on what is written, and on what it is given.

The CEL library cannot be interrupted, so everything is bounded beforehand. Measured on it: ``map`` and ``filter`` copy
the list that they build at each element, whole, at up to 0.3 us for each value in it; ``all``, ``exists`` and
``exists_one`` take 1 us an element; a pattern is compiled anew for each call.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tmf_adapter.mapping.scan import Path, Reading

LENGTH_LIMIT = 2048
"""Bytes of an expression."""
DEPTH_LIMIT = 2
SUMS_LIMIT = 64
PATTERN_LIMIT = 256
REPEAT_LIMIT = 1000
"""How often a pattern may repeat something, counted: ``([0-9]{2,4}:){8}`` repeats 32 times."""
MATCHES_LIMIT = 8
WALK_LIMITS = (None, 1000, 100)
"""How long the longest list or object may be for an expression whose macros nest that deep."""
MATCHED_LIMIT = 50
"""The same where a macro matches patterns: each costs up to a millisecond."""
LIGHT_LIST = 50
"""So short that every condition may walk it."""
COPY_LIMIT = 2_000_000
"""Values that may be copied while lists are built: about half a second of CPU, and 700 references to services."""
VALUE_LIMIT = 20_000
"""Values in a result, or in all that a template is filled with; a text counts one more for every 64 characters."""

_COPYING = frozenset({"map", "filter"})


def too_much(reading: Reading) -> str | None:
    """What an expression has too much of, with the remedy."""
    if reading.depth > DEPTH_LIMIT:
        return f"macros nested {reading.depth} deep: at most {DEPTH_LIMIT}, use a let value"
    if reading.sums > SUMS_LIMIT:
        return f"{reading.sums} times +: at most {SUMS_LIMIT}, use ${{...}} in a text, or let values"
    if len(reading.patterns) > MATCHES_LIMIT:
        return f"{len(reading.patterns)} times matches(): at most {MATCHES_LIMIT}, join the patterns with |"
    return next((wrong for pattern in reading.patterns if (wrong := _bad_pattern(pattern))), None)


def _bad_pattern(pattern: str | None) -> str | None:
    if pattern is None:
        return "matches() takes a pattern that is written out, such as matches('^[0-9]+$')"
    if len(pattern) > PATTERN_LIMIT:
        return f"a pattern of {len(pattern)} characters: at most {PATTERN_LIMIT}"
    repeated = 1
    for least, most in re.findall(r"\{(\d+)(?:,(\d*))?\}", pattern):
        repeated *= max(1, int(most or least))
    if repeated > REPEAT_LIMIT:
        return f"a pattern that repeats something {repeated} times: at most {REPEAT_LIMIT}"
    return None


@dataclass
class Weights:
    """How large the names of a scope are; worked out when first needed."""

    names: Mapping[str, Any]

    @cached_property
    def longest(self) -> int:
        """The length of the longest list or object in it."""
        return max((len(one) for one in _values(self.names) if isinstance(one, dict | list)), default=0)

    @cached_property
    def element(self) -> int:
        """The weight of the heaviest element of any list."""
        lists = (one for one in _values(self.names) if isinstance(one, list))
        return max((weight(one) for several in lists for one in several), default=1)

    @cached_property
    def members(self) -> dict[str, int]:
        """The weight of the heaviest value that stands under a name, for all objects that are elements of a list."""
        found: dict[str, int] = {}
        for several in (one for one in _values(self.names) if isinstance(one, list)):
            for name, value in (pair for one in several if isinstance(one, dict) for pair in one.items()):
                found[name] = max(found.get(name, 1), weight(value))
        return found


def beyond(reading: Reading, weights: Weights) -> str | None:
    """Why an expression would take too long with what it is given; None when it may be evaluated."""
    limit = WALK_LIMITS[reading.depth]
    if limit is None:
        return None
    longest = weights.longest
    limit = min(limit, MATCHED_LIMIT) if reading.patterns else limit
    if longest > limit:
        return f"the data has a list of {longest}, and such an expression may walk at most {limit}"
    if _COPYING.isdisjoint(reading.calls):
        return None
    copies: int = longest ** (reading.depth + 1) * _body_weight(reading, weights)
    if copies > COPY_LIMIT:
        return f"it would copy {copies} values for a list of {longest}, and at most {COPY_LIMIT} may be"
    return None


def _body_weight(reading: Reading, weights: Weights) -> int:
    """How many values one turn of a macro may leave behind."""
    outer = sum(weight(_at(path, weights.names)) for path in reading.inner)
    own = [
        weights.members.get(str(path.steps[1]), 1) if len(path.steps) > 1 else weights.element for path in reading.bound
    ]
    kept = weights.element if "filter" in reading.calls else 0
    return max(outer + sum(own), kept, 1)


def weight(value: Any) -> int:
    """How many values ``value`` consists of; a text counts one more for every 64 characters."""
    return sum(1 + len(one) // 64 if isinstance(one, str) else 1 for one in _values(value))


def _values(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _at(path: Path, names: Any) -> Any:
    for step in path.steps:
        try:
            names = names[step]
        except (LookupError, TypeError):
            return None
    return names
