"""What every ForgeHeads keeps to."""

from typing import Protocol

from functions.common.ports.forge import ForgeHeads


class HeadsWorld(Protocol):
    """A forge with one repository, and a way to push to it."""

    url: str

    @property
    def heads(self) -> ForgeHeads:
        """Return what is under test."""
        ...

    def push(self, *branches: str) -> str:
        """Let these branches be at a new commit, and return its sha."""
        ...

    def delete(self, branch: str) -> None:
        """Delete a branch."""
        ...


class ForgeHeadsContract:
    """To be subclassed with a fixture `world`."""

    def test_a_repository_without_branches_has_no_heads(self, world: HeadsWorld) -> None:
        """It can be read all the same."""
        assert world.heads.heads(world.url) == {}
        assert world.heads.head(world.url, "main") == ""

    def test_heads_are_where_branches_were_pushed_to(self, world: HeadsWorld) -> None:
        """A branch may have a slash; one that was deleted has no sha."""
        first = world.push("main", "feature/x", "gone")
        second = world.push("main")
        world.delete("gone")

        assert world.heads.heads(world.url) == {"main": second, "feature/x": first}
        found = [world.heads.head(world.url, branch) for branch in ("main", "feature/x", "gone", "never")]
        assert found == [second, first, "", ""]

    def test_the_same_repository_goes_by_more_than_one_url(self, world: HeadsWorld) -> None:
        """With .git and without."""
        sha = world.push("main")

        assert world.heads.head(world.url.removesuffix(".git"), "main") == sha

    def test_what_is_not_there_cannot_be_read(self, world: HeadsWorld) -> None:
        """That is not the same as having no branches."""
        other = world.url.replace("hello", "other")

        assert world.heads.heads(other) is None
        assert world.heads.head(other, "main") is None
