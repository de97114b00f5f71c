"""Notifications by email over SMTP."""

import smtplib
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from functions.common.errors import Rejected, Unavailable
from functions.common.ports.notifications import Channel, Notification

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = 10.0
_PORTS = {"smtp": 587, "smtps": 465}
_PERMANENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpEmails:
    """Messenger for emails. `url` is smtp://[USER:PASSWORD@]HOST[:PORT] (STARTTLS where offered) or smtps://."""

    url: str = field(repr=False)
    sender: str

    def send(self, notification: Notification, channel: Channel) -> None:
        """Send the notification as an email; see Messenger."""
        if not self.url:
            msg = "emails need the settings SMTP_URL and SMTP_FROM: an operator sets them"
            raise Rejected(msg)
        message = EmailMessage()
        message["From"], message["To"] = self.sender, channel.target
        message["Subject"] = " ".join(notification.title.split())[:200]
        message["Date"] = format_datetime(notification.at)
        # The same for each attempt: receivers drop a second copy.
        message["Message-ID"] = f"<{notification.id}@{self.sender.rpartition('@')[2] or 'slipway'}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content("\n\n".join(filter(None, (notification.text, notification.url))))
        with self._translated(channel), self._connected() as server:
            server.send_message(message)

    @contextmanager
    def _connected(self) -> "Iterator[smtplib.SMTP]":
        parts = urlsplit(self.url)
        host, port, context = parts.hostname or "", parts.port or _PORTS[parts.scheme], ssl.create_default_context()
        if parts.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT, context=context)
        else:
            connection = smtplib.SMTP(host, port, timeout=_TIMEOUT)
        with connection as server:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            yield server

    @contextmanager
    def _translated(self, channel: Channel) -> "Iterator[None]":
        """Translate errors. Texts of the server are left out where they may quote the login."""
        server = f"the mail server {urlsplit(self.url).hostname}"
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            msg = f"{server} refuses the login ({error.smtp_code}): an operator checks SMTP_URL"
            raise Rejected(msg) from None
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            raise _refusal(server, code, reason, f"the address of the channel {channel.name}") from None
        except smtplib.SMTPResponseException as error:
            raise _refusal(server, error.smtp_code, error.smtp_error, "the email") from None
        except (smtplib.SMTPException, OSError) as error:
            msg = f"{server} does not answer: {type(error).__name__}"
            raise Unavailable(msg) from error


def _refusal(server: str, code: int, reason: bytes | str, what: str) -> Rejected | Unavailable:
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    kind = Rejected if code >= _PERMANENT else Unavailable
    return kind(f"{server} refuses {what} with {code} ({text[:200]})")
