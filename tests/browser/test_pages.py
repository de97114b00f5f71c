"""Every page: nothing that axe-core finds, no foreign request, small, and readable at 360 pixels."""

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from functions.common.adapters.postgres.client import Postgres
from functions.common.events.build import BuildRequested
from functions.dashboard.routing import ROUTES
from tests.browser.visitor import visitor
from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until
from tests.story import KEY, SHA, Story

pytestmark = pytest.mark.browser
SHOTS = Path(__file__).parents[2] / ".task" / "browser"


@pytest.fixture(scope="module")
def places(stage: Stage) -> dict[str, str]:
    """Return a page for every route that shows one; each with something on it."""
    developer = begin(stage, "pages")
    sha = developer.deploy()
    developer.deploy()
    developer.paas("config", "set", "GREETING=hello", "--app", "pages")
    developer.paas("domains", "add", "www.example.net", "--app", "pages")
    developer.push("HEAD:refs/heads/feature")
    # Nothing changes while pages are checked: axe-core marks what it checks, and htmx would copy the marks.
    until(lambda: [one for one in stage.api("/apps/pages/environments").json()["items"] if one["release"] > 0][1:])
    story = Story(database=Postgres(stage.at.database))
    about: dict[str, Any] = {"app": "pages", "environment": "production", "push": "push-1"}
    event = story.event(BuildRequested(**about, repository=KEY, clone_url="", ref="r", sha=SHA, sequence=1))
    letter = story.dead_letter(event, error="a reason that is long enough to be broken into several lines " * 3)
    parts = {
        "<app>": "pages",
        "<operation>": "list_apps",
        "<push>": sha,
        "<int(max=9223372036854775807):number>": str(letter),
    }
    found = {}
    for route in ROUTES:
        leads_away = route.handler in {"home", "show_log"} or route.group == "forge_login"
        if route.method == "GET" and not leads_away:
            path = route.path
            for part, value in parts.items():
                path = path.replace(part, value)
            assert "<" not in path, "say here what stands for this part of the path"
            found[route.path] = path
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("narrow", [False, True], ids=["1280", "360"])
def test_axe_finds_nothing_on_any_page_and_nothing_is_cut_off(
    chromium: Browser, stage: Stage, axe: str, places: dict[str, str], scheme: Literal["light", "dark"], *, narrow: bool
) -> None:
    ada = visitor(chromium, stage.at.gateway, scheme=scheme, narrow=narrow)
    SHOTS.mkdir(parents=True, exist_ok=True)
    found = list[str]()
    for path in sorted(places.values(), key=lambda path: path not in {"/login", "/invitation"}):
        if path not in {"/login", "/invitation"} and not ada.page.context.cookies():
            ada.open("/login")
            ada.log_in()
        ada.open(path)
        ada.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        found += ada.violations(axe)
        if over := ada.overflow():
            found.append(f"{path}: {over} pixels wider than the window")
        name = path.strip("/").replace("/", "-")[:30] or "home"
        ada.page.screenshot(path=SHOTS / f"{name}-{'360' if narrow else '1280'}-{scheme}.png", full_page=True)

    assert found == []
    assert ada.problems == []
    assert len(ada.sizes) >= len(places) - 1
    print("\n".join(f"{size:6} bytes {path}" for path, size in sorted(ada.sizes.items())))  # noqa: T201 - shown by -s


def test_the_first_visit_transfers_little(chromium: Browser, stage: Stage) -> None:
    ada = visitor(chromium, stage.at.gateway)
    session = ada.page.context.new_cdp_session(ada.page)
    session.send("Network.enable")
    received = list[float]()
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    ada.open("/login")
    ada.page.wait_for_load_state("networkidle")

    assert len(received) >= 5
    assert sum(received) < 50 * 1024
