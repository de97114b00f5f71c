"""Events of notifications."""

from typing import ClassVar

from functions.common.events.base import Event


class NotificationRequested(Event):
    """The event with the id `about` is to be sent to one channel; for a test of the channel `about` is empty."""

    type: ClassVar[str] = "dev.slipway.notification.requested.v1"

    channel: str
    about: str = ""
