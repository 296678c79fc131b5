"""The error tree as it reaches a client: TMF's Error resource."""

import json

import pytest

from tmf_adapter.tmf.errors import (
    FAULTS_SHOWN,
    AdapterError,
    BadQuery,
    Conflict,
    Fault,
    Forbidden,
    IllegalTransition,
    Invalid,
    LostRace,
    MethodNotAllowed,
    NoSecretKey,
    NotFound,
    Overloaded,
    PreconditionFailed,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
    error_document,
)

LEAVES = [
    (AdapterError("Why."), 500, "internalError"),
    (Invalid("Why."), 400, "invalidBody"),
    (BadQuery("Why."), 400, "invalidQuery"),
    (Unauthorized("Why."), 401, "unauthorized"),
    (Forbidden("Why."), 403, "forbidden"),
    (NotFound("Why."), 404, "notFound"),
    (MethodNotAllowed("PUT", "GET, PATCH"), 405, "methodNotAllowed"),
    (Conflict("Why."), 409, "conflict"),
    (IllegalTransition("held", "resolved", ["inProgress"]), 409, "illegalTransition"),
    (LostRace("Why."), 409, "lostRace"),
    (NoSecretKey(), 409, "noSecretKey"),
    (PreconditionFailed("Why."), 412, "preconditionFailed"),
    (TooLarge("Why."), 413, "tooLarge"),
    (UnsupportedMediaType("Why."), 415, "unsupportedMediaType"),
    (TooManyRequests("Why.", "Wait.", 1.5), 429, "tooManyRequests"),
    (Overloaded("Why."), 503, "overloaded"),
]


@pytest.mark.parametrize(("error", "status", "code"), LEAVES, ids=lambda value: type(value).__name__)
def test_every_error_has_its_status_and_code_and_both_are_strings_on_the_wire(
    error: AdapterError, status: int, code: str
) -> None:
    document = error.document()
    assert error.status == status
    assert document["code"] == code
    assert document["status"] == str(status)
    assert document["@type"] == "Error"
    assert isinstance(document["reason"], str)
    assert document["reason"]
    assert json.loads(json.dumps(document)) == document


def test_every_class_of_the_tree_is_in_the_table() -> None:
    def tree(kind: type[AdapterError]) -> set[type[AdapterError]]:
        return {kind}.union(*(tree(child) for child in kind.__subclasses__()))

    ours = {kind for kind in tree(AdapterError) if kind.__module__ == AdapterError.__module__}
    assert ours == {type(error) for error, _, _ in LEAVES}


def test_an_error_without_detail_has_no_message_and_no_faults() -> None:
    assert error_document(404, "notFound", "Nothing here.") == {
        "@type": "Error",
        "code": "notFound",
        "reason": "Nothing here.",
        "status": "404",
    }


def test_faults_stand_in_the_message_for_people_and_in_errors_for_machines() -> None:
    document = Invalid(
        "No.", "Two things.", [Fault("/note/0/text", "is required"), Fault("", "is no object")]
    ).document()
    assert document["message"] == "Two things. /note/0/text: is required; /: is no object"
    assert document["errors"] == [
        {"pointer": "/note/0/text", "message": "is required"},
        {"pointer": "", "message": "is no object"},
    ]


def test_no_more_faults_are_kept_than_are_shown() -> None:
    error = Invalid("No.", faults=(Fault(f"/{number}", "wrong") for number in range(10_000)))
    assert [fault.pointer for fault in error.faults] == [f"/{number}" for number in range(FAULTS_SHOWN)]
    assert len(error.document()["errors"]) == FAULTS_SHOWN


def test_one_fault_at_one_place() -> None:
    error = Invalid.at("/status", "is wrong")
    assert error.faults == (Fault("/status", "is wrong"),)
    assert BadQuery.at("", "is wrong").status == 400


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (MethodNotAllowed("PUT", "GET, PATCH"), {"Allow": "GET, PATCH"}),
        (Overloaded("Later."), {"Retry-After": "1"}),
        (NotFound("No."), {}),
    ],
)
def test_an_error_brings_the_headers_that_belong_to_it(error: AdapterError, headers: dict[str, str]) -> None:
    assert error.headers == headers


@pytest.mark.parametrize(
    ("allowed", "message"),
    [
        # sorted, so that the answer is the same every time
        (["resolved", "held"], "From inProgress a client may set: held, resolved."),
        # nothing is allowed any more
        ([], "inProgress is final."),
    ],
)
def test_an_illegal_transition_names_what_is_allowed(allowed: list[str], message: str) -> None:
    error = IllegalTransition("inProgress", "rejected", allowed)
    assert error.message == message
    assert error.reason == "The status cannot go from inProgress to rejected."
