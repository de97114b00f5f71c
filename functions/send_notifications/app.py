"""Composition root of send-notifications."""

from functools import partial

from functions.common.adapters.addresses import PublicAddresses
from functions.common.adapters.notifications.email import SmtpEmails
from functions.common.adapters.notifications.webhooks import SignedWebhooks, SlackWebhooks
from functions.common.adapters.postgres.notifications import PostgresChannels
from functions.common.events.build import BuildFailed
from functions.common.events.network import CertificateFailed, DnsRefused
from functions.common.events.notification import NotificationRequested
from functions.common.events.release import ReleaseFailed, ReleaseLive
from functions.common.platform.core import Core, check_migrations, core
from functions.common.ports.notifications import ChannelKind
from functions.common.runtime.http import Endpoint, http_target
from functions.common.runtime.subscriber import on, subscriber
from functions.send_notifications.handler import Sender, request_notifications


def compose(parts: Core) -> Endpoint:
    """Return the endpoint of these parts."""
    given, channels = parts.settings.notifications, PostgresChannels(database=parts.database, cipher=parts.cipher)
    targets = PublicAddresses(internal=given.internal, setting="SLIPWAY_NOTIFY_INTERNAL")
    sender = Sender(
        channels=channels,
        log=parts.log,
        messengers={
            ChannelKind.WEBHOOK: SignedWebhooks(clock=parts.clock, targets=targets),
            ChannelKind.SLACK: SlackWebhooks(targets=targets),
            ChannelKind.EMAIL: SmtpEmails(url=given.smtp_url.get_secret_value(), sender=given.sender),
        },
        clock=parts.clock,
    )
    request = partial(request_notifications, channels=channels, sink=parts.sink)
    return subscriber(
        "send-notifications",
        on(BuildFailed, request),
        on(ReleaseLive, request),
        on(ReleaseFailed, request),
        on(CertificateFailed, request),
        on(DnsRefused, request),
        on(NotificationRequested, sender.send),
        log=parts.log,
        clock=parts.clock,
        token=parts.event_token,
    )


def create() -> Endpoint:
    """Return the endpoint as this process is configured."""
    return compose(core())


send_notifications = http_target(create, check_migrations)
