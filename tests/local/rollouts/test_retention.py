"""What is deleted in time, and what never is."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from functions.common.adapters.postgres.releases import PostgresReleaseLedger, PostgresReleaseProgress
from functions.common.domain.release import ReleaseKind, ReleaseState
from functions.common.ports.releases import Proposal
from functions.local.rollouts.retention import Retention
from tests.functions.reconcile.test_strays import HELLO
from tests.world import World, digest_of

OLD = time.time() - 3 * 3600


@pytest.fixture
def world(database: str) -> Iterator[World]:
    world = World(database)
    world.app()
    yield world
    world.database.close()


class Store:
    """A state folder, and what is kept in it."""

    def __init__(self, world: World, home: Path) -> None:
        self.world, self.images, self.builds = world, home / "images", home / "builds"
        self.images.mkdir(parents=True)
        self.builds.mkdir()
        self.retention = Retention(home=home, database=world.database, releases=2, days=1)

    def image(self, name: str, modified: float = OLD) -> None:
        """Put an image there."""
        folder = self.images / digest_of(name).removeprefix("sha256:")
        folder.mkdir()
        (folder / "file").touch()
        os.utime(folder, (modified, modified))

    def left(self, *names: str) -> set[str]:
        """Clean, and return which of these images are there."""
        self.retention()
        return {name for name in names if (self.images / digest_of(name).removeprefix("sha256:")).exists()}

    def release(self, name: str, state: ReleaseState = ReleaseState.LIVE, environment: str = "production") -> None:
        """Release an image."""
        ledger = PostgresReleaseLedger(database=self.world.database)
        progress = PostgresReleaseProgress(database=self.world.database)
        proposal = Proposal(
            cause=f"{name}-{environment}",
            app="hello",
            environment=environment,
            kind=ReleaseKind.CONFIG,
            digest=digest_of(name),
            image="local/hello",
            processes={},
            sha=name,
        )
        begun = ledger.begin(proposal)
        progress.finish("hello", environment, begun.release.number, state)  # type: ignore[union-attr] # it was begun
        self.image(name)


@pytest.fixture
def store(world: World, tmp_path: Path) -> Store:
    return Store(world, tmp_path)


def test_the_newest_releases_of_open_environments_keep_their_images(world: World, store: Store) -> None:
    world.environment("topic", "topic")
    for name in "abc":
        store.release(name)
    store.release("d", environment="topic")
    assert store.left(*"abcd") == {"b", "c", "d"}

    world.database.run("update environments set state = 'closed' where name = 'topic'")
    world.database.run("update releases set state = 'retired' where environment = 'topic'")
    assert store.left(*"bcd") == {"b", "c"}


def test_the_live_image_stays_after_many_failures(store: Store) -> None:
    store.release("a")
    for name in "bcd":
        store.release(name, ReleaseState.FAILED)

    assert store.left(*"abcd") == {"a", "c", "d"}


def test_wanted_and_running_images_stay(world: World, store: Store) -> None:
    for name in ("asked", "runs", "ended"):
        store.image(name)
    world.deployer.apply(replace(HELLO, digest=digest_of("asked")))
    for release, name, stage in ((1, "runs", "draining"), (2, "ended", "stopped")):
        world.database.run(
            "insert into platform.versions (app, environment, release, workload, stage) "
            "values ('gone', 'production', :release, jsonb_build_object('digest', cast(:digest as text)), :stage)",
            release=release,
            digest=digest_of(name),
            stage=stage,
        )

    assert store.left("asked", "runs", "ended") == {"asked", "runs"}


def test_images_of_unfinished_pushes_and_recent_images_stay(world: World, store: Store) -> None:
    push = world.push("waiting")
    world.database.run(
        "insert into builds (name, app, environment, push, repository, sha, ref, sequence, state, digest) "
        "values ('b', 'hello', 'production', :push, '', '', '', 1, 'succeeded', :digest)",
        push=push.id,
        digest=digest_of("waiting"),
    )
    store.image("waiting")
    store.image("young", time.time() - 60)

    assert store.left("waiting", "young") == {"waiting", "young"}


def test_old_logs_of_builds_are_deleted(store: Store) -> None:
    for name, modified in (("old.log", time.time() - 2 * 86_400), ("young.log", time.time())):
        (store.builds / name).touch()
        os.utime(store.builds / name, (modified, modified))
    store.retention()

    assert [path.name for path in store.builds.iterdir()] == ["young.log"]


def test_old_logs_of_releases_are_deleted_unless_they_run(world: World, store: Store) -> None:
    world.deployer.apply(HELLO)
    for release, stage in ((1, "stopped"), (2, "live")):
        world.database.run(
            "insert into platform.versions (app, environment, release, workload, stage) "
            "values ('hello', 'production', :release, '{}', :stage)",
            release=release,
            stage=stage,
        )
    folder = store.builds.parent / "logs" / "apps" / "hello" / "production"
    folder.mkdir(parents=True)
    for name in ("1-web.log", "1-web.log.1", "1-a-worker.log", "2-web.log", "2-web.log.1"):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - 2 * 86_400,) * 2)
    (folder / "1-release.log").touch()
    store.retention()

    assert {path.name for path in folder.iterdir()} == {"1-release.log", "2-web.log", "2-web.log.1"}


def test_caches_of_closed_environments_and_deleted_apps_are_deleted(world: World, tmp_path: Path) -> None:
    store = Store(world, tmp_path)
    closed = (
        "insert into environments (app, name, branch, label, state) values ('hello', 'topic', 'topic', 'x', 'closed')"
    )
    world.database.run(closed)
    kept = [("builds", "hello", "production"), ("dependencies", "hello", "production"), ("builds", "gone", "young")]
    ended = [("builds", "hello", "topic"), ("dependencies", "gone", "production")]
    for parts in (*kept, *ended):
        folder = tmp_path.joinpath("cache", *parts)
        folder.mkdir(parents=True)
        (folder / "file").touch()
        os.utime(folder, (time.time(), time.time()) if parts[-1] == "young" else (OLD, OLD))

    store.retention()

    left = {path.relative_to(tmp_path / "cache").parts for path in (tmp_path / "cache").glob("*/*/*")}
    assert left == set(kept)
