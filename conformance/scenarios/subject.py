"""The server under judgement, as a scenario meets it, and the register of scenarios."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from conformance.apis import Api
from conformance.client import Answer, Client, NotJudged, Unmet
from conformance.keys import KEYS
from conformance.listener import Listener
from conformance.verdict import Clause, Level

Doc = dict[str, Any]

V4 = ("tmf621-v4", "tmf656-v4")
V5 = ("tmf621-v5", "tmf656-v5")
TICKETS = ("tmf621-v5", "tmf621-v4")
PROBLEMS = ("tmf656-v5", "tmf656-v4")

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
JSON_PATCH_QUERY = "application/json-patch-query+json"

_TICKET = {"description": "Opened by a conformance check.", "severity": "minor", "ticketType": "conformance"}
_PROBLEM = {
    "category": "serviceProvider.declared",
    "priority": 3,
    "description": "Opened by a conformance check.",
    "reason": "unknown",
}
_PARTY = {"id": "conformance", "@referredType": "Organization"}


@dataclass(frozen=True)
class Subject:
    """One API of the judged server. Every scenario gets a fresh one, whose ``client.log`` holds what it has said."""

    api: Api
    client: Client
    listener: Listener | None
    patience: float
    """Seconds that a notification may take."""
    others: tuple[Api, ...] = ()
    """The other APIs that the server offers."""

    @property
    def collection(self) -> str:
        """The path of the collection of the API's main resource."""
        return f"/{self.api.resource}"

    @property
    def mandatory(self) -> tuple[str, ...]:
        """The members, besides ``@type``, without which the main resource cannot be created."""
        return tuple(_TICKET) if self.api.resource == "troubleTicket" else (*_PROBLEM, "originatorParty")

    def marker(self) -> str:
        """A text that nothing else on the server holds, to find one's own resources by."""
        return f"conformance-{uuid.uuid4().hex[:12]}"

    def new(self, **members: Any) -> Doc:
        """The smallest body that creates the main resource, and ``members``."""
        if self.api.resource == "troubleTicket":
            body: Doc = dict(_TICKET)
        else:
            body = {**_PROBLEM, "originatorParty": self.party("originator")}
        return {**self.typed(self.api.type), **body, **members}

    def typed(self, type_: str) -> Doc:
        """``@type``, where the version wants it."""
        return {"@type": type_} if self.api.is_v5 else {}

    def party(self, role: str) -> Doc:
        """A party that has to do with a resource, in the form of the version."""
        if not self.api.is_v5:
            return {**_PARTY, "role": role}
        return {
            "@type": "RelatedPartyRefOrPartyRoleRef",
            "role": role,
            "partyOrPartyRole": {"@type": "PartyRef", **_PARTY},
        }

    def send(self, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        """A request to ``path`` below the address of the API."""
        return self.client.send(method, self.api.url + path, body, **how)

    def get(self, path: str) -> Answer:
        """The answer to a GET."""
        return self.send("GET", path)

    def create(self, **members: Any) -> Doc:
        """A new main resource, as the server answers it."""
        return self.created(self.send("POST", self.collection, self.new(**members)))

    def created(self, answer: Answer) -> Doc:
        """What a successful create has answered; one that is only accepted cannot be judged further."""
        if answer.status == 202:
            raise NotJudged("the server creates later (202); nothing says how that is followed")
        return document(answer.must_be(201))

    def at(self, resource: Doc, query: str = "") -> str:
        """The path of a resource that the server answered."""
        require("id" in resource, "the resource should have an id")
        return f"{self.collection}/{resource['id']}{query}"

    def read(self, resource: Doc, query: str = "") -> Doc:
        """The resource as it is now."""
        return document(self.get(self.at(resource, query)).must_be(200))

    def patch(self, resource: Doc, body: Any, media_type: str = MERGE) -> Answer:
        """The answer to a PATCH of this kind."""
        return self.send("PATCH", self.at(resource), body, headers={"Content-Type": media_type})

    def change(self, resource: Doc, **members: Any) -> Answer:
        """The answer to a merge-patch of these members."""
        return self.patch(resource, {**self.typed(self.api.type), **members})

    def changed(self, resource: Doc, **members: Any) -> Doc:
        """The resource after a merge-patch of these members."""
        return document(self.change(resource, **members).must_be(200))

    def list(self, query: str = "", path: str = "") -> list[Doc]:
        """The rows of a list; ``query`` starts with a question mark."""
        rows = self.get((path or self.collection) + query).must_be(200, 206).json
        if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
            raise Unmet("a list should be answered as an array of objects")
        return rows

    def is_error(self, answer: Answer) -> None:
        """Raise ``Unmet`` unless the answer is an Error of TM Forum."""
        kind = answer.headers.get("Content-Type", "")
        require("json" in kind, f"an error should be answered as JSON, not as {kind or 'nothing'}")
        error = answer.json
        fields = ("code", "reason", "@type") if self.api.is_v5 else ("code", "reason")
        missing = [name for name in fields if not (isinstance(error, dict) and isinstance(error.get(name), str))]
        require(not missing, f"an Error should have {', '.join(fields)} as strings; missing: {', '.join(missing)}")
        stated = error.get("status")
        require(
            stated in (None, str(answer.status)), f'Error.status should be "{answer.status}", a string, not {stated!r}'
        )


@dataclass(frozen=True)
class Scenario:
    """One registered scenario."""

    operation: str
    clause: Clause
    apis: tuple[str, ...]
    play: Callable[[Subject], None]

    def of(self, api: Api) -> str:
        """The operation it is about, at this API."""
        return self.operation.replace("RESOURCE", api.resource)


SCENARIOS: list[Scenario] = []


def scenario(
    operation: str, text: str, source: str, level: Level = Level.REQUIRED, apis: Iterable[str] = KEYS
) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    """Register the function below as a scenario. ``RESOURCE`` in ``operation`` stands for the API's main resource."""

    def register(play: Callable[[Subject], None]) -> Callable[[Subject], None]:
        SCENARIOS.append(Scenario(operation, Clause(text, source, level), tuple(apis), play))
        return play

    return register


def require(condition: object, expectation: str) -> None:
    """Raise ``Unmet`` with the expectation unless the condition holds."""
    if not condition:
        raise Unmet(expectation)


def document(answer: Answer) -> Doc:
    """The object that an answer holds; raises ``Unmet`` when it holds something else."""
    found = answer.json
    if not isinstance(found, dict):
        raise Unmet(f"the answer should be one object, not {type(found).__name__}")
    return found


def ids(rows: list[Doc]) -> list[Any]:
    """The ids of rows, in order."""
    return [row.get("id") for row in rows]
