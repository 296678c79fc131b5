"""POST and GET of one resource."""

from conformance.client import NotJudged
from conformance.scenarios.subject import V5, Subject, require, scenario
from conformance.verdict import Level

TEXT = 'Ein <b>"Wort"</b> & mehr: Größe ≥ 3, 日本語, \\n \U0001f4de\ttab'
SERVER_SET = {"id": "mine", "href": "https://example.com/mine", "creationDate": "2001-02-03T04:05:06Z"}


@scenario("POST /RESOURCE", "A create answers 201 with id, href and every member as it was sent", "OAS; kit R18")
def echo(subject: Subject) -> None:
    body = subject.new(name=subject.marker())
    created = subject.create(**body)
    require(all(isinstance(created.get(name), str) for name in ("id", "href")), "id and href should be strings")
    changed = [name for name, value in body.items() if created.get(name) != value]
    require(not changed, f"members should come back as they were sent; different: {', '.join(changed)}")


@scenario("POST /RESOURCE", "The answer to a create fits its schema", "OAS 201 response")
def fits(subject: Subject) -> None:
    created = subject.create()
    faults = subject.api.response_faults("POST", subject.collection, 201, created)
    require(not faults, f"the answer should fit the document: {'; '.join(faults[:5])}")


@scenario("POST /RESOURCE", "Location leads to the new resource", "kit R16.5; RFC 9110 10.2.2", Level.RECOMMENDED)
def location(subject: Subject) -> None:
    answer = subject.send("POST", subject.collection, subject.new())
    created = subject.created(answer)
    where = answer.headers.get("Location", "")
    require(where, "a 201 should have a Location")
    require(where.endswith(f"{subject.collection}/{created['id']}"), f"Location should lead to the id, not to {where}")


@scenario("GET /RESOURCE/{id}", "What was created is read back equal", "OAS; kit R18")
def read_back(subject: Subject) -> None:
    created = subject.create(name=subject.marker())
    found = subject.read(created)
    different = [name for name in created if found.get(name) != created[name]]
    require(not different, f"a GET right after the create should show the same; different: {', '.join(different)}")
    faults = subject.api.response_faults("GET", subject.collection + "/{id}", 200, found)
    require(not faults, f"the answer should fit the document: {'; '.join(faults[:5])}")


@scenario("POST /RESOURCE", "A create without a mandatory member is refused with 400", "OAS required; kit R18")
def mandatory(subject: Subject) -> None:
    for member in subject.mandatory:
        body = subject.new()
        del body[member]
        subject.is_error(subject.send("POST", subject.collection, body).must_be(400))


@scenario("POST /RESOURCE", "A create without @type is refused with 400", "OAS v5 Extensible", Level.OPTIONAL, V5)
def without_type(subject: Subject) -> None:
    body = subject.new()
    del body["@type"]
    subject.is_error(subject.send("POST", subject.collection, body).must_be(400))


@scenario("POST /RESOURCE", "A member of the wrong type is refused with 400", "OAS schema; kit R18 (note)")
def wrong_type(subject: Subject) -> None:
    for wrong in ({"note": {"text": "not a list"}}, {"description": ["not a text"]}):
        subject.is_error(subject.send("POST", subject.collection, subject.new(**wrong)).must_be(400))


@scenario("POST /RESOURCE", "A status that the standard does not know is refused with 400", "OAS enum", Level.OPTIONAL)
def unknown_status(subject: Subject) -> None:
    subject.is_error(subject.send("POST", subject.collection, subject.new(status="broken")).must_be(400))


@scenario("POST /RESOURCE", "Text comes back as it was sent, markup and all scripts included", "RFC 8259")
def verbatim(subject: Subject) -> None:
    created = subject.create(description=TEXT)
    found = subject.read(created)["description"]
    require(found == TEXT, f"the description should come back verbatim, not as {found!r}")


@scenario("POST /RESOURCE", "Members that the schema does not know are kept", "TMF630 extension", Level.RECOMMENDED)
def extension(subject: Subject) -> None:
    own = {"x-acme": {"lines": [1, 2.5, None, True]}}
    found = subject.read(subject.create(**own))
    require(found.get("x-acme") == own["x-acme"], "a member of the client's own should be kept as it is")


@scenario(
    "POST /RESOURCE",
    "Members that only the server sets are passed over",
    "profile R18, non-patchable",
    Level.RECOMMENDED,
)
def server_set(subject: Subject) -> None:
    body = subject.new(**SERVER_SET)
    created = subject.created(subject.send("POST", subject.collection, body))
    kept = [name for name, value in SERVER_SET.items() if created.get(name) == value]
    require(not kept, f"the server should choose these itself: {', '.join(kept)}")


@scenario("POST /RESOURCE", "A charset beside the media type and a trailing slash are tolerated", "kit R18")
def tolerated(subject: Subject) -> None:
    headers = {"Content-Type": "application/json;charset=utf-8"}
    subject.created(subject.send("POST", subject.collection + "/", subject.new(), headers=headers))
    subject.get(subject.collection + "/?limit=1").must_be(200, 206)


@scenario("POST /RESOURCE", "The server dates what it creates", "OAS creationDate", Level.RECOMMENDED)
def dated(subject: Subject) -> None:
    created = subject.create()
    date = created.get("creationDate", "")
    require("T" in date, f"creationDate should be a date-time, not {date!r}")
    require(date.endswith("Z"), f"a date should be told in UTC with a Z, so that it can be filtered by; got {date!r}")


@scenario(
    "POST /RESOURCE", "A repeated create with the same Idempotency-Key makes one resource", "IETF draft", Level.OPTIONAL
)
def idempotent(subject: Subject) -> None:
    body, key = subject.new(), {"Idempotency-Key": subject.marker()}
    first = subject.created(subject.send("POST", subject.collection, body, headers=key))
    second = subject.send("POST", subject.collection, body, headers=key).must_be(200, 201).json
    require(second.get("id") == first["id"], "the second answer should be the first resource")


@scenario("POST /RESOURCE", "A create accepts `fields`", "OAS v5 parameters", Level.RECOMMENDED, V5)
def chosen_fields(subject: Subject) -> None:
    answer = subject.send("POST", subject.collection + "?fields=description", subject.new())
    created = subject.created(answer)
    require(set(created) == {"id", "href", "@type", "description"}, f"answered: {', '.join(created)}")


@scenario(
    "GET /RESOURCE/{id}", "A resource made through one version is read through the other", "one store", Level.OPTIONAL
)
def both_versions(subject: Subject) -> None:
    other = next((api for api in subject.others if api.number == subject.api.number), None)
    if other is None:
        raise NotJudged("the server offers this API in one version only")
    created = subject.create(name=subject.marker())
    seen = subject.client.send("GET", f"{other.url}{subject.collection}/{created['id']}").must_be(200).json
    require(seen.get("name") == created["name"], "both versions should show the same resource")
