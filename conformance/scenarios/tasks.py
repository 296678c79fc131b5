"""The tasks and event records of TMF656, and the specifications of TMF621 v5."""

import time
from collections.abc import Callable
from typing import Any

from conformance.scenarios.subject import PROBLEMS, Doc, Subject, document, require, scenario
from conformance.verdict import Level

DONE = 10.0
"""Seconds that a task taken on asynchronously has to be carried out."""


def reference(subject: Subject, problem: Doc) -> Doc:
    """A pointer to a problem."""
    return {**subject.typed("ServiceProblemRef"), "id": problem["id"]}


def carried_out(subject: Subject, task: str, **members: Any) -> Doc:
    """The answer to a task; v5 may also carry it out later."""
    type_ = task[0].upper() + task[1:]
    answer = subject.send("POST", f"/{task}", {**subject.typed(type_), **members})
    return document(answer.must_be(*((200, 201, 202) if subject.api.is_v5 else (201,))))


def until(subject: Subject, problem: Doc, condition: Callable[[Doc], object], expectation: str) -> None:
    """Raise ``Unmet`` unless the problem comes to fulfil the condition."""
    end = time.monotonic() + DONE
    while not condition(subject.read(problem)):
        require(time.monotonic() < end, expectation)
        time.sleep(0.1)


@scenario("POST /problemAcknowledgement", "An acknowledgement is carried out on its problems", "OAS 201", apis=PROBLEMS)
def acknowledge(subject: Subject) -> None:
    problem = subject.create()
    task = carried_out(subject, "problemAcknowledgement", problem=[reference(subject, problem)])
    require(isinstance(task.get("id"), str), "a task should have an id")
    named = [one.get("id") for one in task.get("problem", [])]
    require(named == [problem["id"]], "the task should name its problems")


@scenario(
    "POST /problemUnacknowledgement", "An unacknowledgement is carried out on its problems", "OAS 201", apis=PROBLEMS
)
def unacknowledge(subject: Subject) -> None:
    problem = subject.create()
    carried_out(subject, "problemAcknowledgement", problem=[reference(subject, problem)])
    task = carried_out(subject, "problemUnacknowledgement", problem=[reference(subject, problem)])
    require(isinstance(task.get("id"), str), "a task should have an id")


@scenario(
    "POST /problemGroup", "Grouping puts children under a parent, ungrouping takes them out", "OAS 201", apis=PROBLEMS
)
def group(subject: Subject) -> None:
    parent, child = subject.create(), subject.create()
    members = {"parentProblem": reference(subject, parent), "childProblem": [reference(subject, child)]}

    def is_under(problem: Doc) -> bool:
        return parent["id"] in [one.get("id") for one in problem.get("parentProblem", [])]

    carried_out(subject, "problemGroup", **members)
    until(subject, child, is_under, "the child's parentProblem should name the parent")
    carried_out(subject, "problemUngroup", **members)
    until(subject, child, lambda problem: not is_under(problem), "the parent should be gone from the child")


@scenario("POST /problemGroup", "A task without its problems is refused with 400", "OAS required", apis=PROBLEMS)
def empty_task(subject: Subject) -> None:
    for task in ("problemAcknowledgement", "problemUnacknowledgement", "problemGroup", "problemUngroup"):
        type_ = task[0].upper() + task[1:]
        subject.is_error(subject.send("POST", f"/{task}", subject.typed(type_)).must_be(400))


@scenario(
    "POST /problemAcknowledgement",
    "A task on a problem that is not there is refused, or says that it came to nothing",
    "OAS 404; user guide (state)",
    Level.RECOMMENDED,
    PROBLEMS,
)
def nothing_there(subject: Subject) -> None:
    body = {**subject.typed("ProblemAcknowledgement"), "problem": [reference(subject, {"id": "no-such-problem"})]}
    answer = subject.send("POST", "/problemAcknowledgement", body)
    if answer.status < 300:
        done = document(answer).get("ackProblem")
        require(not done, f"nothing can have been acknowledged, but ackProblem is {done}")
        return
    subject.is_error(answer.must_be_refused())


@scenario("GET /problemGroup/{id}", "A task can be read and listed, with its state", "OAS v5", apis=["tmf656-v5"])
def task_is_read(subject: Subject) -> None:
    problem = subject.create()
    task = carried_out(subject, "problemAcknowledgement", problem=[reference(subject, problem)])
    found = document(subject.get(f"/problemAcknowledgement/{task['id']}").must_be(200))
    known = {"acknowledged", "inProgress", "terminatedWithError", "done"}
    require(found.get("state") in known, f"a task's state should be one of {sorted(known)}, not {found.get('state')}")
    listed = [one.get("id") for one in subject.list(f"?id={task['id']}", "/problemAcknowledgement")]
    require(listed == [task["id"]], "the list should hold the task")


@scenario("GET /serviceProblemEventRecord", "Event records can be listed and read", "OAS", apis=PROBLEMS)
def records(subject: Subject) -> None:
    subject.create()
    rows = subject.list("?limit=5", "/serviceProblemEventRecord")
    path = "/serviceProblemEventRecord"
    faults = subject.api.response_faults("GET", path, 200, rows)
    require(not faults, f"records should fit the document: {'; '.join(faults[:5])}")
    if rows:
        found = document(subject.get(f"{path}/{rows[0]['id']}").must_be(200))
        require(found.get("id") == rows[0]["id"], "a record should be found by its id")
    subject.is_error(subject.get(f"{path}/no-such-record").must_be(404))


@scenario(
    "POST /troubleTicketSpecification",
    "A kind of ticket is made, read, changed and removed",
    "OAS v5",
    apis=["tmf621-v5"],
)
def specification(subject: Subject) -> None:
    path = "/troubleTicketSpecification"
    body = {"@type": "TroubleTicketSpecification", "name": subject.marker(), "lifecycleStatus": "active"}
    made = document(subject.send("POST", path, body).must_be(201))
    require(made.get("name") == body["name"], "the name should come back as it was sent")
    listed = [one.get("id") for one in subject.list(f"?name={body['name']}", path)]
    require(listed == [made.get("id")], "the list should find it by name")
    headers = {"Content-Type": "application/merge-patch+json"}
    patch = {"@type": "TroubleTicketSpecification", "lifecycleStatus": "retired"}
    changed = document(subject.send("PATCH", f"{path}/{made['id']}", patch, headers=headers).must_be(200))
    require(changed.get("lifecycleStatus") == "retired", "the change should be made")
    subject.send("DELETE", f"{path}/{made['id']}").must_be(204)
    subject.is_error(subject.get(f"{path}/{made['id']}").must_be(404))


@scenario(
    "POST /troubleTicket",
    "A ticket is held to the specification it names",
    "OAS v5 specCharacteristic",
    Level.OPTIONAL,
    ["tmf621-v5"],
)
def held_to_specification(subject: Subject) -> None:
    needed = {
        "@type": "CharacteristicSpecification",
        "name": "lineId",
        "valueType": "string",
        "minCardinality": 1,
        "maxCardinality": 1,
    }
    body = {
        "@type": "TroubleTicketSpecification",
        "name": subject.marker(),
        "lifecycleStatus": "active",
        "specCharacteristic": [needed],
    }
    made = document(subject.send("POST", "/troubleTicketSpecification", body).must_be(201))
    refers = {"troubleTicketSpecification": {"@type": "TroubleTicketSpecificationRef", "id": made["id"]}}
    subject.is_error(subject.send("POST", subject.collection, subject.new(**refers)).must_be_refused())
    line = {"@type": "StringCharacteristic", "name": "lineId", "valueType": "string", "value": "dsl-1"}
    subject.create(**refers, troubleTicketCharacteristic=[line])
