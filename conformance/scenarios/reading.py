"""Lists: counts, pages, the choice of members and the order."""

from urllib.parse import urljoin

from conformance.client import NotJudged, Unmet
from conformance.scenarios.subject import V4, V5, Subject, ids, require, scenario
from conformance.verdict import Level

TOTAL, PAGE = "X-Total-Count", "X-Result-Count"


def some(subject: Subject, count: int) -> tuple[str, list[str]]:
    """That many new resources of one name: a query that finds them, and their ids."""
    marker = subject.marker()
    made = [subject.create(name=marker, description=f"number {i}")["id"] for i in range(count)]
    return f"?name={marker}", made


@scenario("GET /RESOURCE", "An unpaged list holds what was just created", "kit R18")
def just_created(subject: Subject) -> None:
    created = subject.create()
    rows = subject.list()
    if created["id"] in ids(rows):
        return
    total = subject.client.log[-1]
    counts = {name.lower(): value for name, value in total.headers}
    if int(counts.get(TOTAL.lower(), 0)) > len(rows):
        raise NotJudged("the server holds more than it lists at once")
    raise Unmet("the list should hold the new resource; a small default page hides it")


@scenario("GET /RESOURCE", "A list tells how many match and how many it holds", "OAS headers of 200", Level.RECOMMENDED)
def counted(subject: Subject) -> None:
    query, made = some(subject, 3)
    answer = subject.get(f"{subject.collection}{query}&limit=2").must_be(200, 206)
    for name, expected in ((TOTAL, len(made)), (PAGE, 2)):
        require(
            answer.headers.get(name) == str(expected), f"{name} should be {expected}, not {answer.headers.get(name)}"
        )


@scenario("GET /RESOURCE", "Every row of a list fits the schema", "OAS 200 response")
def rows_fit(subject: Subject) -> None:
    query, _ = some(subject, 2)
    rows = subject.list(query)
    faults = subject.api.response_faults("GET", subject.collection, 200, rows)
    require(rows and not faults, f"the rows should fit the document: {'; '.join(faults[:5])}")


@scenario("GET /RESOURCE", "Pages by offset and limit are disjoint and complete", "OAS parameters; TMF630 paging")
def pages(subject: Subject) -> None:
    query, made = some(subject, 5)
    found = [id_ for offset in (0, 2, 4) for id_ in ids(subject.list(f"{query}&offset={offset}&limit=2"))]
    require(len(found) == len(set(found)), "no resource should be on two pages")
    require(set(found) == set(made), "the pages together should hold every match")


@scenario("GET /RESOURCE", "A page says where the next one is (Link)", "TMF630 paging; RFC 8288", Level.OPTIONAL)
def linked(subject: Subject) -> None:
    query, made = some(subject, 3)
    answer = subject.get(f"{subject.collection}{query}&limit=2").must_be(200, 206)
    link = answer.headers.get("Link", "")
    target = next((part for part in link.split(",") if "next" in part.partition(";")[2]), "")
    require(target, f"Link should name the next page; it is {link!r}")
    url = urljoin(answer.exchange.url, target.partition("<")[2].partition(">")[0])
    rest = subject.client.send("GET", url).must_be(200, 206).json
    require(set(ids(answer.json)) | set(ids(rest)) == set(made), "following next should bring the rest")


@scenario("GET /RESOURCE", "A page behind the last is empty or 416", "TMF630 paging", Level.OPTIONAL)
def behind(subject: Subject) -> None:
    query, _ = some(subject, 1)
    answer = subject.get(f"{subject.collection}{query}&offset=10").must_be(200, 416)
    require(answer.status == 416 or answer.json == [], "the list should be empty")


@scenario("GET /RESOURCE", "A limit or offset that is no integer is refused with 400", "OAS types", Level.RECOMMENDED)
def no_integer(subject: Subject) -> None:
    for query in ("?limit=many", "?offset=some"):
        subject.is_error(subject.get(subject.collection + query).must_be(400))


@scenario("GET /RESOURCE", "A limit or offset out of range does no harm", "OAS types")
def out_of_range(subject: Subject) -> None:
    for query in ("?limit=-1", "?limit=0", "?offset=-1", "?limit=99999999999999999999", "?offset=99999999999999999999"):
        answer = subject.get(subject.collection + query)
        require(answer.status in (200, 206, 400, 416), f"{query} should be served or refused, not {answer.status}")


@scenario("GET /RESOURCE/{id}", "`fields` answers exactly the members asked for", "kit R18", Level.RECOMMENDED, V4)
def exact_fields(subject: Subject) -> None:
    created = subject.create()
    for asked in (["description"], ["description", subject.mandatory[0]]):
        found = subject.read(created, f"?fields={','.join(asked)}")
        require(set(found) == set(asked), f"asked for {', '.join(asked)}, answered {', '.join(found)}")


@scenario("GET /RESOURCE/{id}", "`fields` answers the members asked for", "profile R18")
def fields(subject: Subject) -> None:
    created = subject.create()
    for member in subject.mandatory:
        found = subject.read(created, f"?fields={member}")
        require(found.get(member) == created[member], f"{member} should be answered")
        extra = set(found) - {member, "id", "href", "@type"}
        require(not extra, f"not asked for: {', '.join(sorted(extra))}")


@scenario(
    "GET /RESOURCE/{id}", "With `fields`, id, href and @type come along", "OAS v5 required", Level.RECOMMENDED, V5
)
def fields_with_identity(subject: Subject) -> None:
    found = subject.read(subject.create(), "?fields=description")
    require({"id", "href", "@type"} <= set(found), f"answered: {', '.join(found)}")


@scenario("GET /RESOURCE", "`fields` of a list answers the members asked for, and the id", "kit R16.5; profile R18")
def fields_of_rows(subject: Subject) -> None:
    query, made = some(subject, 2)
    rows = subject.list(f"{query}&fields=description")
    require(set(ids(rows)) == set(made), "each row should have its id")
    extra = {name for row in rows for name in row} - {"description", "id", "href", "@type"}
    require(not extra, f"not asked for: {', '.join(sorted(extra))}")


@scenario("GET /RESOURCE/{id}", "`fields` reaches into members", "TMF630 selection", Level.OPTIONAL)
def fields_at_depth(subject: Subject) -> None:
    note = {**subject.typed("Note"), "author": "judge", "text": "a word"}
    found = subject.read(subject.create(note=[note]), "?fields=note.text")
    notes = found.get("note", [])
    require(len(notes) == 1 and notes[0].get("text") == "a word", "note.text should be answered")
    require("author" not in notes[0], "note.author was not asked for")


@scenario("GET /RESOURCE", "`sort` orders a list, `-` turns it round", "OAS sort; TMF630 sorting", Level.OPTIONAL)
def sorted_rows(subject: Subject) -> None:
    query, made = some(subject, 3)
    rising = ids(subject.list(f"{query}&sort=description"))
    require(rising == made, "sort=description should order by description, rising")
    falling = ids(subject.list(f"{query}&sort=-description"))
    require(falling == made[::-1], "sort=-description should order by description, falling")


@scenario("GET /RESOURCE", "Cursors lead from page to page", "OAS before, after", Level.OPTIONAL, ["tmf621-v5"])
def cursors(subject: Subject) -> None:
    query, made = some(subject, 3)
    answer = subject.get(f"{subject.collection}{query}&limit=2").must_be(200, 206)
    link = answer.headers.get("Link", "")
    if "after=" not in link:
        raise NotJudged("the server tells no cursor (a Link with after=)")
    cursor = link.partition("after=")[2].partition(">")[0].partition("&")[0]
    rest = subject.list(f"{query}&limit=2&after={cursor}")
    require(set(ids(answer.json)) | set(ids(rest)) == set(made), "the cursor should lead to the rest")
