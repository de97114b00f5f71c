"""The reference of the API, from its OpenAPI document: all operations, and a page for each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from functions.dashboard.api import Refused
from functions.dashboard.visit import Page, Visit

_REFERENCE = "#/components/schemas/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a body or an answer, or a parameter."""

    name: str
    type: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API."""

    name: str
    method: str
    path: str
    summary: str
    fields: Mapping[str, Any]

    @property
    def group(self) -> str:
        """The first part of the path, which operations of one subject share."""
        return self.path.split("/")[2]


class ReferencePages:
    """The pages of the reference; they need no session."""

    def list_operations(self, visit: Visit) -> Page:
        """List all operations, by subject."""
        groups = dict[str, list[Operation]]()
        for one in _operations(visit.api.get("openapi.json")):
            groups.setdefault(one.group, []).append(one)
        return Page(template="reference.html", title="API", context={"groups": groups})

    def show_operation(self, visit: Visit) -> Page:
        """Show one operation: parameters, body, answers, and a command to try it."""
        document = visit.api.get("openapi.json")
        found = next((one for one in _operations(document) if one.name == visit.path["operation"]), None)
        if found is None:
            msg = f"the API has no operation {visit.path['operation']!r}"
            raise Refused(msg, status=HTTPStatus.NOT_FOUND)
        schemas: Mapping[str, Any] = document["components"]["schemas"]
        body = _schema(found.fields.get("requestBody"))
        context = {
            "operation": found,
            "is_public": found.fields.get("security") == [],
            "parameters": [
                Field(name=one["name"], type=_type(one["schema"]), required=one["required"], text=f"in the {one['in']}")
                for one in found.fields["parameters"]
            ],
            "body": _fields(body, schemas),
            "answers": list(_answers(found, schemas)),
            "command": _command(found, _fields(body, schemas)),
        }
        return Page(template="operation.html", title=found.summary, context=context)


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, operations in document["paths"].items():
        for method, fields in operations.items():
            yield Operation(
                name=fields["operationId"],
                method=method.upper(),
                path=path,
                summary=fields["summary"],
                fields=fields,
            )


def _answers(operation: Operation, schemas: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Field]]]:
    """Yield status, meaning and fields; errors share one form, so that theirs are left out."""
    for status, answer in sorted(operation.fields["responses"].items()):
        yield status, HTTPStatus(int(status)).phrase, _fields(_schema(answer), schemas)


def _schema(holder: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = ((holder or {}).get("content", {}).get("application/json") or {}).get("schema", {})
    return found


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[Field]:
    model = schemas.get(schema.get("$ref", "").removeprefix(_REFERENCE), {})
    required = model.get("required", ())
    return [
        Field(
            name=name,
            type=_type(field),
            required=name in required,
            text=_text(field, schemas),
        )
        for name, field in model.get("properties", {}).items()
    ]


def _text(field: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Return the description of a field, or of what it refers to."""
    inner = field.get("items", field)
    model = schemas.get(str(inner.get("$ref", "")).removeprefix(_REFERENCE), {})
    return str(field.get("description") or model.get("description", "")).partition("\n\n")[0]


def _type(schema: Mapping[str, Any]) -> str:
    """Return the type in words, such as `list of string`."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REFERENCE)
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    return str(schema.get("format") or schema.get("type", "any"))


def _command(operation: Operation, body: list[Field]) -> str:
    lines = ["curl" if operation.method == "GET" else f"curl -X {operation.method}"]
    lines[0] += f" https://slipway.example.com{operation.path}"
    if operation.fields.get("security") != []:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    if body:
        sent = [one.name for one in body if one.required] or [body[0].name]
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d '{json.dumps(dict.fromkeys(sent, '…'), ensure_ascii=False)}'")
    return " \\\n  ".join(lines)
