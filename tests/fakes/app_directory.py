"""Apps in memory."""

from dataclasses import dataclass

from functions.common.domain.app import App
from functions.common.domain.git_url import repository_key
from tests.fakes.ledger_state import LedgerState


@dataclass(frozen=True, slots=True)
class FakeAppDirectory:
    """AppDirectory."""

    state: LedgerState

    def by_repository(self, *keys: str) -> tuple[App, ...]:
        """Return the apps of a repository; see AppDirectory."""
        self.state.check()
        apps = sorted(self.state.apps.values(), key=lambda app: app.name)
        return tuple(app for app in apps if app.git_url and repository_key(app.git_url) in keys)

    def by_name(self, name: str) -> App | None:
        """Return the app with this name; see AppDirectory."""
        self.state.check()
        return self.state.apps.get(name)
