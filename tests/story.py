"""Writes into the database what other functions write: deliveries, pushes, builds, releases, events."""

import json
from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.events import PostgresEventLog
from functions.common.events.base import Cause, Event
from functions.common.events.envelope import Envelope, envelop

SHA = "a" * 40
KEY = "git.example.org/slipway/shop"
TIME = "2026-01-02T03:04:05+00:00"

_DELIVERY = """
insert into webhook_deliveries (provider, delivery_id, kind, headers, body, outcome, reason, sha, event_id, event,
    published_at)
values ('forgejo', :delivery, 'push', '{}', '', :outcome, :reason, :sha, :event_id, :event,
    case when :published::bool then now() end)
"""
_PUSH = """
insert into pushes (id, app, environment, repository, ref, sha, message, author, sequence, state, code, step, reason,
    ended_at)
values (:id, :app, :environment, :repository, 'refs/heads/main', :sha, 'Change it', 'dev', :sequence, :state, :code,
    :step, :reason, case when :state::text in ('live', 'failed', 'superseded', 'ignored') then now() end)
"""
_BUILD = """
insert into builds (name, app, environment, push, repository, sha, ref, sequence, state, ended_at)
values (:name, :app, 'production', :push, :repository, :sha, 'refs/heads/main', 1, :state,
    case when :state::text <> 'running' then now() end)
"""
_RELEASE = """
insert into releases (app, environment, number, kind, cause, push, sha, sequence, digest, image, processes, config,
    state, ended_at)
values (:app, :environment, :number::int, 'push', :cause, :push, :sha, :number::bigint, :digest, 'shop',
    '{"web": "run"}', :config::jsonb, :state, now())
"""
_LETTER = """
insert into dead_letters (event_id, source, type, app, push, subscriber, code, error, body)
values (:id, :source, :type, :app, :push, :subscriber, 400, :error, :body) returning id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Writes rows as the functions that own the tables do."""

    database: Postgres

    def delivery(self, delivery: str, *, outcome: str = "accepted", **row: Any) -> None:  # noqa: ANN401 - SQL values
        """Record a delivery; `event_id` makes it a push."""
        known = {"reason": "", "sha": SHA, "event_id": "", "event": None, "published": True}
        self.database.run(_DELIVERY, delivery=delivery, outcome=outcome, **{**known, **row})

    def push(self, number: str, *, app: str = "shop", state: str = "live", **row: Any) -> None:  # noqa: ANN401 - as above
        """Record a push for an app, with its state."""
        known = {"environment": "production", "repository": KEY, "sha": SHA, "code": "", "step": "", "reason": ""}
        self.database.run(_PUSH, id=number, app=app, state=state, **{**known, "sequence": 1, **row})

    def build(self, name: str, *, app: str = "shop", state: str = "succeeded", push: str = "push-1") -> None:
        """Record a build."""
        self.database.run(_BUILD, name=name, app=app, push=push, repository=KEY, sha=SHA, state=state)

    def release(
        self,
        number: int,
        *,
        state: str,
        app: str = "shop",
        environment: str = "production",
        **row: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Record a release."""
        known = {"push": "push-1", "sha": SHA, "digest": f"sha256:{number}", "config": "{}"}
        cause = f"{app}-{environment}-{number}"
        keys = {"app": app, "environment": environment, "number": number, "cause": cause, "state": state}
        self.database.run(_RELEASE, **{**known, **keys, **row})

    def event(self, event: Event, *, cause: str = "push-1") -> Envelope:
        """Record an event."""
        by = Cause(function="test", source="/slipway/test", id=cause)
        envelope = envelop(event, cause=by, time=TIME)
        PostgresEventLog(database=self.database).append(envelope, cause=cause)
        return envelope

    def dead_letter(self, envelope: Envelope, *, error: str = "no such thing", subscriber: str = "start-build") -> int:
        """Park an event."""
        extensions = envelope.extensions
        rows = self.database.run(
            _LETTER,
            id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            app=extensions.get("slipwayapp", ""),
            push=extensions.get("slipwaypush", ""),
            subscriber=subscriber,
            error=error,
            body=json.dumps(json.loads(envelope.to_json())),
        )
        return int(rows[0][0])
