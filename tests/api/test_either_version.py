"""Whatever one version takes, the other shows as its own document says, and nothing is lost on the way."""

import asyncio
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, assume, given, reject, settings
from hypothesis import strategies as st

from tests.api.between import RESOURCES, faults, opened
from tests.api.shelf import client_of
from tests.tmf.documents import document, resolved
from tests.tmf.generated import ANYTHING, Generator
from tmf_adapter.app import Adapter
from tmf_adapter.settings import Settings
from tmf_adapter.tmf.errors import Invalid
from tmf_adapter.tmf.events import Doc, same
from tmf_adapter.tmf.notifications import in_v4
from tmf_adapter.tmf.versions import V4

thoroughly = settings(max_examples=50, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
either = pytest.mark.parametrize("resource", RESOURCES)


@cache
def generator(api: str, version: str) -> Generator:
    return Generator(api, version)


def bodies(resource: str, version: str, form: str) -> st.SearchStrategy[Doc]:
    return generator(RESOURCES[resource][0], version).values(f"{resource[0].upper()}{resource[1:]}{form}")


@either
@thoroughly
@given(data=st.data())
def test_what_v5_has_is_shown_to_v4_as_v4_has_it_and_written_back_unchanged(resource: str, data: st.DataObject) -> None:
    api, lens = RESOURCES[resource][0], V4[resource]
    ours = {"href": f"http://adapter{lens.api}v5/{resource}/1"}  # which only the server sets
    stored = data.draw(bodies(resource, "v5", "")) | ours
    assert not faults(api, "v5", resource[0].upper() + resource[1:], stored), "the generator keeps to the schema"
    seen = lens.whole(stored)
    assert not faults(api, "v4", resource[0].upper() + resource[1:], seen)
    assert same(lens.put(stored, lens.view(stored)), stored)


@either
@thoroughly
@given(data=st.data())
def test_what_is_opened_through_v5_is_told_to_v4_as_v4_has_it(resource: str, data: st.DataObject) -> None:
    api = RESOURCES[resource][0]
    body = data.draw(bodies(resource, "v5", "_FVO"))
    try:
        change = opened(resource, body)
    except Invalid:
        reject()  # a member that only the whole resource has, such as the href of an impact pattern, in another form
    [event] = change.events
    told = in_v4(event.envelope())
    assert not faults(api, "v4", event.type, told)
    assert not faults(api, "v4", resource[0].upper() + resource[1:], V4[resource].whole(change.subject.document))


@either
@thoroughly
@given(data=st.data())
def test_what_is_opened_through_v4_is_v5s_too_and_comes_back_as_it_was_sent(resource: str, data: st.DataObject) -> None:
    api, lens = RESOURCES[resource][0], V4[resource]
    sent = data.draw(bodies(resource, "v4", "_Create"))
    assert not faults(api, "v4", f"{resource[0].upper()}{resource[1:]}_Create", sent)
    assume(not lens.v5_only & sent.keys())
    stored = opened(resource, lens.put({}, sent)).subject.document
    seen = lens.whole(stored)
    assert not faults(api, "v4", resource[0].upper() + resource[1:], seen)
    ours = RESOURCES[resource][1].server_set | {"statusChange", "@type"}
    assert same(
        {name: seen.get(name) for name in sent.keys() - ours}, {name: sent[name] for name in sent.keys() - ours}
    )


@either
@thoroughly
@given(data=st.data())
def test_what_v4_says_in_v5s_own_words_is_held_to_v5s_form_of_it(resource: str, data: st.DataObject) -> None:
    lens = V4[resource]
    said = {name: data.draw(ANYTHING) for name in lens.v5_only}
    sent = data.draw(bodies(resource, "v4", "_Create")) | said
    wrong = faults(RESOURCES[resource][0], "v5", resource[0].upper() + resource[1:], {"@type": "x", **said})
    if not wrong:
        opened(resource, lens.put({}, sent))
        return
    with pytest.raises(Invalid) as refused:
        opened(resource, lens.put({}, sent))
    assert {fault.pointer.split("/")[1] for fault in refused.value.faults} <= said.keys()


# ------------------------------------------------------------------------------------------ the whole adapter


APIS = {"tmf621": "/tmf-api/troubleTicket", "tmf656": "/tmf-api/serviceProblemManagement"}
DOCUMENTS = [(api, version) for api in APIS for version in ("v4", "v5")]


def creates(api: str, version: str) -> Iterator[tuple[str, str]]:
    """The path and the schema of everything that can be created, listeners' records among them."""
    for path, item in document(api, version)["paths"].items():
        if "post" in item:
            content = resolved(document(api, version), item["post"]["requestBody"])["content"]
            yield path, content["application/json"]["schema"]["$ref"].rpartition("/")[2]


def lists(api: str, version: str) -> Iterator[str]:
    for path, item in document(api, version)["paths"].items():
        if "get" in item and "{" not in path:
            yield path


@settings(thoroughly, max_examples=3)
@given(data=st.data())
def test_no_body_that_a_document_allows_spoils_a_list_of_either_version(
    data: st.DataObject, sqlite_template: Path
) -> None:
    sent = [
        (f"{APIS[api]}/{version}{path}", data.draw(generator(api, version).values(schema)))
        for api, version in DOCUMENTS
        for path, schema in creates(api, version)
    ]
    with TemporaryDirectory() as directory:
        shutil.copy(sqlite_template, f"{directory}/adapter.db")
        asyncio.run(_all_is_listed(f"sqlite:///{directory}/adapter.db", sent))


async def _all_is_listed(database: str, sent: list[tuple[str, Doc]]) -> None:
    """Answers are held against their documents here: one against them would be a 500."""
    adapter = Adapter(Settings(database=database, public_url="http://adapter", validate_responses=True, strict=True))
    async with client_of(adapter.asgi(), "") as client:
        for path, body in sent:
            answer = await client.post(path, json=body)
            assert answer.status_code < 500, answer.text
            if answer.status_code == 201 and "href" in answer.json():
                assert (await client.get(answer.headers["location"])).status_code in (200, 404, 405)
        for api, version in DOCUMENTS:
            for path in lists(api, version):
                answer = await client.get(f"{APIS[api]}/{version}{path}")
                assert answer.status_code == 200, answer.text
    await adapter.close()
