"""A set of mappings, in the order in which they are asked, with what planning needs to know of all of them."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import overload

from tmf_adapter.mapping.expression import Expression
from tmf_adapter.mapping.index import Index
from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.mapping.reasons import Reasons
from tmf_adapter.mapping.scan import Reads, reads_of
from tmf_adapter.tmf.events import Kind

NO_REASONS = Reasons()


class Mappings(Sequence[Mapping]):
    """Mappings in the order in which they are asked: by ``order``, then by file; and their vocabulary of reasons."""

    def __init__(self, mappings: Iterable[Mapping] = (), reasons: Reasons = NO_REASONS) -> None:
        self.reasons = reasons
        self._all = tuple(sorted(mappings, key=lambda mapping: (mapping.order, mapping.file)))
        for mapping in self._all:
            _ = mapping.form  # worked out now, so that no change waits for it
        self._by_kinds: dict[frozenset[Kind], tuple[Mapping, ...]] = {}
        self._indexes: dict[frozenset[Kind], Index] = {}

    @classmethod
    def of(cls, mappings: Sequence[Mapping]) -> "Mappings":
        """``mappings`` themselves, or put in order."""
        return mappings if isinstance(mappings, Mappings) else cls(mappings)

    @overload
    def __getitem__(self, index: int) -> Mapping: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping]: ...
    def __getitem__(self, index: int | slice) -> Mapping | Sequence[Mapping]:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def listening(self, kinds: frozenset[Kind]) -> tuple[Mapping, ...]:
        """Those that listen to any of ``kinds``, in order."""
        if kinds not in self._by_kinds:
            self._by_kinds[kinds] = tuple(one for one in self._all if not kinds.isdisjoint(one.events))
        return self._by_kinds[kinds]

    def filed(self, kinds: frozenset[Kind]) -> Index:
        """Finds those of ``listening`` that can match."""
        if kinds not in self._indexes:
            self._indexes[kinds] = Index(self.listening(kinds))
        return self._indexes[kinds]

    @cached_property
    def reads(self) -> Reads:
        """What the conditions of all of them read."""
        return reads_of(path for mapping in self._all for line in _asked(mapping) for path in line.paths)

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hexadecimal) of all of them and of their reasons: tells one set from another."""
        wordings = {code: [reason.means, dict(reason.partners)] for code, reason in self.reasons.codes.items()}
        known = json.dumps([[mapping.hash for mapping in self._all], wordings], sort_keys=True)
        return hashlib.sha256(known.encode()).hexdigest()

    @property
    def counters(self) -> frozenset[str]:
        """The counts of open tickets that somebody reads, such as ``byAccessNode``."""
        return self.reads.get("open", frozenset()) or frozenset()


def _asked(mapping: Mapping) -> Iterator[Expression]:
    """What is worked out to find whether a mapping matches."""
    return chain(mapping.when, (mapping.group.by,) if mapping.group else ())
