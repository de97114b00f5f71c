"""The API as its callers see it, composed over a real database and a loopback broker."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, request
from flask.typing import ResponseReturnValue

from functions.common.adapters.postgres.access import PostgresAccessTokens
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.users import PostgresUsers
from functions.common.domain.tokens import digest_of
from functions.common.platform.core import Core
from functions.common.ports.accounts import Scope
from functions.common.runtime.http import limit_body
from functions.common.settings import Settings
from functions.manage_apps.app import MAX_BODY, compose
from tests.api_contract import contract
from tests.fakes.forge_heads import FakeForgeHeads
from tests.fakes.loopback_broker import LoopbackBroker, loopback_broker
from tests.fakes.repositories import FakeRepositories

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
TOKENS = {scope: f"token-with-scope-{scope.value}" for scope in Scope}  # of the platform, for every app


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer's status, body and text."""

    status: int
    body: Any
    text: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiWorld:
    """One API; `home` is the state folder whose logs it reads."""

    flask: Flask
    database: Postgres
    broker: LoopbackBroker
    repositories: FakeRepositories
    heads: FakeForgeHeads
    home: Path
    answers: list[str] = field(default_factory=list)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        scope: Scope | None = Scope.ADMIN,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Call the API with a token, or one of the platform with a scope; a body of str or bytes is sent as it is.

        Every answer is checked against schemas/openapi.json.
        """
        bearer = token or (TOKENS[scope] if scope else "")
        sent = {**(headers or {}), **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
        data = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        # The path's bytes as they are: the client would replace those that are not UTF-8.
        raw = {"PATH_INFO": unquote_to_bytes(path.partition("?")[0]).decode("latin-1")}
        answer = self.flask.test_client().open(path, method=method, data=data, headers=sent, environ_overrides=raw)
        text = answer.get_data(as_text=True)
        self.answers.append(text)
        found = json.loads(text) if text else None
        if method != "HEAD":
            contract().check(method, path, answer.status_code, found)
        return Answered(status=answer.status_code, body=found, text=text, headers=dict(answer.headers))

    def get(self, path: str, *, scope: Scope = Scope.ADMIN, token: str = "") -> Any:  # noqa: ANN401 - JSON
        """Return the body of a GET that must succeed."""
        answer = self.call("GET", path, scope=scope, token=token)
        assert answer.status == 200, answer
        return answer.body

    def app(self, name: str = "shop", *, token: str = "", **fields: object) -> dict[str, Any]:
        """Create an app and return it."""
        answer = self.call("POST", "/v1/apps", {"name": name, **fields}, token=token)
        assert answer.status == 201, answer
        made: dict[str, Any] = answer.body
        return made

    def user(self, email: str, *, administrator: bool = False) -> str:
        """Add a user, whose password is no hash and never matches, and return the token of a session."""
        user = PostgresUsers(database=self.database).add(email, password="", administrator=administrator)
        assert user
        token = f"session-of-{email}"
        PostgresAccessTokens(database=self.database).add_session(
            "test", digest=digest_of(token), user=user.id, lifetime=timedelta(hours=1)
        )
        return token

    def types(self) -> list[str]:
        """Return the types of the events that the broker got, short, in order."""
        return [event["type"].removeprefix("dev.slipway.").removesuffix(".v1") for event in self.broker.events]


@contextmanager
def api_world(url: str, home: Path, **settings: str) -> Iterator[ApiWorld]:
    """Yield an API with a token for each role, and these settings beside its own."""
    with loopback_broker() as broker:
        repositories, heads, database = FakeRepositories(), FakeForgeHeads(), Postgres(url)
        give_tokens(database)
        flask = served(url, broker.url, home, repositories, heads, **settings)
        yield ApiWorld(flask=flask, database=database, broker=broker, repositories=repositories, heads=heads, home=home)


def served(
    url: str, broker_url: str, home: Path, repositories: FakeRepositories, heads: FakeForgeHeads, **more: str
) -> Flask:
    """Return the API over a database and a broker, as a Flask app."""
    settings = {
        "DATABASE_URL": url,
        "K_SINK": broker_url,
        "DEFAULT_DOMAIN": "apps.example.org",
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(home),
        **more,
    }
    api = compose(Core(settings=Settings(environment=settings)), repositories=repositories, heads=heads)
    endpoint = limit_body(api, MAX_BODY)
    flask = Flask("manage-apps")

    def serve(path: str) -> ResponseReturnValue:
        del path
        return endpoint(request)

    flask.add_url_rule("/<path:path>", view_func=serve, methods=METHODS)
    return flask


def give_tokens(database: Postgres) -> None:
    """Add one token of the platform for each scope; their names are the scopes'."""
    for scope, token in TOKENS.items():
        database.run(
            "insert into api_tokens (digest, name, scope) values (:digest, :name, :name)",
            digest=digest_of(token),
            name=scope.value,
        )
