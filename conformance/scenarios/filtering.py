"""The query language of lists."""

from typing import Any
from urllib.parse import quote

from conformance.client import NotJudged
from conformance.scenarios.subject import Subject, ids, require, scenario
from conformance.verdict import Level


def found(subject: Subject, *conditions: str) -> list[Any]:
    """The ids of the rows that match all conditions."""
    return ids(subject.list("?" + "&".join(conditions)))


def equal(name: str, value: Any) -> str:
    """The condition that a member has this value."""
    return f"{name}={quote(str(value), safe='')}"


@scenario(
    "GET /RESOURCE", "Every mandatory member filters by its value as it is echoed", "kit v4 generation; profile R18"
)
def by_mandatory(subject: Subject) -> None:
    marker = subject.marker()
    body = {"name": marker, "description": f"description of {marker}"}
    created = subject.create(**body)
    other = subject.create(name=subject.marker())
    for member in (*subject.mandatory, "id", "href", "creationDate"):
        value = created.get(member)
        if not isinstance(value, str | int):
            continue
        rows = found(subject, equal("name", marker), equal(member, value))
        require(created["id"] in rows, f"{member}={value} should find the resource that says so")
        require(other["id"] not in rows, f"{member}={value} should find nothing else")


@scenario("GET /RESOURCE", "A value that nothing has finds nothing", "profile R18")
def by_nothing(subject: Subject) -> None:
    subject.create()
    require(found(subject, equal("description", subject.marker())) == [], "the list should be empty")


@scenario("GET /RESOURCE", "Conditions on several members must all hold", "kit R18")
def all_hold(subject: Subject) -> None:
    marker = subject.marker()
    first = subject.create(name=marker, description="first")
    subject.create(name=marker, description="second")
    require(found(subject, f"name={marker}", "description=first") == [first["id"]], "only the first has both")


@scenario(
    "GET /RESOURCE", "A repeated member, or values with commas, widen the list", "TMF630 filtering", Level.RECOMMENDED
)
def any_holds(subject: Subject) -> None:
    marker = subject.marker()
    made = {subject.create(name=marker, description=text)["id"] for text in ("one", "two")}
    subject.create(name=marker, description="three")
    for conditions in (["description=one,two"], ["description=one", "description=two"]):
        rows = found(subject, f"name={marker}", *conditions)
        require(set(rows) == made, f"{'&'.join(conditions)} should find the first two")


@scenario(
    "GET /RESOURCE", "A member of a list's elements filters by a dotted path", "TMF630 filtering", Level.RECOMMENDED
)
def nested(subject: Subject) -> None:
    marker = subject.marker()
    note = {**subject.typed("Note"), "text": marker, "author": "judge"}
    created = subject.create(note=[note])
    require(found(subject, f"note.text={marker}") == [created["id"]], "note.text should find the resource")
    require(found(subject, f"note.text={marker}x") == [], "another text should find nothing")


@scenario("GET /RESOURCE", ".gt, .gte, .lt, .lte and .ne compare", "TMF630 operators", Level.RECOMMENDED)
def operators(subject: Subject) -> None:
    marker = subject.marker()
    dates = {}
    for year in (2020, 2021, 2022):
        date = f"{year}-06-01T00:00:00Z"
        dates[year] = subject.create(name=marker, resolutionDate=date)["id"]
    middle = "2021-06-01T00:00:00Z"
    expected = {"gt": {2022}, "gte": {2021, 2022}, "lt": {2020}, "lte": {2020, 2021}, "ne": {2020, 2022}}
    for operator, years in expected.items():
        rows = set(found(subject, f"name={marker}", f"resolutionDate.{operator}={middle}"))
        require(rows == {dates[year] for year in years}, f"resolutionDate.{operator} should find {sorted(years)}")


@scenario("GET /RESOURCE", ".regex matches patterns", "TMF630 operators", Level.OPTIONAL)
def pattern(subject: Subject) -> None:
    marker = subject.marker()
    first = subject.create(name=marker, description="line 4711")
    subject.create(name=marker, description="line none")
    rows = found(subject, f"name={marker}", "description.regex=" + quote("^line [0-9]+$"))
    require(rows == [first["id"]], "the pattern should find the first only")


@scenario("GET /RESOURCE", "A semicolon separates alternatives", "TMF630 filtering", Level.OPTIONAL)
def alternatives(subject: Subject) -> None:
    one, two = subject.marker(), subject.marker()
    made = {subject.create(name=one)["id"], subject.create(name=two)["id"]}
    rows = found(subject, f"name={one};name={two}")
    require(set(rows) == made, "name=a;name=b should find both")


@scenario(
    "GET /RESOURCE",
    "An attribute or operator that does not exist is refused with 400",
    "profile R16.5",
    Level.RECOMMENDED,
)
def unknown(subject: Subject) -> None:
    for condition in ("colour=red", "description.like=x", "note.colour.gt=x"):
        subject.is_error(subject.get(f"{subject.collection}?{condition}").must_be(400))


@scenario("GET /RESOURCE", "`filter` takes JSONPath", "OAS filter; TMF630 part 6", Level.OPTIONAL)
def json_path(subject: Subject) -> None:
    if "filter" not in subject.api.parameters(subject.collection) and not subject.api.is_v5:
        raise NotJudged("this version does not declare it")
    marker = subject.marker()
    note = {**subject.typed("Note"), "text": marker, "author": "judge"}
    created = subject.create(note=[note])
    for path in (f"note[?(@.text=='{marker}')]", f"$.note[?(@.text=='{marker}')]"):
        rows = found(subject, f"filter={quote(path)}")
        require(rows == [created["id"]], f"{path} should find the resource")
    subject.is_error(subject.get(f"{subject.collection}?filter={quote('note[?(')}").must_be(400))


@scenario("GET /RESOURCE", "A filter never fails the server", "TMF Error")
def hostile(subject: Subject) -> None:
    hostile_values = ("%00", "%FF%FE", "'%20OR%201=1--", "%25%25", "(" * 500, "9" * 400, "%F0%9F%93%9E")
    for value in hostile_values:
        for condition in (f"description={value}", f"creationDate.gt={value}", f"description.regex={value}"):
            answer = subject.get(f"{subject.collection}?{condition}")
            require(answer.status in (200, 206, 400, 414, 501), f"{condition[:60]} should not end in {answer.status}")
