"""The two status machines against the diagrams of the specifications (notes/process.md, sections 2 and 3)."""

import itertools

import pytest

from tmf_adapter.tmf.errors import IllegalTransition
from tmf_adapter.tmf.lifecycle import PROBLEM, REOPENING, TICKET, Lifecycle

STATUSES = ("acknowledged", "rejected", "pending", "held", "inProgress", "cancelled", "closed", "resolved")

DRAWN_FOR_TICKETS = {
    ("acknowledged", "inProgress"),  # work begins
    ("acknowledged", "rejected"),  # not for us
    ("acknowledged", "cancelled"),  # withdrawn before anybody began
    ("inProgress", "held"),  # something blocks
    ("inProgress", "pending"),  # information is missing
    ("inProgress", "resolved"),  # done
    ("inProgress", "cancelled"),  # withdrawn
    ("held", "inProgress"),  # the blocker is gone: nothing else is drawn
    ("pending", "inProgress"),  # the information came
    ("pending", "cancelled"),  # the information never came
    ("resolved", "closed"),  # accepted
    ("resolved", "inProgress"),  # refused
}
DRAWN_FOR_PROBLEMS = DRAWN_FOR_TICKETS | {
    ("held", "resolved"),  # TMF656 lets a problem on hold be resolved directly
    ("held", "cancelled"),  # and cancelled
    ("pending", "resolved"),  # likewise one that waits
    ("closed", "inProgress"),  # a closed problem whose solution is rejected
}
MACHINES = [
    pytest.param(TICKET, DRAWN_FOR_TICKETS, id="TMF621"),
    pytest.param(PROBLEM, DRAWN_FOR_PROBLEMS, id="TMF656"),
]
PAIRS = list(itertools.product(STATUSES, STATUSES))


@pytest.mark.parametrize(("machine", "drawn"), MACHINES)
@pytest.mark.parametrize(("before", "wanted"), PAIRS)
def test_a_transition_is_legal_exactly_when_the_diagram_draws_it(
    machine: Lifecycle, drawn: set[tuple[str, str]], before: str, wanted: str
) -> None:
    if before == wanted or (before, wanted) in drawn:
        machine.check(before, wanted)
        return
    with pytest.raises(IllegalTransition) as refused:
        machine.check(before, wanted)
    assert refused.value.status == 409
    assert [fault.pointer for fault in refused.value.faults] == ["/status"]
    assert before in refused.value.reason
    assert wanted in refused.value.reason
    named = set((refused.value.message or "").removesuffix(".").replace(":", ",").replace(" ", "").split(","))
    assert {status for status in STATUSES if (before, status) in drawn} <= named


@pytest.mark.parametrize(("machine", "drawn"), MACHINES)
def test_the_machine_knows_the_eight_statuses_and_no_other(machine: Lifecycle, drawn: set[tuple[str, str]]) -> None:
    assert set(machine.edges) == set(STATUSES)
    assert {(before, after) for before, following in machine.edges.items() for after in following} == drawn


@pytest.mark.parametrize("machine", [TICKET, PROBLEM])
def test_an_unknown_status_is_reached_from_nowhere_and_leads_nowhere(machine: Lifecycle) -> None:
    for status in STATUSES:
        assert machine.path(status, "solved") is None
        with pytest.raises(IllegalTransition):
            machine.check(status, "solved")
        with pytest.raises(IllegalTransition):
            machine.check("submitted", status)


@pytest.mark.parametrize(
    ("machine", "before", "wanted", "way"),
    [
        # a step that is drawn is the whole way
        (TICKET, "inProgress", "resolved", ("resolved",)),
        # there already
        (TICKET, "resolved", "resolved", ()),
        # TMF621 on hold or waiting: only through inProgress
        (TICKET, "held", "resolved", ("inProgress", "resolved")),
        (TICKET, "pending", "resolved", ("inProgress", "resolved")),
        (TICKET, "pending", "held", ("inProgress", "held")),
        (TICKET, "held", "cancelled", ("inProgress", "cancelled")),
        # nobody began: begin first
        (TICKET, "acknowledged", "resolved", ("inProgress", "resolved")),
        (TICKET, "acknowledged", "closed", ("inProgress", "resolved", "closed")),
        # rejected is only for what nobody began
        (TICKET, "inProgress", "rejected", None),
        # final is final
        (TICKET, "closed", "resolved", None),
        (TICKET, "cancelled", "inProgress", None),
        (TICKET, "rejected", "inProgress", None),
        # nothing leads back to the beginning
        (TICKET, "inProgress", "acknowledged", None),
        # TMF656: directly
        (PROBLEM, "held", "resolved", ("resolved",)),
        (PROBLEM, "pending", "resolved", ("resolved",)),
        # and a closed problem can come back
        (PROBLEM, "closed", "resolved", ("inProgress", "resolved")),
        (PROBLEM, "cancelled", "resolved", None),
    ],
)
def test_the_way_between_two_statuses_is_the_shortest_legal_one(
    machine: Lifecycle, before: str, wanted: str, way: tuple[str, ...] | None
) -> None:
    assert machine.path(before, wanted) == way


def _reachable(machine: Lifecycle, start: str) -> set[str]:
    """Where one can be from ``start`` by any number of steps, none included."""
    found: set[str] = set()
    following = {start}
    while following:
        found |= following
        following = {after for before in following for after in machine.edges[before]} - found
    return found


@pytest.mark.parametrize("machine", [TICKET, PROBLEM])
@pytest.mark.parametrize(("before", "wanted"), PAIRS)
def test_every_step_of_every_way_is_legal_and_where_there_is_none_nothing_leads_there(
    machine: Lifecycle, before: str, wanted: str
) -> None:
    way = machine.path(before, wanted)
    assert (way is not None) == (wanted in _reachable(machine, before))
    if way is None:
        return
    for here, following in itertools.pairwise((before, *way)):
        machine.check(here, following)
        assert here != following
    assert ((before, *way))[-1] == wanted
    assert len(set(way)) == len(way)


@pytest.mark.parametrize(
    ("machine", "final"),
    [
        (TICKET, {"rejected", "cancelled", "closed"}),
        (PROBLEM, {"rejected", "cancelled"}),  # closed may be reopened
    ],
)
def test_a_status_is_final_when_nothing_may_follow(machine: Lifecycle, final: set[str]) -> None:
    assert {status for status in STATUSES if machine.is_final(status)} == final


def test_the_reopening_is_a_legal_transition_of_both() -> None:
    for machine in (TICKET, PROBLEM):
        machine.check(*REOPENING)
