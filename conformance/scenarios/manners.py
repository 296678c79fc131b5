"""HTTP itself: methods, media types, errors."""

from conformance.client import NotJudged
from conformance.scenarios.subject import Subject, require, scenario
from conformance.verdict import Level


@scenario("GET /RESOURCE/{id}", "What is not there is 404, as an Error", "OAS 404; kit R18")
def not_there(subject: Subject) -> None:
    subject.is_error(subject.get(f"{subject.collection}/no-such-thing").must_be(404))


@scenario("DELETE /RESOURCE/{id}", "A removed resource is gone", "OAS 204; kit v4 generation")
def gone(subject: Subject) -> None:
    created = subject.create()
    answer = subject.send("DELETE", subject.at(created))
    if answer.status in (403, 405):
        raise NotJudged("the server lets nobody delete")
    answer.must_be(204)
    require(answer.content == b"", "a 204 has no body")
    subject.is_error(subject.get(subject.at(created)).must_be(404))
    subject.is_error(subject.send("DELETE", subject.at(created)).must_be(404))


@scenario("GET /no-such-path", "A path that does not exist is 404, as an Error", "OAS 404", Level.RECOMMENDED)
def no_path(subject: Subject) -> None:
    subject.is_error(subject.get("/noSuchResource").must_be(404))


@scenario(
    "PUT /RESOURCE/{id}",
    "A method that is not offered is 405 with Allow",
    "OAS 405; RFC 9110 15.5.6",
    Level.RECOMMENDED,
)
def no_method(subject: Subject) -> None:
    created = subject.create()
    for method, path, offered in (
        ("PUT", subject.at(created), {"GET", "PATCH"}),
        ("DELETE", subject.collection, {"GET", "POST"}),
    ):
        answer = subject.send(method, path, subject.new() if method == "PUT" else None).must_be(405)
        subject.is_error(answer)
        allowed = {name.strip() for name in answer.headers.get("Allow", "").split(",")}
        require(offered <= allowed, f"Allow should name {', '.join(sorted(offered))}; it is {sorted(allowed)}")
        require(method not in allowed, f"Allow should not name {method}")


@scenario("POST /RESOURCE", "A body that is no JSON is refused with 400, as an Error", "OAS 400")
def no_json(subject: Subject) -> None:
    for raw in (b"{", b"", b"not json", b'{"a": 1} trailing', b"\xff\xfe"):
        headers = {"Content-Type": "application/json"}
        subject.is_error(subject.send("POST", subject.collection, raw=raw, headers=headers).must_be(400))


@scenario("POST /RESOURCE", "A body that is no object is refused with 400", "OAS schema")
def no_object(subject: Subject) -> None:
    bodies: tuple[object, ...] = ([], "text", 7, True)
    for body in bodies:
        subject.is_error(subject.send("POST", subject.collection, body).must_be(400))


@scenario("POST /RESOURCE", "A media type that is not taken is refused with 415", "RFC 9110 15.5.16", Level.RECOMMENDED)
def media_type(subject: Subject) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        answer = subject.send("POST", subject.collection, subject.new(), headers={"Content-Type": kind})
        subject.is_error(answer.must_be(415))


@scenario("HEAD /RESOURCE", "HEAD answers like GET without a body", "RFC 9110 9.3.2", Level.OPTIONAL)
def head(subject: Subject) -> None:
    created = subject.create()
    for path in (subject.collection + "?limit=1", subject.at(created)):
        answer = subject.send("HEAD", path).must_be(200, 206)
        require(answer.content == b"", "HEAD has no body")
        require("json" in answer.headers.get("Content-Type", ""), "HEAD should have the Content-Type of GET")
    subject.send("HEAD", f"{subject.collection}/no-such-thing").must_be(404)


@scenario("OPTIONS /RESOURCE", "OPTIONS tells what is offered", "RFC 9110 9.3.7", Level.OPTIONAL)
def options(subject: Subject) -> None:
    answer = subject.send("OPTIONS", subject.collection).must_be(200, 204)
    allowed = {name.strip() for name in answer.headers.get("Allow", "").split(",")}
    require({"GET", "POST"} <= allowed, f"Allow should name GET and POST; it is {sorted(allowed)}")


@scenario("GET /RESOURCE", "Answers say that they are JSON", "kit R18 (Content-Type)")
def content_type(subject: Subject) -> None:
    created = subject.create()
    for answer in (subject.get(subject.collection + "?limit=1"), subject.get(subject.at(created))):
        kind = answer.headers.get("Content-Type", "")
        require(kind.startswith("application/json"), f"Content-Type should be application/json, not {kind!r}")


@scenario("GET /RESOURCE", "An answer is compressed when the client takes gzip", "RFC 9110 12.5.3", Level.OPTIONAL)
def gzip(subject: Subject) -> None:
    created = subject.create(description="x" * 20_000)
    answer = subject.send("GET", subject.at(created), headers={"Accept-Encoding": "gzip"}).must_be(200)
    require(answer.headers.get("Content-Encoding") == "gzip", "20,000 characters should come compressed")


@scenario("GET /RESOURCE/{id}", "An id with odd characters is looked up, not tripped over", "OAS 404")
def odd_ids(subject: Subject) -> None:
    for id_ in ("%20", "a%2Fb", "%00", "'", "..%2f..", "%F0%9F%93%9E", "x" * 2000):
        answer = subject.get(f"{subject.collection}/{id_}")
        require(answer.status in (400, 404, 414), f"{id_[:20]} should be 404, not {answer.status}")


@scenario("POST /RESOURCE", "A body made to hurt is refused, not tripped over", "TMF Error", Level.RECOMMENDED)
def bombs(subject: Subject) -> None:
    deep = b'{"description":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    for raw in (deep, b'{"priority": 1e999999}', b'{"priority": NaN}', b'{"priority": ' + b"9" * 5000 + b"}"):
        answer = subject.send("POST", subject.collection, raw=raw, headers={"Content-Type": "application/json"})
        require(answer.status in (400, 413, 422), f"{raw[:30]!r} should be refused with 400, not {answer.status}")
