"""schemas/openapi.json is what the routes say, and the running API keeps to it whatever it is sent."""

import json
import os
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api_world import ApiWorld
from tests.openapi import FILE, declared_routes, text

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("SLIPWAY_FUZZ_EXAMPLES", "2"))  # noqa: TID251 - `task api:fuzz` sets it
KNOWN = {"app": "shop", "host": "www.example.net", "push": "a" * 40}


def test_the_document_is_what_the_routes_say() -> None:
    assert FILE.read_text() == text(declared_routes())


def test_every_operation_has_a_unique_name_and_a_summary() -> None:
    names = [route.name for route in declared_routes()]

    assert sorted(names) == sorted(set(names))
    assert all(route.description for route in declared_routes())


@pytest.mark.parametrize("path", ["/v1/openapi.json", "/api/v1/openapi.json"])
def test_the_document_is_served_without_a_token(api: ApiWorld, path: str) -> None:
    answer = api.call("GET", path, scope=None)

    assert (answer.status, answer.body) == (200, json.loads(FILE.read_text()))


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_generated_requests_get_declared_answers(api: ApiWorld, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", api.flask)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        api.call("POST", "/v1/apps", {"name": "shop"})
        # One for each operation: a logout ends it.
        token = api.user(f"{uuid4()}@example.org", administrator=True)
        send_generated(found.ok(), mode, token)


def send_generated(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, token: str) -> None:
    """Send requests made from the operation's schema: valid ones, or ones that break it somewhere."""
    names = {parameter.name for parameter in operation.path_parameters}
    known = {name: value for name, value in KNOWN.items() if name in names}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode, path_parameters=known))
    def send(case: schemathesis.Case[Any]) -> None:
        # The framework's own route takes no line break in a path, and answers 404 in HTML.
        assume(not any("\n" in str(value) for value in (case.path_parameters or {}).values()))
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    send()
