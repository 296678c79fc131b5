"""An OpenAPI document as Connexion wants it, held against OpenAPI's own schema quickly."""

from functools import cache
from typing import Any

import jsonschema_rs
import orjson
from connexion.exceptions import InvalidSpecification
from connexion.spec import OpenAPISpecification

from tmf_adapter.api.draft7 import Schema


class Specification(OpenAPISpecification):
    """Connexion's validator in Python takes longer for our documents than everything else at the start together.

    Whether each ``default`` fits its schema is left to ``make check``.
    """

    @classmethod
    def of(cls, raw: Schema) -> "Specification":
        """A copy of its own, with text for every key. Raises ``InvalidSpecification``."""
        return cls(orjson.loads(orjson.dumps(raw, option=orjson.OPT_NON_STR_KEYS)))

    @classmethod
    def _validate_spec(cls, spec: dict[str, Any]) -> None:
        try:
            _openapi().validate(spec)
        except jsonschema_rs.ValidationError as error:
            raise InvalidSpecification(f"{'/'.join(map(str, error.instance_path))}: {error.message}") from error


@cache
def _openapi() -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator(Specification.openapi_schema)
