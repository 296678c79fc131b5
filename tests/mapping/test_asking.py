"""Whether a change of the ticket answers what was asked."""

from typing import Any

import pytest

from tests.mapping.changes import entity, ticket
from tmf_adapter.mapping.asking import answer_view, answered, said_since

LINE = {"op": "add", "path": "/relatedEntity/-", "value": {"role": "affectedService"}}


@pytest.mark.parametrize(
    ("need", "before", "after", "is_answered"),
    [
        ([LINE], {}, {"relatedEntity": [entity("affectedService", "Service", "l-1")]}, True),
        ([LINE], {}, {"relatedEntity": [entity("place", "Place", "p-1")]}, False),  # another role
        (
            [LINE],
            {"relatedEntity": [entity("affectedService", "Service", "l-1")]},
            {"relatedEntity": [entity("affectedService", "Service", "l-1")]},
            False,  # it was there when it was asked
        ),
        ([LINE], {}, {"note": [{"text": "what line?"}]}, False),
        ([{"op": "add", "path": "/attachment/-"}], {}, {"attachment": [{"id": "1"}]}, True),  # whatever it is
        ([{"op": "add", "path": "/attachment"}], {}, {"attachment": []}, True),
        ([{"op": "replace", "path": "/severity", "value": "minor"}], {}, {"severity": "critical"}, True),
        ([{"op": "replace", "path": "/severity"}], {}, {}, False),
        ([{"op": "replace", "path": "/note/0/text"}], {"note": [{"text": "a"}]}, {"note": [{"text": "b"}]}, True),
        ([{"op": "remove", "path": "/a~1b"}], {"a/b": 1}, {}, True),
        ([{"op": "remove", "path": "/a~1b"}], {"a/b": 1}, {"a/b": 2}, False),
        ([LINE, {"op": "replace", "path": "/severity"}], {}, {"severity": "minor"}, False),  # all of it is needed
        ([], {}, {"description": "more"}, True),
        ([], {}, {"status": "inProgress", "lastUpdate": "x"}, False),  # the status alone is no information
    ],
)
def test_an_answer_has_all_that_was_asked_for(
    need: list[dict[str, Any]], before: dict[str, Any], after: dict[str, Any], is_answered: bool
) -> None:
    assert answered(need, ticket(**before), ticket(**after)) is is_answered


def test_an_answer_is_what_others_have_added_since() -> None:
    asked = {"@type": "Note", "author": "tmf_adapter", "text": "Which line?"}
    before = ticket(note=[{"text": "no light"}], severity="minor", priority="low")
    said = {
        "note": [{"text": "no light"}, asked, {"text": "the left one"}],
        "severity": "major",
        "relatedEntity": [entity("affectedService", "Service", "l-1")],
        "status": "inProgress",
    }
    found = said_since(before, ticket(**said))
    assert {name: found[name] for name in ("note", "severity")} == {
        "note": [{"text": "the left one"}],
        "severity": "major",
    }
    assert found.keys() == {"note", "severity", "relatedEntity"}
    view = answer_view(found)
    assert view["rel"]["affectedService"][0]["id"] == "l-1"
    assert view.keys() == {"note", "severity", "rel", "raw"}  # what was not said is not there


def test_the_adapters_own_note_is_no_answer() -> None:
    asked = {"note": [{"@type": "Note", "author": "tmf_adapter", "text": "Which line?"}]}
    assert not answered([{"op": "add", "path": "/note/-"}], ticket(), ticket(**asked))
    assert not answered([], ticket(), ticket(**asked))
    assert said_since(ticket(), ticket(**asked)) == {}
