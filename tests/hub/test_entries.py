"""Acknowledgements of many drains: one transaction for all that come within a moment, and none of them left behind."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, cast

import pytest

from tmf_adapter.hub.delivery import Entry, State
from tmf_adapter.hub.entries import PACE, Entries
from tmf_adapter.hub.store import Report, Store
from tmf_adapter.storage.database import Database


class Books:
    """A database and its store that note what each transaction was for; ``lost`` are drained elsewhere."""

    def __init__(self, *lost: str) -> None:
        self.transactions: list[dict[str, list[int]]] = []
        self.lost = set(lost)
        self.is_away = False

    async def write(self, work: Callable[[Any], set[str]]) -> set[str]:
        if self.is_away:
            raise ConnectionError
        return work(None)

    def enter(self, _: object, reports: Mapping[str, Report]) -> set[str]:
        self.transactions.append({id: [entry.id for entry in report.entries] for id, report in reports.items()})
        return set(reports) - self.lost

    def entries(self) -> Entries:
        return Entries(cast(Database, self), cast(Store, self))


def a_report(number: int) -> Report:
    return Report([Entry(number, State.DELIVERED, 1)])


async def test_ten_drains_that_never_rest_share_a_transaction_every_20_ms() -> None:
    books = Books()
    entries = books.entries()

    async def drain(id: str) -> None:
        for number in range(5):
            assert await entries.write(id, a_report(number))
            await asyncio.sleep(0.001 * int(id))  # they do not keep step by themselves

    began = monotonic()
    await asyncio.gather(*(drain(str(number)) for number in range(10)))
    assert len(books.transactions) <= (monotonic() - began) / PACE + 1
    for id in map(str, range(10)):
        assert [number for written in books.transactions for number in written.get(id, ())] == [0, 1, 2, 3, 4]


async def test_a_lone_acknowledgement_does_not_wait() -> None:
    entries = Books().entries()
    async with asyncio.timeout(PACE / 2):
        assert await entries.write("a", a_report(1))


async def test_whose_lease_is_lost_is_told_so_and_nobody_else() -> None:
    entries = Books("b").entries()
    assert await asyncio.gather(*(entries.write(id, a_report(1)) for id in "abc")) == [True, False, True]


async def test_when_the_database_is_away_each_is_told_and_the_next_is_written() -> None:
    books = Books()
    entries = books.entries()
    books.is_away = True
    told = await asyncio.gather(*(entries.write(id, a_report(1)) for id in "ab"), return_exceptions=True)
    assert [type(error) for error in told] == [ConnectionError, ConnectionError]
    books.is_away = False
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.0):
            await entries.write("a", a_report(2))  # one that gave up waiting does not keep the others from it
    assert await entries.write("b", a_report(3))
    assert {"b": [3]}.items() <= books.transactions[-1].items()
