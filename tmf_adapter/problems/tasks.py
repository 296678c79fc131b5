"""Tasks on service problems (TMF656 v5): what was asked for, what it makes of the problems, and what becomes of it.

A well-formed task is accepted whatever it names: it is carried out in the commit that accepts it, and its ``state``
says with what success. The standard lets it go through ``acknowledged``, ``inProgress`` and then ``done`` or
``terminatedWithError``; each is an event. What went wrong stands in ``errorMessage``, which is our own addition.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tmf_adapter.problems.problem import RULES
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Author, Change, Doc, Kind, Resource, Stored, raise_event
from tmf_adapter.tmf.ids import new_id
from tmf_adapter.tmf.time import stamp

PROBLEMS = 1_000
"""A task may name this many problems: all of them are changed in one commit."""

OVER = frozenset({"rejected", "cancelled", "closed"})
"""Nobody needs to take notice of a problem with one of these statuses."""

_OUTPUT = ("ackProblem", "unackProblem", "errorMessage")
_SERVER_SET = frozenset({"id", "href", "state", "creationDate", *_OUTPUT})


class State(StrEnum):
    """How far a task is; TMF656 lists these in the description of the member ``state``."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "inProgress"
    DONE = "done"
    TERMINATED = "terminatedWithError"


@dataclass(frozen=True, slots=True)
class Named:
    """A problem that a task names, and where it does so."""

    pointer: str
    reference: Doc

    @property
    def id(self) -> str:
        return str(self.reference["id"])


@dataclass(frozen=True, slots=True)
class Problems:
    """The problems as they are: those named that exist, by id, and the ids of the parent and of all that is above."""

    by_id: Mapping[str, Stored]
    above: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task makes: problems as they are to be, by id, members of the task itself, and what could not be done."""

    problems: dict[str, Doc] = field(default_factory=dict)
    output: Doc = field(default_factory=dict)
    errors: list[Doc] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TaskRules:
    """One kind of task. ``members`` are those that name problems; ``says_who``: it leaves a tracking record as well."""

    resource: Resource
    members: Sequence[str]
    work: Callable[[Doc, Sequence[Named], Problems], Outcome]
    says_who: bool = False

    def accept(self, body: Doc, collection: str, now: datetime) -> Doc:
        """The task as it is created. ``collection`` is the absolute URL that ``href`` continues. Raises ``Invalid``."""
        id_ = new_id()
        sent = {name: value for name, value in body.items() if name not in _SERVER_SET}
        task = {"id": id_, "href": f"{collection}/{id_}", **sent, "state": State.ACKNOWLEDGED.value}
        task["creationDate"] = stamp(now)
        _check_number(self.members[-1], task)
        if self.says_who:
            task["trackingRecord"] = _record(task, self.resource, now)
        return task

    def named(self, task: Doc) -> list[Named]:
        """Every problem that the task names, once in each member: a parent first."""
        found: dict[tuple[str, str], Named] = {}
        for member in self.members:
            for one in _references(member, task[member]):
                found.setdefault((member, one.id), one)
        return list(found.values())

    def carry_out(self, task: Doc, problems: Problems, now: datetime) -> list[Change]:
        """The task as it ends, and the problems that it changes, sorted by id."""
        outcome = self.work(task, self.named(task), problems)
        changes = [
            RULES.settle(problems.by_id[id_], document, (), now, Author.CLIENT)
            for id_, document in sorted(outcome.problems.items())
        ]
        return [self._ended(task, outcome, now), *changes]

    def _ended(self, task: Doc, outcome: Outcome, now: datetime) -> Change:
        begun = {**task, "state": State.IN_PROGRESS.value}
        end = State.TERMINATED if outcome.errors else State.DONE
        ended = {**task, **outcome.output, "state": end.value}
        if outcome.errors:
            ended["errorMessage"] = outcome.errors
        events = (
            raise_event(Kind.CREATE, self.resource, task, now),
            raise_event(Kind.STATUS, self.resource, begun, now, ("state",)),
            raise_event(Kind.STATUS, self.resource, ended, now, ("state", *_OUTPUT)),
        )
        return Change(self.resource, None, Stored(ended), events, Author.CLIENT)


def parents_of(problem: Doc) -> set[str]:
    """The ids of the problems directly above this one."""
    return {one["id"] for one in problem.get("parentProblem", ()) if "id" in one}


def is_acknowledged(problem: Doc) -> bool:
    """Whether the last task that spoke of it took notice of it: its tracking records are kept in their order."""
    said = [one.get("name") for record in problem.get("trackingRecord", ()) for one in record.get("characteristic", ())]
    ours = [name for name in said if name in (ACKNOWLEDGEMENT.resource, UNACKNOWLEDGEMENT.resource)]
    return ours[-1:] == [ACKNOWLEDGEMENT.resource]


def _acknowledge(task: Doc, named: Sequence[Named], problems: Problems) -> Outcome:
    return _record_each(task, named, problems, "ackProblem", _why_not_acknowledged)


def _unacknowledge(task: Doc, named: Sequence[Named], problems: Problems) -> Outcome:
    return _record_each(task, named, problems, "unackProblem", _why_not_unacknowledged)


def _why_not_acknowledged(problem: Stored) -> str | None:
    return f"It is {problem.status}." if problem.status in OVER else None


def _why_not_unacknowledged(problem: Stored) -> str | None:
    return None if is_acknowledged(problem.document) else "Nobody has acknowledged it."


def _record_each(
    task: Doc, named: Sequence[Named], problems: Problems, output: str, why_not: Callable[[Stored], str | None]
) -> Outcome:
    """Each problem by itself: one that is at fault keeps no other from getting its tracking record."""
    outcome = Outcome(output={output: []})
    for one in named:
        problem = problems.by_id.get(one.id)
        if problem is None:
            outcome.errors.append(_unknown(one))
        elif reason := why_not(problem):
            outcome.errors.append(_conflict(one, f"Service problem {one.id} stays as it is. {reason}"))
        else:
            records = [*problem.document.get("trackingRecord", ()), task["trackingRecord"]]
            outcome.problems[one.id] = {**problem.document, "trackingRecord": records}
            outcome.output[output].append({**one.reference, "href": problem.document["href"]})
    return outcome


def _group(_task: Doc, named: Sequence[Named], problems: Problems) -> Outcome:
    parent, *children = named
    errors = [_unknown(one) for one in named if one.id not in problems.by_id]
    for child in children:
        if child.id == parent.id:
            errors.append(_conflict(child, f"Service problem {child.id} cannot stand above itself."))
        elif child.id in problems.above:
            errors.append(_conflict(child, f"Service problem {child.id} stands above {parent.id} already."))
    if errors:
        return Outcome(errors=errors)
    outcome = Outcome()
    for child in children:
        _add(outcome, problems, parent.id, "underlyingProblem", child.id)
        _add(outcome, problems, child.id, "parentProblem", parent.id)
    return outcome


def _ungroup(_task: Doc, named: Sequence[Named], problems: Problems) -> Outcome:
    """What is left of a group whose parent or child was deleted can be removed too."""
    parent, *children = named
    outcome = Outcome()
    for child in children:
        below = _remove(outcome, problems, parent.id, "underlyingProblem", child.id)
        if not _remove(outcome, problems, child.id, "parentProblem", parent.id) and not below:
            error = f"Service problem {child.id} is not grouped under {parent.id}."
            known = child.id in problems.by_id
            outcome.errors.append(_conflict(child, error) if known else _unknown(child))
    return Outcome(errors=outcome.errors) if outcome.errors else outcome


def _add(outcome: Outcome, problems: Problems, id_: str, member: str, other: str) -> None:
    document = outcome.problems.get(id_) or dict(problems.by_id[id_].document)
    listed = document.get(member, ())
    if all(one.get("id") != other for one in listed):
        reference = {"@type": "ServiceProblemRef", "id": other, "href": problems.by_id[other].document["href"]}
        document[member] = [*listed, reference]
        outcome.problems[id_] = document


def _remove(outcome: Outcome, problems: Problems, id_: str, member: str, other: str) -> bool:
    """Whether it was there."""
    if id_ not in problems.by_id:
        return False
    document = outcome.problems.get(id_) or dict(problems.by_id[id_].document)
    left = [one for one in document.get(member, ()) if one.get("id") != other]
    if len(left) == len(document.get(member, ())):
        return False
    if left:
        document[member] = left
    else:
        del document[member]
    outcome.problems[id_] = document
    return True


def _record(task: Doc, resource: Resource, now: datetime) -> Doc:
    """Who took notice, or no longer does: what the client says, with the task to find it by."""
    sent = task.get("trackingRecord", {})
    said = {"@type": "Characteristic", "name": resource, "valueType": "string", "value": task["id"]}
    word = "acknowledge" if resource == ACKNOWLEDGEMENT.resource else "unacknowledge"
    return {
        "@type": "TrackingRecord",
        "id": new_id(),
        "description": word,
        "time": stamp(now),
        **sent,
        "characteristic": [*sent.get("characteristic", ()), said],
    }


def _references(member: str, value: Doc | list[Doc]) -> list[Named]:
    if isinstance(value, list):
        return [Named(f"/{member}/{number}", one) for number, one in enumerate(value)]
    return [Named(f"/{member}", value)]


def _check_number(member: str, task: Doc) -> None:
    if not 0 < len(task[member]) <= PROBLEMS:
        raise Invalid.at(f"/{member}", f"must name 1 to {PROBLEMS} problems, not {len(task[member])}")


def _unknown(named: Named) -> Doc:
    return _error("notFound", 404, f"There is no service problem {named.id[:80]}.", named)


def _conflict(named: Named, reason: str) -> Doc:
    return _error("conflict", 409, reason, named)


def _error(code: str, status: int, reason: str, named: Named) -> Doc:
    message = f"Named at {named.pointer} of the task."
    return {"@type": "ErrorMessage", "code": code, "reason": reason, "message": message, "status": str(status)}


ACKNOWLEDGEMENT = TaskRules("problemAcknowledgement", ("problem",), _acknowledge, says_who=True)
UNACKNOWLEDGEMENT = TaskRules("problemUnacknowledgement", ("problem",), _unacknowledge, says_who=True)
GROUP = TaskRules("problemGroup", ("parentProblem", "childProblem"), _group)
UNGROUP = TaskRules("problemUngroup", ("parentProblem", "childProblem"), _ungroup)
TASKS = (ACKNOWLEDGEMENT, UNACKNOWLEDGEMENT, GROUP, UNGROUP)
