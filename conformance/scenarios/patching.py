"""PATCH in all its kinds."""

from conformance.client import NotJudged
from conformance.scenarios.subject import JSON_PATCH, JSON_PATCH_QUERY, Subject, require, scenario
from conformance.verdict import Level


def note(subject: Subject, text: str, **members: str) -> dict[str, str]:
    """A note in the form of the version."""
    return {**subject.typed("Note"), "text": text, **members}


def texts(resource: dict[str, object]) -> list[str]:
    """What the notes of a resource say, in order."""
    notes = resource.get("note", [])
    return [one.get("text") for one in notes] if isinstance(notes, list) else []


@scenario("PATCH /RESOURCE/{id}", "A change by application/json is answered and stays", "OAS; kit v4 generation")
def plain(subject: Subject) -> None:
    created = subject.create()
    body = {**subject.typed(subject.api.type), "description": "changed"}
    answer = subject.patch(created, body, "application/json").must_be(200)
    require(answer.json.get("description") == "changed", "the answer should show the change")
    faults = subject.api.response_faults("PATCH", subject.collection + "/{id}", 200, answer.json)
    require(not faults, f"the answer should fit the document: {'; '.join(faults[:5])}")
    require(subject.read(created).get("description") == "changed", "a GET should show the change")


@scenario(
    "PATCH /RESOURCE/{id}", "A merge-patch changes members, removes by null and replaces lists", "RFC 7396; profile R18"
)
def merge(subject: Subject) -> None:
    created = subject.create(name="to go", note=[note(subject, "first"), note(subject, "second")])
    changed = subject.changed(created, name=None, description="other", note=[note(subject, "third")])
    require("name" not in changed, "null should remove the member")
    require(changed.get("description") == "other", "the member should have its new value")
    require(texts(changed) == ["third"], f"the list should be replaced as a whole, not be {texts(changed)}")


@scenario("PATCH /RESOURCE/{id}", "A JSON Patch is applied as a whole", "OAS v5; RFC 6902", Level.RECOMMENDED)
def json_patch(subject: Subject) -> None:
    created = subject.create(note=[note(subject, "first")])
    operations = [
        {"op": "test", "path": "/description", "value": created["description"]},
        {"op": "replace", "path": "/description", "value": "by json patch"},
        {"op": "add", "path": "/note/-", "value": note(subject, "second")},
    ]
    changed = subject.patch(created, operations, JSON_PATCH).must_be(200).json
    require(changed.get("description") == "by json patch", "replace should have replaced")
    require(texts(changed) == ["first", "second"], f"add /note/- should append, not leave {texts(changed)}")


@scenario(
    "PATCH /RESOURCE/{id}", "A JSON Patch whose test fails changes nothing", "RFC 6902 section 5", Level.RECOMMENDED
)
def failing_test(subject: Subject) -> None:
    created = subject.create()
    operations = [
        {"op": "replace", "path": "/description", "value": "never"},
        {"op": "test", "path": "/description", "value": "something else"},
    ]
    answer = subject.patch(created, operations, JSON_PATCH)
    if answer.status in (415, 501):
        raise NotJudged("the server takes no JSON Patch")
    subject.is_error(answer.must_be_refused())
    require(subject.read(created)["description"] == created["description"], "nothing should have changed")


@scenario(
    "PATCH /RESOURCE/{id}",
    "A note is appended without resending the list (add /note)",
    "OAS v5 example",
    Level.OPTIONAL,
)
def append(subject: Subject) -> None:
    created = subject.create(note=[note(subject, "first")])
    operations = [{"op": "add", "path": "/note", "value": note(subject, "second")}]
    changed = subject.patch(created, operations, JSON_PATCH).must_be(200).json
    require(texts(changed) == ["first", "second"], f"the note should be appended, not leave {texts(changed)}")


@scenario("PATCH /RESOURCE/{id}", "A JSON Patch Query picks an element by its content", "OAS v5", Level.OPTIONAL)
def json_patch_query(subject: Subject) -> None:
    created = subject.create(note=[note(subject, "first", id="n-1"), note(subject, "second", id="n-2")])
    operations = [{"op": "replace", "path": "/note?id=n-2", "value": {"text": "mended"}}]
    changed = subject.patch(created, operations, JSON_PATCH_QUERY).must_be(200).json
    require(texts(changed) == ["first", "mended"], f"the second note should be changed, not {texts(changed)}")


@scenario(
    "PATCH /RESOURCE/{id}", "A media type that is no patch is refused with 415", "RFC 9110 15.5.16", Level.RECOMMENDED
)
def foreign_media_type(subject: Subject) -> None:
    created = subject.create()
    for media_type in ("text/plain", "application/xml"):
        answer = subject.patch(created, {"description": "never"}, media_type)
        subject.is_error(answer.must_be(415))
    require(subject.read(created)["description"] == created["description"], "nothing should have changed")


@scenario(
    "PATCH /RESOURCE/{id}",
    "What only the server sets cannot be changed",
    "profile R18, non-patchable",
    Level.RECOMMENDED,
)
def read_only(subject: Subject) -> None:
    created = subject.create()
    subject.change(created, id="mine", creationDate="2001-02-03T04:05:06Z").must_be(200, 400, 403, 409, 422)
    found = subject.read(created)
    changed = [name for name in ("id", "creationDate") if found.get(name) != created.get(name)]
    require(not changed, f"these should be as they were: {', '.join(changed)}")


@scenario("PATCH /RESOURCE/{id}", "A mandatory member cannot be removed", "OAS required", Level.RECOMMENDED)
def whole(subject: Subject) -> None:
    created = subject.create()
    subject.is_error(subject.change(created, description=None).must_be_refused())
    require(subject.read(created).get("description") == created["description"], "nothing should have changed")


@scenario("PATCH /RESOURCE/{id}", "A patch that is none is refused with 400", "OAS 400")
def malformed(subject: Subject) -> None:
    created = subject.create()
    for body in ({"note": "not a list"}, {"status": 7}):
        subject.is_error(subject.change(created, **body).must_be(400))


@scenario("PATCH /RESOURCE/{id}", "A stale If-Match is refused with 412", "RFC 9110 13.1.1", Level.OPTIONAL)
def stale(subject: Subject) -> None:
    created = subject.create()
    tag = subject.get(subject.at(created)).must_be(200).headers.get("ETag")
    if not tag:
        raise NotJudged("the server has no ETag")
    subject.changed(created, description="meanwhile")
    body = {**subject.typed(subject.api.type), "description": "too late"}
    headers = {"Content-Type": "application/merge-patch+json", "If-Match": tag}
    subject.is_error(subject.send("PATCH", subject.at(created), body, headers=headers).must_be(412))


@scenario("PATCH /RESOURCE/{id}", "A resource that is not there is 404", "OAS 404")
def missing(subject: Subject) -> None:
    subject.is_error(subject.change({"id": "no-such-thing"}, description="x").must_be(404))
