"""Commit statuses in memory."""

from dataclasses import dataclass, field

from functions.common.errors import NotFound, Unavailable


@dataclass(slots=True, kw_only=True)
class FakeCommitStatuses:
    """CommitStatuses of one forge, which has these commits (repository, sha); set `down` to make it unavailable."""

    commits: set[tuple[str, str]] = field(default_factory=set)
    shown: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    posts: int = 0
    down: bool = False

    def post(self, repository: str, sha: str, *, state: str, description: str, context: str, target_url: str) -> None:
        """Keep the status by (sha, context)."""
        if self.down:
            msg = "the forge does not answer"
            raise Unavailable(msg)
        if repository not in {known for known, _ in self.commits}:
            return
        if (repository, sha) not in self.commits:
            msg = f"{repository} has no commit {sha}"
            raise NotFound(msg)
        self.posts += 1
        self.shown[sha, context] = (state, description, target_url)
