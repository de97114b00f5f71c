"""The pages of apps and pushes."""

from http import HTTPStatus

import pytest

from tests.functions.dashboard.conftest import Browser, DashboardWorld, text_of
from tests.story import SHA

EMAIL = "ada@example.org"


@pytest.fixture
def ada(dashboard: DashboardWorld) -> Browser:
    return dashboard.browser(dashboard.user(EMAIL))


def created(browser: Browser, name: str = "shop") -> None:
    answer = browser.send("/apps/new", {"name": name, "git_url": "", "branch": "main"})
    assert answer.headers["Location"] == f"/dashboard/apps/{name}?done=app-created"


def test_an_app_is_created_and_listed(ada: Browser) -> None:
    created(ada)

    assert "The app is created" in text_of(ada.get("/apps/shop?done=app-created"))
    assert "shop.apps.example.org" in text_of(ada.get("/apps"))


def test_a_refused_form_is_shown_again_with_the_reason_and_what_was_typed(ada: Browser) -> None:
    answer = ada.send("/apps/new", {"name": "Bad Name", "git_url": "", "branch": "main"})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Not done." in text_of(answer)
    assert 'value="Bad Name"' in answer.get_data(as_text=True)


def test_what_users_type_is_escaped(ada: Browser) -> None:
    answer = ada.send("/apps/new", {"name": "<script>alert(1)</script>", "git_url": "", "branch": "main"})
    assert "<script>alert" not in answer.get_data(as_text=True)
    assert "&lt;script&gt;alert(1)" in answer.get_data(as_text=True)


def test_releases_and_the_push_of_the_live_one_are_shown(dashboard: DashboardWorld, ada: Browser) -> None:
    created(ada)
    dashboard.story.delivery("d-1", event_id="push-1")
    dashboard.story.push("push-1")
    dashboard.story.release(1, state="retired")
    dashboard.story.release(2, state="live")

    assert f"Release v2 of commit {SHA[:10]}" in text_of(ada.get("/apps/shop"))
    assert "live" in text_of(ada.get("/pushes/push-1"))


def test_a_stranger_sees_neither_the_app_nor_its_push(dashboard: DashboardWorld, ada: Browser) -> None:
    created(ada)
    dashboard.story.delivery("d-1", event_id="push-1")
    dashboard.story.push("push-1")
    bob = dashboard.browser(dashboard.user("bob@example.org"))

    assert bob.get("/apps/shop").status_code == HTTPStatus.NOT_FOUND
    assert bob.get("/pushes/push-1").status_code == HTTPStatus.NOT_FOUND
    assert "shop" not in text_of(bob.get("/apps"))
