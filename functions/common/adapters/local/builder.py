"""Builder of one machine: orders are rows that the build runner reads."""

from dataclasses import dataclass

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.build import BuildOrder, BuildResult, BuildState, Image, UnfinishedBuild, check_order
from functions.common.errors import Unavailable

_START = """
insert into platform.builds (name, app, environment, push, clone_url, ref, sha, root)
values (:name, :app, :environment, :push, :clone_url, :ref, :sha, :root)
on conflict (name) do update set push = excluded.push, clone_url = excluded.clone_url, ref = excluded.ref,
    root = excluded.root,
    state = 'waiting', cancelled = false, lease_until = null, digest = '', processes = '{}', step = '', reason = '',
    log_tail = '', ordered_at = now(), ended_at = null, reported_at = null
where platform.builds.ended_at is not null and platform.builds.push <> excluded.push
"""
# A build whose lease has ended waits again: its runner has stopped.
_UNFINISHED = """
select name, app, state = 'running' and lease_until is not null as is_running from platform.builds
where ended_at is null order by 3 desc, sequence
"""
_CANCEL = """
update platform.builds set cancelled = true,
    state = case when waits then 'cancelled' else state end, ended_at = case when waits then now() end,
    step = case when waits then 'cancelled' else step end,
    reason = case when waits then 'cancelled before it began' else reason end
from (
    select name as waiting_name, state = 'waiting' and lease_until is null as waits from platform.builds
    where name = :name for update
) as found
where name = waiting_name and ended_at is null
"""
_CANCELLING = "select 1 from platform.builds where name = :name and push <> :push and cancelled and ended_at is null"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBuilder:
    """Builder and BuildQueue over the table platform.builds."""

    database: Postgres

    def start(self, order: BuildOrder) -> None:
        """Order the build; see Builder. The name of an ended build is reused for another push of its commit."""
        check_order(order)
        self.database.run(
            _START,
            name=order.name,
            app=order.app,
            environment=order.environment,
            push=order.push,
            clone_url=order.clone_url,
            ref=order.ref,
            sha=order.sha,
            root=order.root,
        )
        if self.database.run(_CANCELLING, name=order.name, push=order.push):
            msg = f"the build {order.name} of an earlier push is being cancelled: it is tried again"
            raise Unavailable(msg)

    def cancel(self, name: str) -> None:
        """Cancel a build; see Builder. One that waits ends here, whatever the runner is busy with."""
        self.database.run(_CANCEL, name=name)

    def observe(self, name: str) -> BuildResult | None:
        """Return the state of a build; see Builder."""
        columns = "app, state, digest, processes, step, reason, log_tail"
        rows = self.database.rows(f"select {columns} from platform.builds where name = :name", name=name)  # noqa: S608 - constants
        if not rows:
            return None
        row = rows[0]
        state = BuildState.RUNNING if row["state"] == "waiting" else BuildState(row["state"])
        image = None
        if row["digest"]:
            image = Image(digest=row["digest"], reference=f"local/{row['app']}", processes=row["processes"])
        return BuildResult(
            name=name, state=state, image=image, step=row["step"], reason=row["reason"], log_tail=row["log_tail"]
        )

    def unfinished(self) -> tuple[UnfinishedBuild, ...]:
        """Return the builds that run, and those that wait; see BuildQueue."""
        return tuple(UnfinishedBuild(**row) for row in self.database.rows(_UNFINISHED))
