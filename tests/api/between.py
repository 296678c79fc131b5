"""Opening tickets and problems through one version, and holding what the other sees against its document."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from tests.tmf.documents import document
from tmf_adapter.api.schemas import Schemas
from tmf_adapter.problems import problem
from tmf_adapter.tickets import ticket
from tmf_adapter.tmf.events import Author, Change, Doc
from tmf_adapter.tmf.versions import V4

_NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
RESOURCES = {"troubleTicket": ("tmf621", ticket.RULES), "serviceProblem": ("tmf656", problem.RULES)}
_WHOLE = {"troubleTicket": "TroubleTicket_RES", "serviceProblem": "ServiceProblem"}


@cache
def schemas(api: str, version: str) -> Schemas:
    return Schemas(document(api, version), f"urn:{api}-{version}")


def faults(api: str, version: str, schema: str, value: Any) -> list[str]:
    validator = schemas(api, version).compiled(f"#/components/schemas/{schema}")
    return [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(value)]


def opened(resource: str, body: Doc) -> Change:
    """What a client that says ``body`` in v5 opens; raises ``Invalid`` where v5 would not have it."""
    api, rules = RESOURCES[resource]

    def validate(whole: Doc) -> Doc:
        schemas(api, "v5").check(f"#/components/schemas/{_WHOLE[resource]}", whole)
        return whole

    collection = f"http://adapter{V4[resource].api}v5/{resource}"
    return rules.open(body, collection, _NOW, Author.CLIENT, validate, "id-1")
