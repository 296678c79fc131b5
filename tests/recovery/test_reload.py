"""Mappings are taken up while the adapter runs."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.mapping.samples import sample, written
from tmf_adapter.mapping.faults import BadMapping
from tmf_adapter.mapping.live import LiveMappings
from tmf_adapter.recovery.reload import Reloading
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.schema import upgrade


async def _until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what it waits for happens in another thread
            await asyncio.sleep(0.01)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "mappings"
    path.mkdir()
    return written(path, a=sample(id="a", when=["t.type == 'a'"]))


@pytest.fixture
def reloading(directory: Path, database: Database) -> Reloading:
    upgrade(database)
    return Reloading(LiveMappings(directory), database, look_seconds=0.02)


async def test_an_edited_file_is_taken_up_and_a_faulty_one_is_told_of(
    reloading: Reloading, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watching = asyncio.create_task(reloading.watch())
    (directory / "b.yaml").write_text("id: [")
    await _until(lambda: "those from before still hold" in caplog.text)
    assert [mapping.id for mapping in reloading.mappings()] == ["a"]
    written(directory, b=sample(id="b", when=["t.type == 'b'"]))
    await _until(lambda: len(reloading.mappings()) == 2)
    watching.cancel()


async def test_a_hangup_reads_them_at_once(directory: Path, database: Database) -> None:
    upgrade(database)
    reloading = Reloading(LiveMappings(directory), database, look_seconds=3600)
    watching = asyncio.create_task(reloading.watch())
    await asyncio.sleep(0)
    written(directory, b=sample(id="b", when=["t.type == 'b'"]))
    os.kill(os.getpid(), signal.SIGHUP)
    await _until(lambda: len(reloading.mappings()) == 2)
    watching.cancel()


async def test_an_operator_is_told_what_is_wrong(reloading: Reloading, directory: Path) -> None:
    assert await reloading.reload() is False
    (directory / "b.yaml").write_text("id: [")
    with pytest.raises(BadMapping, match=r"b.yaml:2"):
        await reloading.reload()
