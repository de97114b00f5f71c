"""One feed for all viewers of this process: each event is rendered once and handed to those who watch it."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from functions.common.errors import SlipwayError
from functions.common.ports.feed import AccessChanged, EventFeed, FedEvent, Notice, Notices

WAITING = 200  # events that a viewer may be behind: then its stream ends, and it resumes
SETTLE_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0

_log = logging.getLogger("slipway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Bytes for a stream, and the app that they are about; empty when they are for all who watch."""

    app: str
    content: bytes = field(repr=False)


@dataclass(eq=False, slots=True, kw_only=True)
class Viewer:
    """A stream of the events of one push, or of one app. `user` is empty for a token of the platform."""

    user: str
    push: str = ""
    app: str = ""
    waiting: queue.Queue[Message | None] = field(default_factory=lambda: queue.Queue(maxsize=WAITING))
    has_ended: bool = False

    def wants(self, event: FedEvent | Notice) -> bool:
        """Whether the stream is about this event."""
        return event.push == self.push if self.push else event.app == self.app

    def give(self, message: Message) -> None:
        """Hand the viewer a message; one that is too far behind is ended."""
        try:
            self.waiting.put_nowait(message)
        except queue.Full:
            self.end()

    def end(self) -> None:
        """End the stream; the browser resumes it, and gets what was waiting."""
        self.has_ended = True
        with suppress(queue.Full):  # the reader looks at has_ended after each message
            self.waiting.put_nowait(None)


class Hub:
    """Watches the feed while there are viewers; `render` gives the bytes of an event."""

    def __init__(self, *, feed: EventFeed, render: Callable[[FedEvent], bytes]) -> None:
        self._feed, self._render = feed, render
        self._see: Callable[[FedEvent], None] = lambda _: None
        self._viewers = set[Viewer]()
        self._lock = threading.Lock()
        self._is_watching = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def joined(self, viewer: Viewer, *, patience: float) -> Iterator[bool]:
        """Hand events to the viewer inside the block; False when the feed did not begin in time."""
        with self._lock:
            self._viewers.add(viewer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
                self._thread.start()
        try:
            yield self._is_watching.wait(patience)
        finally:
            with self._lock:
                self._viewers.discard(viewer)

    def message(self, event: FedEvent) -> Message:
        """Return an event as it is sent."""
        return Message(app=event.app, content=self._render(event))

    def see(self, call: Callable[[FedEvent], None]) -> None:
        """Set what is called with each event that someone watches, after it was handed out."""
        self._see = call

    def hand_out(self, push: str, message: Message) -> int:
        """Give a message to all who watch a push, and return how many they are."""
        with self._lock:
            watching = [viewer for viewer in self._viewers if viewer.push == push]
        for viewer in watching if message.content else ():
            viewer.give(message)
        return len(watching)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._is_over():
            try:
                self._watch()
            except SlipwayError as error:
                _log.warning("the feed is lost, viewers resume when it is back: %s", error)
            except Exception as error:  # noqa: BLE001 - the thread must live; the error's text may hold values
                _log.error("the feed failed: %s", type(error).__name__)
            pause = _FIRST_PAUSE if self._is_watching.is_set() else min(2 * pause, _LONGEST_PAUSE)
            self._is_watching.clear()
            self._end(lambda _: True)
            threading.Event().wait(pause)

    def _is_over(self) -> bool:
        """Whether nobody watches; the next viewer starts another thread."""
        with self._lock:
            if not self._viewers:
                self._thread = None
            return self._thread is None

    def _watch(self) -> None:
        """Hand out events until the feed is lost, or it is quiet and nobody watches."""
        with closing(self._feed.watch()) as feed:
            for notices in feed:
                if not self._is_watching.is_set():
                    self._is_watching.set()
                    # A transaction that began before the first notice may have seen that nobody watches.
                    threading.Timer(1.0, self._catch_up).start()
                elif not notices and not self._viewers:
                    return
                self._handle(notices)

    def _handle(self, notices: Notices) -> None:
        for user in {one.user for one in notices if isinstance(one, AccessChanged)}:
            self._end(lambda viewer, user=user: viewer.user == user)  # type: ignore[misc] # bound at once
        recorded = [one for one in notices if isinstance(one, Notice) and self._watching(one)]
        if recorded:
            self._hand_out(self._feed.load(recorded))

    def _catch_up(self) -> None:
        try:
            self._hand_out(self._feed.recent(seconds=SETTLE_SECONDS))
        except SlipwayError as error:
            _log.warning("the first events may be missing: %s", error)

    def _hand_out(self, events: Sequence[FedEvent]) -> None:
        for event in events:
            if watching := self._watching(event):
                message = self.message(event)
                for viewer in watching:
                    viewer.give(message)
                self._see(event)

    def _watching(self, event: FedEvent | Notice) -> list[Viewer]:
        with self._lock:
            return [viewer for viewer in self._viewers if viewer.wants(event)]

    def _end(self, chosen: Callable[[Viewer], bool]) -> None:
        with self._lock:
            viewers = [viewer for viewer in self._viewers if chosen(viewer)]
        for viewer in viewers:
            viewer.end()
