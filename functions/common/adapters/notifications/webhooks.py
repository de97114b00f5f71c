"""Notifications by HTTP: webhooks signed as standardwebhooks.com has it, and the form of Slack and Mattermost."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from functions.common.adapters.addresses import PublicAddresses
from functions.common.adapters.http_client import HttpClient
from functions.common.errors import Rejected
from functions.common.ports.clock import Clock
from functions.common.ports.notifications import Channel, ChannelGone, Notification

SECRET_PREFIX = "whsec_"  # noqa: S105 - no secret, but what marks one
_PORTS = {"http": 80, "https": 443}
_REMEDIES = {
    401: "check the target's URL, it may hold a secret that was changed",
    403: "check the target's URL, it may hold a secret that was changed",
    404: "the target does not exist: remove the channel and add it again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWebhooks:
    """Messenger for webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` over the raw body."""

    clock: Clock
    targets: PublicAddresses

    def send(self, notification: Notification, channel: Channel) -> None:
        """Post the notification; see Messenger."""
        body = {
            "type": notification.type,
            "timestamp": notification.at.isoformat(),
            "data": {"text": notification.text, "url": notification.url, **notification.fields},
        }
        content = json.dumps(body).encode()
        seconds = int(self.clock.now().timestamp())
        signed = f"{notification.id}.{seconds}.".encode() + content
        key = base64.b64decode(channel.secret.removeprefix(SECRET_PREFIX))
        signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        headers = {
            "webhook-id": notification.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": f"v1,{signature}",
        }
        _post(channel, content, headers, self.targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackWebhooks:
    """Messenger for incoming webhooks of Slack, Mattermost, and what takes their form."""

    targets: PublicAddresses

    def send(self, notification: Notification, channel: Channel) -> None:
        """Post the notification as a text; see Messenger."""
        mark = "\N{LARGE RED CIRCLE}" if notification.is_error else "\N{LARGE GREEN CIRCLE}"
        text = "\n".join(filter(None, (f"{mark} {_escaped(notification.text)}", notification.url)))
        _post(channel, json.dumps({"text": text}).encode(), {}, self.targets)


def _escaped(text: str) -> str:
    """Return the text without markup: these three characters begin it, as in `<!channel>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(channel: Channel, content: bytes, headers: Mapping[str, str], targets: PublicAddresses) -> None:
    try:
        parts = urlsplit(channel.target)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        msg = f"the target of the channel {channel.name} is not a URL: remove the channel and add it again"
        raise Rejected(msg) from None  # the error quotes the URL, with its secret
    client = HttpClient(
        service=f"the channel {channel.name} at {host}",
        url=f"{parts.scheme}://{parts.netloc}",
        headers={**headers, "Content-Type": "application/json", "User-Agent": "Slipway"},
        remedies=_REMEDIES,
        address=targets.address_of(host, port),
    )
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    answer = client.call("POST", path or "/", content=content, label="its URL")
    if answer.status == HTTPStatus.GONE:
        raise ChannelGone
    if not answer.is_success:
        raise client.refusal(answer, "a notification")
