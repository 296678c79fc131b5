"""A set of mappings is exchanged as a whole, or not at all."""

import os
from pathlib import Path

import pytest

from tests.mapping.samples import sample, written
from tmf_adapter.mapping.faults import BadMapping
from tmf_adapter.mapping.live import LiveMappings


def _ids(live: LiveMappings) -> list[str]:
    return [mapping.id for mapping in live()]


def _document(id: str) -> dict[str, object]:
    return sample(id=id, when=[f"t.type == '{id}'"])


def test_an_edit_holds_once_it_is_read(tmp_path: Path) -> None:
    live = LiveMappings(written(tmp_path, a=_document("a")))
    before = live()
    assert not live.reload()  # nothing has changed
    assert live() is before
    written(tmp_path, b=_document("b"))
    assert live.reload()
    assert _ids(live) == ["a", "b"]
    assert [mapping.id for mapping in before] == ["a"]  # whoever asked before keeps what he was given


def test_a_faulty_directory_changes_nothing_until_it_is_mended(tmp_path: Path) -> None:
    live = LiveMappings(written(tmp_path, a=_document("a")))
    written(tmp_path, b=_document("b"))
    (tmp_path / "c.yaml").write_text("id: [")
    with pytest.raises(BadMapping):
        live.reload()
    assert _ids(live) == ["a"]  # not even the good one of the new files
    assert [Path(fault.file).name for fault in live.faults] == ["c.yaml"]
    (tmp_path / "c.yaml").unlink()
    assert live.reload()
    assert (_ids(live), live.faults) == (["a", "b"], ())


def test_a_directory_that_lost_all_its_mappings_changes_nothing(tmp_path: Path) -> None:
    live = LiveMappings(written(tmp_path, a=_document("a"), b=_document("b")))
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "b.yaml").unlink()
    with pytest.raises(BadMapping, match="no mapping is left of 2, which still hold"):
        live.reload()
    assert _ids(live) == ["a", "b"]
    assert len(live.faults) == 1
    written(tmp_path, b=_document("b"))
    assert live.reload()
    assert (_ids(live), live.faults) == (["b"], ())


def test_a_directory_that_was_empty_from_the_start_may_stay_so(tmp_path: Path) -> None:
    live = LiveMappings(tmp_path)
    assert not live.reload()
    assert live.faults == ()


def test_a_directory_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "mappings"
    directory.mkdir()
    live = LiveMappings(written(directory, a=_document("a")))
    (directory / "a.yaml").unlink()
    directory.rmdir()
    with pytest.raises(BadMapping):
        live.reload()
    assert _ids(live) == ["a"]


def test_nothing_starts_with_faulty_mappings(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("id: [")
    with pytest.raises(BadMapping):
        LiveMappings(tmp_path)


def test_files_are_read_when_they_have_come_to_rest(tmp_path: Path) -> None:
    live = LiveMappings(written(tmp_path, a=_document("a")))
    assert [live.is_stale(), live.is_stale()] == [False, False]
    written(tmp_path, b=_document("b"))
    assert not live.is_stale()  # somebody may still be writing
    assert live.is_stale()
    live.reload()
    assert not live.is_stale()


def test_a_refused_directory_is_left_alone_until_it_changes(tmp_path: Path) -> None:
    live = LiveMappings(written(tmp_path, a=_document("a")))
    (tmp_path / "b.yaml").write_text("id: [")
    with pytest.raises(BadMapping):
        live.reload()
    assert [live.is_stale(), live.is_stale()] == [False, False]
    os.utime(tmp_path / "b.yaml", ns=(1, 1))
    assert [live.is_stale(), live.is_stale()] == [False, True]


def test_a_change_of_the_vocabulary_is_a_change(tmp_path: Path) -> None:
    live = LiveMappings(written(tmp_path, a=_document("a")))
    codes = ("restored", "restored-line", "restored-workaround", "information-required", "information-not-provided")
    words = {code: {"means": "so", "partners": {"artemis": f"{code}!"}} for code in codes}
    written(tmp_path, reasons={"reasons": words})
    assert live().reasons.word("restored", "artemis") == "restored"
    assert live.reload()
    assert live().reasons.word("restored", "artemis") == "restored!"
    assert live().reasons.word("restored", "sonata") == "restored"


def test_a_pipe_among_the_files_is_a_fault_and_nothing_waits_for_it(tmp_path: Path) -> None:
    live = LiveMappings(written(tmp_path, a=_document("a")))
    os.mkfifo(tmp_path / "b.yaml")
    with pytest.raises(BadMapping, match="no ordinary file"):
        live.reload()
    assert _ids(live) == ["a"]


def test_a_fault_that_is_taken_away_again_is_forgotten(tmp_path: Path) -> None:
    live = LiveMappings(written(tmp_path, a=_document("a")))
    (tmp_path / "b.yaml").write_text("id: [")
    assert [live.is_stale() for _ in range(2)] == [False, True]
    with pytest.raises(BadMapping):
        live.reload()
    (tmp_path / "b.yaml").unlink()
    assert [live.is_stale() for _ in range(2)] == [False, True]
    assert not live.reload()
    assert (live.faults, live.is_stale()) == ((), False)
