"""The contract of Builder."""

import time
from typing import Protocol

import pytest

from functions.common.domain.build import BuildOrder, BuildState
from functions.common.errors import Rejected, Unavailable
from functions.common.ports.builds import Builder
from tests.patience import patient

_AWAY_SECONDS = 10


class BuilderWorld(Protocol):
    """A builder and its orders."""

    @property
    def builder(self) -> Builder:
        """Return the builder under test."""
        ...

    def ordered(self) -> list[str]:
        """Return the names of all accepted orders."""
        ...

    def unbuildable(self) -> BuildOrder:
        """Return an order that can never be built."""
        ...

    def begin(self, name: str) -> None:
        """Let a build run, where it would wait."""
        ...

    def fail(self, name: str) -> None:
        """Fail a build."""
        ...

    def collect(self, name: str) -> None:
        """Finish deletions, where no controller does."""
        ...


def an_order(name: str = "hello-1", sha: str = "a" * 40, push: str = "p1") -> BuildOrder:
    """Return an order."""
    return BuildOrder(
        name=name,
        app="hello",
        environment="production",
        push=push,
        clone_url="https://forge.example.org/team/hello.git",
        ref="refs/heads/main",
        sha=sha,
    )


def state(builder: Builder, name: str = "hello-1") -> BuildState | None:
    """Return the state of a build, None when it is not known."""
    seen = builder.observe(name)
    return seen.state if seen else None


def taken(world: BuilderWorld, order: BuildOrder) -> None:
    """Order a build, repeating it while an older one of its name is being deleted, as the broker does."""
    until = time.monotonic() + patient(_AWAY_SECONDS)
    while True:
        try:
            return world.builder.start(order)
        except Unavailable:
            assert time.monotonic() < until, f"{order.name} is not taken again"
            world.collect(order.name)
            time.sleep(0.1)


class BuilderContract:
    """Subclasses provide the fixture `world`."""

    def test_a_repeated_order_is_one_build(self, world: BuilderWorld) -> None:
        """A redelivery changes nothing."""
        world.builder.start(an_order())
        world.builder.start(an_order())

        assert world.ordered() == ["hello-1"]
        result = world.builder.observe("hello-1")
        assert result
        assert (result.state, result.image) == (BuildState.RUNNING, None)

    def test_a_build_that_was_never_ordered_is_not_known(self, world: BuilderWorld) -> None:
        """Cancelling it is no error."""
        world.builder.cancel("hello-1")

        assert world.builder.observe("hello-1") is None

    def test_a_build_is_not_cancelled_at_once(self, world: BuilderWorld) -> None:
        """It counts as cancelled when the builder reports it."""
        world.builder.start(an_order())
        world.begin("hello-1")
        world.builder.cancel("hello-1")

        result = world.builder.observe("hello-1")
        assert result
        assert result.state is BuildState.RUNNING

    def test_the_name_of_an_ended_build_is_reused_for_another_push(self, world: BuilderWorld) -> None:
        """For example after an app was deleted and created again; leftovers of the old build are not its result."""
        world.builder.start(an_order())
        world.fail("hello-1")

        taken(world, an_order(push="p2"))

        assert world.ordered() == ["hello-1"]
        assert state(world.builder) is BuildState.RUNNING
        world.fail("hello-1")
        world.builder.start(an_order(push="p2"))
        assert state(world.builder) is BuildState.FAILED

    def test_the_name_of_an_ended_build_is_not_reused_for_its_own_push(self, world: BuilderWorld) -> None:
        """A redelivery finds its end."""
        world.builder.start(an_order())
        world.fail("hello-1")

        world.builder.start(an_order())

        assert state(world.builder) is BuildState.FAILED

    def test_a_build_that_runs_for_another_push_continues(self, world: BuilderWorld) -> None:
        """It is a build of the same commit."""
        world.builder.start(an_order())
        world.builder.start(an_order(push="p2"))
        world.fail("hello-1")

        world.builder.start(an_order())

        assert world.ordered() == ["hello-1"]
        assert state(world.builder) is BuildState.FAILED

    def test_a_build_that_is_being_cancelled_is_not_used_for_another_push(self, world: BuilderWorld) -> None:
        """For example when an app is created again at once. For its own push it stays the build."""
        world.builder.start(an_order())
        world.begin("hello-1")
        world.builder.cancel("hello-1")

        with pytest.raises(Unavailable):
            world.builder.start(an_order(push="p2"))
        assert world.ordered() == ["hello-1"]

    def test_an_order_that_can_never_be_built_is_rejected(self, world: BuilderWorld) -> None:
        """And nothing is ordered."""
        with pytest.raises(Rejected):
            world.builder.start(world.unbuildable())
        assert world.ordered() == []
