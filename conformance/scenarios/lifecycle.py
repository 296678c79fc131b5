"""The status machines of the standard's state diagrams."""

from conformance.scenarios.subject import PROBLEMS, TICKETS, Doc, Subject, require, scenario
from conformance.verdict import Level

START = "acknowledged"

TICKET = {
    "acknowledged": {"inProgress", "rejected", "cancelled"},
    "inProgress": {"held", "pending", "resolved", "cancelled"},
    "held": {"inProgress"},
    "pending": {"inProgress", "cancelled"},
    "resolved": {"closed", "inProgress"},
    "rejected": set[str](),
    "cancelled": set[str](),
    "closed": set[str](),
}
PROBLEM = {
    **TICKET,
    "held": {"inProgress", "resolved", "cancelled"},
    "pending": {"inProgress", "resolved", "cancelled"},
    "closed": {"inProgress"},
}

WAY = {
    "acknowledged": (),
    "inProgress": ("inProgress",),
    "held": ("inProgress", "held"),
    "pending": ("inProgress", "pending"),
    "resolved": ("inProgress", "resolved"),
    "closed": ("inProgress", "resolved", "closed"),
    "rejected": ("rejected",),
    "cancelled": ("cancelled",),
}
"""How to get to each status from the first."""


def in_status(subject: Subject, status: str) -> Doc:
    """A new resource that has been brought to this status."""
    resource = subject.create(status=START)
    for step in WAY[status]:
        resource = subject.changed(resource, status=step, statusChangeReason="conformance")
    return resource


def walk_legal(subject: Subject, machine: dict[str, set[str]]) -> None:
    """Every transition that the diagram allows, one after the other."""
    for status, allowed in machine.items():
        for target in sorted(allowed):
            changed = subject.changed(in_status(subject, status), status=target)
            require(changed.get("status") == target, f"{status} -> {target} should be possible")


def try_illegal(subject: Subject, machine: dict[str, set[str]], *answers: int) -> None:
    """Every transition that the diagram does not allow; each is refused and leaves the status as it was."""
    for status, allowed in machine.items():
        resource = in_status(subject, status)
        for target in sorted(machine.keys() - allowed - {status}):
            answer = subject.change(resource, status=target)
            subject.is_error(answer.must_be(*answers) if answers else answer.must_be_refused())
        now = subject.read(resource).get("status")
        require(now == status, f"the status should have stayed {status}, not become {now}")


@scenario("PATCH /RESOURCE/{id}", "Every transition of the state diagram is possible", "TMF621 diagram", apis=TICKETS)
def legal_for_tickets(subject: Subject) -> None:
    walk_legal(subject, TICKET)


@scenario("PATCH /RESOURCE/{id}", "Every transition of the state diagram is possible", "TMF656 diagram", apis=PROBLEMS)
def legal_for_problems(subject: Subject) -> None:
    walk_legal(subject, PROBLEM)


@scenario(
    "PATCH /RESOURCE/{id}",
    "A transition outside the state diagram is refused",
    "TMF621 diagram",
    Level.RECOMMENDED,
    TICKETS,
)
def illegal_for_tickets(subject: Subject) -> None:
    try_illegal(subject, TICKET)


@scenario(
    "PATCH /RESOURCE/{id}",
    "A transition outside the state diagram is refused",
    "TMF656 diagram",
    Level.RECOMMENDED,
    PROBLEMS,
)
def illegal_for_problems(subject: Subject) -> None:
    try_illegal(subject, PROBLEM)


@scenario("PATCH /RESOURCE/{id}", "The refusal is 409 and names what is possible", "OAS 409", Level.OPTIONAL)
def names_the_allowed(subject: Subject) -> None:
    machine = TICKET if subject.api.resource == "troubleTicket" else PROBLEM
    for status in ("acknowledged", "inProgress", "resolved"):
        illegal = min(machine.keys() - machine[status] - {status})
        answer = subject.change(in_status(subject, status), status=illegal).must_be(409)
        unnamed = [name for name in machine[status] if name not in answer.exchange.body]
        require(not unnamed, f"from {status}, the error should name {', '.join(sorted(unnamed))} as possible")


@scenario("POST /RESOURCE", "A resource without a status starts acknowledged", "state diagram", Level.RECOMMENDED)
def first_status(subject: Subject) -> None:
    status = subject.create().get("status")
    require(status == START, f"the first status should be {START}, not {status}")


@scenario(
    "PATCH /RESOURCE/{id}", "A transition is dated and its reason kept", "OAS statusChangeDate", Level.RECOMMENDED
)
def dated(subject: Subject) -> None:
    created = subject.create(status=START)
    changed = subject.changed(created, status="inProgress", statusChangeReason="taken on")
    require(changed.get("statusChangeReason") == "taken on", "the reason should be kept")
    require("T" in changed.get("statusChangeDate", ""), "statusChangeDate should tell when")


@scenario(
    "PATCH /RESOURCE/{id}", "A ticket keeps the history of its statuses", "OAS statusChange", Level.RECOMMENDED, TICKETS
)
def history(subject: Subject) -> None:
    member = "statusChangeHistory" if subject.api.is_v5 else "statusChange"
    resource = in_status(subject, "resolved")
    statuses = [change.get("status") for change in subject.read(resource).get(member, [])]
    expected = ["inProgress", "resolved"]
    require(statuses[-2:] == expected, f"{member} should end with {expected}, not hold {statuses}")


@scenario("PATCH /RESOURCE/{id}", "The same status again is no transition", "RFC 7396", Level.RECOMMENDED)
def same_status(subject: Subject) -> None:
    resource = in_status(subject, "inProgress")
    subject.changed(resource, status="inProgress", description="still at it")
