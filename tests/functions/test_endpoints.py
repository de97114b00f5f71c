"""Each function, composed as it is deployed, answers every event that its Triggers let through."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask, Request
from werkzeug.test import EnvironBuilder

from functions.common.events.build import ImagePublished
from functions.common.events.envelope import from_json
from functions.common.platform.core import Core
from functions.common.runtime.http import Endpoint
from functions.common.settings import Settings
from tests.conftest import ROOT
from tests.fakes.loopback_broker import LoopbackBroker
from tests.foreign_events import foreign_events
from tests.manifests import FunctionManifest, function_manifests
from tests.world import World


def composed_with(text: str) -> list[FunctionManifest]:
    """Return the functions whose composition root contains the text."""
    return [one for one in function_manifests() if text in (ROOT / one.environment["FUNCTION_SOURCE"]).read_text()]


MANIFESTS = composed_with("def compose(parts: Core) -> Endpoint:")
WITH_DATABASE = [one for one in MANIFESTS if one.event_types and one in composed_with("database=")]
EXAMPLES = ROOT / "schemas" / "examples"
PING: dict[str, object] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/ping",
    "type": "dev.knative.sources.ping",
    "data": {},
}


@pytest.fixture
def parts(database: str, broker: LoopbackBroker, tmp_path: Path) -> Core:
    world = World(database)
    world.app()
    published = json.loads((EXAMPLES / "dev.slipway.image.published.v1.json").read_text())
    world.built(ImagePublished.model_validate(published))
    return Core(
        settings=Settings(
            environment={
                "DATABASE_URL": database,
                "K_SINK": broker.url,
                "DEFAULT_DOMAIN": "apps.example.org",
                "SLIPWAY_PLATFORM": "local",
                "SLIPWAY_LOCAL_HOME": str(tmp_path),
                "SLIPWAY_GIT_URL": "http://127.0.0.1:3000",
            }
        )
    )


def composed(manifest: FunctionManifest, parts: Core) -> Endpoint:
    module = import_module(f"functions.{manifest.name.replace('-', '_')}.app")
    compose: Callable[[Core], Endpoint] = module.compose
    return compose(parts)


def answer(endpoint: Endpoint, event: dict[str, object]) -> tuple[int, bytes]:
    app = Flask("test")
    builder = EnvironBuilder(method="POST", data=json.dumps(event), content_type="application/cloudevents+json")
    with app.app_context():
        response = app.make_response(endpoint(Request(builder.get_environ())))
    return response.status_code, response.get_data()


def examples(manifest: FunctionManifest) -> list[dict[str, object]]:
    ticks = [PING] if manifest.of_kind("PingSource") else []
    if ticks and not manifest.event_types:
        return ticks
    found = {path.stem: json.loads(path.read_text()) for path in EXAMPLES.glob("*.json")}
    own: list[dict[str, object]] = [
        {"specversion": "1.0", "id": f"example {name}", "source": "/test", "type": name, "data": data}
        for name, data in sorted(found.items())
        if not manifest.event_types or name in manifest.event_types
    ]
    return ticks + own + foreign_events(manifest.name)


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: manifest.name)
def test_every_event_is_answered_as_a_broker_wants_it_and_twice_alike(manifest: FunctionManifest, parts: Core) -> None:
    endpoint = composed(manifest, parts)
    events = examples(manifest)
    assert len(events) >= max(1, len(manifest.event_types))
    for event in events:
        parts.log.append(from_json(json.dumps(event)))
        status, body = answer(endpoint, event)
        assert (status, body) == (202, b"") or (status == 200 and json.loads(body)["specversion"] == "1.0"), event
        if status == 200:
            again = json.loads(answer(endpoint, event)[1])
            assert again["id"] == json.loads(body)["id"]


@pytest.mark.parametrize("manifest", WITH_DATABASE, ids=lambda manifest: manifest.name)
def test_without_a_database_the_broker_is_asked_to_try_again(manifest: FunctionManifest, parts: Core) -> None:
    nowhere = {**parts.settings.environment, "DATABASE_URL": "postgresql://postgres@127.0.0.1:1/nowhere"}
    endpoint = composed(manifest, Core(settings=Settings(environment=nowhere)))
    statuses = {answer(endpoint, event)[0] for event in examples(manifest)}
    assert 503 in statuses
    assert statuses <= {202, 503}
