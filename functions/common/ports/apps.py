"""Apps: their records, config, domains and environments; the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from functions.common.domain.app import EVERYTHING, App, Visibility
from functions.common.domain.environment import Environment
from functions.common.domain.git_url import CloneUrls
from functions.common.errors import SlipwayError


class AppDirectory(Protocol):
    """Finds the apps of a repository."""

    def by_repository(self, *keys: str) -> tuple[App, ...]:
        """Return the apps whose repository has one of these keys (domain.git_url.repository_key), by name.

        The time does not grow with the number of apps.
        """
        ...

    def owning(self, repository: str) -> App | None:
        """Return the app for which Slipway created the repository with this name, wherever the app deploys from now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSource:
    """The repository of an app: its URL, and its identity (domain.git_url.identity_of), empty until one is known."""

    git_url: str
    identity: str


class AppIdentities(Protocol):
    """Knows the repositories of apps by what a forge calls them for good."""

    def source(self, app: str) -> KnownSource | None:
        """Return an app's repository, None without one."""
        ...

    def identify(self, app: str, git_url: str, identity: str) -> None:
        """Record the identity of an app's repository, unless the app has another URL by now."""
        ...

    def move(self, app: str, old: str, new: str) -> bool:
        """Give an app the new URL of its repository, and its pushes the new key.

        False, changing nothing, when the app has another URL by now, or another app has a repository of the new key.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRecord:
    """An app as the API shows it.

    `state` is production's: new, deploying, live, failed or undeployed. `repository` names a repository that Slipway
    created. `release` is the number of production's live release, 0 without one, `image` that release's image.
    `deployment` is none, pending, running or failed; `replicas` are the wanted web processes of production.
    `push_follow` is whether `git push` prints the build and the release, where the git server is Slipway's.
    """

    app: App
    repository: str
    state: str
    release: int
    created_at: datetime
    clone: CloneUrls = field(default_factory=CloneUrls)
    image: str = ""
    deployment: str = "none"
    replicas: int = 1
    push_follow: bool = True


class AppRegister(Protocol):
    """Reads apps."""

    def find(self, reference: str) -> AppRecord | None:
        """Return the app with this name or id."""
        ...

    def page(self, *, after: str, limit: int, visible: Visibility = EVERYTHING) -> tuple[AppRecord, ...]:
        """Return the visible apps whose names follow `after`, ordered by name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedApp:
    """What a removed app had: labels below the default domain, custom domains, environments and running builds."""

    labels: tuple[str, ...]
    custom_domains: tuple[str, ...]
    environments: tuple[str, ...]
    builds: tuple[str, ...] = ()


class AppEditor(Protocol):
    """Changes apps."""

    def add(self, app: App, *, repository: str, owner: str = "", replicas: int = 1) -> str:
        """Add the app with its production environment and return its id; empty when the name is taken.

        `owner` is the id of a user, empty when only administrators own it. `replicas` are its web processes until it is
        scaled.
        """
        ...

    def set_source(self, name: str, *, git_url: str, branch: str, root: str | None = None) -> tuple[Environment, ...]:
        """Set the URL and the branch of production, and the app's folder; an empty value, or None, changes nothing.

        Closes and returns the open previews of that branch. Raises NotFound.
        """
        ...

    def set_push_follow(self, name: str, *, follow: bool) -> None:
        """Set whether `git push` prints the build and the release. Raises NotFound."""
        ...

    def set_clone_urls(self, name: str, urls: CloneUrls) -> None:
        """Record where the app's repository can be cloned from. Raises NotFound."""
        ...

    def set_repository(self, name: str, *, git_url: str, repository: str) -> None:
        """Set the URL, and the name of the repository that Slipway created; both may be empty. Raises NotFound."""
        ...

    def remove(self, name: str) -> RemovedApp:
        """Remove the app with everything recorded for it except its events. Raises NotFound."""
        ...


class AppWebhooks(Protocol):
    """Sets the webhook secrets of apps; callers must not log or publish them."""

    def has(self, app: str) -> bool:
        """Return whether the app has a secret of its own."""
        ...

    def put(self, app: str, secret: str) -> None:
        """Set the app's secret."""
        ...

    def join(self, app: str, secret: str) -> bool:
        """Set the secret of an app that has a new repository, unless an app of that repository has none.

        Then the hook has the forge's secret, which would end to be accepted: return False, and leave the app without.
        """
        ...

    def remove(self, app: str) -> bool:
        """Remove the app's secret; False when it has none."""
        ...


class ConfigScope(StrEnum):
    """The environments that get a value."""

    PRODUCTION = "production"
    PREVIEW = "preview"


class Cipher(Protocol):
    """Encrypts texts with a key that is not in the database."""

    def seal(self, text: str) -> str:
        """Return the text, encrypted with the newest key; as it is when there is no key."""
        ...

    def open(self, sealed: str) -> str:
        """Return the text; one that is not encrypted as it is. Raises Rejected when no key opens it."""
        ...

    def renew(self, sealed: str) -> str:
        """Return the text encrypted with the newest key: the same when it is so already. Raises as `open`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveConfig:
    """The live release of an open environment; `differs` are the keys whose values it has not as they are set now."""

    environment: str
    release: int
    differs: tuple[str, ...]


class ConfigVars(Protocol):
    """Stores apps' environment variables, encrypted. Most are secrets: callers must not log, publish or return them."""

    def read(self, app: str, scope: ConfigScope) -> dict[str, str]:
        """Return key -> value."""
        ...

    def change(self, app: str, scope: ConfigScope, changes: Mapping[str, str | None]) -> tuple[str, ...]:
        """Set values, unset those that are None, and return the keys that changed, sorted."""
        ...

    def restore(self, app: str, scope: ConfigScope, release: tuple[str, int], keys: Sequence[str]) -> tuple[str, ...]:
        """Set keys to the values of a release, given as environment and number; return those that it does not have.

        Nothing is set when it lacks one of them.
        """
        ...

    def live(self, app: str, scope: ConfigScope) -> tuple[LiveConfig, ...]:
        """Return the live releases of the environments that have this config, at most 50, by environment."""
        ...

    def differing(self, app: str, scope: ConfigScope, release: tuple[str, int]) -> tuple[str, ...]:
        """Return the keys whose values are others now than in a release, given as environment and number; sorted."""
        ...

    def renew(self) -> int:
        """Encrypt every value with the newest key, those of releases too; return how many had another key or none."""
        ...


class FirstConfig(Protocol):
    """Gives an app's production what its repository declares, where nothing is set."""

    def fill(self, app: str, values: Mapping[str, str]) -> frozenset[str] | None:
        """Set the config that has no value, and return all keys that have one.

        Does nothing and returns None when a release of production was live: since then a person decides.
        """
        ...

    def scale(self, app: str, replicas: Mapping[str, int]) -> None:
        """Set the numbers of process types that were never scaled."""
        ...


class SealedSecrets(Protocol):
    """All secrets that are stored encrypted: config, secrets of webhooks, and where notifications go."""

    def renew(self) -> int:
        """Encrypt every one with the newest key; return how many had another key or none. Raises as Cipher.open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedEnvironment:
    """An open environment; `is_new` until the first push after its opening is admitted.

    The caller publishes a new preview before it admits a push: after a crash in between, the next caller
    still finds it new.
    """

    environment: Environment
    is_new: bool


class TooManyPreviews(SlipwayError):
    """The app has as many open previews as it may have."""


class Environments(Protocol):
    """Opens and closes environments."""

    def open(self, wanted: Environment, *, previews: int = 0) -> OpenedEnvironment:
        """Open the environment of a branch; a closed preview is reopened.

        A branch keeps its preview. When another branch has the name, the preview gets another one. Raises
        TooManyPreviews, changing nothing, when it would be one more than `previews`; 0 sets no limit.
        """
        ...

    def close_previews(self, apps: Sequence[str], branch: str) -> tuple[Environment, ...]:
        """Close the branch's previews; return all closed ones, also those closed before this call, by app."""
        ...


class StalePreviews(Protocol):
    """Finds open previews that are no longer used, and closes them."""

    def expired(self, *, older_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return open previews whose last push is older than this."""
        ...

    def orphaned(self, *, limit: int) -> tuple[Environment, ...]:
        """Return open previews whose branch is missing from heads that were read after their last push."""
        ...

    def close(self, app: str, environment: str) -> bool:
        """Close a preview; False when it is closed already."""
        ...


class PreviewSweeper(Protocol):
    """Records which closed previews have been cleaned up."""

    def unswept(self, *, longer_than: timedelta, limit: int) -> tuple[Environment, ...]:
        """Return previews that have been closed for this long and are not marked as swept."""
        ...

    def leftovers(self, host: str) -> tuple[str, ...]:
        """Return, in words, what is still recorded for a host: its DNS record, its certificate."""
        ...

    def mark_swept(self, app: str, environment: str) -> None:
        """Record that nothing of the closed preview is left."""
        ...
