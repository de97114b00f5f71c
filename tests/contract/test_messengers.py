"""Messengers on real receivers: signatures, a mail server, and which addresses may be called."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from functions.common.adapters.addresses import PublicAddresses
from functions.common.adapters.forges.signatures import standard_webhooks_mismatch
from functions.common.adapters.notifications.email import SmtpEmails
from functions.common.adapters.notifications.webhooks import SignedWebhooks
from functions.common.errors import Rejected, Unavailable
from functions.common.ports.notifications import Channel, ChannelKind, Notification
from tests.fakes.clock import FakeClock
from tests.fakes.loopback import Call, Reply, served

SETTING = "SLIPWAY_NOTIFY_INTERNAL"
SECRET = "whsec_" + base64.b64encode(b"a" * 32).decode()
NOTE = Notification(
    id="n-1",
    type="release.live",
    at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    title="hello/production: release live",
    text="hello: v7 is live",
    url="https://hello.example.org/",
    fields={"app": "hello", "release": 7},
)
HOOK = Channel(name="hook", kind=ChannelKind.WEBHOOK, target="", secret=SECRET, app="hello")
MAIL = Channel(name="mail", kind=ChannelKind.EMAIL, target="dev@example.org", app="hello")


class Keeper:
    """Keeps requests."""

    def __init__(self) -> None:
        self.calls = list[Call]()

    def answer(self, call: Call) -> Reply:
        """Answer 204."""
        self.calls.append(call)
        return Reply(status=204)


def test_a_receiver_can_verify_the_signature_and_no_other_secret_fits() -> None:
    keeper, clock = Keeper(), FakeClock()
    with served(keeper) as url:
        messenger = SignedWebhooks(clock=clock, targets=PublicAddresses(setting=SETTING, internal=("127.0.0.1",)))
        messenger.send(NOTE, replace(HOOK, target=url + "/in?key=1"))

    (call,) = keeper.calls
    body, other = json.dumps(call.body).encode(), "whsec_" + base64.b64encode(b"b" * 32).decode()
    assert (call.path, call.query, call.headers["webhook-id"]) == ("/in", {"key": "1"}, "n-1")
    assert standard_webhooks_mismatch(call.headers, body, secret=SECRET, now=clock.now()) == ""
    assert standard_webhooks_mismatch(call.headers, body + b" ", secret=SECRET, now=clock.now()) != ""
    assert standard_webhooks_mismatch(call.headers, body, secret=other, now=clock.now()) != ""
    assert call.body["data"] | {"app": "hello", "release": 7} == call.body["data"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.1.2.3",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::10.1.2.3]",  # a NAT64 of the network leads there
        "[64:ff9b:1::7f00:1]",
        "[2002:a9fe:a9fe::1]",  # so does a 6to4 router
        "[fec0::1]",
        "[ff0e::1]",
        "0.0.0.0",  # noqa: S104 - refused here
        "224.0.0.1",
        "2130706433",
        "0x7f.1",
    ],
)
def test_addresses_inside_are_not_called(host: str) -> None:
    messenger = SignedWebhooks(clock=FakeClock(), targets=PublicAddresses(setting=SETTING))
    with pytest.raises(Rejected, match="SLIPWAY_NOTIFY_INTERNAL"):
        messenger.send(NOTE, replace(HOOK, target=f"http://{host}:1/secret"))


def test_an_operator_allows_hosts_and_networks_inside() -> None:
    assert PublicAddresses(setting=SETTING, internal=("localhost",)).address_of("LocalHost", 80) in {"127.0.0.1", "::1"}
    assert (
        PublicAddresses(setting=SETTING, internal=("10.0.0.0/8", "fd00::/8")).address_of("10.1.2.3", 80) == "10.1.2.3"
    )
    assert (
        PublicAddresses(setting=SETTING, internal=("10.0.0.0/8",)).address_of("64:ff9b::10.1.2.3", 80)
        == "64:ff9b::a01:203"
    )
    assert PublicAddresses(setting=SETTING).address_of("64:ff9b::8.8.8.8", 80) == "64:ff9b::808:808"
    assert PublicAddresses(setting=SETTING).address_of("2606:4700::1111", 80) == "2606:4700::1111"
    with pytest.raises(Rejected):
        PublicAddresses(setting=SETTING, internal=("10.0.0.0/8", "chat.example.org")).address_of("127.0.0.1", 80)


def test_a_name_without_an_address_is_tried_again() -> None:
    with pytest.raises(Unavailable, match=r"none-such\.invalid"):
        PublicAddresses(setting=SETTING).address_of("none-such.invalid", 80)


class Mailbox:
    """A mail server's handler; `refusal` answers the recipient."""

    def __init__(self) -> None:
        self.envelopes, self.refusal = list[Envelope](), ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Keep an email."""
        self.envelopes.append(envelope)
        return "250 OK"


def _check_login(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:  # noqa: ANN401 - aiosmtpd's
    return AuthResult(success=(data.login, data.password) == (b"slip@way", b"s3:cret"), handled=False)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=port, authenticator=_check_login, auth_require_tls=False
    )
    controller.start()
    yield mailbox, port
    controller.stop()


def test_an_email_arrives(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    url = f"smtp://slip%40way:s3%3Acret@127.0.0.1:{port}"
    for _ in range(2):
        SmtpEmails(url=url, sender="slipway@example.org").send(replace(NOTE, title="a\r\nBcc: b@c.d"), MAIL)

    first, second = (message_from_bytes(one.original_content or b"", policy=policy.default) for one in box.envelopes)
    assert (first["From"], first["To"], first["Subject"]) == ("slipway@example.org", "dev@example.org", "a Bcc: b@c.d")
    assert first["Message-ID"] == second["Message-ID"] == "<n-1@example.org>"
    assert (first["Bcc"], box.envelopes[0].rcpt_tos) == (None, ["dev@example.org"])
    assert "hello: v7 is live" in first.get_content()


@pytest.mark.parametrize(
    ("refusal", "error"), [("550 no such user", Rejected), ("451 later", Unavailable), ("", Rejected)]
)
def test_a_refused_email_is_an_error_without_the_password(
    mailbox: tuple[Mailbox, int], refusal: str, error: type[Exception]
) -> None:
    box, port = mailbox
    box.refusal = refusal
    password = "s3%3Acret" if refusal else "wrong-s3cret"
    emails = SmtpEmails(url=f"smtp://slip%40way:{password}@127.0.0.1:{port}", sender="slipway@example.org")
    with pytest.raises(error) as caught:
        emails.send(NOTE, MAIL)

    assert "cret" not in str(caught.value)
    assert box.envelopes == []


def test_a_mail_server_that_is_down_is_tried_again() -> None:
    with pytest.raises(Unavailable, match=r"the mail server 127\.0\.0\.1 does not answer"):
        SmtpEmails(url="smtp://127.0.0.1:1", sender="a@b.c").send(NOTE, MAIL)


def test_without_a_mail_server_the_remedy_is_named() -> None:
    with pytest.raises(Rejected, match="SMTP_URL and SMTP_FROM"):
        SmtpEmails(url="", sender="").send(NOTE, MAIL)
