"""The state machine of pushes, in the tables pushes and environments."""

from dataclasses import dataclass
from typing import Any

from functions.common.adapters.postgres import Postgres
from functions.common.adapters.push_rows import COLUMNS, parameters, push
from functions.common.adapters.sqlstate import UNIQUE_VIOLATION, sqlstate
from functions.common.domain.push import FINAL_STATES, Push, PushState
from functions.common.errors import Unavailable

_VALUES = ":id, :app, :environment, :repository, :ref, :before, :sha, :message, :author"
_INTO = "pushes (id, app, environment, repository, ref, before, sha, message, author, sequence, state"
# One statement, so one round trip. It reads the environment, then moves it on only if nobody did in
# between: the update locks the row and looks at it again. Who comes second gets no row, and tries again.
# An app that was deleted and made again goes on counting: old pushes and builds keep their place.
_ADMIT = f"""
with recorded as materialized (select {COLUMNS} from pushes where id = :id and app = :app),
place as materialized (
    select pushed_sequence, opened_at,
        greatest(pushed_sequence, (select max(sequence) from pushes where app = :app and environment = :environment))
            + 1 as next
    from environments where app = :app and name = :environment and not exists (select from recorded)
),
newest as materialized (
    select pushes.id, pushes.sha from pushes, place
    where app = :app and environment = :environment and sequence > 0 and received_at >= place.opened_at
        and state not in ('failed', 'superseded')
    order by sequence desc limit 1
),
moved as (
    update environments as e set pushed_sequence = place.next, pushed_at = now() from place
    where e.app = :app and e.name = :environment and e.pushed_sequence = place.pushed_sequence
        and not exists (select from newest where sha = :sha)
    returning e.pushed_sequence
),
admitted as (
    insert into {_INTO}) select {_VALUES}, moved.pushed_sequence, 'received' from moved returning {COLUMNS}
),
repeated as (
    insert into {_INTO}, code, reason, ended_at)
    select {_VALUES}, 0, 'ignored', 'duplicate',
        'the commit is already there: push ' || newest.id || ' of the same commit was taken before', now()
    from newest where newest.sha = :sha returning {COLUMNS}
)
select * from recorded union all select * from admitted union all select * from repeated
"""  # noqa: S608 - constants
_RECORD = f"""
with made as (
    insert into {_INTO}, code, reason, ended_at) values ({_VALUES}, 0, :state, :code, :reason, now())
    on conflict do nothing returning {COLUMNS}
)
select * from made union all select {COLUMNS} from pushes where id = :id and app = :app
"""  # noqa: S608 - as above
_ADVANCE = """
update pushes set state = :state, step = :step, reason = :reason, moved_at = now(),
    ended_at = case when cast(:final as boolean) then now() end
where id = :id and app = :app and state = any(cast(:earlier as text[]))
returning id
"""
_ORDER = (PushState.RECEIVED, PushState.BUILDING, PushState.RELEASING)
_TRIES = 50  # somebody else got through at each one


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPushLedger:
    """PushLedger over the tables pushes and environments."""

    database: Postgres

    def admit(self, push: Push) -> Push:
        """Record the push as its environment's newest; see PushLedger."""
        return self._settled(_ADMIT, parameters(push))

    def record(self, push: Push, *, code: str = "") -> Push:
        """Record a push that ends here; see PushLedger."""
        end = {"state": push.state.value, "code": code or push.code, "reason": push.reason}
        return self._settled(_RECORD, parameters(push) | end)

    def advance(self, push_id: str, app: str, state: PushState, *, step: str = "", reason: str = "") -> bool:
        """Move a push forward; see PushLedger."""
        final = state in FINAL_STATES
        earlier = [before.value for before in (_ORDER if final else _ORDER[: _ORDER.index(state)])]
        change = {"state": state.value, "step": step, "reason": reason, "final": final, "earlier": earlier}
        return bool(self.database.run(_ADVANCE, id=push_id, app=app, **change))

    def _settled(self, sql: str, values: dict[str, Any]) -> Push:
        for _ in range(_TRIES):
            try:
                rows = self.database.rows(sql, **values)
            except Exception as error:
                if sqlstate(error) != UNIQUE_VIOLATION:
                    raise
                continue  # the same push was recorded at this moment: the next look finds it
            if rows:
                return push(rows[0])
        msg = f"push {values['id']}: {values['app']}/{values['environment']} is gone or too busy; try again"
        raise Unavailable(msg)
