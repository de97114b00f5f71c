"""The platform's state for tests: a real database behind the real adapters, and a sink that keeps what it is given."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from functions.common.adapters.local.builder import LocalBuilder
from functions.common.adapters.local.deployer import LocalDeployer
from functions.common.adapters.local.network import LocalCertificates, LocalDnsZone
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.adapters.postgres.pushes import PostgresPushLedger
from functions.common.domain.push import Push, PushState
from functions.common.events.base import CURRENT_CAUSE, Cause, Event
from functions.common.events.build import ImagePublished
from functions.common.events.envelope import Envelope, envelop
from tests.fakes.clock import FakeClock
from tests.fakes.event_sink import FakeEventSink

DOMAIN = "apps.example.org"
REPOSITORY = "forge.example.org/team/hello"


def digest_of(sha: str) -> str:
    """Return a digest for a commit's image."""
    return "sha256:" + hashlib.sha256(sha.encode()).hexdigest()


@contextmanager
def caused_by(identity: str, function: str = "test") -> Iterator[None]:
    """Handle an event with this id."""
    token = CURRENT_CAUSE.set(Cause(function=function, source="/slipway/test", id=identity))
    try:
        yield
    finally:
        CURRENT_CAUSE.reset(token)


class World:
    """One test's platform."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Postgres(url)
        self.clock = FakeClock()
        self.log = PostgresEventLog(database=self.database)
        self.sink = FakeEventSink(log=self.log)
        self.pushes = PostgresPushLedger(database=self.database)
        self.deployer = LocalDeployer(database=self.database)
        self.builder = LocalBuilder(database=self.database)
        self.zone = LocalDnsZone(database=self.database)
        self.certificates = LocalCertificates(database=self.database, clock=self.clock)

    def app(self, name: str = "hello", repository: str = REPOSITORY) -> None:
        """Make an app with its production."""
        self.database.run(
            "insert into projects (name, git_url, git_key, created_at) "
            "values (:name, :url, :key, now() - interval '1 h')",
            name=name,
            url=f"https://{repository}.git",
            key=repository,
        )
        self.environment("production", "main", label=name, app=name)

    def environment(self, name: str, branch: str, *, label: str = "", app: str = "hello") -> None:
        """Make an environment that was opened an hour ago."""
        self.database.run(
            "insert into environments (app, name, branch, label, opened_at) "
            "values (:app, :name, :branch, :label, now() - interval '1 h')",
            app=app,
            name=name,
            branch=branch,
            label=label or f"{name}--{app}",
        )

    def push(self, identity: str, *, environment: str = "production", branch: str = "main", app: str = "hello") -> Push:
        """Admit a push; its sha is its id."""
        return self.pushes.admit(
            Push(
                id=identity,
                app=app,
                environment=environment,
                repository=REPOSITORY,
                ref=f"refs/heads/{branch}",
                before="",
                sha=identity,
            )
        )

    def built(self, of: ImagePublished) -> None:
        """Record the build that made an image."""
        self.database.run(
            "insert into builds (name, app, environment, push, repository, sha, ref, sequence, state, digest, image, "
            "processes) values (:name, :app, :environment, :push, :repository, :sha, :ref, :sequence, 'succeeded', "
            ":digest, :image, cast(:processes as jsonb)) on conflict do nothing",
            **{name: getattr(of, name) for name in ("app", "environment", "push", "repository", "sha", "sequence")},
            name=of.build,
            ref="refs/heads/main",
            digest=of.digest,
            image=of.image,
            processes=json.dumps(of.processes),
        )

    def state(self, push: str, app: str = "hello") -> PushState:
        """Return the state of a push."""
        rows = self.database.run("select state from pushes where id = :id and app = :app", id=push, app=app)
        return PushState(rows[0][0])

    def releases(self, environment: str = "production", app: str = "hello") -> list[tuple[int, str, str]]:
        """Return (number, kind, state) of each release."""
        sql = "select number, kind, state from releases where app = :app and environment = :environment order by number"
        return [(row[0], row[1], row[2]) for row in self.database.run(sql, app=app, environment=environment)]

    def wanted(self, environment: str = "production", app: str = "hello") -> dict[str, Any] | None:
        """Return the workload that the deployer was asked for last, None when it is removed."""
        sql = "select wanted from platform.workloads where app = :app and environment = :environment"
        rows = self.database.run(sql, app=app, environment=environment)
        return rows[0][0] if rows else None

    def record(self, event: Event, identity: str = "cause") -> Envelope:
        """Put an event into the log as if it had been sent."""
        cause = Cause(function="test", source="/slipway/test", id=identity)
        envelope = envelop(event, cause=cause, time="2026-01-02T03:04:05+00:00")
        self.log.append(envelope)
        return envelope

    def age(self, table: str, column: str, by: timedelta) -> None:
        """Move the times in a column of a table into the past."""
        self.database.run(f"update {table} set {column} = {column} - cast(:by as interval)", by=by)  # noqa: S608 - names from the tests


def image(push: Push) -> ImagePublished:
    """Return the event of a push's image."""
    return ImagePublished(
        app=push.app,
        environment=push.environment,
        push=push.id,
        repository="team/hello",
        build=f"build-{push.id}",
        sha=push.sha,
        sequence=push.sequence,
        digest=digest_of(push.sha),
        image="local/hello",
        processes={"web": "serve"},
    )
