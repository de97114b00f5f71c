"""What a notification says about each event."""

from collections.abc import Mapping
from datetime import datetime

from functions.common.events.base import TYPE_PREFIX
from functions.common.events.envelope import Envelope
from functions.common.ports.notifications import Channel, Notification, NotificationType

# Fields of events that receivers may see; logs are left out, since an app's may hold secrets.
_PUBLIC = ("app", "environment", "push", "sha", "build", "step", "reason", "release", "digest", "host", "url")
_LONGEST = 2_000


def notification_type(event_type: str) -> NotificationType:
    """Return the type without prefix and version, such as `release.live`."""
    return NotificationType(event_type.removeprefix(TYPE_PREFIX).rpartition(".")[0])


def notification_of(event: Envelope, identity: str) -> Notification:
    """Return the notification of an event."""
    type_, fields = notification_type(event.type), {name: event.data[name] for name in _PUBLIC if event.data.get(name)}
    text = " ".join(_sentence(type_, fields).split())[:_LONGEST]
    return Notification(
        id=identity,
        type=type_,
        at=datetime.fromisoformat(event.time),
        title=f"{event.subject}: {type_.replace('.', ' ')}",
        text=text,
        url=str(fields.get("url", "")),
        is_error=type_.is_error,
        fields=fields,
    )


def trial_notification(channel: Channel, identity: str, at: datetime) -> Notification:
    """Return the notification that a test of a channel sends."""
    text = f"This is a test of the channel {channel.name} of {channel.app or 'every app'}."
    return Notification(id=identity, type="channel.test", at=at, title="Slipway: test of a channel", text=text)


def _sentence(type_: NotificationType, fields: Mapping[str, str | int]) -> str:
    where = f"{fields.get('app')} ({fields['environment']})" if fields.get("environment") else f"{fields.get('app')}"
    commit = f" (commit {str(fields['sha'])[:7]})" if fields.get("sha") else ""
    match type_:
        case NotificationType.RELEASE_LIVE:
            return f"{where}: v{fields.get('release')} is live{commit}"
        case NotificationType.RELEASE_FAILED:
            failed = f"v{fields.get('release')} failed at {fields.get('step')}{commit}"
            return f"{where}: {failed}: {fields.get('reason')}. The version before it goes on serving."
        case NotificationType.BUILD_FAILED:
            return f"{where}: the build failed at {fields.get('step')}{commit}: {fields.get('reason')}"
        case NotificationType.CERTIFICATE_FAILED:
            return f"{where}: {fields.get('host')} has no valid certificate: {fields.get('reason')}"
        case NotificationType.DNS_REFUSED:
            return f"{where}: the DNS record of {fields.get('host')} is not changed: {fields.get('reason')}"
