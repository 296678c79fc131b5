"""Requests that schemathesis invents from a document, and every check it has on the answers."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.apis import Api, loosened
from conformance.client import told
from conformance.exceptions import Excuse, excuse
from conformance.keys import EXAMPLES
from conformance.verdict import BODY, Clause, Exchange, Level, Outcome, Part, Verdict

try:
    import schemathesis
    from schemathesis.config import SchemathesisConfig
    from schemathesis.engine import Status, events, from_schema
    from schemathesis.engine.recorder import ScenarioRecorder
except ImportError:  # the extra "conformance" is not installed
    schemathesis = None  # type: ignore[assignment]

CHECKS = {
    "not_a_server_error": ("No request makes the server fail (5xx)", "OAS responses", Level.REQUIRED),
    "status_code_conformance": ("Only statuses that the document names are answered", "OAS responses", Level.REQUIRED),
    "content_type_conformance": (
        "Only media types that the document names are answered",
        "OAS content",
        Level.REQUIRED,
    ),
    "response_schema_conformance": ("Every answer fits its schema", "OAS response schemas", Level.REQUIRED),
    "response_headers_conformance": ("Headers are as the document describes them", "OAS headers", Level.RECOMMENDED),
    "negative_data_rejection": ("What the schema forbids is refused", "OAS request schemas", Level.REQUIRED),
    "positive_data_acceptance": ("What the schema allows is not refused", "OAS request schemas", Level.RECOMMENDED),
    "missing_required_header": ("A request without a required header is refused", "OAS parameters", Level.REQUIRED),
    "unsupported_method": ("A method that is not offered is 405", "OAS 405; RFC 9110", Level.RECOMMENDED),
    "allow_header_conformance": ("Allow names what is offered", "RFC 9110 10.2.1", Level.RECOMMENDED),
    "use_after_free": ("What was deleted is gone", "OAS 404", Level.REQUIRED),
    "ensure_resource_availability": ("What was created is there", "OAS 201", Level.REQUIRED),
    "ignored_auth": ("Declared security is enforced", "OAS security", Level.REQUIRED),
    "object_level_authorization": ("Nobody reaches what is another's", "OAS security", Level.REQUIRED),
}
"""What each check of schemathesis means, whose demand it is and how much it counts."""

WITHOUT_BODY_WALK = {"include-method": ["POST", "PATCH"], "phases": {"coverage": {"enabled": False}}}
"""What keeps schemathesis from enumerating thousands of bodies, one for each member and each way to get it wrong."""
NO_ANSWER = "no_answer"
CLAUSES = {check: Clause(*words) for check, words in CHECKS.items()}
CLAUSES[NO_ANSWER] = Clause("Every request is answered", "HTTP", Level.REQUIRED)


@dataclass
class Tally:
    """What one check found at one operation: how often it passed, and one example of each way it failed."""

    passed: int = 0
    failed: dict[str, tuple[Outcome, str, tuple[Exchange, ...], int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Amount:
    """How much is sent to an API: ``examples`` of each operation, or as much as fits into ``seconds`` if there are any.

    The first is the same work on every machine: the same seed and server mean the same requests but for what the
    server gives, ids and times. Only the second walks through every member of every body, as far as the time allows.
    """

    examples: int = EXAMPLES
    seconds: int = 0


def judge(
    api: Api, headers: Mapping[str, str], seed: int, amount: Amount, excuses: Sequence[Excuse]
) -> Iterator[Verdict]:
    """One verdict for each operation and check, after that amount of requests that ``seed`` decides."""
    if schemathesis is None:
        clause = Clause("Generated requests are answered as the document says", "OAS")
        reason = "schemathesis is not installed: pip install 'tmf_adapter[conformance]'"
        yield Verdict(api.number, api.version, Part.PROPERTIES, "all", clause, Outcome.SKIPPED, reason)
        return
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    schema = schemathesis.openapi.from_dict(loosened(api.document), config=_config(api, headers, seed, amount))
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _count(api, event.recorder, excuses, tallies)
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.NonFatalError):
            failure = (Outcome.FAILED, f"{event.info.title}: {event.info.message}"[:BODY], (), 1)
            tallies[event.label, NO_ANSWER].failed.setdefault(event.info.title, failure)
    for (operation, check), tally in sorted(tallies.items()):
        yield from _verdicts(api, operation, check, tally)


def _config(api: Api, headers: Mapping[str, str], seed: int, amount: Amount) -> "SchemathesisConfig":
    bounds = {"max-time": amount.seconds} if amount.seconds else {"operations": [WITHOUT_BODY_WALK]}
    examples = {} if amount.seconds else {"max-examples": amount.examples}
    return SchemathesisConfig.from_dict(
        {
            **bounds,
            "seed": seed,
            "base-url": api.url,
            "headers": dict(headers),
            "continue-on-failure": True,
            "request-timeout": 30.0,
            "suppress-health-check": ["too_slow"],  # is about this machine, and would count against the server
            "generation": {**examples, "database": "none", "allow-x00": False, "no-shrink": True},
        }
    )


def _count(
    api: Api, recorder: "ScenarioRecorder", excuses: Sequence[Excuse], tallies: dict[tuple[str, str], Tally]
) -> None:
    for case_id, checks in recorder.checks.items():
        label = recorder.cases[case_id].value.operation.label
        for check in checks:
            if check.status == Status.SUCCESS:
                tallies[label, check.name].passed += 1
            elif check.failure_info is not None:
                failure = check.failure_info.failure
                interaction = recorder.interactions.get(failure.case_id or case_id)
                _fail(api, tallies[label, check.name], (label, check.name), failure, interaction, excuses)


def _fail(
    api: Api, tally: Tally, at: tuple[str, str], failure: Any, interaction: Any, excuses: Sequence[Excuse]
) -> None:
    detail, exchange = f"{failure.title}. {failure.message}"[:BODY], _exchange(interaction)
    status, body = (exchange.status, exchange.body) if exchange else (0, "")
    found = excuse(excuses, api.key, *at, status, detail + body, deletes=_only_deletes(api, at[0], interaction))
    outcome = Outcome.EXCUSED if found else Outcome.FAILED
    key = found.reason if found else f"{failure.title} {status}"
    first = tally.failed.get(key)
    if first:
        tally.failed[key] = (*first[:3], first[3] + 1)
    else:
        detail = f"{found.reason} ({failure.title}.)" if found else detail
        tally.failed[key] = (outcome, detail, (exchange,) if exchange else (), 1)


def _only_deletes(api: Api, operation: str, interaction: Any) -> bool:
    """Whether all that the schema forbids in a merge-patch are nulls: they delete members, which no schema says."""
    method, _, path = operation.partition(" ")
    if method != "PATCH" or interaction is None or "json-patch" in str(interaction.request.headers).lower():
        return False
    try:
        body = json.loads(interaction.request.body or b"")
    except ValueError:
        return False
    left = without_nulls(body)
    return left != body and not api.request_faults(method, path, left)


def without_nulls(body: Any) -> Any:
    """What a merge-patch sets (RFC 7396): a copy without the members that are null; lists stay as they are."""
    if not isinstance(body, dict):
        return body
    return {name: without_nulls(member) for name, member in body.items() if member is not None}


def _verdicts(api: Api, operation: str, check: str, tally: Tally) -> Iterator[Verdict]:
    clause = CLAUSES.get(check) or Clause(check, "schemathesis", Level.RECOMMENDED)
    at = (api.number, api.version, Part.PROPERTIES, operation, clause)
    if not tally.failed:
        yield Verdict(*at, Outcome.PASSED, f"{tally.passed} answers")
    for outcome, detail, exchanges, times in tally.failed.values():
        yield Verdict(*at, outcome, f"{detail} [{times} of {tally.passed + times} answers]", exchanges)


def _exchange(interaction: Any) -> Exchange | None:
    """What was said, in the form of the report."""
    if interaction is None:
        return None
    request, response = interaction.request, interaction.response
    return Exchange(
        method=request.method,
        url=request.uri,
        sent=_text(request.body),
        sent_headers=told({name: ", ".join(values) for name, values in request.headers.items()}),
        status=response.status_code if response else 0,
        headers=told({name: ", ".join(values) for name, values in response.headers.items()}) if response else (),
        body=_text(response.content if response else b""),
    )


def _text(content: bytes | None) -> str:
    text = (content or b"").decode("utf-8", "replace")
    return text if len(text) <= BODY else f"{text[:BODY]}... ({len(text)} characters)"
