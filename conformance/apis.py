"""The APIs that can be judged, and what their documents say of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema_rs import Draft7Validator

Doc = dict[str, Any]

METHODS = ("get", "post", "patch", "delete")


@dataclass(frozen=True)
class Api:
    """One version of one API, at the address ``url`` (without a trailing slash), as ``document`` describes it."""

    key: str
    url: str
    document: Doc = field(repr=False)

    @property
    def number(self) -> str:
        """TMF621 or TMF656."""
        return self.key.partition("-")[0].upper()

    @property
    def version(self) -> str:
        """v4 or v5."""
        return self.key.partition("-")[2]

    @property
    def is_v5(self) -> bool:
        """Whether things carry ``@type``."""
        return self.version == "v5"

    @property
    def resource(self) -> str:
        """The resource that the API is about."""
        return "troubleTicket" if self.number == "TMF621" else "serviceProblem"

    @property
    def type(self) -> str:
        """The ``@type`` of that resource, which its events are named after."""
        return self.resource[0].upper() + self.resource[1:]

    @property
    def status_event(self) -> str:
        """The event that tells of another status; the two APIs name it differently."""
        return f"{self.type}{'StatusChange' if self.number == 'TMF621' else 'StateChange'}Event"

    @property
    def title(self) -> str:
        """As reports name it."""
        return f"{self.number} {self.version}"

    def operation(self, method: str, path: str) -> Doc | None:
        """What the document says of an operation, if it has it."""
        found: Doc | None = self.document["paths"].get(path, {}).get(method.lower())
        return found

    def operations(self) -> Iterator[tuple[str, str, Doc]]:
        """Every operation: method in capitals, path and description."""
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), path, item[method]

    def parameters(self, path: str) -> set[str]:
        """The query parameters that the list at ``path`` declares."""
        operation = self.operation("get", path) or {}
        declared = (resolve(self.document, parameter) for parameter in operation.get("parameters", []))
        return {parameter["name"] for parameter in declared if parameter["in"] == "query"}

    def request_faults(self, method: str, path: str, body: Any, media_type: str = "application/json") -> list[str]:
        """What is wrong with a body that this operation would take, each fault with its place."""
        operation = self.operation(method, path) or {}
        request = resolve(self.document, operation["requestBody"])
        return self._faults(request["content"][media_type]["schema"], body)

    def response_faults(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with a body that this operation answered; nothing, where the document says nothing of it."""
        answers = (self.operation(method, path) or {}).get("responses", {})
        answer = resolve(self.document, answers.get(str(status), answers.get("default", {})))
        media = answer.get("content", {}).get("application/json")
        return self._faults(media["schema"], body) if media else []

    def _faults(self, schema: Doc, body: Any) -> list[str]:
        validator = Draft7Validator({**self._loose, **schema}, validate_formats=True)
        errors = validator.iter_errors(body)
        return ["".join(f"/{part}" for part in error.instance_path) + f": {error.message[-200:]}" for error in errors]

    @cached_property
    def _loose(self) -> Doc:
        return {"components": loosened(self.document)["components"]}


def resolve(document: Doc, node: Doc) -> Doc:
    """The node itself, or what it refers to within the document."""
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def read(path: Path) -> Doc:
    """A document in YAML or JSON."""
    parsed: Doc = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return parsed


def loosened(node: Any) -> Any:
    """A copy of a document for validators that cannot choose by ``@type``.

    Unions of TMF types overlap, so that plain JSON Schema finds a body valid under several branches of a ``oneOf``; and
    an ``@type`` that no mapping lists is a subtype of somebody's own, which TMF630 has treated as its base type. Hence
    ``anyOf`` instead of ``oneOf`` and no discriminators. ``nullable`` becomes the type null.
    """
    if isinstance(node, list):
        return [loosened(part) for part in node]
    if not isinstance(node, dict):
        return node
    loose = {key: loosened(value) for key, value in node.items() if not _is_discriminator(key, value)}
    if "oneOf" in loose:
        loose["anyOf"] = loose.pop("oneOf")
    if loose.pop("nullable", None) is True and isinstance(loose.get("type"), str):
        loose["type"] = [loose["type"], "null"]
    return loose


def _is_discriminator(key: str, value: Any) -> bool:
    return key == "discriminator" and isinstance(value, dict) and "propertyName" in value
