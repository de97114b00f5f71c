"""The reference of the API: every operation has a page, and none shows what it does not have."""

from functions.manage_apps.routing import ROUTES
from tests.functions.dashboard.conftest import DashboardWorld, text_of

LARGEST_PAGE = 50_000


def test_all_operations_are_listed_and_each_has_a_page(dashboard: DashboardWorld) -> None:
    browser = dashboard.browser()
    listed = browser.get("/api")

    assert len(listed.get_data()) < LARGEST_PAGE
    for route in ROUTES:
        assert f'href="/dashboard/api/{route.name}"' in listed.get_data(as_text=True), route.name
        page = browser.get(f"/api/{route.name}")
        assert page.status_code == 200, route.name
        assert len(page.get_data()) < LARGEST_PAGE
        assert f"{route.method} /v1" in text_of(page)


def test_a_page_shows_request_answers_and_a_command(dashboard: DashboardWorld) -> None:
    browser = dashboard.browser()
    create, login = text_of(browser.get("/api/create_token")), text_of(browser.get("/api/log_in"))

    assert "curl -X POST https://slipway.example.com/v1/tokens \\" in create
    assert '-H "Authorization: Bearer $TOKEN"' in create
    assert "name required" in create
    assert "201 Created" in create
    assert "needs no token" in login
    assert "Authorization" not in login.partition("Request")[0]


def test_an_unknown_operation_is_not_found(dashboard: DashboardWorld) -> None:
    assert dashboard.browser().get("/api/none").status_code == 404
