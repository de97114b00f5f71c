"""The contract of EventSink."""

from typing import Protocol

import pytest

from functions.common.errors import Unavailable
from functions.common.events.app import AppCreated
from functions.common.ports.events import EventLog, EventSink
from tests.world import caused_by

EVENT = AppCreated(app="hello", environment="production", host="hello.apps.example.org")


class SinkWorld(Protocol):
    """A sink with its log, the events at the broker, and a switch for the broker."""

    @property
    def sink(self) -> EventSink:
        """Return the sink under test."""
        ...

    @property
    def log(self) -> EventLog:
        """Return the log that it records in."""
        ...

    def got(self) -> list[str]:
        """Return the ids of the events that the broker accepted, oldest first."""
        ...

    def down(self, *, is_down: bool) -> None:
        """Make the broker refuse everything, or accept again."""
        ...


class EventSinkContract:
    """Subclasses provide the fixture `world`."""

    def test_a_published_event_is_recorded_and_sent_under_one_id(self, world: SinkWorld) -> None:
        """The same cause gives the same id again; a discriminator gives another."""
        with caused_by("cause"):
            first, again = (world.sink.publish(EVENT) for _ in range(2))
            other = world.sink.publish(EVENT, discriminator="x")

        assert first.id == again.id != other.id
        assert world.got() == [first.id, first.id, other.id]
        found = world.log.find(first.id)
        assert found
        assert (found.type, found.data) == (EVENT.type, first.data)

    def test_an_event_that_the_broker_refuses_is_recorded_and_can_be_sent_again(self, world: SinkWorld) -> None:
        """With its own id."""
        world.down(is_down=True)
        with caused_by("cause"), pytest.raises(Unavailable):
            world.sink.publish(EVENT)
        world.down(is_down=False)
        with caused_by("cause"):
            published = world.sink.publish(EVENT)
        found = world.log.find(published.id)
        assert found
        world.sink.resend(found)

        assert world.got() == [published.id, published.id]

    def test_sending_again_fails_while_the_broker_is_down(self, world: SinkWorld) -> None:
        """And the broker gets nothing."""
        with caused_by("cause"):
            published = world.sink.publish(EVENT)
        world.down(is_down=True)
        with pytest.raises(Unavailable):
            world.sink.resend(published)

        assert world.got() == [published.id]
