"""What app.json declares is set before the first release, and never over what a person has set."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.common.adapters.postgres.config_vars import PostgresConfigVars
from functions.common.adapters.postgres.releases import PostgresReleaseProgress
from functions.common.adapters.postgres.scales import PostgresScales
from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseState
from functions.common.events.base import Event
from functions.common.events.release import ReleaseFailed, ReleaseStarted
from functions.common.ports.apps import ConfigScope
from tests.functions.promote_image.promoter import Promoter
from tests.world import World, caused_by, digest_of, image

PRODUCTION = ConfigScope.PRODUCTION
SECRET = {"generator": "secret"}


class App:
    """An app whose images declare things."""

    def __init__(self, world: World, images: Path) -> None:
        self.world, self.promoter = world, Promoter(world, images)
        self.config = PostgresConfigVars(database=world.database, cipher=self.promoter.cipher)
        self.scales = PostgresScales(database=world.database)

    def release(self, name: str, declared: dict[str, Any], environment: str = "production") -> Event:
        """Promote an image of a web process and a worker that declares something."""
        push = self.world.push(name, environment=environment)
        event = image(push).model_copy(update={"processes": {"web": "serve", "worker": "work"}})
        self.world.built(event)
        folder = self.promoter.folder / digest_of(push.sha).removeprefix("sha256:")
        folder.mkdir(parents=True)
        (folder / "slipway.json").write_text(json.dumps({"kind": "python", "declared": declared}))
        with caused_by(f"image-of-{name}", "promote-image"):
            return self.promoter.handle(event)

    def live(self, number: int) -> None:
        """Let a release go live."""
        progress = PostgresReleaseProgress(database=self.world.database)
        progress.finish("hello", "production", number, ReleaseState.LIVE)

    def values(self) -> dict[str, str]:
        """Return production's config."""
        return self.config.read("hello", PRODUCTION)


@pytest.fixture
def app(world: World, tmp_path: Path) -> App:
    return App(world, tmp_path / "images")


def test_the_first_release_has_declared_values_and_a_secret_of_its_own(app: App) -> None:
    app.config.change("hello", PRODUCTION, {"COLOUR": "blue"})
    env = {"COLOUR": "red", "LEVEL": {"value": "3"}, "KEY": SECRET, "OPTIONAL": {"required": False}}

    assert isinstance(app.release("a", {"env": env}), ReleaseStarted)
    values = app.values()
    assert (values["COLOUR"], values["LEVEL"], len(values["KEY"])) == ("blue", "3", 64)
    assert set(values) == {"COLOUR", "LEVEL", "KEY"}
    wanted = app.world.wanted()
    assert wanted is not None
    assert set(wanted["config"]) == set(values)
    (sealed,) = app.world.database.run("select value from config_vars where key = 'KEY'")
    assert values["KEY"] not in sealed[0]
    assert values["KEY"] not in json.dumps([event.data for event in app.world.sink.sent])


def test_a_secret_is_made_once(app: App) -> None:
    app.release("a", {"env": {"KEY": SECRET}})
    first = app.values()["KEY"]
    app.release("b", {"env": {"KEY": SECRET}})

    assert app.values()["KEY"] == first


def test_after_the_first_live_release_a_person_decides(app: App) -> None:
    app.release("a", {"env": {"KEY": SECRET, "LEVEL": "3"}})
    app.live(1)
    app.config.change("hello", PRODUCTION, {"LEVEL": None})

    assert isinstance(app.release("b", {"env": {"LEVEL": "3", "LATER": "x", "MUST": {}}}), ReleaseStarted)
    assert set(app.values()) == {"KEY"}


def test_required_config_that_is_missing_ends_the_release_in_words_until_it_is_set(app: App) -> None:
    env = {"TOKEN": {"description": "of the bank"}, "ID": {"required": True}, "KEY": SECRET}
    failed = app.release("a", {"env": env})

    assert isinstance(failed, ReleaseFailed)
    assert failed.reason == (
        "app.json requires config that is not set: TOKEN (of the bank); ID. "
        "Set it by `paas config set TOKEN=VALUE ID=VALUE`, then run `paas deploy`"
    )
    assert app.world.state("a") is PushState.FAILED
    assert app.world.wanted() is None
    app.config.change("hello", PRODUCTION, {"TOKEN": "t", "ID": "i"})
    assert isinstance(app.release("b", {"env": env}), ReleaseStarted)


def test_the_formation_sets_numbers_that_no_person_has_set(app: App) -> None:
    app.release("a", {"formation": {"web": {"quantity": 3}, "worker": {"quantity": 2}, "other": {"quantity": 1}}})
    assert app.scales.read("hello", "production") == {"web": 3, "worker": 2}
    wanted = app.world.wanted()
    assert wanted is not None
    assert wanted["replicas"] == {"web": 3, "worker": 2}

    app.scales.change("hello", "production", {"worker": 0})
    app.live(1)
    app.release("b", {"formation": {"web": {"quantity": 1}, "worker": {"quantity": 5}}})
    assert app.scales.read("hello", "production") == {"web": 3, "worker": 0}


def test_a_preview_gets_nothing_of_it(app: App) -> None:
    app.world.environment("topic", "topic")
    declared = {"env": {"MUST": {}, "KEY": SECRET}, "formation": {"worker": {"quantity": 2}}}

    assert isinstance(app.release("a", declared, environment="topic"), ReleaseStarted)
    assert app.values() == {}
    assert app.scales.read("hello", "topic") == {}
