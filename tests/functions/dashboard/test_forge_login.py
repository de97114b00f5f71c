"""Logins at the forge, from the button to the page that was asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.dashboard.session import BEGUN
from tests.fakes.loopback_oauth import CLIENT, SECRET, LoopbackOAuth, served_oauth
from tests.functions.dashboard.conftest import Browser, DashboardWorld, dashboard_world, text_of

ADA = "ada@example.org"
GATEWAY = "https://slipway.example.org"


class Stage:
    """A dashboard with logins at a forge."""

    def __init__(self, world: DashboardWorld, forge: LoopbackOAuth) -> None:
        self.world, self.forge = world, forge
        self.browser = world.browser()

    def emails(self, *verified: str, unverified: tuple[str, ...] = ()) -> None:
        """Let the forge have these emails of the person who logs in; the first one is the primary one."""
        found: list[dict[str, Any]] = [{"email": one, "verified": True, "primary": False} for one in reversed(verified)]
        found[-1:] = [{**found[-1], "primary": True}] if found else []
        self.forge.emails = found + [{"email": one, "verified": False, "primary": not found} for one in unverified]

    def begin(self, browser: Browser | None = None, path: str = "/login/forge?next=%2Fdashboard%2Fapps") -> str:
        """Begin a login and return the forge's page."""
        answer = (browser or self.browser).get(path)
        assert answer.status_code == 303, text_of(answer)
        return answer.headers["Location"]

    def finish(self, **query: str) -> Any:  # noqa: ANN401 - werkzeug's answer
        """Come back from the forge."""
        parts = "&".join(f"{name}={value}" for name, value in query.items())
        return self.browser.get(f"/login/callback?{parts}")

    def log_in(self) -> Any:  # noqa: ANN401 - as above
        """Log in, and return the last answer."""
        return self.finish(**self.forge.consent(self.begin()))


def stages(database: str, home: Path, kind: str, **settings: str) -> Iterator[Stage]:
    forge = LoopbackOAuth(kind=kind)
    with served_oauth(forge) as url:
        own = {
            "SLIPWAY_LOGIN_FORGE": kind,
            "SLIPWAY_LOGIN_URL": url,
            "SLIPWAY_LOGIN_CLIENT": CLIENT,
            "SLIPWAY_LOGIN_SECRET": SECRET,
            "SLIPWAY_GATEWAY_URL": GATEWAY,
        }
        with dashboard_world(database, home, **{**own, **settings}) as world:
            yield Stage(world, forge)


@pytest.fixture
def stage(database: str, tmp_path: Path) -> Iterator[Stage]:
    yield from stages(database, tmp_path, "gitea")


@pytest.mark.parametrize("kind", ["gitea", "forgejo", "github", "gitlab"])
def test_a_user_logs_in_at_each_kind_of_forge(database: str, tmp_path: Path, kind: str) -> None:
    for stage in stages(database, tmp_path, kind):
        stage.world.user(ADA)
        stage.emails("Ada@Example.org")
        login = stage.browser.get("/login?next=%2Fdashboard%2Fapps")
        answer = stage.log_in()

        assert f"log in with {kind}" in text_of(login).lower()
        assert answer.headers["Location"] == "/dashboard/apps"
        assert stage.browser.get("/apps").status_code == 200
        assert stage.browser.client.get_cookie(BEGUN, domain="slipway.example.org", path="/") is None
        assert [row[0] for row in stage.world.api.database.run("select action from audit_log")] == ["login"]


def test_an_invited_email_becomes_a_user_once(stage: Stage) -> None:
    admin = stage.world.api.user("admin@example.org", administrator=True)
    stage.world.api.call("POST", "/v1/invitations", {"email": ADA}, token=admin)
    stage.emails(ADA)
    first = stage.log_in()
    stage.browser = stage.world.browser()
    second = stage.log_in()

    assert (first.status_code, second.status_code) == (303, 303)
    assert stage.world.api.get("/v1/invitations", token=admin)["items"] == []
    password = stage.browser.send("/login", {"email": ADA, "password": ""})
    assert password.status_code != 303


@pytest.mark.parametrize(
    ("verified", "unverified", "said"),
    [
        ((), (ADA,), "no verified email"),
        (("stranger@example.org",), (ADA,), "no user has the email stranger@example.org"),
    ],
)
def test_an_email_that_is_not_verified_or_of_no_user_is_refused(
    stage: Stage, verified: tuple[str, ...], unverified: tuple[str, ...], said: str
) -> None:
    stage.world.user(ADA)
    stage.emails(*verified, unverified=unverified)
    answer = stage.log_in()

    assert (answer.status_code, said in text_of(answer)) == (401, True), text_of(answer)
    assert stage.browser.get("/apps").status_code == 303


def test_a_login_that_another_browser_began_is_refused(stage: Stage) -> None:
    stage.world.user(ADA)
    stage.emails(ADA)
    attacker = stage.world.browser()
    victim_gets = stage.forge.consent(stage.begin(attacker))

    without_cookie = stage.finish(**victim_gets)
    stage.begin()
    other_state = stage.finish(**victim_gets)
    assert "begin again" in text_of(without_cookie)
    assert "begin again" in text_of(other_state)
    assert stage.browser.get("/apps").status_code == 303


def test_a_code_is_used_once_and_only_with_its_verifier(stage: Stage) -> None:
    stage.world.user(ADA)
    stage.emails(ADA)
    back = stage.forge.consent(stage.begin())
    stage.forge.codes[back["code"]]["code_challenge"] = "of-another-verifier"
    wrong = stage.finish(**back)
    again = stage.finish(code="code-0", state=back["state"])

    assert (wrong.status_code, "begin again" in text_of(wrong)) == (401, True)
    assert again.status_code != 303


def test_what_the_forge_refuses_is_said(stage: Stage) -> None:
    stage.begin()
    denied = stage.finish(error="access_denied", state="x")
    stage.begin()

    assert "begin again" in text_of(denied)


def test_a_wrong_secret_of_the_client_is_the_operators_to_mend(database: str, tmp_path: Path) -> None:
    for stage in stages(database, tmp_path, "gitea", SLIPWAY_LOGIN_SECRET="other-secret"):
        stage.world.user(ADA)
        stage.emails(ADA)
        answer = stage.log_in()

        assert "SLIPWAY_LOGIN_SECRET" in text_of(answer)
        assert "other-secret" not in text_of(answer)


def test_a_login_leads_to_own_pages_only(stage: Stage) -> None:
    stage.world.user(ADA)
    stage.emails(ADA)
    back = stage.forge.consent(stage.begin(path="/login/forge?next=https://evil.example/"))

    assert stage.finish(**back).headers["Location"] == "/dashboard"


def test_without_a_forge_there_is_no_button(dashboard: DashboardWorld) -> None:
    browser = dashboard.browser()

    assert "Log in with" not in text_of(browser.get("/login"))
    assert "not set up" in text_of(browser.get("/login/forge"))
