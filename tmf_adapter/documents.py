"""Our OpenAPI documents as the rooms want them: with operations, as whole resources' schemas, as what can be heard."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tmf_adapter.api.attributes import attributes
from tmf_adapter.api.completion import Completion
from tmf_adapter.api.dispatch import Handler
from tmf_adapter.api.draft7 import Schema
from tmf_adapter.api.schemas import Schemas, pattern
from tmf_adapter.api.server import Document, load
from tmf_adapter.hub.apis import Apis, knowing
from tmf_adapter.settings import shipped
from tmf_adapter.tickets import specification
from tmf_adapter.tmf.events import Doc, Resource
from tmf_adapter.tmf.tracked import Validate

_TOLD: dict[str, dict[Resource, str]] = {
    "tmf621-v5": {
        "troubleTicket": "TroubleTicket_RES",
        "troubleTicketSpecification": "TroubleTicketSpecification_RES",
    },
    "tmf656-v5": {
        "serviceProblem": "ServiceProblem",
        "problemAcknowledgement": "ProblemAcknowledgement",
        "problemUnacknowledgement": "ProblemUnacknowledgement",
        "problemGroup": "ProblemGroup",
        "problemUngroup": "ProblemUngroup",
    },
    "tmf621-v4": {"troubleTicket": "TroubleTicket"},
    "tmf656-v4": {"serviceProblem": "ServiceProblem"},
}
"""What the events of each document tell of, and the schema of that."""


def known_apis() -> Apis:
    """The APIs that can be listened to, with what their documents say of the resources."""
    raw = {name: load(shipped("openapi") / f"{name}.yaml") for name in _TOLD}
    return knowing(
        {
            name: {resource: attributes(raw[name], schema) for resource, schema in told.items()}
            for name, told in _TOLD.items()
        }
    )


def document(name: str, base_path: str, operations: Callable[[Schema], dict[str, Handler]], **more: Any) -> Document:
    """A shipped document with the operations that are made for it."""
    path = shipped("openapi") / f"{name}.yaml"
    return Document(path, base_path, operations(load(path)), **more)


def whole(name: str, schema: str, strict: bool) -> Validate:
    """Holds a whole resource against its schema in one of our documents; completes it first unless we are strict."""
    schemas = Schemas(load(shipped("openapi") / name), f"urn:tmf-adapter:whole:{name}")
    check = (schemas if strict else Completion(schemas)).check
    return partial(check, f"#/components/schemas/{schema}")


def consistent(fits: Validate) -> Validate:
    """For specifications of tickets: not only the form must be right."""

    def validate(resource: Doc) -> Doc:
        resource = fits(resource)
        specification.check(resource, pattern)
        return resource

    return validate
