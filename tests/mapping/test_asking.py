"""Whether a change of the ticket answers what was asked."""

from typing import Any

import pytest

from tests.mapping.changes import entity, ticket
from tmf_adapter.mapping.asking import answered

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
