"""The whole way of a developer in the browser: log in, add a key, deploy, change, roll back, delete."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visitor import Visitor, visitor
from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until
from tests.patience import patient

pytestmark = pytest.mark.browser
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])


def public_key(folder: Path) -> str:
    file = folder / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "laptop", "-f", file], check=True)
    return file.with_suffix(".pub").read_text()


def done(ada: Visitor, notice: str) -> None:
    expect(ada.page.get_by_role("status").filter(has_text=notice)).to_be_visible(timeout=patient(10) * 1000)


def add_key(ada: Visitor, key: str, name: str) -> None:
    """Follow the guide: Account, SSH Keys, + Add SSH key."""
    ada.open("/account")
    ada.page.get_by_text("+ Add SSH key").click()
    ada.page.get_by_label("Public key").fill(key)
    ada.page.locator("#key_name").fill(name)
    ada.page.get_by_role("button", name="Add the key").click()
    done(ada, "The SSH key is added")
    assert "SHA256:" in ada.text


def create_app(ada: Visitor, developer: Developer) -> None:
    ada.open("/apps")
    ada.page.get_by_role("link", name="New app").click()
    ada.page.get_by_label("Name").fill(developer.app)
    ada.page.get_by_role("button", name="Create the app").click()
    done(ada, "The app is created")
    developer.paas("apps", "remote", developer.app)


def watch_push(ada: Visitor, developer: Developer, *, scripts: bool) -> str:
    """Push, and see it go live: without a reload where there are scripts."""
    sha = developer.commit()
    developer.push()
    until(lambda: ada.page.goto(f"{ada.base}/dashboard/pushes/{sha}").status == 200, seconds=20)  # type: ignore[union-attr]
    if not scripts:
        developer.stage.live(sha, developer.app)
        ada.page.reload()
    state = ada.page.locator("h2 .state")
    expect(state).to_have_text("live", timeout=patient(40) * 1000)
    steps = ada.page.locator(".timeline li")
    names = [text.split()[1:3] for text in steps.all_inner_texts()]
    assert names[0] == ["push", "received"]
    assert names.count(["release", "live"]) == 1
    assert ["build", "succeeded"] in names
    return sha


def set_config(ada: Visitor, app: str) -> None:
    ada.open(f"/apps/{app}")
    ada.page.locator("#key").fill("GREETING")
    ada.page.locator("#value").fill("hunter2")
    ada.page.get_by_role("button", name="Set", exact=True).click()
    done(ada, "The config is changed")
    assert "GREETING" in ada.text
    assert "hunter2" not in ada.page.content()


def roll_back(ada: Visitor, stage: Stage, app: str) -> None:
    """Wait for the release of the new config, and go back to the first."""
    until(lambda: stage.api(f"/apps/{app}").json()["release"] == 2, seconds=40)
    ada.open(f"/apps/{app}")
    ada.page.get_by_role("button", name="Roll back to v1").click()
    done(ada, "The rollback has begun")
    until(lambda: stage.api(f"/apps/{app}").json()["release"] == 3, seconds=40)
    ada.open(f"/apps/{app}")
    assert "Release v3" in ada.text


def add_domain(ada: Visitor, app: str) -> None:
    ada.open(f"/apps/{app}")
    ada.page.get_by_label("Host").fill(f"www.{app}.example.net")
    ada.page.get_by_role("button", name="Add", exact=True).click()
    done(ada, "The domain is added")
    ada.page.get_by_role("button", name=f"Remove www.{app}.example.net").wait_for()


def save_branch(ada: Visitor, stage: Stage, app: str) -> None:
    """Follow the guide: Settings, Git Source, Default branch, save."""
    ada.page.get_by_role("link", name="Settings").click()
    ada.page.get_by_role("heading", name="Git Source").wait_for()
    ada.page.get_by_label("Default branch").fill("production")
    ada.page.get_by_role("button", name="Save", exact=True).click()
    done(ada, "The git source is changed")
    assert stage.api(f"/apps/{app}").json()["branch"] == "production"


def delete(ada: Visitor, stage: Stage, app: str) -> None:
    ada.open(f"/apps/{app}/settings")
    ada.page.get_by_label(f"Type {app} to confirm").fill("something else")
    ada.page.get_by_role("button", name=f"Delete {app}").click()
    expect(ada.page.get_by_role("alert")).to_contain_text(f"type {app} to delete the app")
    ada.page.get_by_label(f"Type {app} to confirm").fill(app)
    ada.page.get_by_role("button", name=f"Delete {app}").click()
    done(ada, "The app is being deleted")
    assert stage.api(f"/apps/{app}").status_code == 404


@SCRIPTS
def test_a_developer_goes_the_whole_way_in_the_browser(
    chromium: Browser, stage: Stage, developer: Developer, tmp_path: Path, *, scripts: bool
) -> None:
    ada, app = visitor(chromium, stage.at.gateway, scripts=scripts), developer.app
    ada.open("/account")
    assert ada.path == "/dashboard/login"
    ada.log_in()
    assert ada.path == "/dashboard/account"
    add_key(ada, public_key(tmp_path), f"laptop of {app}")
    create_app(ada, developer)
    watch_push(ada, developer, scripts=scripts)
    set_config(ada, app)
    roll_back(ada, stage, app)
    add_domain(ada, app)
    save_branch(ada, stage, app)
    delete(ada, stage, app)
    ada.page.get_by_role("button", name="Log out").click()
    done(ada, "You are logged out")

    refused = "the server responded with a status of 422"  # the name that was typed wrongly
    assert [one for one in ada.problems if refused not in one and "404" not in one] == []


def test_a_release_appears_on_the_page_of_its_app_without_a_reload(chromium: Browser, stage: Stage) -> None:
    developer = begin(stage, "live-page")
    ada = visitor(chromium, stage.at.gateway)
    ada.open("/apps/live-page")
    ada.log_in()
    assert "No release is live yet" in ada.text
    developer.deploy()

    expect(ada.page.locator("#now")).to_contain_text("Release v1 of commit", timeout=patient(20) * 1000)
    assert ada.problems == []


def test_the_pages_are_used_by_keyboard_alone(chromium: Browser, stage: Stage) -> None:
    ada = visitor(chromium, stage.at.gateway)
    ada.open("/apps")
    ada.page.keyboard.press("Tab")
    assert ada.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    ada.page.keyboard.press("Enter")
    ada.page.keyboard.press("Tab")
    ada.page.keyboard.type("ada@example.org")
    ada.page.keyboard.press("Tab")
    ada.page.keyboard.type("correct horse battery")
    ada.page.keyboard.press("Enter")
    ada.page.get_by_role("heading", name="Apps").wait_for()

    for _ in range(30):
        ada.page.keyboard.press("Tab")
        outline = ada.page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px", ada.page.evaluate("document.activeElement.outerHTML")
        if ada.page.evaluate("document.activeElement.textContent") == "New app":
            break
    ada.page.keyboard.press("Enter")
    ada.page.get_by_role("heading", name="New app").wait_for()
