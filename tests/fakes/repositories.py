"""Repositories in memory."""

from dataclasses import dataclass, field

from functions.common.domain.git_url import path_at
from functions.common.errors import Unavailable


@dataclass(slots=True, kw_only=True)
class FakeRepositories:
    """Repositories as names; set `down` to make the forge unavailable."""

    base_url: str = "http://git.example.org/slipway"
    names: set[str] = field(default_factory=set)
    down: bool = False

    def create(self, name: str) -> str:
        """Create a repository; see Repositories."""
        self._answer()
        self.names.add(name)
        return f"{self.base_url}/{name}.git"

    def delete(self, name: str) -> None:
        """Delete a repository; see Repositories."""
        self._answer()
        self.names.discard(name)

    def name_of(self, url: str) -> str:
        """Return the name of a repository here; see Repositories."""
        return path_at(url, base_url=self.base_url)

    def _answer(self) -> None:
        if self.down:
            msg = "the forge does not answer"
            raise Unavailable(msg)
