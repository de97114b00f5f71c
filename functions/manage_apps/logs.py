"""Logs of builds and apps, followed by a cursor."""

import base64
import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from functions.common.domain.build import BuildState
from functions.common.domain.environment import PRODUCTION
from functions.common.errors import NotFound
from functions.common.ports.apps import AppRegister, Role
from functions.common.ports.builds import BuildHistory, BuildRecord
from functions.common.ports.logs import BuildLogs, LogChunk, RuntimeLogs
from functions.manage_apps.apps import found_app
from functions.manage_apps.request import PAGE, Answer, Call, Malformed, page_of
from functions.manage_apps.routing import Route
from functions.manage_apps.views import view_of

# How far somebody has read an app's logs, as a text to send back.

ENDED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCursor:
    """`builds` is build -> offset, ENDED for one that was read to its end; `runtime` is RuntimeLogs' own."""

    builds: dict[str, int] = field(default_factory=dict)
    runtime: str = ""

    def encode(self) -> str:
        """Return the cursor as text for a URL."""
        text = json.dumps([self.builds, self.runtime], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str) -> LogCursor:
    """Return the cursor that was encoded. Raises Malformed when it is none."""
    try:
        padded = text + "=" * (-len(text) % 4)
        builds, runtime = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return LogCursor(builds={str(name): int(offset) for name, offset in builds.items()}, runtime=str(runtime))
    except (ValueError, TypeError, AttributeError) as error:
        msg = "?cursor= must be the one of the last answer: leave it out to begin anew"
        raise Malformed(msg) from error


# Builds of an app.
#
# A build in answers: the fields of ports.history.BuildRecord.


def list_builds(call: Call, *, register: AppRegister, builds: BuildHistory) -> Answer:
    """Answer {"items": [build], "next"}, newest first; ?environment= narrows."""
    app, limit = found_app(register, call.path["app"]).app.name, call.limit()
    records = builds.builds(
        app, environment=call.query.get("environment", ""), before=call.query.get("after", ""), limit=limit
    )
    return page_of([view_of(record) for record in records], limit=limit, key="name")


def show_build(call: Call, *, builds: BuildHistory) -> Answer:
    """Answer the build."""
    return Answer(body=view_of(found_build(builds, call.path["build"])))


def found_build(builds: BuildHistory, name: str) -> BuildRecord:
    """Return the build with this name. Raises NotFound."""
    build = builds.build(name)
    if build is None:
        msg = f"there is no build {name!r}: see GET /v1/apps/APP/builds"
        raise NotFound(msg)
    return build


def build_routes(*, register: AppRegister, builds: BuildHistory) -> tuple[Route, ...]:
    """Return the routes of builds."""
    listed = partial(list_builds, register=register, builds=builds)
    return (
        Route("GET", "/apps/<app>/builds", Role.VIEWER, listed, PAGE | {"environment"}),
        Route("GET", "/builds/<build>", Role.VIEWER, partial(show_build, builds=builds)),
    )


# What builds and apps write, to be followed: each answer says from where to read on.

_BUILDS = 5  # as many of the newest builds are watched for lines
Line = dict[str, Any]


def build_log(call: Call, *, builds: BuildHistory, build_logs: BuildLogs) -> Answer:
    """Answer {"build", "state", "text", "next_offset", "ended"}; read on with ?offset= until it has ended."""
    build = found_build(builds, call.path["build"])
    chunk = _read(build, call.number("offset"), build_logs)
    shown = {"text": chunk.text, "next_offset": chunk.next_offset, "ended": chunk.ended}
    return Answer(body={"build": build.name, "state": build.state, **shown})


def app_logs(
    call: Call, *, register: AppRegister, builds: BuildHistory, build_logs: BuildLogs, runtime_logs: RuntimeLogs
) -> Answer:
    """Answer {"lines": [{"source": "build[NAME]" or "web.v3", "text"}], "cursor"}; read on with ?cursor=.

    The first answer begins with the newest build's log and the last lines of what runs.
    """
    app = found_app(register, call.path["app"]).app.name
    environment = call.query.get("environment", PRODUCTION)
    text = call.query.get("cursor", "")
    cursor = decode(text) if text else LogCursor()
    newest = builds.builds(app, environment=environment, before="", limit=_BUILDS)
    lines, offsets = _build_lines(newest, cursor, build_logs, first=not text)
    running = runtime_logs.read(app, environment, cursor.runtime)
    lines += [_runtime_line(line) for line in running.text.splitlines()]
    after = LogCursor(builds=offsets, runtime=running.cursor)
    return Answer(body={"lines": lines, "cursor": after.encode()})


def _build_lines(
    newest: tuple[BuildRecord, ...], cursor: LogCursor, build_logs: BuildLogs, *, first: bool
) -> tuple[list[Line], dict[str, int]]:
    lines, offsets = list[Line](), dict[str, int]()
    for position, build in reversed(tuple(enumerate(newest))):
        offset = cursor.builds.get(build.name, ENDED if first and position else 0)
        if offset != ENDED:
            chunk = _read(build, offset, build_logs)
            lines += [{"source": f"build[{build.name}]", "text": line} for line in chunk.text.splitlines()]
            offset = ENDED if chunk.ended else chunk.next_offset
        offsets[build.name] = offset
    return lines, offsets


def _read(build: BuildRecord, offset: int, build_logs: BuildLogs) -> LogChunk:
    """Read on; a log that its builder could not finish has ended when the build has and nothing is left."""
    ended = build.state != BuildState.RUNNING
    try:
        chunk = build_logs.read(build.name, offset)
    except NotFound:
        return LogChunk(text="", next_offset=offset, ended=ended)
    return LogChunk(text=chunk.text, next_offset=chunk.next_offset, ended=chunk.ended or (ended and not chunk.text))


def _runtime_line(line: str) -> Line:
    """Turn `3-web: text` into the source web.v3 and the text."""
    name, _, text = line.partition(": ")
    release, _, process = name.partition("-")
    return {"source": f"{process}.v{release}", "text": text}


def routes(
    *, register: AppRegister, builds: BuildHistory, build_logs: BuildLogs, runtime_logs: RuntimeLogs
) -> tuple[Route, ...]:
    """Return the routes of logs."""
    combined = partial(app_logs, register=register, builds=builds, build_logs=build_logs, runtime_logs=runtime_logs)
    one = partial(build_log, builds=builds, build_logs=build_logs)
    return (
        Route("GET", "/builds/<build>/log", Role.VIEWER, one, frozenset({"offset"})),
        Route("GET", "/apps/<app>/logs", Role.VIEWER, combined, frozenset({"cursor", "environment"})),
    )
