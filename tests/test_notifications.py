"""Every event that we can raise, really raised, as each API in each version is sent it, held against its document."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from tmf_adapter.api.schemas import Schemas
from tmf_adapter.api.server import load
from tmf_adapter.app import Adapter
from tmf_adapter.documents import known_apis
from tmf_adapter.hub.subscription import Subscription
from tmf_adapter.problems import problem
from tmf_adapter.settings import Settings
from tmf_adapter.storage.ledger import Duty
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.events import Author, Change, Event, Stored, require_information
from tmf_adapter.tmf.time import utc_now

Doc = dict[str, Any]
OPENAPI = Path(__file__).parents[1] / "openapi"
MERGE = "application/merge-patch+json"
TICKET: Doc = {
    "@type": "TroubleTicket",
    "description": "No broadband",
    "severity": "Major",
    "ticketType": "complaint",
    "externalIdentifier": [{"@type": "ExternalIdentifier", "id": "crm-1"}],
    "relatedParty": [
        {
            "@type": "RelatedPartyRefOrPartyRoleRef",
            "role": "customer",
            "partyOrPartyRole": {"@type": "PartyRoleRef", "id": "c1", "@referredType": "Customer"},
        }
    ],
}
PROBLEM: Doc = {
    "@type": "ServiceProblem",
    "category": "serviceProvider.declared",
    "priority": 1,
    "description": "Port down",
    "reason": "unknown",
    "originatorParty": TICKET["relatedParty"][0],
}
ATTACHMENT = {"op": "add", "path": "/attachment"}
PARTY = {"op": "replace", "path": "/relatedParty/0/partyOrPartyRole/name"}

NEVER = {f"Problem{task}DeleteEvent" for task in ("Acknowledgement", "Unacknowledgement", "Group", "Ungroup")}
"""Declared by the standard; nothing that our documents let anybody do raises them."""


@cache
def schemas(api: str) -> Schemas:
    return Schemas(load(OPENAPI / f"{api}.yaml"), f"urn:test:{api}")


def listener_schema(api: str, event_type: str) -> str:
    """Where the document says what its listener for these events takes."""
    path = f"/listener/{event_type[0].lower()}{event_type[1:]}"
    return schemas(api).contents("paths", path, "post", "requestBody")["application/json"]


@dataclass
class Told:
    """The adapter, not started, and every event that it raises."""

    adapter: Adapter
    events: list[Event] = field(default_factory=list)

    async def __call__(self, change: Change) -> Duty | None:
        self.events += change.events
        return None

    def sent(self, api: str, query: str | None = None) -> list[Doc]:
        """What a listener of that API is sent of all this."""
        one = Subscription.of("s", api, "http://a.test", query, apis=known_apis())
        stored = [(event, orjson.dumps(event.envelope()).decode()) for event in self.events]
        return [orjson.loads(one.notification(text)) for event, text in stored if one.wants(event)]


@pytest.fixture
async def told(database_url: str) -> AsyncIterator[Told]:
    adapter = Adapter(Settings(database=database_url, public_url="http://adapter"))
    told = Told(adapter)
    consequences = adapter.tickets.ledger.consequences
    assert isinstance(consequences, list)
    consequences.append(told)
    yield told
    await adapter.close()


async def ticket_story(adapter: Adapter) -> str:
    """A ticket from its opening to its deletion, the recovery's question and a change of everything included."""
    id_ = (await adapter.tickets.open(TICKET)).id
    await adapter.tickets.patch(id_, {"severity": "Minor", "externalIdentifier": []}, MERGE)
    await adapter.tickets.patch(id_, {"status": "inProgress", "statusChangeReason": "assigned"}, MERGE)
    await adapter.tickets.report(id_, Report("pending", "question", "Which port?", asks=(ATTACHMENT, PARTY, None)))
    await adapter.tickets.report(id_, Report("resolved", "restored", "Done", {"restorationType": "permanent"}))
    await adapter.tickets.delete(id_)
    return id_


async def specification_story(adapter: Adapter) -> None:
    id_ = (await adapter.specifications.open({"@type": "TroubleTicketSpecification", "name": "Broadband"})).id
    await adapter.specifications.patch(id_, {"description": "What we ask about lines"}, MERGE)
    await adapter.specifications.patch(id_, {"lifecycleStatus": "inTest"}, MERGE)
    await adapter.specifications.delete(id_)


async def problem_story(adapter: Adapter) -> str:
    id_ = (await adapter.problems.open(PROBLEM)).id
    other = (await adapter.problems.open(PROBLEM)).id
    await adapter.problems.patch(id_, {"reason": "known"}, MERGE)
    await adapter.problems.patch(id_, {"status": "inProgress"}, MERGE)
    await adapter.problems.ledger.change(adapter.problems.store, id_, asking("/priority"))
    reference = {"@type": "ServiceProblemRef", "id": id_}
    child = {"@type": "ServiceProblemRef", "id": other}
    both: Doc = {"parentProblem": reference, "childProblem": [child]}
    asked: dict[str, Doc] = {
        "problemAcknowledgement": {"problem": [reference]},
        "problemUnacknowledgement": {"problem": [reference]},
        "problemGroup": both,
        "problemUngroup": both,
    }
    for task, members in asked.items():
        done = await adapter.problem_tasks[task].open({"@type": task[0].upper() + task[1:], **members})
        assert done.document["state"] == "done"
    await adapter.problems.delete(id_)
    return id_


def asking(path: str) -> Callable[[Stored | None], Change]:
    """SM&O asks for a member of its problem."""

    def decide(before: Stored | None) -> Change:
        assert before is not None
        now = utc_now()
        change = problem.RULES.settle(before, dict(before.document), ("pending",), now, Author.CLIENT)
        event = require_information("serviceProblem", before.document, now, {"op": "add", "path": path})
        return Change(change.resource, before, change.after, (*change.events, event), Author.CLIENT)

    return decide


async def test_every_event_is_what_the_listener_of_its_document_takes(told: Told) -> None:
    await ticket_story(told.adapter)
    await specification_story(told.adapter)
    await problem_story(told.adapter)
    for name, api in known_apis().items():
        notifications = told.sent(name)
        assert {one["eventType"] for one in notifications} == api.event_types - NEVER, name
        for one in notifications:
            schemas(name).check(listener_schema(name, one["eventType"]), one)
            late, other = ("timeOcurred", "timeOccurred") if api.is_v4 else ("timeOccurred", "timeOcurred")
            assert late in one
            assert other not in one
            assert ("@type" in one) is not api.is_v4
            for resource in one["event"].values():
                if "href" in resource:
                    assert ("/v4/" if api.is_v4 else "/v5/") in resource["href"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_which_events_which_change_raises_in_each_version(told: Told) -> None:
    await ticket_story(told.adapter)
    await problem_story(told.adapter)
    ticket = ["Create", "AttributeValueChange", "StatusChange", "StatusChange", "AttributeValueChange"]
    ticket += ["InformationRequired"] * 3
    ticket += ["StatusChange", "StatusChange", "Resolved", "AttributeValueChange", "Delete"]
    for api in ("tmf621-v4", "tmf621-v5"):
        assert [one["eventType"] for one in told.sent(api)] == [f"TroubleTicket{change}Event" for change in ticket]
    v4 = ["Create", "Create", "AttributeValueChange", "StateChange", "StateChange", "InformationRequired"]
    v4 += ["AttributeValueChange"] * 4  # what the tasks did: twice to the one problem, twice to the other
    sent = [one["eventType"] for one in told.sent("tmf656-v4")]
    assert sent == [f"ServiceProblem{change}Event" for change in v4]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_what_is_asked_for_is_an_operation_in_v5_and_a_path_in_v4(told: Told) -> None:
    await ticket_story(told.adapter)
    await problem_story(told.adapter)
    query = "eventType=*InformationRequired*"
    v5 = [one["event"].get("informationRequired") for one in told.sent("tmf621-v5", query)]
    assert v5 == [ATTACHMENT, PARTY, None]
    v4 = [one["fieldPath"] for one in told.sent("tmf621-v4", query)]
    assert v4 == ["$.attachment", "$.relatedParty[0].name", "$.note"]
    assert [one["event"]["informationRequired"] for one in told.sent("tmf656-v5", query)] == [
        [{"op": "add", "path": "/priority"}]
    ]
    assert [one["fieldPath"] for one in told.sent("tmf656-v4", query)] == ["$.priority"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_payload_of_each_event_in_v4(told: Told) -> None:
    id_ = await ticket_story(told.adapter)
    sent = told.sent("tmf621-v4")
    by_type = {one["eventType"]: one for one in sent}
    created, *_ = sent
    assert created["event"]["troubleTicket"]["externalId"] == "crm-1"
    assert created["id"] == id_
    assert created["href"] == created["event"]["troubleTicket"]["href"]
    changed = sent[1]
    assert changed["fieldPath"] == "$['externalId','severity']"
    assert "externalId" not in changed["event"]["troubleTicket"], "it was taken away"
    assert by_type["TroubleTicketDeleteEvent"]["event"]["troubleTicket"].keys() == {"@type", "id", "href"}
    resolved = by_type["TroubleTicketResolvedEvent"]["event"]["troubleTicket"]
    assert (resolved["status"], resolved["statusChange"][-1]["changeReason"]) == ("resolved", "restored")
