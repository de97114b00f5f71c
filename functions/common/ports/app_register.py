"""The apps as users see and change them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from functions.common.domain.app import App
from functions.common.domain.environment import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRecord:
    """`state` is new, deploying, live or failed, of production; `repository` names a repository that we made.

    `release` is the number of production's live release, 0 when there is none.
    """

    app: App
    repository: str
    state: str
    release: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedApp:
    """What a removed app had: its hosts below the default domain and its own, its environments, its running builds."""

    labels: tuple[str, ...]
    custom_domains: tuple[str, ...]
    environments: tuple[str, ...]
    builds: tuple[str, ...] = ()


class AppRegister(Protocol):
    """Reads apps."""

    def find(self, reference: str) -> AppRecord | None:
        """Return the app with this name or id."""
        ...

    def page(self, *, after: str, limit: int) -> tuple[AppRecord, ...]:
        """Return the apps whose names follow `after`, ordered by name."""
        ...


class AppEditor(Protocol):
    """Changes apps."""

    def add(self, app: App, *, repository: str) -> str:
        """Add the app and its production environment, and return its id; empty when the name is taken."""
        ...

    def set_source(self, name: str, *, git_url: str, branch: str) -> tuple[Environment, ...]:
        """Let another URL and branch feed production; close and return the open previews of that branch.

        What is empty stays as it is.
        """
        ...

    def remove(self, name: str) -> RemovedApp:
        """Remove the app and all that is kept of it but its events. Raises NotFound."""
        ...
