"""The shipped mappings over real HTTP: one adapter, every API that they call, and what comes of it on the ticket."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.forked import start
from tests.journeys.world import PROBLEMS, TICKETS, Doc, World, characteristic, until, world
from tmf_adapter.demo.processes import Process
from tmf_adapter.mapping.cases import Case, Happening, Happens
from tmf_adapter.mapping.lint import load_checked
from tmf_adapter.mapping.parts import Mapping, Outcome
from tmf_adapter.settings import shipped
from tmf_adapter.tmf.operations import OPERATIONS, known_apis

CREATE, STATUS, ASKED, ATTRIBUTE = (
    f"TroubleTicket{kind}Event" for kind in ("Create", "StatusChange", "InformationRequired", "AttributeValueChange")
)
APPROVALS = "/operator/v1/approval"
REMOTE = sorted({*known_apis()} - {"tmf656"})
"""Service problems are the adapter's own here, so that both kinds of downstream are there at once."""


@dataclass
class Field:
    """The adapter, and the systems that work for it."""

    here: World
    others: Process

    def asked(self) -> list[Doc]:
        """Everything that the other systems were asked for, in order."""
        found: list[Doc] = self.here.control(self.others)["asked"]
        return found

    def calls(self) -> list[str]:
        return [one["call"] for one in self.asked()]

    def made(self, resource: str) -> Doc:
        """The newest resource of this kind."""
        every = self.here.control(self.others)["resources"].values()
        return dict([one for one in every if f"/{resource}/" in one.get("href", "")][-1])

    def tell(self, resource: str, **members: Any) -> None:
        """Another system has something to say about the newest resource of this kind."""
        self.here.control(self.others, id=self.made(resource)["id"], set=members)

    def until_asked(self, *calls: str) -> None:
        until(f"{', '.join(calls)} are asked for", lambda: sorted(self.calls()) == sorted(calls))

    def until_status(self, ticket_id: str, status: str) -> Doc:
        def there() -> Doc | None:
            ticket = self.here.ticket(ticket_id)
            return ticket if ticket["status"] == status else None

        found: Doc = until(f"the ticket is {status}", there)
        return found


@pytest.fixture
def field(database_url: str, tmp_path: Path) -> Iterator[Field]:
    with start("tests.journeys.apis", *REMOTE) as others:
        bases = {row.api: row.base for row in OPERATIONS.values() if row.api in REMOTE}
        file = tmp_path / "downstreams.yaml"
        file.write_text("downstreams:\n" + "".join(f"  {api}: {{url: '{others.url}{bases[api]}'}}\n" for api in REMOTE))
        extra = {"TMF_ADAPTER_DOWNSTREAMS": str(file)}
        with world(database_url, shipped("mappings"), local=True, extra=extra) as here:
            it = Field(here, others)
            until("the adapter is on every hub", lambda: all(here.control(others)["hubs"].values()))
            yield it


def _char(**values: Any) -> list[Doc]:
    return [{"@type": "Characteristic", "name": name, "value": value} for name, value in values.items()]


def _related(**ids: str) -> list[Doc]:
    entities = {role: {"@type": "EntityRef", "id": id_, "@referredType": "Service"} for role, id_ in ids.items()}
    return [{"@type": "RelatedEntity", "role": role, "entity": entity} for role, entity in entities.items()]


def _restoration(ticket: Doc) -> tuple[str, Any, Any]:
    return ticket["status"], ticket.get("statusChangeReason"), characteristic(ticket, "restorationType")


WINDOW = {"earliestAccess": "2026-03-03T08:00:00.000Z", "latestAccess": "2026-03-03T12:00:00.000Z"}
CUT = {"troubleTicketCharacteristic": _char(lineTestVerdict="cableBreak", **WINDOW)}


def test_a_technician_comes_and_the_line_works(field: Field) -> None:
    ticket_id = field.here.open("line-1", **CUT)
    ticket = field.until_status(ticket_id, "held")
    assert ticket["statusChangeReason"] == "awaiting-appointment"
    field.until_asked("tmf646.createAppointment", "tmf697.createWorkOrder")
    keys = [one["idempotency-key"] for one in field.asked()]
    assert [one["body"]["externalId"] for one in field.asked()] == keys
    field.tell("appointment", status="confirmed")
    field.tell("workOrder", state="completed")
    ticket = field.until_status(ticket_id, "resolved")
    assert _restoration(ticket) == ("resolved", "restored-field-visit", "permanent")
    related = {one["role"]: one["entity"]["id"] for one in ticket["relatedEntity"]}
    assert related["appointment"] == field.made("appointment")["id"]
    assert related["workOrder"] == field.made("workOrder")["id"]
    walked = [entry["status"] for entry in ticket["statusChangeHistory"]]
    assert walked == ["inProgress", "held", "inProgress", "resolved"]


def test_a_ticket_that_is_cancelled_needs_no_technician(field: Field) -> None:
    ticket_id = field.here.open("line-1", **CUT)
    field.until_status(ticket_id, "held")
    field.until_asked("tmf646.createAppointment", "tmf697.createWorkOrder")
    for status in ("inProgress", "cancelled"):
        assert field.here.patch(f"{TICKETS}/{ticket_id}", {"status": status}).status_code == 200
    until("both are taken back", lambda: len(field.calls()) == 4)
    assert field.calls()[2:] == ["tmf697.createCancelWorkOrder", "tmf646.patchAppointment"]
    order, visit = field.asked()[2:]
    assert order["body"]["workOrder"]["id"] == field.made("workOrder")["id"]
    assert visit["id"] == field.made("appointment")["id"]
    assert field.made("appointment")["status"] == "cancelled"


def test_a_backup_line_is_lent_until_the_permanent_restoration(field: Field) -> None:
    related = _related(affectedService="line-1", backupService="backup-1")
    told = _char(rootCauseDomain="access", expectedRepairHours=36)
    ticket_id = field.here.open("line-1", relatedEntity=related, troubleTicketCharacteristic=told)
    field.until_asked("tmf641.createServiceOrder")
    field.tell("serviceOrder", state="completed")
    ticket = field.until_status(ticket_id, "held")
    assert _restoration(ticket) == ("held", "workaround-active", "workaround")
    assert characteristic(ticket, "workaroundUntil")
    [problem] = field.here.problems()
    assert problem["affectedService"][0]["id"] == "line-1"
    for status in ("inProgress", "resolved"):
        assert field.here.patch(f"{PROBLEMS}/{problem['id']}", {"status": status}).status_code == 200
    ticket = field.until_status(ticket_id, "resolved")
    assert _restoration(ticket) == ("resolved", "restored", "permanent")
    assert characteristic(ticket, "workaroundUntil") is None
    assert field.calls() == ["tmf641.createServiceOrder"]


def test_the_customer_is_asked_which_line_it_is_and_then_it_is_mended(field: Field) -> None:
    told = {"relatedEntity": [], "troubleTicketCharacteristic": _char(rootCauseDomain="access")}
    ticket_id = field.here.open("none", **told)
    assert field.until_status(ticket_id, "pending")["statusChangeReason"] == "information-required"
    field.here.until_notified(ticket_id, [CREATE, STATUS, ATTRIBUTE, ASKED])
    assert field.here.problems() == []
    answer = field.here.patch(f"{TICKETS}/{ticket_id}", {"relatedEntity": _related(affectedService="line-1")})
    assert answer.status_code == 200
    [problem] = until("the problem is opened", field.here.problems)
    assert problem["affectedService"][0]["id"] == "line-1"
    _mend(field, ticket_id, {"status": "resolved"})
    assert _restoration(field.until_status(ticket_id, "resolved")) == ("resolved", "restored", "permanent")


def test_what_a_partner_asks_is_for_our_customer_to_answer(field: Field) -> None:
    service, domain = _related(partnerService="pxc-77"), _char(rootCauseDomain="partner")
    ticket_id = field.here.open("none", relatedEntity=service, troubleTicketCharacteristic=domain)
    field.until_status(ticket_id, "held")
    field.tell("troubleTicket", status="pending", statusChangeReason="which flat?")
    ticket = field.until_status(ticket_id, "pending")
    assert "which flat?" in ticket["note"][-1]["text"]
    note = {"@type": "Note", "author": "customer", "text": "the second one"}
    answer = field.here.patch(f"{TICKETS}/{ticket_id}", {"note": [*ticket["note"], note]})
    assert answer.status_code == 200
    field.until_status(ticket_id, "held")  # it is the partner's turn again
    field.until_asked("tmf621.createTroubleTicket", "tmf621.patchTroubleTicket")
    told = field.asked()[-1]["body"]
    assert (told["status"], told["statusChangeReason"]) == ("inProgress", "the second one")
    field.tell("troubleTicket", status="resolved")
    resolved = field.until_status(ticket_id, "resolved")
    assert _restoration(resolved) == ("resolved", "restored-by-partner", "permanent")
    assert field.calls() == ["tmf621.createTroubleTicket", "tmf621.patchTroubleTicket"]


def test_a_storm_is_one_outage_and_its_end_is_everybodys(field: Field) -> None:
    node = {"relatedEntity": _related(accessNode="node-7")}
    early = [field.here.open("line-1", **node) for _ in range(9)]
    late = [field.here.open("line-1", **node) for _ in range(2)]
    until("each late ticket has its problem, below one parent", lambda: len(field.here.problems()) == 3)
    [parent] = [one for one in field.here.problems() if one["priority"] == 1]
    assert parent["affectedNumberOfServices"] in (10, 11)  # whichever of the two came to it first

    def grouped() -> list[Doc]:
        found: list[Doc] = field.here.get(f"{PROBLEMS.rpartition('/')[0]}/problemGroup").json()
        return found if len(found) == 2 else []

    assert {one["parentProblem"]["id"] for one in until("both are grouped", grouped)} == {parent["id"]}
    for status in ("inProgress", "resolved"):
        assert field.here.patch(f"{PROBLEMS}/{parent['id']}", {"status": status}).status_code == 200
    for ticket_id in late:
        ticket = field.until_status(ticket_id, "resolved")
        assert _restoration(ticket) == ("resolved", "restored", "permanent")
        assert "The outage of node-7 is over" in ticket["note"][-1]["text"]
    assert {field.here.ticket(ticket_id)["status"] for ticket_id in early} == {"inProgress"}


# -- every mapping -----------------------------------------------------------------------------------------------------


def _restored(mapping: Mapping) -> Case | None:
    """The first case that ends restored and whose ticket is born that way, alone."""
    fit = (one for one in mapping.tests if one.expect.outcome is Outcome.RESTORED)
    return next((one for one in fit if one.given.was is None and not one.given.open), None)


PLAYED = [(mapping, case) for mapping in load_checked(shipped("mappings")) if (case := _restored(mapping))]


def test_what_restores_in_a_case_restores_over_http(field: Field) -> None:
    assert len(PLAYED) == 13  # all but those that only ask or reject, and the one for a storm
    for mapping, case in PLAYED:
        before = len(field.calls())
        ticket = {name: value for name, value in case.given.ticket.items() if name not in ("id", "href")}
        answer = field.here.post(TICKETS, ticket)
        assert answer.status_code == 201, f"{mapping.id}: {answer.text}"
        ticket_id = answer.json()["id"]
        for happening in case.happens:
            _play(field, mapping, happening, ticket_id, before)
        resolved = field.until_status(ticket_id, "resolved")
        reason = mapping.report["restored"].reason
        assert _restoration(resolved) == ("resolved", reason and reason.render({}), "permanent"), mapping.id
        assert set(field.calls()[before:]) <= {step.call for step in mapping.every_step}, mapping.id


def _play(field: Field, mapping: Mapping, happening: Happening, ticket_id: str, before: int) -> None:
    """Let the person or the other system do it."""
    if happening.kind is Happens.APPROVED:
        [approval] = until("approval is asked for", lambda: field.here.get(APPROVALS).json())
        answer = field.here.post(f"{APPROVALS}/{approval['id']}/approve", {"reason": "yes"})
        assert answer.status_code == 200, answer.text
        return
    step = mapping.step(happening.subject)
    if step.operation.api == "tmf656":
        _mend(field, ticket_id, happening.members)
        return

    def asked() -> list[Doc]:
        return [one for one in field.asked()[before:] if one["call"] == step.call]

    called = until(f"{step.id} of {mapping.id} is called", asked)
    field.here.control(field.others, id=called[-1]["id"], set=dict(happening.members))


def _mend(field: Field, ticket_id: str, members: Doc) -> None:
    """Service problem management works on the problem of the ticket."""

    def opened() -> list[Doc]:
        return [one for one in field.here.problems() if (one.get("troubleTicket") or [{}])[0].get("id") == ticket_id]

    [problem] = until("the problem is opened", opened)
    for status in ("inProgress", members["status"]):
        if status != field.here.get(f"{PROBLEMS}/{problem['id']}").json()["status"]:
            said = field.here.patch(f"{PROBLEMS}/{problem['id']}", {**members, "status": status})
            assert said.status_code == 200, said.text
