"""The contract of Repositories."""

from typing import Protocol

import pytest

from functions.common.errors import Unavailable
from functions.common.ports.forge import Repositories
from tests.local.repositories import HOOK_SECRET


class RepositoriesWorld(Protocol):
    """Repositories, their names, and a way to break them."""

    @property
    def repositories(self) -> Repositories:
        """Return the port under test."""
        ...

    def names(self) -> set[str]:
        """Return the names of the existing repositories."""
        ...

    def break_down(self) -> None:
        """Make its server fail."""
        ...


class RepositoriesContract:
    """Subclasses provide the fixture `world`."""

    def test_the_url_of_a_repository_ends_in_its_name(self, world: RepositoriesWorld) -> None:
        """The URL is what users push to and builds clone."""
        url = world.repositories.create("shop", webhook_secret=HOOK_SECRET)

        assert url.startswith("http")
        assert url.endswith("/shop.git")
        assert world.names() == {"shop"}

    def test_a_repeat_changes_nothing(self, world: RepositoriesWorld) -> None:
        """A repeated request finds the same repository."""
        assert world.repositories.create("shop", webhook_secret=HOOK_SECRET) == world.repositories.create(
            "shop", webhook_secret=HOOK_SECRET
        )
        assert world.names() == {"shop"}

    def test_deleting_a_repository_twice_is_no_error(self, world: RepositoriesWorld) -> None:
        """The second time there is nothing to delete."""
        world.repositories.create("shop", webhook_secret=HOOK_SECRET)
        world.repositories.create("kept", webhook_secret=HOOK_SECRET)

        world.repositories.delete("shop")
        world.repositories.delete("shop")

        assert world.names() == {"kept"}

    def test_a_repository_is_known_by_its_url(self, world: RepositoriesWorld) -> None:
        """With and without `.git`; a repository elsewhere has no name here."""
        url = world.repositories.create("shop", webhook_secret=HOOK_SECRET)

        assert world.repositories.name_of(url) == world.repositories.name_of(url.removesuffix(".git")) == "shop"
        clone = world.repositories.clone_urls("shop")
        assert clone.http == url
        assert clone.ssh.endswith("/shop.git")
        assert world.repositories.name_of(clone.ssh) == "shop"
        assert world.repositories.name_of("git@elsewhere.example.org:team/shop.git") == ""
        assert world.repositories.name_of("https://elsewhere.example.org/team/shop.git") == ""

    def test_an_outage_is_unavailable(self, world: RepositoriesWorld) -> None:
        """And nothing is created."""
        world.break_down()

        with pytest.raises(Unavailable):
            world.repositories.create("shop", webhook_secret=HOOK_SECRET)
