"""Streams over a real database, read as a browser reads them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.test import TestResponse

from functions.common.events.base import Event
from functions.common.platform.core import Core
from functions.common.settings import Settings
from functions.stream_events.app import compose
from tests.api_world import ApiWorld, api_world
from tests.local.waiting import until
from tests.patience import patient
from tests.story import Story

Names = list[tuple[str, str]]


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads one stream in a thread of its own."""

    answer: TestResponse
    content: bytearray = field(default_factory=bytearray)
    has_left: threading.Event = field(default_factory=threading.Event)
    has_ended: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Read until the stream ends."""
        for piece in self.answer.response:
            self.content += piece if isinstance(piece, bytes) else piece.encode()
            if self.has_left.is_set():
                break
        self.answer.close()
        self.has_ended.set()

    @property
    def text(self) -> str:
        """All that has come."""
        return bytes(self.content).decode()

    @property
    def messages(self) -> Names:
        """The name and the data of each complete message."""
        found = list[tuple[str, str]]()
        for block in self.text.split("\n\n")[:-1]:
            fields = [line.partition(": ") for line in block.splitlines()]
            names = [value for name, _, value in fields if name == "event"]
            found += [(one, "\n".join(value for name, _, value in fields if name == "data")) for one in names]
        return found

    def states(self, app: str = "shop") -> list[str]:
        """The states of the push that were shown."""
        return [data.partition('">')[2].partition("<")[0] for name, data in self.messages if name == f"state-{app}"]

    def wait(self, condition: Callable[["Reader"], bool]) -> None:
        """Wait until something has come."""
        until(lambda: condition(self), seconds=patient(10))

    def wait_for_end(self) -> None:
        """Wait until the stream has ended."""
        assert self.has_ended.wait(patient(10)), self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamWorld:
    """The streams, and the API that changes what they show."""

    flask: Flask
    api: ApiWorld
    story: Story
    readers: list[Reader] = field(default_factory=list)

    def answer(self, query: str, token: str, headers: Mapping[str, str] | None = None) -> TestResponse:
        """Ask for a stream."""
        given = {"Authorization": f"Bearer {token}", **(headers or {})}
        client = self.flask.test_client(use_cookies=False)  # they would replace the header
        return client.get(f"/dashboard/stream?{query}", headers=given, buffered=False)

    def watch(self, query: str, token: str, headers: Mapping[str, str] | None = None) -> Reader:
        """Open a stream, and wait until the feed has begun."""
        answer = self.answer(query, token, headers)
        assert answer.status_code == 200, answer.get_data()
        reader = Reader(answer=answer)
        self.readers.append(reader)
        threading.Thread(target=reader.read, daemon=True).start()
        reader.wait(lambda one: "retry: " in one.text)
        until(lambda: bool(self.api.database.run("select 1 from event_watch")), seconds=patient(10))
        return reader

    def record(self, event: Event) -> str:
        """Record an event as a function does, and return its id."""
        return self.story.event(event).id


def served(url: str, home: Path, **settings: str) -> Flask:
    """Return the streams over a database and a state folder."""
    environment = {
        "DATABASE_URL": url,
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(home),
        "SLIPWAY_STREAM_SECONDS": "60",
        "SLIPWAY_STREAM_HEARTBEAT": "1",
        **settings,
    }
    streams = compose(Core(settings=Settings(environment=environment)))
    flask = Flask("stream-events")

    def serve(path: str) -> ResponseReturnValue:
        del path
        return streams(request)

    flask.add_url_rule("/<path:path>", view_func=serve, methods=["GET", "POST"])
    return flask


@pytest.fixture
def streams(database: str, tmp_path: Path) -> Iterator[StreamWorld]:
    with api_world(database, tmp_path) as api:
        world = StreamWorld(flask=served(database, tmp_path), api=api, story=Story(database=api.database))
        yield world
        for reader in world.readers:
            reader.has_left.set()
        for reader in world.readers:
            reader.wait_for_end()
        until(lambda: not [one for one in threading.enumerate() if one.name == "log"], seconds=10)
