"""Every form of the dashboard, sent as a browser without JavaScript sends it."""

from http import HTTPStatus

import pytest
from werkzeug.test import TestResponse

from functions.common.events.build import BuildRequested
from functions.dashboard.routing import ROUTES
from tests.functions.dashboard.conftest import PASSWORD, Browser, DashboardWorld, text_of
from tests.story import KEY, SHA

EMAIL, BOB = "ada@example.org", "bob@example.org"
KEY_LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl laptop"


@pytest.fixture
def ada(dashboard: DashboardWorld) -> Browser:
    browser = dashboard.browser(dashboard.user(EMAIL, administrator=True))
    browser.send("/apps/new", {"name": "shop", "git_url": "", "branch": "main"})
    return browser


def done(answer: TestResponse, notice: str) -> None:
    """Check that an action led to a page that says so."""
    assert answer.status_code == HTTPStatus.SEE_OTHER, text_of(answer)
    assert f"done={notice}" in answer.headers["Location"]


def test_config_is_set_and_unset_and_its_value_is_never_shown(ada: Browser) -> None:
    done(ada.send("/apps/shop/config", {"scope": "production", "key": "API_KEY", "value": "hunter2"}), "config-changed")
    assert "API_KEY" in text_of(ada.get("/apps/shop"))
    done(ada.send("/apps/shop/config/remove", {"scope": "production", "key": "API_KEY"}), "config-changed")

    assert "API_KEY" not in text_of(ada.get("/apps/shop"))
    assert not [page for page in ada.pages if "hunter2" in page]


def test_a_refused_config_name_is_shown_again_without_the_value(ada: Browser) -> None:
    answer = ada.send("/apps/shop/config", {"scope": "production", "key": "PORT", "value": "hunter2"})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "config key PORT is set by the platform" in text_of(answer)
    assert "hunter2" not in answer.get_data(as_text=True)


def test_config_of_previews_is_another(ada: Browser) -> None:
    ada.send("/apps/shop/config", {"scope": "preview", "key": "ONLY_PREVIEWS", "value": "1"})

    assert "ONLY_PREVIEWS" not in text_of(ada.get("/apps/shop"))
    assert "ONLY_PREVIEWS" in text_of(ada.get("/apps/shop?scope=preview"))


def test_domains_are_added_and_removed(ada: Browser) -> None:
    done(ada.send("/apps/shop/domains", {"host": "www.example.net"}), "domain-added")
    assert "www.example.net" in text_of(ada.get("/apps/shop"))
    done(ada.send("/apps/shop/domains/remove", {"host": "www.example.net"}), "domain-removed")
    assert "www.example.net" not in text_of(ada.get("/apps/shop"))
    assert "is not a host name" in text_of(ada.send("/apps/shop/domains", {"host": "no host"}))


def test_one_press_rolls_back_to_an_earlier_release(dashboard: DashboardWorld, ada: Browser) -> None:
    dashboard.story.release(1, state="retired")
    dashboard.story.release(2, state="live")
    assert "Roll back to v1" in text_of(ada.get("/apps/shop"))

    done(ada.send("/apps/shop/rollback", {"to": "1"}), "rollback-requested")
    assert dashboard.api.types()[-1] == "rollback.requested"
    assert ada.send("/apps/shop/rollback", {"to": "x"}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert ada.send("/apps/shop/rollback", {"to": "9"}).status_code == HTTPStatus.NOT_FOUND


def test_the_default_branch_is_saved_in_the_git_source(dashboard: DashboardWorld, ada: Browser) -> None:
    page = text_of(ada.get("/apps/shop/settings"))
    assert "Git Source" in page
    assert "Default branch" in page

    done(ada.send("/apps/shop/settings/git", {"url": "", "branch": "production"}), "git-changed")
    assert dashboard.api.get("/v1/apps/shop")["branch"] == "production"
    assert "is not a branch name" in text_of(ada.send("/apps/shop/settings/git", {"url": "", "branch": "a..b"}))


def test_collaborators_are_added_and_removed(dashboard: DashboardWorld, ada: Browser) -> None:
    bob = dashboard.browser(dashboard.user(BOB))
    path = "/apps/shop/settings/collaborators"
    done(ada.send(path, {"email": BOB, "role": "viewer"}), "collaborator-changed")

    assert "shop" in text_of(bob.get("/apps"))
    assert bob.send("/apps/shop/config", {"key": "A", "value": "b"}).status_code == HTTPStatus.FORBIDDEN
    done(ada.send(f"{path}/remove", {"email": BOB}), "collaborator-removed")
    assert bob.get("/apps/shop").status_code == HTTPStatus.NOT_FOUND


def test_an_owner_who_leaves_an_app_is_led_to_the_others(dashboard: DashboardWorld, ada: Browser) -> None:
    bob = dashboard.browser(dashboard.user(BOB))
    path = "/apps/shop/settings/collaborators"
    ada.send(path, {"email": BOB, "role": "owner"})

    assert bob.send(f"{path}/remove", {"email": BOB}).headers["Location"].startswith("/dashboard/apps?")


def test_an_app_is_deleted_only_when_its_name_is_typed(dashboard: DashboardWorld, ada: Browser) -> None:
    answer = ada.send("/apps/shop/settings/delete", {"confirm": "shopp"})
    assert "type shop to delete the app" in text_of(answer)
    assert dashboard.api.get("/v1/apps/shop")["name"] == "shop"

    done(ada.send("/apps/shop/settings/delete", {"confirm": "shop"}), "app-deleted")
    assert ada.get("/apps/shop").status_code == HTTPStatus.NOT_FOUND


def test_ssh_keys_are_added_with_their_fingerprint_and_removed(ada: Browser) -> None:
    page = text_of(ada.get("/account"))
    assert "SSH Keys" in page
    assert "+ Add SSH key" in page

    done(ada.send("/account/ssh-keys", {"key_name": "laptop", "public_key": KEY_LINE}), "key-added")
    page = ada.get("/account").get_data(as_text=True)
    assert "SHA256:" in page
    key = page.partition('name="key" value="')[2].partition('"')[0]
    done(ada.send("/account/ssh-keys/remove", {"key": key}), "key-removed")
    assert "You have none" in text_of(ada.get("/account"))
    refused = ada.send("/account/ssh-keys", {"key_name": "x", "public_key": "nonsense"})
    assert "<details open>" in refused.get_data(as_text=True)


def test_a_token_is_shown_once(dashboard: DashboardWorld, ada: Browser) -> None:
    fields = {"token_name": "ci", "scope": "read", "app": "shop", "days": "7"}
    page = ada.send("/account/tokens", fields).get_data(as_text=True)
    token = page.partition('aria-label="The secret">')[2].partition("<")[0]

    assert dashboard.api.call("GET", "/v1/apps/shop", token=token).status == HTTPStatus.OK
    assert token not in ada.get("/account").get_data(as_text=True)
    done(ada.send("/account/tokens/revoke", {"token": "ci"}), "token-revoked")
    assert dashboard.api.call("GET", "/v1/apps/shop", token=token).status == HTTPStatus.UNAUTHORIZED
    for days in ("many", "", "-1", "\N{ARABIC-INDIC DIGIT SEVEN}", "9" * 5000):
        assert "whole number" in text_of(ada.send("/account/tokens", {**fields, "days": days})), days[:9]


def test_the_password_is_changed_and_other_sessions_end(dashboard: DashboardWorld, ada: Browser) -> None:
    other, new = dashboard.browser(EMAIL), "another long password"
    assert "differ" in text_of(ada.send("/account/password", {"current": PASSWORD, "new": new, "again": "x"}))
    assert ada.send("/account/password", {"current": "wrong", "new": new, "again": new}).status_code == 401
    done(ada.send("/account/password", {"current": PASSWORD, "new": new, "again": new}), "password-changed")

    assert ada.get("/apps").status_code == HTTPStatus.OK
    assert other.get("/apps").status_code == HTTPStatus.SEE_OTHER


def test_an_invited_person_makes_an_account(dashboard: DashboardWorld, ada: Browser) -> None:
    page = ada.send("/users/invite", {"email": BOB}).get_data(as_text=True)
    token = page.partition('aria-label="The secret">')[2].partition("<")[0]
    bob = dashboard.browser()

    assert bob.send("/invitation", {"token": token, "password": "short"}).status_code == 422
    answer = bob.send("/invitation", {"token": token, "password": PASSWORD})
    assert answer.headers["Location"] == "/dashboard"
    assert BOB in text_of(bob.get("/apps"))
    assert bob.get("/users").status_code == HTTPStatus.FORBIDDEN


def test_administrators_change_and_remove_users(dashboard: DashboardWorld, ada: Browser) -> None:
    dashboard.user(BOB)
    done(ada.send("/users/change", {"email": BOB, "administrator": "yes"}), "user-changed")
    done(ada.send("/users/change", {"email": BOB, "administrator": "no"}), "user-changed")
    done(ada.send("/users/remove", {"email": BOB}), "user-removed")
    ada.send("/users/invite", {"email": "eve@example.org", "administrator": "yes"})
    done(ada.send("/users/withdraw", {"email": "eve@example.org"}), "invitation-withdrawn")

    page = text_of(ada.get("/users"))
    assert BOB not in page
    assert "eve@example.org" not in page


@pytest.mark.parametrize(("action", "notice"), [("redrive", "letter-redriven"), ("discard", "letter-discarded")])
def test_dead_letters_are_shown_and_ended(dashboard: DashboardWorld, ada: Browser, action: str, notice: str) -> None:
    event = BuildRequested(
        app="shop", environment="production", push="p", repository=KEY, clone_url="", ref="r", sha=SHA, sequence=1
    )
    number = dashboard.story.dead_letter(dashboard.story.event(event))
    assert "build.requested" in text_of(ada.get("/dead-letters"))
    assert SHA in text_of(ada.get(f"/dead-letters/{number}"))

    done(ada.send(f"/dead-letters/{number}/{action}"), notice)
    assert "There are none." in text_of(ada.get("/dead-letters"))
    again = ada.send(f"/dead-letters/{number}/{action}")
    assert again.status_code == HTTPStatus.CONFLICT
    assert "is not parked any more" in text_of(again)


@pytest.fixture
def live(dashboard: DashboardWorld, ada: Browser) -> Browser:
    """Return ada, whose app has a live release."""
    del ada
    dashboard.story.release(1, state="live")
    dashboard.api.database.run("update environments set release_number = 1 where app = 'shop'")
    return dashboard.browser(EMAIL)


def test_processes_are_scaled_and_restarted(dashboard: DashboardWorld, live: Browser) -> None:
    assert "Processes of web" in text_of(live.get("/apps/shop"))
    done(live.send("/apps/shop/scale", {"process": "web", "replicas": "3"}), "scaled")
    assert 'value="3"' in live.get("/apps/shop").get_data(as_text=True)
    done(live.send("/apps/shop/restart"), "restart-requested")

    assert dashboard.api.types()[-2:] == ["scale.changed", "restart.requested"]
    assert "whole number" in text_of(live.send("/apps/shop/scale", {"process": "web", "replicas": "many"}))
    assert "no process type" in text_of(live.send("/apps/shop/scale", {"process": "none", "replicas": "1"}))


def test_limits_are_changed_and_what_runs_is_removed(dashboard: DashboardWorld, live: Browser) -> None:
    path = "/apps/shop/settings"
    done(live.send(f"{path}/limits", {"cpu": "250m", "memory": "256Mi", "port": ""}), "limits-changed")
    assert 'value="250m"' in live.get(path).get_data(as_text=True)
    assert live.send(f"{path}/limits", {"cpu": "much", "memory": "", "port": ""}).status_code == 422
    assert "port: give a whole number" in text_of(live.send(f"{path}/limits", {"port": "x"}))
    done(live.send(f"{path}/undeploy"), "undeploy-requested")
    assert dashboard.api.types()[-1] == "undeploy.requested"


def test_previews_are_listed(ada: Browser) -> None:
    assert "Push a branch other than main" in text_of(ada.get("/apps/shop/previews"))


def test_no_form_works_without_the_sessions_token(dashboard: DashboardWorld, ada: Browser) -> None:
    """Also of forms that are added later."""
    before = dashboard.api.database.run("select count(*) from audit_log")
    for route in ROUTES:
        if route.method == "POST" and not route.public:
            path = route.path.replace("<app>", "shop").replace("<int(max=9223372036854775807):number>", "1")
            answer = ada.send(path, {"csrf": "", "confirm": "shop", "email": EMAIL, "host": "a.example.net"})
            assert answer.status_code == HTTPStatus.FORBIDDEN, route
    assert dashboard.api.database.run("select count(*) from audit_log") == before
