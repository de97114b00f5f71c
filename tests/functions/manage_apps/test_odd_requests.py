"""Every route answers odd requests with a 4xx that names what is wrong, and changes nothing."""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import pytest

from tests.api_world import ApiWorld
from tests.openapi import FILE, document_of

DEEP = '{"odd": ' + "[" * 10_000 + "]" * 10_000 + "}"
BODIES: dict[str, tuple[str | bytes, str]] = {
    "NaN": ('{"odd": NaN}', "NaN"),
    "Infinity": ('{"odd": -Infinity}', "Infinity"),
    "unknown field": ('{"odd": 1}', "odd"),
    "repeated field": ('{"odd": 1, "odd": 2}', "odd"),
    "NUL in a string": ('{"odd": "\\u0000"}', "odd"),
    "NUL in a name": ('{"o\\u0000dd": 1}', "NUL"),
    "half a surrogate pair": ('{"odd": ["\\ud800"]}', "odd"),
    "nested 10,000 deep": (DEEP, "nested too deeply"),
    "nested 500 deep": ('{"odd": ' + "[" * 500 + "]" * 500 + "}", "odd"),
    "integer of 5,000 digits": ('{"odd": ' + "9" * 5000 + "}", "not JSON"),
    "not UTF-8": (b'{"odd": "\xff"}', "not JSON"),
    "an array": ("[1]", "object"),
    "a string": ('"text"', "object"),
    "cut off": ('{"odd": ', "not JSON"),
    "too large": (b'{"odd": "' + b"x" * 1024 * 1024 + b'"}', "larger"),
}
QUERIES: dict[str, tuple[str, str]] = {
    "unknown": ("odd=1", "odd"),
    "repeated": ("odd=1&odd=2", "odd"),
    "NUL": ("odd=%00", "odd"),
    "not UTF-8": ("odd=%ff", "odd"),
    "half a surrogate pair": ("odd=%ed%a0%80", "odd"),
    "bad escape": ("odd=%zz", "odd"),
    "cut-off escape": ("odd=%2", "odd"),
    "too many": ("a&" * 200, "100 parameters"),
}
NUMBERS = [
    str(2**31),
    str(2**63),
    "9" * 4000,
    "-1",
    "1.5",
    "1e3",
    "NaN",
    "0x10",
    "1_000",
    "+1",
    "%20",
    "%EF%BC%91",
    "[]",
]
WRONG: dict[str, list[Any]] = {
    "integer": [2**31, 2**63, -(2**63) - 1, 10**400, -1, 1.5, True, "1", None, [], {}],
    "string": [7, True, None, [], {}, 1.5, "a\0", "\ud800"],
    "boolean": ["true", 1, 0, None, [], {}],
    "object": [7, True, None, [], "text", {"a\0": "b"}, {"\ud800": "b"}, {"web": None}, {"web": []}],
    "array": [7, "text", {}, [7], [None], ["\0"]],
}
PARTS = [
    "a%00b",
    "%ff",
    "%ed%a0%80",
    "x" * 3000,
    "%F0%9F%92%A9",
    "'; drop table projects; --",
    "..%2f..%2fetc",
    "%0d",
]
OWNER = "owner@example.org"
TOKEN = f"session-of-{OWNER}"
MEDIA_TYPES = ("text/xml", "multipart/form-data; boundary=x", "application/jsonx", "é")
HEADERS = {
    "Idempotency-Key": "k" * 60_000,
    "Authorization-Extra": "x" * 60_000,
    "traceparent": "00-" + "é" * 3000,
    "Content-Length-Hint": "-1",
}


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    fields: dict[str, Any]

    @property
    def url(self) -> str:
        """The path with an existing app and other names that do not exist."""
        known = {"app": "shop", "number": "1", "host": "www.example.net"}
        path = self.path
        for name in self.parts():
            path = path.replace("{" + name + "}", known.get(name, "none-such"))
        return path

    def parts(self) -> list[str]:
        """Return the names of the variable parts of the path."""
        return [one["name"] for one in self.fields["parameters"] if one["in"] == "path"]

    def numbers(self) -> list[tuple[str, int]]:
        """Return the query parameters that are whole numbers, each with its maximum."""
        query = [one for one in self.fields["parameters"] if one["in"] == "query"]
        return [(one["name"], one["schema"]["maximum"]) for one in query if one["schema"].get("type") == "integer"]

    def body_fields(self) -> dict[str, Any]:
        """Return the fields of the body with their schemas."""
        name = self.fields["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        fields: dict[str, Any] = document_of(FILE)["components"]["schemas"][name]["properties"]
        return fields


@cache
def operations() -> tuple[Operation, ...]:
    """Return the operations that schemas/openapi.json lists."""
    paths = document_of(FILE)["paths"]
    return tuple(
        Operation(method.upper(), path, fields) for path, methods in paths.items() for method, fields in methods.items()
    )


def with_body() -> list[Operation]:
    """Return the operations that read a body."""
    return [one for one in operations() if "requestBody" in one.fields]


@pytest.fixture
def shop(api: ApiWorld) -> Iterator[ApiWorld]:
    """Yield an API with an app, and check afterwards that nothing changed."""
    api.user(OWNER, administrator=True)
    api.app("shop", token=TOKEN)
    before = _rows(api)
    yield api
    assert _rows(api) == before


# One test for all routes: a world for each costs more than its requests.


def test_odd_query_strings_are_refused_by_name(shop: ApiWorld) -> None:
    for operation, (query, named) in product(operations(), QUERIES.values()):
        answer = shop.call(operation.method, f"{operation.url}?{query}", token=TOKEN)
        assert (answer.status, named in answer.body["error"]) == (400, True), (operation[:2], query, answer)


def test_odd_numbers_in_the_query_are_refused_by_name(shop: ApiWorld) -> None:
    for operation, number in product(operations(), NUMBERS):
        for name, most in operation.numbers():
            if number.isdigit() and int(number) <= most:
                continue
            answer = shop.call(operation.method, f"{operation.url}?{name}={number}", token=TOKEN)
            assert (answer.status, name in answer.body["error"]) == (400, True), (operation[:2], number, answer)


def test_odd_parts_of_the_path_are_refused(shop: ApiWorld) -> None:
    for operation, part in product(operations(), PARTS):
        for name in operation.parts():
            path = operation.path.replace("{" + name + "}", part)
            answer = shop.call(operation.method, operation._replace(path=path).url, "{}", token=TOKEN)
            assert 400 <= answer.status < 500, (operation[:2], part, answer)


def test_odd_bodies_are_refused_by_name(shop: ApiWorld) -> None:
    for operation, (why, (body, named)) in product(with_body(), BODIES.items()):
        answer = shop.call(operation.method, operation.url, body, token=TOKEN)
        assert 400 <= answer.status < 500, (operation[:2], why, answer)
        # Any name may be config.
        refused = answer.status == 404 or operation.path.endswith("/config") or named in answer.body["error"]
        assert refused, (operation[:2], why, answer)


def test_values_of_another_type_are_refused_by_name(shop: ApiWorld) -> None:
    for operation in with_body():
        for name, schema in operation.body_fields().items():
            for value in WRONG[schema.get("type", "string")]:
                answer = shop.call(operation.method, operation.url, {name: value}, token=TOKEN)
                named = answer.status in {400, 404} or name in answer.body["error"]
                assert (400 <= answer.status < 500, named) == (True, True), (operation[:2], value, answer)


def test_another_content_type_is_refused(shop: ApiWorld) -> None:
    for operation, media_type in product(with_body(), MEDIA_TYPES):
        headers = {"Content-Type": media_type}
        answer = shop.call(operation.method, operation.url, '{"odd": 1}', headers=headers, token=TOKEN)
        assert answer.status in {404, 415}, (operation[:2], media_type, answer)


def test_odd_headers_cause_no_internal_error(shop: ApiWorld) -> None:
    for operation, (name, value) in product(operations(), HEADERS.items()):
        answer = shop.call(operation.method, f"{operation.url}?odd=1", headers={name: value}, token=TOKEN)
        assert answer.status == 400, (operation[:2], name, answer)


@pytest.mark.parametrize("number", [2**31, 2**63 - 1, 2**63])
def test_lists_take_any_number_to_go_on_from(shop: ApiWorld, number: int) -> None:
    for path in ("/v1/apps/shop/releases", "/v1/events", "/v1/events?newest=true", "/v1/audit", "/v1/dead-letters"):
        answer = shop.call("GET", f"{path}{'&' if '?' in path else '?'}after={number}")
        assert answer.status == (200 if number < 2**63 else 400), (path, answer)


def test_odd_tokens_are_refused(shop: ApiWorld) -> None:
    for operation, token in product(operations(), ("x" * 60_000, "é\x7f", '"', "\xff" * 10)):
        headers = {"Authorization": f"Bearer {token}"}
        answer = shop.call(operation.method, f"{operation.url}?odd=1", scope=None, headers=headers)
        assert answer.status == (400 if "security" in operation.fields else 401), (operation[:2], answer)


def _rows(api: ApiWorld) -> list[list[Any]]:
    found = api.database.run(
        "select count(*), (select count(*) from events), "
        "(select count(*) from audit_log where action <> 'token.refuse') from projects"
    )
    return [
        *found,
        *api.database.run("select name, git_url, branch from projects"),
        *api.database.run("select * from config_vars"),
    ]
