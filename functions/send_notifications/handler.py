"""Requests one notification for each channel that takes an event, and sends those that are requested.

Each channel has an event of its own, so that the Broker retries and parks it alone.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from functions.common.events.base import CURRENT_CAUSE, Event
from functions.common.events.notification import NotificationRequested
from functions.common.ports.clock import Clock
from functions.common.ports.events import EventLog, EventSink
from functions.common.ports.notifications import (
    Channel,
    ChannelGone,
    ChannelKind,
    Channels,
    Messenger,
    Notification,
)
from functions.send_notifications.message import notification_of, notification_type, trial_notification

_log = logging.getLogger("slipway")


def request_notifications(event: Event, *, channels: Channels, sink: EventSink) -> None:
    """Publish a request for each channel of the app, and of every app, that takes the event."""
    type_ = notification_type(event.type)
    for channel in (*channels.of_app(event.app), *channels.of_app("")):
        if channel.takes(type_):
            request = NotificationRequested(
                app=event.app,
                environment=event.environment,
                push=event.push,
                channel=channel.id,
                about=CURRENT_CAUSE.get().id,
            )
            sink.publish(request, discriminator=channel.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends requested notifications."""

    channels: Channels
    log: EventLog
    messengers: Mapping[ChannelKind, Messenger]
    clock: Clock

    def send(self, event: NotificationRequested) -> None:
        """Send one, unless its channel was removed or disabled since. Raises as Messenger does."""
        channel = self.channels.find(event.channel)
        if channel is None or channel.disabled:
            return
        notification = self._notification(event, channel)
        if notification is None:
            return
        try:
            self.messengers[channel.kind].send(notification, channel)
        except ChannelGone:
            self.channels.disable(channel.id, "the receiver answered 410: it wants no more")
            _log.warning("channel %s of %s is disabled: its receiver is gone", channel.name, channel.app or "every app")

    def _notification(self, event: NotificationRequested, channel: Channel) -> Notification | None:
        """Return what to send; the recorded event counts, not what the request says about it."""
        identity = CURRENT_CAUSE.get().id
        if not event.about:
            return trial_notification(channel, identity, self.clock.now())
        about = self.log.find(event.about)
        if about is None or channel.app not in {"", about.extensions.get("slipwayapp", "")}:
            return None
        return notification_of(about, identity)
