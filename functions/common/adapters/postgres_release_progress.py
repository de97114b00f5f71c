"""What was observed of releases, in the table releases; production's state on its app."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.adapters.release_rows import COLUMNS, release
from functions.common.domain.environment import PRODUCTION
from functions.common.domain.release import ReleaseState
from functions.common.ports.release_progress import Observed

_FIND = f"""
select {COLUMNS}, ended_by, coalesce((select label from environments as e
    where e.app = r.app and e.name = r.environment), '') as label
from releases as r where app = :app and environment = :environment and number = :number
"""  # noqa: S608 - the columns are a constant
_NOTE = """
update releases set step = :step, moved_at = now()
where app = :app and environment = :environment and number = :number and state = 'started' and step <> :step
"""
_FINISH = """
update releases set state = :state, step = :step, reason = :reason, ended_by = :ended_by,
    moved_at = now(), ended_at = now()
where app = :app and environment = :environment and number = :number and state = 'started' returning image, digest
"""
_RETIRE = """
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

    def note(self, app: str, environment: str, number: int, *, step: str) -> Observed | None:
        """Note how far a release is; see ReleaseProgress."""
        self.database.run(_NOTE, app=app, environment=environment, number=number, step=step)
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
    ) -> Observed | None:
        """End an unfinished release; see ReleaseProgress."""
        where = {"app": app, "environment": environment, "number": number}
        with self.database.transaction():
            given = {"state": state.value, "step": step, "reason": reason, "ended_by": ended_by}
            ended = self.database.run(_FINISH, **where, **given)
            if ended and state is ReleaseState.LIVE:
                self.database.run(_RETIRE, **where)
            if ended and environment == PRODUCTION:
                image, digest = ended[0]
                self.database.run(_APP, app=app, state=state.value, image=f"{image}@{digest}")
        return self._find(app, environment, number)

    def _find(self, app: str, environment: str, number: int) -> Observed | None:
        rows = self.database.rows(_FIND, app=app, environment=environment, number=number)
        if not rows:
            return None
        return Observed(release=release(rows[0]), label=rows[0]["label"], ended_by=rows[0]["ended_by"])
