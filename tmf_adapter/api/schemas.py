"""The schemas of one document, compiled, and what they say of a body that does not fit."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import jsonschema_rs
import orjson

from tmf_adapter.api.draft7 import Schema, rewritten
from tmf_adapter.api.faults import explain, json_pointer
from tmf_adapter.tmf.errors import Fault, Invalid

_EXPLAINED = 1 << 15
_LONGEST = 1_000
_LINEAR = jsonschema_rs.RegexOptions(size_limit=1 << 20)


class Schemas:
    """The compiled schemas of one OpenAPI 3.0 document; ``urn`` tells it from the others and is seen nowhere else."""

    def __init__(self, raw: Schema, urn: str) -> None:
        self.raw = raw
        self._urn = urn
        self._registry = jsonschema_rs.Registry([(urn, rewritten(raw))], draft=jsonschema_rs.Draft7)
        self._compiled: dict[str, jsonschema_rs.Draft7Validator] = {}

    def compiled(self, ref: str) -> jsonschema_rs.Draft7Validator:
        """The validator of the schema at ``ref``, a pointer into the document such as ``#/components/schemas/X``."""
        if ref not in self._compiled:
            self._compiled[ref] = jsonschema_rs.Draft7Validator(
                {"$ref": self._urn + ref}, registry=self._registry, validate_formats=True, mask="it"
            )
        return self._compiled[ref]

    def check(self, ref: str, document: Any) -> Any:
        """The document. Raises ``Invalid``, naming every place, unless it fits the schema at ``ref``."""
        require(self.compiled(ref), document)
        return document

    def at(self, ref: str) -> Schema:
        """What stands at ``ref`` in the document as it was written."""
        part: Any = self.raw
        for step in unquote(ref).removeprefix("#/").split("/"):
            part = part[step.replace("~1", "/").replace("~0", "~")]
        return dict(part)

    def locate(self, *path: str) -> tuple[str, Schema]:
        """The pointer to a part of the document, and the part, with references followed to where it really stands."""
        ref = "#" + json_pointer(path)
        part = self.at(ref)
        while "$ref" in part:
            ref = part["$ref"]
            part = self.at(ref)
        return ref, part

    def contents(self, *path: str) -> dict[str, str]:
        """The media types of the request body or response at ``path``, each with a pointer to its schema."""
        ref, part = self.locate(*path)
        return {
            media_type: _schema_ref(ref, media_type, content["schema"])
            for media_type, content in part.get("content", {}).items()
            if "schema" in content
        }


@lru_cache(maxsize=1_024)
def pattern(regex: str) -> Callable[[str], bool]:
    """A test whether a whole text matches a regular expression that a client wrote, in time linear in the text.

    Raises ``ValueError`` for what is no expression, needs more than a finite automaton, or is very long.
    """
    if len(regex) > _LONGEST:
        raise ValueError(f"has more than {_LONGEST} characters")
    try:
        for whole in (regex, f"^(?:{regex})$"):  # each by itself: the brackets must not close what the client opened
            validator = jsonschema_rs.Draft7Validator({"pattern": whole}, pattern_options=_LINEAR)
    except jsonschema_rs.ValidationError:
        remedy = "look-around, back-references and very many repetitions are not possible"
        raise ValueError(f"is not a regular expression that can be used; {remedy}") from None
    return validator.is_valid


def require(validator: jsonschema_rs.Draft7Validator, document: Any) -> None:
    """Raise ``Invalid`` unless ``document`` is valid. The faults are only looked for when there are some."""
    if not validator.is_valid(document):
        raise Invalid("The request body does not fit its schema.", faults=faults(validator, document))


def faults(validator: jsonschema_rs.Draft7Validator, document: Any) -> tuple[Fault, ...]:
    """What is wrong with an invalid document, at most ten; of a long document only what is found first.

    The validator collects every error before it shows one: seconds for a megabyte that is wrong all over.
    """
    if len(orjson.dumps(document)) <= _EXPLAINED:
        return explain(validator.iter_errors(document))
    try:
        validator.validate(document)
    except jsonschema_rs.ValidationError as error:
        return explain([error])
    return ()


def _schema_ref(ref: str, media_type: str, schema: Schema) -> str:
    """A named schema goes by its name; one written in place by where it stands, which is a URI fragment."""
    if set(schema) == {"$ref"}:
        return str(schema["$ref"])
    return quote(ref + json_pointer(("content", media_type, "schema")), safe="#/~+")
