"""What TMF621 and TMF656 share: how a resource is opened, patched and deleted, and which events are then true."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tmf_adapter.problems.problem import RULES as PROBLEMS
from tmf_adapter.tickets.ticket import RULES as TICKETS
from tmf_adapter.tmf.errors import Conflict, Fault, IllegalTransition, Invalid
from tmf_adapter.tmf.events import Author, Change, Event, Kind, Stored
from tmf_adapter.tmf.patch import JSON_PATCH
from tmf_adapter.tmf.tracked import Tracked

MERGE = "application/merge-patch+json"
BORN = datetime(2026, 3, 11, 6, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 11, 6, 41, 12, 345_000, tzinfo=UTC)
NOW_TEXT = "2026-03-11T06:41:12.345Z"
ALWAYS = {"@type", "id", "href"}

TICKET: dict[str, Any] = {
    "@type": "TroubleTicket",
    "description": "No light.",
    "severity": "major",
    "ticketType": "fault",
}
PROBLEM: dict[str, Any] = {
    "@type": "ServiceProblem",
    "category": "supplier.originated",
    "priority": 1,
    "description": "No light.",
    "reason": "Port down.",
    "originatorParty": {"@type": "RelatedPartyRefOrPartyRoleRef", "role": "originator"},
}


def anything(document: dict[str, Any]) -> dict[str, Any]:
    """A schema that everything fits."""
    return document


class Schema:
    """Remembers what it was shown; refuses what its name says."""

    def __init__(self, refused: str | None = None) -> None:
        self.shown: list[dict[str, Any]] = []
        self.refused = refused

    def __call__(self, document: dict[str, Any]) -> dict[str, Any]:
        self.shown.append(copy.deepcopy(document))
        if self.refused is not None and self.refused in document:
            raise Invalid.at(f"/{self.refused}", "is not what it should be")
        return document


def opened(body: dict[str, Any] | None = None, rules: Tracked = TICKETS, **more: Any) -> Change:
    body = (TICKET if rules is TICKETS else PROBLEM) if body is None else body
    return rules.open({**body, **more}, "https://bss/collection", BORN, Author.CLIENT, anything)


def stored(status: str = "acknowledged", rules: Tracked = TICKETS, **more: Any) -> Stored:
    """A resource in ``status``, with ``more`` on it."""
    document = opened(rules=rules, status=status).subject.document
    return Stored({**document, **more}, version=4, episode=2)


def patched(before: Stored, body: Any, media_type: str = MERGE, rules: Tracked = TICKETS) -> Change | None:
    was = copy.deepcopy((before, body))
    change = rules.patch(before, body, media_type, NOW, Author.CLIENT, anything)
    assert (before, body) == was, "a patch leaves what it was given alone"
    return change


def changed(before: Stored, body: Any, media_type: str = MERGE, rules: Tracked = TICKETS) -> Change:
    change = patched(before, body, media_type, rules)
    assert change is not None
    return change


def document_of(change: Change) -> dict[str, Any]:
    assert change.after is not None
    return change.after.document


def said(event: Event) -> tuple[Kind, set[str]]:
    """The kind of an event and what its payload holds besides what identifies the resource."""
    assert set(event.payload) >= ALWAYS
    return event.kind, set(event.payload) - ALWAYS


def walk(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


# --- create -----------------------------------------------------------------------------------------------------------


def test_a_new_ticket_is_what_was_sent_and_what_the_server_sets() -> None:
    change = opened(note=[{"text": "hello"}], name="x")
    document = document_of(change)
    assert document == {
        **TICKET,
        "note": [{"text": "hello"}],
        "name": "x",
        "id": document["id"],
        "href": f"https://bss/collection/{document['id']}",
        "status": "acknowledged",
        "creationDate": "2026-03-11T06:00:00.000Z",
        "lastUpdate": "2026-03-11T06:00:00.000Z",
        "statusChangeDate": "2026-03-11T06:00:00.000Z",
        "statusChangeHistory": [
            {"@type": "StatusChange", "status": "acknowledged", "statusChangeDate": "2026-03-11T06:00:00.000Z"}
        ],
    }
    assert change.after == Stored(document, version=1, episode=1)
    assert change.before is None
    assert change.by is Author.CLIENT


def test_a_new_problem_has_no_status_history_for_its_standard_has_none() -> None:
    document = document_of(opened(rules=PROBLEMS))
    assert "statusChangeHistory" not in document
    assert document["statusChangeDate"] == "2026-03-11T06:00:00.000Z"
    assert document["priority"] == 1


@pytest.mark.parametrize("rules", [TICKETS, PROBLEMS])
def test_what_only_the_server_sets_is_ignored_on_create(rules: Tracked) -> None:
    mine = {name: "mine" for name in rules.server_set}
    document = document_of(opened(rules=rules, **mine))
    assert "mine" not in [document[name] for name in rules.server_set]
    assert {"id", "href", "creationDate", "lastUpdate", "statusChangeDate"} <= rules.server_set


def test_every_resource_gets_an_id_of_its_own() -> None:
    assert len({opened().subject.id for _ in range(100)}) == 100


def test_an_id_that_the_adapter_promised_is_kept() -> None:
    change = TICKETS.open(TICKET, "https://bss/collection", BORN, Author.ADAPTER, anything, "promised")
    assert (change.subject.id, document_of(change)["href"]) == ("promised", "https://bss/collection/promised")
    assert change.by is Author.ADAPTER


def test_members_beyond_the_schema_survive_word_for_word() -> None:
    beyond = {"x-vendor": {"a": [1, None, {"ü": "<b>"}]}, "größe": 1.5, "": "empty", "@extra": None}
    document = document_of(opened(**beyond))
    assert {name: document[name] for name in beyond} == beyond


@pytest.mark.parametrize("status", ["acknowledged", "inProgress", "resolved", "closed"])
def test_a_ticket_may_be_born_in_any_status_for_transitions_are_what_is_guarded(status: str) -> None:
    document = document_of(opened(status=status, statusChangeReason="because"))
    assert document["status"] == status
    assert document["statusChangeHistory"] == [
        {
            "@type": "StatusChange",
            "status": status,
            "statusChangeReason": "because",
            "statusChangeDate": "2026-03-11T06:00:00.000Z",
        }
    ]


@pytest.mark.parametrize("rules", [TICKETS, PROBLEMS])
def test_a_creation_raises_one_event_with_the_whole_resource(rules: Tracked) -> None:
    change = opened(rules=rules, note=[{"text": "hello"}])
    [event] = change.events
    assert event.kind is Kind.CREATE
    assert event.payload == document_of(change)
    assert event.resource == rules.resource
    assert event.time == BORN


@pytest.mark.parametrize(
    ("rules", "without", "pointers"),
    [
        (TICKETS, ["severity"], ["/severity"]),
        (TICKETS, ["ticketType", "description", "severity"], ["/description", "/severity", "/ticketType"]),
        (TICKETS, ["@type"], ["/@type"]),
        (PROBLEMS, ["reason", "category"], ["/category", "/reason"]),
        (PROBLEMS, ["originatorParty", "priority"], ["/originatorParty", "/priority"]),
    ],
)
def test_what_is_mandatory_is_asked_for_by_name(rules: Tracked, without: list[str], pointers: list[str]) -> None:
    sent = {name: value for name, value in (TICKET if rules is TICKETS else PROBLEM).items() if name not in without}
    with pytest.raises(Invalid) as refused:
        opened(sent, rules)
    assert [fault.pointer for fault in refused.value.faults] == pointers


def test_a_new_resource_is_held_against_its_schema_as_a_whole() -> None:
    schema = Schema()
    change = TICKETS.open(TICKET, "https://bss/collection", BORN, Author.CLIENT, schema)
    assert schema.shown == [document_of(change)]
    with pytest.raises(Invalid) as refused:
        TICKETS.open({**TICKET, "bad": 1}, "https://bss/collection", BORN, Author.CLIENT, Schema("bad"))
    assert refused.value.faults == (Fault("/bad", "is not what it should be"),)


def test_a_creation_leaves_the_body_it_was_given_alone() -> None:
    body = {**TICKET, "id": "mine", "note": [{"text": "x"}]}
    before = copy.deepcopy(body)
    TICKETS.open(body, "https://bss/collection", BORN, Author.CLIENT, anything)
    assert body == before


# --- which change raises which events ---------------------------------------------------------------------------------

STATUS = {"status", "statusChangeDate", "statusChangeHistory", "lastUpdate"}
"""What every transition of a ticket changes."""

EVENTS: list[Any] = [
    # a member that the client writes
    ("acknowledged", {"priority": "high"}, [(Kind.ATTRIBUTE, {"priority", "lastUpdate"})]),
    # several: one event names them all
    (
        "acknowledged",
        {"priority": "high", "name": "x", "note": [{"text": "y"}]},
        [(Kind.ATTRIBUTE, {"priority", "name", "note", "lastUpdate"})],
    ),
    # one that the schema does not know is a member like any other
    ("acknowledged", {"x-vendor": {"a": 1}}, [(Kind.ATTRIBUTE, {"x-vendor", "lastUpdate"})]),
    # one whose value is the same is not named
    ("acknowledged", {"severity": "major", "name": "x"}, [(Kind.ATTRIBUTE, {"name", "lastUpdate"})]),
    # a transition alone
    ("acknowledged", {"status": "inProgress"}, [(Kind.STATUS, STATUS)]),
    # its reason belongs to it
    (
        "inProgress",
        {"status": "held", "statusChangeReason": "No parts."},
        [(Kind.STATUS, STATUS | {"statusChangeReason"})],
    ),
    # a status that is the same is no transition
    (
        "inProgress",
        {"status": "inProgress", "name": "x"},
        [(Kind.ATTRIBUTE, {"name", "lastUpdate"})],
    ),
    # a transition and a member: both, the transition first
    (
        "inProgress",
        {"status": "pending", "priority": "low"},
        [(Kind.STATUS, STATUS), (Kind.ATTRIBUTE, {"priority", "lastUpdate"})],
    ),
    # resolved: StatusChange, then Resolved; the server dates the resolution
    (
        "inProgress",
        {"status": "resolved"},
        [(Kind.STATUS, STATUS | {"resolutionDate"}), (Kind.RESOLVED, STATUS | {"resolutionDate"})],
    ),
    # resolved, with everything
    (
        "inProgress",
        {"status": "resolved", "statusChangeReason": "Refunded.", "note": [{"text": "x"}]},
        [
            (Kind.STATUS, STATUS | {"statusChangeReason", "resolutionDate"}),
            (Kind.RESOLVED, STATUS | {"statusChangeReason", "resolutionDate"}),
            (Kind.ATTRIBUTE, {"note", "lastUpdate"}),
        ],
    ),
    # the client knows better when it was resolved: then it is a member that the client wrote
    (
        "inProgress",
        {"status": "resolved", "resolutionDate": "2026-03-10T00:00:00Z"},
        [
            (Kind.STATUS, STATUS | {"resolutionDate"}),
            (Kind.RESOLVED, STATUS | {"resolutionDate"}),
            (Kind.ATTRIBUTE, {"resolutionDate", "lastUpdate"}),
        ],
    ),
    # a final status raises no more than its transition
    (
        "acknowledged",
        {"status": "rejected", "statusChangeReason": "x"},
        [(Kind.STATUS, STATUS | {"statusChangeReason"})],
    ),
    ("pending", {"status": "cancelled"}, [(Kind.STATUS, STATUS)]),
    # what is final can still be written upon
    ("closed", {"note": [{"text": "x"}]}, [(Kind.ATTRIBUTE, {"note", "lastUpdate"})]),
    # the reason of a status that stays is corrected: nothing else would tell of it
    ("held", {"statusChangeReason": "Better put."}, [(Kind.ATTRIBUTE, {"statusChangeReason", "lastUpdate"})]),
]


@pytest.mark.parametrize(("status", "body", "events"), EVENTS)
def test_a_patch_of_a_ticket_raises_exactly_the_events_that_are_true(
    status: str, body: dict[str, Any], events: list[tuple[Kind, set[str]]]
) -> None:
    change = changed(stored(status), body)
    assert [said(event) for event in change.events] == events
    assert all(event.resource_id == change.subject.id and event.time == NOW for event in change.events)
    assert len({event.id for event in change.events}) == len(events)
    document = document_of(change)
    for event in change.events:
        assert event.payload == {name: document[name] for name in event.payload}


@pytest.mark.parametrize(
    ("status", "body", "events"),
    [
        # TMF656 has no history and no Resolved
        (
            "held",
            {"status": "resolved"},
            [(Kind.STATUS, {"status", "statusChangeDate", "lastUpdate", "resolutionDate"})],
        ),
        (
            "pending",
            {"status": "resolved", "statusChangeReason": "x", "priority": 3},
            [
                (Kind.STATUS, {"status", "statusChangeReason", "statusChangeDate", "lastUpdate", "resolutionDate"}),
                (Kind.ATTRIBUTE, {"priority", "lastUpdate"}),
            ],
        ),
        ("inProgress", {"priority": 3}, [(Kind.ATTRIBUTE, {"priority", "lastUpdate"})]),
        ("closed", {"status": "inProgress"}, [(Kind.STATUS, {"status", "statusChangeDate", "lastUpdate"})]),
    ],
)
def test_a_patch_of_a_problem_raises_exactly_the_events_that_are_true(
    status: str, body: dict[str, Any], events: list[tuple[Kind, set[str]]]
) -> None:
    change = changed(stored(status, PROBLEMS), body, rules=PROBLEMS)
    assert [said(event) for event in change.events] == events
    assert "statusChangeHistory" not in document_of(change)


@pytest.mark.parametrize(
    "operations",
    [
        # the same member, said in the other language
        [{"op": "replace", "path": "/severity", "value": "minor"}],
        [{"op": "test", "path": "/status", "value": "held"}, {"op": "replace", "path": "/severity", "value": "minor"}],
    ],
)
def test_a_json_patch_raises_what_a_merge_patch_of_the_same_members_raises(operations: list[dict[str, Any]]) -> None:
    change = changed(stored("held"), operations, JSON_PATCH)
    assert [said(event) for event in change.events] == [(Kind.ATTRIBUTE, {"severity", "lastUpdate"})]


def test_a_member_that_becomes_null_or_ceases_to_be_null_is_a_change() -> None:
    """JSON's null is a value: a silent change would leave no trace for any subscriber."""
    becomes = changed(stored(), [{"op": "add", "path": "/x-vendor", "value": None}], JSON_PATCH)
    assert [said(event) for event in becomes.events] == [(Kind.ATTRIBUTE, {"x-vendor", "lastUpdate"})]
    ceases = changed(Stored({**stored().document, "x-vendor": None}), {"x-vendor": None})
    assert [event.kind for event in ceases.events] == [Kind.ATTRIBUTE]


def test_a_member_that_turns_from_1_to_true_is_written() -> None:
    """Python holds them for equal, JSON does not: the write must not be dropped as one that changes nothing."""
    change = changed(stored(**{"x-vendor": 1}), {"x-vendor": True})
    assert document_of(change)["x-vendor"] is True
    assert [said(event) for event in change.events] == [(Kind.ATTRIBUTE, {"x-vendor", "lastUpdate"})]


# --- what a transition does to the ticket -----------------------------------------------------------------------------


def test_a_transition_is_dated_and_continues_the_history() -> None:
    before = stored("inProgress")
    document = document_of(changed(before, {"status": "held", "statusChangeReason": "No parts."}))
    assert document["statusChangeDate"] == document["lastUpdate"] == NOW_TEXT
    assert document["creationDate"] == "2026-03-11T06:00:00.000Z"
    assert document["statusChangeHistory"] == [
        *before.document["statusChangeHistory"],
        {
            "@type": "StatusChange",
            "status": "held",
            "statusChangeReason": "No parts.",
            "statusChangeDate": NOW_TEXT,
        },
    ]


def test_a_change_without_a_transition_leaves_status_date_and_history_alone() -> None:
    before = stored("inProgress")
    document = document_of(changed(before, {"name": "x"}))
    for name in ("status", "statusChangeDate", "statusChangeHistory"):
        assert document[name] == before.document[name]
    assert document["lastUpdate"] == NOW_TEXT


def test_every_change_raises_the_version_by_one() -> None:
    before = stored("inProgress")
    for body in ({"name": "x"}, {"status": "held"}, {"status": "resolved", "name": "x"}):
        after = changed(before, body).after
        assert after is not None
        assert after.version == before.version + 1


@pytest.mark.parametrize(
    ("body", "media_type", "reason"),
    [
        # the reason of the status before is no reason of this one
        ({"status": "inProgress"}, MERGE, None),
        # whoever names it means it, also when it is the same
        ({"status": "inProgress", "statusChangeReason": "No parts."}, MERGE, "No parts."),
        ({"status": "inProgress", "statusChangeReason": "Parts came."}, MERGE, "Parts came."),
        ({"status": "inProgress", "statusChangeReason": None}, MERGE, None),
        # the same in the other language
        ([{"op": "replace", "path": "/status", "value": "inProgress"}], JSON_PATCH, None),
        (
            [
                {"op": "replace", "path": "/status", "value": "inProgress"},
                {"op": "replace", "path": "/statusChangeReason", "value": "Parts came."},
            ],
            JSON_PATCH,
            "Parts came.",
        ),
        # to ask for it is not to give it
        (
            [
                {"op": "test", "path": "/statusChangeReason", "value": "No parts."},
                {"op": "replace", "path": "/status", "value": "inProgress"},
            ],
            JSON_PATCH,
            None,
        ),
    ],
)
def test_a_stale_reason_is_dropped_by_a_transition(body: Any, media_type: str, reason: str | None) -> None:
    change = changed(stored("held", statusChangeReason="No parts."), body, media_type)
    document = document_of(change)
    assert document.get("statusChangeReason") == reason
    assert document["statusChangeHistory"][-1].get("statusChangeReason") == reason
    assert [event.kind for event in change.events] == [Kind.STATUS]


def test_a_reason_given_with_the_whole_ticket_is_kept() -> None:
    before = stored("held", statusChangeReason="No parts.")
    whole = {**before.document, "status": "inProgress", "statusChangeReason": "Parts came."}
    change = changed(before, [{"op": "replace", "path": "", "value": whole}], JSON_PATCH)
    assert document_of(change)["statusChangeReason"] == "Parts came."


def test_a_reason_stays_while_the_status_stays() -> None:
    document = document_of(changed(stored("held", statusChangeReason="No parts."), {"name": "x"}))
    assert document["statusChangeReason"] == "No parts."


RESOLVED_AT = "2026-03-11T06:10:00.000Z"


@pytest.mark.parametrize(
    ("status", "before", "body", "after"),
    [
        # the server dates the resolution, unless the client does
        ("inProgress", None, {"status": "resolved"}, NOW_TEXT),
        ("inProgress", None, {"status": "resolved", "resolutionDate": RESOLVED_AT}, RESOLVED_AT),
        # resolved anew: dated anew
        ("inProgress", RESOLVED_AT, {"status": "resolved"}, NOW_TEXT),
        # refused: there is no resolution
        ("resolved", RESOLVED_AT, {"status": "inProgress"}, None),
        # accepted: it was resolved when it was resolved
        ("resolved", RESOLVED_AT, {"status": "closed"}, RESOLVED_AT),
        # whatever else happens to a ticket does not move the date
        ("resolved", RESOLVED_AT, {"name": "x"}, RESOLVED_AT),
        ("inProgress", RESOLVED_AT, {"status": "held"}, RESOLVED_AT),
        ("acknowledged", RESOLVED_AT, {"status": "inProgress"}, RESOLVED_AT),
    ],
)
@pytest.mark.parametrize("rules", [TICKETS, PROBLEMS])
def test_the_resolution_date_says_when_it_was_resolved(
    rules: Tracked, status: str, before: str | None, body: dict[str, Any], after: str | None
) -> None:
    dated = {"resolutionDate": before} if before else {}
    document = document_of(changed(stored(status, rules, **dated), body, rules=rules))
    assert document.get("resolutionDate") == after


def test_a_closed_problem_that_is_reopened_has_no_resolution_date() -> None:
    before = stored("closed", PROBLEMS, resolutionDate=RESOLVED_AT)
    assert "resolutionDate" not in document_of(changed(before, {"status": "inProgress"}, rules=PROBLEMS))


@pytest.mark.parametrize(
    ("status", "body", "rises"),
    [
        ("resolved", {"status": "inProgress"}, True),  # the customer did not accept the resolution
        ("resolved", {"status": "inProgress", "name": "x"}, True),
        ("resolved", {"status": "closed"}, False),
        ("resolved", {"name": "x"}, False),
        ("held", {"status": "inProgress"}, False),
        ("pending", {"status": "inProgress"}, False),
        ("acknowledged", {"status": "inProgress"}, False),
    ],
)
def test_an_episode_begins_only_when_a_resolution_is_refused(status: str, body: dict[str, Any], rises: bool) -> None:
    before = stored(status)
    after = changed(before, body).after
    assert after is not None
    assert after.episode == before.episode + rises


# --- what a patch may not do ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", [MERGE, JSON_PATCH])
@pytest.mark.parametrize("rules", [TICKETS, PROBLEMS])
def test_what_only_the_server_sets_may_be_sent_back_unchanged(rules: Tracked, media_type: str) -> None:
    before = stored("held", rules)
    mine = {name: before.document[name] for name in rules.server_set}
    body: Any = {**mine, "name": "x"}
    if media_type == JSON_PATCH:
        body = [{"op": "add", "path": f"/{name}", "value": value} for name, value in body.items()]
        # an object would be appended; a list or text replaces
    document = document_of(changed(before, body, media_type, rules))
    assert document == {**before.document, "name": "x", "lastUpdate": NOW_TEXT}


@pytest.mark.parametrize("value", ["mine", None, 1, []])
@pytest.mark.parametrize("name", sorted(TICKETS.server_set))
def test_what_only_the_server_sets_cannot_be_patched(name: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        patched(stored("held"), {name: value, "priority": "high"})
    assert [fault.pointer for fault in refused.value.faults] == [f"/{name}"]
    assert refused.value.status == 400


def test_every_member_that_only_the_server_sets_is_pointed_at() -> None:
    body = [
        {"op": "replace", "path": "/href", "value": "mine"},
        {"op": "remove", "path": "/creationDate"},
        {"op": "add", "path": "/statusChangeHistory/-", "value": {"status": "closed"}},
    ]
    with pytest.raises(Invalid) as refused:
        patched(stored("held"), body, JSON_PATCH)
    assert [fault.pointer for fault in refused.value.faults] == ["/creationDate", "/href", "/statusChangeHistory"]


def test_an_illegal_transition_is_refused_by_name_and_nothing_else_is_done() -> None:
    with pytest.raises(IllegalTransition) as refused:
        patched(stored("held"), {"status": "resolved", "name": "x"})
    assert "inProgress" in (refused.value.message or "")


@pytest.mark.parametrize("rules", [TICKETS, PROBLEMS])
def test_what_is_mandatory_cannot_be_patched_away(rules: Tracked) -> None:
    for name in sorted(rules.mandatory - {"@type"}):
        with pytest.raises(Invalid) as refused:
            patched(stored("held", rules), {name: None}, rules=rules)
        assert [fault.pointer for fault in refused.value.faults] == [f"/{name}"]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ({"status": None}, MERGE),
        ([{"op": "remove", "path": "/status"}], JSON_PATCH),
        ([{"op": "move", "from": "/status", "path": "/name"}], JSON_PATCH),
    ],
)
@pytest.mark.parametrize("rules", [TICKETS, PROBLEMS])
def test_the_status_cannot_be_patched_away(rules: Tracked, body: Any, media_type: str) -> None:
    """The schema does not require one: the rules must."""
    with pytest.raises(Invalid) as refused:
        patched(stored("held", rules), body, media_type, rules)
    assert [fault.pointer for fault in refused.value.faults] == ["/status"]


def test_a_patched_resource_is_held_against_its_schema_as_a_whole() -> None:
    schema = Schema("bad")
    with pytest.raises(Invalid):
        TICKETS.patch(stored("held"), {"bad": 1, "status": "resolved"}, MERGE, NOW, Author.CLIENT, schema)
    [shown] = schema.shown
    assert shown["description"] == "No light."
    assert shown["bad"] == 1


def test_a_test_that_fails_is_a_conflict() -> None:
    operations = [{"op": "test", "path": "/status", "value": "pending"}, {"op": "remove", "path": "/severity"}]
    with pytest.raises(Conflict):
        patched(stored("held"), operations, JSON_PATCH)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ({}, MERGE),
        ({"severity": "major"}, MERGE),
        ({"status": "held"}, MERGE),
        ({"@type": "TroubleTicket"}, MERGE),
        ({"nothing": None}, MERGE),  # removes what is not there
        ([], JSON_PATCH),
        ([{"op": "test", "path": "/status", "value": "held"}], JSON_PATCH),
        ([{"op": "add", "path": "/severity", "value": "major"}], JSON_PATCH),
        (
            [{"op": "add", "path": "/x", "value": 1}, {"op": "remove", "path": "/x"}],
            JSON_PATCH,
        ),
    ],
)
def test_a_patch_that_changes_nothing_is_no_change(body: Any, media_type: str) -> None:
    assert patched(stored("held"), body, media_type) is None


def test_the_whole_ticket_sent_back_is_no_change() -> None:
    before = stored("held", note=[{"text": "x"}], statusChangeReason="No parts.")
    assert patched(before, copy.deepcopy(before.document)) is None


def test_a_patch_shares_nothing_with_what_it_came_from_that_either_might_change() -> None:
    before = stored("held", note=[{"text": "x"}])
    body = {"channel": {"id": "hotline"}}
    history = before.document["statusChangeHistory"]
    document = document_of(changed(before, {**body, "status": "inProgress"}))
    assert document["statusChangeHistory"] is not history
    assert len(history) == 1


# --- @type ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", ["TroubleTicket", "BroadbandTicket"])
def test_the_type_in_a_merge_patch_says_what_is_patched_and_changes_no_subtype(type_: str) -> None:
    """v5 requires @type in every patch, and a client may well know only the base type."""
    before = stored("held", **{"@type": "BroadbandTicket", "@baseType": "TroubleTicket"})
    change = changed(before, {"@type": type_, "name": "x"})
    assert document_of(change)["@type"] == "BroadbandTicket"
    assert [event.payload["@type"] for event in change.events] == ["BroadbandTicket"]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        # another type
        ({"@type": "MobileTicket", "name": "x"}, MERGE),
        # no type
        ({"@type": None, "name": "x"}, MERGE),
        ([{"op": "remove", "path": "/@type"}], JSON_PATCH),
        # a json-patch says what it says
        ([{"op": "replace", "path": "/@type", "value": "TroubleTicket"}], JSON_PATCH),
    ],
)
def test_the_type_of_a_resource_cannot_be_changed(body: Any, media_type: str) -> None:
    with pytest.raises(Invalid) as refused:
        patched(stored("held", **{"@type": "BroadbandTicket"}), body, media_type)
    assert [fault.pointer for fault in refused.value.faults] == ["/@type"]


def test_a_subtype_is_opened_as_what_it_is_and_its_events_say_so() -> None:
    change = opened(**{"@type": "BroadbandTicket", "@baseType": "TroubleTicket", "@schemaLocation": "https://x"})
    assert document_of(change)["@type"] == "BroadbandTicket"
    deleted = TICKETS.delete(change.subject, NOW, Author.CLIENT)
    assert set(deleted.events[0].payload) == {*ALWAYS, "@baseType", "@schemaLocation"}


# --- delete and settle ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [TICKETS, PROBLEMS])
def test_a_deletion_raises_one_event_that_says_which_resource_it_was(rules: Tracked) -> None:
    before = stored("held", rules)
    change = rules.delete(before, NOW, Author.CLIENT)
    assert (change.before, change.after, change.subject) == (before, None, before)
    assert [said(event) for event in change.events] == [(Kind.DELETE, set())]


def test_a_way_of_several_steps_gives_each_its_own_event_and_the_last_one_the_reason() -> None:
    before = stored("held", statusChangeReason="No parts.")
    document = {**before.document, "statusChangeReason": "restored", "note": [{"text": "x"}]}
    change = TICKETS.settle(before, document, ("inProgress", "resolved"), NOW, Author.ADAPTER)
    assert [said(event) for event in change.events] == [
        (Kind.STATUS, STATUS),
        (Kind.STATUS, STATUS | {"statusChangeReason", "resolutionDate"}),
        (Kind.RESOLVED, STATUS | {"statusChangeReason", "resolutionDate"}),
        (Kind.ATTRIBUTE, {"note", "lastUpdate"}),
    ]
    first, last, resolved, _ = change.events
    assert first.payload["status"] == "inProgress"
    assert [entry["status"] for entry in first.payload["statusChangeHistory"]] == ["held", "inProgress"]
    assert last.payload["status"] == resolved.payload["status"] == "resolved"
    assert [entry["status"] for entry in last.payload["statusChangeHistory"]] == ["held", "inProgress", "resolved"]
    assert change.after is not None
    assert change.after.version == before.version + 1
    assert change.by is Author.ADAPTER


def test_no_event_changes_when_the_ticket_goes_on() -> None:
    first = changed(stored("inProgress", note=[{"text": "x"}]), {"status": "held", "name": "x"})
    told = copy.deepcopy(first.events)
    assert first.after is not None
    changed(replace(first.after), {"status": "inProgress", "name": "y", "note": []})
    assert first.events == told
    assert all(value is not None for event in first.events for value in walk(event.payload))
