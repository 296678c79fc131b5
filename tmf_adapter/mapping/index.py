"""Which of many mappings can match at all: found by the texts that their lines ask for, without evaluating any.

A line such as ``t.type in ['fault', 'outage']`` cannot hold unless the ticket has one of the texts. Each mapping is
filed under one such claim, the one it shares with the fewest others; one that claims nothing is always a candidate.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tmf_adapter.mapping.claims import Claim, Steps, claims_of
from tmf_adapter.mapping.parts import Mapping as MappingFile


class Index:
    """Built once for a set of mappings; safe to share between threads."""

    def __init__(self, mappings: Sequence[MappingFile]) -> None:
        self._mappings = mappings
        self._always: list[int] = []
        self._filed: dict[Steps, dict[str, list[int]]] = {}
        claims = [_asked_for(mapping) for mapping in mappings]
        popular = Counter((claim.steps, text) for several in claims for claim in several for text in claim.texts)
        for position, several in enumerate(claims):
            if not several:
                self._always.append(position)
                continue
            rarest = min(several, key=lambda claim: sum(popular[claim.steps, text] for text in claim.texts))
            for text in rarest.texts:
                self._filed.setdefault(rarest.steps, {}).setdefault(text, []).append(position)

    def candidates(self, names: Mapping[str, Any]) -> list[MappingFile]:
        """Those that can match with these names, in order; all others have a line that is not true."""
        found = list(self._always)
        for steps, texts in self._filed.items():
            value = _at(steps, names)
            if isinstance(value, str):
                found += texts.get(value, ())
        return [self._mappings[position] for position in sorted(found)]


def _asked_for(mapping: MappingFile) -> list[Claim]:
    """What the event must have; ``mapping.id`` differs from mapping to mapping."""
    claims = (claim for line in mapping.when for claim in claims_of(line.source))
    return [claim for claim in claims if claim.among and claim.steps[0] != "mapping"]


def _at(steps: Steps, names: Any) -> Any:
    for step in steps:
        if isinstance(step, str) and isinstance(names, dict):
            names = names.get(step)
        elif isinstance(step, int) and isinstance(names, list) and 0 <= step < len(names):
            names = names[step]
        else:
            return None
    return names
