"""Images are deleted when no release runs them or can be rolled back to, and never before."""

import pytest

from functions.common.adapters.postgres.apps import PostgresAppEditor
from functions.common.adapters.postgres.builds import PostgresBuildLedger
from functions.common.adapters.postgres.images import PostgresImageRetention
from functions.common.adapters.postgres.releases import PostgresReleaseLedger, PostgresReleaseProgress
from functions.common.domain.build import BuildOrder, BuildResult, BuildState, Image
from functions.common.domain.push import PushState
from functions.common.domain.release import ReleaseKind, ReleaseState
from functions.common.ports.releases import Proposal, StartedRelease
from functions.reconcile.images import Images
from tests.fakes.image_store import FakeImageStore
from tests.functions.reconcile.ticker import Ticker
from tests.world import World, digest_of

REPOSITORY = "registry.example.org/hello"


class Registry:
    """Images that were built three hours ago, by the names of their commits."""

    def __init__(self, world: World, ticker: Ticker) -> None:
        self.world, self.ticker = world, ticker
        self.builds = PostgresBuildLedger(database=world.database)

    def build(self, sha: str, *, digest: str = "", minutes: int = 180) -> str:
        """Build the commit for a push that has ended; return the build's name, empty when one was used again."""
        push = self.world.push(f"push-of-{sha}-{self.ticker.ticks}")
        self.world.database.run("update pushes set sha = :sha where id = :id", sha=sha, id=push.id)
        order = BuildOrder(
            name=f"hello-{sha}",
            app="hello",
            environment="production",
            push=push.id,
            clone_url="https://forge.example.org/hello.git",
            ref="refs/heads/main",
            sha=sha,
        )
        begun = self.builds.begin(order, repository=push.repository, sequence=push.sequence)
        assert begun.build
        self.world.pushes.advance(push.id, "hello", PushState.FAILED)
        if begun.build.state is not BuildState.RUNNING:
            return ""
        image = Image(digest=digest or digest_of(sha), reference=REPOSITORY, processes={})
        self.builds.end(BuildResult(name=begun.build.name, state=BuildState.SUCCEEDED, image=image))
        self.world.database.run(
            "update builds set ended_at = now() - make_interval(mins => cast(:minutes as integer)) where name = :name",
            minutes=minutes,
            name=begun.build.name,
        )
        self.ticker.images.images.add((REPOSITORY, image.digest))
        return begun.build.name

    def release(self, sha: str, state: ReleaseState = ReleaseState.LIVE) -> None:
        """Release the commit's image."""
        proposal = Proposal(
            cause=f"release-{sha}",
            app="hello",
            environment="production",
            kind=ReleaseKind.CONFIG,
            digest=digest_of(sha),
            image=REPOSITORY,
            processes={},
            sha=sha,
        )
        begun = PostgresReleaseLedger(database=self.world.database).begin(proposal)
        assert isinstance(begun, StartedRelease)
        PostgresReleaseProgress(database=self.world.database).finish("hello", "production", begun.release.number, state)

    def left(self) -> list[str]:
        """Run the step, and return the commits whose images are there."""
        self.ticker.tick("images")
        names = {digest_of(sha): sha for sha in "abcdef"}
        return sorted(names[digest] for _, digest in self.ticker.images.images)


@pytest.fixture
def registry(world: World, ticker: Ticker) -> Registry:
    return Registry(world, ticker)


def test_images_of_the_newest_and_live_releases_are_kept(registry: Registry) -> None:
    for sha in "abcd":
        registry.build(sha)
    registry.release("a", ReleaseState.LIVE)
    for sha in "bcd":
        registry.release(sha, ReleaseState.FAILED)

    assert registry.left() == ["a", "c", "d"]


def test_images_that_are_recent_or_that_an_unfinished_push_may_need_are_kept(world: World, registry: Registry) -> None:
    registry.build("a", minutes=59)
    registry.build("b")
    registry.build("c")
    world.push("b")

    assert registry.left() == ["a", "b"]


def test_a_build_does_not_use_a_deleted_image(registry: Registry) -> None:
    registry.build("a")
    used_again = registry.build("a")
    registry.left()

    rebuilt = registry.build("a")

    assert (used_again, rebuilt) == ("", "hello-a-r2")
    assert registry.left() == []


def test_the_same_image_of_a_recent_build_is_kept(registry: Registry) -> None:
    registry.build("a")
    registry.build("b", digest=digest_of("a"), minutes=1)

    assert registry.left() == ["a"]


def test_images_of_a_deleted_app_are_deleted_later(world: World, registry: Registry) -> None:
    registry.build("a")
    registry.release("a")
    PostgresAppEditor(database=world.database).remove("hello")
    kept = registry.left()
    world.database.run("update abandoned_images set since = now() - interval '2 h'")

    assert (kept, registry.left()) == (["a"], [])
    assert world.database.run("select count(*) from abandoned_images") == [[0]]


def test_an_image_that_cannot_be_deleted_is_tried_a_day_later(world: World, registry: Registry) -> None:
    class Refusing(FakeImageStore):
        def delete(self, reference: str, digest: str) -> None:
            msg = f"{reference}@{digest} stays"
            raise ConnectionError(msg)

    registry.build("a")
    steps = registry.ticker.steps
    retention, step = PostgresImageRetention(database=world.database), steps["images"]
    steps["images"] = Images(retention=retention, store=Refusing(), keep=2)
    registry.left()
    steps["images"] = step

    assert registry.left() == ["a"]
    world.database.run("update builds set image_claimed_at = now() - interval '25 h'")
    assert registry.left() == []
