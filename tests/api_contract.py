"""The promise of schemas/openapi.json: every answer has a declared status, and its body fits the declared model."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from tests.openapi import FILE, document_of


class Contract:
    """The document, ready to check answers by it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._validators = dict[str, Draft202012Validator]()
        rules = [
            Rule(prefix + path.replace("{", "<").replace("}", ">"), endpoint=(path, method), methods=[method.upper()])
            for path, operations in document["paths"].items()
            for method in operations
            for prefix in ("", "/api")
        ]
        rules += [
            Rule(rule.rule.removeprefix("/v1"), endpoint=rule.endpoint, methods=rule.methods)
            for rule in rules
            if rule.rule.startswith("/v1/project")
        ]
        self._paths = Map(rules, strict_slashes=False, merge_slashes=False).bind("contract")

    def check(self, method: str, path: str, status: int, body: object) -> None:
        """Assert that the answer is one that the document declares for the request."""
        where = f"{method} {path.partition('?')[0]}"
        operation = self._operation(method, path.partition("?")[0])
        if operation is None:
            self._fits({"$ref": "#/components/schemas/ErrorView"}, body, where)
            return
        response = operation["responses"].get(str(status))
        assert response, f"{where} answers {status}, which it does not declare: {body}"
        if "$ref" in response:
            response = self._document["components"]["responses"]["Error"]
        self._fits(response["content"]["application/json"]["schema"], body, where)

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        try:
            (declared, name), _ = self._paths.match(path, method="GET" if method == "HEAD" else method)
        except HTTPException:
            return None
        found: dict[str, Any] = self._document["paths"][declared][name]
        return found

    def _fits(self, schema: dict[str, Any], body: object, where: str) -> None:
        error = next(self._validator(schema["$ref"]).iter_errors(body), None)
        assert error is None, f"{where}: {error.message if error else ''}"

    def _validator(self, reference: str) -> Draft202012Validator:
        if reference not in self._validators:
            whole = {"$ref": reference, "components": self._document["components"]}
            self._validators[reference] = Draft202012Validator(whole)
        return self._validators[reference]


@cache
def contract() -> Contract:
    """Return the contract of the file."""
    return Contract(document_of(FILE))
