"""The command line: exit codes, and what is said."""

import argparse
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tmf_adapter.cli import main
from tmf_adapter.commands import delivery
from tmf_adapter.settings import shipped

HEAVY = ("aiohttp", "cel", "connexion", "cryptography", "dbos", "marshmallow", "requests", "sqlalchemy", "yaml")


@pytest.mark.parametrize("asked", ["", "serve", "delivery", "recovery list", "mapping lint", "conformance"])
def test_who_asks_for_help_does_not_wait_for_what_the_server_is_made_of(asked: str) -> None:
    program = f"""
import sys
from tmf_adapter.cli import main
try:
    main({[*asked.split(), "--help"]!r})
finally:
    print("loaded:", *sorted(set(sys.modules) & set({HEAVY!r})))
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "usage:" in said
    assert said.splitlines()[-1] == "loaded:"


def test_lint_of_the_shipped_mappings_says_ok(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mapping", "lint", str(shipped("mappings"))]) == 0
    assert capsys.readouterr().out.endswith("ok\n")


def test_lint_names_file_line_and_key_of_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "10-x.yaml").write_text("id: x\ntitle: y\nevents: [create]\nwehn: [true]\n")
    assert main(["mapping", "lint", str(tmp_path)]) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if "wehn" in line]
    assert "10-x.yaml:4:" in line
    assert "when" in line


def test_a_bad_setting_ends_serve_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMF_ADAPTER_PORT", "none")
    assert main(["serve"]) == 2
    assert "TMF_ADAPTER_PORT='none'" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["x", "0", "65536", ""])
def test_a_bad_port_ends_serve_with_the_option_and_what_would_do(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", f"--port={port}"]) == 2
    assert capsys.readouterr().err == f"tmf-adapter: --port={port!r}: must be a port between 1 and 65535\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--url", "http://127.0.0.1:1"], "--url http://127.0.0.1:1 cannot be reached: Connection refused; is the ad"),
        (["--url", "nonsense"], "--url nonsense is no http or https URL; give one such as http://127.0.0.1:8621"),
        (["--url", "http://x:99999"], "--url http://x:99999 is no http or https URL; give one such as"),  # no such port
        (["--ca", "nowhere"], "--ca nowhere is of no use with http://127.0.0.1:8621; leave it out, or give an https"),
        (["--url", "https://127.0.0.1:1", "--ca", "nowhere"], "--ca nowhere: No such file or directory; name a file"),
        (["--url", "https://127.0.0.1:1", "--ca", __file__], f"--ca {__file__} holds no certificate; name a file of"),
    ],
)
@pytest.mark.parametrize("command", [["delivery", "keys"], ["recovery", "list"]])
def test_an_adapter_that_cannot_be_asked_is_told_on_one_line_with_its_option(
    command: list[str],
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TMF_ADAPTER_URL", raising=False)
    assert main([*command, *options]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tmf-adapter: {said}")


def test_a_server_without_tls_is_told_by_the_option_that_would_help(capsys: pytest.CaptureFixture[str]) -> None:
    def answer() -> None:
        with server.accept()[0] as connection:
            connection.recv(1_024)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        (thread := threading.Thread(target=answer)).start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        assert main(["delivery", "keys", "--url", url]) == 2
        thread.join()
    said = "its certificate is not trusted, or it does not speak TLS; name its authority's certificate with --ca"
    assert capsys.readouterr().err == f"tmf-adapter: --url {url} cannot be reached: {said}\n"


def test_a_database_that_cannot_be_reached_ends_serve_with_the_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["serve", "--database", f"sqlite:///{tmp_path}/no/such/directory/x.db"]) == 2
    said = capsys.readouterr().err
    assert "cannot be reached" in said
    assert "unable to open database file" in said


def test_db_upgrade_brings_the_tables_and_may_be_repeated(tmp_path: Path) -> None:
    for _ in range(2):
        assert main(["db", "upgrade", "--database", f"sqlite:///{tmp_path / 'x.db'}"]) == 0


def test_every_delivery_command_stands_in_the_guide() -> None:
    guide = (Path(__file__).parents[1] / "docs" / "notifications.md").read_text()
    commands: argparse._SubParsersAction[argparse.ArgumentParser] = argparse.ArgumentParser().add_subparsers()
    delivery.add(commands)
    [verbs] = [each for each in commands.choices["delivery"]._actions if isinstance(each, argparse._SubParsersAction)]
    assert [verb for verb in verbs.choices if not re.search(rf"`[^`\n]*\b{verb}\b", guide)] == []


@pytest.mark.parametrize("command", [["serve"], ["db", "upgrade"]])
def test_a_file_that_is_no_database_is_told_on_one_line(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.db").write_text("nothing of the kind" * 100)
    assert main([*command, "--database", f"sqlite:///{tmp_path / 'x.db'}"]) == 2
    said = capsys.readouterr().err
    assert "file is not a database" in said
    assert said.count("\n") == 1


def test_db_upgrade_of_a_database_that_is_away_says_so_and_keeps_its_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["db", "upgrade", "--database", "postgresql://ada:hunter2@127.0.0.1:1/x"]) == 2
    said = capsys.readouterr().err
    assert "postgresql://ada:***@127.0.0.1:1/x" in said
    assert said.count("\n") == 1
    assert "hunter2" not in said


def test_a_setting_that_is_refused_shows_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--database", "mysql://ada:hunter2@db/x"]) == 2
    assert "hunter2" not in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_that_is_taken_ends_serve_before_anything_is_taken_up(
    tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--host", host, "--port", port, "--database", f"sqlite:///{tmp_path / 'x.db'}"]) == 2
    assert f"nobody can listen at {host} port {port}: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70])
def test_a_host_that_is_not_ours_ends_serve(tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", host, "--database", f"sqlite:///{tmp_path / 'x.db'}"]) == 2
    assert f"nobody can listen at {host}" in capsys.readouterr().err
