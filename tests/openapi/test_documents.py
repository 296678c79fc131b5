"""The documents in openapi/: wire-equal to the standard, in our own words, and true to their own examples.

The standard's files and samples are not ours to ship. Where they lie beside the repository (``../shared/standard``), or
where ``TMF_STANDARD`` says, the documents are held against them; elsewhere those tests are skipped and say so.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV30SpecValidator

from tmf_adapter.api.validation import Schemas

ROOT = Path(__file__).parents[2]
STANDARD = Path(os.environ.get("TMF_STANDARD", ROOT.parent / "shared" / "standard"))
OFFICIAL = {
    "tmf621-v5": "TMF621-v5.0.1.oas.yaml",
    "tmf621-v4": "TMF621-v4.0.0.swagger.json",
    "tmf656-v5": "TMF656-v5.0.0.oas.yaml",
    "tmf656-v4": "TMF656-v4.0.0.swagger.json",
}
OURS = ("operator-v1", "inbound-v1")
METHODS = ("get", "post", "put", "patch", "delete")
P = "#/components/schemas/"

ONE_OPERATION_INSTEAD_OF_A_LIST = {
    "tmf656-v5/ServiceProblem_partialupdate_example_11_request.json",
    "tmf656-v5/ServiceProblem_partialupdate_example_22_request.json",
}
"""Official samples that break the standard's own schema of a JSON Patch."""

BREAKS_ITS_OWN_SCHEMA = {"tmf656-v4/ServiceProblem_create_1_request.json": {"/priority"}}
"""Official samples with the places in them that the standard's own schema refuses."""

Doc = dict[str, Any]

each_document = pytest.mark.parametrize("name", OFFICIAL)
every_document = pytest.mark.parametrize("name", [*OFFICIAL, *OURS])
the_standard = pytest.mark.skipif(not STANDARD.is_dir(), reason=f"the standard's files are not in {STANDARD}")


@cache
def document(name: str) -> Doc:
    return read(ROOT / "openapi" / f"{name}.yaml")


def read(path: Path) -> Doc:
    parsed: Doc = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return parsed


@cache
def schemas(name: str) -> Schemas:
    return Schemas(document(name), f"urn:test:{name}")


def resolved(name: str, node: Doc) -> Doc:
    """The node itself, or what it refers to."""
    while "$ref" in node:
        target: Any = document(name)
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def operations(name: str) -> Iterator[tuple[str, str, Doc]]:
    """Every operation with its method and path."""
    for path, item in document(name)["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def bodies(name: str) -> Iterator[tuple[str, Doc]]:
    """Every media type object of every request and response, with words that tell which it is."""
    for method, path, operation in operations(name):
        places = {"request": operation.get("requestBody"), **operation["responses"]}
        for place, node in places.items():
            for media_type, media in resolved(name, node or {}).get("content", {}).items():
                yield f"{method.upper()} {path} {place} {media_type}", media


def faults(name: str, schema: Doc, body: Any) -> list[str]:
    """What is wrong with a body, each fault with its JSON Pointer."""
    if schema.get("type") == "array":
        if not isinstance(body, list):
            return [": a list was expected"]
        return [f"/{i}{fault}" for i, item in enumerate(body) for fault in faults(name, schema["items"], item)]
    errors = schemas(name).compiled(schema["$ref"]).iter_errors(body)
    return ["".join(f"/{part}" for part in error.instance_path) + f": {error.message[-200:]}" for error in errors]


def faults_of(name: str, type_: str, body: Any) -> list[str]:
    return faults(name, {"$ref": P + type_}, body)


def pointers(found: list[str]) -> set[str]:
    return {fault.partition(":")[0] for fault in found}


# --- Wire equality ----------------------------------------------------------------------------------------------------


def contract_differences(name: str) -> list[str]:
    """The lines of the contract comparison, the count included as the last."""
    script = [sys.executable, str(STANDARD / "contract_diff.py")]
    compared = [str(STANDARD / OFFICIAL[name]), str(ROOT / "openapi" / f"{name}.yaml"), "--all"]
    return subprocess.run([*script, *compared], capture_output=True, text=True, check=False).stdout.splitlines()


@the_standard
@each_document
def test_a_document_differs_from_the_standard_in_nothing(name: str) -> None:
    *lines, count = contract_differences(name)
    assert lines == []
    assert count.startswith("0 differences")


@the_standard
@each_document
def test_an_operation_is_named_tagged_and_parametrised_as_in_the_standard(name: str) -> None:
    standard = read(STANDARD / OFFICIAL[name])
    for method, path, operation in operations(name):
        official = standard["paths"][path][method]
        assert {key: operation[key] for key in ("operationId", "tags")} == {
            key: official[key] for key in ("operationId", "tags")
        }
        assert {code for code in official["responses"] if code < "4"} <= set(operation["responses"])


# --- A good document by itself ----------------------------------------------------------------------------------------


@every_document
def test_a_document_is_valid_openapi(name: str) -> None:
    assert [error.message for error in OpenAPIV30SpecValidator(document(name)).iter_errors()] == []


@every_document
def test_an_operation_has_a_name_of_its_own_a_summary_and_an_answer_for_errors(name: str) -> None:
    names = Counter(operation["operationId"] for _, _, operation in operations(name))
    assert [operation_id for operation_id, times in names.items() if times > 1] == []
    for method, path, operation in operations(name):
        where = f"{method.upper()} {path}"
        assert operation["summary"].strip(), where
        answers = {code: answer for code, answer in operation["responses"].items() if not code.startswith(("2", "3"))}
        assert answers, where
        for answer in answers.values():
            content = resolved(name, answer)["content"]
            assert content["application/json"]["schema"] == {"$ref": f"{P}Error"}, where


@every_document
def test_a_created_resource_has_a_location_and_a_list_its_counts(name: str) -> None:
    for method, path, operation in operations(name):
        for code, answer in operation["responses"].items():
            headers = set(resolved(name, answer).get("headers", {}))
            if code == "201" and "/listener/" not in path:
                assert headers - {"ETag"} == {"Location"}, f"{method} {path}"
            if code == "200" and operation["operationId"].startswith("list"):
                assert headers - {"Link"} == {"X-Total-Count", "X-Result-Count"}, f"{method} {path}"


@each_document
def test_what_is_created_is_linked_to_what_can_be_done_with_it(name: str) -> None:
    by_name = {operation["operationId"]: path for _, path, operation in operations(name)}
    for method, path, operation in operations(name):
        answer = resolved(name, operation["responses"].get("201", {}))
        links = {key: resolved(name, link) for key, link in answer.get("links", {}).items()}
        assert all(by_name[link["operationId"]] == f"{path}/{{id}}" for link in links.values()), f"{method} {path}"
        item = document(name)["paths"].get(f"{path}/{{id}}", {})
        possible = {"get": "retrieve", "patch": "patch", "delete": "delete"}
        assert links.keys() == {word for verb, word in possible.items() if verb in item and answer}, f"{method} {path}"


@each_document
def test_a_discriminator_goes_by_type_and_leads_to_schemas(name: str) -> None:
    known = document(name)["components"]["schemas"]
    for type_, schema in known.items():
        if "discriminator" not in schema:
            continue
        assert schema["discriminator"]["propertyName"] == "@type", type_
        targets = schema["discriminator"]["mapping"].values()
        assert [target for target in targets if target.removeprefix(P) not in known] == [], type_
        alternatives = [alternative["$ref"] for alternative in schema.get("oneOf", [])]
        assert alternatives in ([], list(targets)), type_


@every_document
def test_every_schema_compiles(name: str) -> None:
    for type_ in document(name)["components"]["schemas"]:
        assert schemas(name).compiled(P + type_) is not None


@every_document
def test_a_schema_that_nothing_leads_to_is_left_out(name: str) -> None:
    reached: set[str] = set()
    open_ = [schema for _, media in bodies(name) for schema in references(media["schema"])]
    while open_:
        ref = open_.pop()
        if ref not in reached:
            reached.add(ref)
            open_ += references(resolved(name, {"$ref": ref}))
    assert {P + type_ for type_ in document(name)["components"]["schemas"]} - reached == set()


def references(node: Any) -> list[str]:
    """The schemas that a schema names, those of its discriminator included."""
    if isinstance(node, dict):
        return [found for value in node.values() for found in references(value)]
    if isinstance(node, list):
        return [found for value in node for found in references(value)]
    return [node] if isinstance(node, str) and node.startswith(P) else []


# --- Our own words ----------------------------------------------------------------------------------------------------


def prose(node: Any) -> Iterator[str]:
    """Every description, summary and title below a node."""
    if isinstance(node, list):
        for value in node:
            yield from prose(value)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("description", "summary", "title") and isinstance(value, str):
                yield value
            else:
                yield from prose(value)


def undescribed(where: str, node: Any) -> Iterator[str]:
    """Every member of a schema that is neither described nor of a type that describes itself."""
    if isinstance(node, list):
        for part in node:
            yield from undescribed(where, part)
    elif isinstance(node, dict):
        for member, schema in node.get("properties", {}).items():
            speaks = "$ref" in schema or schema.get("type") in ("array", "object") or schema.get("description")
            if not speaks:
                yield f"{where}.{member}"
            yield from undescribed(f"{where}.{member}", schema)
        for key in ("allOf", "oneOf", "items"):
            yield from undescribed(where, node.get(key))


@every_document
def test_whatever_a_reader_meets_is_described(name: str) -> None:
    parts = document(name)["components"]
    described = [
        (f"{kind} {title}", resolved(name, part))
        for kind in ("parameters", "headers", "requestBodies", "responses", "links")
        for title, part in parts.get(kind, {}).items()
    ]
    described += [(f"tag {tag['name']}", tag) for tag in document(name)["tags"]]
    assert [where for where, part in described if not part.get("description", "").strip()] == []
    assert [found for type_, schema in parts["schemas"].items() for found in undescribed(type_, schema)] == []


def plain(text: str) -> str:
    return " ".join(text.lower().split())


@the_standard
@each_document
def test_no_sentence_is_taken_from_the_standard(name: str) -> None:
    official = "\n".join(plain(text) for text in prose(read(STANDARD / OFFICIAL[name])))
    sentences = [plain(part) for text in prose(document(name)) for part in re.split(r"(?<=[.;:!?])\s+", text)]
    copied = [sentence for sentence in sentences if len(sentence) >= 40 and sentence.rstrip(".;:!?") in official]
    assert copied == []


# --- Examples and samples ---------------------------------------------------------------------------------------------


@every_document
def test_our_own_examples_fit_their_schemas(name: str) -> None:
    checked = set()
    for where, media in bodies(name):
        for title, example in media.get("examples", {}).items():
            value = resolved(name, example)["value"]
            assert faults(name, media["schema"], value) == [], f"{where}: {title}"
            checked.add(title)
    assert checked == set(document(name)["components"]["examples"])


@every_document
def test_every_create_patch_and_subscription_has_an_example(name: str) -> None:
    for where, media in bodies(name):
        if " request " in where and "/listener/" not in where:
            assert media.get("examples"), where


def samples() -> list[Any]:
    """Every sample of the standard."""
    if not STANDARD.is_dir():
        return [pytest.param("", {}, marks=pytest.mark.skip(reason=f"the standard's samples are not in {STANDARD}"))]
    entries = json.loads((STANDARD / "samples" / "MANIFEST.json").read_text())
    return [
        pytest.param(entry["file"].partition("/")[0], entry, id=entry["file"].removesuffix(".json"))
        for entry in entries
    ]


@pytest.mark.parametrize(("name", "entry"), samples())
def test_an_official_sample_fits_its_schema(name: str, entry: Doc) -> None:
    method, path, *_ = entry["operation"].split()
    operation = document(name)["paths"][path][method.lower()]
    is_response = entry["kind"] == "response"
    place = operation["responses"][entry["expectedStatus"]] if is_response else operation["requestBody"]
    schema = resolved(name, place)["content"][entry["contentType"]]["schema"]
    body = json.loads((STANDARD / "samples" / entry["file"]).read_text())
    if entry["file"] in ONE_OPERATION_INSTEAD_OF_A_LIST:
        assert faults(name, schema, body) != []
        body = [body]
    assert pointers(faults(name, schema, body)) == BREAKS_ITS_OWN_SCHEMA.get(entry["file"], set())


# --- What the schemas make of tickets ---------------------------------------------------------------------------------

TICKET = {"@type": "TroubleTicket", "description": "No dial tone", "severity": "minor", "ticketType": "fault"}


def characteristic(**members: Any) -> Doc:
    return {**TICKET, "troubleTicketCharacteristic": [{"name": "restarts", **members}]}


def test_the_value_of_a_typed_characteristic_has_to_be_of_that_type() -> None:
    wrong = characteristic(**{"@type": "IntegerCharacteristic", "value": "three"})
    assert pointers(faults_of("tmf621-v5", "TroubleTicket_FVO", wrong)) == {"/troubleTicketCharacteristic/0/value"}


def test_the_value_of_a_typed_characteristic_is_needed_on_a_create_only() -> None:
    bare = characteristic(**{"@type": "IntegerCharacteristic"})
    assert pointers(faults_of("tmf621-v5", "TroubleTicket_FVO", bare)) == {"/troubleTicketCharacteristic/0"}
    assert faults_of("tmf621-v5", "TroubleTicket_MVO", bare) == []


def test_a_type_of_their_own_is_held_against_the_type_it_stands_in_for() -> None:
    assert faults_of("tmf621-v5", "TroubleTicket_FVO", TICKET | {"@type": "OpticalTicket"}) == []
    own = characteristic(**{"@type": "DecibelCharacteristic", "value": "three"})
    assert faults_of("tmf621-v5", "TroubleTicket_FVO", own) == []
    nameless = {**TICKET, "troubleTicketCharacteristic": [{"@type": "DecibelCharacteristic"}]}
    assert pointers(faults_of("tmf621-v5", "TroubleTicket_FVO", nameless)) == {"/troubleTicketCharacteristic/0"}


@pytest.mark.parametrize("type_", ["TroubleTicket_FVO", "TroubleTicket_MVO", "TroubleTicket_RES"])
def test_a_type_may_not_be_empty(type_: str) -> None:
    assert "/@type" in pointers(faults_of("tmf621-v5", type_, TICKET | {"@type": ""}))


def test_a_reference_needs_its_id_on_a_create_but_not_on_a_patch() -> None:
    channel = {**TICKET, "channel": {"@type": "ChannelRef", "name": "hotline"}}
    assert pointers(faults_of("tmf621-v5", "TroubleTicket_FVO", channel)) == {"/channel"}
    assert faults_of("tmf621-v5", "TroubleTicket_MVO", channel) == []


def test_a_change_event_may_carry_no_more_than_what_changed() -> None:
    ticket = {"@type": "TroubleTicket", "id": "tt-1", "href": "https://example.com/tt-1", "status": "held"}
    event = {"@type": "TroubleTicketStatusChangeEvent", "event": {"troubleTicket": ticket}}
    assert faults_of("tmf621-v5", "TroubleTicketStatusChangeEvent", event) == []
    problem = {"@type": "ServiceProblem", "id": "sp-1", "href": "https://example.com/sp-1", "status": "held"}
    event = {"@type": "ServiceProblemStateChangeEvent", "event": {"serviceProblem": problem}}
    assert faults_of("tmf656-v5", "ServiceProblemStateChangeEvent", event) == []


def test_version_4_needs_no_type_but_says_what_a_reference_refers_to() -> None:
    ticket = {key: value for key, value in TICKET.items() if key != "@type"}
    related = {"id": "line-1", "role": "affectedService"}
    assert faults_of("tmf621-v4", "TroubleTicket_Create", ticket) == []
    wrong = ticket | {"relatedEntity": [related]}
    assert pointers(faults_of("tmf621-v4", "TroubleTicket_Create", wrong)) == {"/relatedEntity/0"}
    right = ticket | {"relatedEntity": [related | {"@referredType": "Service"}]}
    assert faults_of("tmf621-v4", "TroubleTicket_Create", right) == []
    assert pointers(faults_of("tmf656-v4", "ProblemGroup_Create", {"childProblem": []})) == {"", "/childProblem"}


def test_a_location_cannot_go_by_the_name_that_places_know_it_by() -> None:
    def place(type_: str) -> Doc:
        return {
            "@type": "RelatedPlaceRefOrValue",
            "role": "outage area",
            "place": {"@type": type_, "bbox": [6.9, 50.9]},
        }

    assert faults_of("tmf656-v5", "RelatedPlaceRefOrValue_FVO", place("GeoJsonPoint")) == []
    assert faults_of("tmf656-v5", "RelatedPlaceRefOrValue_FVO", place("GeographicLocation")) != []
