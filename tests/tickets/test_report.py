"""The report of a recovery on its ticket: restored, restored by work-around, or unsuccessful."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from tmf_adapter.tickets.ticket import RULES, Report, report
from tmf_adapter.tmf.events import OUR_NAME, Author, Change, Kind, Stored
from tmf_adapter.tmf.lifecycle import TICKET as LIFECYCLE

BORN = datetime(2026, 3, 11, 6, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 11, 6, 41, 12, 345_000, tzinfo=UTC)
NOW_TEXT = "2026-03-11T06:41:12.345Z"
BODY = {"@type": "TroubleTicket", "description": "No light.", "severity": "major", "ticketType": "fault"}

PROBLEM = {"role": "serviceProblem", "id": "sp-1", "href": "https://smo/sp-1", "@referredType": "ServiceProblem"}
RESTORED = Report("resolved", "restored", "Port replaced.", {"restorationType": "permanent"}, (PROBLEM,))
WORKAROUND_RESOLVED = Report(
    "resolved", "restored-workaround", "Moved to port 15.", {"restorationType": "workaround"}, (PROBLEM,)
)
WORKAROUND_HELD = Report(
    "held", "workaround-active", "Moved to port 15.", {"restorationType": "workaround"}, (PROBLEM,)
)
UNSUCCESSFUL = Report(None, None, "Nothing helped.", {"restorationType": "unsuccessful", "attempt": "1"}, (PROBLEM,))
REPORTS = {
    "restored": RESTORED,
    "workaround, resolved": WORKAROUND_RESOLVED,
    "workaround, held": WORKAROUND_HELD,
    "unsuccessful": UNSUCCESSFUL,
}

WRITTEN = {"note", "troubleTicketCharacteristic", "relatedEntity", "lastUpdate"}

WAYS: list[Any] = [
    # nobody began: begin, then resolve
    ("acknowledged", "resolved", ["inProgress", "resolved"]),
    ("acknowledged", "held", ["inProgress", "held"]),
    # the usual case
    ("inProgress", "resolved", ["resolved"]),
    ("inProgress", "held", ["held"]),
    # on hold or waiting: TMF621 knows no direct way
    ("held", "resolved", ["inProgress", "resolved"]),
    ("held", "held", []),
    ("pending", "resolved", ["inProgress", "resolved"]),
    ("pending", "held", ["inProgress", "held"]),
    # resolved already, by whomever
    ("resolved", "resolved", []),
    # final: what was done is noted, the status stays
    ("rejected", "resolved", []),
    ("rejected", "held", []),
    ("cancelled", "resolved", []),
    ("cancelled", "held", []),
    ("closed", "resolved", []),
    ("closed", "held", []),
    # Track & Manage decides
    *((status, None, []) for status in LIFECYCLE.edges),
]


def stored(status: str, **members: Any) -> Stored:
    change = RULES.open({**BODY, "status": status}, "https://bss/t", BORN, Author.CLIENT, lambda document: document)
    return Stored({**change.subject.document, **members}, version=4, episode=2)


def reported(before: Stored, said: Report) -> Change:
    was = copy.deepcopy((before, said))
    change = report(before, said, NOW)
    assert (before, said) == was, "a report leaves what it was given alone"
    return change


def document_of(change: Change) -> dict[str, Any]:
    assert change.after is not None
    return change.after.document


@pytest.mark.parametrize(
    ("name", "status", "way"),
    [(name, status, way) for name, said in REPORTS.items() for status, wanted, way in WAYS if said.status == wanted],
)
def test_a_report_walks_the_legal_way_and_tells_every_step_of_it(name: str, status: str, way: list[str]) -> None:
    said = REPORTS[name]
    before = stored(status, statusChangeReason="what was said before")
    change = reported(before, said)
    document = document_of(change)

    end = way[-1] if way else status
    assert document["status"] == end
    assert [entry["status"] for entry in document["statusChangeHistory"]] == [status, *way]
    kinds = [Kind.STATUS] * len(way) + [Kind.RESOLVED] * ("resolved" in way) + [Kind.ATTRIBUTE]
    assert [event.kind for event in change.events] == kinds
    assert [event.payload["status"] for event in change.events[: len(way)]] == way
    assert set(change.events[-1].payload) == {"@type", "id", "href", *WRITTEN}

    if way:
        assert document["statusChangeReason"] == said.reason
        assert document["statusChangeHistory"][-1]["statusChangeReason"] == said.reason
        assert document["statusChangeDate"] == NOW_TEXT
        for event in change.events[: len(way) - 1]:
            assert "statusChangeReason" not in event.payload, "the reason is that of the last step"
    else:
        assert document["statusChangeReason"] == "what was said before"
        assert document["statusChangeDate"] == before.document["statusChangeDate"]
    assert document.get("resolutionDate") == (NOW_TEXT if "resolved" in way else None)

    assert change.by is Author.ADAPTER
    assert change.after is not None
    assert (change.after.version, change.after.episode) == (before.version + 1, before.episode)


def test_a_report_that_comes_late_does_not_reopen_what_was_resolved_meanwhile() -> None:
    """The only legal way from resolved to held is the refusal of the resolution, and that is the customer's."""
    before = stored("resolved", resolutionDate="2026-03-11T06:10:00.000Z")
    change = reported(before, WORKAROUND_HELD)
    assert document_of(change)["status"] == "resolved"
    assert document_of(change)["resolutionDate"] == "2026-03-11T06:10:00.000Z"
    assert change.after is not None
    assert change.after.episode == before.episode
    assert [event.kind for event in change.events] == [Kind.ATTRIBUTE]


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_leaves_a_note_a_characteristic_and_what_was_done(name: str) -> None:
    said = REPORTS[name]
    document = document_of(reported(stored("inProgress"), said))
    [note] = document["note"]
    assert note == {"@type": "Note", "id": note["id"], "author": OUR_NAME, "date": NOW_TEXT, "text": said.note}
    assert document["troubleTicketCharacteristic"] == [
        {"@type": "StringCharacteristic", "name": key, "valueType": "string", "value": value}
        for key, value in said.characteristics.items()
    ]
    assert document["relatedEntity"] == [
        {
            "@type": "RelatedEntity",
            "role": "serviceProblem",
            "entity": {
                "@type": "EntityRef",
                "id": "sp-1",
                "href": "https://smo/sp-1",
                "@referredType": "ServiceProblem",
            },
        }
    ]


def test_what_the_client_wrote_stays_and_what_the_report_says_comes_after_it() -> None:
    mine: dict[str, Any] = {
        "note": [{"@type": "Note", "text": "Line tested."}],
        "troubleTicketCharacteristic": [{"@type": "IntegerCharacteristic", "name": "lostFrames", "value": 7}],
        "relatedEntity": [{"@type": "RelatedEntity", "role": "affectedService", "entity": {"id": "s"}}],
        "x-vendor": {"a": 1},
    }
    document = document_of(reported(stored("inProgress", **mine), RESTORED))
    for name in ("note", "troubleTicketCharacteristic", "relatedEntity"):
        assert document[name][0] == mine[name][0]
        assert len(document[name]) == 2
    assert document["x-vendor"] == {"a": 1}


def test_a_second_report_replaces_the_characteristic_of_the_same_name_where_it_stands() -> None:
    other = {"@type": "StringCharacteristic", "name": "faultCode", "value": "LOS"}
    first = reported(stored("inProgress"), UNSUCCESSFUL)
    assert first.after is not None
    between = Stored(
        {
            **document_of(first),
            "troubleTicketCharacteristic": [*document_of(first)["troubleTicketCharacteristic"], other],
        },
        first.after.version,
    )
    document = document_of(reported(between, RESTORED))
    assert [(entry["name"], entry["value"]) for entry in document["troubleTicketCharacteristic"]] == [
        ("restorationType", "permanent"),
        ("attempt", "1"),
        ("faultCode", "LOS"),
    ]
    assert [note["text"] for note in document["note"]] == ["Nothing helped.", "Port replaced."]
    assert len(document["relatedEntity"]) == 1  # what both point at stands there once


def test_a_characteristic_that_was_there_twice_says_the_same_in_both_places_or_is_there_once() -> None:
    twice = [{"name": "restorationType", "value": value} for value in ("old", "older")]
    document = document_of(reported(stored("inProgress", troubleTicketCharacteristic=twice), RESTORED))
    values = [e["value"] for e in document["troubleTicketCharacteristic"] if e["name"] == "restorationType"]
    assert set(values) == {"permanent"}


def test_a_characteristic_without_a_name_is_nobodys() -> None:
    nameless = [{"@type": "StringCharacteristic", "value": "x"}]
    document = document_of(reported(stored("inProgress", troubleTicketCharacteristic=nameless), RESTORED))
    assert [entry.get("name") for entry in document["troubleTicketCharacteristic"]] == [None, "restorationType"]


@pytest.mark.parametrize(
    ("said", "members"),
    [
        # each part of a report can be left out
        (Report("resolved", "restored", None), set()),
        (Report("resolved", None, "Done."), {"note"}),
        (Report("resolved", "restored", None, {"a": "b"}), {"troubleTicketCharacteristic"}),
        (Report("resolved", "restored", None, {}, (PROBLEM,)), {"relatedEntity"}),
        (Report("resolved", "restored", ""), set()),
    ],
)
def test_a_report_writes_only_what_it_says(said: Report, members: set[str]) -> None:
    before = stored("inProgress", statusChangeReason="Work began.")
    change = reported(before, said)
    document = document_of(change)
    assert set(document) - set(before.document) == members | {"resolutionDate"} - set()
    assert document.get("statusChangeReason") == said.reason, "a stale reason goes with its status"
    assert [event.kind for event in change.events] == [
        Kind.STATUS,
        Kind.RESOLVED,
        *([Kind.ATTRIBUTE] if members else []),
    ]


def test_a_reference_without_an_address_has_none() -> None:
    said = Report(None, None, None, {}, ({**PROBLEM, "href": None},))
    [related] = document_of(reported(stored("inProgress"), said))["relatedEntity"]
    assert "href" not in related["entity"]
    assert "role" not in related["entity"]


def test_several_related_entities_are_all_written() -> None:
    order = {"role": "productOrder", "id": "po-1", "href": None, "@referredType": "ProductOrder"}
    said = Report(None, None, None, {}, (PROBLEM, order))
    related = document_of(reported(stored("inProgress"), said))["relatedEntity"]
    assert [entry["role"] for entry in related] == ["serviceProblem", "productOrder"]
