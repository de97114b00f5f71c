"""A browser without JavaScript in front of the dashboard, which calls the real API over a real database."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.test import Client, TestResponse

from functions.common.adapters.http_client import Answer
from functions.common.adapters.passwords import Argon2Passwords
from functions.common.adapters.postgres.users import PostgresUsers
from functions.dashboard.app import compose
from functions.dashboard.session import COOKIE, csrf_token
from tests.api_world import ApiWorld, api_world
from tests.story import Story

PASSWORD = "correct horse battery"
BASE = "https://slipway.example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class InProcess:
    """The API in this process, called as HttpClient calls it."""

    flask: Flask
    headers: Mapping[str, str]

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        attempts: int = 1,
        allow: Collection[int] = (),
    ) -> Answer:
        """Return the answer."""
        del attempts, allow
        found = self.flask.test_client().open(
            path, method=method, query_string=query, json=body, headers=dict(self.headers)
        )
        return Answer(service="the API", status=found.status_code, headers=dict(found.headers), body=found.get_data())


@dataclass(slots=True, kw_only=True)
class Browser:
    """One visitor."""

    client: Client
    pages: list[str] = field(default_factory=list)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page of the dashboard."""
        return self._seen(self.client.get(f"/dashboard{path}", base_url=BASE, headers=headers))

    def send(self, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> TestResponse:
        """Send a form as the page has it, with its CSRF token."""
        token = self.session
        given = {**({"csrf": csrf_token(token)} if token else {}), **(fields or {})}
        sent = {"Sec-Fetch-Site": "same-origin", **headers}
        return self._seen(self.client.post(f"/dashboard{path}", data=given, base_url=BASE, headers=sent))

    def log_in(self, email: str) -> TestResponse:
        """Log in with the password of all users."""
        return self.send("/login", {"email": email, "password": PASSWORD})

    @property
    def session(self) -> str:
        """The session's token as the cookie has it."""
        cookie = self.client.get_cookie(COOKIE, domain="slipway.example.org", path="/")
        return cookie.value if cookie else ""

    def _seen(self, answer: TestResponse) -> TestResponse:
        self.pages.append(answer.get_data().decode(errors="replace"))
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardWorld:
    """The dashboard, its API, and what happened there."""

    flask: Flask
    api: ApiWorld
    story: Story

    def user(self, email: str, *, administrator: bool = False) -> str:
        """Add a user with the password of all users."""
        users = PostgresUsers(database=self.api.database)
        assert users.add(email, password=Argon2Passwords().hash(PASSWORD), administrator=administrator)
        return email

    def browser(self, email: str = "") -> Browser:
        """Return a browser, logged in when an email is given."""
        browser = Browser(client=self.flask.test_client())
        if email:
            assert browser.log_in(email).status_code == 303
        return browser


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words = list[str]()

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def text_of(answer: TestResponse) -> str:
    """Return the words of a page."""
    parser = _Text()
    parser.feed(answer.get_data(as_text=True))
    return " ".join(parser.words)


@contextmanager
def dashboard_world(database: str, home: Path, **settings: str) -> Iterator[DashboardWorld]:
    """Yield a dashboard whose API has these settings beside its own."""
    with api_world(database, home, **settings) as api:
        endpoint = compose(lambda headers: InProcess(flask=api.flask, headers=headers), proxies=1)
        flask = Flask("dashboard")

        def serve(path: str = "") -> ResponseReturnValue:
            del path
            return endpoint(request)

        flask.add_url_rule("/", view_func=serve, methods=["GET", "POST"])
        flask.add_url_rule("/<path:path>", view_func=serve, methods=["GET", "POST", "PUT"])
        yield DashboardWorld(flask=flask, api=api, story=Story(database=api.database))


@pytest.fixture
def dashboard(database: str, tmp_path: Path) -> Iterator[DashboardWorld]:
    with dashboard_world(database, tmp_path) as world:
        yield world
