"""The places of Connexion 3.3 that we build on and that it does not promise.

When one of these fails after an upgrade, read ``tmf_adapter/api`` where the sentence points, before anything else.
"""

import inspect
from importlib.metadata import version
from typing import Any

import pytest
from connexion.http_facts import METHODS
from connexion.middleware import abstract
from connexion.middleware.lifespan import LifespanMiddleware
from connexion.middleware.main import ConnexionMiddleware
from connexion.middleware.security import SecurityMiddleware
from connexion.operations.abstract import AbstractOperation
from connexion.resolver import Resolver
from connexion.spec import Specification
from starlette.responses import Response

from tests.api.shelf import BASE, Shelf
from tmf_adapter.api.dispatch import FastApp
from tmf_adapter.api.routing import FastRouting
from tmf_adapter.api.validation import FastRequestValidation


def parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


def test_connexion_is_the_version_these_seams_were_read_in() -> None:
    assert version("connexion").startswith("3.3."), "Connexion changed: go through every seam of this file again."


def test_routing_hands_its_result_on_in_the_scope() -> None:
    assert abstract.ROUTING_CONTEXT == "connexion_routing", (
        "routing.py and responses.py: the routing context has moved."
    )


def test_the_stack_gives_each_document_to_every_spec_middleware() -> None:
    taken: dict[str, Any] = {}

    class Listening(abstract.SpecMiddleware):
        def __init__(self, app: Any) -> None:
            self.app = app

        def add_api(self, specification: Any, **kwargs: Any) -> None:
            taken.update(kwargs, specification=specification)

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError

    middleware = ConnexionMiddleware(FastApp(), middlewares=[Listening])
    raw = shelf_document()
    middleware.add_api(raw, base_path=BASE, resolver=Resolver(lambda name: None), schemas="ours", strict=True)
    app, apps = middleware._build_middleware_stack()
    assert isinstance(app, Listening), "server.py: _build_middleware_stack no longer returns the outermost app first."
    assert isinstance(list(apps)[-1], FastApp), "server.py: the wrapped app is no longer the last of the stack."
    assert taken["base_path"] == BASE, "routing.py: add_api is no longer told the base path."
    assert (taken["schemas"], taken["strict"]) == ("ours", True), "validation.py: add_api drops arguments of ours."
    assert isinstance(taken["specification"], Specification), "routing.py: add_api gets something else now."


def test_a_routed_api_makes_one_operation_for_each_declared() -> None:
    made: list[AbstractOperation] = []

    class Api(abstract.RoutedAPI[str]):
        def make_operation(self, operation: AbstractOperation) -> str:
            made.append(operation)
            return "ours"

    def function(request: Any) -> None: ...

    specification = Specification.from_dict(shelf_document())
    api = Api(specification, base_path=BASE, resolver=Resolver(lambda name: function), next_app=FastApp())
    api.add_paths()
    assert api.operations["listThing"] == "ours", "dispatch.py and validation.py: operations are kept otherwise now."
    operation = next(operation for operation in made if operation.operation_id == "listThing")
    told = (operation.path, operation.method, operation.function, operation.parameters[0]["name"])
    assert told == ("/thing", "get", function, "limit"), "validation.py: an operation tells other things now."


def test_a_routed_middleware_finds_operations_by_base_path_and_id() -> None:
    source = inspect.getsource(abstract.RoutedMiddleware.__call__)
    for word in ("api_base_path", "operation_id", "self.apis", "api.operations"):
        assert word in source, f"routing.py: RoutedMiddleware no longer looks at {word}."
    for ours in (FastApp, FastRequestValidation):
        assert issubclass(ours, abstract.RoutedMiddleware)
    assert issubclass(FastRouting, abstract.SpecMiddleware)


def test_the_base_path_of_a_specification_can_be_set() -> None:
    specification = Specification.from_dict(shelf_document())
    specification.base_path = "/elsewhere"
    assert specification.base_path == "/elsewhere", "routing.py sets the base path of a specification."


def test_a_resolver_takes_a_table() -> None:
    assert "function_resolver" in parameters(Resolver.__init__), "server.py hands a resolver its table."


def test_lifespan_and_security_are_where_the_stack_wants_them() -> None:
    assert "lifespan" in parameters(LifespanMiddleware.__init__), "server.py: the stack finds lifespan by that name."
    assert issubclass(SecurityMiddleware, abstract.RoutedMiddleware), (
        "server.py: security no longer fits behind routing."
    )


def test_methods_are_lower_case_names() -> None:
    assert {"get", "post", "patch", "delete", "put"} <= set(METHODS), "routing.py tells operations by these names."


@pytest.mark.parametrize("attribute", ["body", "status_code", "raw_headers", "background"])
def test_a_starlette_response_is_made_of_what_ours_sets(attribute: str) -> None:
    assert attribute in vars(Response(b"")), f"errors.py: JsonResponse must know that {attribute} is no more."


def shelf_document() -> dict[str, Any]:
    return Shelf().document().load()
