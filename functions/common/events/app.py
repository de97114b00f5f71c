"""Events of apps, their hosts and their config."""

from typing import ClassVar

from functions.common.events.base import Event


class AppCreated(Event):
    """An app was created; `host` is production's host."""

    type: ClassVar[str] = "dev.slipway.app.created.v1"

    host: str


class AppDeleted(Event):
    """An app was deleted, with all its hosts and environments; `builds` are the names of those that still run."""

    type: ClassVar[str] = "dev.slipway.app.deleted.v1"

    hosts: tuple[str, ...]
    environments: tuple[str, ...]
    builds: tuple[str, ...] = ()


class DomainAdded(Event):
    """A custom domain was added to an environment."""

    type: ClassVar[str] = "dev.slipway.domain.added.v1"

    host: str


class DomainRemoved(Event):
    """A custom domain was removed."""

    type: ClassVar[str] = "dev.slipway.domain.removed.v1"

    host: str


class ConfigChanged(Event):
    """Config was set or unset; the values are in the database only."""

    type: ClassVar[str] = "dev.slipway.config.changed.v1"

    keys: tuple[str, ...]
    actor: str = ""


class PreviewOpened(Event):
    """A branch got a preview."""

    type: ClassVar[str] = "dev.slipway.preview.opened.v1"

    branch: str
    host: str


class PreviewClosed(Event):
    """A preview was closed; its workload, DNS record and certificate are to be removed."""

    type: ClassVar[str] = "dev.slipway.preview.closed.v1"

    branch: str
    host: str
    reason: str


class AccountChanged(Event):
    """The SSH keys or roles of a user changed, and must be put into the forge; what holds now is in the database."""

    type: ClassVar[str] = "dev.slipway.account.changed.v1"

    actor: str = ""
