"""What changes an app, its hosts and its config."""

from typing import ClassVar

from functions.common.events.base import Event


class AppCreated(Event):
    """An app exists; `host` is where its production will answer."""

    type: ClassVar[str] = "dev.slipway.app.created.v1"

    host: str


class AppDeleted(Event):
    """An app is gone; `hosts` and `environments` are all that it had, `builds` the names of those that still run."""

    type: ClassVar[str] = "dev.slipway.app.deleted.v1"

    hosts: tuple[str, ...]
    environments: tuple[str, ...]
    builds: tuple[str, ...] = ()


class DomainAdded(Event):
    """A custom domain is to lead to an environment."""

    type: ClassVar[str] = "dev.slipway.domain.added.v1"

    host: str


class DomainRemoved(Event):
    """A custom domain is no longer wanted."""

    type: ClassVar[str] = "dev.slipway.domain.removed.v1"

    host: str


class ConfigChanged(Event):
    """Config was set or unset; the values are in the database, never here."""

    type: ClassVar[str] = "dev.slipway.config.changed.v1"

    keys: tuple[str, ...]
    actor: str = ""


class PreviewOpened(Event):
    """A branch got an environment of its own."""

    type: ClassVar[str] = "dev.slipway.preview.opened.v1"

    branch: str
    host: str


class PreviewClosed(Event):
    """A preview is to leave nothing behind."""

    type: ClassVar[str] = "dev.slipway.preview.closed.v1"

    branch: str
    host: str
    reason: str
