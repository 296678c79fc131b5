"""The soak's own instruments: a short run of it, so that the long one can be believed."""

import pytest

from tests.soak.delivery import holds
from tests.soak.listener import Book


def test_the_flapping_listener_is_away_every_other_period(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("tests.soak.listener.time.monotonic", lambda: now[0])
    book, said = Book(10.0), []
    for moment in (5.0, 15.0, 25.0, 35.0, 45.0):
        now[0] = moment
        answer = book.answer("/flapping", f"e{moment}")
        said.append(answer and answer[9:12])
    assert said == [b"204", b"503", b"204", None, b"204"]
    now[0] = 55.0
    book.up = True
    assert book.answer("/flapping", "e45.0")
    assert dict(book.seen["/flapping"]) == {"e5.0": 1, "e25.0": 1, "e45.0": 2}


def test_the_steady_listener_never_is() -> None:
    book = Book(0.001)
    assert all(book.answer("/steady", str(number)) for number in range(50))
    assert b'"different": 50, "accepted": 50, "twice": 0' in book.report()


@pytest.mark.parametrize(
    ("lost", "memory", "held"),
    [
        ((0, 0), [150.0, 200.0, 210.0, 229.0], True),  # caches warm up
        ((0, 1), [150.0, 200.0, 200.0, 200.0], False),
        ((0, 0), [150.0, 200.0, 215.0, 231.0], False),
    ],
)
def test_a_soak_fails_for_one_lost_notification_and_for_memory_that_grows(
    lost: tuple[int, int], memory: list[float], held: bool
) -> None:
    steady, flapping = ({"lost": each} for each in lost)
    assert holds({"database": "SQLite", "steady": steady, "flapping": flapping, "memory_mb": memory}) is held
