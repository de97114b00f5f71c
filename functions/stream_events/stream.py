"""GET /dashboard/stream?push=ID or ?app=NAME: who may watch, and what the stream carries."""

import queue
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from flask import Request, Response

from functions.common.domain.tokens import digest_of
from functions.common.ports.accounts import AccessTokens, AppRole, Caller, Members, Membership
from functions.common.ports.clock import Clock
from functions.common.ports.feed import EventFeed
from functions.common.ports.limits import Strangers
from functions.stream_events.hub import Hub, Message, Viewer
from functions.stream_events.logs import LogFollower
from functions.stream_events.messages import HEARTBEAT, retry

COOKIE = "__Host-slipway-session"  # of the dashboard
_SCHEME = "bearer "
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
T = TypeVar("T")
_MOST_NUMBER = 2**63 - 1
_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A caller, and which apps the caller may see."""

    caller: Caller
    ask: Callable[[str, str], Membership | None] = field(repr=False)
    known: dict[str, Membership | None] = field(default_factory=dict)

    def sees(self, app: str, at: datetime | None = None) -> bool:
        """Whether the app, or an event of it at that time, is for the caller.

        The membership is kept: a change of members ends the stream. What happened before the app was created belongs
        to another app, which had its name.
        """
        if app not in self.known:
            self.known[app] = self._membership(app)
        membership = self.known[app]
        return membership is not None and not (at and membership.since and at < membership.since)

    def _membership(self, app: str) -> Membership | None:
        if self.caller.app not in {"", app}:
            return None
        if self.caller.sees_all:
            return Membership(role=AppRole.OWNER)
        return self.ask(app, self.caller.user) if app else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Answers requests for streams. A stream ends after `lifetime` seconds, and the browser resumes it.

    Only the threads of the pool have connections to PostgreSQL: a viewer's own thread just waits.
    """

    tokens: AccessTokens
    members: Members
    feed: EventFeed
    hub: Hub
    logs: LogFollower
    clock: Clock
    strangers: Strangers
    pool: Executor
    lifetime: float
    heartbeat: float

    def __call__(self, request: Request) -> Response:
        """Answer one request with a stream, or with why there is none."""
        push, app = request.args.get("push", ""), request.args.get("app", "")
        if request.method != "GET" or bool(push) == bool(app) or not (push + app).isprintable():
            return _refuse(400, "watch one push or one app: /dashboard/stream?push=ID or ?app=NAME")
        token = _token(request)
        caller = self._ask(self.tokens.find, digest_of(token))
        forwarded = request.headers.get("X-Forwarded-For", "")
        if caller is None and token and self._ask(self.strangers.refuse, request.remote_addr or "", forwarded):
            return _refuse(429, "too many unknown tokens: log in at /dashboard/login")
        if caller is None:
            return _refuse(401, "log in at /dashboard/login, or send the header `Authorization: Bearer TOKEN`")
        visitor = Visitor(caller=caller, ask=partial(self._ask, self.members.of_user))
        apps = (app,) if app else self._ask(self.feed.apps_of, push)
        if not any(map(visitor.sees, apps)) and not (caller.sees_all and not caller.app):
            return _refuse(404, "there is nothing to watch here")
        viewer = Viewer(user=caller.user, push=push, app=app)
        after = _number(request.headers.get("Last-Event-ID", ""))
        return Response(
            self._stream(viewer, visitor, after=after),
            headers=_HEADERS,
            content_type="text/event-stream; charset=utf-8",
        )

    def _stream(self, viewer: Viewer, visitor: Visitor, *, after: int) -> Iterator[bytes]:
        deadline = time.monotonic() + self._seconds(visitor.caller)
        # Viewers do not all come back at once when streams end together.
        yield retry(random.randint(200, 1500))  # noqa: S311 - no secret
        with self.hub.joined(viewer, patience=_START_SECONDS) as has_begun:
            if not has_begun:
                return
            if viewer.push:
                yield from self._replayed(viewer.push, visitor, after)
                for build in self._ask(self.feed.running_builds, viewer.push):
                    self.logs.join(viewer, build)
            while not viewer.has_ended and (left := deadline - time.monotonic()) > 0:
                yield from self._next(viewer, visitor, min(left, self.heartbeat))

    def _ask(self, call: Callable[..., T], *arguments: str) -> T:
        return self.pool.submit(call, *arguments).result()

    def _seconds(self, caller: Caller) -> float:
        """Return how long the stream may last: not longer than the token."""
        most = self.lifetime * random.uniform(0.9, 1)  # noqa: S311 - no secret
        if caller.expires_at is None:
            return most
        return min(most, (caller.expires_at - self.clock.now()).total_seconds())

    def _replayed(self, push: str, visitor: Visitor, after: int) -> Iterator[bytes]:
        events = self._ask(partial(self.feed.of_push, after=after), push)
        content = b"".join(
            self.hub.message(event).content for event in events if _is_for(event.app, visitor, at=event.at)
        )
        if content:
            yield content

    def _next(self, viewer: Viewer, visitor: Visitor, seconds: float) -> Iterator[bytes]:
        """Yield what is waiting in one piece, or a sign of life."""
        try:
            waiting = [viewer.waiting.get(timeout=max(seconds, 0.01))]
        except queue.Empty:
            yield HEARTBEAT
            return
        while not viewer.waiting.empty():
            waiting.append(viewer.waiting.get())
        content = b"".join(_contents(waiting, visitor))
        if content:
            yield content


def _contents(waiting: list[Message | None], visitor: Visitor) -> Iterator[bytes]:
    for one in waiting:
        if one is not None and _is_for(one.app, visitor):
            yield one.content


def _is_for(app: str, visitor: Visitor, *, at: datetime | None = None) -> bool:
    # Events before any app is known belong to the push, which the visitor may see.
    return not app or visitor.sees(app, at)


def _token(request: Request) -> str:
    header = request.headers.get("Authorization", "")
    return header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else request.cookies.get(COOKIE, "")


def _number(text: str) -> int:
    return min(int(text), _MOST_NUMBER) if text.isascii() and text.isdigit() else 0


def _refuse(status: int, text: str) -> Response:
    return Response(f"{text}\n", status, headers=_HEADERS, content_type="text/plain; charset=utf-8")
