"""resolve-app, start-build and record-build over a real database, with a forge and a builder that the test controls."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from functions.common.adapters.local.logs import LocalBuildLogs
from functions.common.adapters.postgres.apps import PostgresAppDirectory, PostgresAppIdentities
from functions.common.adapters.postgres.audit import PostgresAuditLog
from functions.common.adapters.postgres.builds import PostgresBuildLedger
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.environments import PostgresEnvironments
from functions.common.adapters.postgres.pushes import PostgresPushHistory, PostgresPushLedger
from functions.common.domain.git_url import repository_key
from functions.common.errors import Unavailable
from functions.common.events.app import AppDeleted, PreviewClosed
from functions.common.events.base import CURRENT_CAUSE, Cause, Event
from functions.common.events.build import BuildCancelled, BuildEnded, BuildRequested
from functions.common.events.envelope import Envelope, envelop
from functions.common.events.push import BranchDeleted, PullRequestClosed, PushReceived, Repository
from functions.record_build.handler import handle_end
from functions.resolve_app.close_previews import PreviewCloser
from functions.resolve_app.follow import RenameFollower
from functions.resolve_app.handler import Admission, handle_push
from functions.start_build.cancel import handle_app_deleted, handle_build_cancelled, handle_preview_closed
from functions.start_build.handler import handle_request
from tests.fakes.builder import FakeBuilder
from tests.fakes.event_sink import FakeEventSink
from tests.fakes.forge_heads import FakeForgeHeads
from tests.fakes.image_store import FakeImageStore
from tests.interruptions import Fuse

URL = "https://forge.example.org/team/hello.git"
ZERO = "0" * 40
WHEN = "2026-01-02T03:04:05+00:00"
DOMAIN = "apps.example.org"
Route = tuple[type[Event], Callable[[Any], Event | None]]


def sha(letter: str) -> str:
    """Return a commit's sha."""
    return letter * 40


def digest(letter: str) -> str:
    """Return the digest of a commit's image."""
    return "sha256:" + letter * 64


class PushWorld:
    """Deliver events with `handle` (one step) or `run` (until nothing is left); `published` is all that was sent."""

    def __init__(
        self, database: str, builds: Path = Path("no-logs"), *, previews: int = 50, most_builds: int = 25
    ) -> None:
        self._previews, self._most_builds = previews, most_builds
        self.database, self.logs = Postgres(database), LocalBuildLogs(builds=builds)
        self.heads, self.builder, self.images = FakeForgeHeads(), FakeBuilder(), FakeImageStore()
        self.sink, self.fuse = FakeEventSink(), Fuse()
        self.published: list[Envelope] = []
        self._routes = self._composed()

    def _composed(self) -> dict[str, Route]:
        fused, database = self.fuse.around, self.database
        apps, history = fused(PostgresAppDirectory(database=database)), fused(PostgresPushHistory(database=database))
        pushes, builds = fused(PostgresPushLedger(database=database)), fused(PostgresBuildLedger(database=database))
        environments, sink = fused(PostgresEnvironments(database=database)), fused(self.sink)
        heads, builder = fused(self.heads), fused(self.builder)
        places = {"environments": environments, "pushes": pushes, "sink": sink, "default_domain": DOMAIN}
        admission = Admission(**places, previews=self._previews)  # type: ignore[arg-type] # a dict for short
        closer = PreviewCloser(**places, apps=apps, heads=heads)  # type: ignore[arg-type] # as above
        build = {"builds": builds, "builder": builder}
        images = fused(self.images)
        routes: list[Route] = [
            (
                PushReceived,
                partial(
                    handle_push,
                    apps=apps,
                    history=history,
                    heads=heads,
                    admission=admission,
                    sink=sink,
                    follow=RenameFollower(
                        apps=fused(PostgresAppIdentities(database=database)),
                        names=self.heads,
                        audit=PostgresAuditLog(database=database),
                    ),
                ),
            ),
            (BranchDeleted, closer.branch_deleted),
            (PullRequestClosed, closer.pull_request_closed),
            (BuildRequested, partial(handle_request, **build, pushes=pushes, sink=sink, most=self._most_builds)),  # type: ignore[arg-type] # as above
            (BuildCancelled, partial(handle_build_cancelled, builder=builder)),
            (PreviewClosed, partial(handle_preview_closed, **build)),  # type: ignore[arg-type] # as above
            (AppDeleted, partial(handle_app_deleted, **build, names=builds)),  # type: ignore[arg-type] # as above
            (
                BuildEnded,
                partial(handle_end, builds=builds, pushes=pushes, history=history, images=images, logs=self.logs),
            ),
        ]
        return {event.type: (event, handler) for event, handler in routes}

    def app(self, name: str = "hello", *, url: str = URL, branch: str = "main", paths: tuple[str, ...] = ()) -> None:
        """Make an app."""
        sql = "insert into projects (name, git_url, git_key, branch, paths) values (:n, :u, :k, :b, :p)"
        self.database.run(sql, n=name, u=url, k=repository_key(url), b=branch, p=list(paths))

    def head(self, letter: str, branch: str = "main") -> None:
        """Set the head of a branch at the forge; an empty letter deletes the branch."""
        branches = self.heads.branches.setdefault(repository_key(URL), {})
        branches.pop(branch, None)
        if letter:
            branches[branch] = sha(letter)

    def pushed(self, identity: str, after: str, *, before: str = "", branch: str = "main", **more: Any) -> Envelope:  # noqa: ANN401 - fields of the event
        """Return the event of a push, letters standing for commits; no `before` is a new branch."""
        repository = Repository(full_name="team/hello", urls=(URL, "ssh://git@forge.example.org/team/hello.git"))
        fields: dict[str, Any] = {
            "provider": "forgejo",
            "delivery": identity,
            "repository": repository,
            "push": identity,
        }
        fields |= {"ref": f"refs/heads/{branch}", "branch": branch, "after": sha(after)}
        return self.event(PushReceived(**fields, before=sha(before) if before else ZERO, **more), identity)

    def event(self, event: Event, identity: str) -> Envelope:
        """Return an event from outside, under this id."""
        cause = Cause(function="test", source="/test", id=identity)
        return envelop(event, cause=cause, time=WHEN, identity=identity)

    def ended(self, name: str, state: str, *, letter: str = "", stored: bool = True, **more: Any) -> Envelope:  # noqa: ANN401 - as above
        """Return a builder's report."""
        image = {"digest": digest(letter), "image": "local/hello", "processes": {"web": "run"}} if letter else {}
        if letter and stored:
            self.images.images.add(("local/hello", digest(letter)))
        return self.event(BuildEnded(build=name, state=state, **image, **more), f"end-{name}-{state}")  # type: ignore[arg-type] # as above

    def handle(self, envelope: Envelope) -> list[Envelope]:
        """Deliver an event once and return the events that it caused, the reply last."""
        if envelope.type not in self._routes:
            return []
        model, handler = self._routes[envelope.type]
        cause = Cause(function=model.type, source=envelope.source, id=envelope.id)
        token, already = CURRENT_CAUSE.set(cause), len(self.sink.sent)
        try:
            reply = handler(model.model_validate(envelope.data))
        finally:
            CURRENT_CAUSE.reset(token)
            self.published += self.sink.sent[already:]
        given = self.sink.sent[already:]
        if reply is not None:
            given.append(envelop(reply, cause=cause, time=WHEN))
            self.published.append(given[-1])
        return given

    def deliver(self, envelope: Envelope) -> list[Envelope]:
        """Deliver an event as a broker does; return what to deliver next, the event itself after an interruption."""
        already = len(self.sink.sent)
        try:
            return self.handle(envelope)
        except Unavailable:
            return [*self.sink.sent[already:], envelope]

    def run(self, *envelopes: Envelope) -> None:
        """Deliver events, and the events that they cause, until none is left."""
        queue = list(envelopes)
        while queue:
            queue += self.deliver(queue.pop(0))

    def push_states(self) -> dict[tuple[str, str], str]:
        """Return (push, app) -> state."""
        return {(row[0], row[1]): row[2] for row in self.database.run("select id, app, state from pushes")}

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - SQL values
        """Return rows of the database."""
        return self.database.rows(sql, **values)
