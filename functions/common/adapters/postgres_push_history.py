"""What is recorded of a push and of those beside it, in the table pushes."""

from dataclasses import dataclass

from functions.common.adapters.postgres import Postgres
from functions.common.adapters.push_rows import COLUMNS, push
from functions.common.domain.push import Push, is_zero
from functions.common.ports.push_history import Base, Lineage

_RECORDED = f"select {COLUMNS} from pushes where id = :id order by app"  # noqa: S608 - a constant
# A deleted branch is a recorded push of zeros; its preview, if it had one, was opened after that again.
# The chain of pushes goes on through those that a filter ignored: they take nobody's place themselves.
_LINEAGE = """
with recursive of_app as (
    select *, state = 'ignored' and code in ('skip-ci', 'paths') as filtered
    from pushes where app = :app and repository = :repository and ref = :ref and id <> :id
    order by received_at desc limit 500 -- what is older decides nothing any more
),
reached as (
    select cast(:sha as text) as sha
    union select of_app.sha from of_app, reached where of_app.before = reached.sha and filtered
),
base as (select * from of_app where sha = :before)
select
    case when exists (select from base where state <> 'superseded' or sequence > 0) then 'settled'
        when exists (select from base) then 'dropped'
        when exists (select from of_app) then 'unknown' else 'first' end as base,
    exists (select from of_app where sha = :head and filtered) as head_ignored,
    exists (
        select from of_app, reached where of_app.before = reached.sha and of_app.sha <> :before and not filtered
    ) or cast(:makes_branch as boolean) and exists (
        select from of_app as other where trim('0' from other.sha) <> ''
            and not exists (
                select from of_app as deletion where trim('0' from deletion.sha) = ''
                    and deletion.received_at > other.received_at)
            and not exists (
                select from environments e where e.app = other.app and e.name = other.environment
                    and e.closed_at > other.received_at)
    ) as overtaken
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPushHistory:
    """PushHistory over the tables pushes and environments."""

    database: Postgres

    def recorded(self, push_id: str) -> tuple[Push, ...]:
        """Return what is recorded of a push; see PushHistory."""
        return tuple(push(row) for row in self.database.rows(_RECORDED, id=push_id))

    def lineage(self, push: Push, head: str) -> Lineage:
        """Return where the push stands; see PushHistory."""
        rows = self.database.rows(
            _LINEAGE,
            id=push.id,
            app=push.app,
            repository=push.repository,
            ref=push.ref,
            before=push.before,
            sha=push.sha,
            head=head,
            makes_branch=is_zero(push.before),
        )
        row = rows[0]
        return Lineage(base=Base(row["base"]), head_ignored=row["head_ignored"], overtaken=row["overtaken"])
