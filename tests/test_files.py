"""Files that operators edit are read whole, or not at all; nothing is ever waited for."""

import os
from pathlib import Path

import pytest

from tmf_adapter.files import read


def test_an_ordinary_file_is_read_whole_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a")
    assert read(tmp_path / "a", 5) == read(tmp_path / "link", 5) == b"12345"


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    (tmp_path / "directory").mkdir()
    for name in ("pipe", "loop", "zeros", "directory", "nowhere"):
        with pytest.raises(OSError, match=name):
            read(tmp_path / name, 5)


def test_a_file_that_is_too_large_is_refused_with_both_numbers(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123456")
    with pytest.raises(OSError, match="6 bytes, 5 are possible"):
        read(tmp_path / "a", 5)
