"""The forge adapters when no forge with an API is configured."""

from functions.common.domain.git_url import CloneUrls
from functions.common.errors import Rejected


class NoForge:
    """ForgeHeads, RepositoryNames, Repositories and CommitStatuses without a forge."""

    def heads(self, clone_url: str) -> dict[str, str] | None:  # noqa: ARG002 - nothing can be read
        """Return None; see ForgeHeads."""
        return None

    def head(self, clone_url: str, branch: str) -> str | None:  # noqa: ARG002 - as above
        """Return None; see ForgeHeads."""
        return None

    def urls_of(self, clone_url: str, number: str) -> tuple[str, ...] | None:  # noqa: ARG002 - as above
        """Return None; see RepositoryNames."""
        return None

    def create(self, name: str, *, webhook_secret: str) -> str:  # noqa: ARG002 - nothing is created
        """Raise Rejected: an app needs the URL of an existing repository."""
        msg = f"repository {name} cannot be created: set GITEA_URL and GITEA_TOKEN, or give the app a git URL"
        raise Rejected(msg)

    def admit(self, name: str, username: str) -> None:
        """Do nothing; see Repositories."""

    def set_webhook(self, name: str, *, webhook_secret: str) -> None:
        """Do nothing; see Repositories."""

    def delete(self, name: str) -> None:
        """Do nothing; see Repositories."""

    def clone_urls(self, name: str) -> CloneUrls:  # noqa: ARG002 - it creates none
        """Return none; see Repositories."""
        return CloneUrls()

    def name_of(self, url: str) -> str:  # noqa: ARG002 - it creates none
        """Return nothing; see Repositories."""
        return ""

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Do nothing; see CommitStatuses."""
