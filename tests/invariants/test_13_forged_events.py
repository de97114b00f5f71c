"""Invariant 13, forged events: an event without its row changes nothing, at any function, for any type."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request
from werkzeug.test import EnvironBuilder

from functions.common.adapters.postgres.builds import PostgresBuildLedger
from functions.common.adapters.postgres.releases import PostgresReleaseLedger, PostgresReleaseProgress
from functions.common.domain.build import BuildOrder
from functions.common.domain.release import ReleaseKind, ReleaseState
from functions.common.platform.core import Core
from functions.common.ports.releases import Proposal, StartedRelease
from functions.common.runtime.http import Endpoint
from functions.common.settings import Settings
from tests.attacks.forged import APP, KNOWN_TYPES, PREVIEW, forged_events
from tests.fakes.loopback_broker import LoopbackBroker
from tests.manifests import function_manifests
from tests.world import World, digest_of

ROUTED = [(one.name, kind) for one in function_manifests() for kind in sorted(one.event_types)]
_TABLES = "select schemaname || '.' || tablename from pg_tables where schemaname in ('public', 'platform')"


@pytest.fixture
def world(database: str) -> Iterator[World]:
    """An app with a live and a started release, a push that is built, a preview, a run and a channel."""
    world = World(database)
    world.app()
    world.environment(PREVIEW, PREVIEW)
    ledger, progress = PostgresReleaseLedger(database=world.database), PostgresReleaseProgress(database=world.database)
    for environment in ("production", PREVIEW):
        _release(ledger, f"live {environment}", environment)
        progress.finish(APP, environment, 1, ReleaseState.LIVE)
    push = world.push("p1")
    _release(ledger, "started", "production")
    order = BuildOrder(
        name="b1", app=APP, environment=PREVIEW, push=push.id, clone_url="x", ref="refs/heads/main", sha=push.sha
    )
    PostgresBuildLedger(database=world.database).begin(order, repository="team/hello", sequence=push.sequence)
    world.database.run(
        "insert into runs (id, app, environment, release, command, actor, tty, interactive, columns, rows, seconds) "
        "values (:id, 'hello', 'production', 1, array['id'], 'someone', false, false, 80, 24, 60)",
        id=TARGET["run"],
    )
    world.database.run(
        "insert into notification_channels (id, name, kind, target) values (:id, 'all', 'webhook', :url)",
        id=TARGET["channel"],
        url="https://hooks.example.org/1",
    )
    yield world
    world.database.close()


TARGET = {
    "push": "p1",
    "build": "b1",
    "run": "6f1c7d1e-0000-4000-8000-000000000000",
    "channel": "0b7d3b0e-5a1d-4c5c-9d63-0c4de5b6a7f8",
    "release": 2,
}


def _release(ledger: PostgresReleaseLedger, cause: str, environment: str) -> None:
    proposal = Proposal(
        cause=cause,
        app=APP,
        environment=environment,
        kind=ReleaseKind.DEPLOY,
        digest=digest_of(cause),
        image="local/hello",
        processes={"web": "serve"},
        sha="",
    )
    assert isinstance(ledger.begin(proposal), StartedRelease)


def state(world: World) -> dict[str, list[Any]]:
    """Return every row of every table."""
    names = [row[0] for row in world.database.run(_TABLES)]
    return {
        name: sorted(row[0] for row in world.database.run(f"select cast(one as text) from {name} one"))  # noqa: S608 - names of the catalog
        for name in names
    }


def endpoint_of(function: str, parts: Core) -> Endpoint:
    compose: Callable[[Core], Endpoint] = import_module(f"functions.{function.replace('-', '_')}.app").compose
    return compose(parts)


def answer(endpoint: Endpoint, event: dict[str, Any], authorization: str = "") -> int:
    app, body = Flask("test"), json.dumps(event)
    headers = [("Authorization", authorization)] if authorization else []
    builder = EnvironBuilder(method="POST", data=body, content_type="application/cloudevents+json", headers=headers)
    with app.app_context():
        return app.make_response(endpoint(Request(builder.get_environ()))).status_code


@pytest.fixture
def parts(world: World, broker: LoopbackBroker, tmp_path: Path) -> Core:
    (tmp_path / "images" / digest_of("live production").removeprefix("sha256:")).mkdir(parents=True)
    return Core(
        settings=Settings(
            environment={
                "DATABASE_URL": world.url,
                "K_SINK": broker.url,
                "DEFAULT_DOMAIN": "apps.example.org",
                "SLIPWAY_PLATFORM": "local",
                "SLIPWAY_LOCAL_HOME": str(tmp_path),
                "SLIPWAY_GIT_URL": "http://127.0.0.1:3000",
            }
        )
    )


def test_invariant_13_every_routed_type_has_a_forgery() -> None:
    assert {kind for _, kind in ROUTED} <= KNOWN_TYPES


@pytest.mark.parametrize("function", sorted({function for function, _ in ROUTED} | {"reconcile", "park-event"}))
def test_invariant_13_a_function_with_a_token_answers_only_who_sends_it(function: str, parts: Core) -> None:
    guarded = Core(settings=Settings(environment={**parts.settings.environment, "SLIPWAY_EVENT_TOKEN": "t0k"}))
    endpoint = endpoint_of(function, guarded)
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "dev.knative.sources.ping"}

    for given in ("", "Bearer", "Bearer t0k2", "t0k", "Basic t0k"):
        assert answer(endpoint, event, authorization=given) == 401
    assert answer(endpoint, event, authorization="Bearer t0k") in {202, 400}


@pytest.mark.parametrize(("function", "kind"), ROUTED)
def test_invariant_13_an_event_that_was_never_recorded_changes_nothing(
    function: str, kind: str, parts: Core, world: World, broker: LoopbackBroker
) -> None:
    endpoint, before = endpoint_of(function, parts), state(world)
    events = forged_events(kind, function, TARGET)
    assert events
    for event in events:
        status = answer(endpoint, event)

        assert status in {400, 202}
        assert broker.events == []
        assert state(world) == before
        assert status == (400 if kind.startswith("dev.slipway.") else 202)
