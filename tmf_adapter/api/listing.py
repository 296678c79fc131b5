"""Lists on the operator's side: which members narrow them, and which page is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from starlette.responses import Response

from tmf_adapter.api.dispatch import Request
from tmf_adapter.api.errors import respond
from tmf_adapter.tmf.errors import BadQuery
from tmf_adapter.tmf.query import number

T = TypeVar("T")

PAGE, MOST = 100, 1_000
DEEPEST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """``values`` are those of the query's parameters by name; ``offset`` and ``limit`` are within what is possible."""

    values: Mapping[str, str]
    offset: int = 0
    limit: int = PAGE

    @classmethod
    def of(cls, request: Request, *names: str) -> "Listing":
        """``names`` are the parameters beside offset and limit. Raises ``BadQuery`` for another, or one said twice."""
        values: dict[str, str] = {}
        for name, value in request.query:
            if name not in (*names, "offset", "limit"):
                raise BadQuery(f"The query parameter {name[:80]!r} is unknown.", f"There are: {', '.join(names)}.")
            if name in values:
                raise BadQuery(f"The query parameter {name} may be given once.")
            values[name] = value
        offset, limit = number("offset", values.pop("offset", "0")), number("limit", values.pop("limit", str(PAGE)))
        return cls(values, min(offset, DEEPEST), min(limit, MOST))

    def __getitem__(self, name: str) -> str | None:
        return self.values.get(name)

    def parsed(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The parameter as ``parse`` reads it, None for none. Raises ``BadQuery`` with the words of its ValueError."""
        value = self.values.get(name)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise BadQuery(f"The query parameter {name} cannot be {value[:80]!r}.", f"{error}.") from None

    def page(self, items: Sequence[Any], total: int) -> Response:
        """200 with the items, and how many there are here and in all."""
        counts = {"X-Total-Count": str(total), "X-Result-Count": str(len(items))}
        return respond(200, list(items), counts)


def instant(text: str) -> float:
    """Unix seconds of an RFC 3339 text. Raises ``ValueError`` for another, or one without its offset from UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("it must be an instant such as 2026-11-24T06:00:00Z")
    return moment.timestamp()


def one_of(*words: str) -> Callable[[str], str]:
    """Reads one of these. Raises ``ValueError`` for another."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"it must be one of {', '.join(words)}")
        return text

    return parse
