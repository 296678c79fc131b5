"""Requests made to hurt: what no schema lets a generator invent, because it is no longer a document at all.

Each is raw bytes on a path of an API: bodies that are deep, wide, huge in number or broken in encoding, query strings
and headers of every kind. A server may refuse them or, where they are only odd, accept them; it must not fail.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from conformance.apis import Api

Doc = dict[str, Any]


@dataclass(frozen=True)
class Shot:
    """One hostile request; ``about`` says what is hostile in it."""

    about: str
    method: str
    path: str
    raw: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


TEXTS = (
    "\x00",
    "\u202e\u2066\ufeff",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "'; DROP TABLE trouble_ticket; --",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}{% raw %}",
    "../../../../etc/passwd",
    "%s%n%p",
    "a" * 100_000,
    "\r\nX-Injected: yes",
    "e\u0301" * 1000,
)
NUMBERS = (
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "-0",
    "1" * 5000,
    "0." + "1" * 5000,
    "1E-400",
    "18446744073709551616",
    "01",
)
SURROGATES = (rb'"\ud800"', rb'"\udfff\ud800"', b'"\xed\xa0\x80"', b'"\xff\xfe"', b'"\xc0\xaf"', rb'"\u0000"')
MEDIA_TYPES = (
    "application/json",
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/json-patch-query+json",
    "application/json;charset=utf-16",
    "application/json;charset=nonsense",
    "application/json; boundary=" + "x" * 5000,
    "APPLICATION/JSON",
    "merge-patch+json",
    "text/plain",
    "",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
)
OPERATORS = ("", ".eq", ".ne", ".gt", ".gte", ".lt", ".lte", ".regex", ".like", "..", ".")
EXPRESSIONS = (
    "(a+)+$",
    "[" * 60,
    "(" * 99,
    "^" * 100,
    "\\",
    "a{1000000000}",
    "(?P<x>",
    "[z-a]",
    "$[?(@.a=='" + "b" * 5000 + "')]",
    "$" + "[?(@.a" * 200,
    "$..*",
    "note[?(@.text=~/(a+)+$/)]",
    "[?(@.x==" + "9" * 400 + ")]",
)
HEADERS = (
    ("If-Match", '"' + "x" * 5000),
    ("If-Match", 'W/"\u00e9"'),
    ("If-None-Match", "*,*,*"),
    ("Idempotency-Key", ""),
    ("Idempotency-Key", "k" * 7000),
    ("Accept", "application/xml;q=" + "9" * 300),
    ("Accept-Encoding", "gzip;q=x, *;q=-1"),
    ("Content-Encoding", "gzip"),
    ("Content-Encoding", "br, deflate, nonsense"),
    ("Range", "bytes=9-1"),
    ("X-Forwarded-Host", "evil.example.com"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Authorization", "Bearer " + "." * 3000),
    ("Expect", "100-continue"),
    ("Prefer", "respond-async"),
)


def shots(api: Api, new: Doc, known: Callable[[], str], chance: random.Random) -> Iterator[Shot]:
    """Hostile requests without end.

    ``new`` creates a resource as it is, ``known`` gives the id of one that exists; ``chance`` decides.
    """
    kinds = (_body, _number, _text, _encoding, _query, _query, _id, _header, _patch)
    while True:
        if chance.random() < 0.3:
            yield _almost(api, new, known(), chance)
        else:
            yield chance.choice(kinds)(api, known(), chance)


def _almost(api: Api, new: Doc, id_: str, chance: random.Random) -> Shot:
    """A body that would do, but for one member of the client's own: most hostile ones do not get past the schema."""
    depth = chance.choice((100, 200, 230, *range(236, 258), 1000))
    about, value = chance.choice(
        (
            (f"{depth} lists", "[" * depth + "]" * depth),
            (f"{depth} objects", '{"a":' * depth + "1" + "}" * depth),
            ("a number", chance.choice(NUMBERS)),
            ("a text", json.dumps(chance.choice(TEXTS))),
            ("a name", json.dumps({chance.choice(TEXTS)[:5000]: 1})),
        )
    )
    member = chance.choice(("x-own", "note", "description", "@schemaLocation", "relatedParty", "externalIdentifier"))
    inside = chance.choice((value, f"[{value}]", f'[{{"@type":"Note","id":"1","role":"r","x":{value}}}]'))
    body = {name: part for name, part in new.items() if name != member}
    raw = f'{json.dumps(body)[:-1]},"{member}":{inside}}}'.encode("utf-8", "surrogatepass")
    if chance.random() < 0.5:
        return Shot(f"{about} in {member}", "POST", f"/{api.resource}", raw, (("Content-Type", "application/json"),))
    headers = (("Content-Type", "application/merge-patch+json"),)
    return Shot(f"{about} in {member}", "PATCH", f"/{api.resource}/{id_}", raw, headers)


def _target(api: Api, id_: str, chance: random.Random) -> tuple[str, str]:
    """A method that takes a body, and where."""
    takers = [(method, path) for method, path, operation in api.operations() if "requestBody" in operation]
    method, path = chance.choice(takers)
    return method, path.replace("{id}", quote(id_, safe=""))


def _kind(chance: random.Random) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", chance.choice(MEDIA_TYPES[:4])),)


def _body(api: Api, id_: str, chance: random.Random) -> Shot:
    """Depth and width."""
    method, path = _target(api, id_, chance)
    deep, wide = chance.choice((100, 254, 255, 1000, 1024, 20_000, 100_000)), chance.choice((1000, 100_000))
    about, raw = chance.choice(
        (
            (f"{deep} lists in each other", b"[" * deep + b"]" * deep),
            (f"{deep} objects in each other", b'{"note":' * deep + b"1" + b"}" * deep),
            (f"{deep} lists below a member", b'{"x":' + b"[" * deep + b"]" * deep + b"}"),
            (f"{wide} elements", b'{"note":[' + b"{}," * wide + b"{}]}"),
            (f"{wide} members", b"{" + b",".join(b'"m%d":1' % i for i in range(wide)) + b"}"),
            ("the same member many times", b"{" + b'"description":"a",' * 5000 + b'"description":1}'),
            ("unfinished", b'{"description":"' + b"a" * chance.randrange(1, 70_000)),
            ("three megabytes", b'{"description":"' + b"a" * 3_000_000 + b'"}'),
            ("nothing", b""),
            ("white space", b" \n" * 10_000),
        )
    )
    return Shot(about, method, path, raw, _kind(chance))


def _number(api: Api, id_: str, chance: random.Random) -> Shot:
    """Numbers that are none, or too many digits."""
    method, path = _target(api, id_, chance)
    number, member = chance.choice(NUMBERS), chance.choice(("priority", "x-own", "affectedNumberOfServices", "status"))
    raw = f'{{"@type":"{api.type}","{member}":{number},"note":[{number}]}}'.encode()
    return Shot(f"the number {number[:12]}", method, path, raw, _kind(chance))


def _text(api: Api, id_: str, chance: random.Random) -> Shot:
    """Texts that somebody might take for something else, as values and as names."""
    method, path = _target(api, id_, chance)
    text = chance.choice(TEXTS)
    places: tuple[Doc, ...] = (
        {"description": text},
        {text: text},
        {"status": text},
        {"@type": text},
        {"note": [{"text": text, text: {text: [text]}}]},
        {"callback": text},
        {"callback": f"http://{text}"},
        {"query": text},
        {"creationDate": text},
        {"eventType": text, "eventId": text, "event": {text: text}},
    )
    body = {"@type": api.type, "eventType": "x", **chance.choice(places)}
    return Shot(f"the text {text[:20]!r}", method, path, json.dumps(body).encode(), _kind(chance))


def _encoding(api: Api, id_: str, chance: random.Random) -> Shot:
    """Bytes that are no UTF-8, and media types that are none."""
    method, path = _target(api, id_, chance)
    value = chance.choice(SURROGATES)
    raw = b'{"@type":"' + api.type.encode() + b'","description":' + value + b',"x":{' + value + b":1}}"
    if chance.random() < 0.3:
        raw = raw.decode("latin-1").encode(chance.choice(("utf-16", "utf-32", "utf-7")))
    return Shot(f"the bytes {value!r}", method, path, raw, (("Content-Type", chance.choice(MEDIA_TYPES)),))


def _query(api: Api, id_: str, chance: random.Random) -> Shot:
    """Query strings."""
    lists = [path for method, path, _ in api.operations() if method == "GET"]
    path = chance.choice(lists).replace("{id}", quote(id_, safe=""))
    value = chance.choice((*TEXTS[:-3], *EXPRESSIONS, *NUMBERS, "", "*", ",,,", "a,b;c,d", "'", '"', "%"))[:6000]
    names = ("fields", "sort", "filter", "offset", "limit", "before", "after")
    attribute = chance.choice(
        ("description", "creationDate", "note.text", "note.note.text", "priority", "@type", "x" * 300)
    )
    about, query = chance.choice(
        (
            ("a parameter", f"{chance.choice(names)}={quote(value)}"),
            (
                "an unescaped parameter",
                f"{chance.choice(names)}={value}".encode("latin-1", "replace").decode("latin-1"),
            ),
            ("a condition", f"{attribute}{chance.choice(OPERATORS)}={quote(value)}"),
            ("a condition by sign", f"{attribute}%3E{quote(value)}"),
            ("many conditions", "&".join(f"{attribute}={i}" for i in range(chance.choice((100, 1500))))),
            ("many alternatives", f"{attribute}=" + ";".join(f"{attribute}={i}" for i in range(500))),
            ("many values", f"{attribute}=" + ",".join(map(str, range(3000)))),
            ("many fields", "fields=" + ",".join(["description"] * 3000)),
            ("a deep path", ".".join(["note"] * 500) + "=1"),
            ("nothing but signs", "&&==&;=;;&=" * 50),
        )
    )
    safe = "".join(sign if " " < sign < "\x7f" else quote(sign) for sign in query)
    return Shot(f"{about} in the query", "GET", f"{path}?{safe}")


def _id(api: Api, _id: str, chance: random.Random) -> Shot:
    """Ids that are none."""
    items = [(method, path) for method, path, _ in api.operations() if "{id}" in path]
    method, path = chance.choice(items)
    text = chance.choice((*TEXTS[:8], "%", "%2", "%ff", "..", ".", "a" * 8000, " ", "?", "#"))
    raw = b"{}" if method == "PATCH" else None
    return Shot("an id", method, path.replace("{id}", quote(text, safe="%")), raw, _kind(chance) if raw else ())


def _header(api: Api, id_: str, chance: random.Random) -> Shot:
    """Headers."""
    method, path = chance.choice(
        (
            ("GET", f"/{api.resource}/{id_}"),
            ("GET", f"/{api.resource}?limit=1"),
            ("POST", f"/{api.resource}"),
            ("PATCH", f"/{api.resource}/{id_}"),
            ("TRACE", f"/{api.resource}"),
            ("BREW", f"/{api.resource}/{id_}"),
        )
    )
    chosen = tuple(chance.sample(HEADERS, 3))
    raw = None if method == "GET" else json.dumps({"@type": api.type}).encode()
    return Shot(f"the headers {[name for name, _ in chosen]}", method, path, raw, (*_kind(chance), *chosen))


def _patch(api: Api, id_: str, chance: random.Random) -> Shot:
    """Patches of every kind that lead nowhere, or everywhere."""
    paths = ("", "/", "/note/-", "/note/99999999999999999999", "/note/-1", "/~", "/~2", "/note?id=", "/a" * 2000, "/id")
    deep: Any = 1
    for _ in range(200):
        deep = {"a": deep}
    values: tuple[Any, ...] = (None, 1, "x" * 50_000, [], {}, deep, {"@type": ""}, [[[]]])
    operation = {
        "op": chance.choice(("add", "remove", "replace", "move", "copy", "test", "", "explode")),
        "path": chance.choice(paths),
        "from": chance.choice(paths),
        "value": chance.choice(values),
    }
    count = chance.choice((1, 2, 1000))
    body = json.dumps(chance.choice(([operation] * count, operation, [[operation]], {"@type": api.type, "note": deep})))
    kinds = ("application/json-patch+json", "application/json-patch-query+json", "application/merge-patch+json")
    headers = (("Content-Type", chance.choice(kinds)),)
    return Shot(f"{count} times {operation['op']}", "PATCH", f"/{api.resource}/{id_}", body.encode(), headers)
