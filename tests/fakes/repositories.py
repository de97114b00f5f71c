"""Repositories in memory."""

from dataclasses import dataclass, field

from functions.common.domain.git_url import CloneUrls, path_at
from functions.common.errors import SlipwayError, Unavailable


@dataclass(slots=True, kw_only=True)
class FakeRepositories:
    """Repositories as names; set `down` to make the forge unavailable."""

    base_url: str = "http://git.example.org/slipway"
    ssh_url: str = "ssh://git@git.example.org:2222/slipway"
    names: set[str] = field(default_factory=set)
    down: bool = False
    admitted: list[tuple[str, str]] = field(default_factory=list)
    refusal: SlipwayError | None = None
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    def create(self, name: str, *, webhook_secret: str) -> str:
        """Create a repository; see Repositories."""
        self.set_webhook(name, webhook_secret=webhook_secret)
        self.names.add(name)
        return f"{self.base_url}/{name}.git"

    def admit(self, name: str, username: str) -> None:
        """Record that a user may push; see Repositories."""
        if self.refusal:
            raise self.refusal
        self.admitted.append((name, username))

    def set_webhook(self, name: str, *, webhook_secret: str) -> None:
        """Set the secret of a repository's webhook; see Repositories."""
        self._answer()
        self.secrets[name] = webhook_secret

    def delete(self, name: str) -> None:
        """Delete a repository; see Repositories."""
        self._answer()
        self.names.discard(name)

    def clone_urls(self, name: str) -> CloneUrls:
        """Return the clone URLs of a repository; see Repositories."""
        return CloneUrls(http=f"{self.base_url}/{name}.git", ssh=f"{self.ssh_url}/{name}.git")

    def name_of(self, url: str) -> str:
        """Return the name of a repository here; see Repositories."""
        return path_at(url.replace(self.ssh_url, self.base_url), base_url=self.base_url)

    def _answer(self) -> None:
        if self.down:
            msg = "the forge does not answer"
            raise Unavailable(msg)
