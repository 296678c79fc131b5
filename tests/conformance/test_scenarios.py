"""The judge finds what is wrong with a server, and only that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import play
from conformance.apis import Api, read
from conformance.client import Client
from conformance.listener import Listener
from conformance.scenarios import SCENARIOS, Subject
from conformance.verdict import Level, Outcome, Verdict
from tests.conformance.little import BASE, Little, serving

DOCUMENT = read(Path(__file__).parents[2] / "openapi" / "tmf621-v5.yaml")
NOT_IN_LITTLE = ("POST /troubleTicketSpecification",)
"""What the little server does not have."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as one:
        yield one


def verdicts(little: Little, listener: Listener | None, *clauses: str) -> list[Verdict]:
    """The judge's verdicts on the little server about these clauses; about all that it has, if none are named."""
    chosen = [
        one
        for one in SCENARIOS
        if "tmf621-v5" in one.apis
        and one.operation not in NOT_IN_LITTLE
        and (not clauses or one.clause.text in clauses)
    ]
    with serving(little) as url:
        api = Api("tmf621-v5", url + BASE, DOCUMENT)
        return [play.judged(one, Subject(api, Client(), listener, patience=0.3)) for one in chosen]


def unmet(found: list[Verdict], level: Level = Level.REQUIRED) -> set[str]:
    return {one.clause.text for one in found if one.counts_against(level)}


def test_a_server_that_does_what_is_required_meets_every_required_clause(listener: Listener) -> None:
    found = verdicts(Little(), listener)
    assert [(one.clause.text, one.detail) for one in found if one.counts_against(Level.REQUIRED)] == []
    assert len([one for one in found if one.outcome is Outcome.PASSED]) > 40


@pytest.mark.parametrize(
    ("fault", "clauses"),
    [
        (
            "plain errors",
            {"What is not there is 404, as an Error", "A body that is no JSON is refused with 400, as an Error"},
        ),
        ("takes anything", {"A create without a mandatory member is refused with 400"}),
        ("loses notes and names", {"A create answers 201 with id, href and every member as it was sent"}),
        ("ignores filters", {"A value that nothing has finds nothing", "Conditions on several members must all hold"}),
        ("pages overlap", {"Pages by offset and limit are disjoint and complete"}),
        ("counts the page only", {"A list tells how many match and how many it holds"}),
        ("keeps what it deletes", {"A removed resource is gone"}),
        ("any status goes", {"A transition outside the state diagram is refused"}),
        ("never notifies", {"A create reaches the listener with the whole resource"}),
        ("times of its own", {"A create reaches the listener with the whole resource"}),
    ],
)
def test_a_planted_fault_is_found_at_its_clause(fault: str, clauses: set[str], listener: Listener) -> None:
    assert unmet(verdicts(Little(), listener, *clauses), Level.RECOMMENDED) == set()
    assert unmet(verdicts(Little(fault), listener, *clauses), Level.RECOMMENDED) == clauses


def test_what_failed_is_shown_with_its_requests_and_the_expectation(listener: Listener) -> None:
    [failed] = verdicts(Little("counts the page only"), listener, "A list tells how many match and how many it holds")
    assert failed.detail == "X-Total-Count should be 3, not 2"
    assert failed.exchanges[-1].method == "GET"
    assert failed.exchanges[-1].status == 200
    assert ("X-Total-Count", "2") in failed.exchanges[-1].headers


def test_without_a_listener_events_are_not_judged() -> None:
    [events] = verdicts(Little("never notifies"), None, "A create reaches the listener with the whole resource")
    assert (events.outcome, events.detail) == (Outcome.SKIPPED, "no listener: started with --no-events")


def test_every_scenario_says_what_it_demands_and_who_does() -> None:
    assert len(SCENARIOS) > 80
    for each in SCENARIOS:
        assert each.clause.text
        assert each.clause.source
        assert each.operation.split()[0] in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
