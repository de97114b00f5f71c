"""From a push to a real Gitea to the event of its signed webhook."""

import io
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from functions.common.adapters.forges.gitea import GiteaApi, GiteaRepositories
from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import from_environment
from tests.fakes.loopback_broker import LoopbackBroker, loopback_broker
from tests.local.git.forge import commit, git
from tests.local.waiting import until
from tests.real_gitea import ask, real_forge, working_copy
from tests.webhook_sender import SECRET, payload, sender

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

pytestmark = pytest.mark.gitea
ZERO = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A repository of the default organisation, created by the adapter, and the events of its webhooks."""

    api: GiteaApi
    name: str
    gateway: str
    broker: LoopbackBroker
    work: Path
    received: list[tuple[str, bytes]]

    @property
    def organisation(self) -> str:
        """Return whose repository it is."""
        return from_environment().forge.organisation

    @property
    def path(self) -> str:
        """Return where the API has the repository."""
        return f"/repos/{self.organisation}/{self.name}"

    def repositories(self) -> GiteaRepositories:
        """Return the adapter."""
        url = f"{self.gateway}/v1/webhooks/gitea"
        return GiteaRepositories(api=self.api, organisation=self.organisation, webhook_url=url)

    def push(self, url: str, files: dict[str, str], *, to: str = "main") -> str:
        """Commit and push, and return the sha."""
        sha = commit(self.work, files, "Say hello\n\nto everybody")
        git("push", "-q", url, f"HEAD:refs/heads/{to}", cwd=self.work)
        return sha

    def event(self, kind: str) -> dict[str, Any]:
        """Wait for the next event of this kind and return its data; others before it are forgotten."""
        wanted = f"dev.slipway.{kind}"
        return until(lambda: next((self._take(one) for one in self.broker.events if wanted in one["type"]), None))

    def _take(self, event: dict[str, Any]) -> dict[str, Any]:
        self.broker.events.remove(event)
        return dict(event["data"])

    def payloads(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait for so many payloads of this kind and return them."""

        def found() -> list[bytes] | None:
            bodies = [body for one, body in self.received if one == kind]
            return bodies if len(bodies) >= count else None

        return [json.loads(body) for body in until(found, why=f"{count} webhooks {kind}")]


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    """Yield a name that no repository has, and an endpoint that a forge on this machine can reach."""
    api = real_forge()
    with loopback_broker() as broker:
        received: list[tuple[str, bytes]] = []
        app = _recorded(sender(database, broker.url).app, received)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        made = World(
            api=api,
            name=f"hello-{uuid.uuid4().hex[:8]}",
            gateway=f"http://127.0.0.1:{server.port}",
            broker=broker,
            work=working_copy(api, tmp_path / "work"),
            received=received,
        )
        Thread(target=server.serve_forever, daemon=True).start()
        yield made
        made.repositories().delete(made.name)
        server.shutdown()
        server.server_close()


def _recorded(app: "WSGIApplication", received: list[tuple[str, bytes]]) -> "WSGIApplication":
    def serve(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        received.append((environ["HTTP_X_GITEA_EVENT"], body))
        return app({**environ, "wsgi.input": io.BytesIO(body)}, start)

    return serve


def test_pushes_are_accepted_and_mean_what_was_pushed(world: World) -> None:
    url = world.repositories().create(world.name, webhook_secret=SECRET)

    first = world.push(url, {"README.md": "hello", "hello.py": "1"})
    event = world.event("push.received")
    assert (event["branch"], event["before"], event["after"]) == ("main", ZERO, first)
    assert event["message"].strip() == "Say hello\n\nto everybody"
    assert url in event["repository"]["urls"]

    second = world.push(url, {"hello.py": "2"})
    event = world.event("push.received")
    assert (event["before"], event["after"], event["changed"], event["complete"]) == (
        first,
        second,
        ["hello.py"],
        True,
    )


def test_a_changed_secret_reaches_an_existing_webhook(world: World) -> None:
    world.repositories().create(world.name, webhook_secret="an older one")
    url = world.repositories().create(world.name, webhook_secret=SECRET)

    sha = world.push(url, {"a": "1"})

    assert world.event("push.received")["after"] == sha


def test_a_webhook_signed_with_another_secret_is_refused(world: World, database: str) -> None:
    url = world.repositories().create(world.name, webhook_secret="another")

    world.push(url, {"a": "1"})

    rows = until(lambda: Postgres(database).run("select action, detail from audit_log"))
    assert "the signature differs" in str(rows)
    assert world.broker.events == []


def test_branches_and_pull_requests_come_and_go(world: World) -> None:
    url = world.repositories().create(world.name, webhook_secret=SECRET)
    world.push(url, {"a": "1"})
    world.event("push.received")  # the forge knows of the branch when it says so
    sha = world.push(url, {"a": "2"}, to="feature/main")
    body = {"title": "Say more", "head": "feature/main", "base": "main"}
    number = ask(world.api, "POST", f"{world.path}/pulls", body)["number"]
    opened = world.event("pullrequest.opened")
    assert (opened["number"], opened["branch"], opened["sha"], opened["fork"]) == (number, "feature/main", sha, False)

    sha = world.push(url, {"a": "3"}, to="feature/main")
    assert world.event("pullrequest.updated")["sha"] == sha
    ask(world.api, "PATCH", f"{world.path}/pulls/{number}", {"state": "closed"})
    assert world.event("pullrequest.closed")["merged"] is False
    git("push", "-q", url, ":refs/heads/feature/main", cwd=world.work)
    assert world.event("branch.deleted")["branch"] == "feature/main"


def test_the_payloads_of_the_tests_have_the_shape_of_real_ones(world: World) -> None:
    url = world.repositories().create(world.name, webhook_secret=SECRET)
    world.push(url, {"a": "1"})
    world.payloads("push")
    world.push(url, {"a": "2", "b": "1"}, to="feature/main")
    ask(world.api, "POST", f"{world.path}/pulls", {"title": "t", "head": "feature/main", "base": "main"})
    world.payloads("pull_request")
    git("push", "-q", url, ":refs/heads/feature/main", cwd=world.work)

    for name, kind, count in (
        ("push", "push", 2),
        ("create-branch", "create", 2),
        ("delete-branch", "delete", 1),
        ("pull-request-opened", "pull_request", 1),
    ):
        real: set[tuple[str, str]] = set().union(*map(_shape, world.payloads(kind, count)))
        assert _shape(json.loads(payload(f"gitea/{name}"))) <= real, name


def _shape(value: Any, path: str = "") -> set[tuple[str, str]]:  # noqa: ANN401 - any JSON
    found = {(path, type(value).__name__)}
    if isinstance(value, dict):
        found |= set().union(*(_shape(item, f"{path}.{name}") for name, item in value.items()))
    if isinstance(value, list) and value:
        found |= _shape(value[0], f"{path}[]")
    return found
