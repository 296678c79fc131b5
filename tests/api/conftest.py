"""A shelf, and a client for it; tolerant unless a test builds its own."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.shelf import Shelf, client_of


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def client(shelf: Shelf) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shelf.app()) as client:
        yield client
