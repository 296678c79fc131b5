"""Mappings are edited while the adapter serves."""

import os
import signal

import yaml

from tests.journeys.world import World, until

EDITED = {
    "id": "not-ours",
    "title": "Questions about bills are not for us",
    "order": 1,
    "stop": True,
    "events": ["create"],
    "when": ["t.type == 'billDispute'", "t.status == 'acknowledged'"],
    "report": {"now": {"status": "rejected", "reason": "restored", "note": "Please ask billing."}},
}


def test_an_edit_is_taken_up_and_a_faulty_one_is_not(local: World) -> None:
    file = local.mappings / "01-not-ours.yaml"
    file.write_text("id: [")
    assert local.adapter is not None
    os.kill(local.adapter.pid, signal.SIGHUP)
    refused = until("the faulty file is told of", lambda: local.get("/health/ready").json().get("refusedMappings"))
    assert refused == [file.name]
    assert local.get("/health/ready").status_code == 200  # the mappings from before still hold
    worked_on = local.open("line-4711")
    assert until("they do", lambda: local.problems())
    assert local.ticket(worked_on)["status"] == "inProgress"

    file.write_text(yaml.safe_dump(EDITED))
    os.kill(local.adapter.pid, signal.SIGHUP)
    until("the edit is taken up", lambda: "refusedMappings" not in local.get("/health/ready").json())
    billed = local.open("line-4712", status="acknowledged", ticketType="Bill Dispute")
    until("it is rejected at once", lambda: local.ticket(billed)["status"] == "rejected")
