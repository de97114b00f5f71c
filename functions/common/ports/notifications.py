"""Notifications: the channels that users add, and what sends to them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class ChannelKind(StrEnum):
    """How a channel is reached: a signed webhook, a webhook that takes Slack's form, or an email."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"


class NotificationType(StrEnum):
    """The events that notifications are sent for, by their short types."""

    RELEASE_LIVE = "release.live"
    RELEASE_FAILED = "release.failed"
    BUILD_FAILED = "build.failed"
    CERTIFICATE_FAILED = "certificate.failed"
    DNS_REFUSED = "dns.refused"

    @property
    def is_error(self) -> bool:
        """Whether a channel for errors only takes it."""
        return self is not NotificationType.RELEASE_LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel: `app` is empty for every app, `types` is empty for all types of events.

    `target` is a URL or an email address; URLs of chats hold a secret. `secret` signs webhooks. `disabled` is the
    reason why nothing is sent, empty when the channel is in use. `id` is empty until the channel is added.
    """

    name: str
    kind: ChannelKind
    target: str = field(repr=False)
    app: str = ""
    secret: str = field(default="", repr=False)
    types: tuple[NotificationType, ...] = ()
    errors_only: bool = False
    disabled: str = ""
    id: str = ""

    def takes(self, type_: NotificationType) -> bool:
        """Return whether an event of this type goes to the channel."""
        wanted = not self.types or type_ in self.types
        return wanted and not self.disabled and (type_.is_error or not self.errors_only)


class Channels(Protocol):
    """Keeps channels."""

    def of_app(self, app: str) -> tuple[Channel, ...]:
        """Return the channels of this app alone, or those of every app when `app` is empty, by name."""
        ...

    def add(self, channel: Channel) -> bool:
        """Add a channel; False when its app, or every app, has one of that name."""
        ...

    def remove(self, app: str, name: str) -> bool:
        """Remove a channel; False when there is none."""
        ...

    def find(self, channel: str) -> Channel | None:
        """Return the channel with this id."""
        ...

    def disable(self, channel: str, reason: str) -> None:
        """Send nothing to the channel from now on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What is sent. `id` is the same for each attempt, `type` the short type of the event, `fields` its public data."""

    id: str
    type: str
    at: datetime
    title: str
    text: str
    url: str = ""
    is_error: bool = False
    fields: dict[str, str | int] = field(default_factory=dict)


class ChannelGone(Exception):
    """The receiver answered that it wants no further notifications (HTTP 410)."""


class Messenger(Protocol):
    """Sends notifications to channels of one kind."""

    def send(self, notification: Notification, channel: Channel) -> None:
        """Send once. Raises Unavailable when it may work later, Rejected when it cannot, ChannelGone for good."""
        ...
