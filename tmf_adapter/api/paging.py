"""The headers of a page (TMF630 part 1, paging): how many there are, and where the other pages are found."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from tmf_adapter.tmf.cursor import Cursor
from tmf_adapter.tmf.query import Page, Query

_LONGEST = 8_000
"""Characters of links that are told. Clients read no more than 16 or 64 kB of headers, and a query can be that long."""

_PLACES = frozenset({"offset", "limit", "after", "before"})

Pairs = Sequence[tuple[str, str]]


def page_headers(page: Page, query: Query, sent: Pairs, path: str, collection: str) -> dict[str, str]:
    """``X-Total-Count``, ``X-Result-Count`` and, unless the query is too long to repeat it, ``Link``.

    Links go by offset where the request did, else by cursors, which miss nothing while resources are added.
    """
    counts = {"X-Total-Count": str(page.total), "X-Result-Count": str(len(page.items))}
    links = ", ".join(f'<{path}{_query(pairs)}>; rel="{rel}"' for rel, pairs in _links(page, query, sent, collection))
    return {**counts, "Link": links} if len(links) <= _LONGEST else counts


def _links(page: Page, query: Query, sent: Pairs, collection: str) -> Iterator[tuple[str, Pairs]]:
    yield "self", sent
    if query.limit == 0:
        return
    kept = [pair for pair in sent if pair[0] not in _PLACES]
    size = ("limit", str(query.limit))
    is_by_offset = any(name == "offset" for name, _ in sent)
    yield "first", [*kept, *([("offset", "0")] if is_by_offset else []), size]
    if page.first:
        offset = max(query.offset - query.limit, 0)
        yield "prev", [*kept, _place("before", page.first, query, collection, offset if is_by_offset else None), size]
    if page.last:
        offset = query.offset + len(page.items)  # a page may end early
        yield "next", [*kept, _place("after", page.last, query, collection, offset if is_by_offset else None), size]
    yield "last", [*kept, ("offset", str(max(page.total - 1, 0) // query.limit * query.limit)), size]


def _place(name: str, cursor: Cursor, query: Query, collection: str, offset: int | None) -> tuple[str, str]:
    return (name, cursor.written(collection, query.sort)) if offset is None else ("offset", str(offset))


def _query(pairs: Pairs) -> str:
    return f"?{urlencode(pairs)}" if pairs else ""
