"""Logs of builds that run: one reader for each build, whatever the number of those who watch its push."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from functions.common.errors import NotFound, SlipwayError
from functions.common.events.steps import short_name
from functions.common.ports.feed import FedEvent, RunningBuild
from functions.common.ports.logs import BuildLogs, LogChunk
from functions.stream_events.hub import Message, Viewer
from functions.stream_events.messages import Templates, message

PAUSE_SECONDS = 0.5  # builders write files, and pods, which announce nothing
MOST = 12_000  # characters that a new viewer gets; the page links to the whole log

_log = logging.getLogger("slipway")


@dataclass(slots=True, kw_only=True)
class _Followed:
    """A log that is being read: where to read on, its end so far, and whether its build has ended."""

    build: RunningBuild
    offset: int = 0
    text: str = ""
    has_ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class LogFollower:
    """Reads logs while their pushes are watched; `hand_out` gives a message to those who watch the push."""

    def __init__(
        self, *, logs: BuildLogs, templates: Templates, hand_out: Callable[[str, Message], int], pause: float
    ) -> None:
        self._logs, self._templates, self._hand_out, self._pause = logs, templates, hand_out, pause
        self._followed = dict[str, _Followed]()
        self._lock = threading.Lock()

    def follow(self, build: RunningBuild) -> None:
        """Begin to read a log, unless it is being read."""
        with self._lock:
            if build.name in self._followed:
                return
            followed = self._followed[build.name] = _Followed(build=build)
        threading.Thread(target=self._run, args=[followed], name="log", daemon=True).start()

    def join(self, viewer: Viewer, build: RunningBuild) -> None:
        """Give a viewer what was read so far; what follows comes to all viewers of the push."""
        self.follow(build)
        followed = self._followed.get(build.name)
        if followed:
            with followed.lock:
                viewer.give(self._whole(followed))

    def see(self, event: FedEvent) -> None:
        """Begin with a build that has started; read on to the end of the log of one that has ended."""
        name, build = short_name(event.type), str(event.data.get("build", ""))
        if name == "build.started" and event.push and build:
            self.follow(RunningBuild(name=build, app=event.app, push=event.push))
        elif name in {"build.ended", "build.failed"} and build in self._followed:
            self._followed[build].has_ended = True

    def _run(self, followed: _Followed) -> None:
        try:
            while self._step(followed):
                threading.Event().wait(self._pause)
        finally:
            with self._lock:
                self._followed.pop(followed.build.name, None)

    def _step(self, followed: _Followed) -> bool:
        """Hand out what is new; return whether to read on."""
        is_last = followed.has_ended
        chunk = self._read(followed)
        with followed.lock:
            # The beginning replaces what a page has: its own beginning of the same log.
            is_first = not followed.text
            followed.offset = chunk.next_offset
            followed.text = (followed.text + chunk.text)[-MOST:]
            news = self._whole(followed) if is_first and chunk.text else self._part(followed, chunk.text)
            viewers = self._hand_out(followed.build.push, news)
        return bool(viewers) and not chunk.ended and (bool(chunk.text) or not is_last)

    def _read(self, followed: _Followed) -> LogChunk:
        try:
            return self._logs.read(followed.build.name, followed.offset)
        except NotFound:  # nothing is written yet
            pass
        except SlipwayError as error:
            _log.warning("the log of %s cannot be read now: %s", followed.build.name, error)
        return LogChunk(text="", next_offset=followed.offset, ended=False)

    def _whole(self, followed: _Followed) -> Message:
        build = followed.build
        text = self._templates.render("log.html", {"app": build.app, "text": followed.text})
        return Message(app=build.app, content=message(f"log-all-{build.app}", text))

    def _part(self, followed: _Followed, text: str) -> Message:
        if not text:
            return Message(app=followed.build.app, content=b"")
        shown = self._templates.render("log_part.html", {"text": text})
        return Message(app=followed.build.app, content=message(f"log-{followed.build.app}", shown))
