"""Generated requests: what they find, what is excused, and what a run without schemathesis says."""

import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance import properties
from conformance.apis import Api, read
from conformance.exceptions import Excuse, excuse
from conformance.properties import Amount
from conformance.verdict import Outcome, Verdict
from tests.conformance.little import BASE, Little, serving

DOCUMENT = read(Path(__file__).parents[2] / "openapi" / "tmf621-v5.yaml")
LISTS = {**DOCUMENT, "paths": {"/troubleTicket": {"get": DOCUMENT["paths"]["/troubleTicket"]["get"]}}}
"""The document with nothing but the list of tickets."""
HUBS = {**LISTS, "paths": {**LISTS["paths"], **{at: DOCUMENT["paths"][at] for at in ("/hub", "/hub/{id}")}}}
"""With subscriptions besides, so that there are bodies, and ids that lead from one request to the next."""
ID = re.compile(r"[0-9a-f]{32}")


def verdicts(*faults: str, excuses: tuple[Excuse, ...] = ()) -> list[Verdict]:
    with serving(Little(*faults)) as url:
        return list(properties.judge(Api("tmf621-v5", url + BASE, LISTS), {}, 1, Amount(10), excuses))


def of(found: list[Verdict], clause: str) -> Verdict:
    return next(one for one in found if one.clause is properties.CLAUSES[clause])


def test_a_failing_server_is_found_with_the_request_that_it_fails_at() -> None:
    found = of(verdicts("fails at offsets"), "not_a_server_error")
    assert (found.outcome, found.operation) == (Outcome.FAILED, "GET /troubleTicket")
    assert "offset=" in found.exchanges[0].url
    assert (found.exchanges[0].status, found.exchanges[0].body.count("a bug")) == (500, 1)


def test_a_server_that_answers_as_its_document_says_passes_and_the_answers_are_counted() -> None:
    found = of(verdicts(), "not_a_server_error")
    assert (found.outcome, found.detail.split()[1]) == (Outcome.PASSED, "answers")
    assert int(found.detail.split()[0]) > 10


class Noting(Little):
    """The little server, which takes its time and writes down what it is asked."""

    def __init__(self, pause: float) -> None:
        super().__init__()
        self.pause, self.asked = pause, list[tuple[str, str, str, str]]()

    def answer(self, method: str, target: str, content: bytes, kind: str) -> tuple[int, Any, dict[str, str]]:
        time.sleep(self.pause)
        self.asked.append((method, ID.sub("ID", target), ID.sub("ID", content.decode("latin-1")), kind))
        return super().answer(method, target, content, kind)


def asked(seed: int, examples: int, pause: float = 0) -> list[tuple[str, str, str, str]]:
    server = Noting(pause)
    with serving(server) as url:
        list(properties.judge(Api("tmf621-v5", url + BASE, HUBS), {}, seed, Amount(examples), ()))
    return server.asked


def test_seed_and_examples_decide_every_request_and_a_slow_server_is_sent_no_others() -> None:
    first = asked(1, 2)
    assert first == asked(1, 2, pause=0.02)
    assert {"GET", "POST", "DELETE"} <= {method for method, *_ in first}
    assert first != asked(2, 2)
    assert len(first) < len(asked(1, 20))


def test_an_exception_excuses_with_its_reason_and_shows_what_it_excuses() -> None:
    why = "This little server cannot count any further."
    found = of(
        verdicts("fails at offsets", excuses=(Excuse("tmf621-*", "GET /*", "not_a_server_error", why, (500,)),)),
        "not_a_server_error",
    )
    assert found.outcome is Outcome.EXCUSED
    assert why in found.detail
    assert found.exchanges[0].status == 500


def test_without_the_extra_the_part_is_skipped_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: Any = None
    monkeypatch.setattr(properties, "schemathesis", missing)
    [found] = properties.judge(Api("tmf621-v5", "http://x", LISTS), {}, 1, Amount(1), ())
    assert found.outcome is Outcome.SKIPPED
    assert "tmf_adapter[conformance]" in found.detail


@pytest.mark.parametrize(
    ("body", "media_type", "deletes"),
    [
        (b'{"@type": "TroubleTicket", "note": null, "channel": {"@type": "C", "id": "1", "href": null}}', "json", True),
        (b'{"@type": "TroubleTicket", "note": null, "severity": 5}', "json", False),  # is wrong besides
        (b'{"@type": "TroubleTicket", "note": [null]}', "json", False),  # deletes nothing: a list is set as it is
        (b'{"@type": "TroubleTicket", "note": []}', "json", False),
        (b'[{"op": "add", "path": "/note", "value": null}]', "json-patch+json", False),
        (b"null", "json", False),
        (b"", "json", False),
    ],
)
def test_a_merge_patch_may_delete_with_null_and_is_excused_for_nothing_else(
    body: bytes, media_type: str, deletes: bool
) -> None:
    request = SimpleNamespace(body=body, headers={"Content-Type": [f"application/{media_type}"]})
    api = Api("tmf621-v5", "http://x", DOCUMENT)
    assert properties._only_deletes(api, "PATCH /troubleTicket/{id}", SimpleNamespace(request=request)) is deletes
    why = Excuse("tmf621-*", "PATCH /*", "negative_data_rejection", "Null deletes in a merge-patch.", deletes=True)
    at = ("tmf621-v5", "PATCH /troubleTicket/{id}", "negative_data_rejection", 200, "")
    assert (excuse([why], *at, deletes=deletes) is why) is deletes
