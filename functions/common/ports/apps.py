"""Apps: who may call for them, how they are found and changed, their config, domains and environments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from functions.common.domain.app import App
from functions.common.domain.environment import Environment

# Which app is meant.


class AppDirectory(Protocol):
    """Finds apps; the time does not grow with their number."""

    def by_repository(self, *keys: str) -> tuple[App, ...]:
        """Return the apps of the repository that goes by these keys (domain.git_url.repository_key), by name."""
        ...

    def by_name(self, name: str) -> App | None:
        """Return the app with this name."""
        ...


# The apps as users see and change them.


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


# The config of apps: environment variables, most of them secrets.


class ConfigScope(StrEnum):
    """Which environments get a value."""

    PRODUCTION = "production"
    PREVIEW = "preview"


class ConfigVars(Protocol):
    """Keeps values; whoever reads them must not log, publish or answer them."""

    def read(self, app: str, scope: ConfigScope) -> dict[str, str]:
        """Return key -> value."""
        ...

    def change(self, app: str, scope: ConfigScope, changes: Mapping[str, str | None]) -> tuple[str, ...]:
        """Set values, unset those that are None, and return the keys whose value is another now, sorted."""
        ...


# Hosts of users' own that lead to apps.


class Domains(Protocol):
    """Custom domains; each belongs to one app."""

    def add(self, app: str, host: str) -> str:
        """Give the host to the app and return its owner, which is another app when that one had it before."""
        ...

    def remove(self, app: str, host: str) -> bool:
        """Take the host from the app; False when the app does not have it."""
        ...


# The environments of apps.


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The environment as it stands; `fresh` until the first push since its opening is admitted.

    Who opens a fresh preview announces it before admitting a push: after a crash in between, the next
    caller finds it fresh still.
    """

    environment: Environment
    fresh: bool


class Environments(Protocol):
    """Opens and closes environments."""

    def open(self, wanted: Environment) -> Opened:
        """Make sure that the branch has its environment, open; a closed preview is opened again.

        A branch keeps the preview it had. One whose name another branch holds gets another name.
        """
        ...

    def close_previews(self, apps: Sequence[str], branch: str) -> tuple[Environment, ...]:
        """Close the branch's previews; return all that are closed now, before this call too, by app."""
        ...


# Previews that are to go, and those that are gone.


class PreviewKeeper(Protocol):
    """Ends previews that nobody needs."""

    def expired(self, *, older_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return open previews whose last push is so long ago."""
        ...

    def orphaned(self, *, limit: int) -> tuple[Environment, ...]:
        """Return open previews whose repository was looked at since their last push and has their branch no more."""
        ...

    def close(self, app: str, environment: str) -> bool:
        """Close a preview; False when it is closed already."""
        ...


class PreviewSweeper(Protocol):
    """Remembers which closed previews have left nothing behind."""

    def unswept(self, *, longer_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return previews closed for so long of which something may be left."""
        ...

    def leftovers(self, host: str) -> tuple[str, ...]:
        """Return in words what is remembered of a host: its record, its certificate."""
        ...

    def swept(self, app: str, environment: str) -> None:
        """Note that nothing of the closed preview is left."""
        ...


# Who may call the API.


class Role(StrEnum):
    """A viewer reads, a deployer changes apps, an admin also reads secrets and gives tokens."""

    VIEWER = "viewer"
    DEPLOYER = "deployer"
    ADMIN = "admin"

    def covers(self, other: "Role") -> bool:
        """Return whether this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token that is in force; the token itself is kept nowhere."""

    name: str
    role: Role
    created_at: datetime


class ApiTokens(Protocol):
    """Keeps tokens by the SHA-256 of each, in hex."""

    def find(self, digest: str) -> ApiToken | None:
        """Return the token in force with this digest."""
        ...

    def add(self, name: str, role: Role, *, digest: str) -> bool:
        """Add a token; False when one of this name is in force."""
        ...

    def revoke(self, name: str) -> bool:
        """End the token of this name at once; False when there is none in force."""
        ...


# Who did what; refused requests too.


class AuditLog(Protocol):
    """Keeps who did what to which thing."""

    def record(self, *, actor: str, action: str, target: str = "", detail: str = "") -> None:
        """Record one act; never pass a secret."""
        ...
