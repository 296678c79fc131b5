"""Plays the scenarios and turns what happens into verdicts."""

from collections.abc import Iterator, Mapping

from conformance.apis import Api
from conformance.client import Client, NotJudged, Unmet
from conformance.listener import Listener
from conformance.scenarios import SCENARIOS, Scenario, Subject
from conformance.verdict import Outcome, Part, Verdict

SHOWN = 6
"""Exchanges of a failed scenario that a report shows, the last ones."""


def play(
    api: Api, others: tuple[Api, ...], headers: Mapping[str, str], listener: Listener | None, patience: float
) -> Iterator[Verdict]:
    """The verdict of every scenario that concerns this API."""
    for each in SCENARIOS:
        if api.key in each.apis:
            yield judged(each, Subject(api, Client(headers), listener, patience, others))


def judged(scenario: Scenario, subject: Subject) -> Verdict:
    """The verdict of one scenario; what the server answers never makes it raise."""
    outcome, detail = Outcome.PASSED, ""
    try:
        scenario.play(subject)
    except Unmet as unmet:
        outcome, detail = Outcome.FAILED, str(unmet)
    except NotJudged as reason:
        outcome, detail = Outcome.SKIPPED, str(reason)
    except (LookupError, TypeError, AttributeError, ValueError) as surprise:
        # A scenario takes members for granted that the schema promises; an answer without them is the server's fault.
        outcome, detail = Outcome.FAILED, f"the answer is not of the form the schema promises: {surprise!r}"
    return Verdict(
        subject.api.number,
        subject.api.version,
        Part.SCENARIOS,
        scenario.of(subject.api),
        scenario.clause,
        outcome,
        detail,
        () if outcome is Outcome.PASSED else tuple(subject.client.log[-SHOWN:]),
    )
