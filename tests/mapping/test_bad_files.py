"""Every file under bad/ is named after its one fault, and says in its first line what must be said of it."""

import shutil
from pathlib import Path

import pytest

from tmf_adapter.mapping.faults import BadMapping, Severity
from tmf_adapter.mapping.lint import lint, load_checked, report_lines

BAD = Path(__file__).parent / "bad"


def _directory(case: Path, tmp_path: Path) -> Path:
    """A directory with the case alone; a case of several files is one already."""
    if case.is_dir():
        return case
    shutil.copy(case, tmp_path)
    return tmp_path


def _expected(directory: Path) -> tuple[Path, str]:
    for path in sorted(directory.iterdir()):
        first = path.read_bytes().splitlines()[:1]
        if first and first[0].startswith(b"# expect: "):
            return path, first[0].decode().removeprefix("# expect: ")
    raise AssertionError(f"no file of {directory} says what to expect")


@pytest.mark.parametrize("case", sorted(BAD.iterdir()), ids=lambda case: case.stem)
def test_a_faulty_file_is_refused_with_its_place_and_its_remedy(case: Path, tmp_path: Path) -> None:
    directory = _directory(case, tmp_path)
    path, expected = _expected(directory)
    faults = lint(directory)
    assert len(faults) == 1, "\n".join(report_lines(faults))
    assert faults[0].file == str(path)
    assert expected in report_lines(faults)[0]


@pytest.mark.parametrize("case", sorted(BAD.iterdir()), ids=lambda case: case.stem)
def test_what_lint_calls_an_error_stops_the_start_and_a_warning_does_not(case: Path, tmp_path: Path) -> None:
    directory = _directory(case, tmp_path)
    errors = [fault for fault in lint(directory) if fault.severity is Severity.ERROR]
    if not errors:
        assert len(load_checked(directory)) > 0
        return
    with pytest.raises(BadMapping) as raised:
        load_checked(directory)
    assert list(raised.value.faults) == errors


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    for name in ("bad-cel.yaml", "bad-duration.yaml", "not-utf-8.yaml"):
        shutil.copy(BAD / name, tmp_path)
    with pytest.raises(BadMapping) as raised:
        load_checked(tmp_path)
    names = [Path(fault.file).name for fault in raised.value.faults]
    assert names == ["bad-cel.yaml", "bad-duration.yaml", "not-utf-8.yaml"]


def test_a_directory_that_is_not_there_is_a_fault_of_its_own(tmp_path: Path) -> None:
    [fault] = lint(tmp_path / "nowhere")
    assert str(fault) == f"{tmp_path / 'nowhere'}: error: cannot be read as a directory: No such file or directory"


def test_a_directory_in_place_of_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "10-directory.yaml").mkdir()
    assert "cannot be read: Is a directory" in str(lint(tmp_path)[0])


def test_a_directory_without_mappings_loads_with_a_warning(tmp_path: Path) -> None:
    [fault] = lint(tmp_path)
    assert fault.severity is Severity.WARNING
    assert "nothing will ever be recovered" in fault.message
    assert len(load_checked(tmp_path)) == 0


def test_a_file_of_more_than_256_kb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "10-large.yaml").write_text("#" * 300_000)
    assert "has 300000 bytes" in str(lint(tmp_path)[0])
