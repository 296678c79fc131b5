"""Bodies with an expected status each, through create, read, list, patch and delete.

Ours lie in ``samples/`` with their expectations in ``samples/manifest.yaml``. Those that TM Forum publishes are not
ours to ship; a directory of them with a ``MANIFEST.json`` can be given.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance.apis import Api
from conformance.client import Client, NotJudged, Unmet
from conformance.play import SHOWN
from conformance.scenarios.subject import Subject, ids, require
from conformance.verdict import Clause, Level, Outcome, Part, Verdict

OURS = Path(__file__).with_name("samples")


@dataclass(frozen=True)
class Sample:
    """One body, where it goes and what may come back."""

    name: str
    method: str
    path: str
    media_type: str
    body: Any
    expected: tuple[int, ...]
    source: str
    level: Level = Level.REQUIRED

    @property
    def is_create(self) -> bool:
        """Whether a resource comes of it that can be read, listed and removed."""
        return self.method == "POST" and "/listener/" not in self.path and self.path != "/hub"


def ours(api: Api) -> list[Sample]:
    """Our own samples for an API."""
    entries = yaml.safe_load((OURS / "manifest.yaml").read_text())
    return [
        Sample(
            name=entry["file"],
            method=entry["operation"].split()[0],
            path=entry["operation"].split()[1],
            media_type=entry.get("type", "application/json"),
            body=json.loads((OURS / entry["file"]).read_text()),
            expected=tuple(entry["expect"]),
            source=entry["source"],
            level=Level(entry.get("level", Level.REQUIRED)),
        )
        for entry in entries
        if entry["file"].startswith(f"{api.key}/")
    ]


def official(api: Api, directory: Path) -> list[Sample]:
    """The samples in a directory with a ``MANIFEST.json``, requests only.

    Its expectations are words, such as "201, or 404/400 when the referenced problems do not exist": every status named
    is one. A sample whose expectation is somebody's judgement, not the standard's, counts less. One that breaks the
    standard's own schema (there are some) may be refused as well.
    """
    entries = json.loads((directory / "MANIFEST.json").read_text())
    wanted = [entry for entry in entries if entry["file"].startswith(f"{api.key}/") and entry["kind"] != "response"]
    return [_official(api, entry, json.loads((directory / entry["file"]).read_text())) for entry in wanted]


def _official(api: Api, entry: Mapping[str, str], body: Any) -> Sample:
    method, path, *_ = entry["operation"].split()
    expected = tuple(int(status) for status in re.findall(r"\b[245]\d\d\b", entry["expectedStatus"]))
    source = f"TM Forum's sample ({entry['basis']})"
    if api.request_faults(method, path, body, entry["contentType"]):
        source, expected = f"{source}, which breaks its own schema", (*expected, 400)
    level = Level.REQUIRED if entry["basis"] == "OAS" else Level.OPTIONAL
    return Sample(entry["file"], method, path, entry["contentType"], body, expected, source, level)


def judge(api: Api, headers: Mapping[str, str], samples: list[Sample]) -> Iterator[Verdict]:
    """The verdict of each sample."""
    prior = {sample.path: sample for sample in samples if sample.is_create and min(sample.expected) < 300}
    for sample in samples:
        subject = Subject(api, Client(headers), None, 0)
        outcome, detail = Outcome.PASSED, ""
        try:
            _go_through(subject, sample, prior)
        except Unmet as unmet:
            outcome, detail = Outcome.FAILED, str(unmet)
        except NotJudged as reason:
            outcome, detail = Outcome.SKIPPED, str(reason)
        expected = " or ".join(map(str, sample.expected))
        clause = Clause(f"{sample.name} is answered with {expected}", sample.source, sample.level)
        exchanges = () if outcome is Outcome.PASSED else tuple(subject.client.log[-SHOWN:])
        at = (api.number, api.version, Part.SAMPLES, f"{sample.method} {sample.path}")
        yield Verdict(*at, clause, outcome, detail, exchanges)


def _go_through(subject: Subject, sample: Sample, prior: Mapping[str, Sample]) -> None:
    path = sample.path
    if "{id}" in path:
        path = path.replace("{id}", _made_for(subject, sample, prior))
    answer = subject.send(sample.method, path, sample.body, headers={"Content-Type": sample.media_type})
    if answer.status == 501 and 501 not in sample.expected:
        raise NotJudged("the server says that it does not offer this")
    require(answer.status in sample.expected, f"expected {sample.expected}, got {answer.status}")
    if answer.status >= 400:
        subject.is_error(answer)
        return
    _fits(subject, sample, answer.status, answer.json if answer.content else None)
    if sample.is_create and answer.status == 201:
        _live(subject, sample, answer.json)
    if sample.path == "/hub":
        subject.send("DELETE", f"/hub/{answer.json['id']}").must_be(204)


def _made_for(subject: Subject, sample: Sample, prior: Mapping[str, Sample]) -> str:
    """The id of a new resource that the sample can be tried on; one with what the sample itself refers to."""
    collection = sample.path.removesuffix("/{id}")
    if collection == subject.collection:
        note = {**subject.typed("Note"), "id": "77456", "text": "a note", "author": "judge"}
        characteristic = {**subject.typed("Characteristic"), "name": "isIsolated", "value": "false"}
        extra = {} if subject.api.number == "TMF621" else {"characteristic": [characteristic]}
        made = subject.create(status="acknowledged", note=[note], **extra)
        return str(subject.changed(made, status="inProgress")["id"])
    body = prior[collection].body if collection in prior else None
    if body is None:
        raise NotJudged(f"no sample creates anything at {collection}")
    return str(subject.created(subject.send("POST", collection, body))["id"])


def _fits(subject: Subject, sample: Sample, status: int, body: Any) -> None:
    if body is not None:
        faults = subject.api.response_faults(sample.method, sample.path, status, body)
        require(not faults, f"the answer should fit the document: {'; '.join(faults[:5])}")


def _live(subject: Subject, sample: Sample, made: dict[str, Any]) -> None:
    """Read what was created, find it in the list, remove it: as far as the API has operations for that."""
    path = f"{sample.path}/{made.get('id')}"
    methods = {method for method, where, _ in subject.api.operations() if where == f"{sample.path}/{{id}}"}
    if "GET" in methods:
        found = subject.get(path).must_be(200).json
        different = [name for name in made if found.get(name) != made[name]]
        require(not different, f"a GET should show what was created; different: {', '.join(different)}")
        listed = ids(subject.list(f"?id={made.get('id')}", sample.path))
        require(listed == [made.get("id")], f"the list filtered by its id should hold it alone, not {listed}")
    if "DELETE" in methods:
        subject.send("DELETE", path).must_be(204)
        subject.get(path).must_be(404)
