"""What the forge knows better than any webhook."""

from typing import Protocol


class ForgeHeads(Protocol):
    """Reads the branch heads of repositories."""

    def heads(self, clone_url: str) -> dict[str, str] | None:
        """Return branch -> sha, or None when this repository cannot be read (no access, not known)."""
        ...

    def head(self, clone_url: str, branch: str) -> str | None:
        """Return the branch's sha, empty when it does not exist, None when it cannot be read."""
        ...


class Repositories(Protocol):
    """Makes the repositories that users push to."""

    def create(self, name: str) -> str:
        """Make the repository and its webhook, and return its clone URL; a repeat changes nothing."""
        ...

    def delete(self, name: str) -> None:
        """Delete the repository; none there is no error."""
        ...


class CommitStatuses(Protocol):
    """Shows at a commit what became of it."""

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Set the status `context` of a commit; state is pending, success, failure or error."""
        ...
