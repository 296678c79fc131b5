"""Our documents against the standard's own files: the wire comparison.

Names of schemas and how they are composed do not count, only what may be on the wire. Every member that the standard
knows at an operation must be in our document with the same type, format and enum; a request must need the same members,
an answer promise at least the same. What ours adds is allowed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conformance.apis import METHODS, Api, Doc, read, resolve
from conformance.verdict import Clause, Outcome, Part, Verdict

DEPTH = 5
"""How many levels of members are compared; TMF schemas refer to themselves further down."""

CLAUSES = {
    "operation": Clause("The operation is offered with its parameters", "OAS paths"),
    "request": Clause("The request is member for member that of the standard", "OAS request schemas"),
    "response": Clause("The answer is member for member that of the standard", "OAS response schemas"),
}

Faults = list[str]


@dataclass(frozen=True)
class Shape:
    """What a schema says of one place on the wire, whatever it is composed of."""

    type: str = ""
    format: str = ""
    enum: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    members: dict[str, tuple[Doc, ...]] = field(default_factory=dict)
    items: tuple[Doc, ...] = ()
    branches: dict[str, Doc] = field(default_factory=dict)

    def and_also(self, other: "Shape") -> "Shape":
        """What holds where both are said."""
        members = dict(self.members)
        for name, schemas in other.members.items():
            members[name] = (*members.get(name, ()), *schemas)
        return Shape(
            type=other.type or self.type,
            format=other.format or self.format,
            enum=other.enum or self.enum,
            required=self.required | other.required,
            members=members,
            items=(*self.items, *other.items),
            branches={**self.branches, **other.branches},
        )


def compare(api: Api, directory: Path) -> Iterator[Verdict]:
    """The verdict for each operation that the standard's file in ``directory`` has; skipped where there is no file."""
    path = official(api, directory)
    if path is None:
        reason = f"{directory} holds no file of {api.title}"
        yield Verdict(api.number, api.version, Part.STANDARD, "all", CLAUSES["operation"], Outcome.SKIPPED, reason)
        return
    standard = read(path)
    ours = {re.sub(r"\{.*?\}", "{}", where): item for where, item in api.document["paths"].items()}
    for where, item in standard["paths"].items():
        for method in METHODS:
            if method in item:
                mine = ours.get(re.sub(r"\{.*?\}", "{}", where.rstrip("/")), {})
                yield from _operation(api, standard, f"{method.upper()} {where}", (item, method), mine)


def official(api: Api, directory: Path) -> Path | None:
    """The standard's file for an API, by the pattern of TM Forum's names, such as TMF621-v4.0.0.swagger.json."""
    pattern = re.compile(rf"{api.number}.*{api.version}\b.*\.(json|ya?ml)", re.IGNORECASE)
    return next((path for path in sorted(directory.iterdir()) if pattern.fullmatch(path.name)), None)


def _operation(api: Api, standard: Doc, where: str, theirs: tuple[Doc, str], mine: Doc) -> Iterator[Verdict]:
    item, method = theirs
    compared: dict[str, Faults] = {"operation": [], "request": [], "response": []}
    if method not in mine:
        compared = {"operation": ["the operation is missing"]}
    else:
        sides = _Side(standard, item, method), _Side(api.document, mine, method)
        compared["operation"] = [f"parameter {name} is missing" for name in sides[0].parameters - sides[1].parameters]
        compared["request"] = list(_requests(*sides))
        compared["response"] = list(_responses(*sides))
    for what, faults in compared.items():
        outcome = Outcome.FAILED if faults else Outcome.PASSED
        yield Verdict(api.number, api.version, Part.STANDARD, where, CLAUSES[what], outcome, "; ".join(faults))


class _Side:
    """One operation of one of the two documents, OpenAPI 3 or Swagger 2."""

    def __init__(self, document: Doc, item: Doc, method: str) -> None:
        self.document = document
        self.operation = item[method]
        declared = [*item.get("parameters", []), *self.operation.get("parameters", [])]
        self._parameters = [resolve(document, parameter) for parameter in declared]

    @property
    def parameters(self) -> set[str]:
        """The parameters outside the body, by place and name."""
        return {f"{one['name']} ({one['in']})" for one in self._parameters if one["in"] != "body"}

    @property
    def requests(self) -> dict[str, Doc]:
        """The schema of the request, by media type."""
        content = resolve(self.document, self.operation.get("requestBody", {})).get("content", {})
        schemas = {kind.partition(";")[0]: media.get("schema", {}) for kind, media in content.items()}
        for body in (one for one in self._parameters if one["in"] == "body"):  # Swagger 2
            schemas["application/json"] = body["schema"]
        return schemas

    def response(self, status: str) -> Doc | None:
        """The schema of an answer; None where it has no body."""
        answer = resolve(self.document, self.operation["responses"][status])
        if "schema" in answer:
            return dict(answer["schema"])
        content = list(answer.get("content", {}).values())
        return content[0].get("schema", {}) if content else None

    @property
    def successes(self) -> set[str]:
        """The statuses below 300 that are declared."""
        return {str(status) for status in self.operation["responses"] if str(status).startswith("2")}


def _requests(theirs: _Side, ours: _Side) -> Iterator[str]:
    for kind, schema in theirs.requests.items():
        if kind not in ours.requests:
            yield f"{kind} is not taken"
            continue
        for fault in differences(theirs.document, schema, ours.document, ours.requests[kind], equal=True):
            yield f"{kind}{fault}"


def _responses(theirs: _Side, ours: _Side) -> Iterator[str]:
    for status in sorted(theirs.successes - {"202"}):  # the asynchronous alternative is each server's own choice
        if status not in ours.successes:
            yield f"{status} is missing"
            continue
        schema, mine = theirs.response(status), ours.response(status)
        if schema is not None:
            for fault in differences(theirs.document, schema, ours.document, mine or {}, equal=False):
                yield f"{status}{fault}"


def differences(
    theirs: Doc, schema: Doc, ours: Doc, mine: Doc, *, equal: bool, at: str = "", depth: int = 0
) -> Iterator[str]:
    """Where our schema is not that of the standard; ``equal``: the required members must be the same, not just more."""
    yield from _shapes(theirs, (schema,), ours, (mine,), equal=equal, at=at, depth=depth)


def _shapes(
    theirs: Doc, schemas: tuple[Doc, ...], ours: Doc, mine: tuple[Doc, ...], *, equal: bool, at: str, depth: int
) -> Iterator[str]:
    wanted, found = _all(theirs, schemas), _all(ours, mine)
    yield from _here(wanted, found, at or " ", equal)
    if depth >= DEPTH:
        return
    inside = [(name, wanted.members[name], found.members.get(name)) for name in wanted.members]
    inside += [(f"<{name}>", (branch,), _branch(found, name)) for name, branch in wanted.branches.items()]
    if wanted.items:
        inside.append(("[]", wanted.items, found.items or None))
    for name, one, other in inside:
        place = f"{at}/{name}"
        if other is None:
            yield f"{place} is missing"
        else:
            yield from _shapes(theirs, one, ours, other, equal=equal, at=place, depth=depth + 1)


def _branch(found: Shape, name: str) -> tuple[Doc, ...] | None:
    return (found.branches[name],) if name in found.branches else None


def _here(wanted: Shape, found: Shape, at: str, equal: bool) -> Iterator[str]:
    for what in ("type", "format", "enum"):
        one, other = getattr(wanted, what), getattr(found, what)
        if one and one != other:
            yield f"{at} has the {what} {_told(one)} in the standard, {_told(other) or 'none'} here"
    if wanted.required - found.required or (equal and wanted.required != found.required):
        yield f"{at} requires {_told(wanted.required)} in the standard, {_told(found.required) or 'nothing'} here"


def _told(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(sorted(value))


def _all(document: Doc, schemas: tuple[Doc, ...]) -> Shape:
    shape = Shape()
    for schema in schemas:
        shape = shape.and_also(_shape(document, schema, ()))
    return replace(shape, type=shape.type or ("object" if shape.members else ""))


def _shape(document: Doc, schema: Doc, trail: tuple[int, ...]) -> Shape:
    node = resolve(document, schema)
    if id(node) in trail:
        return Shape()
    shape = Shape()
    for part in node.get("allOf", ()):
        shape = shape.and_also(_shape(document, part, (*trail, id(node))))
    type_ = node.get("type", "")
    return shape.and_also(
        Shape(
            type=next((one for one in type_ if one != "null"), "") if isinstance(type_, list) else type_,
            format=node.get("format", ""),
            enum=frozenset(map(str, node.get("enum", ()))),
            required=frozenset(node.get("required", ())),
            members={name: (member,) for name, member in node.get("properties", {}).items()},
            items=(node["items"],) if "items" in node else (),
            branches=_branches(node),
        )
    )


def _branches(node: Doc) -> dict[str, Doc]:
    """The alternatives of a union, by the value of the discriminator or else by the name of the schema."""
    discriminator = node.get("discriminator")
    mapping = discriminator.get("mapping", {}) if isinstance(discriminator, dict) else {}
    by_schema = {ref: name for name, ref in mapping.items()}
    branches = {}
    for number, branch in enumerate(node.get("oneOf") or node.get("anyOf") or ()):
        ref = branch.get("$ref", "")
        name = re.sub(r"_(FVO|MVO|RES)$", "", ref.rsplit("/", 1)[-1]) or f"alternative {number}"
        branches[by_schema.get(ref, name)] = branch
    return branches
