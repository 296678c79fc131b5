"""A downstream and a subscriber served in the test's own process, and a client for them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tmf_adapter.demo.downstream import Downstream
from tmf_adapter.demo.serving import listening
from tmf_adapter.demo.subscriber import Subscriber


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
async def subscriber() -> AsyncIterator[str]:
    """Its URL."""
    async with listening(Subscriber().app()) as url:
        yield url


@pytest.fixture
async def downstream() -> AsyncIterator[str]:
    """Its URL; problems take their next status after 50 ms."""
    async with listening(Downstream(delay=0.05).app()) as url:
        yield url
