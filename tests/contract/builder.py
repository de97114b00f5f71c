"""What every Builder keeps to."""

from typing import Protocol

import pytest

from functions.common.domain.build import BuildOrder, BuildState
from functions.common.errors import Rejected
from functions.common.ports.builder import Builder


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


def an_order(name: str = "hello-1", sha: str = "a" * 40) -> BuildOrder:
    """Return an order."""
    return BuildOrder(
        name=name,
        app="hello",
        environment="production",
        push="p1",
        clone_url="https://forge.example.org/team/hello.git",
        ref="refs/heads/main",
        sha=sha,
    )


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

    def test_what_can_never_be_built_is_rejected(self, world: BuilderWorld) -> None:
        """And nothing is ordered."""
        with pytest.raises(Rejected):
            world.builder.start(world.unbuildable())
        assert world.ordered() == []
