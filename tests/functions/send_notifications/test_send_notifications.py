"""send-notifications: one request for each channel that takes an event, and what is sent for it."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from functions.common.adapters.addresses import PublicAddresses
from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.notifications.webhooks import SignedWebhooks, SlackWebhooks
from functions.common.adapters.postgres.notifications import PostgresChannels
from functions.common.errors import Rejected, Unavailable
from functions.common.events.base import Event
from functions.common.events.build import BuildFailed
from functions.common.events.network import CertificateFailed, DnsRefused
from functions.common.events.notification import NotificationRequested
from functions.common.events.release import ReleaseFailed, ReleaseLive
from functions.common.ports.notifications import Channel, ChannelKind, NotificationType
from functions.send_notifications.handler import Sender, request_notifications
from tests.conftest import ROOT
from tests.fakes.loopback import Call, Reply, served
from tests.world import World, caused_by

KINDS = (BuildFailed, ReleaseLive, ReleaseFailed, CertificateFailed, DnsRefused)
SETTING = "SLIPWAY_NOTIFY_INTERNAL"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """Answers with `status`, and keeps what it gets."""

    def __init__(self) -> None:
        self.calls, self.status = list[Call](), 200

    def answer(self, call: Call) -> Reply:
        """Answer a call."""
        self.calls.append(call)
        return Reply(status=self.status)


class Stage:
    """send-notifications over a database, and a receiver on this machine."""

    def __init__(self, world: World, receiver: Receiver, url: str) -> None:
        self.world, self.receiver, self.url = world, receiver, url
        self.channels = PostgresChannels(database=world.database, cipher=FernetCipher())
        targets = PublicAddresses(setting=SETTING, internal=("127.0.0.0/8",))
        self.sender = Sender(
            channels=self.channels,
            log=world.log,
            messengers={
                ChannelKind.WEBHOOK: SignedWebhooks(clock=world.clock, targets=targets),
                ChannelKind.SLACK: SlackWebhooks(targets=targets),
            },
            clock=world.clock,
        )

    def add(self, name: str = "hook", **fields: object) -> None:
        """Add a channel of the app hello."""
        usual = Channel(app="hello", name=name, kind=ChannelKind.WEBHOOK, target=f"{self.url}/in", secret=SECRET)
        assert self.channels.add(replace(usual, **fields))  # type: ignore[arg-type] # fields of Channel

    def happen(self, event: Event) -> list[NotificationRequested]:
        """Record an event, handle it and return the new requests."""
        before = len(self.world.sink.sent)
        with caused_by("cause"):
            about = self.world.sink.publish(event, discriminator=str(before))
        with caused_by(about.id):
            request_notifications(event, channels=self.channels, sink=self.world.sink)
        return [NotificationRequested.model_validate(one.data) for one in self.world.sink.sent[before + 1 :]]

    def send(self, *requests: NotificationRequested) -> None:
        """Send requested notifications."""
        for number, request in enumerate(requests):
            with caused_by(f"request-{number}"):
                self.sender.send(request)


@pytest.fixture
def stage(database: str) -> Iterator[Stage]:
    world, receiver = World(database), Receiver()
    world.app()
    world.app("other", "forge.example.org/team/other")
    with served(receiver) as url:
        yield Stage(world, receiver, url)


def example(event: type[Event]) -> Event:
    found: Event = event.model_validate_json((ROOT / "schemas" / "examples" / f"{event.type}.json").read_text())
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_is_sent_to_the_channels_of_its_app_and_of_every_app(stage: Stage, kind: type[Event]) -> None:
    stage.add("own")
    stage.add("common", app="")
    stage.add("foreign", app="other")
    requests = stage.happen(example(kind).model_copy(update={"app": "hello"}))
    stage.send(*requests)

    assert [stage.channels.find(one.channel).name for one in requests] == ["own", "common"]  # type: ignore[union-attr]
    type_ = kind.type.removeprefix("dev.slipway.").removesuffix(".v1")
    assert [call.body["type"] for call in stage.receiver.calls] == [type_] * 2
    assert all(
        "hello" in call.body["data"]["text"] and "None" not in call.body["data"]["text"]
        for call in stage.receiver.calls
    )


def test_a_channel_gets_what_it_asks_for(stage: Stage) -> None:
    stage.add("errors", errors_only=True)
    stage.add("live", types=(NotificationType.RELEASE_LIVE,))
    stage.add("both", types=(NotificationType.RELEASE_LIVE, NotificationType.BUILD_FAILED), errors_only=True)

    def names(kind: type[Event]) -> list[str]:
        found = [stage.channels.find(one.channel) for one in stage.happen(example(kind))]
        return [one.name for one in found if one]

    assert names(ReleaseLive) == ["live"]
    assert names(BuildFailed) == ["both", "errors"]
    assert names(DnsRefused) == ["errors"]


def test_a_redelivered_event_gives_the_same_requests(stage: Stage) -> None:
    stage.add()
    event = example(ReleaseLive)
    for _ in range(2):
        with caused_by("one"):
            request_notifications(event, channels=stage.channels, sink=stage.world.sink)

    first, second = (envelope.id for envelope in stage.world.sink.sent)
    assert first == second


def test_neither_logs_nor_targets_are_in_what_is_published_and_sent(stage: Stage) -> None:
    stage.add(target=f"{stage.url}/token-in-the-path")
    event = BuildFailed.model_validate({**example(BuildFailed).model_dump(), "log_tail": "PASSWORD=hunter2"})
    stage.send(*stage.happen(event))

    (request,) = [one for one in stage.world.sink.sent if one.type == NotificationRequested.type]
    (call,) = stage.receiver.calls
    assert "hunter2" not in json.dumps(call.body)
    assert "token-in-the-path" not in request.to_json()
    assert SECRET not in request.to_json()


def test_a_request_for_another_apps_event_sends_nothing(stage: Stage) -> None:
    stage.add("foreign", app="other")
    (foreign,) = stage.channels.of_app("other")
    with caused_by("cause"):
        about = stage.world.sink.publish(example(ReleaseLive).model_copy(update={"app": "hello"}))
    stage.send(
        NotificationRequested(app="other", channel=foreign.id, about=about.id),
        NotificationRequested(app="other", channel=foreign.id, about="none-such"),
        NotificationRequested(app="other", channel="none-such", about=about.id),
    )

    assert stage.receiver.calls == []


def test_a_test_names_the_channel(stage: Stage) -> None:
    stage.add("night watch")
    (channel,) = stage.channels.of_app("hello")
    stage.send(NotificationRequested(app="hello", channel=channel.id))

    (call,) = stage.receiver.calls
    assert (call.body["type"], "night watch" in call.body["data"]["text"]) == ("channel.test", True)


def test_slack_gets_a_text_without_markup(stage: Stage) -> None:
    stage.add(kind=ChannelKind.SLACK, secret="")
    stage.send(*stage.happen(example(ReleaseFailed).model_copy(update={"reason": "<!channel> & more"})))

    (call,) = stage.receiver.calls
    assert set(call.body) == {"text"}
    assert "&lt;!channel&gt; &amp; more" in call.body["text"]


def test_a_receiver_that_is_gone_is_left_alone(stage: Stage) -> None:
    stage.add()
    stage.receiver.status = 410
    requests = stage.happen(example(ReleaseLive))
    stage.send(*requests, *requests)

    (channel,) = stage.channels.of_app("hello")
    assert (len(stage.receiver.calls), "410" in channel.disabled) == (1, True)
    assert stage.happen(example(BuildFailed)) == []


@pytest.mark.parametrize(
    ("status", "error"), [(500, Unavailable), (429, Unavailable), (503, Unavailable), (404, Rejected), (302, Rejected)]
)
def test_a_failed_notification_is_an_error_without_the_url(stage: Stage, status: int, error: type[Exception]) -> None:
    stage.add(target=f"{stage.url}/token-in-the-path?key=token-in-the-query")
    stage.receiver.status = status
    requests = stage.happen(example(ReleaseLive))
    with pytest.raises(error, match="the channel hook") as caught:
        stage.send(*requests)

    assert "token-in-the" not in str(caught.value)
