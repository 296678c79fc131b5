"""Listeners on real ports, and a room over a real database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.hub.room import OpenSink, Room
from tests.hub.sinks import Sink, Temper, accepts
from tmf_adapter.storage.database import Database


@pytest.fixture
async def sink_of() -> AsyncIterator[OpenSink]:
    """Opens listeners."""
    async with AsyncExitStack() as stack:

        async def open_sink(temper: Temper = accepts, port: int = 0) -> Sink:
            sink = await Sink(temper, port).start()
            stack.push_async_callback(sink.stop)
            return sink

        yield open_sink


@pytest.fixture
async def room(database: Database) -> AsyncIterator[Room]:
    async with AsyncExitStack() as stack:
        yield Room(database, stack)
