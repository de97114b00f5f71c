"""Tokens, roles, limits, both prefixes, and what errors say."""

from pathlib import Path

import pytest

from functions.common.ports.accounts import Scope
from tests.api_world import ApiWorld, served
from tests.fakes.forge_heads import FakeForgeHeads
from tests.fakes.repositories import FakeRepositories

CHANGES = [
    ("POST", "/v1/apps"),
    ("DELETE", "/v1/apps/shop"),
    ("PUT", "/v1/apps/shop/git"),
    ("PATCH", "/v1/apps/shop/config"),
    ("PUT", "/v1/apps/shop/domains/www.example.net"),
    ("DELETE", "/v1/apps/shop/domains/www.example.net"),
    ("POST", "/v1/apps/shop/rollback"),
    ("POST", "/v1/events/e/replay"),
    ("POST", "/v1/dead-letters/1/redrive"),
    ("POST", "/v1/dead-letters/1/discard"),
]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic dG9rZW4=", "token-with-scope-admin"]
)
def test_a_request_without_a_valid_token_is_refused(api: ApiWorld, authorization: str) -> None:
    answer = api.call("GET", "/v1/apps", scope=None, headers={"Authorization": authorization})

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/v1/apps", "/v1/apps/shop", "/v1/<img src=x>", "/v1/openapi.json"])
def test_no_browser_shows_an_answer_as_a_page_or_keeps_it(api: ApiWorld, path: str) -> None:
    """The dashboard has the same origin."""
    headers = api.call("GET", path).headers

    assert (headers["Content-Type"], headers["Cache-Control"]) == ("application/json", "no-store")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_viewer_changes_nothing(api: ApiWorld, method: str, path: str) -> None:
    api.app("shop")

    answer = api.call(method, path, {}, scope=Scope.READ)

    assert answer.status == 403
    assert "has the scope read, this needs" in answer.body["error"]


def test_a_token_without_the_scope_cannot_read_values_or_delete(api: ApiWorld) -> None:
    api.app("shop")

    assert api.call("GET", "/v1/apps/shop/config?reveal=true", scope=Scope.DEPLOY).status == 403
    assert api.call("DELETE", "/v1/apps/shop", scope=Scope.DEPLOY).status == 403
    assert api.call("GET", "/v1/users", scope=Scope.DEPLOY).status == 403


@pytest.mark.parametrize("path", ["/v1/apps", "/api/v1/apps", "/v1/apps/"])
def test_both_prefixes_serve_the_same_routes(api: ApiWorld, path: str) -> None:
    assert api.get(path) == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/v1/nothing", 404, "nothing is at /v1/nothing"),
        ("GET", "/v2/apps", 404, "begins with /v1"),
        ("PATCH", "/v1/apps", 405, "only GET, HEAD, POST"),
        ("GET", "/v1/apps?limit=many", 400, "query parameter limit: must be a whole number"),
        ("GET", "/v1/apps?limit=" + "9" * 4000, 400, "query parameter limit: "),
        ("GET", "/v1/apps?limit=2147483648", 400, "query parameter limit: Input should be less than"),
        ("GET", "/v1/apps?after=%00", 400, "query parameter 'after': holds NUL"),
        ("GET", "/v1/apps/a%00b", 400, "holds NUL"),
        ("GET", "/v1/apps?after=%ff", 400, "query parameter 'after'"),
        ("GET", "/v1/apps?after=%zz", 400, "query parameter after: a percent sign is written as %25"),
        ("GET", "/v1/apps?after=a&after=b", 400, "query parameter after: is given twice"),
        ("GET", "/v1/apps/%ff", 400, "the path is not UTF-8"),
        ("GET", "/v1/apps?limits=1", 400, "unknown query parameter limits"),
        ("GET", "/v1/apps/none/releases", 404, "paas apps list"),
        ("GET", "/v1/builds/none", 404, "there is no build"),
        ("GET", "/v1/builds/none/log?offset=-1", 400, "query parameter offset: must be a whole number"),
        ("GET", "/v1/events/none", 404, "there is no event"),
        ("GET", "/v1/dead-letters/7", 404, "there is no dead letter"),
        ("GET", "/v1/dead-letters?state=odd", 400, "query parameter state: Input should be 'parked'"),
        ("GET", "/v1/pushes/abc", 422, "at least 7"),
        ("GET", "/v1/pushes/" + "b" * 40, 404, "no webhook reported"),
    ],
)
def test_errors_name_what_is_wrong(api: ApiWorld, method: str, path: str, status: int, text: str) -> None:
    answer = api.call(method, path)

    assert answer.status == status
    assert text in answer.body.get("error", "")


def test_a_body_over_the_limit_is_refused(api: ApiWorld) -> None:
    assert api.call("POST", "/v1/apps", "x" * (1024 * 1024 + 1)).status == 413
    assert api.call("POST", "/v1/apps", "x" * 1024 * 1024).status == 400


def test_a_database_that_is_down_is_503_without_details(tmp_path: Path) -> None:
    forge = FakeRepositories(), FakeForgeHeads()
    flask = served("postgresql://me:hush@127.0.0.1:1/none", "http://127.0.0.1:1/", tmp_path, *forge)

    answer = flask.test_client().get("/v1/apps", headers={"Authorization": "Bearer any"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "hush" not in answer.get_data(as_text=True)


def test_an_internal_error_answers_500_with_a_reference_only(api: ApiWorld) -> None:
    api.database.run("drop table custom_domains cascade")

    answer = api.call("GET", "/v1/apps")

    assert (answer.status, answer.body["error"][:20]) == (500, "internal error (ref ")
    assert "custom_domains" not in answer.text
