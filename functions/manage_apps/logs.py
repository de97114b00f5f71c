"""Builds, and the logs of builds and apps, which are followed by a cursor."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from threading import BoundedSemaphore
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, ValidationError

from functions.common.domain.build import BuildState, canceller
from functions.common.domain.environment import PRODUCTION
from functions.common.errors import NotFound, Unavailable
from functions.common.events.build import BuildCancelled
from functions.common.ports.audit import AuditLog
from functions.common.ports.builds import BuildCancellations, BuildHistory, BuildQueue, BuildRecord
from functions.common.ports.events import Changes
from functions.common.ports.logs import BuildLogs, LogChunk, RuntimeLogs
from functions.manage_apps.build_queue import QUEUED, Place, places_of
from functions.manage_apps.errors import Conflict, Malformed
from functions.manage_apps.models import (
    INT64,
    ChangeView,
    Moment,
    NamePage,
    NoBody,
    NoQuery,
    Offset,
    PageView,
    Query,
    View,
    next_page,
)
from functions.manage_apps.operation import Answer, Call, operation
from functions.manage_apps.request import is_text

ENDED = -1  # in a cursor: the build's log was read to its end
_WATCHED_BUILDS = 5  # the newest builds whose logs are read for new lines


class BuildPage(NamePage):
    """Builds of one environment, empty for any; `after` is the name of a build."""

    environment: str = ""


class BuildView(View):
    """A build. `seconds` run from its order to its end, or until now; `step` and `reason` say why it failed.

    One that is queued has a `position`, 1 for the next, and `reason` says what is before it.
    """

    name: str
    app: str
    environment: str
    push: str
    sha: str
    ref: str
    state: str
    digest: str
    step: str
    reason: str
    started_at: Moment
    ended_at: Moment | None
    seconds: float
    position: int = 0


class Builds(PageView):
    """Builds, newest first."""

    items: tuple[BuildView, ...]


class CancelledBuild(ChangeView):
    """The build that is being cancelled, and its push; `event` is the id of build.cancelled."""

    event: str
    build: str
    app: str
    environment: str
    push: str


class FromOffset(Query):
    """`offset` is the `next_offset` of the answer before."""

    offset: Offset = 0


class BuildLog(View):
    """Lines of a build's log; read on with offset=`next_offset` until `ended`. `reason` is the build's."""

    build: str
    state: str
    reason: str
    text: str
    next_offset: int
    ended: bool


class FromCursor(Query):
    """`cursor` is the one of the answer before; without it the answer begins with the last lines."""

    cursor: str = ""
    environment: str = PRODUCTION


class Line(View):
    """One line; `source` is build[NAME], or PROCESS.vRELEASE such as web.v3."""

    source: str
    text: str


class AppLogs(View):
    """Lines of builds and processes; read on with `cursor`."""

    lines: tuple[Line, ...]
    cursor: str


class LogCursor(View):
    """How far an app's logs were read: an offset for each build, and the cursor of RuntimeLogs."""

    model_config = ConfigDict(extra="forbid")

    builds: dict[str, Annotated[int, Field(ge=ENDED, le=INT64)]] = Field(default_factory=dict)
    runtime: str = ""

    def encode(self) -> str:
        """Return the cursor as text for a URL."""
        text = json.dumps([self.builds, self.runtime], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return the cursor. Raises Malformed when the API did not encode it."""
        try:
            padded = text + "=" * (-len(text) % 4)
            builds, runtime = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            cursor = cls.model_validate({"builds": builds, "runtime": runtime})
            if not all(map(is_text, (*cursor.builds, cursor.runtime))):
                raise ValueError(text)
        except (ValueError, TypeError, RecursionError, ValidationError) as error:
            msg = "query parameter cursor: must be the cursor of the last answer; leave it out to start at the end"
            raise Malformed(msg) from error
        return cursor


_PING = b": \n\n"  # a comment: it shows that the caller is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Sends logs as Server-Sent Events until `seconds` are over, looking for new lines after each `pause`.

    Each stream occupies a thread: `slots` are those that may be occupied.
    """

    seconds: float
    pause: float
    now: Callable[[], float]
    sleep: Callable[[float], None]
    slots: BoundedSemaphore

    def follow(self, first: AppLogs, read: Callable[[str], AppLogs]) -> Iterator[bytes]:
        """Return the events of these lines and of those that follow. Raises Unavailable when no thread is free."""
        if not self.slots.acquire(blocking=False):
            msg = "too many logs are followed at the moment: try again, or read them with `cursor`"
            raise Unavailable(msg)
        return _Stream(self._events(first, read), self.slots.release)

    def _events(self, logs: AppLogs, read: Callable[[str], AppLogs]) -> Iterator[bytes]:
        end = self.now() + self.seconds
        yield b"retry: 1000\n\n"
        while True:
            yield from (b"data: " + line.model_dump_json().encode() + b"\n\n" for line in logs.lines[:-1])
            for line in logs.lines[-1:]:
                yield f"id: {logs.cursor}\ndata: {line.model_dump_json()}\n\n".encode()
            if self.now() >= end:
                return
            if not logs.lines:
                self.sleep(self.pause)
                yield _PING
            logs = read(logs.cursor)


class _Stream(Iterator[bytes]):
    """Releases what it occupies when the server closes it, even before its first event."""

    def __init__(self, events: Iterator[bytes], release: Callable[[], None]) -> None:
        self._events, self._release, self._closed = events, release, False

    def __next__(self) -> bytes:
        return next(self._events)

    def close(self) -> None:
        """Release once; the WSGI server calls this at the end of each response."""
        if not self._closed:
            self._closed = True
            self._release()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHandlers:
    """The handlers of builds and logs."""

    builds: BuildHistory
    queue: BuildQueue
    cancellations: BuildCancellations
    changes: Changes
    audit: AuditLog
    build_logs: BuildLogs
    runtime_logs: RuntimeLogs
    streams: Streams

    @operation(BuildPage, NoBody, Builds)
    def list_builds(self, call: Call[BuildPage, NoBody]) -> Answer[Builds]:
        """List the builds of an app, newest first."""
        app, query = call.app.app.name, call.query
        records = self.builds.builds(app, environment=query.environment, before=query.after, limit=query.limit)
        items = self._views(call, records)
        return Answer(body=Builds(items=items, next=next_page(items, query.limit, lambda one: one.name)))

    @operation(NoQuery, NoBody, BuildView)
    def show_build(self, call: Call[NoQuery, NoBody]) -> Answer[BuildView]:
        """Show a build."""
        return Answer(body=self._views(call, (self._build(call),))[0])

    @operation(NoQuery, NoBody, CancelledBuild, statuses=(202,), refusals=(409,))
    def cancel_build(self, call: Call[NoQuery, NoBody]) -> Answer[CancelledBuild]:
        """Cancel a build that waits or runs: its push fails with that reason; 409 when it has ended."""
        build = self._build(call)
        app, environment, push = build.app, build.environment, build.push
        with self.changes.begin() as change:
            if not self.cancellations.cancel_by(build.name, call.actor):
                raise Conflict(_why_not(self._build(call)))
            announced = BuildCancelled(
                app=app,
                environment=environment,
                push=push,
                build=build.name,
                actor=call.actor,
                reason=f"by {call.actor}",
            )
            event = change.announce(announced, discriminator=build.name)
            self.audit.record(actor=call.actor, action="build.cancel", target=build.app, detail=build.name)
        body = CancelledBuild(event=event, build=build.name, app=app, environment=environment, push=push)
        return Answer(status=202, body=body, queued=change.queued)

    @operation(FromOffset, NoBody, BuildLog)
    def show_build_log(self, call: Call[FromOffset, NoBody]) -> Answer[BuildLog]:
        """Show a build's log from an offset on."""
        build = self._build(call)
        chunk = self._read(build, call.query.offset)
        shown = _view(build) if chunk.text else self._views(call, (build,))[0]
        body = BuildLog(
            build=build.name,
            state=shown.state,
            reason=shown.reason,
            text=chunk.text,
            next_offset=chunk.next_offset,
            ended=chunk.ended,
        )
        return Answer(body=body)

    @operation(FromCursor, NoBody, AppLogs, refusals=(422,))
    def show_app_logs(self, call: Call[FromCursor, NoBody]) -> Answer[AppLogs]:
        """Show what builds and processes of an app wrote since a cursor.

        The first answer begins with the newest build's log and the last lines of the running processes. With the header
        `Accept: text/event-stream` the lines follow as Server-Sent Events: each has a line as JSON, the last one also
        the cursor as its id. The stream ends after half a minute; EventSource, or Last-Event-ID, continues it.
        """
        app, environment = call.app.app.name, call.query.environment
        first = self._read_app(app, environment, (call.streams and call.last_event) or call.query.cursor)
        if not call.streams:
            return Answer(body=first)
        return Answer(body=first, stream=self.streams.follow(first, partial(self._read_app, app, environment)))

    def _read_app(self, app: str, environment: str, text: str) -> AppLogs:
        cursor = LogCursor.decode(text) if text else LogCursor()
        newest = self.builds.builds(app, environment=environment, before="", limit=_WATCHED_BUILDS)
        lines, offsets = self._build_lines(newest, cursor, is_first=not text)
        running = self.runtime_logs.read(app, environment, cursor.runtime)
        lines += [_process_line(line) for line in running.text.splitlines()]
        after = LogCursor(builds=offsets, runtime=running.cursor)
        return AppLogs(lines=tuple(lines), cursor=after.encode())

    def _build(self, call: Call[Any, NoBody]) -> BuildRecord:
        name = call.path["build"]
        build = self.builds.build(name)
        if build is None or not call.access.allows(build.app):
            msg = f"there is no build {name!r}: see GET /v1/apps/APP/builds"
            raise NotFound(msg)
        return build

    def _views(self, call: Call[Any, NoBody], records: tuple[BuildRecord, ...]) -> tuple[BuildView, ...]:
        """Return builds with the places of those that wait; the queue is read only when one may wait."""
        views = tuple(map(_view, records))
        if not any(view.state == BuildState.RUNNING for view in views):
            return views
        waiting = places_of(self.queue, call.access)
        return tuple(_with_place(view, waiting.get(view.name)) for view in views)

    def _build_lines(
        self, newest: tuple[BuildRecord, ...], cursor: LogCursor, *, is_first: bool
    ) -> tuple[list[Line], dict[str, int]]:
        lines, offsets = list[Line](), dict[str, int]()
        for position, build in reversed(tuple(enumerate(newest))):
            offset = cursor.builds.get(build.name, ENDED if is_first and position else 0)
            if offset != ENDED:
                chunk = self._read(build, offset)
                lines += [Line(source=f"build[{build.name}]", text=line) for line in chunk.text.splitlines()]
                offset = ENDED if chunk.ended else chunk.next_offset
            offsets[build.name] = offset
        return lines, offsets

    def _read(self, build: BuildRecord, offset: int) -> LogChunk:
        """Read on. A log without an end mark has ended when the build has ended and nothing is left to read."""
        has_ended = build.state != BuildState.RUNNING
        try:
            chunk = self.build_logs.read(build.name, offset)
        except NotFound:
            return LogChunk(text="", next_offset=offset, ended=has_ended)
        ended = chunk.ended or (has_ended and not chunk.text)
        return LogChunk(text=chunk.text, next_offset=chunk.next_offset, ended=ended)


def _view(record: BuildRecord) -> BuildView:
    """Return a build; of one that a person cancelled the reason says who."""
    view, person = BuildView.of(record), canceller(record.superseded_by)
    if not person or record.state == BuildState.FAILED:
        return view
    return view.model_copy(update={"reason": f"{'cancelled' if record.ended_at else 'being cancelled'} by {person}"})


def _why_not(build: BuildRecord) -> str:
    what = f"it was {build.state}" if build.state == BuildState.CANCELLED else f"it has {build.state}"
    ended = build.state != BuildState.RUNNING
    return f"the build {build.name} cannot be cancelled: {what if ended else 'it is being cancelled already'}"


def _with_place(view: BuildView, place: Place | None) -> BuildView:
    if view.state != BuildState.RUNNING or view.reason or place is None:
        return view
    return view.model_copy(update={"state": QUEUED, "reason": place.text, "position": place.position})


def _process_line(line: str) -> Line:
    """Turn `3-web: text` into the source web.v3 and the text."""
    name, _, text = line.partition(": ")
    release, _, process = name.partition("-")
    return Line(source=f"{process}.v{release}", text=text)
