"""Builds: their state machine and their records."""

import json
from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.build import (
    CANCELLED_BY,
    Build,
    BuildOrder,
    BuildResult,
    BuildState,
    Image,
    attempt_name,
)
from functions.common.domain.push import PushState
from functions.common.errors import Unavailable
from functions.common.ports.builds import BuildEnd, BuildRecord, BuildStart

COLUMNS = (
    "name, app, environment, push, repository, sha, ref, sequence, state, superseded_by, "
    "digest, image, processes, step, reason, log_tail"
)


def build(row: dict[str, Any]) -> Build:
    """Return the build of a row with at least COLUMNS."""
    image = Image(digest=row["digest"], reference=row["image"], processes=row["processes"]) if row["digest"] else None
    return Build(
        name=row["name"],
        app=row["app"],
        environment=row["environment"],
        push=row["push"],
        repository=row["repository"],
        sha=row["sha"],
        ref=row["ref"],
        sequence=row["sequence"],
        state=BuildState(row["state"]),
        superseded_by=row["superseded_by"],
        image=image,
        step=row["step"],
        reason=row["reason"],
        log_tail=row["log_tail"],
    )


def _end_columns(result: BuildResult) -> dict[str, str]:
    """Return the columns of a build's end."""
    return {
        "name": result.name,
        "state": result.state.value,
        "digest": result.image.digest if result.image else "",
        "image": result.image.reference if result.image else "",
        "processes": json.dumps(result.image.processes if result.image else {}),
        "step": result.step,
        "reason": result.reason,
        "log_tail": result.log_tail,
    }


# Each method is one statement: one round trip and one transaction.
#
# `gate` locks the environment's row, and so waits for a push that is being admitted: either this statement sees that
# push, or the start of that push's build sees this one's rows. The other tables are read as of the start of the
# statement. Where that may be outdated (the same commit started twice at once) nothing is written and no name is
# returned; the caller repeats it with the current number of attempts.
BEGIN = f"""
with gate as materialized (
    select state = 'open' as open, pushed_sequence, opened_at from environments
    where app = :app and name = :environment for update
),
verdict as materialized (
    select case when gate.open is null then 'the environment is gone'
        when not gate.open then 'the environment was closed'
        when gate.pushed_sequence > :sequence then 'the newer push of ' || coalesce((
            select left(sha, 12) from pushes
            where app = :app and environment = :environment and sequence = gate.pushed_sequence), 'another commit'
        ) || ' takes its place' end as overtaken,
        gate.opened_at, asked.state as push_state, asked.reason as push_reason, asked.ended_at is not null as push_ended
    from (select) as one left join gate on true
        left join pushes as asked on asked.id = :push and asked.app = :app
),
going as (select opened_at from verdict where overtaken is null and not push_ended),
attempts as materialized (
    select * from builds where app = :app and environment = :environment and sha = :sha and root = :root
),
latest as materialized (
    select attempts.*, push = :push as own, state = 'running' and superseded_by = '' as wanted
    from attempts order by push = :push desc, length(name) desc, name desc limit 1
),
fitting as materialized (
    select latest.* from latest, verdict
    where own or overtaken is null and state = 'succeeded' and started_at >= opened_at and image_claimed_at is null
),
adopted as (
    update builds set push = :push, sequence = :sequence from latest, going
    where builds.name = latest.name and latest.wanted and not latest.own
        and builds.push = latest.push and builds.state = 'running' and builds.superseded_by = ''
    returning builds.*, latest.push as displaced
),
displaced as (
    update pushes set state = 'superseded', code = 'adopted', reason = 'push ' || :push || ' takes over its build',
        moved_at = now(), ended_at = now()
    from adopted where pushes.id = adopted.displaced and pushes.app = :app and pushes.ended_at is null
    returning pushes.id
),
crowd as materialized (
    select :most::int > 0 and count(*) filter (where environment <> :environment) >= :most::int
        and count(*) filter (where environment = :environment) = 0 as is_crowded
    from builds where app = :app and state = 'running' and superseded_by = ''
),
ordered as (
    insert into builds (name, app, environment, push, repository, sha, ref, sequence, root)
    select :name, :app, :environment, :push, :repository, :sha, :ref, :sequence, :root from going
    where (select count(*) from attempts) = cast(:attempts as integer)
        and not exists (select from fitting) and not exists (select from latest where wanted)
        and not (select is_crowded from crowd)
    on conflict do nothing returning *
),
replaced as (
    update builds set superseded_by = :push from going
    where app = :app and environment = :environment and state = 'running' and superseded_by = ''
        and sequence < :sequence and (sha <> :sha or root <> :root)
    returning name
),
chosen as (
    select {COLUMNS} from ordered union all select {COLUMNS} from adopted union all select {COLUMNS} from fitting
)
select {COLUMNS}, overtaken, push_state, push_reason, push_ended, (select is_crowded from crowd) as is_crowded,
    (select count(*)::integer from attempts) as attempts,
    array(select name from replaced union select name from builds, going
        where app = :app and environment = :environment and state = 'running' and superseded_by <> ''
    ) as cancel,
    array(select id from displaced union select id from pushes
        where app = :app and environment = :environment and sequence < :sequence and sequence > 0 and sha = :sha
            and code = 'adopted' and reason = 'push ' || :push || ' takes over its build'
    ) as adopted
from verdict left join chosen on true
"""  # noqa: S608 - constants
END = f"""
with ended as (
    update builds set state = :state, digest = :digest, image = :image, processes = cast(:processes as jsonb),
        step = :step, reason = :reason, log_tail = :log_tail, ended_at = now()
    where name = :name and state = 'running' returning *
),
found as (
    select * from ended union all select * from builds where name = :name and not exists (select from ended)
)
select {COLUMNS}, (select sha from pushes where id = superseded_by and app = found.app) as successor from found
"""  # noqa: S608 - as above
CANCEL = """
with cancelled as (
    update builds set superseded_by = :cause
    where app = :app and (environment = :environment or :environment = '') and state = 'running' and superseded_by = ''
        and not exists (
            select from environments e where e.app = builds.app and e.name = builds.environment and e.state = 'open')
    returning name
)
select name from cancelled union select name from builds
where app = :app and (environment = :environment or :environment = '') and state = 'running' and superseded_by <> ''
    and not exists (
        select from environments e where e.app = builds.app and e.name = builds.environment and e.state = 'open')
order by name
"""
_CANCEL_BY = """
update builds set superseded_by = :cause where name = :name and state = 'running' and superseded_by = '' returning name
"""
UNKNOWN = """
select name from unnest(cast(:names as text[])) as asked (name)
where not exists (select from builds where builds.name = asked.name) order by name
"""


_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBuildLedger:
    """BuildLedger, BuildCancellations and BuildNames over the tables builds, environments and pushes."""

    database: Postgres

    def begin(self, order: BuildOrder, *, repository: str, sequence: int, most: int = 0) -> BuildStart:
        """Start, adopt, reuse or refuse a build; see BuildLedger."""
        values: dict[str, Any] = {"app": order.app, "environment": order.environment, "push": order.push}
        values |= {"sha": order.sha, "ref": order.ref, "repository": repository, "sequence": sequence, "most": most}
        values["root"] = order.root
        attempts = 0
        for _ in range(_TRIES):
            name = attempt_name(order.name, attempts + 1)
            row = self.database.rows(BEGIN, **values, name=name, attempts=attempts)[0]
            if row["name"] or row["overtaken"] or row["push_ended"] or row["is_crowded"]:
                return _start(row)
            attempts = row["attempts"]
        msg = f"build {order.name} is being changed by concurrent calls; try again"
        raise Unavailable(msg)

    def end(self, result: BuildResult) -> BuildEnd | None:
        """Record the end of a running build; see BuildLedger."""
        for _ in range(_TRIES):
            rows = self.database.rows(END, **_end_columns(result))
            if not rows:
                return None
            if rows[0]["state"] != BuildState.RUNNING:  # otherwise a concurrent report has just ended it
                return BuildEnd(build=build(rows[0]), successor=rows[0]["successor"] or "")
        msg = f"build {result.name} is being changed by concurrent calls; try again"
        raise Unavailable(msg)

    def cancel(self, app: str, environment: str, *, cause: str) -> tuple[str, ...]:
        """Record why running builds are cancelled; see BuildLedger."""
        return tuple(row[0] for row in self.database.run(CANCEL, app=app, environment=environment, cause=cause))

    def cancel_by(self, name: str, actor: str) -> bool:
        """Record who cancels a build; see BuildCancellations."""
        return bool(self.database.run(_CANCEL_BY, name=name, cause=f"{CANCELLED_BY}{actor}"))

    def unknown(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names that no build has; see BuildNames."""
        return tuple(row[0] for row in self.database.run(UNKNOWN, names=list(names))) if names else ()


def _start(row: dict[str, Any]) -> BuildStart:
    return BuildStart(
        build=build(row) if row["name"] else None,
        overtaken=row["overtaken"] or "",
        push_state=PushState(row["push_state"]) if row["push_state"] else None,
        push_reason=row["push_reason"] or "",
        cancel=tuple(row["cancel"]),
        adopted=tuple(row["adopted"]),
        is_crowded=row["is_crowded"] and not (row["name"] or row["overtaken"] or row["push_ended"]),
    )


_RECORD = """
select name, app, environment, push, sha, ref, state, digest, step, reason, started_at, ended_at, superseded_by,
    extract(epoch from coalesce(ended_at, now()) - started_at)::float8 as seconds
from builds
"""
_NEWEST_RECORDS = """
where app = :app and (:environment = '' or environment = :environment)
    and (:before = '' or (started_at, name) < (select started_at, name from builds where name = :before))
order by started_at desc, name desc limit :limit
"""
_RECORDS = _RECORD + _NEWEST_RECORDS
_RECORD_BY_NAME = _RECORD + "where name = :name"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBuildHistory:
    """BuildHistory over the table builds."""

    database: Postgres

    def builds(self, app: str, *, environment: str, before: str, limit: int) -> tuple[BuildRecord, ...]:
        """Return builds, newest first; see BuildHistory."""
        rows = self.database.rows(_RECORDS, app=app, environment=environment, before=before, limit=limit)
        return tuple(BuildRecord(**row) for row in rows)

    def build(self, name: str) -> BuildRecord | None:
        """Return one build; see BuildHistory."""
        rows = self.database.rows(_RECORD_BY_NAME, name=name)
        return BuildRecord(**rows[0]) if rows else None


_OF_COMMIT = """
select image, digest, processes from builds
where app = :app and sha = :sha and state = 'succeeded' and digest <> '' and image_claimed_at is null
    and root = coalesce((select root from projects where name = :app), '')
order by ended_at desc limit 1
"""
_OF_DIGEST = """
select distinct on (app) app, image, digest, processes from builds
where digest = :digest and state = 'succeeded' and image_claimed_at is null
order by app, ended_at desc
"""
_OF_BUILD = "select app, image, digest, processes from builds where name = :name and state = 'succeeded'"
_MOVING = "select exists (select from pushes where app = :app and sha = :sha and ended_at is null)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresBuiltImages:
    """BuiltImages over the tables builds and pushes."""

    database: Postgres

    def of_commit(self, app: str, sha: str) -> Image | None:
        """Return the newest image of a commit; see BuiltImages."""
        rows = self.database.run(_OF_COMMIT, app=app, sha=sha)
        return next((Image(reference=row[0], digest=row[1], processes=row[2]) for row in rows), None)

    def of_build(self, name: str) -> tuple[str, Image] | None:
        """Return the app and the image of a build; see BuiltImages."""
        rows = self.database.run(_OF_BUILD, name=name)
        return next(((row[0], Image(reference=row[1], digest=row[2], processes=row[3])) for row in rows), None)

    def of_digest(self, digest: str) -> tuple[tuple[str, Image], ...]:
        """Return who built this image; see BuiltImages."""
        rows = self.database.run(_OF_DIGEST, digest=digest)
        return tuple((row[0], Image(reference=row[1], digest=row[2], processes=row[3])) for row in rows)

    def is_moving(self, app: str, sha: str) -> bool:
        """Return whether a push of the commit has not ended; see BuiltImages."""
        return bool(self.database.run(_MOVING, app=app, sha=sha)[0][0])
