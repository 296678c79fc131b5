"""The documents that operations come from: our own of TMF621 and TMF656, the standard's of all others."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STANDARD = ROOT.parent / "shared" / "standard" / "downstream"
OURS = {("tmf621", "v4"), ("tmf621", "v5"), ("tmf656", "v4"), ("tmf656", "v5")}


@cache
def document(api: str, version: str) -> dict[str, Any]:
    """Our own document of the API, or the standard's."""
    if (api, version) in OURS:
        path = ROOT / "openapi" / f"{api}-{version}.yaml"
    else:
        found = sorted(STANDARD.glob(f"{api.upper()}-*.json"))
        if not found:
            pytest.skip(f"the standard's files are not in {STANDARD}")
        path = found[0]
    loaded: dict[str, Any] = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


def resolved(document: dict[str, Any], part: Any) -> Any:
    while isinstance(part, dict) and "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/")]
        part = found
    return part


def shape(document: dict[str, Any], schema: Any) -> tuple[dict[str, Any], set[str]]:
    """Properties and required members of a schema with all that it is made of."""
    schema = resolved(document, schema)
    properties, required = {}, set()
    for part in schema.get("allOf", ()):
        inner, needed = shape(document, part)
        properties |= inner
        required |= needed
    return properties | schema.get("properties", {}), required | set(schema.get("required", ()))


def kind(document: dict[str, Any], schema: Any) -> str:
    schema = resolved(document, schema)
    for part in (schema, *map(lambda one: resolved(document, one), schema.get("allOf", ()))):
        if "type" in part:
            return str(part["type"])
    return "object"


def declared(api: str, version: str) -> Iterator[tuple[str, str, str, Any]]:
    """Name, method, path and body schema of every operation that changes something."""
    spec = document(api, version)
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method not in ("post", "patch", "delete") or path.startswith(("/hub", "/listener")):
                continue
            schema = None
            if "requestBody" in operation:
                content = resolved(spec, operation["requestBody"])["content"]
                schema = content["application/json"]["schema"]
            for parameter in operation.get("parameters", ()):
                if parameter.get("in") == "body":
                    schema = parameter["schema"]
            yield operation["operationId"], method.upper(), re.sub(r"\{[^}]+\}", "{id}", path), schema
