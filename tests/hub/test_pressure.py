"""How many POSTs at the same time: to one listener, and in all."""

from collections import Counter

from tmf_adapter.hub.pressure import Limit, Slots


def test_the_limit_rises_by_one_for_every_twenty_successes_up_to_32() -> None:
    limit, steps = Limit(), []
    for _ in range(20 * 40):
        limit = limit.succeeded()
        steps.append(limit.allowed)
    assert steps[18:20] == [4, 5]
    assert steps[20 * 28 - 1] == 32
    assert max(steps) == 32


def test_it_is_halved_under_pressure_and_is_never_less_than_one() -> None:
    limit, steps = Limit(32), []
    for _ in range(7):
        limit = limit.pressed()
        steps.append(limit.allowed)
    assert steps == [16, 8, 4, 2, 1, 1, 1]
    assert Limit(4, 19).pressed() == Limit(2, 0), "and successes are counted anew"


def take_all(slots: Slots, id: str, calls: list[str], most: int = 1000) -> int:
    taken = 0
    while taken < most and slots.take(id, lambda: calls.append(id)):
        taken += 1
    return taken


def test_one_listener_gets_a_quarter_at_most() -> None:
    assert take_all(Slots(100), "greedy", []) == 25


def test_everyone_gets_one_even_when_all_are_taken() -> None:
    slots, calls = Slots(8), list[str]()
    for number in range(4):
        assert take_all(slots, f"early{number}", calls) == 2
    for number in range(50):
        assert take_all(slots, f"late{number}", calls) == 1


def test_whoever_went_without_is_called_in_turn() -> None:
    slots, calls = Slots(4), list[str]()
    for id_ in "abcd":
        take_all(slots, id_, calls)
    for id_ in "abcd":
        assert not slots.take(id_, lambda id_=id_: calls.append(id_))  # type: ignore[misc]
    slots.give_back("a")
    slots.give_back("b")
    assert calls == ["a", "b"]


def test_one_that_has_more_than_one_shares_when_another_waits() -> None:
    slots = Slots(8)
    assert take_all(slots, "a", []) == 2
    assert not slots.must_share("a")
    for id_ in "bcd":
        take_all(slots, id_, [])
    slots.give_back("d")
    slots.give_back("d")
    taken = Counter({id_: take_all(slots, id_, []) for id_ in "efgh"})
    assert sum(taken.values()) == 5
    assert slots.must_share("a")
    assert not slots.must_share("h"), "its only one"
