"""The contract of ForgeHeads."""

from typing import Protocol

from functions.common.ports.forge import ForgeHeads


class HeadsWorld(Protocol):
    """A forge with one repository, and methods to push to it."""

    url: str

    @property
    def heads(self) -> ForgeHeads:
        """Return the port under test."""
        ...

    def push(self, *branches: str) -> str:
        """Push a new commit to these branches and return its sha."""
        ...

    def delete(self, branch: str) -> None:
        """Delete a branch."""
        ...


class ForgeHeadsContract:
    """Subclasses provide the fixture `world`."""

    def test_a_repository_without_branches_has_no_heads(self, world: HeadsWorld) -> None:
        """It can be read."""
        assert world.heads.heads(world.url) == {}
        assert world.heads.head(world.url, "main") == ""

    def test_heads_follow_pushes(self, world: HeadsWorld) -> None:
        """A branch may contain a slash; a deleted one has no sha."""
        first = world.push("main", "feature/x", "gone")
        second = world.push("main")
        world.delete("gone")

        assert world.heads.heads(world.url) == {"main": second, "feature/x": first}
        found = [world.heads.head(world.url, branch) for branch in ("main", "feature/x", "gone", "never")]
        assert found == [second, first, "", ""]

    def test_a_repository_has_more_than_one_url(self, world: HeadsWorld) -> None:
        """With .git and without."""
        sha = world.push("main")

        assert world.heads.head(world.url.removesuffix(".git"), "main") == sha

    def test_a_repository_that_does_not_exist_cannot_be_read(self, world: HeadsWorld) -> None:
        """That is not the same as having no branches."""
        other = world.url.replace("hello", "other")

        assert world.heads.heads(other) is None
        assert world.heads.head(other, "main") is None
