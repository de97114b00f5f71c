"""Releases: their state machine, their history and their records."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.environment import PRODUCTION
from functions.common.domain.release import Limits, Release, ReleaseKind, ReleaseState
from functions.common.ports.releases import (
    AbandonedReleases,
    EnvironmentRecord,
    ObservedRelease,
    Proposal,
    ReleaseRecord,
    StartedRelease,
    StuckRelease,
    SupersededProposal,
)

COLUMNS = (
    "app, environment, number, kind, push, sha, sequence, digest, image, processes, config, state, step, reason, "
    "note, created_at"
)


def release(row: dict[str, Any]) -> Release:
    """Return the release of a row with at least COLUMNS."""
    return Release(
        app=row["app"],
        environment=row["environment"],
        number=row["number"],
        kind=ReleaseKind(row["kind"]),
        digest=row["digest"],
        image=row["image"],
        sha=row["sha"],
        push=row["push"],
        sequence=row["sequence"],
        processes=row["processes"],
        config=row["config"],
        state=ReleaseState(row["state"]),
        step=row["step"],
        reason=row["reason"],
        note=row["note"],
        created_at=row["created_at"].isoformat(),
    )


_LOCK = """
select label, state, promoted_sequence, maintenance,
    -- numbers continue after those of a deleted app of this name
    greatest(release_number, (select max(number) from releases where app = :app and environment = :environment),
        (select number from release_floors where app = :app and environment = :environment)) as release_number,
    array(select host from custom_domains where app = :app order by host) as domains,
    (select coalesce(jsonb_object_agg(process, replicas), '{}') from process_scales
        where app = :app and environment = :environment) as replicas,
    (select jsonb_build_object('cpu', cpu, 'memory', memory, 'port', port) from projects where name = :app) as limits
from environments where app = :app and name = :environment for update
"""
_FIND_STARTED = f"""
select {COLUMNS} from releases where app = :app and environment = :environment
    and (cause = :cause or (:push <> '' and kind = 'push' and push = :push and :kind = 'push'))
order by number limit 1
"""  # noqa: S608 - the columns are a constant
_SUPERSEDED_BY = f"""
select {COLUMNS} from releases
where app = :app and environment = :environment and superseded_by = :number order by number
"""  # noqa: S608 - as above
_LAST_NUMBER = """
select coalesce(max(number), 0) from (
    select number from release_floors where app = :app and environment = :environment
    union all select number from releases
    where app = :app and environment = :environment and not cast(:open as boolean)) as over
"""
_CONFIG = "select key, value from config_vars where app = :app and scope = :scope"
_SUPERSEDE = f"""
update releases set state = 'superseded', reason = :reason, superseded_by = cast(:number as integer),
    moved_at = now(), ended_at = now()
where app = :app and environment = :environment and state = 'started'
    and number <= coalesce(cast(:through as integer), number) returning {COLUMNS}
"""  # noqa: S608 - as above
_RETIRE_ALL = """
update releases set state = 'retired', moved_at = now()
where app = :app and environment = :environment and state = 'live'
    and number <= coalesce(cast(:through as integer), number)
"""
_UNDEPLOYED = """
update projects set deployment_status = 'none', deployment_image = ''
where name = :app and :environment = 'production' and not exists
    (select from releases where app = :app and environment = :environment and state = 'live')
"""
_NUMBER = """
update environments set release_number = :number, promoted_sequence = greatest(promoted_sequence, :sequence)
where app = :app and name = :environment
"""
_INSERT = f"""
insert into releases
    (app, environment, number, kind, cause, push, sha, sequence, digest, image, processes, config, note)
values (:app, :environment, :number, :kind, :cause, :push, :sha, :sequence, :digest, :image,
    cast(:processes as jsonb), cast(:config as jsonb), :note)
returning {COLUMNS}
"""  # noqa: S608 - as above


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresReleaseLedger:
    """ReleaseLedger over the tables environments, releases and config_vars."""

    database: Postgres

    def begin(self, proposal: Proposal) -> StartedRelease | SupersededProposal:
        """Start a release, or return the one that the cause has; see ReleaseLedger.

        The lock on the environment's row orders concurrent calls.
        """
        where = {"app": proposal.app, "environment": proposal.environment}
        with self.database.transaction():
            locked = self.database.rows(_LOCK, **where)
            if not locked:
                return SupersededProposal(reason=f"{proposal.app}/{proposal.environment} was deleted")
            place = locked[0]
            found = self.database.rows(
                _FIND_STARTED, **where, cause=proposal.cause, push=proposal.push, kind=proposal.kind
            )
            if found:
                started = release(found[0])
                rows = self.database.rows(_SUPERSEDED_BY, **where, number=started.number)
            elif reason := _refusal(proposal, place):
                return SupersededProposal(reason=reason)
            else:
                number = place["release_number"] + 1
                rows = self._supersede(where, number=number, reason=f"release v{number} replaced it")
                started = self._insert(proposal, place, number)
        domains = tuple(place["domains"]) if proposal.environment == PRODUCTION else ()
        superseded = tuple(release(row) for row in rows)
        return StartedRelease(
            release=started,
            label=place["label"],
            custom_domains=domains,
            superseded=superseded,
            replicas=place["replicas"],
            limits=Limits(**place["limits"]),
            maintenance=place["maintenance"],
        )

    def abandon(self, app: str, environment: str) -> AbandonedReleases:
        """Supersede the unfinished releases of a closed environment; see ReleaseLedger."""
        where = {"app": app, "environment": environment}
        with self.database.transaction():
            locked = self.database.rows(_LOCK, **where)
            is_open = bool(locked) and locked[0]["state"] == "open"
            through = self.database.run(_LAST_NUMBER, **where, open=is_open)[0][0]
            if is_open:
                return AbandonedReleases(through=through)
            rows = self._supersede(where, number=None, reason=f"{app}/{environment} was closed")
            self.database.run(_RETIRE_ALL, **where, through=None)
        return AbandonedReleases(through=through, superseded=tuple(release(row) for row in rows))

    def withdraw(self, app: str, environment: str, *, through: int) -> AbandonedReleases:
        """Supersede the releases of an undeployed environment; see ReleaseLedger."""
        where = {"app": app, "environment": environment}
        with self.database.transaction():
            self.database.rows(_LOCK, **where)
            rows = self._supersede(where, number=None, reason=f"{app}/{environment} was undeployed", through=through)
            self.database.run(_RETIRE_ALL, **where, through=through)
            self.database.run(_UNDEPLOYED, **where)
        return AbandonedReleases(through=through, superseded=tuple(release(row) for row in rows))

    def _supersede(
        self, where: dict[str, str], *, number: int | None, reason: str, through: int | None = None
    ) -> list[dict[str, Any]]:
        return self.database.rows(_SUPERSEDE, **where, number=number, reason=reason, through=through)

    def _insert(self, proposal: Proposal, place: dict[str, Any], number: int) -> Release:
        where = {"app": proposal.app, "environment": proposal.environment}
        sequence = place["promoted_sequence"] if proposal.sequence is None else proposal.sequence
        self.database.run(_NUMBER, **where, number=number, sequence=sequence)
        rows = self.database.rows(
            _INSERT,
            **where,
            number=number,
            kind=proposal.kind.value,
            cause=proposal.cause,
            push=proposal.push,
            sha=proposal.sha,
            sequence=sequence,
            digest=proposal.digest,
            image=proposal.image,
            processes=json.dumps(proposal.processes),
            config=json.dumps(self._config(proposal)),
            note=proposal.note,
        )
        return release(rows[0])

    def _config(self, proposal: Proposal) -> dict[str, str]:
        scope = PRODUCTION if proposal.environment == PRODUCTION else "preview"
        return {str(key): str(value) for key, value in self.database.run(_CONFIG, app=proposal.app, scope=scope)}


def _refusal(proposal: Proposal, place: dict[str, Any]) -> str:
    if place["state"] != "open":
        return f"{proposal.app}/{proposal.environment} is closed"
    if proposal.sequence is not None and proposal.sequence < place["promoted_sequence"]:
        return "a newer push was released first"
    return ""


_FIND_NUMBER = f"select {COLUMNS} from releases where app = :app and environment = :environment and number = :number"  # noqa: S608 - the columns are a constant
_NEWEST = f"""
select {COLUMNS} from releases
where app = :app and environment = :environment and state in ('started', 'live') order by number desc limit 1
"""  # noqa: S608 - as above
_ENVIRONMENTS = """
select name from environments where app = :app and state = 'open'
    and (name = :scope or (:scope = 'preview' and name <> 'production')) order by name
"""
_UNUSED_IMAGES = """
select distinct image, digest from releases as gone
where app = :app and environment = :environment
    and not exists (select 1 from releases as given where given.digest = gone.digest and given.kind = 'deploy')
    and not exists (select 1 from releases as kept where kept.digest = gone.digest
        and (kept.app, kept.environment) in (select app, name from environments where state = 'open'))
    and not exists (select 1 from builds as built where built.digest = gone.digest
        and (built.app, built.environment) in (select app, name from environments where state = 'open'))
order by image, digest
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresReleaseArchive:
    """ReleaseArchive over the tables releases and environments."""

    database: Postgres

    def find(self, app: str, environment: str, number: int) -> Release | None:
        """Return one release; see ReleaseArchive."""
        rows = self.database.rows(_FIND_NUMBER, app=app, environment=environment, number=number)
        return release(rows[0]) if rows else None

    def newest(self, app: str, environment: str) -> Release | None:
        """Return the newest live or unfinished release; see ReleaseArchive."""
        rows = self.database.rows(_NEWEST, app=app, environment=environment)
        return release(rows[0]) if rows else None

    def environments(self, app: str, scope: str) -> tuple[str, ...]:
        """Return the open environments of a scope; see ReleaseArchive."""
        return tuple(row[0] for row in self.database.run(_ENVIRONMENTS, app=app, scope=scope))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAbandonedImages:
    """AbandonedImages over the tables releases, builds and environments."""

    database: Postgres

    def of(self, app: str, environment: str) -> tuple[tuple[str, str], ...]:
        """Return the images that no open environment uses; see AbandonedImages."""
        rows = self.database.run(_UNUSED_IMAGES, app=app, environment=environment)
        return tuple((image, digest) for image, digest in rows)


_FIND_OBSERVED = f"""
select {COLUMNS}, ended_by, coalesce((select label from environments as e
    where e.app = r.app and e.name = r.environment), '') as label
from releases as r where app = :app and environment = :environment and number = :number
"""  # noqa: S608 - the columns are a constant
_RECORD_STEP = """
update releases set step = :step, moved_at = now()
where app = :app and environment = :environment and number = :number and state = 'started' and step <> :step
"""
_FINISH = """
update releases set state = :state, step = :step, reason = :reason, ended_by = :ended_by,
    moved_at = now(), ended_at = now()
where app = :app and environment = :environment and number = :number and state = 'started' returning image, digest
"""
_RETIRE_OLDER = """
update releases set state = 'retired', moved_at = now()
where app = :app and environment = :environment and number <> :number and state = 'live'
"""
_APP = """
update projects set deployment_status = :state,
    deployment_image = case when :state = 'live' then :image else deployment_image end
where name = :app
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresReleaseProgress:
    """ReleaseProgress over the tables releases and projects."""

    database: Postgres

    def record_step(self, app: str, environment: str, number: int, *, step: str) -> ObservedRelease | None:
        """Record the step of a release; see ReleaseProgress."""
        self.database.run(_RECORD_STEP, app=app, environment=environment, number=number, step=step)
        return self._find(app, environment, number)

    def finish(
        self,
        app: str,
        environment: str,
        number: int,
        state: ReleaseState,
        *,
        step: str = "",
        reason: str = "",
        ended_by: str = "",
    ) -> ObservedRelease | None:
        """End an unfinished release; see ReleaseProgress."""
        where = {"app": app, "environment": environment, "number": number}
        with self.database.transaction():
            given = {"state": state.value, "step": step, "reason": reason, "ended_by": ended_by}
            ended = self.database.run(_FINISH, **where, **given)
            if ended and state is ReleaseState.LIVE:
                self.database.run(_RETIRE_OLDER, **where)
            if ended and environment == PRODUCTION:
                image, digest = ended[0]
                self.database.run(_APP, app=app, state=state.value, image=f"{image}@{digest}")
        return self._find(app, environment, number)

    def _find(self, app: str, environment: str, number: int) -> ObservedRelease | None:
        rows = self.database.rows(_FIND_OBSERVED, app=app, environment=environment, number=number)
        if not rows:
            return None
        return ObservedRelease(release=release(rows[0]), label=rows[0]["label"], ended_by=rows[0]["ended_by"])


# A push may end without its release, for example when its event becomes a dead letter.
_STUCK = f"""
select {COLUMNS}, cause, now() - moved_at as idle
from releases where state = 'started' and moved_at < now() - cast(:longer_than as interval)
    and not exists (select from pushes
        where pushes.id = releases.push and pushes.app = releases.app and pushes.ended_at is null)
order by moved_at limit :limit
"""  # noqa: S608 - as above


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStuckReleases:
    """StuckReleases over the table releases."""

    database: Postgres

    def idle(self, *, longer_than: timedelta, limit: int) -> tuple[StuckRelease, ...]:
        """Return releases that may be stuck; see StuckReleases."""
        rows = self.database.rows(_STUCK, longer_than=longer_than, limit=limit)
        return tuple(StuckRelease(release=release(row), cause=row["cause"], idle=row["idle"]) for row in rows)


# The column `config` is never selected here.
_RECORD = """
select app, environment, number, kind, state, sha, push, digest, image,
    array(select jsonb_object_keys(processes) order by 1) as processes, step, reason, note, created_at, ended_at,
    extract(epoch from coalesce(ended_at, now()) - created_at)::float8 as seconds
from releases where app = :app and environment = :environment
"""
_RECORDS = _RECORD + "and (:before::bigint = 0 or number < :before::bigint) order by number desc limit :limit"
_RECORD_BY_NUMBER = _RECORD + "and number = :number"
_RETIRED = """
and state = 'retired' and number < coalesce(
    (select max(number) from releases where app = :app and environment = :environment and state = 'live'), 2147483647)
order by number desc limit 1
"""
_BEFORE_LIVE = _RECORD + _RETIRED
_ENVIRONMENT_RECORDS = """
select e.app, e.name, e.branch, e.label, e.state, e.opened_at, e.pushed_at, e.closed_at,
    coalesce((select max(number) from releases where app = e.app and environment = e.name and state = 'live'), 0)
        as release
from environments as e where e.app = :app
order by e.state = 'closed', e.name <> 'production', e.name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresReleaseHistory:
    """ReleaseHistory over the tables releases and environments."""

    database: Postgres

    def releases(self, app: str, environment: str, *, before: int, limit: int) -> tuple[ReleaseRecord, ...]:
        """Return releases, newest first; see ReleaseHistory."""
        rows = self.database.rows(_RECORDS, app=app, environment=environment, before=before, limit=limit)
        return tuple(_record(row) for row in rows)

    def rollback_target(self, app: str, environment: str, number: int) -> ReleaseRecord | None:
        """Return the release to roll back to; see ReleaseHistory."""
        if number:
            rows = self.database.rows(_RECORD_BY_NUMBER, app=app, environment=environment, number=number)
        else:
            rows = self.database.rows(_BEFORE_LIVE, app=app, environment=environment)
        return _record(rows[0]) if rows else None

    def environments(self, app: str) -> tuple[EnvironmentRecord, ...]:
        """Return the app's environments; see ReleaseHistory."""
        return tuple(EnvironmentRecord(**row) for row in self.database.rows(_ENVIRONMENT_RECORDS, app=app))


def _record(row: dict[str, Any]) -> ReleaseRecord:
    return ReleaseRecord(**{**row, "processes": tuple(row["processes"])})
