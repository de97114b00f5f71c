"""The contract of CommitStatuses."""

from typing import Protocol

import pytest

from functions.common.errors import NotFound, Unavailable
from functions.common.ports.forge import CommitStatuses

CONTEXT = "slipway/hello/production"
URL = "https://hello.apps.example.org/"


class StatusWorld(Protocol):
    """A forge with one repository and one commit."""

    @property
    def statuses(self) -> CommitStatuses:
        """Return the port under test."""
        ...

    @property
    def repository(self) -> str:
        """Return the repository as statuses name it."""
        ...

    @property
    def foreign(self) -> str:
        """Return a repository of another forge."""
        ...

    @property
    def sha(self) -> str:
        """Return the commit."""
        ...

    def shown(self) -> dict[str, tuple[str, str, str]]:
        """Return what the forge shows at the commit: context -> (state, description, target URL)."""
        ...

    def break_down(self) -> None:
        """Make the forge unreachable."""
        ...


def post(world: StatusWorld, state: str = "pending", description: str = "Building", context: str = CONTEXT) -> None:
    """Set a status of the world's commit."""
    world.statuses.post(
        world.repository, world.sha, state=state, description=description, context=context, target_url=URL
    )


class CommitStatusesContract:
    """Subclasses provide the fixture `world`."""

    def test_a_status_is_shown(self, world: StatusWorld) -> None:
        """With state, description and target."""
        post(world)
        assert world.shown() == {CONTEXT: ("pending", "Building", URL)}

    def test_the_last_status_of_a_context_is_shown_and_others_stay(self, world: StatusWorld) -> None:
        """Contexts are independent."""
        post(world)
        post(world, context="slipway/other/production")
        post(world, "success", "Live as v1")
        assert world.shown() == {
            CONTEXT: ("success", "Live as v1", URL),
            "slipway/other/production": ("pending", "Building", URL),
        }

    def test_a_repeat_is_no_error(self, world: StatusWorld) -> None:
        """A redelivery posts it again."""
        post(world)
        post(world)
        assert world.shown() == {CONTEXT: ("pending", "Building", URL)}

    def test_a_repository_of_another_forge_is_ignored(self, world: StatusWorld) -> None:
        """Nothing is posted, and nothing fails."""
        world.statuses.post(world.foreign, world.sha, state="success", description="x", context=CONTEXT, target_url=URL)
        assert world.shown() == {}

    def test_a_commit_that_does_not_exist_is_not_found(self, world: StatusWorld) -> None:
        """Repeating would not help."""
        with pytest.raises(NotFound):
            world.statuses.post(
                world.repository, "f" * 40, state="success", description="x", context=CONTEXT, target_url=URL
            )

    def test_an_outage_is_unavailable(self, world: StatusWorld) -> None:
        """Repeating may help."""
        world.break_down()
        with pytest.raises(Unavailable):
            post(world)
