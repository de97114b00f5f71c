"""Channels of notifications, of one app or of every app."""

import base64
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from functions.common.errors import NotFound, Rejected
from functions.common.events.notification import NotificationRequested
from functions.common.ports.audit import AuditLog
from functions.common.ports.events import Changes
from functions.common.ports.notifications import Channel, ChannelKind, Channels, NotificationType
from functions.manage_apps.account import checked_email
from functions.manage_apps.errors import Conflict
from functions.manage_apps.models import Body, ChangeView, NoBody, NoQuery, PageView, View
from functions.manage_apps.operation import Answer, Call, operation

MAX_CHANNELS = 20
_SECRET_BYTES = 32


def _checked_name(name: str) -> str:
    if not name.isprintable() or "/" in name or name != name.strip():
        raise PydanticCustomError("name", "must be printable, without a slash and without spaces at its ends")  # noqa: EM101 - a template
    return name


def _checked_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1) and text.isascii()
    except ValueError:
        valid = False
    if not valid or not text.isprintable() or " " in text:
        raise PydanticCustomError("url", "must be a URL that begins with https:// or http://")  # noqa: EM101 - a template
    return text


class NewChannel(Body):
    """`target` is a URL, or an email address; `types` is empty for all types."""

    name: Annotated[str, Field(min_length=1, max_length=50), AfterValidator(_checked_name)]
    kind: ChannelKind
    target: str = Field(min_length=1, max_length=1000, repr=False)
    types: Annotated[tuple[NotificationType, ...], Field(max_length=len(NotificationType))] = ()
    errors_only: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _target_fits(self) -> Self:
        try:
            checked_email(self.target) if self.kind is ChannelKind.EMAIL else _checked_url(self.target)
        except PydanticCustomError as error:
            raise PydanticCustomError("target", "target: {reason}", {"reason": error.message_template}) from None  # noqa: EM101 - a template
        return self


class ChannelView(View):
    """A channel; the path of a URL is left out, since it may hold a secret. `disabled` says why nothing is sent."""

    name: str
    kind: ChannelKind
    target: str
    types: tuple[NotificationType, ...]
    errors_only: bool
    disabled: str


class ChannelPage(PageView):
    """Channels by name."""

    items: tuple[ChannelView, ...]


class AddedChannel(ChannelView):
    """`secret` verifies the signatures of a webhook; it is shown this once. Other kinds have none."""

    secret: str


class RemovedChannel(View):
    """The name of the channel that was removed."""

    removed: str


class TestedChannel(ChangeView):
    """The name of the channel to which a test is being sent."""

    tested: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationHandlers:
    """The handlers of channels. Without an app in the path they are about the channels of every app."""

    channels: Channels
    changes: Changes
    audit: AuditLog
    has_mail_server: bool

    @operation(NoQuery, NoBody, ChannelPage)
    def list_channels(self, call: Call[NoQuery, NoBody]) -> Answer[ChannelPage]:
        """List the channels of notifications."""
        items = tuple(map(_view, self.channels.of_app(_app(call))))
        return Answer(body=ChannelPage(items=items, next=None))

    @operation(NoQuery, NewChannel, AddedChannel, statuses=(201,), refusals=(409,))
    def add_channel(self, call: Call[NoQuery, NewChannel]) -> Answer[AddedChannel]:
        """Add a channel. The answer shows a webhook's secret, this once."""
        new, app = call.body, _app(call)
        if new.kind is ChannelKind.EMAIL and not self.has_mail_server:
            msg = "kind: this platform sends no email: an operator sets SMTP_URL and SMTP_FROM"
            raise Rejected(msg)
        secret = _new_secret() if new.kind is ChannelKind.WEBHOOK else ""
        channel = Channel(
            app=app,
            name=new.name,
            kind=new.kind,
            target=new.target,
            secret=secret,
            types=tuple(dict.fromkeys(new.types)),
            errors_only=new.errors_only,
        )
        with self.changes.begin():
            if len(self.channels.of_app(app)) >= MAX_CHANNELS:
                msg = f"there are {MAX_CHANNELS} channels, the most that are possible: remove one first"
                raise Conflict(msg)
            if not self.channels.add(channel):
                msg = f"name: there is a channel {new.name!r}: remove it first, or choose another name"
                raise Conflict(msg)
            self.audit.record(actor=call.actor, action="notification.add", target=app, detail=f"{new.name} {new.kind}")
        return Answer(status=201, body=AddedChannel(**dict(_view(channel)), secret=secret))

    @operation(NoQuery, NoBody, RemovedChannel)
    def remove_channel(self, call: Call[NoQuery, NoBody]) -> Answer[RemovedChannel]:
        """Remove a channel."""
        app, name = _app(call), call.path["name"]
        with self.changes.begin():
            if not self.channels.remove(app, name):
                raise _unknown(app, name)
            self.audit.record(actor=call.actor, action="notification.remove", target=app, detail=name)
        return Answer(body=RemovedChannel(removed=name))

    @operation(NoQuery, NoBody, TestedChannel, statuses=(202,))
    def test_channel(self, call: Call[NoQuery, NoBody]) -> Answer[TestedChannel]:
        """Send a test to a channel, as an event of its own."""
        app, name = _app(call), call.path["name"]
        channel = next((one for one in self.channels.of_app(app) if one.name == name), None)
        if channel is None:
            raise _unknown(app, name)
        with self.changes.begin() as change:
            change.announce(NotificationRequested(app=app, channel=channel.id), discriminator=channel.id)
            self.audit.record(actor=call.actor, action="notification.test", target=app, detail=name)
        return Answer(status=202, body=TestedChannel(tested=name), queued=change.queued)


def _app(call: Call[Any, Any]) -> str:
    return call.named_app.app.name if call.named_app else ""


def _view(channel: Channel) -> ChannelView:
    target = channel.target
    if channel.kind is not ChannelKind.EMAIL:
        parts = urlsplit(target)
        host = parts.netloc.rpartition("@")[2]
        target = f"{parts.scheme}://{host}/…" if parts.path.strip("/") or parts.query else f"{parts.scheme}://{host}"
    return ChannelView(
        name=channel.name,
        kind=channel.kind,
        target=target,
        types=channel.types,
        errors_only=channel.errors_only,
        disabled=channel.disabled,
    )


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _unknown(app: str, name: str) -> NotFound:
    of = f"--app {app}" if app else "--all"
    return NotFound(f"there is no channel {name!r}: see `paas notifications list {of}`")
