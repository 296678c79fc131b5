"""``downstreams.yaml`` says which server works for each API."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tmf_adapter.credentials import Bearer, OAuth2
from tmf_adapter.recovery.registry import BadDownstreams, Registry, read_registry

GOOD = """
downstreams:
  tmf622:
    url: https://orders.example/tmf-api/productOrderingManagement/v4/
    auth:
      type: oauth2
      tokenUrl: https://id.example/token
      clientId: adapter
      clientSecret: {env: ORDERS_SECRET}
    timeout: PT20S
    calls: 4
    breaker: {failures: 2, pause: PT1M}
    poll: PT5M
    hub: false
  tmf656:
    url: http://problems.example/v4
    version: v4
    auth: {type: bearer, token: {env: TOKEN}}
"""
ENVIRONMENT = {"ORDERS_SECRET": "s3cret", "TOKEN": "t0ken"}


def written(directory: Path, text: str) -> Path:
    path = directory / "downstreams.yaml"
    path.write_text(text)
    return path


def test_an_entry_says_how_its_downstream_is_reached(tmp_path: Path) -> None:
    entries = read_registry(written(tmp_path, GOOD), ENVIRONMENT).entries
    orders = entries["tmf622"]
    assert orders.url == "https://orders.example/tmf-api/productOrderingManagement/v4"
    assert (orders.version, orders.calls, orders.failures, orders.listens) == ("v4", 4, 2, False)
    assert (orders.timeout, orders.pause, orders.poll) == (
        timedelta(seconds=20),
        timedelta(minutes=1),
        timedelta(minutes=5),
    )
    assert isinstance(orders.auth, OAuth2)
    assert orders.auth.client_secret.reveal() == "s3cret"
    assert isinstance(entries["tmf656"].auth, Bearer)


def test_no_secret_shows(tmp_path: Path) -> None:
    registry = read_registry(written(tmp_path, GOOD), ENVIRONMENT)
    assert "s3cret" not in repr(registry)
    assert "t0ken" not in repr(registry)


def test_mappings_may_call_what_the_downstreams_versions_have(tmp_path: Path) -> None:
    operations = read_registry(written(tmp_path, GOOD), ENVIRONMENT).operations
    assert operations["tmf656.createServiceProblem"].version == "v4"
    assert operations["tmf621.createTroubleTicket"].version == "v5"


def test_the_short_form_is_one_entry_unless_the_file_has_it() -> None:
    alone = Registry().with_entry("tmf656", "http://a")
    assert (alone.entries["tmf656"].url, alone.entries["tmf656"].version) == ("http://a", "v5")
    assert alone.with_entry("tmf656", "http://b") == alone


def entry(**said: Any) -> str:
    lines = "".join(f"    {name}: {value}\n" for name, value in {"url": "http://x/y", **said}.items())
    return f"downstreams:\n  tmf622:\n{lines}"


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("{", "", "cannot be read"),
        ("", "", "one key, downstreams"),
        ("downstreams: 5", "", "one key, downstreams"),
        ("downstreams: {}\nother: 1", "", "one key, downstreams"),
        ("downstreams: {tmf622: &a {url: http://x}, tmf641: *a}", "", "alias"),
        ("downstreams: {tmf622: {url: http://x, url: http://y}}", "", "given twice"),
        ("downstreams: {tmf999: {url: http://x}}", "downstreams.tmf999", "is no API"),
        ("downstreams: {tmf622: 5}", "downstreams.tmf622", "Invalid input type"),
        ("downstreams: {tmf622: {}}", "downstreams.tmf622.url", "Missing"),
        (entry(url="orders"), "downstreams.tmf622.url", "absolute http"),
        (entry(url="'http://x?a=1'"), "downstreams.tmf622.url", "base URL"),
        (entry(version="v5"), "downstreams.tmf622.version", "one of: v4"),
        (entry(timeout="10"), "downstreams.tmf622.timeout", "PT30S"),
        (entry(calls=0), "downstreams.tmf622.calls", "Must be"),
        (entry(poll="soon"), "downstreams.tmf622.poll", "PT30S"),
        (entry(breaker="{failures: 0}"), "downstreams.tmf622.breaker.failures", "Must be"),
        (entry(tls="{ca: /nowhere.pem}"), "downstreams.tmf622.tls.ca", "file that exists"),
        (entry(colour="red"), "downstreams.tmf622.colour", "Unknown"),
        (entry(auth="{type: magic}"), "downstreams.tmf622.auth.type", "bearer, basic"),
        (entry(auth="{type: bearer, token: abc}"), "downstreams.tmf622.auth.token", "{env: NAME}"),
        (entry(auth="{type: bearer, token: {env: NOT_SET}}"), "downstreams.tmf622.auth.token", "NOT_SET is not set"),
        (entry(auth="{type: bearer}"), "downstreams.tmf622.auth.token", "is missing"),
    ],
)
def test_a_faulty_file_is_refused_with_its_place_and_its_remedy(
    tmp_path: Path, text: str, place: str, remedy: str
) -> None:
    with pytest.raises(BadDownstreams) as caught:
        read_registry(written(tmp_path, text), ENVIRONMENT)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'downstreams.yaml'}: {place}")
    assert remedy in said


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadDownstreams) as caught:
        read_registry(written(tmp_path, entry(calls=0, timeout="x") + "  tmf641: {}\n"))
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadDownstreams, match="cannot be read"):
        read_registry(tmp_path / "none.yaml")


def test_the_registry_of_the_settings_is_the_file_and_the_short_form(tmp_path: Path) -> None:
    path = written(tmp_path, entry())
    assert Registry.of(None, None).reachable == {"tmf656"}
    assert Registry.of(None, "http://a").entries.keys() == {"tmf656"}
    assert Registry.of(path, None).reachable == {"tmf622", "tmf656"}
    assert Registry.of(path, "http://a").entries.keys() == {"tmf622", "tmf656"}
