"""What every Builder keeps to."""

import time
from typing import Protocol

import pytest

from functions.common.domain.build import BuildOrder, BuildState
from functions.common.errors import Rejected, Unavailable
from functions.common.ports.builds import Builder
from tests.patience import patient

_AWAY_SECONDS = 10


class BuilderWorld(Protocol):
    """A builder, and what it was asked for."""

    @property
    def builder(self) -> Builder:
        """Return the builder under test."""
        ...

    def ordered(self) -> list[str]:
        """Return the names of all orders that it took."""
        ...

    def unbuildable(self) -> BuildOrder:
        """Return an order that can never be built."""
        ...

    def fail(self, name: str) -> None:
        """Let a build that was ordered fail."""
        ...

    def collect(self, name: str) -> None:
        """Let what is on its way out be gone, where nobody else would."""
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
    """Return how a build stands, None when it is not known."""
    seen = builder.observe(name)
    return seen.state if seen else None


def taken(world: BuilderWorld, order: BuildOrder) -> None:
    """Order a build, again while what went by its name is on its way out, as the broker does."""
    until = time.monotonic() + patient(_AWAY_SECONDS)
    while True:
        try:
            return world.builder.start(order)
        except Unavailable:
            assert time.monotonic() < until, f"{order.name} is not taken again"
            world.collect(order.name)
            time.sleep(0.1)


class BuilderContract:
    """To be subclassed with a fixture `world`."""

    def test_what_was_ordered_twice_is_one_build(self, world: BuilderWorld) -> None:
        """A redelivery changes nothing."""
        world.builder.start(an_order())
        world.builder.start(an_order())

        assert world.ordered() == ["hello-1"]
        result = world.builder.observe("hello-1")
        assert result
        assert (result.state, result.image) == (BuildState.RUNNING, None)

    def test_a_build_that_was_never_ordered_is_not_known(self, world: BuilderWorld) -> None:
        """Asking for its end is no error."""
        world.builder.cancel("hello-1")

        assert world.builder.observe("hello-1") is None

    def test_asking_for_the_end_does_not_yet_cancel(self, world: BuilderWorld) -> None:
        """It counts as cancelled when it is reported so."""
        world.builder.start(an_order())
        world.builder.cancel("hello-1")

        result = world.builder.observe("hello-1")
        assert result
        assert result.state is BuildState.RUNNING

    def test_a_name_that_has_ended_is_taken_again_for_another_push(self, world: BuilderWorld) -> None:
        """As when an app was deleted and made again: what is left of the one before is not its result."""
        world.builder.start(an_order())
        world.fail("hello-1")

        taken(world, an_order(push="p2"))

        assert world.ordered() == ["hello-1"]
        assert state(world.builder) is BuildState.RUNNING
        world.fail("hello-1")
        world.builder.start(an_order(push="p2"))
        assert state(world.builder) is BuildState.FAILED

    def test_a_name_that_has_ended_is_not_taken_again_for_its_own_push(self, world: BuilderWorld) -> None:
        """A redelivery finds how it ended."""
        world.builder.start(an_order())
        world.fail("hello-1")

        world.builder.start(an_order())

        assert state(world.builder) is BuildState.FAILED

    def test_what_runs_for_another_push_goes_on(self, world: BuilderWorld) -> None:
        """It is a build of the same commit."""
        world.builder.start(an_order())
        world.builder.start(an_order(push="p2"))
        world.fail("hello-1")

        world.builder.start(an_order())

        assert world.ordered() == ["hello-1"]
        assert state(world.builder) is BuildState.FAILED

    def test_what_is_being_cancelled_is_no_build_of_another_push(self, world: BuilderWorld) -> None:
        """As when an app is made again at once; for its own push it stays what was ordered."""
        world.builder.start(an_order())
        world.builder.cancel("hello-1")

        with pytest.raises(Unavailable):
            world.builder.start(an_order(push="p2"))
        assert world.ordered() == ["hello-1"]

    def test_what_can_never_be_built_is_rejected(self, world: BuilderWorld) -> None:
        """And nothing is ordered."""
        with pytest.raises(Rejected):
            world.builder.start(world.unbuildable())
        assert world.ordered() == []
