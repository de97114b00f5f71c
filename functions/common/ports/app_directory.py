"""Which app is meant."""

from typing import Protocol

from functions.common.domain.app import App


class AppDirectory(Protocol):
    """Finds apps; the time does not grow with their number."""

    def by_repository(self, *keys: str) -> tuple[App, ...]:
        """Return the apps of the repository that goes by these keys (domain.git_url.repository_key), by name."""
        ...

    def by_name(self, name: str) -> App | None:
        """Return the app with this name."""
        ...
