"""A change and everything it owes: in one commit, or not at all, on the resource as it is."""

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from tests.storage.fakes import Owed, changing, deleting, events, opening, rows
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.ledger import LARGE, TRIES, Consequence, Duty, Ledger, Outdated
from tmf_adapter.storage.resources import ResourceStore
from tmf_adapter.tickets.store import ticket_store
from tmf_adapter.tmf.errors import Invalid, LostRace, NotFound
from tmf_adapter.tmf.events import Change, Stored
from tmf_adapter.tmf.query import Query


@pytest.fixture
def store(database: Database) -> ResourceStore:
    return ticket_store(database)


def ledger_of(database: Database, *consequences: Consequence) -> Ledger:
    return Ledger(database, consequences)


def owing(*duties: Duty | None) -> Consequence:
    """Owes these, one for each change, in this order."""
    left = list(duties)

    async def consequence(_change: Change) -> Duty | None:
        return left.pop(0)

    return consequence


def setting(**members: Any) -> Any:
    def decide(before: Stored | None) -> Change:
        assert before is not None
        return changing(before, **members)

    return decide


async def opened(ledger: Ledger, store: ResourceStore, id_: str = "t1", **members: Any) -> Stored:
    after = await ledger.change(store, None, lambda _none: opening(id_, **members))
    assert after is not None
    return after


# --- all in one commit ------------------------------------------------------------------------------------------------


async def test_a_change_its_events_and_what_it_owes_are_there_together(
    database: Database, store: ResourceStore
) -> None:
    duties = [Owed("hub"), Owed("recovery"), Owed("also")]
    ledger = ledger_of(database, owing(duties[0]), owing(None), owing(duties[1]))
    after = await ledger.change(store, None, lambda _none: opening("t1", name="x"), [duties[2]])
    assert after == await store.load("t1")
    assert [event["eventType"] for event in await events(database)] == ["TroubleTicketCreateEvent"]
    assert await rows(database) == {"hub", "recovery", "also"}
    assert [duty.woken for duty in duties] == [1, 1, 1]


async def test_consequences_are_told_what_was_what_is_and_who_did_it(database: Database, store: ResourceStore) -> None:
    told: list[Change] = []

    async def listen(change: Change) -> None:
        told.append(change)

    ledger = ledger_of(database, listen)
    before = await opened(ledger, store)
    await ledger.change(store, "t1", setting(name="x"))
    await ledger.change(store, "t1", lambda stored: deleting(stored or before))
    assert [(change.before and change.before.version, change.after and change.after.version) for change in told] == [
        (None, 1),
        (1, 2),
        (2, None),
    ]
    assert told[1].changed == ("name",)


@pytest.mark.parametrize("error", [ValueError("a duty failed"), Invalid("a duty refused")])
async def test_a_duty_that_fails_leaves_nothing_of_the_change(
    database: Database, store: ResourceStore, error: Exception
) -> None:
    fine, broken = Owed("fine"), Owed("broken", error)
    with pytest.raises(type(error)):
        await ledger_of(database, owing(fine), owing(broken)).change(store, None, lambda _none: opening("t1"))
    with pytest.raises(NotFound):
        await store.load("t1")
    assert await events(database) == []
    assert await rows(database) == set()
    assert (fine.woken, broken.woken) == (0, 0)


async def test_a_duty_that_fails_leaves_the_resource_as_it_was(database: Database, store: ResourceStore) -> None:
    before = await opened(ledger_of(database), store, name="x")
    for decide in (setting(name="y"), lambda stored: deleting(stored or before)):
        with pytest.raises(ValueError, match="no"):
            await ledger_of(database, owing(Owed("d", ValueError("no")))).change(store, "t1", decide)
    assert await store.load("t1") == before
    assert len(await events(database)) == 1


async def test_a_consequence_that_cannot_be_worked_out_leaves_nothing(database: Database, store: ResourceStore) -> None:
    async def broken(_change: Change) -> Duty | None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        await ledger_of(database, broken).change(store, None, lambda _none: opening("t1"))
    assert (await store.page(Query())).total == 0
    assert await events(database) == []


async def test_a_neighbours_failing_duty_costs_nobody_else_anything(database: Database, store: ResourceStore) -> None:
    def ledger(number: int) -> Ledger:
        error = ValueError(str(number)) if number % 4 == 0 else None
        return ledger_of(database, owing(Owed(f"duty{number}", error)))

    results = await asyncio.gather(
        *(ledger(n).change(store, None, lambda _none, n=n: opening(f"t{n}")) for n in range(40)), return_exceptions=True
    )
    assert [isinstance(result, ValueError) for result in results] == [n % 4 == 0 for n in range(40)]
    written = {n for n in range(40) if n % 4}
    assert await rows(database) == {f"duty{n}" for n in written}
    assert {event["event"]["troubleTicket"]["id"] for event in await events(database)} == {f"t{n}" for n in written}
    assert (await store.page(Query())).total == len(written)


async def test_an_id_is_given_once(database: Database, store: ResourceStore) -> None:
    ledger = ledger_of(database)
    before = await opened(ledger, store, name="first")
    with pytest.raises(IntegrityError):
        await opened(ledger, store, name="second")
    assert await store.load("t1") == before
    assert len(await events(database)) == 1


# --- nothing to change ------------------------------------------------------------------------------------------------


async def test_a_decision_to_change_nothing_writes_nothing(database: Database, store: ResourceStore) -> None:
    async def never(_change: Change) -> Duty | None:
        raise AssertionError("nothing was changed")

    before = await opened(ledger_of(database), store)
    assert await ledger_of(database, never).change(store, "t1", lambda _stored: None) == before
    assert await store.load("t1") == before
    assert len(await events(database)) == 1


async def test_what_is_owed_besides_is_written_even_when_nothing_changes(
    database: Database, store: ResourceStore
) -> None:
    before = await opened(ledger_of(database), store)
    also = Owed("also")
    assert await ledger_of(database).change(store, "t1", lambda _stored: None, [also]) == before
    assert await rows(database) == {"also"}
    assert also.woken == 1


async def test_what_is_not_there_cannot_be_changed(database: Database, store: ResourceStore) -> None:
    with pytest.raises(NotFound) as refused:
        await ledger_of(database).change(store, "nowhere", setting(name="x"))
    assert "nowhere" in (refused.value.message or "")


@pytest.mark.parametrize(
    ("text", "size", "in_a_thread"), [("a", 0, False), ("a", LARGE + 1, True), ("a" * LARGE, 0, True)]
)
async def test_nobody_waits_while_something_large_is_decided(
    database: Database, store: ResourceStore, text: str, size: int, in_a_thread: bool
) -> None:
    ledger = ledger_of(database)
    await opened(ledger, store, name=text)
    threads = []

    def decide(before: Stored | None) -> Change:
        threads.append(threading.current_thread() is not threading.main_thread())
        assert before is not None
        return changing(before, name="b")

    after = await ledger.change(store, "t1", decide, size=size)
    assert (threads, after and after.document["name"]) == ([in_a_thread], "b")


async def test_a_refused_decision_writes_nothing(database: Database, store: ResourceStore) -> None:
    def refuse(_before: Stored | None) -> Change:
        raise Invalid("No.")

    before = await opened(ledger_of(database), store)
    with pytest.raises(Invalid):
        await ledger_of(database).change(store, "t1", refuse, [Owed("also")])
    assert await store.load("t1") == before
    assert await rows(database) == set()


# --- others were faster -----------------------------------------------------------------------------------------------


class Interfering:
    """Changes the resource itself while the change is being worked out, as often as it is told to."""

    def __init__(self, database: Database, store: ResourceStore, times: int) -> None:
        self._ledger, self._store, self._left = ledger_of(database), store, times
        self.seen: list[int] = []

    async def __call__(self, change: Change) -> Duty | None:
        assert change.before is not None
        self.seen.append(change.before.version)
        if self._left:
            self._left -= 1
            await self._ledger.change(self._store, "t1", setting(**{f"other{self._left}": 1}))
        return None


async def test_whoever_was_overtaken_decides_again_on_what_is_there_now(
    database: Database, store: ResourceStore
) -> None:
    await opened(ledger_of(database), store)
    others = Interfering(database, store, times=3)
    decided_on: list[int] = []

    def decide(before: Stored | None) -> Change:
        assert before is not None
        decided_on.append(before.version)
        return changing(before, mine=1)

    after = await ledger_of(database, others).change(store, "t1", decide)
    assert decided_on == others.seen == [1, 2, 3, 4]
    assert after == await store.load("t1")
    assert after is not None
    assert {"mine", "other0", "other1", "other2"} <= after.document.keys()
    assert after.version == 5


async def test_whoever_is_overtaken_every_time_gives_up_and_has_written_nothing(
    database: Database, store: ResourceStore
) -> None:
    await opened(ledger_of(database), store)
    others, also = Interfering(database, store, times=1_000), Owed("also")
    with pytest.raises(LostRace) as refused:
        await ledger_of(database, others).change(store, "t1", setting(mine=1), [also])
    assert refused.value.status == 409
    assert len(others.seen) == TRIES
    left = await store.load("t1")
    assert left.version == 1 + TRIES
    assert "mine" not in left.document
    assert "mine" not in [name for event in await events(database) for name in event["event"]["troubleTicket"]]
    assert await rows(database) == set()
    assert also.woken == 0


async def test_a_duty_worked_out_from_what_is_no_longer_so_is_worked_out_again(
    database: Database, store: ResourceStore
) -> None:
    duties = [Owed("stale", Outdated()), Owed("stale again", Outdated()), Owed("fresh")]
    await ledger_of(database, owing(*duties)).change(store, None, lambda _none: opening("t1"))
    assert await rows(database) == {"fresh"}
    assert [duty.woken for duty in duties] == [0, 0, 1]
    assert len(await events(database)) == 1


async def test_a_duty_that_is_always_outdated_is_a_lost_race(database: Database, store: ResourceStore) -> None:
    duties = [Owed(f"stale{number}", Outdated()) for number in range(TRIES)]
    with pytest.raises(LostRace):
        await ledger_of(database, owing(*duties)).change(store, None, lambda _none: opening("t1"))
    assert await rows(database) == set()
    assert await events(database) == []


async def test_whoever_is_overtaken_by_a_deletion_finds_nothing(database: Database, store: ResourceStore) -> None:
    await opened(ledger_of(database), store)

    async def delete(change: Change) -> Duty | None:
        assert change.before is not None
        await ledger_of(database).change(store, "t1", lambda stored: deleting(stored or opening("t1").subject))
        return None

    with pytest.raises(NotFound):
        await ledger_of(database, delete).change(store, "t1", setting(name="x"))
    assert [event["eventType"] for event in await events(database)][-1] == "TroubleTicketDeleteEvent"


async def test_a_refusal_on_what_others_left_is_the_answer(database: Database, store: ResourceStore) -> None:
    await opened(ledger_of(database), store)
    others = Interfering(database, store, times=1)

    def decide(before: Stored | None) -> Change:
        assert before is not None
        if "other0" in before.document:
            raise Invalid("Not any more.")
        return changing(before, mine=1)

    with pytest.raises(Invalid, match="Not any more"):
        await ledger_of(database, others).change(store, "t1", decide)


# --- hammers ----------------------------------------------------------------------------------------------------------

WRITERS = 50


async def test_two_at_once_are_both_written(database: Database, store: ResourceStore) -> None:
    ledger = ledger_of(database)
    await opened(ledger, store)
    for number in range(20):
        await asyncio.gather(
            ledger.change(store, "t1", setting(**{f"a{number}": 1})),
            ledger.change(store, "t1", setting(**{f"b{number}": 1})),
        )
    left = await store.load("t1")
    assert {f"{letter}{number}" for letter in "ab" for number in range(20)} <= left.document.keys()
    assert left.version == 41


async def test_of_fifty_at_once_each_is_either_written_or_told_that_it_lost(
    database: Database, store: ResourceStore
) -> None:
    ledger = ledger_of(database)
    await opened(ledger, store)
    results = await asyncio.gather(
        *(ledger.change(store, "t1", setting(**{f"m{number}": number})) for number in range(WRITERS)),
        return_exceptions=True,
    )
    won = {f"m{number}" for number, result in enumerate(results) if isinstance(result, Stored)}
    lost = {f"m{number}" for number, result in enumerate(results) if isinstance(result, LostRace)}
    assert len(won) + len(lost) == WRITERS
    left = await store.load("t1")
    assert {name for name in left.document if name.startswith("m")} == won
    assert left.version == 1 + len(won)
    assert len(await events(database)) == 1 + len(won)
    assert sorted(result.version for result in results if isinstance(result, Stored)) == list(range(2, 2 + len(won)))


async def test_fifty_who_insist_are_all_written(database: Database, store: ResourceStore) -> None:
    ledger = ledger_of(database)
    await opened(ledger, store)

    async def insist(number: int) -> int:
        for tries in range(1, 100):
            try:
                await ledger.change(store, "t1", setting(**{f"m{number}": number}))
            except LostRace:
                continue
            return tries
        raise AssertionError("never written")

    await asyncio.gather(*(insist(number) for number in range(WRITERS)))
    left = await store.load("t1")
    assert {name: left.document[name] for name in left.document if name.startswith("m")} == {
        f"m{number}": number for number in range(WRITERS)
    }
    assert left.version == 1 + WRITERS
    assert len(await events(database)) == 1 + WRITERS


async def test_patches_of_different_members_at_once_are_all_written_at_the_first_attempt(
    database: Database, store: ResourceStore
) -> None:
    """In one process nobody needs to lose: whoever waits for the same ticket can wait in line."""
    ledger = ledger_of(database)
    await opened(ledger, store)
    results = await asyncio.gather(
        *(ledger.change(store, "t1", setting(**{f"m{number}": number})) for number in range(WRITERS)),
        return_exceptions=True,
    )
    assert [result for result in results if isinstance(result, BaseException)] == []


async def test_a_deletion_among_changes_happens_once_and_is_the_last_thing_told(
    database: Database, store: ResourceStore
) -> None:
    ledger = ledger_of(database)
    before = await opened(ledger, store)

    async def delete() -> None:
        while True:
            try:
                await ledger.change(store, "t1", lambda stored: deleting(stored or before))
            except LostRace:
                continue
            return

    results = await asyncio.gather(
        *(ledger.change(store, "t1", setting(**{f"m{number}": number})) for number in range(20)),
        delete(),
        *(ledger.change(store, "t1", setting(**{f"n{number}": number})) for number in range(20)),
        return_exceptions=True,
    )
    assert all(isinstance(result, Stored | NotFound | LostRace | None) for result in results)
    with pytest.raises(NotFound):
        await store.load("t1")
    told = [event["eventType"] for event in await events(database)]
    assert told.count("TroubleTicketDeleteEvent") == 1
    assert len(told) == 2 + sum(isinstance(result, Stored) for result in results)


# --- several changes in one commit ------------------------------------------------------------------------------------


def renaming(store: ResourceStore, *names: str) -> Any:
    """Sets the ticket t1's name to the first, t2's to the second, and so on."""

    async def decide() -> Any:
        befores = [await store.load(f"t{number}") for number in range(1, len(names) + 1)]
        return [(store, changing(one, name=name)) for one, name in zip(befores, names, strict=True)], []

    return decide


async def test_several_changes_and_what_each_owes_are_there_together(database: Database, store: ResourceStore) -> None:
    ledger = ledger_of(database)
    for id_ in ("t1", "t2"):
        await opened(ledger, store, id_)
    duties = [Owed("of t1"), Owed("of t2"), Owed("also")]

    async def decide() -> Any:
        writes, _ = await renaming(store, "x", "y")()
        return writes, [duties[2]]

    changes = await ledger_of(database, owing(*duties)).change_together(["t1", "t2"], decide)
    assert [change.subject.document["name"] for change in changes] == ["x", "y"]
    assert [(await store.load(id_)).document["name"] for id_ in ("t1", "t2")] == ["x", "y"]
    assert await rows(database) == {"of t1", "of t2", "also"}
    assert len(await events(database)) == 4
    assert [duty.woken for duty in duties] == [1, 1, 1]


async def test_one_duty_that_fails_leaves_nothing_of_any_change(database: Database, store: ResourceStore) -> None:
    for id_ in ("t1", "t2"):
        await opened(ledger_of(database), store, id_)
    broken = ledger_of(database, owing(Owed("fine"), Owed("broken", ValueError("no"))))
    with pytest.raises(ValueError, match="no"):
        await broken.change_together(["t1", "t2"], renaming(store, "x", "y"))
    assert [(await store.load(id_)).version for id_ in ("t1", "t2")] == [1, 1]
    assert await rows(database) == set()


async def test_several_changes_are_decided_anew_on_what_another_process_left(
    database: Database, store: ResourceStore
) -> None:
    ledger, another = ledger_of(database), ledger_of(database)
    for id_ in ("t1", "t2"):
        await opened(ledger, store, id_)
    tries = 0

    async def decide() -> Any:
        nonlocal tries
        tries += 1
        decided = await renaming(store, "x", "y")()
        if tries == 1:
            await another.change(store, "t2", setting(severity="high"))
        return decided

    await ledger.change_together(["t1", "t2"], decide)
    assert tries == 2
    kept = (await store.load("t2")).document
    assert (kept["name"], kept["severity"]) == ("y", "high")


async def test_changes_of_many_in_any_order_do_not_wait_for_each_other_for_ever(
    database: Database, store: ResourceStore
) -> None:
    ledgers = [ledger_of(database), ledger_of(database)]  # as two processes are
    ids = [f"t{number}" for number in range(1, 7)]
    for id_ in ids:
        await opened(ledgers[0], store, id_)
    await asyncio.wait_for(
        asyncio.gather(
            *(
                ledgers[number % 2].change_together(
                    ids[:: (-1) ** number], renaming(store, *(str(number) for _ in ids))
                )
                for number in range(4)
            )
        ),
        30,
    )
    assert {(await store.load(id_)).version for id_ in ids} == {5}
