"""The bench itself works; what it measures is judged by people, on a machine that does nothing else."""

from collections.abc import Iterator

import pytest

from tests.bench import codec
from tests.bench.load import Order, apply, cpu_seconds, request
from tests.bench.servers import Server, uvicorn
from tests.bench.ticket import BASE


@pytest.fixture(scope="module")
def bare() -> Iterator[Server]:
    with uvicorn("bare", "tests.bench.codec_apps:bare_app") as server:
        yield server


def test_the_load_counts_what_was_answered(bare: Server) -> None:
    report = apply(
        Order(bare.port, [request("GET", f"{BASE}/troubleTicket/1")], 4, seconds=20, limit=5_000, pid=bare.pid)
    )
    assert 5_000 <= report.requests < 5_004
    assert report.statuses == {"200": report.requests}
    assert 0 < report.p50 <= report.p95 <= report.p99
    assert 0 < report.cpu <= cpu_seconds(bare.pid)


def test_the_load_reads_responses_of_any_length(bare: Server) -> None:
    texts = [request("GET", f"{BASE}/troubleTicket/1"), request("GET", "/nothing")]
    report = apply(Order(bare.port, texts, 3, seconds=20, limit=60))
    assert set(report.statuses) == {"200", "404"}


def test_a_server_that_closes_the_connection_is_no_success(bare: Server) -> None:
    closing = request("GET", f"{BASE}/troubleTicket/1").replace("Accept: application/json", "Connection: close")
    with pytest.raises(RuntimeError, match="closed a connection"):
        apply(Order(bare.port, [closing], 1, seconds=20, limit=10))


def test_the_codec_bench_compares_every_server_with_bare() -> None:
    figures = codec.summary(codec.measure(rounds=1, seconds=0.1))
    assert {method: set(apps) for method, apps in figures.items()} == {
        "POST": {"bare", "stub", "desk"},
        "GET": {"bare", "stub", "desk"},
    }
    assert all(apps["bare"]["ratio"] == 1 for apps in figures.values())
    assert "POST stub" in codec.table(figures)
