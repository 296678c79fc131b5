"""The durable engine: promised work runs, at least once, when it is due, whatever fails."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tmf_adapter import engine as engine_module
from tmf_adapter.engine import Engine, Task
from tmf_adapter.storage.database import Database


class Journal:
    """Remembers what ran, and can be told to fail."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.given_up: list[tuple[str, str]] = []
        self.failures = 0
        self.news = asyncio.Event()

    async def work(self, key: str) -> None:
        self.ran.append(key)
        self.news.set()
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not today")

    async def give_up(self, key: str, reason: str) -> None:
        self.given_up.append((key, reason))
        self.news.set()

    async def until(self, condition: str) -> None:
        async with asyncio.timeout(20):
            while not eval(condition, {"self": self, "len": len}):
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
async def engine(database: Database, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    monkeypatch.setattr(engine_module, "RETRY_SECONDS", 0.05)
    engine = Engine(database, heartbeat=0.2, dead_after=1.0)
    await engine.launch({"note": Task(journal.work, journal.give_up)})
    yield engine
    await engine.close()


async def test_work_promised_in_a_committed_transaction_runs_once(
    database: Database, engine: Engine, journal: Journal
) -> None:
    await database.write(lambda tx: engine.start(tx, "note", "a"))
    await database.write(lambda tx: engine.start(tx, "note", "a"))
    await database.write(lambda tx: engine.start(tx, "note", "b"))
    await journal.until("len(self.ran) >= 2")
    await asyncio.sleep(0.3)
    assert sorted(journal.ran) == ["a", "b"]


async def test_work_promised_in_a_transaction_that_failed_never_runs(
    database: Database, engine: Engine, journal: Journal
) -> None:
    def promise_and_fail(tx: object) -> None:
        engine.start(tx, "note", "never")  # type: ignore[arg-type]
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await database.write(promise_and_fail)
    await database.write(lambda tx: engine.start(tx, "note", "after"))
    await journal.until("'after' in self.ran")
    assert journal.ran == ["after"]


async def test_work_waits_until_it_is_due(database: Database, engine: Engine, journal: Journal) -> None:
    due = datetime.now(UTC) + timedelta(seconds=1)
    await database.write(lambda tx: engine.start(tx, "note", "later", due))
    await journal.until("'later' in self.ran")
    assert datetime.now(UTC) >= due


async def test_forgotten_work_does_not_run(database: Database, engine: Engine, journal: Journal) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.5)
    await database.write(lambda tx: engine.start(tx, "note", "forgotten", due))
    await engine.forget("note", "forgotten")
    await asyncio.sleep(1.5)
    assert journal.ran == []


async def test_work_that_fails_is_tried_again(database: Database, engine: Engine, journal: Journal) -> None:
    journal.failures = 2
    await database.write(lambda tx: engine.start(tx, "note", "stubborn"))
    await journal.until("len(self.ran) == 3")
    assert journal.given_up == []


async def test_work_that_always_fails_is_given_up_with_its_reason(
    database: Database, engine: Engine, journal: Journal
) -> None:
    journal.failures = 100
    await database.write(lambda tx: engine.start(tx, "note", "hopeless"))
    await journal.until("len(self.given_up) == 1")
    assert journal.given_up == [("hopeless", "RuntimeError: not today")]
    assert len(journal.ran) == engine_module.TRIES
