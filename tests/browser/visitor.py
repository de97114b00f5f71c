"""A visitor in Chromium, with or without JavaScript, who checks each page that is opened."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
MAX_PAGE = 50 * 1024
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@dataclass(kw_only=True)
class Visitor:
    """One browser window. `problems` are requests elsewhere, errors of scripts, and pages that are too large."""

    page: Page
    base: str
    problems: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def open(self, path: str) -> None:
        """Open a page of the dashboard."""
        self.page.goto(f"{self.base}/dashboard{path}")

    def log_in(self) -> None:
        """Log in as the administrator."""
        self.page.get_by_label("Email").fill(EMAIL)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("button", name="Log out").wait_for()

    @property
    def text(self) -> str:
        """What the page says."""
        return self.page.locator("main").inner_text()

    @property
    def path(self) -> str:
        """Where the page is."""
        return urlsplit(self.page.url).path

    def violations(self, axe: str) -> list[str]:
        """Return what axe-core finds on the page."""
        # Not as a script of the page, which its policy would refuse.
        self.page.evaluate(axe)
        found: dict[str, Any] = json.loads(self.page.evaluate("axe.run().then(found => JSON.stringify(found))"))
        assert found["passes"], "axe-core has checked nothing"
        return [
            f"{self.path}: {one['id']}: {one['help']}: {node['html'][:200]}: {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    def overflow(self) -> int:
        """Return how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith(self.base):
            self.problems.append(f"request to {request.url}")

    def _see_response(self, response: Response) -> None:
        if response.request.resource_type == "document" and response.status < 300:
            size = len(response.body())
            self.sizes[urlsplit(response.url).path] = size
            if size > MAX_PAGE:
                self.problems.append(f"{response.url} has {size} bytes")

    def watch(self) -> None:
        """Begin to note problems."""
        self.page.on("request", self._see_request)
        self.page.on("response", self._see_response)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("console", self._see_message)

    def _see_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"{message.text} ({message.location['url']})")


def visitor(
    browser: Browser,
    base: str,
    *,
    scripts: bool = True,
    scheme: Literal["light", "dark"] = "light",
    narrow: bool = False,
) -> Visitor:
    """Return a visitor in a window with cookies of its own."""
    context: BrowserContext = browser.new_context(
        viewport=NARROW if narrow else WIDE,  # type: ignore[arg-type] # a mapping of the same fields
        color_scheme=scheme,
        java_script_enabled=scripts,
    )
    found = Visitor(page=context.new_page(), base=base)
    found.watch()
    return found
