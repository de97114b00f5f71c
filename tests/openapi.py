"""Writes schemas/openapi.json from the API's table of routes; `--check` only compares."""

import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions.common.platform.core import Core
from functions.common.settings import Settings
from functions.manage_apps.access import Need
from functions.manage_apps.app import compose
from functions.manage_apps.models import ErrorView
from functions.manage_apps.operation import Operation, declared_by
from functions.manage_apps.routing import PREFIXES, ROUTES, Route
from tests.fakes.forge_heads import FakeForgeHeads
from tests.fakes.repositories import FakeRepositories

FILE = Path(__file__).parent.parent / "schemas" / "openapi.json"
Model = tuple[type[BaseModel], JsonSchemaMode]

_PARAMETER = re.compile(r"<(?:(?P<converter>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_ERROR = {"$ref": "#/components/responses/Error"}
_REFERENCE = "#/components/schemas/{model}"
_NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "K_SINK": "http://127.0.0.1:1/",
    "DEFAULT_DOMAIN": "apps.example.org",
    "SLIPWAY_PLATFORM": "local",
    "SLIPWAY_LOCAL_HOME": "/nonexistent",
}
_INFO = {
    "title": "Slipway",
    "version": "1",
    "description": "Apps, their config, releases, events and logs. Every path below /v1 is also served below /api/v1, "
    "those of /v1/project and /v1/projects also without /v1.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A route with what its handler declares."""

    route: Route
    operation: Operation
    name: str
    description: str


def declared_routes() -> tuple[Declared, ...]:
    """Return the routes of the API, composed over parts that answer nothing."""
    parts = Core(settings=Settings(environment=_NOWHERE))
    api = compose(parts, repositories=FakeRepositories(), heads=FakeForgeHeads())
    found = []
    for route in ROUTES:
        handle = api.handler(route)
        description = inspect.getdoc(handle) or ""
        found.append(Declared(route=route, operation=declared_by(handle), name=route.name, description=description))
    return tuple(found)


def document(routes: Iterable[Declared]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the routes."""
    routes = tuple(routes)
    references, definitions = models_json_schema(sorted(set(_models(routes)), key=str), ref_template=_REFERENCE)
    paths = dict[str, dict[str, Any]]()
    for one in routes:
        operations = paths.setdefault(PREFIXES[0] + _PARAMETER.sub(r"{\g<name>}", one.route.path), {})
        operations[one.route.method.lower()] = _operation(one, references, definitions["$defs"])
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": definitions["$defs"],
            "responses": {
                "Error": {"description": "An error", **_content(references[ErrorView, "serialization"])},
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def text(routes: Iterable[Declared]) -> str:
    """Return the document as it stands in the file."""
    return json.dumps(document(routes), indent=2) + "\n"


def _models(routes: Iterable[Declared]) -> Iterator[Model]:
    yield ErrorView, "serialization"
    for one in routes:
        yield one.operation.answer, "serialization"
        yield one.operation.query, "validation"
        if one.route.reads_body:
            yield one.operation.body, "validation"


def _operation(
    declared: Declared, references: Mapping[Any, dict[str, Any]], definitions: dict[str, Any]
) -> dict[str, Any]:
    route, models = declared.route, declared.operation
    query = _resolved(references[models.query, "validation"], definitions)
    answer = _content(references[models.answer, "serialization"])
    answers = {status: {"description": HTTPStatus(status).phrase, **answer} for status in models.statuses}
    answers |= dict.fromkeys(route.errors(models), _ERROR)
    body = {"requestBody": _body(references[models.body, "validation"], models)} if route.reads_body else {}
    return {
        "operationId": declared.name,
        "summary": declared.description.partition("\n")[0],
        "description": declared.description,
        "parameters": [*_path_parameters(route.path), *_query_parameters(query)],
        **body,
        "responses": {str(status): answers[status] for status in sorted(answers)},
        **({"security": []} if route.need is Need.PUBLIC else {}),
    }


def _resolved(reference: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definitions[reference["$ref"].rpartition("/")[2]]
    return found


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for match in _PARAMETER.finditer(path):
        schema = {"type": "integer", "minimum": 0} if match["converter"] == "int" else {"type": "string"}
        yield {"name": match["name"], "in": "path", "required": True, "schema": schema}


def _query_parameters(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, schema in model.get("properties", {}).items():
        yield {"name": name, "in": "query", "required": name in model.get("required", ()), "schema": schema}


def _body(reference: dict[str, Any], models: Operation) -> dict[str, Any]:
    required = any(field.is_required() for field in models.body.model_fields.values())
    return {"required": required, **_content(reference)}


def _content(reference: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": reference}}}


def document_of(file: Path) -> dict[str, Any]:
    """Return the document that a file holds."""
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def main() -> int:
    """Write, or with --check compare and return 1 on drift."""
    wanted = text(declared_routes())
    if "--check" not in sys.argv:
        FILE.write_text(wanted)
        return 0
    if FILE.is_file() and FILE.read_text() == wanted:
        return 0
    print("schemas/openapi.json is not what the routes say: run `task schemas`")  # noqa: T201 - a command
    return 1


if __name__ == "__main__":
    sys.exit(main())
