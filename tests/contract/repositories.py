"""What every Repositories keeps to."""

from typing import Protocol

import pytest

from functions.common.errors import Unavailable
from functions.common.ports.forge import Repositories


class RepositoriesWorld(Protocol):
    """Repositories, what is there, and a way to take them down."""

    @property
    def repositories(self) -> Repositories:
        """Return what is under test."""
        ...

    def names(self) -> set[str]:
        """Return the names of the repositories that are there."""
        ...

    def break_down(self) -> None:
        """Make what is behind it unusable."""
        ...


class RepositoriesContract:
    """To be subclassed with a fixture `world`."""

    def test_a_repository_is_made_under_a_url_that_ends_in_its_name(self, world: RepositoriesWorld) -> None:
        """The URL is what users push to and builds clone."""
        url = world.repositories.create("shop")

        assert url.startswith("http")
        assert url.endswith("/shop.git")
        assert world.names() == {"shop"}

    def test_a_repeat_changes_nothing(self, world: RepositoriesWorld) -> None:
        """A request that is sent again finds the same repository."""
        assert world.repositories.create("shop") == world.repositories.create("shop")
        assert world.names() == {"shop"}

    def test_a_deleted_repository_is_gone_and_none_there_is_no_error(self, world: RepositoriesWorld) -> None:
        """Deleting can be repeated."""
        world.repositories.create("shop")
        world.repositories.create("kept")

        world.repositories.delete("shop")
        world.repositories.delete("shop")

        assert world.names() == {"kept"}

    def test_an_outage_is_unavailable(self, world: RepositoriesWorld) -> None:
        """The caller learns that nothing was made."""
        world.break_down()

        with pytest.raises(Unavailable):
            world.repositories.create("shop")
