"""Partners speak their dialects, which are files."""

from pathlib import Path

import httpx
import pytest

from tests.api.rooms import FakeDesk, FakeInbox, FakeSubscriptions
from tests.api.shelf import OPENAPI, assert_error, client_of
from tests.api.test_resources import TICKET
from tmf_adapter.api.dialects import BadDialect, Spoken, read_dialects
from tmf_adapter.api.server import Document, build, load
from tmf_adapter.api.tmf621_v5 import Tmf621V5

BASE = "/tmf-api/troubleTicket/v5"
SHIPPED = Path(__file__).parents[2] / "mappings" / "dialects"
GOOD = """
dialect: acme
title: Acme's words
api: [tmf621-v5]
spoken_by: {header: X-Partner, value: acme}
resources:
  troubleTicket:
    hears:
      words: {status: {Fresh: acknowledged}}
    says:
      words: {status: {acknowledged: fresh}}
"""


def client(spoken: Spoken, *, strict: bool = False):
    raw = load(OPENAPI / "tmf621-v5.yaml")
    operations = Tmf621V5(
        raw, FakeDesk(f"http://adapter{BASE}/troubleTicket"), FakeSubscriptions(), FakeInbox(), FakeDesk("none")
    ).operations()
    document = Document(OPENAPI / "tmf621-v5.yaml", BASE, operations)
    app = build([document], {}, strict=strict, validate_responses=True, spoken=spoken)
    return client_of(app, BASE)


def written(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text)
    return directory


async def test_a_partner_is_understood_and_answered_in_his_own_words(tmp_path: Path) -> None:
    async with client(read_dialects(written(tmp_path, acme=GOOD))) as http:
        theirs = {"X-Partner": "ACME"}
        created = await http.post("/troubleTicket", json={**TICKET, "status": "FRESH"}, headers=theirs)
        assert (created.status_code, created.json()["status"]) == (201, "fresh")
        listed = await http.get("/troubleTicket", headers=theirs)
        assert [one["status"] for one in listed.json()] == ["fresh"]
        ours = await http.get("/troubleTicket/1")
        assert ours.json()["status"] == "acknowledged"
        refused = await http.post("/troubleTicket", json={**TICKET, "status": "FRESH"})
        assert_error(refused, 400, "invalidBody")


async def test_everybody_may_write_flat_references_unless_we_are_strict() -> None:
    spoken = read_dialects(SHIPPED)
    flat = {"relatedParty": [{"role": "customer", "id": "7"}], "relatedEntity": [{"role": "service", "id": "line-1"}]}
    async with client(spoken) as http:
        document = (await http.post("/troubleTicket", json={**TICKET, **flat})).json()
    party, entity = document["relatedParty"][0], document["relatedEntity"][0]
    assert party["partyOrPartyRole"] == {"@type": "PartyRef", "id": "7"}
    assert (entity["@type"], entity["entity"]) == ("RelatedEntity", {"@type": "EntityRef", "id": "line-1"})
    async with client(spoken, strict=True) as http:
        assert_error(await http.post("/troubleTicket", json={**TICKET, **flat}), 400, "invalidBody")


async def test_a_shipped_dialect_is_spoken() -> None:
    async with client(read_dialects(SHIPPED)) as http:
        headers = {"X-Partner-Dialect": "mef-sonata"}
        response: httpx.Response = await http.post(
            "/troubleTicket", json={**TICKET, "status": "reopened"}, headers=headers
        )
        assert response.json()["status"] == "inProgress"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("", "must be an object"),
        ("a: &x [1]\nb: *x", "alias"),
        (GOOD.replace("title: Acme's words", ""), "/title: is required"),
        (GOOD.replace("tmf621-v5", "tmf999"), "/api/0: must be one of"),
        (GOOD.replace("hears", "heard"), "/resources/troubleTicket"),
        (GOOD.replace("acme}", "5}"), "/spoken_by/value: must be a string"),
        (GOOD.replace("{header: X-Partner, value: acme}", "nobody"), "/spoken_by: must be one of everybody"),
        ("x" * 70_000, "bytes"),
    ],
)
def test_a_faulty_file_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadDialect) as caught:
        read_dialects(written(tmp_path, bad=text))
    assert f"{tmp_path / 'bad.yaml'}: " in str(caught.value)
    assert message in str(caught.value)


def test_two_files_for_one_partner_are_refused(tmp_path: Path) -> None:
    other = GOOD.replace("dialect: acme", "dialect: other")
    with pytest.raises(BadDialect, match="both are for requests with x-partner: acme"):
        read_dialects(written(tmp_path, a=GOOD, b=other))
    with pytest.raises(BadDialect, match="the name acme"):
        read_dialects(written(tmp_path, b=GOOD.replace("value: acme", "value: b")))


def test_no_directory_is_no_dialects(tmp_path: Path) -> None:
    assert read_dialects(tmp_path / "none") == Spoken()


def test_the_shipped_dialects_are_sound() -> None:
    assert {one.name for one in read_dialects(SHIPPED).dialects} >= {"everybody", "mef-sonata", "gateway-states"}
