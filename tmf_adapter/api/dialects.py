"""Partners' dialects: read from files, chosen by request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from tmf_adapter import files
from tmf_adapter.api.faults import explain
from tmf_adapter.tmf.dialect import Dialect, Hearing, Saying

BYTES_LIMIT = 1 << 16

_NAMES = {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}}
_WORDS = {"type": "object", "additionalProperties": _NAMES}


def _keys(required: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": [*required], "properties": properties}


_GRAMMAR = jsonschema_rs.Draft7Validator(
    _keys(
        ("dialect", "title", "api", "spoken_by", "resources"),
        dialect={"type": "string", "pattern": "^[a-z0-9-]{1,64}$"},
        title={"type": "string", "minLength": 1},
        api={"type": "array", "minItems": 1, "items": {"enum": ["tmf621-v4", "tmf621-v5", "tmf656-v4", "tmf656-v5"]}},
        spoken_by={
            "if": {"type": "string"},
            "then": {"enum": ["everybody"]},
            "else": _keys(
                ("header", "value"),
                header={"type": "string", "pattern": "^[A-Za-z0-9-]+$"},
                value={"type": "string", "minLength": 1},
            ),
        },
        resources={
            "type": "object",
            "minProperties": 1,
            "additionalProperties": _keys(
                hears=_keys(rename=_NAMES, nest=_NAMES, words=_WORDS, types=_NAMES),
                says=_keys(rename=_NAMES, flatten=_NAMES, words=_WORDS),
            ),
        },
    )
)


class BadDialect(ValueError):
    """A dialect file that cannot be used; the text has a line for each fault, with its file and place."""


@dataclass(frozen=True, slots=True)
class Dialects:
    """Those spoken to one API about one kind of resource; a partner's own come before everybody's."""

    all: tuple[Dialect, ...] = ()

    def of(self, headers: Mapping[bytes, bytes]) -> Dialect | None:
        """The dialect that a request is in."""
        return next((dialect for dialect in self.all if dialect.is_spoken(headers)), None)


NONE = Dialects()


@dataclass(frozen=True)
class Spoken:
    """Every dialect there is."""

    dialects: tuple[Dialect, ...] = ()

    def about(self, api: str, resource: str) -> Dialects:
        """What may be spoken to ``api`` about ``resource``."""
        named = (one for one in self.dialects if api in one.apis and (resource in one.hears or resource in one.says))
        return Dialects(tuple(sorted(named, key=lambda one: not one.header)))


def read_dialects(directory: Path) -> Spoken:
    """Every ``*.yaml`` of ``directory``; none when there is no such directory.

    Raises ``BadDialect`` with all faults of all files.
    """
    faults: list[str] = []
    found = [_read(path, faults) for path in sorted(directory.glob("*.yaml"))]
    dialects = [one for one in found if one]
    faults += _clashes(dialects)
    if faults:
        raise BadDialect("\n".join(faults))
    return Spoken(tuple(dialects))


def _read(path: Path, faults: list[str]) -> Dialect | None:
    try:
        data = files.read(path, BYTES_LIMIT)
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, Loader=yaml.CSafeLoader)):
            raise ValueError("has an alias, which dialects do not need: write it out")
        document = yaml.load(data, Loader=yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        faults.append(f"{path}: cannot be read: {' '.join(str(error).split())}")
        return None
    wrong = explain(_GRAMMAR.iter_errors(document))
    faults += [f"{path}: {fault.pointer or '/'}: {fault.message}" for fault in wrong]
    return None if wrong else _dialect(document)


def _dialect(document: Mapping[str, Any]) -> Dialect:
    spoken_by = document["spoken_by"]
    told = {} if spoken_by == "everybody" else {"header": spoken_by["header"].lower(), "value": spoken_by["value"]}
    resources: dict[str, Any] = document["resources"]
    return Dialect(
        document["dialect"],
        frozenset(document["api"]),
        hears={name: Hearing(**_folded(said["hears"])) for name, said in resources.items() if "hears" in said},
        says={name: Saying(**_folded(said["says"])) for name, said in resources.items() if "says" in said},
        **told,
    )


def _folded(part: dict[str, Any]) -> dict[str, Any]:
    """Words are compared in small letters."""
    words = part.get("words", {})
    folded = {path: {word.lower(): other for word, other in table.items()} for path, table in words.items()}
    return {**part, "words": folded}


def _clashes(dialects: list[Dialect]) -> list[str]:
    """Two files for one name, or for one way of telling who speaks."""
    faults, seen = [], dict[tuple[str, ...], str]()
    for one in dialects:
        told = f"requests with {one.header}: {one.value}" if one.header else "everybody"
        for key, what in ((("name", one.name), f"the name {one.name}"), ((one.header, one.value.lower()), told)):
            if key in seen:
                faults.append(
                    f"dialects {seen[key]} and {one.name}: both are for {what}; join them, or tell them apart"
                )
            seen.setdefault(key, one.name)
    return faults
