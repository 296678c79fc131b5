"""Worlds on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.world import World, mapping_directory, world


@pytest.fixture
def remote(empty_database_url: str, tmp_path: Path) -> Iterator[World]:
    """The adapter beside a remote TMF656 server; it makes its tables itself."""
    with world(empty_database_url, mapping_directory(tmp_path)) as here:
        yield here


@pytest.fixture
def local(database_url: str, tmp_path: Path) -> Iterator[World]:
    """The adapter alone: its own service problems are what SM&O works on."""
    with world(database_url, mapping_directory(tmp_path), local=True) as here:
        yield here
