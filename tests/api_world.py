"""The API as its callers see it, composed over a real database and a loopback broker."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, request
from flask.typing import ResponseReturnValue

from functions.common.adapters.postgres.access import PostgresApiTokens
from functions.common.adapters.postgres.client import Postgres
from functions.common.platform.core import Core
from functions.common.ports.apps import Role
from functions.common.runtime.http import limit_body
from functions.common.settings import Settings
from functions.manage_apps.app import MAX_BODY, compose
from tests.api_contract import contract
from tests.fakes.loopback_broker import LoopbackBroker, loopback_broker
from tests.fakes.repositories import FakeRepositories

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
TOKENS = {role: f"token-of-a-{role.value}" for role in Role}


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
    home: Path
    answers: list[str] = field(default_factory=list)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        role: Role | None = Role.ADMIN,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Call the API with a token of this role; a body of str or bytes is sent as it is.

        Every answer is checked against schemas/openapi.json.
        """
        sent = {**(headers or {}), **({"Authorization": f"Bearer {TOKENS[role]}"} if role else {})}
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

    def get(self, path: str, *, role: Role = Role.ADMIN) -> Any:  # noqa: ANN401 - JSON
        """Return the body of a GET that must succeed."""
        answer = self.call("GET", path, role=role)
        assert answer.status == 200, answer
        return answer.body

    def app(self, name: str = "shop", **fields: object) -> dict[str, Any]:
        """Make an app and return it."""
        answer = self.call("POST", "/v1/apps", {"name": name, **fields})
        assert answer.status == 201, answer
        made: dict[str, Any] = answer.body
        return made

    def types(self) -> list[str]:
        """Return the types of the events that the broker got, short, in order."""
        return [event["type"].removeprefix("dev.slipway.").removesuffix(".v1") for event in self.broker.events]


@contextmanager
def api_world(url: str, home: Path) -> Iterator[ApiWorld]:
    """Yield an API with a token for each role."""
    with loopback_broker() as broker:
        repositories, database = FakeRepositories(), Postgres(url)
        give_tokens(database)
        flask = served(url, broker.url, home, repositories)
        yield ApiWorld(flask=flask, database=database, broker=broker, repositories=repositories, home=home)


def served(url: str, broker_url: str, home: Path, repositories: FakeRepositories) -> Flask:
    """Return the API over a database and a broker, as a Flask app."""
    settings = {
        "DATABASE_URL": url,
        "K_SINK": broker_url,
        "DEFAULT_DOMAIN": "apps.example.org",
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(home),
    }
    endpoint = limit_body(compose(Core(settings=Settings(environment=settings)), repositories=repositories), MAX_BODY)
    flask = Flask("manage-apps")

    def serve(path: str) -> ResponseReturnValue:
        del path
        return endpoint(request)

    flask.add_url_rule("/<path:path>", view_func=serve, methods=METHODS)
    return flask


def give_tokens(database: Postgres) -> None:
    """Add one token for each role."""
    for role, token in TOKENS.items():
        PostgresApiTokens(database=database).add(role.value, role, digest=hashlib.sha256(token.encode()).hexdigest())
