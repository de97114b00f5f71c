"""The queue of builds: the table platform.builds as the build runner uses it, and the reports of ended builds."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.build import BuildState
from functions.common.domain.environment import PRODUCTION
from functions.common.errors import Rejected, Unavailable
from functions.common.events.base import Cause
from functions.common.events.build import BuildEnded
from functions.common.ports.apps import Cipher, ConfigScope
from functions.local.builds.apps import Outcome
from functions.local.reports import Report, storable

LEASE_SECONDS = 30
# Who may push to an app may read, by a submodule, what its builds may: so that must be readable for each of them.
_READERS = """
not exists (
    select from app_members as mine join users as u on u.id = mine.user_id and not u.administrator
    where mine.app = builds.app and mine.role in ('deployer', 'owner') and not exists (
        select from app_members as theirs where theirs.app = p.name and theirs.user_id = mine.user_id))
"""
_READABLE = f"""
array(select p.git_key from projects as p where p.git_repo_name <> '' and p.git_key <> '' and {_READERS})
"""  # noqa: S608 - constants
_CLOSED = f"""
array(select p.git_key from projects as p join projects as own on own.name = builds.app
    where p.git_key <> '' and p.git_key <> own.git_key
        and split_part(p.git_key, '/', 1) = split_part(own.git_key, '/', 1) and not {_READERS})
"""  # noqa: S608 - constants
_CLAIM = f"""
update platform.builds set state = 'running', lease_until = now() + :lease * interval '1 second',
    process = 0, process_mark = ''
where name in (
    select name from platform.builds
    where ended_at is null and (lease_until is null or lease_until < now())
    order by sequence limit :places for update skip locked
) returning name, app, environment, push, clone_url, ref, sha, root, process, process_mark, cancelled,
    {_READABLE} as readable,
    {_CLOSED} as closed
"""  # noqa: S608 - constants
_RUNNING = """
select name, app, environment, push, clone_url, ref, sha, root, process, process_mark, cancelled
from platform.builds where state = 'running' and ended_at is null
"""
_BUILT = """
select digest, processes from platform.builds
where app = :app and sha = :sha and clone_url = :url and root = :root and config = :config and state = 'succeeded'
order by sequence desc limit 1
"""
_CONFIG = "select key, value from config_vars where app = :app and scope = :scope order by key"
_END = """
update platform.builds set state = :state, digest = :digest, processes = cast(:processes as jsonb), step = :step,
    reason = :reason, log_tail = :tail, ended_at = now(), lease_until = null
where name = :name and ended_at is null
"""
_UNREPORTED = """
select name, app, environment, push, state, digest, processes, step, reason, log_tail from platform.builds
where ended_at is not null and reported_at is null order by ended_at limit 20
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A build that was ordered; `process` is its process group, `process_mark` the start time of the group's leader.

    `readable` and `closed` are as in Sources.
    """

    name: str
    app: str
    environment: str
    push: str
    clone_url: str
    ref: str
    sha: str
    root: str = ""
    process: int = 0
    process_mark: str = ""
    cancelled: bool = False
    readable: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildConfig:
    """The config that a build sees; two builds with the same `mark` saw the same values."""

    mark: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The queue; every method may raise Unavailable."""

    database: Postgres
    cipher: Cipher

    def claim(self, places: int) -> list[Order]:
        """Lease up to `places` of the oldest orders that no runner has leased."""
        return [Order(**row) for row in self.database.rows(_CLAIM, places=places, lease=LEASE_SECONDS)]

    def running(self) -> list[Order]:
        """Return the builds that run, or ran when their runner died."""
        return [Order(**row) for row in self.database.rows(_RUNNING)]

    def requeue(self, name: str) -> None:
        """End the lease, so that the order can be claimed again."""
        self.database.run("update platform.builds set lease_until = null where name = :name", name=name)

    def record_process(self, name: str, *, process: int, mark: str, config: str) -> None:
        """Record the build's process group, so that a later runner can end it, and the mark of its config."""
        sql = "update platform.builds set process = :process, process_mark = :mark, config = :config where name = :name"
        self.database.run(sql, name=name, process=process, mark=mark, config=config)

    def config(self, order: Order) -> BuildConfig:
        """Return the config that a build of this environment has now. Raises Unavailable when it cannot be opened."""
        scope = ConfigScope.PRODUCTION if order.environment == PRODUCTION else ConfigScope.PREVIEW
        rows = self.database.run(_CONFIG, app=order.app, scope=scope.value)
        mark = hashlib.sha256(json.dumps(rows).encode()).hexdigest() if rows else ""
        try:
            return BuildConfig(mark=mark, values={key: self.cipher.open(value) for key, value in rows})
        except Rejected as error:
            msg = f"the config of {order.app}/{order.environment} cannot be read: {error}"
            raise Unavailable(msg) from error

    def renew_leases(self, names: list[str]) -> None:
        """Extend the leases of running builds."""
        sql = (
            "update platform.builds set lease_until = now() + :lease * interval '1 second' "
            "where name = any(cast(:names as text[])) and ended_at is null"
        )
        self.database.run(sql, names=names, lease=LEASE_SECONDS)

    def cancelled(self, names: list[str]) -> set[str]:
        """Return which of these builds are to be cancelled."""
        sql = "select name from platform.builds where cancelled and name = any(cast(:names as text[]))"
        return {str(row[0]) for row in self.database.run(sql, names=names)}

    def earlier_outcome(self, order: Order, config: BuildConfig) -> Outcome | None:
        """Return the outcome of the newest successful build of the same commit and folder with the same config."""
        same = {"app": order.app, "sha": order.sha, "url": order.clone_url, "root": order.root, "config": config.mark}
        rows = self.database.run(_BUILT, **same)
        return Outcome(digest=rows[0][0], processes=rows[0][1]) if rows else None

    def end(self, name: str, state: BuildState, outcome: Outcome, *, tail: str) -> None:
        """Record how the build ended; a second call changes nothing."""
        self.database.run(
            _END,
            name=name,
            state=state.value,
            digest=outcome.digest,
            processes=json.dumps(outcome.processes or {}),
            step=outcome.step,
            reason=storable(outcome.reason),
            tail=storable(tail),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReports:
    """A build.ended for each ended build, in the order of their ends."""

    database: Postgres

    def waiting(self) -> Iterable[Report]:
        """Return the reports that the broker has not accepted yet."""
        for row in self.database.rows(_UNREPORTED):
            event = _event(row)
            # A commit whose build failed may be pushed again: that is another end of the same build name.
            cause = Cause(function="builds", source="/slipway/local/builds", id=f"{event.build}/{event.push}")
            yield Report(key=event.build, cause=cause, event=event)

    def sent(self, key: str) -> None:
        """Record that the broker accepted the report."""
        self.database.run("update platform.builds set reported_at = now() where name = :name", name=key)


def _event(row: dict[str, Any]) -> BuildEnded:
    name = row.pop("name")
    image = f"local/{row['app']}" if row["digest"] else ""
    return BuildEnded(build=name, image=image, **row)
